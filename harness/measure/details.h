/* SPDX-License-Identifier: Apache-2.0 */
/* How a row's work was done, as names and values that explain a figure without being one: the
 * algorithm a library chose, how many were tried, the instruction set. They land in the record
 * under "details" and are never part of what makes rows comparable. */
#ifndef MLB_MEASURE_DETAILS_H
#define MLB_MEASURE_DETAILS_H

#include <stdbool.h>
#include <stddef.h>

struct mlb_detail {
    char name[32]; /* with its unit: "heuristic0_ns", "workspace_bytes" */
    bool is_number;
    double number;
    char text[64];
};

#define MLB_DETAILS 32

struct mlb_details {
    struct mlb_detail items[MLB_DETAILS];
    size_t count;
};

/* Unknown is absent: a number that is not finite and an empty text add nothing, and neither does
 * what finds no room. */
void mlb_detail_number(struct mlb_details *details, const char *name, double value);
void mlb_detail_text(struct mlb_details *details, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* NULL when there is none of that name. */
const struct mlb_detail *mlb_detail_find(const struct mlb_details *details, const char *name);

#endif
