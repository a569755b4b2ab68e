/* SPDX-License-Identifier: Apache-2.0 */
/* Many tests at once: at 5 % each, one of twenty cases that did not change looks changed. */
#ifndef MLB_ANALYSIS_MULTIPLE_H
#define MLB_ANALYSIS_MULTIPLE_H

#include <stdbool.h>
#include <stddef.h>

/* Holm 1979: p of the family, so that at most alpha of all families in which nothing changed have
 * one below alpha. adj_(i) = max over j <= i of min(1, (m-j+1) p_(j)). A NaN is no member of the
 * family and stays one. `adjusted` may be `p`. False: out of memory. */
bool mlb_holm(const double *p, size_t count, double *adjusted);

#endif
