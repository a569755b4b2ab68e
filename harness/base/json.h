/* SPDX-License-Identifier: Apache-2.0 */
/* JSON on top of cJSON: reading with comments and with places for error messages, writing to files
 * so that a reader sees all or nothing.
 *
 * Numbers are doubles: large integers are written as strings (mlb_json_add_u64). */
#ifndef MLB_BASE_JSON_H
#define MLB_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/base/status.h"

/* A parsed document that remembers its text. Zero-initialise; mlb_json_close accepts that. */
struct mlb_json {
    cJSON *root;     /* owned */
    char *text;      /* owned; comments blanked out, newlines kept */
    char path[1024]; /* as given, for messages */
};

/* Read a file of at most `limit` bytes. JSON with // and block comments and trailing commas
 * refused. Errors: "FILE:LINE: what is wrong" (MLB_E_CONFIG), "FILE: cannot read: reason"
 * (MLB_E_IO). A duplicate key in an object, trailing text after the value, NUL bytes, bytes that
 * are not UTF-8 and nesting deeper than 64 are errors. */
enum mlb_status mlb_json_open(struct mlb_json *json, const char *path, size_t limit,
                              struct mlb_error *err);
/* The same from memory; `name` stands for the file in messages. */
enum mlb_status mlb_json_parse(struct mlb_json *json, const char *name, const char *text,
                               size_t length, struct mlb_error *err);
void mlb_json_close(struct mlb_json *json);

/* Line of `item`'s key (or of the value, in an array), from 1; 0 when it is not of this document.
 */
size_t mlb_json_line(const struct mlb_json *json, const cJSON *item);

/* MLB_E_CONFIG with "FILE:LINE: " in front. */
enum mlb_status mlb_json_fail(const struct mlb_json *json, const cJSON *item, struct mlb_error *err,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Whole file into memory, terminated; *text is the caller's to free. */
enum mlb_status mlb_file_read(const char *path, size_t limit, char **text, size_t *length,
                              struct mlb_error *err);
/* read(2) that no signal interrupts. */
ssize_t mlb_file_read_some(int fd, char *to, size_t size);
/* Temporary file beside `path`, write, fsync, rename, fsync of the folder. On failure the temporary
 * file is gone and what stood at `path` is untouched, but for the one that says "written, but". A
 * symbolic link stays and what it points to is replaced; a device or a pipe is written into. */
enum mlb_status mlb_file_write_atomic(const char *path, const char *text, size_t length,
                                      struct mlb_error *err);

/* Typed look-ups in an object; false when absent or of another type. */
bool mlb_json_get_text(const cJSON *object, const char *key, const char **text);
bool mlb_json_get_real(const cJSON *object, const char *key, double *value);
/* Number or decimal string. */
bool mlb_json_get_u64(const cJSON *object, const char *key, uint64_t *value);
bool mlb_json_get_bool(const cJSON *object, const char *key, bool *value);

/* What makes a u64: a number from 0 to 2^53 without a fraction; "0" or digits without a leading
 * zero, up to 2^64 - 1. */
bool mlb_json_whole(double number, uint64_t *value);
bool mlb_json_decimal(const char *text, uint64_t *value);

/* A whole number exactly: as a JSON number below 10^15, from there on as a decimal string. cJSON
 * writes a number with 15 digits when that is within DBL_EPSILON of it, relatively, so that of
 * larger ones (and of fractions) the last bit may be lost. */
#define MLB_JSON_EXACT 1000000000000000u
cJSON *mlb_json_add_u64(cJSON *object, const char *key, uint64_t value);

/* Into an object or at the end of a list. Both take `item`, NULL included, and false or NULL means
 * out of memory. */
bool mlb_json_add(cJSON *object, const char *key, cJSON *item);
cJSON *mlb_json_append(cJSON *list, cJSON *item);

/* The fewest of 15 to 17 digits that read back as the same double; returns `to`. */
#define MLB_REAL_TEXT 32
const char *mlb_real_print(char to[MLB_REAL_TEXT], double value);
/* A number written so, where cJSON's own would lose the last bits; NULL when it is not finite. */
cJSON *mlb_json_real(double value);

#endif
