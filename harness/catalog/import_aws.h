/* SPDX-License-Identifier: Apache-2.0 */
/* What the formats of AWS's price list share: which products are a plain machine, and what a term
 * costs an hour. */
#ifndef MLB_CATALOG_IMPORT_AWS_H
#define MLB_CATALOG_IMPORT_AWS_H

#include "harness/catalog/import_offer.h"

/* Attributes of a product, by the names that they have in JSON and in CSV. */
enum mlb_aws_attribute {
    MLB_AWS_INSTANCE,
    MLB_AWS_REGION,
    MLB_AWS_TENANCY,
    MLB_AWS_SYSTEM,
    MLB_AWS_CAPACITY,
    MLB_AWS_SOFTWARE,
    MLB_AWS_MARKET,
    MLB_AWS_COMPONENT, /* of SageMaker: "Training" */
    MLB_AWS_ATTRIBUTES
};
extern const char *const mlb_aws_attribute_keys[MLB_AWS_ATTRIBUTES]; /* in JSON */

/* "" = absent. Texts of 128 bytes are longer than any value that is looked for. */
struct mlb_aws_product {
    char of[MLB_AWS_ATTRIBUTES][128];
};

/* A machine with Linux that is paid for while it runs, or SageMaker's training: `service` and the
 * instance of the catalog. NULL, and counted, for what is not. */
const struct mlb_instance *mlb_aws_wanted(struct mlb_import *import,
                                          const struct mlb_aws_product *product,
                                          const char **service, size_t line);

/* A term of a product, its prices by the hour and paid in front. */
struct mlb_aws_term {
    const char *service, *instance, *region; /* have to stay until it is taken */
    bool reserved;
    char lease[8], option[32], class[32]; /* "1yr", "Partial Upfront", "standard"; reserved only */
    bool hourly_known, upfront_known;
    double hourly, upfront; /* USD */
    bool broken;            /* one of its prices was refused */
    size_t line;
};
/* One price of a term: `unit` "Hrs" or "Quantity". Another unit is refused. False: nothing came. */
bool mlb_aws_add_price(struct mlb_import *import, struct mlb_aws_term *term, const char *unit,
                       const char *currency, const char *amount);
/* hourly + upfront / hours of the term. */
void mlb_aws_take(struct mlb_import *import, const struct mlb_aws_term *term);

/* "us-east-1a", "us-west-2-lax-1a" -> "us-east-1", "us-west-2" */
void mlb_aws_region_of_zone(const char *zone, char region[static 48]);

#endif
