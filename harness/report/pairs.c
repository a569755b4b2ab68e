/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/pairs.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/measure/details.h"

enum { GPUS_MOST = 16, CELL = 6 }; /* what 100 columns hold */

static const char *param_of(const struct mlb_row *row, const char *name)
{
    for (size_t i = 0; i < row->param_count; i++)
        if (strcmp(row->params[i].name, name) == 0)
            return row->params[i].value;
    return "";
}

static double detail_of(const struct mlb_row *row, const char *name)
{
    const struct mlb_detail *detail = mlb_detail_find(&row->details, name);
    return detail && detail->is_number ? detail->number : 0.0;
}

static bool is_diagonal(const struct mlb_row *row)
{
    return strcmp(row->workload, "p2p") == 0 && row->rank_count > 1 && row->verified &&
           mlb_verification_passed(&row->verification) && detail_of(row, "gpus") > 1.0 &&
           detail_of(row, "gpus") <= GPUS_MOST && row->status != MLB_ROW_SKIPPED &&
           row->status != MLB_ROW_FAILED;
}

/* Rows that differ in nothing but the shift. */
static bool same_matrix(const struct mlb_row *a, const struct mlb_row *b)
{
    return is_diagonal(a) && is_diagonal(b) && strcmp(param_of(a, "op"), param_of(b, "op")) == 0 &&
           strcmp(param_of(a, "bytes"), param_of(b, "bytes")) == 0 &&
           strcmp(a->variant, b->variant) == 0;
}

/* GB/s of the pair, or nanoseconds of a load; 0 = not measured. */
static double value_of(const struct mlb_row *row, size_t rank)
{
    double ns = row->rank_median_ns[rank], loads = detail_of(row, "loads_per_step");
    if (!(ns > 0.0))
        return 0.0;
    return loads > 0.0 ? ns / loads : row->work.bytes / ns;
}

static double cell_of(const struct mlb_result *result, const struct mlb_row *like, size_t from,
                      size_t to)
{
    size_t gpus = (size_t)detail_of(like, "gpus");
    for (size_t i = 0; i < result->row_count; i++) {
        const struct mlb_row *row = &result->rows[i];
        size_t shift = same_matrix(like, row) ? strtoul(param_of(row, "shift"), NULL, 10) : 0;
        if (shift > 0 && from < row->rank_count && (from + shift) % gpus == to)
            return value_of(row, from);
    }
    return 0.0;
}

static void add_line(struct mlb_text *to, const struct mlb_result *result,
                     const struct mlb_row *like, size_t from)
{
    size_t gpus = (size_t)detail_of(like, "gpus");
    mlb_text_addf(to, "%*zu", 4, from);
    for (size_t peer = 0; peer < gpus; peer++) {
        double value = cell_of(result, like, from, peer);
        if (value > 0.0)
            mlb_text_addf(to, "%*.*f", CELL, value < 10.0 ? 2 : value < 100.0 ? 1 : 0, value);
        else
            mlb_text_addf(to, "%*s", CELL, "-");
    }
    mlb_text_add(to, "\n");
}

static void add_matrix(struct mlb_text *to, const struct mlb_result *result,
                       const struct mlb_row *like)
{
    bool latency = detail_of(like, "loads_per_step") > 0.0;
    size_t gpus = (size_t)detail_of(like, "gpus");
    mlb_text_addf(to, "\n  p2p %s %s, %s from a line's GPU to a column's, %s\n",
                  param_of(like, "op"), param_of(like, "bytes"), latency ? "ns a load" : "GB/s",
                  result->solo ? "one at a time" : "all lines at once");
    mlb_text_addf(to, "%*s", 4, "");
    for (size_t peer = 0; peer < gpus; peer++)
        mlb_text_addf(to, "%*zu", CELL, peer);
    mlb_text_add(to, "\n");
    for (size_t from = 0; from < like->rank_count && from < gpus; from++)
        add_line(to, result, like, from);
}

void mlb_report_pairs(const struct mlb_result *result, struct mlb_text *to)
{
    if (result->nodes != 1 || result->oversubscribed)
        return;
    for (size_t i = 0; i < result->row_count; i++) {
        bool first = is_diagonal(&result->rows[i]);
        for (size_t j = 0; j < i && first; j++)
            first = !same_matrix(&result->rows[j], &result->rows[i]);
        if (first)
            add_matrix(to, result, &result->rows[i]);
    }
}
