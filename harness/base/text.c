/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/utf8.h"

/* Room for `extra` bytes and a terminator. */
static bool reserve(struct mlb_text *text, size_t extra)
{
    if (text->failed)
        return false;
    if (extra >= SIZE_MAX / 2 - text->length) {
        text->failed = true;
        return false;
    }
    size_t needed = text->length + extra + 1;
    if (needed <= text->capacity)
        return true;
    size_t capacity = text->capacity < 64 ? 64 : text->capacity;
    while (capacity < needed)
        capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void mlb_text_add(struct mlb_text *text, const char *string)
{
    size_t length = strlen(string);
    if (!reserve(text, length))
        return;
    memcpy(text->data + text->length, string, length + 1);
    text->length += length;
}

void mlb_text_addf(struct mlb_text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        text->failed = true;
    else if (reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void mlb_text_pad_to(struct mlb_text *text, size_t column)
{
    const char *line = mlb_text_get(text);
    const char *newline = strrchr(line, '\n');
    size_t at = mlb_text_columns(newline ? newline + 1 : line);
    size_t spaces = column > at ? column - at : 0;
    if (!reserve(text, spaces))
        return;
    memset(text->data + text->length, ' ', spaces);
    text->length += spaces;
    text->data[text->length] = '\0';
}

void mlb_text_trim(struct mlb_text *text)
{
    while (text->length && text->data[text->length - 1] == ' ')
        text->data[--text->length] = '\0';
}

const char *mlb_text_get(const struct mlb_text *text)
{
    return text->data ? text->data : "";
}

void mlb_text_free(struct mlb_text *text)
{
    if (!text)
        return;
    free(text->data);
    *text = (struct mlb_text){0};
}

static bool continues_sequence(char byte)
{
    return ((unsigned char)byte & 0xc0u) == 0x80u;
}

size_t mlb_text_columns(const char *string)
{
    size_t all = 0, columns;
    for (; *string; all += columns)
        string += mlb_utf8_step(string, &columns);
    return all;
}

/* Marks that change how a terminal or a viewer shows what is around them: controls of C0 and C1,
 * line and paragraph separators, and those of writing from right to left. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void mlb_text_harmless(char *text)
{
    char *to = text;
    while (*text) {
        size_t length = mlb_utf8_length(text);
        if (length > 0 && !is_control(mlb_utf8_code(text))) {
            memmove(to, text, length);
            to += length;
        } else {
            *to++ = strchr("\t\n\r", *text) ? ' ' : '?';
        }
        text += length ? length : 1;
    }
    *to = '\0';
}

bool mlb_format(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    if (length < 0 && size > 0)
        to[0] = '\0';
    return length >= 0 && (size_t)length < size;
}

void mlb_text_lower(char *to, size_t size, const char *from)
{
    size_t i = 0;
    for (; from[i] && i + 1 < size; i++)
        to[i] = (char)tolower((unsigned char)from[i]);
    to[i] = '\0';
}

static const char *next_character(const char *string)
{
    do
        string++;
    while (continues_sequence(*string));
    return string;
}

/* Only the last star is ever tried again: an earlier one could match no more than it does. */
bool mlb_glob_match(const char *pattern, const char *string)
{
    const char *star = NULL, *retry = NULL;
    while (*string) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = string;
        } else if (*pattern == '?') {
            pattern++;
            string = next_character(string);
        } else if (*pattern == *string) {
            pattern++;
            string++;
        } else if (star) {
            pattern = star;
            string = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

enum { LONGEST_WORD = 127 }; /* names of options, keys and workloads are far shorter */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t mlb_edit_distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    if (rows > LONGEST_WORD || columns > LONGEST_WORD)
        return rows > columns ? rows : columns;
    size_t table[3][LONGEST_WORD + 1];
    size_t *before = table[0], *above = table[1], *row = table[2];
    for (size_t j = 0; j <= columns; j++)
        above[j] = j;
    for (size_t i = 1; i <= rows; i++) {
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(replaced, 1 + least(above[j], row[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[columns];
}

/* Case and the choice of '-' or '_' are what people get wrong without thinking. */
static bool fold(char *to, size_t size, const char *word)
{
    size_t length = strlen(word);
    if (length >= size)
        return false;
    for (size_t i = 0; i <= length; i++)
        to[i] = word[i] == '_' ? '-' : (char)tolower((unsigned char)word[i]);
    return true;
}

size_t mlb_nearness(const char *word, const char *name)
{
    char a[LONGEST_WORD + 1], b[LONGEST_WORD + 1];
    if (!*word || !fold(a, sizeof a, word) || !fold(b, sizeof b, name))
        return MLB_NOT_NEAR;
    size_t distance = mlb_edit_distance(a, b);
    if (distance <= 2 && distance <= strlen(name) / 3)
        return distance;
    return strncmp(b, a, strlen(a)) == 0 ? 3 : MLB_NOT_NEAR;
}

const char *mlb_nearest(const char *word, const char *const *names)
{
    const char *nearest = NULL;
    size_t smallest = MLB_NOT_NEAR;
    for (; *names; names++) {
        size_t nearness = mlb_nearness(word, *names);
        if (nearness < smallest) {
            smallest = nearness;
            nearest = *names;
        }
    }
    return nearest;
}
