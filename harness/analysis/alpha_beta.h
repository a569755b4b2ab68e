/* SPDX-License-Identifier: Apache-2.0 */
/* What a sweep over message sizes says in two numbers (Hockney 1994):
 *
 *   t(S) = alpha + factor x S / beta
 *
 * alpha is what a call costs however short its message is, beta the bus bandwidth that long
 * messages come near to. Libraries change their protocol with the size, and messages outgrow caches
 * and buffers, so a sweep may need several such lines, each for a range of sizes. Sizes that are on
 * none are counted, and where those are the most nothing is said. Pure. */
#ifndef MLB_ANALYSIS_ALPHA_BETA_H
#define MLB_ANALYSIS_ALPHA_BETA_H

#include <stdbool.h>
#include <stddef.h>

#define MLB_ALPHA_BETA_SIZES   64   /* most of a sweep */
#define MLB_ALPHA_BETA_FEWEST  4    /* of a line: two are its own, the others test it */
#define MLB_ALPHA_BETA_REGIMES 4    /* three protocols, as NCCL has, and what outgrows a cache */
#define MLB_ALPHA_BETA_FAR     0.20 /* a point this far from its line, relative, is not on it */

struct mlb_size_time {
    double bytes, time_s;
    /* What was measured at this size, for the intervals; NULL = there are none. */
    const double *sorted_s;
    size_t count;
};

/* A number, and its 95 % interval. Unknown where its term is nowhere worth FAR of the time: sizes
 * that are all long don't tell alpha, sizes that are all short don't tell beta. */
struct mlb_fitted {
    bool known, interval;
    double value, low, high;
};

struct mlb_regime {
    double from_bytes, to_bytes; /* the smallest and the largest size on the line */
    size_t sizes;
    struct mlb_fitted alpha_s, beta_bytes_per_s;
    double worst;       /* relative distance of the farthest point that counts */
    double stray_bytes; /* a size that lies off the line; 0 = none */
};

struct mlb_alpha_beta {
    size_t count; /* of regimes; 0 = no fit */
    struct mlb_regime regimes[MLB_ALPHA_BETA_REGIMES];
    size_t off;         /* sizes on no line */
    double worst;       /* where there is no fit: of the best single line, relative, and ... */
    double worst_bytes; /* ... at which size */
};

/* `points` by ascending size, each size once, times and sizes above 0, n <= MLB_ALPHA_BETA_SIZES.
 * As many sizes as possible are on lines, these on as few lines as possible; a line of ten sizes or
 * more may have a stray one amid the others. */
void mlb_alpha_beta_fit(const struct mlb_size_time *points, size_t n, double factor,
                        struct mlb_alpha_beta *fit);

#endif
