/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/result_pull.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/measure/result.h"

void mlb_pull_text(struct mlb_pull *pull, const char *key, char *to, size_t size)
{
    const char *text = mlb_pull_string(pull);
    size_t length = strlen(text);
    if (length >= size)
        mlb_pull_fail(pull, "'%s' is %zu bytes long, at most %zu are allowed", key, length,
                      size - 1);
    else
        memcpy(to, text, length + 1);
}

static void pull_whole(struct mlb_pull *pull, const struct mlb_field *field, void *to)
{
    uint64_t most = field->size == sizeof most ? UINT64_MAX : INT32_MAX;
    uint64_t value = mlb_pull_u64(pull);
    uint32_t small = (uint32_t)value;
    if (value > most)
        mlb_pull_fail(pull, "'%s' should be a whole number from 0 to %llu", field->key,
                      (unsigned long long)most);
    else
        memcpy(to, field->size == sizeof value ? (void *)&value : (void *)&small, field->size);
}

static void pull_choice(struct mlb_pull *pull, const struct mlb_field *field, void *to)
{
    const char *text = mlb_pull_string(pull);
    int value = mlb_choice_of(field, text);
    char known[160];
    if (value >= 0)
        memcpy(to, &value, sizeof value);
    else
        mlb_pull_fail(pull, "'%s': '%.40s' is not known; known: %s", field->key, text,
                      mlb_choices_text(field, known, sizeof known));
}

static void pull_field(struct mlb_pull *pull, const struct mlb_field *field, void *to)
{
    switch (field->type) {
    case MLB_FIELD_TEXT:
        mlb_pull_text(pull, field->key, to, field->size);
        break;
    case MLB_FIELD_REAL:
        *(double *)to = mlb_pull_real(pull);
        break;
    case MLB_FIELD_MAYBE:
        *(struct mlb_maybe *)to = (struct mlb_maybe){true, mlb_pull_real(pull)};
        break;
    case MLB_FIELD_WHOLE:
        pull_whole(pull, field, to);
        break;
    case MLB_FIELD_BOOL:
        *(bool *)to = mlb_pull_bool(pull);
        break;
    case MLB_FIELD_CHOICE:
        pull_choice(pull, field, to);
        break;
    }
}

/* Its place in the table, or where the table ends. */
static size_t find(const struct mlb_pull_members *members, const char *key)
{
    size_t at = members->next;
    if (members->fields[at].key && mlb_pull_is(key, members->fields[at].key))
        return at;
    for (at = 0; members->fields[at].key; at++) {
        if (mlb_pull_is(key, members->fields[at].key))
            break;
    }
    return at;
}

bool mlb_pull_member(struct mlb_pull *pull, struct mlb_pull_members *members, const char *key)
{
    size_t at = find(members, key);
    const struct mlb_field *field = &members->fields[at];
    if (!field->key)
        return false;
    if (members->seen >> at & 1)
        mlb_pull_fail(pull, "'%s' stands twice in one object", field->key);
    members->seen |= (uint64_t)1 << at;
    members->next = at + 1;
    pull_field(pull, field, (char *)members->owner + field->offset);
    return true;
}

static bool is_missing(const struct mlb_pull_members *members, size_t at)
{
    const struct mlb_field *field = &members->fields[at];
    bool must = field->when == MLB_ALWAYS && field->type != MLB_FIELD_MAYBE;
    return must && !(members->seen >> at & 1);
}

bool mlb_pull_members_whole(const struct mlb_pull_members *members)
{
    size_t at = 0;
    while (members->fields[at].key && !is_missing(members, at))
        at++;
    return !members->fields[at].key;
}

void mlb_pull_members_end(struct mlb_pull *pull, const struct mlb_pull_members *members)
{
    if (members->optional && !members->seen)
        return;
    for (size_t at = 0; members->fields[at].key; at++) {
        const struct mlb_field *field = &members->fields[at];
        if (is_missing(members, at))
            mlb_pull_fail(pull, "'%s' is missing", field->key);
        else if (field->when == MLB_WHEN_FINITE && !(members->seen >> at & 1))
            *(double *)((char *)members->owner + field->offset) = NAN;
    }
}
