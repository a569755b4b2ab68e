/* SPDX-License-Identifier: Apache-2.0 */
/* A page of Azure's Retail Prices. What is easily taken wrongly: a reservation's retailPrice is
 * that of the whole term although its unit is "1 Hour"; Windows, Spot and Low Priority are meters
 * of the same size; DevTest prices are not for everybody. */
#include <string.h>

#include "harness/base/date.h"
#include "harness/base/json_pull.h"
#include "harness/base/text.h"
#include "harness/catalog/import_offer.h"

#define HOURS_PER_YEAR 8760.0

enum item_text { SIZE, REGION, UNIT, TYPE, TERM, METER, SKU, PRODUCT, CURRENCY, SINCE, TEXTS };
static const char *const item_keys[TEXTS] = {
    "armSkuName", "armRegionName", "unitOfMeasure", "type",         "reservationTerm",
    "meterName",  "skuName",       "productName",   "currencyCode", "effectiveStartDate"};

struct plan {
    char term[16];
    double usd_per_hour;
    bool known;
};

struct item {
    char text[TEXTS][160];
    double price;
    bool priced;
    struct plan plans[4]; /* savings plans, by the hour */
    size_t plan_count, line;
};

static void read_plan(struct mlb_pull *pull, struct item *item)
{
    struct plan plan = {.known = false};
    const char *key;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        if (strcmp(key, "retailPrice") == 0 && mlb_pull_peek(pull) == MLB_PULL_NUMBER) {
            plan.usd_per_hour = mlb_pull_real(pull);
            plan.known = true;
        } else if (strcmp(key, "term") == 0 && mlb_pull_peek(pull) == MLB_PULL_STRING)
            mlb_format(plan.term, sizeof plan.term, "%s", mlb_pull_string(pull));
        else
            mlb_pull_skip(pull);
    }
    if (plan.known && item->plan_count < sizeof item->plans / sizeof *item->plans)
        item->plans[item->plan_count++] = plan;
}

static void read_member(struct mlb_pull *pull, const char *key, struct item *item)
{
    size_t i = 0;
    while (i < TEXTS && strcmp(item_keys[i], key) != 0)
        i++;
    enum mlb_pull_kind kind = mlb_pull_peek(pull);
    if (i < TEXTS && kind == MLB_PULL_STRING)
        mlb_format(item->text[i], sizeof item->text[i], "%s", mlb_pull_string(pull));
    else if (strcmp(key, "retailPrice") == 0 && kind == MLB_PULL_NUMBER) {
        item->price = mlb_pull_real(pull);
        item->priced = true;
    } else if (strcmp(key, "savingsPlan") == 0 && kind == MLB_PULL_ARRAY) {
        mlb_pull_array(pull);
        while (mlb_pull_element(pull))
            read_plan(pull, item);
    } else
        mlb_pull_skip(pull);
}

/* 1, 3, or 0 for another term than mlbench compares. */
static double years_of(const char *term)
{
    return strcmp(term, "1 Year") == 0 ? 1.0 : strcmp(term, "3 Years") == 0 ? 3.0 : 0.0;
}

static enum mlb_finding_code why_not(const struct item *item)
{
    static const char *const software[] = {"Windows", "CloudServices", "Cloud Services", NULL};
    const char *product = item->text[PRODUCT], *type = item->text[TYPE];
    for (size_t i = 0; software[i]; i++)
        if (strstr(product, software[i]))
            return MLB_OTHER_SOFTWARE;
    if (strstr(product, "Dedicated"))
        return MLB_OTHER_TENANCY;
    if (strcmp(item->text[CURRENCY], "USD") != 0)
        return MLB_OTHER_CURRENCY;
    if (strcmp(item->text[UNIT], "1 Hour") != 0)
        return MLB_OTHER_UNIT;
    if (!item->priced)
        return MLB_NOT_A_NUMBER;
    if (strcmp(type, "Reservation") == 0)
        return years_of(item->text[TERM]) > 0.0 ? MLB_FINDINGS : MLB_OTHER_TERMS;
    return strcmp(type, "Consumption") == 0 ? MLB_FINDINGS : MLB_OTHER_TERMS;
}

