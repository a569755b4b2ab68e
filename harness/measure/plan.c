/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"

#define AT(field) offsetof(struct mlb_measure, field)

const struct mlb_option mlb_measure_options[] = {
    {"target", 't', MLB_FRACTION, AT(target), 1e-5, 0.5, "1%", NULL, "FRACTION",
     "half width of the median's 95 % interval to reach, relative", 0},
    {"min-samples", 0, MLB_COUNT, AT(min_samples), 6, 1e6, "10", NULL, "N",
     "samples to take at least", 0},
    {"max-samples", 0, MLB_COUNT, AT(max_samples), 6, 1e6, "10000", NULL, "N",
     "samples to take at most", 0},
    {"min-time", 0, MLB_SECONDS, AT(min_time_s), 0, 3600, "0.3s", NULL, "TIME",
     "timed work to do at least, a case", 0},
    {"max-time", 'T', MLB_SECONDS, AT(max_time_s), 0.001, 86400, "5s", NULL, "TIME",
     "timed work to do at most, a case", 0},
    {"max-warmup", 0, MLB_SECONDS, AT(max_warmup_s), 0, 3600, "2s", NULL, "TIME",
     "warm-up at most, a case; it ends earlier when times are steady", 0},
    {"sample-time", 0, MLB_SECONDS, AT(sample_time_s), 0, 60, "1ms", NULL, "TIME",
     "steps are grouped to samples of this length, on a GPU of at least 10 ms; isolated calls of "
     "a collective are timed one by one, pipelined ones at least 20 in a row",
     0},
    {"sustain", 0, MLB_SECONDS, AT(sustain_s), 0, 3600, "0s", NULL, "TIME",
     "after the figure, go on under load for so long: what the device gives from rest and for "
     "good, "
     "each on its own",
     0},
    {0}};

void mlb_plan_free(struct mlb_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->cases[i].params);
    free(plan->cases);
    memset(plan, 0, sizeof *plan);
}

static enum mlb_status grow(struct mlb_plan *plan, struct mlb_error *err)
{
    if (plan->count < plan->capacity)
        return MLB_OK;
    size_t capacity = plan->capacity ? 2 * plan->capacity : 32;
    struct mlb_case *cases = realloc(plan->cases, capacity * sizeof *cases);
    if (!cases)
        return mlb_fail(err, MLB_E_NOMEM, "plan of %zu cases: out of memory", capacity);
    plan->cases = cases;
    plan->capacity = capacity;
    return MLB_OK;
}

enum mlb_status mlb_workload_params(const struct mlb_workload *workload, void *params,
                                    struct mlb_error *err)
{
    if (workload->kind)
        memcpy(params, &workload->kind, sizeof workload->kind);
    return mlb_option_defaults(workload->params, params, err);
}

enum mlb_status mlb_plan_add(struct mlb_plan *plan, const struct mlb_workload *workload,
                             struct mlb_case **added, struct mlb_error *err)
{
    if (grow(plan, err) != MLB_OK)
        return err->status;
    struct mlb_case *item = &plan->cases[plan->count];
    *item = (struct mlb_case){.workload = workload, .priority = 5};
    mlb_format(item->device, sizeof item->device, "auto");
    item->params = calloc(1, workload->params_bytes ? workload->params_bytes : 1);
    if (!item->params)
        return mlb_fail(err, MLB_E_NOMEM, "plan: out of memory");
    enum mlb_status status = mlb_workload_params(workload, item->params, err);
    if (status == MLB_OK)
        status = mlb_option_defaults(mlb_measure_options, &item->measure, err);
    if (status != MLB_OK) {
        free(item->params);
        return status;
    }
    plan->count++;
    *added = item;
    return MLB_OK;
}

static bool has_variant(const struct mlb_workload *workload, const char *kind)
{
    for (const struct mlb_variant *v = workload->variants; v->name; v++)
        if (strcmp(v->device, kind) == 0)
            return true;
    return false;
}

/* Without any that can be used it is the kind of the best variant, whose absence is the reason. */
static void choose_device(struct mlb_case *item, const char *const *kinds)
{
    if (strcmp(item->device, "auto") != 0)
        return;
    mlb_format(item->device, sizeof item->device, "%s", item->workload->variants[0].device);
    for (size_t i = 0; kinds[i]; i++)
        if (has_variant(item->workload, kinds[i])) {
            mlb_format(item->device, sizeof item->device, "%s", kinds[i]);
            return;
        }
}

/* Appends a copy of the case with parameters of its own. */
static enum mlb_status add_copy(struct mlb_plan *plan, const struct mlb_case *item,
                                const char *variant, struct mlb_error *err)
{
    struct mlb_case *added = NULL;
    if (mlb_plan_add(plan, item->workload, &added, err) != MLB_OK)
        return err->status;
    void *params = added->params;
    memcpy(params, item->params, item->workload->params_bytes);
    *added = *item;
    added->params = params;
    mlb_format(added->variant, sizeof added->variant, "%s", variant);
    return MLB_OK;
}

