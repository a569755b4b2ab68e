/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/json_strict.h"

#include <math.h>
#include <string.h>

#include "harness/base/text.h"

bool mlb_is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

enum mlb_status mlb_json_check_key(const struct mlb_json *json, const cJSON *item,
                                   const char *const *keys, struct mlb_error *err)
{
    if (mlb_is_one_of(item->string, keys))
        return MLB_OK;
    const char *near = mlb_nearest(item->string, keys);
    return mlb_json_fail(json, item, err, "unknown key '%s'%s%s%s", item->string,
                         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

enum mlb_status mlb_json_check_keys(const struct mlb_json *json, const cJSON *object,
                                    const char *const *keys, struct mlb_error *err)
{
    for (const cJSON *item = object->child; item; item = item->next)
        if (mlb_json_check_key(json, item, keys, err) != MLB_OK)
            return err->status;
    return MLB_OK;
}

enum mlb_status mlb_json_check_positive(const struct mlb_json *json, const cJSON *item,
                                        struct mlb_error *err)
{
    if (cJSON_IsNumber(item) && item->valuedouble > 0.0 && isfinite(item->valuedouble))
        return MLB_OK;
    return mlb_json_fail(json, item, err, "'%s' must be a number above 0", item->string);
}