static enum mlb_purchase reserved_for(double years)
{
    return years == 3.0 ? MLB_RESERVED_3Y : MLB_RESERVED_1Y;
}

static void take_plans(struct mlb_import *import, const struct item *item, struct mlb_offer offer)
{
    for (size_t i = 0; i < item->plan_count; i++) {
        double years = years_of(item->plans[i].term);
        if (years == 0.0)
            continue;
        offer.purchase = reserved_for(years);
        offer.usd_per_hour = item->plans[i].usd_per_hour;
        offer.note = "savings plan";
        mlb_import_take(import, &offer);
    }
}

/* The meter and the SKU say it both. */
static bool is_called(const struct item *item, const char *word)
{
    return strstr(item->text[METER], word) || strstr(item->text[SKU], word);
}

static void take_item(struct mlb_import *import, const struct item *item)
{
    bool reserved = strcmp(item->text[TYPE], "Reservation") == 0;
    bool low = is_called(item, "Low Priority"), spot = low || is_called(item, "Spot");
    double years = reserved ? years_of(item->text[TERM]) : 0.0;
    struct mlb_offer offer = {.provider = "azure",
                              .instance = item->text[SIZE],
                              .region = item->text[REGION],
                              .purchase = reserved ? reserved_for(years)
                                          : spot   ? MLB_SPOT
                                                   : MLB_ON_DEMAND,
                              .usd_per_hour = item->price,
                              .note = reserved ? "reservation"
                                      : low    ? "low priority"
                                               : NULL,
                              .line = item->line};
    mlb_import_instant(item->text[SINCE], &offer.since);
    if (reserved)
        offer.usd_per_hour /= years * HOURS_PER_YEAR;
    mlb_import_take(import, &offer);
    if (!reserved && !spot)
        take_plans(import, item, offer);
}

static void read_item(struct mlb_import *import, struct mlb_pull *pull)
{
    struct item item = {.priced = false};
    const char *key;
    mlb_pull_object(pull);
    item.line = mlb_pull_line(pull);
    while (mlb_pull_key(pull, &key))
        read_member(pull, key, &item);
    const char *size = item.text[SIZE], *region = item.text[REGION];
    if (mlb_pull_failed(pull) || !size[0] || /* a meter that is no machine */
        !mlb_import_wanted(import, "azure", size, item.line))
        return;
    enum mlb_finding_code reason = why_not(&item);
    if (reason == MLB_FINDINGS)
        take_item(import, &item);
    else
        mlb_import_find(import, reason, item.line, "azure %s %s: %s per %s, %s %s, %s", size,
                        region, item.text[CURRENCY], item.text[UNIT], item.text[TYPE],
                        item.text[TERM], item.text[PRODUCT]);
}

enum mlb_status mlb_import_azure(struct mlb_import *import, const char *path, struct mlb_error *err)
{
    struct mlb_pull *pull = mlb_pull_open(path, err);
    const char *key;
    if (!pull)
        return err->status;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        if (strcmp(key, "Items") == 0) {
            mlb_pull_array(pull);
            while (mlb_pull_element(pull))
                read_item(import, pull);
        } else if (strcmp(key, "NextPageLink") == 0 && mlb_pull_peek(pull) == MLB_PULL_STRING) {
            bool more = mlb_pull_string(pull)[0] != '\0';
            if (more)
                mlb_import_find(import, MLB_MORE_PAGES, mlb_pull_line(pull), "NextPageLink");
        } else
            mlb_pull_skip(pull);
    }
    enum mlb_status status = mlb_pull_end(pull, err);
    mlb_pull_close(pull);
    return status;
}