/* A case of "all" variants becomes one case for each variant of its device. */
static enum mlb_status spread_variants(struct mlb_plan *plan, struct mlb_error *err)
{
    struct mlb_plan wide = {0};
    enum mlb_status status = MLB_OK;
    for (size_t i = 0; i < plan->count && status == MLB_OK; i++) {
        const struct mlb_case *item = &plan->cases[i];
        bool all = strcmp(item->variant, MLB_VARIANT_ALL) == 0;
        const struct mlb_variant *v = item->workload->variants;
        if (!all)
            status = add_copy(&wide, item, item->variant, err);
        for (; all && v->name && status == MLB_OK; v++)
            if (strcmp(v->device, item->device) == 0)
                status = add_copy(&wide, item, v->name, err);
    }
    for (size_t i = 0; i < plan->count; i++)
        free(plan->cases[i].params);
    free(plan->cases);
    plan->cases = wide.cases;
    plan->count = wide.count;
    plan->capacity = wide.capacity;
    return status;
}

/* "gemm[cpu,dtype=bf16,m=4096,...]": the key by which records are compared, so every parameter is
 * in it; a variant only when one was asked for by name, and the lasting load that heats the device
 * for the cases after it. */
static enum mlb_status make_id(struct mlb_case *item, struct mlb_error *err)
{
    struct mlb_text id = {0};
    mlb_text_addf(&id, "%s[%s", item->workload->name, item->device);
    if (item->variant[0])
        mlb_text_addf(&id, ",%s", item->variant);
    if (item->search)
        mlb_text_add(&id, ",search");
    for (const struct mlb_option *row = item->workload->params; row->name; row++) {
        mlb_text_addf(&id, ",%s=", row->name);
        mlb_option_print(row, item->params, &id);
    }
    if (item->measure.sustain_s > 0.0) {
        mlb_text_add(&id, ",sustain=");
        mlb_option_print(mlb_option_find(mlb_measure_options, "sustain"), &item->measure, &id);
    }
    mlb_text_add(&id, "]");
    bool fits = !id.failed && mlb_format(item->id, sizeof item->id, "%s", mlb_text_get(&id));
    mlb_text_free(&id);
    if (!fits)
        return mlb_fail(err, MLB_E_CONFIG, "%s: parameters make a name over %d characters",
                        item->workload->name, MLB_ROW_ID - 1);
    return MLB_OK;
}

static enum mlb_status finish_case(struct mlb_case *item, struct mlb_error *err)
{
    const struct mlb_workload *workload = item->workload;
    if (workload->resolve && workload->resolve(item->params, err) != MLB_OK)
        return mlb_fail_at(err, "%s", workload->name);
    workload->label(item->params, item->label, sizeof item->label);
    return make_id(item, err);
}

static bool listed(const char *kind, const char *const *kinds)
{
    for (size_t i = 0; kinds[i]; i++)
        if (strcmp(kinds[i], kind) == 0)
            return true;
    return false;
}

/* Cases meant for other machines (no `kinds`: all stay), and exact duplicates. */
static void drop_needless(struct mlb_plan *plan, const char *const *kinds)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++) {
        bool needless = kinds && listed(plan->cases[i].without, kinds);
        for (size_t j = 0; j < kept && !needless; j++)
            needless = strcmp(plan->cases[j].id, plan->cases[i].id) == 0;
        if (needless)
            free(plan->cases[i].params);
        else
            plan->cases[kept++] = plan->cases[i];
    }
    plan->count = kept;
}

/* FNV-1a, 64 bits. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

static void hash_plan(struct mlb_plan *plan)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < plan->count; i++) {
        hash = hash_bytes(hash, plan->cases[i].id, strlen(plan->cases[i].id) + 1);
        hash = hash_bytes(hash, &plan->cases[i].measure, sizeof plan->cases[i].measure);
    }
    mlb_format(plan->hash, sizeof plan->hash, "%016" PRIx64, hash);
}

enum mlb_status mlb_plan_finish(struct mlb_plan *plan, const char *const *kinds,
                                struct mlb_error *err)
{
    for (size_t i = 0; i < plan->count; i++)
        choose_device(&plan->cases[i], kinds);
    if (spread_variants(plan, err) != MLB_OK)
        return err->status;
    for (size_t i = 0; i < plan->count; i++)
        if (finish_case(&plan->cases[i], err) != MLB_OK)
            return err->status;
    drop_needless(plan, kinds);
    hash_plan(plan);
    return MLB_OK;
}

enum mlb_status mlb_plan_refresh(struct mlb_plan *plan, struct mlb_error *err)
{
    for (size_t i = 0; i < plan->count; i++)
        if (make_id(&plan->cases[i], err) != MLB_OK)
            return err->status;
    drop_needless(plan, NULL);
    hash_plan(plan);
    return MLB_OK;
}

/* Insertion sort: stable, and a plan has at most some hundred cases. */
void mlb_plan_by_priority(struct mlb_plan *plan)
{
    for (size_t i = 1; i < plan->count; i++) {
        struct mlb_case item = plan->cases[i];
        size_t j = i;
        for (; j > 0 && plan->cases[j - 1].priority > item.priority; j--)
            plan->cases[j] = plan->cases[j - 1];
        plan->cases[j] = item;
    }
}
