/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_catalog [SEED [COUNT]]: rows of instances and prices with values that do not belong there.
 * Either one line names the file and the place, or everything that was read keeps its promises.
 * Number i depends on SEED and i alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/date.h"
#include "harness/base/rng.h"
#include "harness/catalog/store.h"

static const char instances[] =
    "{\"schema\": 1, \"instances\": [{\"provider\": \"aws\", \"name\": \"p5.48xlarge\", \"gpu\": "
    "\"H100\", \"gpus\": 8, \"gpu_memory\": \"80GiB\", \"device_names\": [\"a\", \"b\"], "
    "\"network\": \"efa\", \"nics\": 32, \"gpu_network_bytes_per_s\": 400e9, \"price_only\": "
    "false, "
    "\"source\": \"s\", \"as_of\": \"2026-07\"}, {\"provider\": \"azure\", \"name\": "
    "\"Standard_ND96asr_v4\", \"gpu\": \"A100\", \"source\": \"s\", \"as_of\": \"2026-07-01\"}]}";
static const char prices[] =
    "{\"schema\": 1, \"prices\": [{\"provider\": \"aws\", \"instance\": \"p5.48xlarge\", "
    "\"purchase\": \"on_demand\", \"region\": \"all\", \"amount_per_hour\": 55.04, \"currency\": "
    "\"USD\", \"as_of\": \"2026-07\", \"source\": \"s\"}, {\"provider\": \"aws\", \"instance\": "
    "\"p5.48xlarge\", \"purchase\": \"spot\", \"region\": \"r\", \"zone\": \"z\", "
    "\"amount_per_hour\": 14, \"currency\": \"USD\", \"as_of\": \"2026-07-03\", \"source\": \"s\", "
    "\"note\": \"n\", \"service\": \"v\"}]}";

static const char *const values[] = {
    "0",
    "-1",
    "1e999",
    "8",
    "8.5",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\"aws\"",
    "\"ml.\"",
    "\"80GiB\"",
    "\"spot\"",
    "\"2026-07\"",
    "[\"x\"]",
    "[[1]]",
    "\"USD\"",
    "\"all\"",
    "1e300",
    "\"9999-12-31\"",
    "\"Standard_\"",
    "[1, \"\"]",
    "\"\\u0001\"",
    "0.011",
    "\"on_demand\"",
};

struct dice {
    uint64_t seed, drawn;
};

static size_t below(struct dice *dice, size_t bound)
{
    return (size_t)(mlb_rng_bits(dice->seed, dice->drawn++) % bound);
}

static void demand(bool condition, const char *what, const char *text)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_catalog: not true: %s: %s\n", what, text);
    abort();
}

/* A row's member is replaced, removed, or the row stands twice. */
static void change(struct dice *dice, cJSON *list)
{
    int rows = cJSON_GetArraySize(list);
    cJSON *row = rows > 0 ? cJSON_GetArrayItem(list, (int)below(dice, (size_t)rows)) : NULL;
    int members = cJSON_IsObject(row) ? cJSON_GetArraySize(row) : 0;
    if (members == 0)
        return;
    const char *key = cJSON_GetArrayItem(row, (int)below(dice, (size_t)members))->string;
    char name[64];
    snprintf(name, sizeof name, "%s", key);
    switch (below(dice, 8)) {
    case 0:
        cJSON_DeleteItemFromObjectCaseSensitive(row, name);
        break;
    case 1:
        cJSON_AddItemToArray(list, cJSON_Duplicate(row, true));
        break;
    default:
        cJSON_ReplaceItemInObjectCaseSensitive(
            row, name, cJSON_Parse(values[below(dice, sizeof values / sizeof *values)]));
        break;
    }
}

static enum mlb_status make(struct dice *dice, const char *text, const char *key,
                            struct mlb_json *json, struct mlb_error *err)
{
    cJSON *tree = cJSON_Parse(text);
    cJSON *list = cJSON_GetObjectItemCaseSensitive(tree, key);
    for (size_t changes = below(dice, 4); changes > 0; changes--)
        change(dice, list);
    char *printed = cJSON_Print(tree);
    cJSON_Delete(tree);
    enum mlb_status status = mlb_json_parse(json, "fuzz", printed, strlen(printed), err);
    cJSON_free(printed);
    return status;
}

static void check_refusal(const struct mlb_error *err)
{
    demand(err->status == MLB_E_CONFIG, "a refusal is of the file", err->text);
    demand(strncmp(err->text, "fuzz:", 5) == 0, "a refusal names the file", err->text);
    demand(strtoul(err->text + 5, NULL, 10) >= 1, "a refusal names the line", err->text);
}

static void check_price(const struct mlb_catalog *catalog, const struct mlb_price *price)
{
    demand(isfinite(price->usd_per_hour) && price->usd_per_hour > 0.0, "an amount", price->source);
    demand(price->day >= 0 && price->day <= mlb_date_today(), "a day", price->as_of);
    demand(price->source[0] && price->region[0] && price->provider[0] && price->instance[0],
           "a price is whole", price->instance);
    demand(price->zone && price->service && price->note, "texts are there", price->instance);
    struct mlb_price_range range =
        mlb_catalog_price(catalog, price->provider, price->service, price->instance, price->region,
                          price->zone, price->purchase, mlb_date_today());
    demand(range.known && range.count >= 1, "a price is found again", price->instance);
    demand(range.low <= range.median && range.median <= range.high, "in order", price->instance);
    demand(range.cheapest && range.oldest, "a range has its prices", price->instance);
}

static void check_taken(const struct mlb_catalog *catalog)
{
    for (size_t i = 0; i < catalog->instance_count; i++) {
        const struct mlb_instance *instance = &catalog->instances[i];
        demand(mlb_catalog_instance(catalog, instance->provider, instance->name) == instance,
               "an instance is found by its name", instance->name);
        demand(instance->cpu && instance->device_names, "texts are there", instance->name);
    }
    for (size_t i = 0; i < catalog->price_count; i++)
        check_price(catalog, &catalog->prices[i]);
}

static bool look(struct dice *dice)
{
    struct mlb_catalog *catalog = calloc(1, sizeof *catalog);
    struct mlb_error err = {0};
    catalog->documents = calloc(2, sizeof *catalog->documents);
    catalog->document_count = 2;
    bool parsed = make(dice, instances, "instances", &catalog->documents[0], &err) == MLB_OK &&
                  make(dice, prices, "prices", &catalog->documents[1], &err) == MLB_OK;
    bool taken = parsed &&
                 mlb_catalog_read_instances(catalog, &catalog->documents[0], &err) == MLB_OK &&
                 mlb_catalog_read_prices(catalog, 1, &err) == MLB_OK;
    if (taken)
        check_taken(catalog);
    else
        check_refusal(&err);
    mlb_catalog_close(catalog);
    return taken;
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000, taken = 0;
    for (uint64_t i = 0; i < count; i++)
        taken += look(&(struct dice){.seed = seed + i});
    printf("%llu of %llu catalogs were taken\n", (unsigned long long)taken,
           (unsigned long long)count);
    return taken > 0 && taken < count ? 0 : 1;
}
