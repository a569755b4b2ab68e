/* SPDX-License-Identifier: Apache-2.0 */
/* Vantage's instances.json: a list of EC2's instances, each with the prices of all regions. An
 * instance is copied whole, since its name may stand behind its prices. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/json_pull.h"
#include "harness/base/text.h"
#include "harness/catalog/import_offer.h"

#define INSTANCE_LIMIT ((size_t)16 << 20) /* bytes of one, with its prices */

struct reader {
    struct mlb_import *import;
    struct mlb_pull *pull;
    char instance[64], region[48];
    size_t line; /* of the instance */
};

/* A price is a text or a number; what is not offered is "" or "N/A". */
static void read_amount(struct mlb_pull *pull, char to[static 40])
{
    enum mlb_pull_kind kind = mlb_pull_peek(pull);
    to[0] = '\0';
    if (kind == MLB_PULL_NUMBER)
        mlb_format(to, 40, "%.10g", mlb_pull_real(pull));
    else if (kind == MLB_PULL_STRING)
        mlb_format(to, 40, "%s", mlb_pull_string(pull));
    else
        mlb_pull_skip(pull);
    if (strcmp(to, "N/A") == 0)
        to[0] = '\0';
}

static void take(struct reader *reader, enum mlb_purchase purchase, const char *amount,
                 const char *note)
{
    struct mlb_offer offer = {.provider = "aws",
                              .instance = reader->instance,
                              .region = reader->region,
                              .purchase = purchase,
                              .note = note,
                              .line = reader->line};
    if (mlb_import_amount(reader->import, &offer, amount))
        mlb_import_take(reader->import, &offer);
}

/* { "yrTerm1Standard.noUpfront": "34.6", ... }: by the hour, all of the term's costs in it. */
static void read_reserved(struct reader *reader)
{
    const char *key;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &key)) {
        char amount[40], note[64];
        bool one = strncmp(key, "yrTerm1", 7) == 0, three = strncmp(key, "yrTerm3", 7) == 0;
        mlb_format(note, sizeof note, "%s", one || three ? key + 7 : "");
        read_amount(reader->pull, amount);
        if (one || three)
            take(reader, one ? MLB_RESERVED_1Y : MLB_RESERVED_3Y, amount, note);
    }
}

static void read_linux(struct reader *reader)
{
    char on_demand[40] = "", mean[40] = "", low[40] = "", high[40] = "", note[120];
    const char *key;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &key)) {
        if (strcmp(key, "ondemand") == 0)
            read_amount(reader->pull, on_demand);
        else if (strcmp(key, "spot_avg") == 0)
            read_amount(reader->pull, mean);
        else if (strcmp(key, "spot_min") == 0)
            read_amount(reader->pull, low);
        else if (strcmp(key, "spot_max") == 0)
            read_amount(reader->pull, high);
        else if (strcmp(key, "reserved") == 0 && mlb_pull_peek(reader->pull) == MLB_PULL_OBJECT)
            read_reserved(reader);
        else
            mlb_pull_skip(reader->pull);
    }
    if (mlb_pull_failed(reader->pull))
        return;
    mlb_format(note, sizeof note, "mean of the zones, %s to %s", low[0] ? low : "?",
               high[0] ? high : "?");
    take(reader, MLB_ON_DEMAND, on_demand, NULL);
    take(reader, MLB_SPOT, mean, note);
}

/* { REGION: { linux: {...}, mswin: {...} } } */
static void read_pricing(struct reader *reader)
{
    const char *key;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &key)) {
        mlb_format(reader->region, sizeof reader->region, "%s", key);
        if (mlb_pull_peek(reader->pull) != MLB_PULL_OBJECT) {
            mlb_pull_skip(reader->pull);
            continue;
        }
        mlb_pull_object(reader->pull);
        while (mlb_pull_key(reader->pull, &key)) {
            if (strcmp(key, "linux") == 0 && mlb_pull_peek(reader->pull) == MLB_PULL_OBJECT)
                read_linux(reader);
            else
                mlb_pull_skip(reader->pull);
        }
    }
}

/* The name, and once it is known the prices. */
static enum mlb_status read_members(struct reader *reader, const char *name, const char *text,
                                    size_t length, struct mlb_error *err)
{
    const char *key;
    bool known = reader->instance[0] != '\0';
    reader->pull = mlb_pull_memory(name, text, length, err);
    if (!reader->pull)
        return err->status;
    mlb_pull_object(reader->pull);
    while (mlb_pull_key(reader->pull, &key)) {
        if (!known && strcmp(key, "instance_type") == 0)
            mlb_format(reader->instance, sizeof reader->instance, "%s",
                       mlb_pull_string(reader->pull));
        else if (known && strcmp(key, "pricing") == 0)
            read_pricing(reader);
        else
            mlb_pull_skip(reader->pull);
    }
    enum mlb_status status = mlb_pull_end(reader->pull, err);
    mlb_pull_close(reader->pull);
    return status;
}

static enum mlb_status read_instance(struct mlb_import *import, const char *path, const char *text,
                                     size_t length, size_t line, struct mlb_error *err)
{
    struct reader reader = {.import = import, .line = line};
    char name[1100];
    mlb_format(name, sizeof name, "%s:%zu (an instance)", path, line);
    enum mlb_status status = read_members(&reader, name, text, length, err);
    if (status == MLB_OK && reader.instance[0] &&
        mlb_import_wanted(import, "aws", reader.instance, line))
        status = read_members(&reader, name, text, length, err);
    return status;
}

enum mlb_status mlb_import_vantage(struct mlb_import *import, const char *path,
                                   struct mlb_error *err)
{
    struct mlb_pull *pull = mlb_pull_open(path, err);
    enum mlb_status status = MLB_OK;
    if (!pull)
        return err->status;
    mlb_pull_array(pull);
    while (status == MLB_OK && mlb_pull_element(pull)) {
        size_t length, line;
        mlb_pull_peek(pull);
        line = mlb_pull_line(pull);
        char *text = mlb_pull_copy(pull, INSTANCE_LIMIT, &length);
        if (text)
            status = read_instance(import, path, text, length, line, err);
        free(text);
    }
    if (status == MLB_OK)
        status = mlb_pull_end(pull, err);
    mlb_pull_close(pull);
    return status;
}
