/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison of two sides of launches as a document of tables. */
#ifndef MLB_REPORT_COMPARISON_H
#define MLB_REPORT_COMPARISON_H

#include "harness/analysis/compare.h"
#include "harness/report/sheet.h"

enum mlb_comparison_sort { MLB_SORT_RECORD, MLB_SORT_CHANGE, MLB_SORT_NAME };
extern const char *const mlb_comparison_sort_names[]; /* "record", "change", "name" */

struct mlb_comparison_view {
    const struct mlb_comparison *comparison;
    const struct mlb_compare_choice *choice;
    size_t launches[MLB_SIDES];   /* records of each side */
    const char *words[MLB_SIDES]; /* by which they were chosen; "" = not shown */
    enum mlb_comparison_sort sort;
    bool people; /* tables that repeat for eyes what machines find in the first */
};

/* NULL when out of memory. */
struct mlb_document *mlb_report_comparison(const struct mlb_comparison_view *view);

/* "gemm bf16 8192x8192x8192": into `to`, which it returns. */
const char *mlb_comparison_case(const struct mlb_compare_line *line, char *to, size_t size);
/* "-2.0 [-2.6, -1.3]", in percent, with the digits that the interval supports. */
const char *mlb_comparison_change(struct mlb_change change, char *to, size_t size);

#endif
