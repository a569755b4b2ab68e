/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/base/pull_walk.h"

#include <string.h>

static bool same_text(const char *read, const char *expected)
{
    return !expected || strcmp(read, expected) == 0;
}

static bool same_number(double read, const cJSON *tree)
{
    return !tree || memcmp(&read, &tree->valuedouble, sizeof read) == 0;
}

static bool walk_object(struct mlb_pull *pull, const cJSON *tree)
{
    const cJSON *child = tree ? tree->child : NULL;
    const char *key;
    bool same = true;
    mlb_pull_object(pull);
    while (mlb_pull_key(pull, &key)) {
        same &= !tree || (child && same_text(key, child->string));
        same &= pull_walk(pull, child);
        child = child ? child->next : NULL;
    }
    return same && !child;
}

static bool walk_array(struct mlb_pull *pull, const cJSON *tree)
{
    const cJSON *child = tree ? tree->child : NULL;
    bool same = true;
    mlb_pull_array(pull);
    while (mlb_pull_element(pull)) {
        same &= !tree || child;
        same &= pull_walk(pull, child);
        child = child ? child->next : NULL;
    }
    return same && !child;
}

bool pull_walk(struct mlb_pull *pull, const cJSON *tree)
{
    switch (mlb_pull_peek(pull)) {
    case MLB_PULL_OBJECT:
        return (!tree || cJSON_IsObject(tree)) && walk_object(pull, tree);
    case MLB_PULL_ARRAY:
        return (!tree || cJSON_IsArray(tree)) && walk_array(pull, tree);
    case MLB_PULL_STRING:
        return (!tree || cJSON_IsString(tree)) &&
               same_text(mlb_pull_string(pull), tree ? tree->valuestring : NULL);
    case MLB_PULL_NUMBER:
        return (!tree || cJSON_IsNumber(tree)) && same_number(mlb_pull_real(pull), tree);
    case MLB_PULL_BOOL: {
        bool value = mlb_pull_bool(pull);
        return !tree || (cJSON_IsBool(tree) && value == cJSON_IsTrue(tree));
    }
    case MLB_PULL_NULL:
        mlb_pull_skip(pull);
        return !tree || cJSON_IsNull(tree);
    case MLB_PULL_NONE:
        break;
    }
    return false;
}
