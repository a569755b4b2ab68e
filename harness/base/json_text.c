/* SPDX-License-Identifier: Apache-2.0 */
/* The strings of the pull reader. */
#include "harness/base/json_pull_inner.h"

#include <string.h>

#include "harness/base/json_keys.h"
#include "harness/base/json_token.h"
#include "harness/base/utf8.h"

enum { ESCAPE = 12 }; /* bytes of the longest one, a pair of \uXXXX */

/* A string that is taken out of the document. */
struct taken {
    char *text; /* NULL = it is passed over */
    size_t length;
};

/* Of 8 bytes: is none of them a quote, a backslash, a control character or beyond ASCII? */
static bool eight_plain(const char *at)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t x, quote, slash;
    memcpy(&x, at, sizeof x);
    quote = x ^ ones * '"';
    slash = x ^ ones * '\\';
    return !((x | (x - ones * 0x20) | (quote - ones) | (slash - ones)) & high);
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static void take(struct mlb_pull *pull, struct taken *taken, const char *from, size_t length)
{
    if (!taken->text)
        return;
    if (taken->length + length >= MLB_PULL_TEXT) {
        mlb_pull_wrong(pull, "a text of more than %d bytes", MLB_PULL_TEXT - 1);
        return;
    }
    memcpy(taken->text + taken->length, from, length);
    taken->length += length;
}

static void take_code(struct mlb_pull *pull, struct taken *taken, uint32_t code)
{
    char bytes[4];
    take(pull, taken, bytes, mlb_utf8_write(bytes, code));
}

/* From the 'u' of an escape on. */
static void pass_unicode(struct mlb_pull *pull, struct taken *taken)
{
    int32_t code = mlb_json_four_hex(pull->at + 1), low = -1;
    if (code < 0)
        mlb_pull_wrong(pull, "'\\u' is followed by four hexadecimal digits");
    else if (code == 0)
        mlb_pull_wrong(pull, "'\\u0000' in a string: text with a NUL is not taken");
    if (code <= 0)
        return;
    pull->at += 5;
    if (code < 0xd800 || code > 0xdfff) {
        take_code(pull, taken, (uint32_t)code);
        return;
    }
    if (pull->at[0] == '\\' && pull->at[1] == 'u')
        low = mlb_json_four_hex(pull->at + 2);
    if (code > 0xdbff || low < 0xdc00 || low > 0xdfff) {
        mlb_pull_wrong(pull, "'\\u%04x' is half of a character: its other half is missing",
                       (unsigned)code);
        return;
    }
    pull->at += 6;
    take_code(pull, taken, 0x10000u + (((uint32_t)code - 0xd800u) << 10) + (uint32_t)low - 0xdc00u);
}

static void pass_escape(struct mlb_pull *pull, struct taken *taken)
{
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    mlb_pull_need(pull, ESCAPE);
    pull->at++;
    const char *letter = *pull->at ? strchr(letters, *pull->at) : NULL;
    if (letter) {
        pull->at++;
        take(pull, taken, &bytes[letter - letters], 1);
    } else if (*pull->at == 'u') {
        pass_unicode(pull, taken);
    } else if (!mlb_pull_no_text(pull, "a text")) {
        struct mlb_found found = mlb_json_found(pull->at);
        mlb_pull_wrong(
            pull,
            "a backslash before %s is no escape of JSON; a backslash itself is written '\\\\'",
            found.text);
    }
}

/* What is no plain byte, but for the closing quote. */
static void pass_special(struct mlb_pull *pull, struct taken *taken)
{
    unsigned char c = (unsigned char)*pull->at;
    if (c == '\\') {
        pass_escape(pull, taken);
    } else if (!mlb_pull_no_text(pull, "a text")) {
        if (c == '\n' || c == '\r') {
            mlb_pull_wrong(pull, "a text is not closed on its line with '\"'");
        } else if (c >= 0x80) {
            const char *from = pull->at;
            pull->at += mlb_utf8_length(from);
            take(pull, taken, from, (size_t)(pull->at - from));
        } else if (c) {
            mlb_pull_wrong(pull, "control character in a text; write \\u%04x", c);
        }
    }
}

void mlb_pull_pass_string(struct mlb_pull *pull, char *text)
{
    struct taken taken = {text, 0};
    pull->at++;
    for (;;) {
        const char *from = pull->at;
        while (pull->end - pull->at >= 8 && eight_plain(pull->at))
            pull->at += 8;
        while (is_plain(*pull->at))
            pull->at++;
        take(pull, &taken, from, (size_t)(pull->at - from));
        if (*pull->at == '"' || pull->err.status)
            break;
        pass_special(pull, &taken);
    }
    pull->at += *pull->at == '"';
    if (text)
        text[pull->err.status ? 0 : taken.length] = '\0';
}
