/* SPDX-License-Identifier: Apache-2.0 */
/* configs/catalog/instances.json. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/json_strict.h"
#include "harness/catalog/fields.h"
#include "harness/catalog/store.h"

/* As the record's fabric names its NICs (harness/system/fabric.h), without "virtual". */
static const char *const networks[] = {"efa",   "ib",  "roce",     "tcpx",
                                       "tcpxo", "gib", "ethernet", NULL};
static const char *const directs[] = {"rdma", "tcpx", "tcpxo", "none", NULL};

#define TEXT(name, required, what)                                                                 \
    {                                                                                              \
#name, MLB_CATALOG_TEXT, offsetof(struct mlb_instance, name), required, what, NULL         \
    }
#define OTHER(key, type, member)                                                                   \
    {                                                                                              \
        key, MLB_CATALOG_##type, offsetof(struct mlb_instance, member), false, "", NULL            \
    }

static const struct mlb_catalog_field fields[] = {
    TEXT(provider, true, "who rents it out, in small letters: \"aws\""),
    TEXT(name, true, "the provider's own name of it: \"p5.48xlarge\""),
    TEXT(gpu, true, "the GPU or accelerator: \"H100\""),
    OTHER("device_names", NAMES, device_names),
    {"gpus", MLB_CATALOG_COUNT, offsetof(struct mlb_instance, gpus), false, "", NULL},
    OTHER("gpu_memory", SIZE, gpu_memory_bytes),
    TEXT(form, false, ""),
    TEXT(nvlink, false, ""),
    TEXT(cpu, false, ""),
    OTHER("vcpus", COUNT, vcpus),
    OTHER("memory", SIZE, memory_bytes),
    {"network", MLB_CATALOG_TEXT, offsetof(struct mlb_instance, network), false, "", networks},
    OTHER("nics", COUNT, nics),
    OTHER("gpu_network_bytes_per_s", REAL, gpu_network_bytes_per_s),
    OTHER("host_network_bytes_per_s", REAL, host_network_bytes_per_s),
    {"gpudirect", MLB_CATALOG_TEXT, offsetof(struct mlb_instance, gpudirect), false, "", directs},
    OTHER("price_only", FLAG, price_only),
    TEXT(source, true, "where these facts are from"),
    TEXT(as_of, true, "the day or month of that source"),
    {NULL, MLB_CATALOG_TEXT, 0, false, NULL, NULL}};

/* A network that is named without a rate, or the other way round, is a slip. */
static enum mlb_status check_network(const struct mlb_json *json, const cJSON *item,
                                     const struct mlb_instance *instance, struct mlb_error *err)
{
    if (!instance->network[0] && (instance->nics > 0 || instance->gpu_network_bytes_per_s > 0.0))
        return mlb_json_fail(json, item, err,
                             "'nics' and 'gpu_network_bytes_per_s' are of the kind that 'network' "
                             "names, which is missing");
    return MLB_OK;
}

static enum mlb_status check_new(const struct mlb_catalog *catalog, const struct mlb_json *json,
                                 const cJSON *item, const struct mlb_instance *instance,
                                 struct mlb_error *err)
{
    if (mlb_catalog_instance(catalog, instance->provider, instance->name))
        return mlb_json_fail(json, item, err, "instance %s %s stands here a second time",
                             instance->provider, instance->name);
    return MLB_OK;
}

static enum mlb_status read_instance(struct mlb_catalog *catalog, const struct mlb_json *json,
                                     const cJSON *item, struct mlb_error *err)
{
    struct mlb_instance *instance = &catalog->instances[catalog->instance_count];
    int64_t day;
    if (mlb_catalog_read_fields(json, item, "an instance", fields, instance, err) != MLB_OK ||
        mlb_catalog_check_provider(json, item, err) != MLB_OK ||
        mlb_catalog_read_date(json, item, "as_of", &day, err) != MLB_OK ||
        check_network(json, item, instance, err) != MLB_OK ||
        check_new(catalog, json, item, instance, err) != MLB_OK) {
        return err->status;
    }
    catalog->instance_count++;
    return MLB_OK;
}

enum mlb_status mlb_catalog_read_list(const struct mlb_json *json, const char *key,
                                      const cJSON **list, struct mlb_error *err)
{
    const char *const keys[] = {"schema", key, NULL};
    double schema = 0.0;
    if (!cJSON_IsObject(json->root))
        return mlb_json_fail(json, json->root, err, "must be an object with 'schema' and '%s'",
                             key);
    if (mlb_json_check_keys(json, json->root, keys, err) != MLB_OK)
        return err->status;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json->root, "schema");
    if (!mlb_json_get_real(json->root, "schema", &schema) || schema != MLB_CATALOG_SCHEMA)
        return mlb_json_fail(json, item ? item : json->root, err,
                             "'schema' must be %d; a file of a newer one needs a newer mlbench",
                             MLB_CATALOG_SCHEMA);
    *list = cJSON_GetObjectItemCaseSensitive(json->root, key);
    return cJSON_IsArray(*list) ? MLB_OK
                                : mlb_json_fail(json, *list ? *list : json->root, err,
                                                "'%s' must be a list of objects", key);
}

enum mlb_status mlb_catalog_read_instances(struct mlb_catalog *catalog, const struct mlb_json *json,
                                           struct mlb_error *err)
{
    const cJSON *list = NULL, *item;
    if (mlb_catalog_read_list(json, "instances", &list, err) != MLB_OK)
        return err->status;
    catalog->instances = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *catalog->instances);
    if (!catalog->instances)
        return mlb_fail(err, MLB_E_NOMEM, "%s: out of memory", json->path);
    cJSON_ArrayForEach(item, list)
    {
        if (read_instance(catalog, json, item, err) != MLB_OK)
            return err->status;
    }
    return MLB_OK;
}
