/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/overlap_side.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------ parameters
 */

static enum mlb_status set(const struct mlb_overlap_side *side, const struct mlb_setting *setting,
                           struct mlb_error *err)
{
    const struct mlb_option *option = mlb_option_find(side->workload->params, setting->key);
    if (!option)
        return mlb_fail(err, MLB_E_INTERNAL, "%s has no parameter '%s'", side->workload->name,
                        setting->key);
    return mlb_option_set(option, side->params, setting->value, err);
}

static enum mlb_status make_params(struct mlb_overlap_side *side,
                                   const struct mlb_setting *settings, struct mlb_error *err)
{
    const struct mlb_workload *workload = side->workload;
    side->params = calloc(1, workload->params_bytes ? workload->params_bytes : 1);
    if (!side->params)
        return mlb_fail(err, MLB_E_NOMEM, "parameters of %s: out of memory", workload->name);
    enum mlb_status status = mlb_workload_params(workload, side->params, err);
    for (; status == MLB_OK && settings->key; settings++)
        status = set(side, settings, err);
    if (status == MLB_OK && workload->resolve && workload->resolve(side->params, err) != MLB_OK)
        return mlb_fail_at(err, "%s", workload->name);
    return status;
}

enum mlb_status mlb_overlap_side_open(struct mlb_overlap_side *side, const char *workload,
                                      const struct mlb_setting *settings, struct mlb_error *err)
{
    *side = (struct mlb_overlap_side){.workload = mlb_workload_find(workload)};
    if (!side->workload)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "this build has no workload '%s'", workload);
    return make_params(side, settings, err);
}

void mlb_overlap_side_free(struct mlb_overlap_side *side)
{
    mlb_overlap_side_teardown(side);
    free(side->params);
    *side = (struct mlb_overlap_side){0};
}

/* ----------------------------------------------------------------------------------- the variant
 */

enum mlb_status mlb_overlap_side_choose(struct mlb_overlap_side *side,
                                        const struct mlb_variant *from, struct mlb_error *err)
{
    const char *kind = side->ctx.device->info.kind;
    struct mlb_error first = {0};
    const struct mlb_variant *variant = from ? from : side->workload->variants;
    for (; variant->name; variant++) {
        struct mlb_error why = {0};
        if (strcmp(variant->device, kind) != 0)
            continue;
        side->variant = variant;
        if (!variant->check || variant->check(side->params, &side->ctx, &why) == MLB_OK)
            return MLB_OK;
        if (first.status == MLB_OK)
            first = why;
    }
    if (first.status == MLB_OK)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "%s has no variant for device '%s'",
                        side->workload->name, kind);
    *err = first;
    return mlb_fail_at(err, "%s", side->workload->name);
}

/* --------------------------------------------------------------------------------- the instances
 */

static void *state_of(const struct mlb_overlap_side *side, size_t index)
{
    return side->states + index * side->workload->state_bytes;
}

void mlb_overlap_side_teardown(struct mlb_overlap_side *side)
{
    while (side->begun > 0)
        side->variant->teardown(state_of(side, --side->begun), &side->ctx);
    free(side->states);
    side->states = NULL;
    side->count = 0;
}

static enum mlb_status set_up(struct mlb_overlap_side *side, size_t count, struct mlb_error *err)
{
    size_t bytes = side->workload->state_bytes;
    side->states = calloc(count, bytes ? bytes : 1);
    if (!side->states)
        return mlb_fail(err, MLB_E_NOMEM, "%zu x %zu bytes for states of %s: out of memory", count,
                        bytes, side->workload->name);
    side->count = count;
    enum mlb_status status = MLB_OK;
    while (status == MLB_OK && side->begun < count) {
        void *state = state_of(side, side->begun++);
        status = side->variant->setup(state, side->params, &side->ctx, err);
    }
    return status;
}

enum mlb_status mlb_overlap_side_setup(struct mlb_overlap_side *side, size_t count,
                                       struct mlb_error *err)
{
    enum mlb_status status = set_up(side, count, err);
    while (status == MLB_E_UNSUPPORTED) {
        struct mlb_error none = {0};
        mlb_overlap_side_teardown(side);
        if (mlb_overlap_side_choose(side, side->variant + 1, &none) != MLB_OK)
            return status;
        status = set_up(side, count, err);
    }
    return status;
}

enum mlb_status mlb_overlap_side_step(struct mlb_overlap_side *side, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    for (size_t i = 0; i < side->count && status == MLB_OK; i++)
        status = side->variant->step(state_of(side, i), &side->ctx, err);
    return status;
}

/* --------------------------------------------------------------------------------- verification */

static void add(struct mlb_verification *sum, const struct mlb_verification *one)
{
    if (one->wrong > 0 && sum->wrong == 0)
        memcpy(sum->first_wrong, one->first_wrong, sizeof sum->first_wrong);
    sum->checked += one->checked;
    sum->wrong += one->wrong;
    if (one->worst_ratio <= sum->worst_ratio)
        return;
    sum->worst_ratio = one->worst_ratio;
    sum->worst_error = one->worst_error;
    sum->worst_tolerance = one->worst_tolerance;
}

enum mlb_status mlb_overlap_side_verify(struct mlb_overlap_side *side, size_t index,
                                        struct mlb_verification *verification,
                                        struct mlb_error *err)
{
    struct mlb_verification one = {0};
    enum mlb_status status = side->workload->verify(side->variant, state_of(side, index),
                                                    side->params, &side->ctx, &one, err);
    if (status == MLB_OK && !mlb_verification_passed(&one) && one.wrong == 0)
        return mlb_fail(err, MLB_E_NO_VERDICT, "%s: nothing was verified", side->workload->name);
    add(verification, &one);
    return status;
}
