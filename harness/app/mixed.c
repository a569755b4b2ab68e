/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/mixed.h"

#include <string.h>

#include "harness/base/text.h"

enum { NAME = 96, SHOWN = 4 /* kinds that a line names */ };

static void instance_of(const struct mlb_provider *provider, char name[NAME])
{
    name[0] = '\0';
    if (provider->instance[0])
        mlb_format(name, NAME, "%s%s%s", provider->name, provider->name[0] ? " " : "",
                   provider->instance);
}

static void zone_of(const struct mlb_provider *provider, char name[NAME])
{
    mlb_format(name, NAME, "%s", provider->zone[0] ? provider->zone : provider->region);
}

static void purchase_of(const struct mlb_provider *provider, char name[NAME])
{
    mlb_format(name, NAME, "%s", provider->purchase);
}

static const struct {
    const char *what, *means;
    void (*name_of)(const struct mlb_provider *provider, char name[NAME]);
} ways[] = {
    {"instances", "the job is as fast as the least of them", instance_of},
    {"zones", "the network between them is not that of one cluster", zone_of},
    {"purchases", "the price of one is not that of all", purchase_of},
};

/* How many machines from `first` on have `name`; `first` itself becomes the first of them. */
static size_t count_of(const struct mlb_provider *machines, size_t count, size_t way,
                       const char *name, size_t *first)
{
    char other[NAME];
    size_t same = 0;
    for (size_t i = count; i-- > 0;) {
        ways[way].name_of(&machines[i], other);
        if (strcmp(other, name) != 0)
            continue;
        *first = i;
        same++;
    }
    return same;
}

static void add_kind(struct mlb_text *text, const char *name, size_t same, size_t first)
{
    mlb_text_addf(text, "%s%s on ", text->length ? ", " : "", name);
    if (same == 1)
        mlb_text_addf(text, "machine %zu", first);
    else
        mlb_text_addf(text, "%zu machines from %zu on", same, first);
}

static void judge_way(const struct mlb_provider *machines, size_t count, size_t way,
                      struct mlb_result *result)
{
    struct mlb_text text = {0};
    char name[NAME];
    size_t kinds = 0, first = 0;
    for (size_t i = 0; i < count; i++) {
        ways[way].name_of(&machines[i], name);
        size_t same = name[0] ? count_of(machines, count, way, name, &first) : 0;
        if (same == 0 || first != i)
            continue;
        if (kinds++ < SHOWN)
            add_kind(&text, name, same, first);
    }
    if (kinds > SHOWN)
        mlb_text_addf(&text, ", %zu more kinds", kinds - SHOWN);
    if (kinds > 1)
        mlb_result_note(result, MLB_HEALTH_WARN, "mixed", "%s differ: %s; %s", ways[way].what,
                        mlb_text_get(&text), ways[way].means);
    mlb_text_free(&text);
}

void mlb_mixed_judge(const struct mlb_provider *machines, size_t count, struct mlb_result *result)
{
    for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++)
        judge_way(machines, count, way, result);
}

static void keep_common(char *common, const char *other)
{
    if (other[0] && strcmp(common, other) != 0)
        common[0] = '\0';
}

void mlb_mixed_common(const struct mlb_provider *machines, size_t count,
                      struct mlb_provider *common)
{
    *common = machines[0];
    for (size_t i = 1; i < count; i++) {
        keep_common(common->name, machines[i].name);
        keep_common(common->service, machines[i].service);
        keep_common(common->instance, machines[i].instance);
        keep_common(common->region, machines[i].region);
        keep_common(common->zone, machines[i].zone);
        keep_common(common->purchase, machines[i].purchase);
    }
}

enum mlb_status mlb_mixed_check(const char *path, const struct mlb_provider *before,
                                const struct mlb_provider *now, struct mlb_error *err)
{
    char was[NAME], is[NAME];
    instance_of(before, was);
    instance_of(now, is);
    if (!was[0] || !is[0]) { /* then who it is rented from is all that can differ */
        mlb_format(was, sizeof was, "%s", before->name);
        mlb_format(is, sizeof is, "%s", now->name);
    }
    if (!was[0] || !is[0] || strcmp(was, is) == 0)
        return MLB_OK;
    return mlb_fail(err, MLB_E_CONFIG,
                    "%s: cannot go on: it was begun on %s, this is %s; one record is of one kind "
                    "of machine",
                    path, was, is);
}

static void note_change(const char *what, const char *was, const char *is,
                        struct mlb_result *result)
{
    if (was[0] && is[0] && strcmp(was, is) != 0)
        mlb_result_note(result, MLB_HEALTH_WARN, "mixed",
                        "%s: begun with %s, gone on with %s; the price is that of the beginning",
                        what, was, is);
}

void mlb_mixed_went_on(const struct mlb_provider *before, const struct mlb_provider *now,
                       struct mlb_result *result)
{
    note_change("region", before->region, now->region, result);
    note_change("purchase", before->purchase, now->purchase, result);
}
