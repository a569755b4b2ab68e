/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void mlb_sort(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
}

static double *sorted_copy(const double *values, size_t n)
{
    double *copy = malloc(n * sizeof *copy);
    if (copy) {
        memcpy(copy, values, n * sizeof *copy);
        mlb_sort(copy, n);
    }
    return copy;
}

/* Type 7 of Hyndman & Fan 1996: h = (n-1)p. */
double mlb_quantile_sorted(const double *sorted, size_t n, double p)
{
    double h = (double)(n - 1) * p;
    size_t below = (size_t)h;
    if (below + 1 >= n)
        return sorted[n - 1];
    double fraction = h - (double)below;
    return sorted[below] + fraction * (sorted[below + 1] - sorted[below]);
}

/* lgamma() would write a global of libm. */
static double log_factorial(size_t n)
{
    int sign;
    return lgamma_r((double)n + 1.0, &sign);
}

/* P(Bin(n, 1/2) = k). */
static double binomial_half(size_t n, size_t k)
{
    return exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) - (double)n * M_LN2);
}

/* P(Bin(n, 1/2) <= k). */
static double binomial_half_cdf(size_t n, size_t k)
{
    double sum = 0.0;
    for (size_t i = 0; i <= k; i++)
        sum += binomial_half(n, i);
    return sum;
}

/* By bisection on erfc. */
double mlb_normal_z(double tail)
{
    double low = 0.0, high = 10.0;
    for (int i = 0; i < 80; i++) {
        double middle = 0.5 * (low + high);
        if (0.5 * erfc(middle / M_SQRT2) > tail)
            low = middle;
        else
            high = middle;
    }
    return high;
}

size_t mlb_median_interval_order(size_t n, double confidence)
{
    double alpha_half = (1.0 - confidence) / 2.0;
    if (n > 1000) {
        double order = floor(((double)n - mlb_normal_z(alpha_half) * sqrt((double)n)) / 2.0);
        return (size_t)fmax(order, 1.0);
    }
    size_t k = 0;
    double cumulated = 0.0; /* P(Bin <= k-1) */
    while (k < n / 2) {
        cumulated += binomial_half(n, k);
        if (cumulated > alpha_half)
            break;
        k++;
    }
    return k;
}

struct mlb_interval mlb_median_interval(const double *sorted, size_t n, double confidence)
{
    struct mlb_interval interval = {0};
    size_t k = mlb_median_interval_order(n, confidence);
    if (k == 0)
        return interval;
    interval.known = true;
    interval.low = sorted[k - 1];
    interval.high = sorted[n - k];
    interval.coverage = n > 1000 ? erf(((double)n - 2.0 * (double)k + 1.0) / sqrt(2.0 * (double)n))
                                 : 1.0 - 2.0 * binomial_half_cdf(n, k - 1);
    return interval;
}

double mlb_median(const double *values, size_t n)
{
    double *sorted = n ? sorted_copy(values, n) : NULL;
    if (!sorted)
        return NAN;
    double median = mlb_quantile_sorted(sorted, n, 0.5);
    free(sorted);
    return median;
}

double mlb_percentile(const double *values, size_t n, double p)
{
    /* A hair less than 1: 1 - p has no exact binary form. */
    double *sorted = (double)n * (1.0 - p) > 1.0 - 1e-9 ? sorted_copy(values, n) : NULL;
    if (!sorted)
        return NAN;
    double percentile = mlb_quantile_sorted(sorted, n, p);
    free(sorted);
    return percentile;
}

static double lag1_autocorrelation(const double *values, size_t n)
{
    if (n < 3)
        return 0.0;
    double mean = 0.0, above = 0.0, below = 0.0;
    for (size_t i = 0; i < n; i++)
        mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        below += (values[i] - mean) * (values[i] - mean);
        if (i + 1 < n)
            above += (values[i] - mean) * (values[i + 1] - mean);
    }
    return below > 0.0 ? above / below : 0.0;
}

/* Theil-Sen: median of the slopes over all pairs; of means of blocks when there are many values, so
 * that the cost stays under 200 x 200 / 2 slopes. */
enum { DRIFT_BLOCKS = 200 };

static size_t block_means(const double *values, size_t n, double *means)
{
    size_t blocks = n < DRIFT_BLOCKS ? n : DRIFT_BLOCKS;
    for (size_t b = 0; b < blocks; b++) {
        size_t from = b * n / blocks, to = (b + 1) * n / blocks;
        means[b] = 0.0;
        for (size_t i = from; i < to; i++)
            means[b] += values[i] / (double)(to - from);
    }
    return blocks;
}

static double relative_drift(const double *values, size_t n, double median)
{
    double means[DRIFT_BLOCKS];
    if (n < 3 || !(median > 0.0))
        return 0.0;
    size_t blocks = block_means(values, n, means), count = 0;
    double *slopes = malloc(blocks * (blocks - 1) / 2 * sizeof *slopes);
    if (!slopes)
        return 0.0;
    for (size_t i = 0; i < blocks; i++)
        for (size_t j = i + 1; j < blocks; j++)
            slopes[count++] = (means[j] - means[i]) / (double)(j - i);
    double drift = mlb_median(slopes, count) * (double)blocks / median;
    free(slopes);
    return drift;
}

bool mlb_summarise(const double *values, size_t n, double confidence, struct mlb_summary *summary)
{
    double *sorted = n ? sorted_copy(values, n) : NULL;
    memset(summary, 0, sizeof *summary);
    if (!sorted)
        return false;
    summary->n = n;
    summary->min = sorted[0];
    summary->max = sorted[n - 1];
    summary->q1 = mlb_quantile_sorted(sorted, n, 0.25);
    summary->median = mlb_quantile_sorted(sorted, n, 0.5);
    summary->q3 = mlb_quantile_sorted(sorted, n, 0.75);
    summary->interval = mlb_median_interval(sorted, n, confidence);
    summary->lag1 = lag1_autocorrelation(values, n);
    summary->drift = relative_drift(values, n, summary->median);
    free(sorted);
    return true;
}

double mlb_relative_half_width(const struct mlb_summary *summary)
{
    if (!summary->interval.known || !(summary->median > 0.0))
        return INFINITY;
    return (summary->interval.high - summary->interval.low) / 2.0 / summary->median;
}
