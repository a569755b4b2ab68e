/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/resample.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/rng.h"

/* A launch's place in the order of a column. */
struct item {
    double value;
    size_t launch;
};

/* A column's launches that have it, in ascending order. */
struct column {
    struct item *items;
    size_t count;
};

static int compare(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    return (a->value > b->value) - (a->value < b->value);
}

/* All that were drawn, or of a column with gaps those that it has. */
static size_t count_drawn(const struct column *column, const unsigned *drawn, size_t n)
{
    size_t total = 0;
    if (column->count == n)
        return n;
    for (size_t i = 0; i < column->count; i++)
        total += drawn[column->items[i].launch];
    return total;
}

/* Counting along the order finds the middle ones without sorting again. NaN: none was drawn. */
static double median_of_drawn(const struct column *column, const unsigned *drawn, size_t n)
{
    size_t total = count_drawn(column, drawn, n), seen = 0;
    double lower = NAN;
    for (size_t i = 0; i < column->count && total; i++) {
        seen += drawn[column->items[i].launch];
        if (isnan(lower) && 2 * seen >= total)
            lower = column->items[i].value;
        if (2 * seen > total)
            return 0.5 * (lower + column->items[i].value);
    }
    return NAN;
}

static void order(struct column *column, const double *values, size_t n, size_t columns, size_t at)
{
    for (size_t l = 0; l < n; l++)
        if (isfinite(values[l * columns + at]))
            column->items[column->count++] =
                (struct item){.value = values[l * columns + at], .launch = l};
    qsort(column->items, column->count, sizeof *column->items, compare);
}

/* Draws until each column has a launch: at once but for columns that few launches have. */
static double resample(const struct column *of, size_t n, size_t columns, unsigned *drawn,
                       uint64_t seed, uint64_t *index)
{
    double sum = NAN;
    while (isnan(sum)) {
        for (size_t l = 0; l < n; l++)
            drawn[l] = 0;
        for (size_t l = 0; l < n; l++)
            drawn[mlb_rng_bits(seed, (*index)++) % n]++;
        sum = 0.0;
        for (size_t c = 0; c < columns; c++)
            sum += log(median_of_drawn(&of[c], drawn, n));
    }
    return sum / (double)columns;
}

bool mlb_resample_medians(double *to, size_t resamples, const double *values, size_t n,
                          size_t columns, uint64_t seed, uint64_t stream)
{
    struct column *of = calloc(columns, sizeof *of);
    struct item *items = calloc(n * columns, sizeof *items);
    unsigned *drawn = calloc(n, sizeof *drawn);
    bool ok = of && items && drawn;
    uint64_t index = 0;
    for (size_t c = 0; ok && c < columns; c++) {
        of[c].items = items + c * n;
        order(&of[c], values, n, columns, c);
        ok = of[c].count > 0;
    }
    for (size_t b = 0; ok && b < resamples; b++)
        to[b] = resample(of, n, columns, drawn, mlb_rng_bits(seed, stream), &index);
    free(of);
    free(items);
    free(drawn);
    return ok;
}
