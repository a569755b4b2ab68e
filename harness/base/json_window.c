/* SPDX-License-Identifier: Apache-2.0 */
/* A window of the document moves over it: what was read leaves at its beginning, and a token that
 * its end cuts is read once more of the file stands behind it. A zero follows the window, so that
 * loops over bytes need no other bound. */
#include "harness/base/json_pull_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/base/json_token.h"
#include "harness/base/utf8.h"

enum {
    WINDOW = 256 << 10, /* bytes: stays in a core's cache, and few calls of read(2) */
    LEAST = 256,        /* more than any look ahead */
    PADDING = 16        /* zeros behind it: the longest look ahead of a check */
};

/* Blocks whose count fits a byte: compilers then count 16 bytes or more with one instruction. */
static size_t line_of(const struct mlb_pull *pull, const char *place)
{
    enum { BLOCK = 240 };
    size_t line = pull->line;
    const char *at = pull->window;
    for (; place - at >= BLOCK; at += BLOCK) {
        uint8_t lines = 0;
        for (size_t i = 0; i < BLOCK; i++)
            lines = (uint8_t)(lines + (at[i] == '\n'));
        line += lines;
    }
    for (; at < place; at++)
        line += *at == '\n';
    return line;
}

/* Keeps the error, unless there is one. From then on the document has nothing more, so that every
 * call finds its end. */
static void keep_error(struct mlb_pull *pull, enum mlb_status status, const char *text)
{
    if (pull->err.status)
        return;
    mlb_fail(&pull->err, status, "%s%s", pull->name, text);
    pull->at = pull->end = pull->window;
    *pull->end = '\0';
    pull->value = NULL;
    pull->ended = true;
}

static void keep_error_at(struct mlb_pull *pull, size_t line, const char *format, va_list arguments)
{
    char text[MLB_ERROR_TEXT];
    int length = snprintf(text, sizeof text, ":%zu: ", line);
    vsnprintf(text + length, sizeof text - (size_t)length, format, arguments);
    keep_error(pull, MLB_E_CONFIG, text);
}

void mlb_pull_wrong(struct mlb_pull *pull, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    keep_error_at(pull, line_of(pull, pull->at), format, arguments);
    va_end(arguments);
}

size_t mlb_pull_line(const struct mlb_pull *pull)
{
    return pull->value ? line_of(pull, pull->value) : pull->value_line;
}

void mlb_pull_fail(struct mlb_pull *pull, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    keep_error_at(pull, mlb_pull_line(pull), format, arguments);
    va_end(arguments);
}

bool mlb_pull_failed(const struct mlb_pull *pull)
{
    return pull->err.status != MLB_OK;
}

void mlb_pull_keep(struct mlb_pull *pull)
{
    if (!pull->copy || pull->err.status || pull->at == pull->copied)
        return;
    size_t length = (size_t)(pull->at - pull->copied);
    if (length > pull->copy_limit - pull->copy->length)
        mlb_pull_fail(pull, "a value of more than %zu bytes", pull->copy_limit);
    else
        mlb_text_addf(pull->copy, "%.*s", (int)length, pull->copied);
    pull->copied = pull->at;
}

static ssize_t read_more(struct mlb_pull *pull, char *to, size_t room)
{
    if (pull->fd >= 0)
        return mlb_file_read_some(pull->fd, to, room);
    size_t count = pull->rest_length < room ? pull->rest_length : room;
    memcpy(to, pull->rest, count);
    pull->rest += count;
    pull->rest_length -= count;
    return (ssize_t)count;
}

/* False at the end of the document, or when it cannot be read. */
static bool refill(struct mlb_pull *pull)
{
    mlb_pull_keep(pull);
    if (pull->ended)
        return false;
    if (pull->value) {
        pull->value_line = line_of(pull, pull->value);
        pull->value = NULL;
    }
    pull->line = line_of(pull, pull->at);
    pull->before = pull->at > pull->window ? pull->at[-1] : pull->before;
    size_t kept = (size_t)(pull->end - pull->at);
    memmove(pull->window, pull->at, kept);
    pull->at = pull->window;
    pull->copied = pull->window;
    ssize_t count = read_more(pull, pull->window + kept, pull->room - kept);
    pull->end = pull->window + kept + (count > 0 ? count : 0);
    memset(pull->end, 0, PADDING);
    pull->ended = count <= 0;
    if (count < 0) {
        char reason[128];
        mlb_format(reason, sizeof reason, ": cannot read: %s", strerror(errno));
        keep_error(pull, MLB_E_IO, reason);
    }
    return count > 0;
}

void mlb_pull_fetch(struct mlb_pull *pull, size_t count)
{
    while ((size_t)(pull->end - pull->at) < count && refill(pull))
        ;
}

bool mlb_pull_at_end(struct mlb_pull *pull)
{
    return pull->at == pull->end && !refill(pull);
}

/* Told at the last line that has something: a line end at the very end begins none. */
void mlb_pull_cut_off(struct mlb_pull *pull, const char *inside)
{
    char last = pull->at > pull->window ? pull->at[-1] : pull->before;
    pull->line -= last == '\n';
    if (pull->depth == 0 && strcmp(inside, "the document") == 0)
        mlb_pull_wrong(pull, "nothing in it; a JSON value is expected");
    mlb_pull_wrong(pull, "cut off: the file ends inside %s", inside);
}

bool mlb_pull_no_text(struct mlb_pull *pull, const char *inside)
{
    if (mlb_pull_at_end(pull))
        mlb_pull_cut_off(pull, inside);
    else if (*pull->at == '\0')
        mlb_pull_wrong(pull, "a NUL byte: the file is not text, or was not written to its end");
    else if (mlb_pull_need(pull, 4), mlb_utf8_length(pull->at) == 0)
        mlb_pull_wrong(pull, "byte 0x%02x is not UTF-8", (unsigned)(unsigned char)*pull->at);
    return pull->err.status != MLB_OK;
}

