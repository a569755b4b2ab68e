/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/data_move.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/date.h"
#include "harness/base/json_strict.h"

#define FILE_LIMIT       ((size_t)1 << 20) /* bytes; the table is a few KiB */
#define GB               1e9
#define SECONDS_PER_HOUR 3600.0
#define HOURS_PER_MONTH  730.0

/* ---------------------------------------------------------------------------------- strict loading
 */

static const char *const top_keys[] = {"egress", "storage", NULL};
static const char *const egress_keys[] = {
    "provider", "way", "tiers", "free_gb_per_month", "beyond_last_tier", "as_of", "source", NULL};
static const char *const tier_keys[] = {"up_to_gb", "usd_per_gb", NULL};
static const char *const storage_keys[] = {"provider", "kind",   "usd_per_gb_month",
                                           "as_of",    "source", NULL};

static enum mlb_status need_text(const struct mlb_json *json, const cJSON *object, const char *key,
                                 const char **to, struct mlb_error *err)
{
    if (mlb_json_get_text(object, key, to) && (*to)[0])
        return MLB_OK;
    return mlb_json_fail(json, object, err, "needs '%s', a text", key);
}

/* Zero is a price: some traffic is free. */
static enum mlb_status need_amount(const struct mlb_json *json, const cJSON *object,
                                   const char *key, double *to, struct mlb_error *err)
{
    if (mlb_json_get_real(object, key, to) && isfinite(*to) && *to >= 0.0)
        return MLB_OK;
    return mlb_json_fail(json, object, err, "needs '%s', a number of 0 or more", key);
}

/* What every entry has. */
static enum mlb_status read_origin(const struct mlb_json *json, const cJSON *object,
                                   const char **provider, const char **as_of, const char **source,
                                   struct mlb_error *err)
{
    int64_t day;
    if (need_text(json, object, "provider", provider, err) != MLB_OK ||
        need_text(json, object, "as_of", as_of, err) != MLB_OK ||
        need_text(json, object, "source", source, err) != MLB_OK)
        return err->status;
    if (!mlb_date_parse(*as_of, &day))
        return mlb_json_fail(json, cJSON_GetObjectItemCaseSensitive(object, "as_of"), err,
                             "'as_of' = %s: not a date such as 2026-08-11 or 2026-08", *as_of);
    return MLB_OK;
}

static enum mlb_status read_tier(const struct mlb_json *json, const cJSON *object,
                                 struct mlb_egress *egress, struct mlb_error *err)
{
    if (egress->tier_count == MLB_EGRESS_TIERS)
        return mlb_json_fail(json, object, err, "more than %d tiers", MLB_EGRESS_TIERS);
    struct mlb_egress_tier *tier = &egress->tiers[egress->tier_count];
    if (!cJSON_IsObject(object))
        return mlb_json_fail(json, object, err, "a tier must be an object");
    if (mlb_json_check_keys(json, object, tier_keys, err) != MLB_OK ||
        need_amount(json, object, "usd_per_gb", &tier->usd_per_gb, err) != MLB_OK)
        return err->status;
    if (!mlb_json_get_real(object, "up_to_gb", &tier->up_to_gb))
        tier->up_to_gb = INFINITY;
    double before = egress->tier_count ? tier[-1].up_to_gb : 0.0;
    if (!(tier->up_to_gb > before))
        return mlb_json_fail(json, object, err, "'up_to_gb' must be above %.15g, the last tier's",
                             before);
    egress->tier_count++;
    return MLB_OK;
}

static enum mlb_status read_tiers(const struct mlb_json *json, const cJSON *object,
                                  struct mlb_egress *egress, struct mlb_error *err)
{
    const cJSON *tiers = cJSON_GetObjectItemCaseSensitive(object, "tiers");
    if (!cJSON_IsArray(tiers) || !tiers->child)
        return mlb_json_fail(json, tiers ? tiers : object, err, "needs 'tiers', a list");
    for (const cJSON *tier = tiers->child; tier; tier = tier->next)
        if (read_tier(json, tier, egress, err) != MLB_OK)
            return err->status;
    return MLB_OK;
}

static enum mlb_status read_egress(const struct mlb_json *json, const cJSON *object, void *slot,
                                   struct mlb_error *err)
{
    struct mlb_egress *egress = slot;
    const char *beyond = "";
    if (mlb_json_check_keys(json, object, egress_keys, err) != MLB_OK ||
        read_origin(json, object, &egress->provider, &egress->as_of, &egress->source, err) !=
            MLB_OK ||
        need_text(json, object, "way", &egress->way, err) != MLB_OK ||
        need_amount(json, object, "free_gb_per_month", &egress->free_gb_per_month, err) != MLB_OK ||
        read_tiers(json, object, egress, err) != MLB_OK)
        return err->status;
    mlb_json_get_text(object, "beyond_last_tier", &beyond);
    egress->falling = strcmp(beyond, "cheaper") == 0;
    if (beyond[0] && !egress->falling)
        return mlb_json_fail(json, object, err, "'beyond_last_tier' = %s: only 'cheaper' is known",
                             beyond);
    return MLB_OK;
}

