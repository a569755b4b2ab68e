/* SPDX-License-Identifier: Apache-2.0 */
/* Welch 1947: do two samples have one mean, when one of them spreads more than the other? */
#ifndef MLB_ANALYSIS_WELCH_H
#define MLB_ANALYSIS_WELCH_H

#include <stddef.h>

/* Two-sided p; NaN when a sample has fewer than two values. Two samples without any spread: 1 when
 * they are equal, else 0. */
double mlb_welch_p(const double *x, size_t n, const double *y, size_t m);

/* P(|T| >= |t|) of Student's t with `df` degrees of freedom, df > 0. */
double mlb_student_two_sided(double t, double df);

#endif
