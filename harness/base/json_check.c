/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/json_check.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/json_keys.h"
#include "harness/base/json_token.h"
#include "harness/base/utf8.h"

struct scan {
    const char *name;
    char *at; /* next character; *end is a zero */
    const char *end;
    size_t line;      /* of `at`, from 1 */
    size_t depth;     /* containers that are open */
    const char *kind; /* of the innermost one: "list", "object" */
    size_t opened;    /* its line */
    struct mlb_json_keys keys;
    struct mlb_error *err;
};

static enum mlb_status wrong(struct scan *scan, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum mlb_status wrong(struct scan *scan, size_t line, const char *format, ...)
{
    char text[MLB_ERROR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return mlb_fail(scan->err, MLB_E_CONFIG, "%s:%zu: %s", scan->name, line, text);
}

static bool at_end(const struct scan *scan)
{
    return scan->at == scan->end;
}

static enum mlb_status ended(struct scan *scan)
{
    size_t line = scan->line - (scan->line > 1 && scan->end[-1] == '\n');
    if (scan->depth == 0)
        return wrong(scan, line, "nothing in it; a JSON value is expected");
    return wrong(scan, line, "unexpected end of file inside the %s that begins at line %zu",
                 scan->kind, scan->opened);
}

/* From "//" or the start of a block comment on. */
static enum mlb_status blank_comment(struct scan *scan)
{
    size_t begin = scan->line;
    bool block = scan->at[1] == '*';
    const char *stop = scan->at + 2;
    while (*stop && (block ? stop[0] != '*' || stop[1] != '/' : *stop != '\n'))
        stop++;
    if (block && !*stop)
        return wrong(scan, begin, "the comment that begins here is not closed with */");
    stop += block ? 2 : 0;
    for (; scan->at < stop; scan->at++) {
        scan->line += *scan->at == '\n';
        if (*scan->at != '\n' && *scan->at != '\r')
            *scan->at = ' ';
    }
    return MLB_OK;
}

static enum mlb_status skip_blanks(struct scan *scan)
{
    for (;; scan->at++) {
        while (*scan->at == '/' && (scan->at[1] == '/' || scan->at[1] == '*')) {
            enum mlb_status status = blank_comment(scan);
            if (status)
                return status;
        }
        if (*scan->at == '#')
            return wrong(scan, scan->line, "'#' begins no comment here; // and /* */ do");
        if (*scan->at == '\n')
            scan->line++;
        else if (*scan->at != ' ' && *scan->at != '\t' && *scan->at != '\r')
            return MLB_OK;
    }
}

/* From the 'u' of an escape on. */
static enum mlb_status scan_unicode(struct scan *scan)
{
    int32_t code = mlb_json_four_hex(scan->at + 1);
    if (code < 0)
        return wrong(scan, scan->line, "'\\u' is followed by four hexadecimal digits");
    if (code == 0)
        return wrong(scan, scan->line, "'\\u0000' in a string: text with a NUL is not taken");
    scan->at += 5;
    if (code < 0xd800 || code > 0xdfff)
        return MLB_OK;
    int32_t low = scan->at[0] == '\\' && scan->at[1] == 'u' ? mlb_json_four_hex(scan->at + 2) : -1;
    if (code > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return wrong(scan, scan->line,
                     "'\\u%04x' is half of a character: its other half is missing", (unsigned)code);
    scan->at += 6;
    return MLB_OK;
}

static enum mlb_status scan_escape(struct scan *scan)
{
    scan->at++;
    if (*scan->at == 'u')
        return scan_unicode(scan);
    if (*scan->at && strchr("\"\\/bfnrt", *scan->at)) {
        scan->at++;
        return MLB_OK;
    }
    if (isprint((unsigned char)*scan->at))
        return wrong(scan, scan->line,
                     "'\\%c' is no escape of JSON; a backslash itself is written '\\\\'",
                     *scan->at);
    return wrong(scan, scan->line, "a backslash at the end of a line; it is written '\\\\'");
}

/* From the opening quote on. */
static enum mlb_status scan_string(struct scan *scan)
{
    scan->at++;
    for (;;) {
        unsigned char c = (unsigned char)*scan->at;
        if (c == '"') {
            scan->at++;
            return MLB_OK;
        }
        if (at_end(scan))
            return wrong(scan, scan->line, "unexpected end of file inside a string");
        if (c == '\n' || c == '\r')
            return wrong(scan, scan->line, "a string is not closed on its line with '\"'");
        if (c < 0x20)
            return wrong(scan, scan->line, "control character in a string; write \\u%04x%s", c,
                         c == '\t' ? " or \\t" : "");
        if (c != '\\') {
            scan->at++;
            continue;
        }
        enum mlb_status status = scan_escape(scan);
        if (status)
            return status;
    }
}

static enum mlb_status scan_number(struct scan *scan)
{
    size_t length = mlb_json_number_length(scan->at);
    struct mlb_found found = mlb_json_found(scan->at);
    if (length == 0)
        return wrong(scan, scan->line,
                     "%s is not a number of JSON, which has the form -12.5e3 (no leading zero, "
                     "digits on both sides of the point)",
                     found.text);
    if (length > MLB_JSON_NUMBER)
        return wrong(scan, scan->line, "the number %s has more than %d characters", found.text,
                     MLB_JSON_NUMBER);
    if (!isfinite(mlb_json_number(scan->at, length)))
        return wrong(scan, scan->line, "the number %s is too large", found.text);
    scan->at += length;
    return MLB_OK;
}

static enum mlb_status scan_word(struct scan *scan)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if (strncmp(scan->at, words[i], length) == 0 && !mlb_json_is_word(scan->at[length])) {
            scan->at += length;
            return MLB_OK;
        }
    }
    if (*scan->at == '\'')
        return wrong(scan, scan->line, "text is written in double quotes, not in single ones");
    struct mlb_found found = mlb_json_found(scan->at);
    return wrong(scan, scan->line,
                 "expected a value (\"text\", number, true, false, null, list or object), found %s",
                 found.text);
}

/* The innermost object ends: its keys are those from `first` on. */
static enum mlb_status close_keys(struct scan *scan, size_t first)
{
    struct mlb_json_key again, before;
    if (!mlb_json_keys_close(&scan->keys, first, &again, &before))
        return MLB_OK;
    struct mlb_found found = mlb_json_found_string(again.at);
    return wrong(scan, again.line, "key %s stands twice in one object, before at line %zu",
                 found.text, before.line);
}

/* From the opening quote of a key to behind its colon. */
static enum mlb_status scan_key(struct scan *scan)
{
    if (*scan->at != '"') {
        struct mlb_found found = mlb_json_found(scan->at);
        return wrong(scan, scan->line, "expected a key in double quotes, found %s", found.text);
    }
    struct mlb_json_key key = {scan->at + 1, scan->line};
    enum mlb_status status = scan_string(scan);
    if (status)
        return status;
    if (!mlb_json_keys_add(&scan->keys, key)) /* not before it is known to be well-formed */
        return mlb_fail(scan->err, MLB_E_NOMEM, "%s:%zu: out of memory for keys", scan->name,
                        key.line);
    status = skip_blanks(scan);
    if (status)
        return status;
    if (at_end(scan))
        return ended(scan);
    if (*scan->at != ':') {
        struct mlb_found found = mlb_json_found(scan->at), name = mlb_json_found_string(key.at);
        return wrong(scan, scan->line, "expected ':' after the key %s, found %s", name.text,
                     found.text);
    }
    scan->at++;
    return skip_blanks(scan);
}

static enum mlb_status scan_value(struct scan *scan);

/* Behind an item: a comma, and then another item stands at scan->at; or the closing bracket. */
static enum mlb_status scan_separator(struct scan *scan, char close, bool *more)
{
    size_t ends = scan->line;
    enum mlb_status status = skip_blanks(scan);
    if (status)
        return status;
    if (at_end(scan))
        return ended(scan);
    *more = *scan->at != close;
    if (*more && *scan->at != ',') {
        struct mlb_found found = mlb_json_found(scan->at);
        return wrong(scan, scan->line,
                     "expected ',' or '%c' after the value that ends at line %zu, "
                     "found %s",
                     close, ends, found.text);
    }
    size_t comma = scan->line;
    scan->at++;
    if (!*more)
        return MLB_OK;
    status = skip_blanks(scan);
    if (!status && *scan->at == close)
        return wrong(scan, comma, "a comma before '%c': none is allowed after the last value",
                     close);
    return status;
}

static enum mlb_status scan_items(struct scan *scan, char close)
{
    scan->at++;
    enum mlb_status status = skip_blanks(scan);
    if (!status && *scan->at == close) {
        scan->at++;
        return MLB_OK;
    }
    bool more = true;
    while (!status && more) {
        if (at_end(scan))
            return ended(scan);
        if (close == '}')
            status = scan_key(scan);
        if (!status)
            status = scan_value(scan);
        if (!status)
            status = scan_separator(scan, close, &more);
    }
    return status;
}

static enum mlb_status scan_container(struct scan *scan)
{
    if (scan->depth == MLB_JSON_DEPTH)
        return wrong(scan, scan->line, "lists and objects nested deeper than %d", MLB_JSON_DEPTH);
    bool object = *scan->at == '{';
    const char *outer_kind = scan->kind;
    size_t outer_opened = scan->opened, first_key = scan->keys.count;
    scan->kind = object ? "object" : "list";
    scan->opened = scan->line;
    scan->depth++;
    enum mlb_status status = scan_items(scan, object ? '}' : ']');
    if (!status && object)
        status = close_keys(scan, first_key);
    scan->depth--;
    scan->kind = outer_kind;
    scan->opened = outer_opened;
    return status;
}

static enum mlb_status scan_value(struct scan *scan)
{
    if (at_end(scan))
        return ended(scan);
    switch (*scan->at) {
    case '{':
    case '[':
        return scan_container(scan);
    case '"':
        return scan_string(scan);
    case '+':
    case '-':
    case '.':
        return scan_number(scan);
    default:
        return isdigit((unsigned char)*scan->at) ? scan_number(scan) : scan_word(scan);
    }
}

static enum mlb_status scan_document(struct scan *scan)
{
    enum mlb_status status = skip_blanks(scan);
    size_t begins = scan->line;
    if (!status)
        status = scan_value(scan);
    if (!status)
        status = skip_blanks(scan);
    if (status || at_end(scan))
        return status;
    struct mlb_found found = mlb_json_found(scan->at);
    return wrong(scan, scan->line,
                 "unexpected %s after the end of the value that begins at line %zu", found.text,
                 begins);
}

/* Bytes that no text has, and the encodings that people save by accident. */
static enum mlb_status check_encoding(struct scan *scan, size_t length)
{
    const char *text = scan->at;
    if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        return wrong(scan, 1, "the file is UTF-16; save it as UTF-8");
    const char *zero = memchr(text, 0, length);
    const char *bad = mlb_utf8_invalid(text, zero ? (size_t)(zero - text) : length);
    if (!bad && !zero)
        return MLB_OK;
    size_t line = 1;
    for (const char *c = text; c < (bad ? bad : zero); c++)
        line += *c == '\n';
    if (!bad)
        return wrong(scan, line, "a NUL byte: the file is not text, or was not written to its end");
    return wrong(scan, line, "byte 0x%02x is not UTF-8", (unsigned)(unsigned char)*bad);
}

enum mlb_status mlb_json_check(const char *name, char *text, size_t length, struct mlb_error *err)
{
    struct scan scan = {.name = name, .at = text, .end = text + length, .line = 1, .err = err};
    enum mlb_status status = check_encoding(&scan, length);
    if (!status && strncmp(text, "\xef\xbb\xbf", 3) == 0)
        memset(text, ' ', 3);
    if (!status)
        status = scan_document(&scan);
    mlb_json_keys_free(&scan.keys);
    return status;
}
