/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to take a data set out of a provider and to keep it there for a job, from
 * configs/catalog/transfer.json.
 *
 * A GB is 10^9 bytes. Whether a provider's bill counts GB or GiB is not settled in the sources; the
 * difference is 7 %. */
#ifndef MLB_ANALYSIS_DATA_MOVE_H
#define MLB_ANALYSIS_DATA_MOVE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/json.h"
#include "harness/base/status.h"

enum { MLB_EGRESS_TIERS = 8 };

/* Dollars per GB of what one month sends out between the last tier's end and `up_to_gb`. */
struct mlb_egress_tier {
    double up_to_gb; /* infinite: no end */
    double usd_per_gb;
};

/* Texts live as long as the table. */
struct mlb_egress {
    const char *provider, *way; /* "aws", "internet" */
    struct mlb_egress_tier tiers[MLB_EGRESS_TIERS];
    size_t tier_count;
    double free_gb_per_month; /* an account's, and used up by its other traffic: not taken off */
    bool falling;             /* the last tier ends where the source does; beyond, less is asked */
    const char *as_of, *source;
};

struct mlb_storage {
    const char *provider, *kind; /* "azure", "Blob hot, LRS" */
    double usd_per_gb_month;     /* a month is 730 h */
    const char *as_of, *source;
};

struct mlb_transfer {
    struct mlb_json document;
    struct mlb_egress *egress; /* owned, as `storage` */
    size_t egress_count;
    struct mlb_storage *storage;
    size_t storage_count;
};

/* MLB_E_CONFIG with file and line for a price without source and date, tiers that do not rise, and
 * keys that nobody knows. */
enum mlb_status mlb_transfer_open(struct mlb_transfer *transfer, const char *path,
                                  struct mlb_error *err);
void mlb_transfer_close(struct mlb_transfer *transfer); /* zeroed is fine */

/* The provider's first way out, and its storage; NULL where the table has none. */
const struct mlb_egress *mlb_egress_of(const struct mlb_transfer *transfer, const char *provider);
const struct mlb_storage *mlb_storage_of(const struct mlb_transfer *transfer, const char *provider);

struct mlb_egress_cost {
    bool known;   /* false: more than the source has a price for */
    bool at_most; /* counted at the price of the last tier that is known */
    double usd;
};
/* Within one month. Each tier's price holds for the bytes within it. */
struct mlb_egress_cost mlb_egress_cost(const struct mlb_egress *egress, double bytes);
double mlb_storage_cost(const struct mlb_storage *storage, double bytes, double seconds);

/* Hours after which what is saved there has paid for the move; infinite when nothing is saved. */
double mlb_move_pays_after_hours(double egress_usd, double saved_usd_per_hour);

#endif
