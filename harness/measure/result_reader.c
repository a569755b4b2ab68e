/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/result_reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/measure/result.h"

bool mlb_read_fail(struct mlb_reader *reader, const char *key, const char *format, ...)
{
    if (reader->status != MLB_OK)
        return false;
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    reader->status = mlb_fail(reader->err, MLB_E_CONFIG, "%s%s%s: %s", reader->path,
                              reader->path[0] && key[0] && key[0] != '[' ? "." : "", key, what);
    return false;
}

static const char *type_name(const cJSON *item)
{
    switch (item->type & 0xff) {
    case cJSON_False:
    case cJSON_True:
        return "true or false";
    case cJSON_NULL:
        return "null";
    case cJSON_Number:
    case cJSON_Raw:
        return "a number";
    case cJSON_String:
        return "a text";
    case cJSON_Array:
        return "an array";
    default:
        return "an object";
    }
}

bool mlb_read_wrong_type(struct mlb_reader *reader, const char *key, const cJSON *item,
                         const char *wanted)
{
    return mlb_read_fail(reader, key, "is %s, should be %s", type_name(item), wanted);
}

const cJSON *mlb_read_item(struct mlb_reader *reader, const cJSON *object, const char *key,
                           bool must)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item && must)
        mlb_read_fail(reader, key, "is missing");
    return reader->status == MLB_OK ? item : NULL;
}

/* ------------------------------------------------------------------------------------ entering */

size_t mlb_read_enter(struct mlb_reader *reader, const char *key)
{
    size_t length = strlen(reader->path);
    snprintf(reader->path + length, sizeof reader->path - length, "%s%s",
             length && key[0] != '[' ? "." : "", key);
    return length;
}

size_t mlb_read_enter_index(struct mlb_reader *reader, const char *key, size_t index)
{
    char name[80];
    snprintf(name, sizeof name, "%s[%zu]", key, index);
    return mlb_read_enter(reader, name);
}

void mlb_read_leave(struct mlb_reader *reader, size_t length)
{
    reader->path[length] = '\0';
}

/* ------------------------------------------------------------------------------- single values */

void mlb_read_text(struct mlb_reader *reader, const char *key, const cJSON *item, char *to,
                   size_t size)
{
    if (!cJSON_IsString(item))
        mlb_read_wrong_type(reader, key, item, "a text");
    else if (strlen(item->valuestring) >= size)
        mlb_read_fail(reader, key, "is %zu bytes long, at most %zu are allowed",
                      strlen(item->valuestring), size - 1);
    else
        memcpy(to, item->valuestring, strlen(item->valuestring) + 1);
}

/* Raw is what the writer makes: a tree that was never printed can be read too. */
void mlb_read_real(struct mlb_reader *reader, const char *key, const cJSON *item, double *to)
{
    double value;
    if (cJSON_IsNumber(item))
        value = item->valuedouble;
    else if (cJSON_IsRaw(item))
        value = strtod(item->valuestring, NULL);
    else {
        mlb_read_wrong_type(reader, key, item, "a number");
        return;
    }
    if (isfinite(value))
        *to = value;
    else
        mlb_read_fail(reader, key, "is not a finite number");
}

void mlb_read_whole(struct mlb_reader *reader, const char *key, const cJSON *item, size_t size,
                    void *to)
{
    uint64_t most = size == sizeof most ? UINT64_MAX : INT32_MAX;
    uint64_t value = 0;
    bool good;
    if (cJSON_IsNumber(item))
        good = mlb_json_whole(item->valuedouble, &value);
    else
        good = (cJSON_IsRaw(item) || cJSON_IsString(item)) &&
               mlb_json_decimal(item->valuestring, &value);
    if (!good || value > most) {
        mlb_read_fail(reader, key, "should be a whole number from 0 to %llu",
                      (unsigned long long)most);
        return;
    }
    uint32_t small = (uint32_t)value;
    memcpy(to, size == sizeof value ? (void *)&value : (void *)&small, size);
}

