/* SPDX-License-Identifier: Apache-2.0 */
/* Cluster bootstrap over launches: medians of what is drawn with replacement (Davison & Hinkley
 * 1997, 2.2). */
#ifndef MLB_ANALYSIS_RESAMPLE_H
#define MLB_ANALYSIS_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* to[b], b < resamples: the mean over `columns` of ln of the median, of `n` launches drawn; the
 * same launches for all columns. values: [launch][column], NaN = the launch lacks it. `stream` sets
 * what is drawn: another one for each measured thing. False when out of memory. */
bool mlb_resample_medians(double *to, size_t resamples, const double *values, size_t n,
                          size_t columns, uint64_t seed, uint64_t stream);

#endif
