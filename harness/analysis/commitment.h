/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that is paid for whether it is used or not, against one that is paid by the hour of
 * use: reservations of one and three years, blocks that are prepaid. */
#ifndef MLB_ANALYSIS_COMMITMENT_H
#define MLB_ANALYSIS_COMMITMENT_H

#include <stdbool.h>

#include "harness/catalog/catalog.h"

#define MLB_HOURS_PER_YEAR 8760.0

struct mlb_commitment {
    bool known;           /* both prices were there */
    bool never;           /* reserved at or above on demand: no use makes it pay */
    double break_even;    /* part of the term that it must be in use: reserved / on demand */
    double usd_per_used;  /* an hour of use costs this at the expected use; 0 = use not given */
    double saving;        /* of what on demand would cost at that use; negative: it costs more */
    double term_hours;    /* 0 = the block's length is the buyer's */
    double pays_at_hours; /* hours of use in a term at which both cost the same; 0 = no term */
};

/* `use`: part of the term that the machine will be in use; 0 = not known. */
struct mlb_commitment mlb_commitment(double on_demand_usd_per_hour, double reserved_usd_per_hour,
                                     enum mlb_purchase purchase, double use);

#endif
