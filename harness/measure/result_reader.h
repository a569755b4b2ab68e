/* SPDX-License-Identifier: Apache-2.0 */
/* Typed reading of a JSON tree in which every error names the key's path
 * ("rows[3].samples.time_ns[2]: is a text, should be a number"). Only the files that read records
 * include this.
 *
 * A reader remembers its first failure (MLB_E_CONFIG) and later reads do nothing, so the caller
 * asks for `status` once at the end. Zero-initialise, set `err`. */
#ifndef MLB_MEASURE_RESULT_READER_H
#define MLB_MEASURE_RESULT_READER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/measure/result_fields.h"

struct mlb_result;
struct mlb_row;

struct mlb_reader {
    struct mlb_error *err;
    enum mlb_status status;
    char path[256]; /* of the object being read: "rows[3].samples" */
};

/* Always false. `key` is relative to the path; "" = the object itself. */
bool mlb_read_fail(struct mlb_reader *reader, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool mlb_read_wrong_type(struct mlb_reader *reader, const char *key, const cJSON *item,
                         const char *wanted);

/* Add ".key" or ".key[3]" to the path; returns the length to go back to with leave. */
size_t mlb_read_enter(struct mlb_reader *reader, const char *key);
size_t mlb_read_enter_index(struct mlb_reader *reader, const char *key, size_t index);
void mlb_read_leave(struct mlb_reader *reader, size_t length);

/* NULL when the key is not there, which is a failure if it must be. */
const cJSON *mlb_read_item(struct mlb_reader *reader, const cJSON *object, const char *key,
                           bool must);
const cJSON *mlb_read_object(struct mlb_reader *reader, const cJSON *object, const char *key,
                             bool must);

void mlb_read_text(struct mlb_reader *reader, const char *key, const cJSON *item, char *to,
                   size_t size);
void mlb_read_real(struct mlb_reader *reader, const char *key, const cJSON *item, double *to);
/* `to` is an unsigned or a non-negative int of `size` bytes, 4 or 8. */
void mlb_read_whole(struct mlb_reader *reader, const char *key, const cJSON *item, size_t size,
                    void *to);
/* An array of one time or more, in ns; *values is malloc'ed. */
void mlb_read_times(struct mlb_reader *reader, const cJSON *object, const char *key,
                    double **values, size_t *count);

#define MLB_RECORD_LIMIT                                                                           \
    ((size_t)256 << 20) /* bytes; 500 rows of 10000 samples are a third of it */

/* NULL when a row has what its status promises: nobody gets a "measured" without times and a passed
 * verification, or another status without its reason. Else the key that is to blame, and in `what`
 * (MLB_PROMISE_TEXT bytes) what is wrong with it. */
#define MLB_PROMISE_TEXT 96
const char *mlb_row_broken_promise(const struct mlb_row *row, char *what);

/* "written by a newer mlbench ...", with what to do, into `what` (MLB_NEWER_TEXT bytes), which is
 * returned. `version` of the writer; "" = not known. */
#define MLB_NEWER_TEXT 160
const char *mlb_newer_schema(int schema, const char *version, char *what);

/* result_links.c: "places" and "links" of a result, which are optional. */
void mlb_result_read_links(struct mlb_reader *reader, const cJSON *json, struct mlb_result *result);

/* The members of `owner` that the table names. */
void mlb_read_fields(struct mlb_reader *reader, const cJSON *object, const struct mlb_field *fields,
                     void *owner);
/* The same from the object under `key`; true when that is there. */
bool mlb_read_group(struct mlb_reader *reader, const cJSON *object, const char *key, bool must,
                    const struct mlb_field *fields, void *owner);

#endif