void mlb_pull_expected(struct mlb_pull *pull, const char *what)
{
    if (mlb_pull_no_text(pull, pull->depth ? "a list or an object" : "the document"))
        return;
    mlb_pull_need(pull, sizeof(struct mlb_found));
    struct mlb_found found = mlb_json_found(pull->at);
    mlb_pull_wrong(pull, "expected %s, found %s", what, found.text);
}

/* One character of a comment, whatever it is. */
static bool pass_character(struct mlb_pull *pull)
{
    if (mlb_pull_no_text(pull, "a comment"))
        return false;
    pull->at += mlb_utf8_length(pull->at);
    return true;
}

/* From a '/' on; false when it begins no comment. */
static bool pass_comment(struct mlb_pull *pull)
{
    mlb_pull_need(pull, 2);
    bool block = pull->at[1] == '*';
    if (!block && pull->at[1] != '/')
        return false;
    pull->at += 2;
    for (;;) {
        mlb_pull_need(pull, 2);
        if (block && pull->at[0] == '*' && pull->at[1] == '/')
            break;
        if (!block && (*pull->at == '\n' || mlb_pull_at_end(pull)))
            break;
        if (!pass_character(pull))
            return false;
    }
    pull->at += block ? 2 : 0;
    return true;
}

static bool is_blank(char c)
{
    const uint64_t blanks =
        (uint64_t)1 << ' ' | (uint64_t)1 << '\t' | (uint64_t)1 << '\n' | (uint64_t)1 << '\r';
    return (unsigned char)c <= ' ' && blanks >> c & 1;
}

char mlb_pull_next(struct mlb_pull *pull)
{
    for (;;) {
        while (is_blank(*pull->at))
            pull->at++;
        char c = *pull->at;
        if (c == '/' && pass_comment(pull))
            continue;
        if (c || pull->at < pull->end || mlb_pull_at_end(pull))
            return *pull->at;
    }
}

static enum mlb_status begin(struct mlb_pull *pull, const char *name, struct mlb_error *err)
{
    mlb_format(pull->name, sizeof pull->name, "%s", name);
    pull->err = (struct mlb_error){0};
    pull->at = pull->end = pull->window;
    *pull->end = '\0';
    pull->ended = pull->first = false;
    pull->value = NULL;
    pull->line = pull->value_line = 1;
    pull->before = '\0';
    pull->depth = 0;
    pull->key[0] = '\0';
    mlb_pull_need(pull, 3);
    if (strncmp(pull->at, "\xef\xbb\xbf", 3) == 0)
        pull->at += 3;
    else if (memcmp(pull->at, "\xff\xfe", 2) == 0 || memcmp(pull->at, "\xfe\xff", 2) == 0)
        mlb_pull_wrong(pull, "the file is UTF-16; save it as UTF-8");
    if (pull->err.status)
        *err = pull->err;
    return pull->err.status;
}

static struct mlb_pull *new_pull(const char *name, size_t room, struct mlb_error *err)
{
    struct mlb_pull *pull = calloc(1, sizeof *pull);
    char *window = malloc(room + PADDING);
    if (!pull || !window) {
        mlb_fail(err, MLB_E_NOMEM, "%s: cannot read: out of memory", name);
        free(pull);
        free(window);
        return NULL;
    }
    pull->window = window;
    pull->room = room;
    pull->fd = -1;
    return pull;
}

static void close_file(struct mlb_pull *pull)
{
    if (pull->fd >= 0)
        close(pull->fd);
    pull->fd = -1;
}

enum mlb_status mlb_pull_reopen(struct mlb_pull *pull, const char *path, struct mlb_error *err)
{
    close_file(pull);
    pull->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (pull->fd < 0)
        return mlb_fail(err, MLB_E_IO, "%s: cannot read: %s", path, strerror(errno));
    return begin(pull, path, err);
}

struct mlb_pull *mlb_pull_open(const char *path, struct mlb_error *err)
{
    struct mlb_pull *pull = new_pull(path, WINDOW, err);
    if (!pull || mlb_pull_reopen(pull, path, err) == MLB_OK)
        return pull;
    mlb_pull_close(pull);
    return NULL;
}

struct mlb_pull *mlb_pull_memory(const char *name, const char *text, size_t length,
                                 struct mlb_error *err)
{
    size_t room = length < LEAST ? LEAST : length;
    struct mlb_pull *pull = new_pull(name, room < WINDOW ? room : WINDOW, err);
    if (!pull)
        return NULL;
    pull->rest = text;
    pull->rest_length = length;
    if (begin(pull, name, err) == MLB_OK)
        return pull;
    mlb_pull_close(pull);
    return NULL;
}

void mlb_pull_close(struct mlb_pull *pull)
{
    if (!pull)
        return;
    close_file(pull);
    free(pull->window);
    free(pull);
}

enum mlb_status mlb_pull_end(struct mlb_pull *pull, struct mlb_error *err)
{
    if (!pull->err.status && (mlb_pull_next(pull) || pull->at < pull->end) &&
        !mlb_pull_no_text(pull, "the document")) {
        mlb_pull_need(pull, sizeof(struct mlb_found));
        struct mlb_found found = mlb_json_found(pull->at);
        mlb_pull_wrong(pull, "unexpected %s after the end of the value", found.text);
    }
    if (pull->err.status)
        *err = pull->err;
    return pull->err.status;
}
