/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json_check.h"
#include "harness/base/text.h"

/* Takes `text` (malloc'ed, terminated), also when it fails. */
static enum mlb_status parse_owned(struct mlb_json *json, const char *name, char *text,
                                   size_t length, struct mlb_error *err)
{
    *json = (struct mlb_json){.text = text};
    mlb_format(json->path, sizeof json->path, "%s", name);
    enum mlb_status status = mlb_json_check(json->path, text, length, err);
    if (!status) {
        json->root = cJSON_ParseWithLengthOpts(text, length + 1, NULL, true);
        if (!json->root) /* the check let it pass: only memory can be missing */
            status = mlb_fail(err, MLB_E_NOMEM, "%s: out of memory for its values", json->path);
    }
    if (status)
        mlb_json_close(json);
    return status;
}

enum mlb_status mlb_json_open(struct mlb_json *json, const char *path, size_t limit,
                              struct mlb_error *err)
{
    char *text;
    size_t length;
    *json = (struct mlb_json){0};
    enum mlb_status status = mlb_file_read(path, limit, &text, &length, err);
    return status ? status : parse_owned(json, path, text, length, err);
}

enum mlb_status mlb_json_parse(struct mlb_json *json, const char *name, const char *text,
                               size_t length, struct mlb_error *err)
{
    *json = (struct mlb_json){0};
    char *copy = length < SIZE_MAX ? malloc(length + 1) : NULL;
    if (!copy)
        return mlb_fail(err, MLB_E_NOMEM, "%s: out of memory for its text", name);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return parse_owned(json, name, copy, length, err);
}

void mlb_json_close(struct mlb_json *json)
{
    cJSON_Delete(json->root);
    free(json->text);
    *json = (struct mlb_json){0};
}

/* A walk through the text and the tree side by side. The text passed mlb_json_check; the tree may
 * have been changed since, so it is asked for nothing but its children. */
struct walk {
    const char *at;
    size_t line;
    const cJSON *wanted;
    size_t found; /* its line; 0 = not yet */
};

static void skip_blanks(struct walk *walk)
{
    for (;; walk->at++) {
        if (*walk->at == '\n')
            walk->line++;
        else if (*walk->at != ' ' && *walk->at != '\t' && *walk->at != '\r')
            return;
    }
}

static void skip_string(struct walk *walk)
{
    for (walk->at++; *walk->at != '"'; walk->at++)
        walk->at += *walk->at == '\\';
    walk->at++;
}

static void walk_value(struct walk *walk, const cJSON *item, size_t line);

/* From the bracket that opens `item` to behind the one that closes it, or to what is wanted. */
static void walk_container(struct walk *walk, const cJSON *item)
{
    char close = *walk->at == '{' ? '}' : ']';
    const cJSON *child = item ? item->child : NULL;
    walk->at++;
    skip_blanks(walk);
    while (*walk->at != close && !walk->found) {
        size_t line = walk->line;
        if (close == '}') {
            skip_string(walk);
            skip_blanks(walk);
            walk->at++; /* the colon */
            skip_blanks(walk);
        }
        walk_value(walk, child, line);
        child = child ? child->next : NULL;
        skip_blanks(walk);
        walk->at += *walk->at == ',';
        skip_blanks(walk);
    }
    walk->at++;
}

static void walk_value(struct walk *walk, const cJSON *item, size_t line)
{
    if (item == walk->wanted)
        walk->found = line;
    else if (*walk->at == '{' || *walk->at == '[')
        walk_container(walk, item);
    else if (*walk->at == '"')
        skip_string(walk);
    else
        walk->at += strcspn(walk->at, ",]} \t\r\n");
}

size_t mlb_json_line(const struct mlb_json *json, const cJSON *item)
{
    if (!json->text || !item)
        return 0;
    struct walk walk = {.at = json->text, .line = 1, .wanted = item};
    skip_blanks(&walk);
    walk_value(&walk, json->root, walk.line);
    return walk.found;
}

enum mlb_status mlb_json_fail(const struct mlb_json *json, const cJSON *item, struct mlb_error *err,
                              const char *format, ...)
{
    char text[MLB_ERROR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t line = mlb_json_line(json, item);
    if (line == 0)
        return mlb_fail(err, MLB_E_CONFIG, "%s: %s", json->path, text);
    return mlb_fail(err, MLB_E_CONFIG, "%s:%zu: %s", json->path, line, text);
}

bool mlb_json_get_text(const cJSON *object, const char *key, const char **text)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(item) || !item->valuestring)
        return false;
    *text = item->valuestring;
    return true;
}

bool mlb_json_get_real(const cJSON *object, const char *key, double *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
        return false;
    *value = item->valuedouble;
    return true;
}

bool mlb_json_decimal(const char *text, uint64_t *value)
{
    if (!*text || (text[0] == '0' && text[1]))
        return false;
    uint64_t result = 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (result > (UINT64_MAX - digit) / 10)
            return false;
        result = result * 10 + digit;
    }
    *value = result;
    return true;
}

bool mlb_json_get_u64(const cJSON *object, const char *key, uint64_t *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (cJSON_IsString(item) && item->valuestring)
        return mlb_json_decimal(item->valuestring, value);
    return cJSON_IsNumber(item) && mlb_json_whole(item->valuedouble, value);
}

bool mlb_json_whole(double number, uint64_t *value)
{
    if (!(number >= 0 && number <= 0x1p53) || number != floor(number))
        return false;
    *value = (uint64_t)number;
    return true;
}

bool mlb_json_get_bool(const cJSON *object, const char *key, bool *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsBool(item))
        return false;
    *value = cJSON_IsTrue(item);
    return true;
}

bool mlb_json_add(cJSON *object, const char *key, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, key, item))
        return true;
    cJSON_Delete(item);
    return false;
}

cJSON *mlb_json_append(cJSON *list, cJSON *item)
{
    if (item && cJSON_AddItemToArray(list, item))
        return item;
    cJSON_Delete(item);
    return NULL;
}

cJSON *mlb_json_add_u64(cJSON *object, const char *key, uint64_t value)
{
    if (value < MLB_JSON_EXACT)
        return cJSON_AddNumberToObject(object, key, (double)value);
    char text[24];
    mlb_format(text, sizeof text, "%" PRIu64, value);
    return cJSON_AddStringToObject(object, key, text);
}

const char *mlb_real_print(char to[MLB_REAL_TEXT], double value)
{
    for (int digits = 15; digits <= 17; digits++) {
        mlb_format(to, MLB_REAL_TEXT, "%.*g", digits, value);
        if (strtod(to, NULL) == value)
            break;
    }
    return to;
}

cJSON *mlb_json_real(double value)
{
    char text[MLB_REAL_TEXT];
    return isfinite(value) ? cJSON_CreateRaw(mlb_real_print(text, value)) : NULL;
}
