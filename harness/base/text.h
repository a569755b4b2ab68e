/* SPDX-License-Identifier: Apache-2.0 */
/* Text: a growable buffer and the few string helpers that the libc lacks. */
#ifndef MLB_BASE_TEXT_H
#define MLB_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise, add, read .data (always terminated once something was added, NULL before),
 * then mlb_text_free. Out of memory is remembered in .failed and later adds do nothing, so a writer
 * checks once at the end. */
struct mlb_text {
    char *data;
    size_t length;
    size_t capacity;
    bool failed;
};

void mlb_text_add(struct mlb_text *text, const char *string);
void mlb_text_addf(struct mlb_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void mlb_text_pad_to(struct mlb_text *text, size_t column); /* spaces up to a column of this line */
void mlb_text_trim(struct mlb_text *text);                  /* no blanks at its end */
const char *mlb_text_get(const struct mlb_text *text);      /* never NULL */
void mlb_text_free(struct mlb_text *text);                  /* NULL is fine; leaves it zeroed */

/* Columns that a UTF-8 string takes on a terminal (mlb_utf8_step). */
size_t mlb_text_columns(const char *string);

/* For texts from files of others, before a person sees them: line ends and tabs become blanks,
 * other controls, marks of writing from right to left and what is not UTF-8 a question mark each.
 */
void mlb_text_harmless(char *text);

/* snprintf into a fixed array that always terminates; returns false when it was cut. */
bool mlb_format(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `from` in small letters of ASCII, into `size` bytes; what does not fit is cut off. */
void mlb_text_lower(char *to, size_t size, const char *from);

/* Shell-style match with * and ? (no brackets). */
bool mlb_glob_match(const char *pattern, const char *string);

/* Damerau-Levenshtein distance (optimal string alignment): a swap of neighbours counts one. Of
 * words longer than 127 bytes it is the longer one's length. */
size_t mlb_edit_distance(const char *a, const char *b);

/* How near `word` is to `name`, case and '-' against '_' aside: the edit distance when it is at
 * most 2 and at most a third of the name's length; 3 when `word` is the beginning of `name`; else
 * MLB_NOT_NEAR. */
size_t mlb_nearness(const char *word, const char *name);
#define MLB_NOT_NEAR ((size_t)-1)

/* The one of `names` (NULL-terminated) that is nearest to `word`, the first of several; NULL when
 * none is near. */
const char *mlb_nearest(const char *word, const char *const *names);

#endif
