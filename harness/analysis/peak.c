/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/peak.h"

#include <string.h>

#include "harness/base/dtype.h"
#include "harness/base/json_strict.h"
#include "harness/base/text.h"

#define FILE_LIMIT ((size_t)1 << 20) /* bytes; the table is a few KiB */

/* ---------------------------------------------------------------------------------- strict loading
 */

static const char *const top_keys[] = {"devices", NULL};
static const char *const device_keys[] = {"names",       "units",  "flop_per_s", "op_per_s",
                                          "bytes_per_s", "source", NULL};

/* Element types that only blocks with scales of their own make. */
static const char *const block_types[] = {"mxfp8", "nvfp4", NULL};

/* { element type: number } with integer types only, or none of them. */
static enum mlb_status check_rates(const struct mlb_json *json, const cJSON *object, bool integers,
                                   struct mlb_error *err)
{
    if (!object)
        return MLB_OK;
    if (!cJSON_IsObject(object))
        return mlb_json_fail(json, object, err, "'%s' must be an object of numbers by element type",
                             object->string);
    for (const cJSON *item = object->child; item; item = item->next) {
        enum mlb_dtype dtype = MLB_F64;
        if (!mlb_is_one_of(item->string, block_types) &&
            mlb_json_check_key(json, item, mlb_dtype_names, err) != MLB_OK)
            return err->status;
        mlb_dtype_parse(item->string, &dtype);
        if ((dtype == MLB_S8 || dtype == MLB_S32) != integers)
            return mlb_json_fail(json, item, err, "'%s' belongs into '%s'", item->string,
                                 integers ? "flop_per_s" : "op_per_s");
        if (mlb_json_check_positive(json, item, err) != MLB_OK)
            return err->status;
    }
    return MLB_OK;
}

static bool has_name(const cJSON *device, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(device, "names"))
    {
        if (cJSON_IsString(item) && strcmp(item->valuestring, name) == 0)
            return true;
    }
    return false;
}

/* A non-empty list of texts that no device before this one has. */
static enum mlb_status check_names(const struct mlb_json *json, const cJSON *device,
                                   struct mlb_error *err)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(device, "names");
    if (!cJSON_IsArray(names) || !names->child)
        return mlb_json_fail(json, names ? names : device, err,
                             "a device needs 'names', a list of whole device names");
    for (const cJSON *name = names->child; name; name = name->next) {
        if (!cJSON_IsString(name) || !name->valuestring[0])
            return mlb_json_fail(json, name, err, "a name must be a text, not empty");
        for (const cJSON *other = device->prev; other && other->next; other = other->prev)
            if (has_name(other, name->valuestring))
                return mlb_json_fail(json, name, err, "'%s' is the name of a device above",
                                     name->valuestring);
    }
    return MLB_OK;
}

static enum mlb_status check_device(const struct mlb_json *json, const cJSON *device,
                                    struct mlb_error *err)
{
    if (!cJSON_IsObject(device))
        return mlb_json_fail(json, device, err, "a device must be an object");
    const cJSON *flop = cJSON_GetObjectItemCaseSensitive(device, "flop_per_s");
    const cJSON *op = cJSON_GetObjectItemCaseSensitive(device, "op_per_s");
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(device, "bytes_per_s");
    const cJSON *units = cJSON_GetObjectItemCaseSensitive(device, "units");
    const char *source = NULL;
    if (mlb_json_check_keys(json, device, device_keys, err) != MLB_OK ||
        check_names(json, device, err) != MLB_OK || check_rates(json, flop, false, err) != MLB_OK ||
        check_rates(json, op, true, err) != MLB_OK ||
        (bytes && mlb_json_check_positive(json, bytes, err) != MLB_OK) ||
        (units && mlb_json_check_positive(json, units, err) != MLB_OK))
        return err->status;
    if (!mlb_json_get_text(device, "source", &source) || !source[0])
        return mlb_json_fail(json, device, err,
                             "a device needs 'source': where the figures are from");
    if (!flop && !op && !bytes)
        return mlb_json_fail(json, device, err,
                             "a device needs 'flop_per_s', 'op_per_s' or 'bytes_per_s'");
    return MLB_OK;
}

static enum mlb_status check_document(const struct mlb_json *json, struct mlb_error *err)
{
    if (!cJSON_IsObject(json->root))
        return mlb_json_fail(json, json->root, err, "must be an object with 'devices'");
    if (mlb_json_check_keys(json, json->root, top_keys, err) != MLB_OK)
        return err->status;
    const cJSON *devices = cJSON_GetObjectItemCaseSensitive(json->root, "devices");
    if (!cJSON_IsArray(devices))
        return mlb_json_fail(json, devices ? devices : json->root, err, "'devices' must be a list");
    for (const cJSON *device = devices->child; device; device = device->next)
        if (check_device(json, device, err) != MLB_OK)
            return err->status;
    return MLB_OK;
}

enum mlb_status mlb_peaks_open(struct mlb_peaks *peaks, const char *path, struct mlb_error *err)
{
    *peaks = (struct mlb_peaks){0};
    enum mlb_status status = mlb_json_open(&peaks->document, path, FILE_LIMIT, err);
    if (status == MLB_OK)
        status = check_document(&peaks->document, err);
    if (status != MLB_OK)
        mlb_peaks_close(peaks);
    return status;
}

void mlb_peaks_close(struct mlb_peaks *peaks)
{
    mlb_json_close(&peaks->document);
}

/* ---------------------------------------------------------------------------------------- look-up
 */

/* The entry of this device, NULL when there is none. */
static const cJSON *find_device(const struct mlb_peaks *peaks, const struct mlb_device_info *info)
{
    const cJSON *device, *devices = NULL;
    if (peaks && peaks->document.root)
        devices = cJSON_GetObjectItemCaseSensitive(peaks->document.root, "devices");
    cJSON_ArrayForEach(device, devices)
    {
        double units = 0.0;
        bool other_size = mlb_json_get_real(device, "units", &units) && info->units != 0 &&
                          units != (double)info->units;
        if (has_name(device, info->name) && !other_size)
            return device;
    }
    return NULL;
}

struct mlb_peak mlb_peak_of_work(const struct mlb_peaks *peaks,
                                 const struct mlb_device_info *device, const struct mlb_work *work,
                                 const char *dtype)
{
    struct mlb_peak peak = {0};
    bool collective = work->bus_factor > 0.0;
    const cJSON *entry = collective || work->link ? NULL : find_device(peaks, device);
    if (!entry)
        return peak;
    if (work->flop > 0.0) {
        const char *table = work->operations ? "op_per_s" : "flop_per_s";
        const cJSON *rates = cJSON_GetObjectItemCaseSensitive(entry, table);
        peak.known = mlb_json_get_real(rates, dtype, &peak.value);
    } else if (work->bytes > 0.0) {
        peak.known = mlb_json_get_real(entry, "bytes_per_s", &peak.value);
    }
    if (!peak.known || !mlb_json_get_text(entry, "source", &peak.source))
        return (struct mlb_peak){0};
    return peak;
}

struct mlb_peak mlb_peak_of_row(const struct mlb_peaks *peaks, const struct mlb_device_info *device,
                                const struct mlb_row *row)
{
    if (strcmp(row->device, device->kind) != 0)
        return (struct mlb_peak){0};
    return mlb_peak_of_work(peaks, device, &row->work, mlb_row_param(row, "dtype"));
}
