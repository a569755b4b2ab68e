/* SPDX-License-Identifier: Apache-2.0 */
/* JSON read value by value, without a tree: for files that are too large for one (a provider's
 * price list has hundreds of megabytes) and for a thousand records of which a few members are
 * wanted.
 *
 * What is read is checked as strictly as by mlb_json_open, but for two things: keys that stand
 * twice are the caller's business, and what mlb_pull_skip_numbers jumps over is not looked at.
 *
 *     mlb_pull_object(pull);
 *     while (mlb_pull_key(pull, &key))
 *         if (strcmp(key, "rows") == 0) read_rows(pull); else mlb_pull_skip(pull);
 *     status = mlb_pull_end(pull, err);
 *
 * The first thing that is wrong is kept; from then on every call does nothing and every loop ends,
 * so a reader checks once, at the end. */
#ifndef MLB_BASE_JSON_PULL_H
#define MLB_BASE_JSON_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"

#define MLB_PULL_TEXT 4096 /* longest string that is handed out, its zero included */

struct mlb_pull; /* one reader of one document */

/* A file, read in pieces: memory does not grow with its length. NULL with `err` when it cannot be
 * opened. A byte-order mark at the beginning is skipped. */
struct mlb_pull *mlb_pull_open(const char *path, struct mlb_error *err);
/* The next file with the same buffers. */
enum mlb_status mlb_pull_reopen(struct mlb_pull *pull, const char *path, struct mlb_error *err);
/* From memory, which has to stay; `name` stands for the file in messages. */
struct mlb_pull *mlb_pull_memory(const char *name, const char *text, size_t length,
                                 struct mlb_error *err);
void mlb_pull_close(struct mlb_pull *pull); /* NULL is fine */

enum mlb_pull_kind {
    MLB_PULL_NONE, /* nothing more, or an error */
    MLB_PULL_OBJECT,
    MLB_PULL_ARRAY,
    MLB_PULL_STRING,
    MLB_PULL_NUMBER,
    MLB_PULL_BOOL,
    MLB_PULL_NULL
};
enum mlb_pull_kind mlb_pull_peek(struct mlb_pull *pull); /* of the value that comes next */

/* Enter the object that comes next; then each key until its end, which leaves it. A key is valid
 * until the next call. After a key its value has to be read or skipped. */
void mlb_pull_object(struct mlb_pull *pull);
bool mlb_pull_key(struct mlb_pull *pull, const char **key);
/* Enter the array that comes next; true before each element, false at its end, which leaves it. */
void mlb_pull_array(struct mlb_pull *pull);
bool mlb_pull_element(struct mlb_pull *pull);

/* Values; another kind than asked for is an error. A string is valid until the next call. */
const char *mlb_pull_string(struct mlb_pull *pull); /* never NULL; "" after an error */
double mlb_pull_real(struct mlb_pull *pull);
bool mlb_pull_bool(struct mlb_pull *pull);
/* A whole number, as a JSON number or a decimal string (mlb_json_add_u64). */
uint64_t mlb_pull_u64(struct mlb_pull *pull);
void mlb_pull_skip(struct mlb_pull *pull); /* the value that comes next, whatever it is */
/* The same of an array that holds numbers only: at the speed of a search for its end. */
void mlb_pull_skip_numbers(struct mlb_pull *pull);
/* The same of any value, its bytes as text for another parser (cJSON); the caller frees. NULL after
 * an error, or when it has more than `limit` bytes, which is one. */
char *mlb_pull_copy(struct mlb_pull *pull, size_t limit, size_t *length);

/* The reader's own complaint about the value read last: "FILE:LINE: ..." (MLB_E_CONFIG). */
void mlb_pull_fail(struct mlb_pull *pull, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* After the outermost value: nothing but blanks may follow. The first error of all calls, its line
 * with it ("FILE:LINE: cut off: ...", MLB_E_CONFIG; "FILE: cannot read: ...", MLB_E_IO). */
enum mlb_status mlb_pull_end(struct mlb_pull *pull, struct mlb_error *err);
bool mlb_pull_failed(const struct mlb_pull *pull);
/* Line of the value read last, of an object or a list where it begins; for what a reader says of
 * single values without failing. It is counted anew by each call. */
size_t mlb_pull_line(const struct mlb_pull *pull);

#endif
