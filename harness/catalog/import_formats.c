/* SPDX-License-Identifier: Apache-2.0 */
/* Which format a file has, from its beginning. */
#include <string.h>

#include "harness/catalog/import_offer.h"

static bool has_column(const struct mlb_import_head *head, const char *name)
{
    return mlb_csv_find(head->columns, head->column_count, name) < head->column_count;
}

static bool is_skypilot(const struct mlb_import_head *head)
{
    return has_column(head, "InstanceType") && has_column(head, "SpotPrice") &&
           has_column(head, "AcceleratorName");
}

static bool is_gpuhunt(const struct mlb_import_head *head)
{
    return has_column(head, "instance_name") && has_column(head, "location") &&
           has_column(head, "spot");
}

static bool is_aws_csv(const struct mlb_import_head *head)
{
    return has_column(head, "FormatVersion") ||
           (has_column(head, "SKU") && has_column(head, "OfferTermCode"));
}

static bool has_key(const struct mlb_import_head *head, const char *quoted)
{
    return head->json && strstr(head->text, quoted) != NULL;
}

static bool is_aws_offers(const struct mlb_import_head *head)
{
    return has_key(head, "\"offerCode\"") && has_key(head, "\"formatVersion\"");
}

static bool is_aws_products(const struct mlb_import_head *head)
{
    return has_key(head, "\"PriceList\"");
}

static bool is_aws_spot(const struct mlb_import_head *head)
{
    return has_key(head, "\"SpotPriceHistory\"");
}

static bool is_aws_blocks(const struct mlb_import_head *head)
{
    return has_key(head, "\"CapacityBlockOfferings\"");
}

static bool is_aws_advisor(const struct mlb_import_head *head)
{
    return has_key(head, "\"spot_advisor\"") ||
           (has_key(head, "\"instance_types\"") && has_key(head, "\"ranges\""));
}

static bool is_azure(const struct mlb_import_head *head)
{
    return has_key(head, "\"Items\"") &&
           (has_key(head, "\"retailPrice\"") || has_key(head, "\"BillingCurrency\""));
}

static bool is_vantage(const struct mlb_import_head *head)
{
    return *head->text == '[' && has_key(head, "\"pricing\"");
}

static bool is_lambda(const struct mlb_import_head *head)
{
    return has_key(head, "\"price_cents_per_hour\"");
}

/* The first that fits. */
const struct mlb_import_format mlb_import_formats[] = {
    {"aws-offers-json", "AWS offers file", is_aws_offers, mlb_import_aws_offers},
    {"aws-offers-csv", "AWS offers file", is_aws_csv, mlb_import_aws_csv},
    {"aws-get-products", "AWS price list query", is_aws_products, mlb_import_aws_products},
    {"aws-spot-history", "AWS spot price history", is_aws_spot, mlb_import_aws_spot},
    {"aws-capacity-blocks", "AWS capacity block offerings", is_aws_blocks, mlb_import_aws_blocks},
    {"azure-retail", "Azure Retail Prices", is_azure, mlb_import_azure},
    {"skypilot-csv", "SkyPilot catalog", is_skypilot, mlb_import_skypilot},
    {"gpuhunt-csv", "gpuhunt catalog", is_gpuhunt, mlb_import_gpuhunt},
    {"vantage-json", "Vantage instances.json", is_vantage, mlb_import_vantage},
    {"lambda-json", "Lambda instance types", is_lambda, mlb_import_lambda},
    {"aws-spot-advisor", "AWS Spot Advisor", is_aws_advisor, mlb_import_aws_advisor},
    {0}};
