/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics of one sample of times. Pure functions, no I/O. */
#ifndef MLB_MEASURE_STATS_H
#define MLB_MEASURE_STATS_H

#include <stdbool.h>
#include <stddef.h>

/* Interval of the median by order statistics (Thompson 1936; Hahn & Meeker): k = largest integer
 * with P(Bin(n, 1/2) <= k-1) <= alpha/2, interval [x_(k), x_(n+1-k)]. */
struct mlb_interval {
    bool known; /* false when n is too small (under 6 at 95 %): there is no interval then */
    double low, high;
    double coverage; /* achieved, 1 - 2 P(Bin <= k-1) */
};

struct mlb_summary {
    size_t n;
    double median, min, max, q1, q3; /* quartiles: type 7 (linear) */
    struct mlb_interval interval;    /* of the median */
    double lag1;                     /* lag-1 autocorrelation in the order taken; 0 when n < 3 */
    /* Theil-Sen slope x n / median: relative change over the window. */
    double drift;
};

void mlb_sort(double *values, size_t n); /* ascending; no NaN */
/* z with P(N(0,1) > z) = tail, tail in (0, 1/2]. */
double mlb_normal_z(double tail);

/* `sorted` ascending, n >= 1. */
double mlb_quantile_sorted(const double *sorted, size_t n, double p);
/* The k of the interval, 0 when there is none. Exact binomial to n = 1000, normal approximation
 * above. */
size_t mlb_median_interval_order(size_t n, double confidence);
struct mlb_interval mlb_median_interval(const double *sorted, size_t n, double confidence);
double mlb_median(const double *values, size_t n); /* NaN when n = 0 or out of memory */
/* The value below which the share p of all lies. NaN unless at least one value is to be expected
 * above it, n (1-p) >= 1: p99 takes 100 values. */
double mlb_percentile(const double *values, size_t n, double p);

/* False when n = 0 or out of memory; `values` in the order taken, not changed. */
bool mlb_summarise(const double *values, size_t n, double confidence, struct mlb_summary *summary);

/* (high - low) / 2 / median; infinity when there is no interval. */
double mlb_relative_half_width(const struct mlb_summary *summary);

#endif