static void read_choice(struct mlb_reader *reader, const struct mlb_field *field, const cJSON *item,
                        void *to)
{
    if (!cJSON_IsString(item)) {
        mlb_read_wrong_type(reader, field->key, item, "a text");
        return;
    }
    char known[160];
    int value = mlb_choice_of(field, item->valuestring);
    if (value >= 0)
        memcpy(to, &value, sizeof value);
    else
        mlb_read_fail(reader, field->key, "'%.40s' is not known; known: %s", item->valuestring,
                      mlb_choices_text(field, known, sizeof known));
}

/* -------------------------------------------------------------------------------------- tables */

static void read_field(struct mlb_reader *reader, const struct mlb_field *field, const cJSON *item,
                       void *to)
{
    switch (field->type) {
    case MLB_FIELD_TEXT:
        mlb_read_text(reader, field->key, item, to, field->size);
        break;
    case MLB_FIELD_REAL:
        mlb_read_real(reader, field->key, item, to);
        break;
    case MLB_FIELD_MAYBE: {
        struct mlb_maybe *maybe = to;
        maybe->known = true;
        mlb_read_real(reader, field->key, item, &maybe->value);
        break;
    }
    case MLB_FIELD_WHOLE:
        mlb_read_whole(reader, field->key, item, field->size, to);
        break;
    case MLB_FIELD_BOOL:
        if (cJSON_IsBool(item))
            *(bool *)to = cJSON_IsTrue(item);
        else
            mlb_read_wrong_type(reader, field->key, item, "true or false");
        break;
    case MLB_FIELD_CHOICE:
        read_choice(reader, field, item, to);
        break;
    }
}

void mlb_read_fields(struct mlb_reader *reader, const cJSON *object, const struct mlb_field *fields,
                     void *owner)
{
    for (; fields->key && reader->status == MLB_OK; fields++) {
        void *to = (char *)owner + fields->offset;
        bool must = fields->when == MLB_ALWAYS && fields->type != MLB_FIELD_MAYBE;
        const cJSON *item = mlb_read_item(reader, object, fields->key, must);
        if (item)
            read_field(reader, fields, item, to);
        else if (fields->when == MLB_WHEN_FINITE)
            *(double *)to = NAN;
    }
}

const cJSON *mlb_read_object(struct mlb_reader *reader, const cJSON *object, const char *key,
                             bool must)
{
    const cJSON *item = mlb_read_item(reader, object, key, must);
    if (item && !cJSON_IsObject(item)) {
        mlb_read_wrong_type(reader, key, item, "an object");
        return NULL;
    }
    return item;
}

bool mlb_read_group(struct mlb_reader *reader, const cJSON *object, const char *key, bool must,
                    const struct mlb_field *fields, void *owner)
{
    const cJSON *group = mlb_read_object(reader, object, key, must);
    if (!group)
        return false;
    size_t length = mlb_read_enter(reader, key);
    mlb_read_fields(reader, group, fields, owner);
    mlb_read_leave(reader, length);
    return true;
}

void mlb_read_times(struct mlb_reader *reader, const cJSON *object, const char *key,
                    double **values, size_t *count)
{
    const cJSON *array = mlb_read_item(reader, object, key, true);
    if (!array)
        return;
    if (!cJSON_IsArray(array)) {
        mlb_read_wrong_type(reader, key, array, "an array");
        return;
    }
    size_t n = (size_t)cJSON_GetArraySize(array), i = 0;
    double *read = n ? calloc(n, sizeof *read) : NULL;
    if (!read) {
        mlb_read_fail(reader, key, n ? "out of memory" : "is empty");
        return;
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        char name[64];
        snprintf(name, sizeof name, "%s[%zu]", key, i);
        mlb_read_real(reader, name, item, &read[i]);
        if (read[i++] < 0.0)
            mlb_read_fail(reader, name, "is negative, a time is not");
    }
    *values = read;
    *count = n;
}
