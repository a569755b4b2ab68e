/* SPDX-License-Identifier: Apache-2.0 */
/* A file of prices alone, in the form of configs/catalog/prices.json. */
#ifndef MLB_CATALOG_PRICE_FILE_H
#define MLB_CATALOG_PRICE_FILE_H

#include "harness/base/status.h"
#include "harness/catalog/catalog.h"

/* The prices of `path` as a catalog without instances; those of `catalog` tell what an amount can
 * be. The caller closes it. */
enum mlb_status mlb_price_file_open(struct mlb_catalog **file, const struct mlb_catalog *catalog,
                                    const char *path, struct mlb_error *err);

/* All or nothing, one line a price; what stood at `path` is replaced. */
enum mlb_status mlb_price_file_write(const char *path, const struct mlb_price *prices, size_t count,
                                     struct mlb_error *err);

#endif
