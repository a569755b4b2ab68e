/* SPDX-License-Identifier: Apache-2.0 */
/* Are two samples of launches alike, and how far apart are they? The rank test of Mann & Whitney
 * 1947 and the shift of Hodges & Lehmann 1963, which belong together: both look at the n x m
 * differences between a value of one side and one of the other. No distribution is assumed.
 *
 * Samples are sorted ascending and finite. */
#ifndef MLB_ANALYSIS_RANK_TEST_H
#define MLB_ANALYSIS_RANK_TEST_H

#include <stdbool.h>
#include <stddef.h>

/* U of samples of n and m without ties, when there is no difference. Made once and used for every
 * case that has as many launches. */
struct mlb_rank_null {
    size_t n, m;
    /* P(U <= u), u = 0 ... n m. NULL beyond the sizes that are counted exactly (n m <= 2500; 10000
     * when one side has fewer than 8): normal approximation then. */
    double *cdf;
};
bool mlb_rank_null_init(struct mlb_rank_null *null, size_t n, size_t m); /* false: out of memory */
void mlb_rank_null_free(struct mlb_rank_null *null); /* zeroed is fine; leaves it zeroed */

struct mlb_rank_test {
    double u; /* pairs in which x is larger; ties count half */
    /* P(as far from n m / 2 on either side), P(U <= u): x tends to be smaller, P(U >= u) */
    double two_sided, less, greater;
    bool exact;
};
/* x has null->n values, y null->m, at least one each. False: out of memory. */
bool mlb_rank_test(const struct mlb_rank_null *null, const double *x, const double *y,
                   struct mlb_rank_test *test);

/* The smallest two-sided p that n and m values can have, 2 / C(n+m, n); 1 when one is 0. */
double mlb_rank_smallest_p(size_t n, size_t m);

/* Shift of y against x: the median of all differences y - x, and its interval between the k-th
 * smallest and the k-th largest of them, k = largest with P(U <= k-1) <= (1-confidence)/2 without
 * ties (Bauer 1972); with ties that covers more. */
struct mlb_shift {
    double estimate;
    bool known; /* the interval: false when n and m are too small for one */
    double low, high;
};
struct mlb_shift mlb_rank_shift(const struct mlb_rank_null *null, const double *x, const double *y,
                                double confidence);

#endif
