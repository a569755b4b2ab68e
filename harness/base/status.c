/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/status.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct status_row {
    int exit_code;
    const char *name;
    const char *meaning;
};

static const struct status_row rows[] = {
#define STATUS_ROW(name, exit_code, text) {exit_code, #name, text},
    MLB_STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

static const struct status_row *row_of(enum mlb_status status)
{
    static const struct status_row unknown = {3, "E_UNKNOWN",
                                              "a status that mlbench does not know"};
    size_t index = (size_t)status;
    return index < sizeof rows / sizeof *rows ? &rows[index] : &unknown;
}

/* Where to cut so that no UTF-8 sequence is torn: at most `at`. */
static size_t whole_sequences(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xc0u) == 0x80u)
        at--;
    return at;
}

/* Texts of libraries come with newlines in them; an error is one line. */
static void make_one_line(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        text[--length] = '\0';
    for (char *c = text; *c; c++) {
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    }
}

/* `needed` is what vsnprintf wanted to write into `text` of MLB_ERROR_TEXT bytes. */
static void mark_cut(char *text, int needed)
{
    static const char mark[] = "...";
    if (needed < MLB_ERROR_TEXT)
        return;
    size_t end = whole_sequences(text, MLB_ERROR_TEXT - sizeof mark);
    memcpy(text + end, mark, sizeof mark);
}

enum mlb_status mlb_fail(struct mlb_error *err, enum mlb_status status, const char *format, ...)
{
    if (!err)
        return status;
    char text[MLB_ERROR_TEXT]; /* the arguments may point into err->text */
    va_list arguments;
    va_start(arguments, format);
    int needed = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    mark_cut(text, needed);
    make_one_line(text);
    err->status = status;
    memcpy(err->text, text, sizeof text);
    return status;
}

enum mlb_status mlb_fail_at(struct mlb_error *err, const char *format, ...)
{
    if (!err)
        return MLB_E_INTERNAL;
    if (err->status == MLB_OK)
        return MLB_OK;
    char place[MLB_ERROR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(place, sizeof place, format, arguments);
    va_end(arguments);
    return mlb_fail(err, err->status, "%s: %s", place, err->text);
}

const char *mlb_status_name(enum mlb_status status)
{
    return row_of(status)->name;
}

const char *mlb_status_meaning(enum mlb_status status)
{
    return row_of(status)->meaning;
}

int mlb_status_exit_code(enum mlb_status status)
{
    return row_of(status)->exit_code;
}
