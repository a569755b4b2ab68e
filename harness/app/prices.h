/* SPDX-License-Identifier: Apache-2.0 */
/* What `mlbench prices` is made of. */
#ifndef MLB_APP_PRICES_H
#define MLB_APP_PRICES_H

#include "harness/app/options.h"
#include "harness/catalog/catalog.h"
#include "harness/report/sheet.h"

/* configs/catalog with the files of --prices and the prices of --price. */
enum mlb_status mlb_prices_open(struct mlb_catalog **catalog, const struct mlb_options *options,
                                struct mlb_error *err);

/* A document in the format of --format to stdout; frees it. */
enum mlb_status mlb_prices_print(struct mlb_document *document, const struct mlb_options *options,
                                 struct mlb_error *err);

/* A sheet of prices, a row a price. With a `reference` above 0 the sheet is of one instance, and
 * people see the day and the number of the source instead of the instance's name. */
struct mlb_sheet *mlb_prices_sheet(struct mlb_document *document);
void mlb_prices_row(struct mlb_sheet *sheet, const struct mlb_catalog *catalog,
                    const struct mlb_price *price, int64_t today, int reference);
bool mlb_price_is_stale(const struct mlb_price *price, int64_t today);

/* The verbs: options->words are those behind the verb's. */
enum mlb_status mlb_prices_list(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_prices_show(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_prices_import(const struct mlb_options *options, struct mlb_error *err);

#endif
