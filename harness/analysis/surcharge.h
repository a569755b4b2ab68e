/* SPDX-License-Identifier: Apache-2.0 */
/* What a managed service asks above the plain machine of the same kind. */
#ifndef MLB_ANALYSIS_SURCHARGE_H
#define MLB_ANALYSIS_SURCHARGE_H

#include <stdbool.h>

struct mlb_surcharge {
    bool known;
    bool listed;        /* from both prices of this instance; else `ratio` is of others */
    double ratio;       /* service / plain machine: 1.15 */
    const char *source; /* where a ratio of others is from; NULL when listed */
};

/* Prices in dollars an hour of one instance; 0 = not known. */
struct mlb_surcharge mlb_surcharge(const char *provider, const char *service,
                                   double service_usd_per_hour, double plain_usd_per_hour);

/* The managed service that a provider is known to sell its machines through; NULL: none known. */
const char *mlb_surcharge_service(const char *provider);

#endif
