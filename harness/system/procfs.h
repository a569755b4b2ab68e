/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the small text files that the kernel answers with, and the few shapes they have. */
#ifndef MLB_SYSTEM_PROCFS_H
#define MLB_SYSTEM_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The beginning of the file `root``path` into `to`, always terminated, the last newline dropped;
 * what is longer than `size` is left out. False when it cannot be read; `to` is "" then. */
bool mlb_procfs_read(const char *root, const char *path, char *to, size_t size);

/* A file that holds one whole number, alone or first of its line; false for anything else ("max").
 */
bool mlb_procfs_read_u64(const char *root, const char *path, uint64_t *value);

/* Value of the first line "key SEPARATOR value", blanks and double quotes around the value dropped:
 * "model name : X" with ':', PRETTY_NAME="X" with '=', "inactive_file 12" with ' '. */
bool mlb_procfs_value(const char *text, const char *key, char separator, char *to, size_t size);

/* Is `word` one of the blank-separated `words`? */
bool mlb_procfs_has_word(const char *words, const char *word);

/* The word in brackets: "always [madvise] never" -> "madvise". */
bool mlb_procfs_bracketed(const char *text, char *to, size_t size);

#endif
