/* SPDX-License-Identifier: Apache-2.0 */
/* Inside `mlbench cost`: what has been read and worked out, and the sheets that tell it. */
#ifndef MLB_APP_COST_PARTS_H
#define MLB_APP_COST_PARTS_H

#include "harness/analysis/peak.h"
#include "harness/analysis/ranking.h"
#include "harness/app/options.h"
#include "harness/app/selection.h"
#include "harness/report/sheet.h"

/* A contest and what came out of it. */
struct mlb_cost_ranking {
    const struct mlb_offer **offers; /* owned */
    size_t offer_count;
    size_t metrics[MLB_WORK_CLASSES];
    size_t metric_count; /* 0: no two have one in common, or there are no offers; no places then */
    struct mlb_ranking ranking; /* of all offers, else of the most that have a metric in common */
};

struct mlb_cost_parts {
    const struct mlb_options *options;
    struct mlb_selection selection;
    struct mlb_catalog *catalog;
    struct mlb_peaks peaks;
    struct mlb_offers offers;
    struct mlb_unit_times times;
    uint64_t seed;
    struct mlb_cost_ranking all;  /* offers in all ways of buying, by the headline metrics */
    struct mlb_cost_ranking main; /* of each measured thing one: on demand, else its first way */
};

/* Words, each into `to` (96 bytes) and returned. Four digits of what is below a thousand. */
#define MLB_COST_TEXT 96
const char *mlb_cost_money(char *to, double usd);
/* "10.00 [9.80, 10.20]"; the value alone where there is no interval. */
const char *mlb_cost_money_range(char *to, const struct mlb_spread *spread);
/* "8", "3 r" (range), "1 w" (within): launches, and what the interval is of. */
const char *mlb_cost_launches(char *to, const struct mlb_spread *spread);
/* "1.144 [1.141, 1.147]" */
const char *mlb_cost_ratio_range(char *to, const struct mlb_spread *spread);
const char *mlb_cost_way(enum mlb_purchase way); /* "on demand", "reserved 1y", "block" */
/* What follows a figure that rests on an old price: " old", else "". */
const char *mlb_cost_old(const struct mlb_offer *offer);
/* What is to know about an offer's price and machine, in a few words; "" = nothing. */
const char *mlb_cost_flags(char *to, const struct mlb_offer *offer);
/* Notes on the words of mlb_cost_flags that some offer has. */
void mlb_cost_explain_flags(struct mlb_sheet *sheet, const struct mlb_offers *offers);
struct mlb_spread mlb_cost_scaled(struct mlb_spread spread, double factor);

/* The sheets, in order; each adds what it has to say, or nothing. */
void mlb_cost_answer(struct mlb_document *document, const struct mlb_cost_parts *parts);
void mlb_cost_ranking_sheet(struct mlb_document *document, const struct mlb_cost_parts *parts);
enum mlb_status mlb_cost_units_sheet(struct mlb_document *document,
                                     const struct mlb_cost_parts *parts, struct mlb_error *err);
enum mlb_status mlb_cost_lists_sheet(struct mlb_document *document,
                                     const struct mlb_cost_parts *parts, struct mlb_error *err);
void mlb_cost_job_sheet(struct mlb_document *document, const struct mlb_cost_parts *parts);
void mlb_cost_tokens_sheet(struct mlb_document *document, const struct mlb_cost_parts *parts);
void mlb_cost_prices_sheet(struct mlb_document *document, const struct mlb_cost_parts *parts);
void mlb_cost_notes(struct mlb_document *document, const struct mlb_cost_parts *parts);

#endif
