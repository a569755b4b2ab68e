/* SPDX-License-Identifier: Apache-2.0 */
/* A case of any workload driven through its hooks, on a CUDA device (a real one, or the fake
 * runtime's) or on the CPU. */
#ifndef MLB_TESTS_KERNELS_CASE_RIG_H
#define MLB_TESTS_KERNELS_CASE_RIG_H

#include "tests/check.h"

#include "harness/measure/workload.h"

struct case_rig {
    struct mlb_comm comm;
    struct mlb_ctx ctx;
    struct mlb_error err;
};

static inline void open_case_rig(struct case_rig *rig, const struct mlb_backend *backend,
                                 enum mlb_data data)
{
    *rig = (struct case_rig){.comm = {.size = 1, .local_size = 1, .deadline_s = 60.0}};
    rig->ctx = (struct mlb_ctx){.comm = &rig->comm, .data = data, .seed = 20, .threads = 2};
    check_ok(backend->open(0, 2, &rig->ctx.device, &rig->err), &rig->err);
}

static inline void close_case_rig(struct case_rig *rig)
{
    rig->ctx.device->backend->close(rig->ctx.device);
}

/* What is left of a case that was set up: verification, some steps, details, teardown. */
static inline struct mlb_verification finish_case(struct case_rig *rig,
                                                  const struct mlb_workload *workload,
                                                  const struct mlb_variant *variant, void *state,
                                                  const void *params, struct mlb_details *details)
{
    struct mlb_verification found = {0};
    check_ok(workload->verify(variant, state, params, &rig->ctx, &found, &rig->err), &rig->err);
    for (int i = 0; i < 3; i++)
        check_ok(variant->step(state, &rig->ctx, &rig->err), &rig->err);
    check_ok(mlb_sync(rig->ctx.device, 60.0, &rig->err), &rig->err);
    if (variant->details)
        variant->details(state, params, details);
    return found;
}

/* A whole case by the workload's first variant. */
static inline struct mlb_verification run_whole_case(struct case_rig *rig,
                                                     const struct mlb_workload *workload,
                                                     const void *params,
                                                     struct mlb_details *details)
{
    const struct mlb_variant *variant = &workload->variants[0];
    void *state = calloc(1, workload->state_bytes);
    check_ok(variant->check(params, &rig->ctx, &rig->err), &rig->err);
    check_ok(variant->setup(state, params, &rig->ctx, &rig->err), &rig->err);
    struct mlb_verification found = finish_case(rig, workload, variant, state, params, details);
    variant->teardown(state, &rig->ctx);
    free(state);
    return found;
}

static inline void check_case(struct case_rig *rig, const struct mlb_workload *workload,
                              const void *params, struct mlb_details *details)
{
    char label[96];
    struct mlb_verification found = run_whole_case(rig, workload, params, details);
    workload->label(params, label, sizeof label);
    if (!mlb_verification_passed(&found))
        print_error("%s %s: %llu of %llu wrong: %s\n", workload->name, label,
                    (unsigned long long)found.wrong, (unsigned long long)found.checked,
                    found.first_wrong);
    check_true(mlb_verification_passed(&found));
}

#endif
