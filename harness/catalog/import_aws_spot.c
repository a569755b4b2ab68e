/* SPDX-License-Identifier: Apache-2.0 */
/* Three answers of AWS: the history of spot prices, the offerings of capacity blocks, and Spot
 * Advisor's table, which has no prices. */
#include <string.h>

#include "harness/base/json_pull.h"
#include "harness/base/text.h"
#include "harness/catalog/import_aws.h"

/* Keys of one item of a list that are texts; the rest is skipped. */
struct text_key {
    const char *key;
    char *to;
    size_t size;
};

static bool read_text(struct mlb_pull *pull, const char *key, const struct text_key *keys)
{
    size_t i = 0;
    while (keys[i].key && strcmp(keys[i].key, key) != 0)
        i++;
    if (!keys[i].key || mlb_pull_peek(pull) != MLB_PULL_STRING)
        return false;
    mlb_format(keys[i].to, keys[i].size, "%s", mlb_pull_string(pull));
    return true;
}

/* The one list of a document, item by item. */
static enum mlb_status read_list(struct mlb_import *import, const char *path, const char *list,
                                 void (*read)(struct mlb_import *, struct mlb_pull *),
                                 struct mlb_error *err)
{
    struct mlb_pull *pull = mlb_pull_open(path, err);
    const char *key;
    if (!pull)
        return err->status;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        if (strcmp(key, list) == 0) {
            mlb_pull_array(pull);
            while (mlb_pull_element(pull))
                read(import, pull);
        } else if (strcmp(key, "NextToken") == 0 && mlb_pull_peek(pull) == MLB_PULL_STRING) {
            if (mlb_pull_string(pull)[0])
                mlb_import_find(import, MLB_MORE_PAGES, mlb_pull_line(pull), "NextToken");
        } else {
            mlb_pull_skip(pull);
        }
    }
    enum mlb_status status = mlb_pull_end(pull, err);
    mlb_pull_close(pull);
    return status;
}

/* -----------------------------------------------------------------------
 * describe-spot-price-history
 */

/* { AvailabilityZone, InstanceType, ProductDescription, SpotPrice: "14.2461", Timestamp } */
static void read_spot(struct mlb_import *import, struct mlb_pull *pull)
{
    char zone[64] = "", type[64] = "", system[64] = "", price[32] = "", time[40] = "", region[48];
    const struct text_key keys[] = {{"AvailabilityZone", zone, sizeof zone},
                                    {"InstanceType", type, sizeof type},
                                    {"ProductDescription", system, sizeof system},
                                    {"SpotPrice", price, sizeof price},
                                    {"Timestamp", time, sizeof time},
                                    {NULL, NULL, 0}};
    const char *key;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key))
        if (!read_text(pull, key, keys))
            mlb_pull_skip(pull);
    if (mlb_pull_failed(pull) || !mlb_import_wanted(import, "aws", type, 0))
        return;
    size_t line = mlb_pull_line(pull);
    if (strncmp(system, "Linux/UNIX", 10) != 0) {
        mlb_import_find(import, MLB_OTHER_SOFTWARE, line, "aws %s %s: %s", type, zone, system);
        return;
    }
    mlb_aws_region_of_zone(zone, region);
    struct mlb_offer offer = {.provider = "aws",
                              .instance = type,
                              .region = region,
                              .zone = zone,
                              .purchase = MLB_SPOT,
                              .history = true,
                              .line = line};
    if (!mlb_import_instant(time, &offer.since)) {
        mlb_import_find(import, MLB_NO_DATE, line, "aws %s %s: '%s'", type, zone, time);
        return;
    }
    if (!price[0])
        mlb_import_find(import, MLB_NOT_A_NUMBER, line, "aws %s %s: no SpotPrice", type, zone);
    else if (mlb_import_amount(import, &offer, price))
        mlb_import_take(import, &offer);
}

enum mlb_status mlb_import_aws_spot(struct mlb_import *import, const char *path,
                                    struct mlb_error *err)
{
    return read_list(import, path, "SpotPriceHistory", read_spot, err);
}

/* ----------------------------------------------------------------
 * describe-capacity-block-offerings
 */

struct block {
    char zone[64], type[64], fee[32], currency[8], start[40];
    double count, hours;
};

static void take_block(struct mlb_import *import, const struct block *block, size_t line)
{
    char region[48], note[96], name[200];
    mlb_aws_region_of_zone(block->zone, region);
    mlb_format(note, sizeof note, "%g hours from %.10s, %g at once", block->hours, block->start,
               block->count);
    struct mlb_offer offer = {.provider = "aws",
                              .instance = block->type,
                              .region = region,
                              .zone = block->zone,
                              .purchase = MLB_CAPACITY_BLOCK,
                              .note = note,
                              .line = line};
    if (strcmp(block->currency, "USD") != 0)
        mlb_import_find(import, MLB_OTHER_CURRENCY, line, "%s: '%s'", mlb_import_name(&offer, name),
                        block->currency);
    else if (!(block->count > 0.0) || !(block->hours > 0.0))
        mlb_import_find(import, MLB_OTHER_UNIT, line, "%s: %g instances for %g hours",
                        mlb_import_name(&offer, name), block->count, block->hours);
    else if (!block->fee[0])
        mlb_import_find(import, MLB_NOT_A_NUMBER, line, "%s: no UpfrontFee",
                        mlb_import_name(&offer, name));
    else if (mlb_import_amount(import, &offer, block->fee)) {
        offer.usd_per_hour /= block->count * block->hours;
        mlb_import_take(import, &offer);
    }
}

static bool read_number(struct mlb_pull *pull, const char *key, const char *wanted, double *to)
{
    if (strcmp(key, wanted) != 0 || mlb_pull_peek(pull) != MLB_PULL_NUMBER)
        return false;
    *to = mlb_pull_real(pull);
    return true;
}

static void read_block(struct mlb_import *import, struct mlb_pull *pull)
{
    struct block block = {.count = 0.0};
    const struct text_key keys[] = {{"AvailabilityZone", block.zone, sizeof block.zone},
                                    {"InstanceType", block.type, sizeof block.type},
                                    {"UpfrontFee", block.fee, sizeof block.fee},
                                    {"CurrencyCode", block.currency, sizeof block.currency},
                                    {"StartDate", block.start, sizeof block.start},
                                    {NULL, NULL, 0}};
    const char *key;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key))
        if (!read_text(pull, key, keys) && !read_number(pull, key, "InstanceCount", &block.count) &&
            !read_number(pull, key, "CapacityBlockDurationHours", &block.hours))
            mlb_pull_skip(pull);
    if (!mlb_pull_failed(pull) && mlb_import_wanted(import, "aws", block.type, 0))
        take_block(import, &block, mlb_pull_line(pull));
}

enum mlb_status mlb_import_aws_blocks(struct mlb_import *import, const char *path,
                                      struct mlb_error *err)
{
    return read_list(import, path, "CapacityBlockOfferings", read_block, err);
}

/* ------------------------------------------------------------------------------- Spot Advisor */

enum mlb_status mlb_import_aws_advisor(struct mlb_import *import, const char *path,
                                       struct mlb_error *err)
{
    (void)import;
    return mlb_fail(
        err, MLB_E_CONFIG,
        "%s: Spot Advisor's table says how often spot instances are taken back, and has "
        "no prices; spot prices come from `aws ec2 describe-spot-price-history`",
        path);
}
