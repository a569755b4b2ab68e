/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/catalog/fields.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/date.h"
#include "harness/base/json_strict.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#define MOST_KEYS 32 /* of a table */

static enum mlb_status check_choice(const struct mlb_json *json, const cJSON *item,
                                    const struct mlb_catalog_field *field, struct mlb_error *err)
{
    if (!field->choices || mlb_is_one_of(item->valuestring, field->choices))
        return MLB_OK;
    struct mlb_text allowed = {0};
    for (size_t i = 0; field->choices[i]; i++)
        mlb_text_addf(&allowed, "%s%s", i ? ", " : "", field->choices[i]);
    mlb_json_fail(json, item, err, "'%s' is '%s'; it must be one of %s", field->key,
                  item->valuestring, mlb_text_get(&allowed));
    mlb_text_free(&allowed);
    return err->status;
}

static enum mlb_status read_text(const struct mlb_json *json, const cJSON *item,
                                 const struct mlb_catalog_field *field, const char **to,
                                 struct mlb_error *err)
{
    if (!cJSON_IsString(item) || !item->valuestring[0])
        return mlb_json_fail(json, item, err,
                             "'%s' must be a text that is not empty (leave the key out where it is "
                             "not known)",
                             field->key);
    *to = item->valuestring;
    return check_choice(json, item, field, err);
}

static enum mlb_status read_size(const struct mlb_json *json, const cJSON *item,
                                 const struct mlb_catalog_field *field, double *to,
                                 struct mlb_error *err)
{
    uint64_t bytes = 0;
    if (!cJSON_IsString(item) || !mlb_parse_bytes(item->valuestring, &bytes) || bytes == 0)
        return mlb_json_fail(json, item, err, "'%s' must be a size as text: \"80GiB\"", field->key);
    *to = (double)bytes;
    return MLB_OK;
}

static enum mlb_status read_real(const struct mlb_json *json, const cJSON *item, double *to,
                                 struct mlb_error *err)
{
    if (mlb_json_check_positive(json, item, err) != MLB_OK)
        return err->status;
    *to = item->valuedouble;
    return MLB_OK;
}

static enum mlb_status read_count(const struct mlb_json *json, const cJSON *item,
                                  const struct mlb_catalog_field *field, int *to,
                                  struct mlb_error *err)
{
    double value = cJSON_IsNumber(item) ? item->valuedouble : 0.0;
    if (!(value >= 1.0) || value > 1e6 || value != (double)(int)value)
        return mlb_json_fail(json, item, err, "'%s' must be a whole number above 0", field->key);
    *to = (int)value;
    return MLB_OK;
}

static enum mlb_status read_flag(const struct mlb_json *json, const cJSON *item,
                                 const struct mlb_catalog_field *field, bool *to,
                                 struct mlb_error *err)
{
    if (!cJSON_IsBool(item))
        return mlb_json_fail(json, item, err, "'%s' must be true or false", field->key);
    *to = cJSON_IsTrue(item);
    return MLB_OK;
}

static enum mlb_status read_names(const struct mlb_json *json, const cJSON *item,
                                  const struct mlb_catalog_field *field, const char *const **to,
                                  struct mlb_error *err)
{
    bool good = cJSON_IsArray(item) && item->child;
    size_t count = 0;
    for (const cJSON *name = good ? item->child : NULL; name; name = name->next, count++)
        good = good && cJSON_IsString(name) && name->valuestring[0];
    if (!good)
        return mlb_json_fail(json, item, err, "'%s' must be a list of texts", field->key);
    const char **names = calloc(count + 1, sizeof *names);
    if (!names)
        return mlb_fail(err, MLB_E_NOMEM, "%s: out of memory", json->path);
    count = 0;
    for (const cJSON *name = item->child; name; name = name->next)
        names[count++] = name->valuestring;
    *to = names;
    return MLB_OK;
}

static enum mlb_status read_field(const struct mlb_json *json, const cJSON *item,
                                  const struct mlb_catalog_field *field, char *object,
                                  struct mlb_error *err)
{
    void *to = object + field->at;
    switch (field->type) {
    case MLB_CATALOG_TEXT:
        return read_text(json, item, field, to, err);
    case MLB_CATALOG_SIZE:
        return read_size(json, item, field, to, err);
    case MLB_CATALOG_REAL:
        return read_real(json, item, to, err);
    case MLB_CATALOG_COUNT:
        return read_count(json, item, field, to, err);
    case MLB_CATALOG_FLAG:
        return read_flag(json, item, field, to, err);
    case MLB_CATALOG_NAMES:
        return read_names(json, item, field, to, err);
    }
    return mlb_fail(err, MLB_E_INTERNAL, "catalog: a field of no type");
}

static enum mlb_status absent(const struct mlb_json *json, const cJSON *item, const char *thing,
                              const struct mlb_catalog_field *field, char *object,
                              struct mlb_error *err)
{
    static const char *const no_names[] = {NULL};
    if (field->required)
        return mlb_json_fail(json, item, err, "%s needs '%s': %s", thing, field->key, field->what);
    if (field->type == MLB_CATALOG_TEXT)
        *(const char **)(void *)(object + field->at) = "";
    if (field->type == MLB_CATALOG_NAMES)
        *(const char *const **)(void *)(object + field->at) = no_names;
    return MLB_OK;
}

enum mlb_status mlb_catalog_read_fields(const struct mlb_json *json, const cJSON *item,
                                        const char *thing, const struct mlb_catalog_field *fields,
                                        void *object, struct mlb_error *err)
{
    const char *keys[MOST_KEYS + 1] = {0};
    for (size_t i = 0; fields[i].key && i < MOST_KEYS; i++)
        keys[i] = fields[i].key;
    if (!cJSON_IsObject(item))
        return mlb_json_fail(json, item, err, "%s must be an object", thing);
    if (mlb_json_check_keys(json, item, keys, err) != MLB_OK)
        return err->status;
    for (const struct mlb_catalog_field *field = fields; field->key; field++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, field->key);
        if ((value ? read_field(json, value, field, object, err)
                   : absent(json, item, thing, field, object, err)) != MLB_OK)
            return err->status;
    }
    return MLB_OK;
}

enum mlb_status mlb_catalog_read_date(const struct mlb_json *json, const cJSON *item,
                                      const char *key, int64_t *day, struct mlb_error *err)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, key);
    int64_t today = mlb_date_today();
    if (!mlb_date_parse(value->valuestring, day))
        return mlb_json_fail(json, value, err,
                             "'%s' is '%s'; it must be a day or a month: \"2026-08-11\", "
                             "\"2026-08\"",
                             key, value->valuestring);
    char now[16];
    mlb_date_print(now, today);
    if (*day > today)
        return mlb_json_fail(json, value, err, "'%s' is %s, in the future: this machine has %s",
                             key, value->valuestring, now);
    return MLB_OK;
}

enum mlb_status mlb_catalog_check_provider(const struct mlb_json *json, const cJSON *item,
                                           struct mlb_error *err)
{
    const cJSON *provider = cJSON_GetObjectItemCaseSensitive(item, "provider");
    if (provider
            ->valuestring[strspn(provider->valuestring, "abcdefghijklmnopqrstuvwxyz0123456789-")] ==
        '\0')
        return MLB_OK;
    return mlb_json_fail(json, provider, err,
                         "'provider' is '%s'; it must be of small letters, digits and dashes: "
                         "\"aws\"",
                         provider->valuestring);
}
