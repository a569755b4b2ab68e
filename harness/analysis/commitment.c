/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/commitment.h"

static double term_hours(enum mlb_purchase purchase)
{
    return purchase == MLB_RESERVED_1Y   ? MLB_HOURS_PER_YEAR
           : purchase == MLB_RESERVED_3Y ? 3.0 * MLB_HOURS_PER_YEAR
                                         : 0.0;
}

/* A term of H hours costs H x reserved, used or not; on demand the same work costs u H x on demand.
 * They are equal at u = reserved / on demand; an hour of use costs reserved / u. */
struct mlb_commitment mlb_commitment(double on_demand_usd_per_hour, double reserved_usd_per_hour,
                                     enum mlb_purchase purchase, double use)
{
    struct mlb_commitment to = {.term_hours = term_hours(purchase)};
    if (!(on_demand_usd_per_hour > 0.0) || !(reserved_usd_per_hour > 0.0))
        return to;
    to.known = true;
    to.break_even = reserved_usd_per_hour / on_demand_usd_per_hour;
    to.never = to.break_even >= 1.0;
    to.pays_at_hours = to.break_even * to.term_hours;
    if (use > 0.0) {
        to.usd_per_used = reserved_usd_per_hour / use;
        to.saving = 1.0 - to.break_even / use;
    }
    return to;
}
