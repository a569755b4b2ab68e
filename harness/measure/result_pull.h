/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of result_fields.h over the pull reader: for readers of records that keep a part of
 * them. Only they include this. Failures are kept by the reader (mlb_pull_fail). */
#ifndef MLB_MEASURE_RESULT_PULL_H
#define MLB_MEASURE_RESULT_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "harness/base/json_pull.h"
#include "harness/measure/result_fields.h"

/* Members of `owner` as their keys come. Set the first three; then mlb_pull_member for each key of
 * the object, and mlb_pull_members_end behind the last. */
struct mlb_pull_members {
    const struct mlb_field *fields; /* at most 64 */
    void *owner;
    bool optional; /* all of them or none */
    uint64_t seen;
    size_t next; /* where the key is likely to be found: the writer keeps the table's order */
};

/* Reads the value if `key` is of the table; false when it is not. Twice is a failure. */
bool mlb_pull_member(struct mlb_pull *pull, struct mlb_pull_members *members, const char *key);
/* Was all read that has to be there? */
bool mlb_pull_members_whole(const struct mlb_pull_members *members);
/* What had to be there and was not is a failure; unknown figures become NaN. */
void mlb_pull_members_end(struct mlb_pull *pull, const struct mlb_pull_members *members);
/* The same text? Most keys differ in their first letter: without a call then. */
static inline bool mlb_pull_is(const char *key, const char *name)
{
    return *key == *name && strcmp(key, name) == 0;
}

/* A text into an array of `size` bytes; longer is a failure that names `key`. */
void mlb_pull_text(struct mlb_pull *pull, const char *key, char *to, size_t size);

#endif