static enum mlb_status read_storage(const struct mlb_json *json, const cJSON *object, void *slot,
                                    struct mlb_error *err)
{
    struct mlb_storage *storage = slot;
    if (mlb_json_check_keys(json, object, storage_keys, err) != MLB_OK ||
        read_origin(json, object, &storage->provider, &storage->as_of, &storage->source, err) !=
            MLB_OK ||
        need_text(json, object, "kind", &storage->kind, err) != MLB_OK)
        return err->status;
    return need_amount(json, object, "usd_per_gb_month", &storage->usd_per_gb_month, err);
}

/* Reads the list `key` into a new array of items of `size` bytes. */
static enum mlb_status read_list(const struct mlb_json *json, const char *key, size_t size,
                                 void **items, size_t *count,
                                 enum mlb_status (*read)(const struct mlb_json *, const cJSON *,
                                                         void *, struct mlb_error *),
                                 struct mlb_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json->root, key);
    if (!cJSON_IsArray(list))
        return mlb_json_fail(json, list ? list : json->root, err, "'%s' must be a list", key);
    *items = calloc((size_t)cJSON_GetArraySize(list) + 1, size);
    if (!*items)
        return mlb_fail(err, MLB_E_NOMEM, "%s: out of memory", json->path);
    for (const cJSON *item = list->child; item; item = item->next) {
        if (!cJSON_IsObject(item))
            return mlb_json_fail(json, item, err, "an entry of '%s' must be an object", key);
        if (read(json, item, (char *)*items + *count * size, err) != MLB_OK)
            return err->status;
        (*count)++;
    }
    return MLB_OK;
}

static enum mlb_status read_document(struct mlb_transfer *transfer, struct mlb_error *err)
{
    const struct mlb_json *json = &transfer->document;
    void *egress = NULL, *storage = NULL;
    if (!cJSON_IsObject(json->root))
        return mlb_json_fail(json, json->root, err,
                             "must be an object with 'egress' and 'storage'");
    if (mlb_json_check_keys(json, json->root, top_keys, err) != MLB_OK)
        return err->status;
    enum mlb_status status = read_list(json, "egress", sizeof *transfer->egress, &egress,
                                       &transfer->egress_count, read_egress, err);
    if (status == MLB_OK)
        status = read_list(json, "storage", sizeof *transfer->storage, &storage,
                           &transfer->storage_count, read_storage, err);
    transfer->egress = egress;
    transfer->storage = storage;
    return status;
}

enum mlb_status mlb_transfer_open(struct mlb_transfer *transfer, const char *path,
                                  struct mlb_error *err)
{
    *transfer = (struct mlb_transfer){0};
    enum mlb_status status = mlb_json_open(&transfer->document, path, FILE_LIMIT, err);
    if (status == MLB_OK)
        status = read_document(transfer, err);
    if (status != MLB_OK)
        mlb_transfer_close(transfer);
    return status;
}

void mlb_transfer_close(struct mlb_transfer *transfer)
{
    free(transfer->egress);
    free(transfer->storage);
    mlb_json_close(&transfer->document);
    *transfer = (struct mlb_transfer){0};
}

/* ---------------------------------------------------------------------------------------- look-up
 */

const struct mlb_egress *mlb_egress_of(const struct mlb_transfer *transfer, const char *provider)
{
    for (size_t i = 0; i < transfer->egress_count; i++)
        if (strcmp(transfer->egress[i].provider, provider) == 0)
            return &transfer->egress[i];
    return NULL;
}

const struct mlb_storage *mlb_storage_of(const struct mlb_transfer *transfer, const char *provider)
{
    for (size_t i = 0; i < transfer->storage_count; i++)
        if (strcmp(transfer->storage[i].provider, provider) == 0)
            return &transfer->storage[i];
    return NULL;
}

/* ------------------------------------------------------------------------------------------- cost
 */

struct mlb_egress_cost mlb_egress_cost(const struct mlb_egress *egress, double bytes)
{
    struct mlb_egress_cost cost = {.known = true};
    double gb = bytes / GB, from = 0.0;
    for (size_t i = 0; i < egress->tier_count && gb > from; i++) {
        const struct mlb_egress_tier *tier = &egress->tiers[i];
        cost.usd += (fmin(gb, tier->up_to_gb) - from) * tier->usd_per_gb;
        from = tier->up_to_gb;
    }
    if (gb > from) {
        cost.known = cost.at_most = egress->falling;
        cost.usd += (gb - from) * egress->tiers[egress->tier_count - 1].usd_per_gb;
    }
    return cost;
}

double mlb_storage_cost(const struct mlb_storage *storage, double bytes, double seconds)
{
    return bytes / GB * storage->usd_per_gb_month * seconds / (HOURS_PER_MONTH * SECONDS_PER_HOUR);
}

double mlb_move_pays_after_hours(double egress_usd, double saved_usd_per_hour)
{
    return saved_usd_per_hour > 0.0 ? egress_usd / saved_usd_per_hour : INFINITY;
}
