/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/sweep.h"

#include <stdlib.h>
#include <string.h>

static bool counts(const struct mlb_row *row)
{
    return row->status == MLB_ROW_MEASURED && row->work.bus_factor > 0.0 && row->work.bytes > 0.0 &&
           row->summary.median > 0.0 && mlb_row_verified(row);
}

static bool same_sweep(const struct mlb_row *a, const struct mlb_row *b)
{
    return counts(a) && counts(b) && a->work.bus_factor == b->work.bus_factor &&
           mlb_row_same_but(a, b, "bytes");
}

/* Into its place by size; a size that is there already is left as it is. */
static void insert(struct mlb_sweep *sweep, const struct mlb_row *row)
{
    size_t at = sweep->count;
    while (at > 0 && sweep->rows[at - 1]->work.bytes > row->work.bytes)
        at--;
    bool there = at > 0 && sweep->rows[at - 1]->work.bytes == row->work.bytes;
    if (there || sweep->count == MLB_ALPHA_BETA_SIZES)
        return;
    memmove(sweep->rows + at + 1, sweep->rows + at, (sweep->count - at) * sizeof *sweep->rows);
    sweep->rows[at] = row;
    sweep->count++;
}

bool mlb_sweep_at(const struct mlb_result *result, size_t index, struct mlb_sweep *sweep)
{
    const struct mlb_row *first = &result->rows[index];
    sweep->count = 0;
    if (result->oversubscribed)
        return false;
    for (size_t i = 0; i < result->row_count; i++) {
        if (!same_sweep(first, &result->rows[i]))
            continue;
        if (i < index)
            return false;
        insert(sweep, &result->rows[i]);
    }
    return sweep->count >= MLB_SWEEP_FEWEST;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double *sorted_seconds(const struct mlb_row *row)
{
    double *sorted = malloc(row->sample_count * sizeof *sorted);
    for (size_t i = 0; sorted && i < row->sample_count; i++)
        sorted[i] = row->time_ns[i] * 1e-9;
    if (sorted)
        qsort(sorted, row->sample_count, sizeof *sorted, compare_doubles);
    return sorted;
}

bool mlb_sweep_fit(const struct mlb_sweep *sweep, struct mlb_alpha_beta *fit)
{
    struct mlb_size_time points[MLB_ALPHA_BETA_SIZES];
    double *sorted[MLB_ALPHA_BETA_SIZES] = {0};
    bool good = true;
    for (size_t i = 0; i < sweep->count && good; i++) {
        const struct mlb_row *row = sweep->rows[i];
        sorted[i] = row->sample_count ? sorted_seconds(row) : NULL;
        good = sorted[i] || row->sample_count == 0;
        points[i] = (struct mlb_size_time){row->work.bytes, row->summary.median * 1e-9, sorted[i],
                                           row->sample_count};
    }
    if (good)
        mlb_alpha_beta_fit(points, sweep->count, sweep->rows[0]->work.bus_factor, fit);
    for (size_t i = 0; i < sweep->count; i++)
        free(sorted[i]);
    return good;
}
