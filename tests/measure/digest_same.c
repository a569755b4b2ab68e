/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/measure/digest_same.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SAME(condition)                                                                            \
    if (!(condition))                                                                              \
    return #condition
#define SAME_TEXT(a, b) SAME(strcmp((a), (b)) == 0)

/* Also of two that are unknown. */
static bool same_real(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static const char *name_differs(const struct mlb_case_name *name, const struct mlb_row *row)
{
    SAME_TEXT(name->id, row->id);
    SAME_TEXT(name->workload, row->workload);
    SAME_TEXT(name->label, row->label);
    SAME_TEXT(name->device, row->device);
    SAME(name->param_count == row->param_count);
    for (size_t i = 0; i < row->param_count; i++) {
        SAME_TEXT(name->params[i].name, row->params[i].name);
        SAME_TEXT(mlb_case_param(name, row->params[i].name), row->params[i].value);
    }
    SAME_TEXT(mlb_case_param(name, "no such"), "");
    return NULL;
}

static const char *work_differs(const struct mlb_work *a, const struct mlb_work *b)
{
    SAME_TEXT(a->formula, b->formula ? b->formula : "");
    SAME(same_real(a->flop, b->flop) && a->operations == b->operations);
    SAME(same_real(a->bytes, b->bytes) && same_real(a->bus_factor, b->bus_factor));
    SAME(a->link == b->link && a->ranks == b->ranks && a->nodes == b->nodes);
    return NULL;
}

static const char *time_differs(const struct mlb_summary *a, const struct mlb_summary *b)
{
    SAME(a->n == b->n && same_real(a->median, b->median));
    SAME(same_real(a->min, b->min) && same_real(a->max, b->max));
    SAME(same_real(a->q1, b->q1) && same_real(a->q3, b->q3));
    SAME(same_real(a->lag1, b->lag1) && same_real(a->drift, b->drift));
    SAME(a->interval.known == b->interval.known);
    SAME(same_real(a->interval.low, b->interval.low));
    SAME(same_real(a->interval.high, b->interval.high));
    SAME(same_real(a->interval.coverage, b->interval.coverage));
    return NULL;
}

static const char *row_differs(const struct mlb_digest_row *short_row, const struct mlb_row *row)
{
    const char *differs = name_differs(short_row->name, row);
    if (!differs)
        differs = work_differs(&short_row->work, &row->work);
    if (!differs)
        differs = time_differs(&short_row->time, &row->summary);
    if (differs)
        return differs;
    SAME_TEXT(short_row->variant, row->variant);
    SAME_TEXT(short_row->library, row->library);
    SAME_TEXT(short_row->formula, row->formula);
    SAME(short_row->formula == short_row->work.formula);
    SAME(short_row->status == row->status);
    SAME(short_row->verified == mlb_row_verified(row));
    SAME(short_row->clock_hz.known == row->telemetry.clock_median_hz.known);
    SAME(same_real(short_row->clock_hz.value, row->telemetry.clock_median_hz.value));
    return NULL;
}

static const char *head_differs(const struct mlb_digest *digest, const struct mlb_result *result)
{
    SAME(digest->schema == result->schema && digest->complete == result->complete);
    SAME_TEXT(digest->run_id, result->run_id);
    SAME_TEXT(digest->version, result->version);
    SAME_TEXT(digest->git, result->git);
    SAME_TEXT(digest->started_utc, result->started_utc);
    SAME_TEXT(digest->suite, result->suite);
    SAME_TEXT(digest->suite_hash, result->suite_hash);
    SAME_TEXT(digest->host_kind, result->host_kind);
    SAME_TEXT(digest->data, result->data);
    SAME(digest->ranks == result->ranks && digest->nodes == result->nodes);
    SAME(digest->ranks_per_node == result->ranks_per_node && digest->solo == result->solo);
    SAME(digest->oversubscribed == result->oversubscribed);
    SAME_TEXT(digest->device_kind, result->device.kind);
    SAME_TEXT(digest->device, result->device.name);
    SAME(digest->device_count == result->device_count);
    SAME(digest->device_memory_bytes == (double)result->device.memory_bytes);
    SAME(same_real(digest->price_per_hour, result->price_per_hour));
    SAME_TEXT(digest->price_source, result->price_source);
    return NULL;
}

static const char *provider_differs(const struct mlb_provider *a, const struct mlb_provider *b)
{
    SAME_TEXT(a->name, b->name);
    SAME_TEXT(a->service, b->service);
    SAME_TEXT(a->instance, b->instance);
    SAME_TEXT(a->region, b->region);
    SAME_TEXT(a->zone, b->zone);
    SAME_TEXT(a->purchase, b->purchase);
    SAME_TEXT(a->runtime, b->runtime);
    SAME(a->method == b->method);
    SAME_TEXT(a->evidence, b->evidence);
    SAME_TEXT(a->candidates, b->candidates);
    return NULL;
}

static const char *facts_differ(const struct mlb_digest *digest, const struct mlb_result *result)
{
    int sick = 0;
    SAME(digest->fact_count == result->fact_count);
    for (size_t i = 0; i < result->fact_count; i++) {
        SAME_TEXT(digest->facts[i]->name, result->facts[i].name);
        SAME_TEXT(mlb_digest_fact(digest, result->facts[i].name), result->facts[i].value);
    }
    for (size_t i = 0; i < result->health_count; i++)
        sick += result->health[i].level == MLB_HEALTH_SICK;
    SAME(digest->sick == sick);
    SAME_TEXT(mlb_digest_fact(digest, "no such"), "");
    return NULL;
}

const char *digest_differs(const struct mlb_digest *digest, const struct mlb_result *result)
{
    const char *differs = head_differs(digest, result);
    if (!differs)
        differs = provider_differs(&digest->provider, &result->provider);
    if (!differs)
        differs = facts_differ(digest, result);
    if (!differs && digest->row_count != result->row_count)
        differs = "row_count";
    for (size_t i = 0; i < result->row_count && !differs; i++) {
        differs = row_differs(&digest->rows[i], &result->rows[i]);
        if (!differs && mlb_digest_find(digest, result->rows[i].id) != &digest->rows[i])
            differs = "found by its id";
    }
    return differs;
}
