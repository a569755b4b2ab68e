/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine that is known costs by the catalog. */
#ifndef MLB_APP_MACHINE_PRICE_H
#define MLB_APP_MACHINE_PRICE_H

#include "harness/catalog/catalog.h"
#include "harness/system/provider.h"

struct mlb_session;
struct mlb_result;

struct mlb_machine_price {
    double usd_per_hour; /* of one machine; 0 = unknown */
    char source[128];    /* "catalog: aws p5.48xlarge on_demand us-east-1, as of 2026-09-19" */
    char why[200];       /* there is no price although the machine is known; "" */
};

/* Pure. On demand where the way of buying is not known. A machine that was only inferred from its
 * hardware has no price: twins of it are sold at several. */
void mlb_price_of_machine(const struct mlb_catalog *catalog, const struct mlb_provider *provider,
                          int64_t today, struct mlb_machine_price *price);

/* Collective, after all that the head of a record notes about machines: where no --price-per-hour
 * is given, the job's price from the catalog. `provider` counts on rank 0. session_price.c */
enum mlb_status mlb_session_price(struct mlb_session *session, const struct mlb_provider *provider,
                                  struct mlb_result *result, struct mlb_error *err);

#endif
