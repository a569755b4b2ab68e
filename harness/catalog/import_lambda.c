/* SPDX-License-Identifier: Apache-2.0 */
/* Lambda's answer to instance-types: one price an instance, in cents, in all regions. */
#include <string.h>

#include "harness/base/json_pull.h"
#include "harness/base/text.h"
#include "harness/catalog/import_offer.h"

/* { name, price_cents_per_hour, ... } */
static void read_type(struct mlb_import *import, struct mlb_pull *pull)
{
    char name[64] = "";
    double cents = 0.0;
    bool priced = false;
    const char *key;
    mlb_pull_object(pull);
    size_t line = mlb_pull_line(pull);
    while (mlb_pull_key(pull, &key)) {
        enum mlb_pull_kind kind = mlb_pull_peek(pull);
        if (strcmp(key, "name") == 0 && kind == MLB_PULL_STRING)
            mlb_format(name, sizeof name, "%s", mlb_pull_string(pull));
        else if (strcmp(key, "price_cents_per_hour") == 0 && kind == MLB_PULL_NUMBER) {
            cents = mlb_pull_real(pull);
            priced = true;
        } else
            mlb_pull_skip(pull);
    }
    if (mlb_pull_failed(pull))
        return;
    if (!priced) {
        if (mlb_import_wanted(import, "lambda", name, line))
            mlb_import_find(import, MLB_NOT_A_NUMBER, line, "lambda %s: no price_cents_per_hour",
                            name);
        return;
    }
    mlb_import_take(import, &(struct mlb_offer){.provider = "lambda",
                                                .instance = name,
                                                .region = "all",
                                                .purchase = MLB_ON_DEMAND,
                                                .usd_per_hour = cents / 100.0,
                                                .line = line});
}

/* { data: { NAME: { instance_type: {...}, regions_with_capacity_available: [...] } } } */
enum mlb_status mlb_import_lambda(struct mlb_import *import, const char *path,
                                  struct mlb_error *err)
{
    struct mlb_pull *pull = mlb_pull_open(path, err);
    const char *key;
    if (!pull)
        return err->status;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        if (strcmp(key, "data") != 0) {
            mlb_pull_skip(pull);
            continue;
        }
        mlb_pull_object(pull);
        while (mlb_pull_key(pull, &key)) {
            mlb_pull_object(pull);
            while (mlb_pull_key(pull, &key)) {
                if (strcmp(key, "instance_type") == 0)
                    read_type(import, pull);
                else
                    mlb_pull_skip(pull);
            }
        }
    }
    enum mlb_status status = mlb_pull_end(pull, err);
    mlb_pull_close(pull);
    return status;
}
