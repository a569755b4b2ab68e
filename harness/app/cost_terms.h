/* SPDX-License-Identifier: Apache-2.0 */
/* What a price per hour leaves out, as sheets of `mlbench cost`: interruptions of spot machines,
 * use of reservations, moving data, managed services. A sheet is there when its inputs are; else
 * one note says which option shows it. */
#ifndef MLB_APP_COST_TERMS_H
#define MLB_APP_COST_TERMS_H

#include <stdint.h>

#include "harness/analysis/ranking.h"
#include "harness/app/options.h"
#include "harness/report/sheet.h"

struct mlb_cost_terms {
    const struct mlb_options *options;
    const struct mlb_offers *offers;
    const struct mlb_catalog *catalog; /* NULL: none */
    const struct mlb_ranking *ranking; /* of one offer a measured thing, the cheapest first; NULL or
                                        * without places: not known */
    uint64_t gpus;                     /* of the job; 0 = as measured */
    int64_t today;                     /* days since 1970 */
    const char *transfer; /* path of the table of data's prices; NULL: configs/catalog/transfer.json
                           * beside the program */
};

/* All sheets and notes. MLB_E_USAGE for sizes and rates that are none; MLB_E_CONFIG and MLB_E_IO
 * for configs/catalog/transfer.json. */
enum mlb_status mlb_cost_terms_add(struct mlb_document *document,
                                   const struct mlb_cost_terms *terms, struct mlb_error *err);

/* Counts interruptions of spot machines and the use of commitments in what their offers cost
 * (mlb_offer.useful), where the options tell of them. MLB_E_USAGE for what is no size, rate or
 * life, and for one that tells nothing without another. */
enum mlb_status mlb_cost_terms_count(struct mlb_offers *offers, const struct mlb_options *options,
                                     struct mlb_error *err);
enum mlb_status mlb_cost_spot_count(struct mlb_offers *offers, const struct mlb_options *options,
                                    struct mlb_error *err);

/* The sheets, one file each; they add nothing where nothing is to say. */
enum mlb_status mlb_cost_spot_add(struct mlb_document *document, const struct mlb_cost_terms *terms,
                                  struct mlb_error *err);
void mlb_cost_commitment_add(struct mlb_document *document, const struct mlb_cost_terms *terms);
enum mlb_status mlb_cost_data_add(struct mlb_document *document, const struct mlb_cost_terms *terms,
                                  struct mlb_error *err);
void mlb_cost_surcharge_add(struct mlb_document *document, const struct mlb_cost_terms *terms);

bool mlb_cost_is_commitment(const struct mlb_offer *offer); /* paid whether it is used or not */
/* The same machine bought in that way; NULL when it is not offered so. */
const struct mlb_offer *mlb_cost_offer_of(const struct mlb_offers *offers,
                                          const struct mlb_measured *measured,
                                          enum mlb_purchase way);
/* "40 s", "55 min", "6.5 h", "30 d" into `to` (MLB_UNIT_TEXT bytes); "never" when infinite. */
const char *mlb_cost_time(char *to, double seconds);

#endif
