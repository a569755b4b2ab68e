/* SPDX-License-Identifier: Apache-2.0 */
/* What the gemm tests share: a context on the CPU device, and a case driven through its hooks. */
#ifndef MLB_TESTS_KERNELS_GEMM_RIG_H
#define MLB_TESTS_KERNELS_GEMM_RIG_H

#include "tests/check.h"

#include "kernels/gemm/gemm.h"

struct gemm_rig {
    struct mlb_comm comm;
    struct mlb_ctx ctx;
    struct mlb_error err;
};

static inline void open_gemm_rig(struct gemm_rig *rig, enum mlb_data data)
{
    *rig = (struct gemm_rig){.comm = {.size = 1, .deadline_s = 60.0}};
    rig->ctx = (struct mlb_ctx){.comm = &rig->comm,
                                .data = data,
                                .seed = 20,
                                .threads = 2,
                                .memory_bytes = (uint64_t)1 << 30};
    check_ok(mlb_backend_cpu.open(0, 2, &rig->ctx.device, &rig->err), &rig->err);
}

static inline void close_gemm_rig(struct gemm_rig *rig)
{
    mlb_backend_cpu.close(rig->ctx.device);
}

static inline const struct mlb_variant *gemm_variant(const char *name)
{
    for (const struct mlb_variant *v = mlb_gemm.variants; v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    fail_msg("no variant %s", name);
    return NULL;
}

/* setup, verify, teardown. `state` begins with a mlb_gemm_state and is zeroed but for what the
 * variant of a test keeps behind it. */
static inline struct mlb_verification verify_gemm(struct gemm_rig *rig,
                                                  const struct mlb_variant *variant, void *state,
                                                  const struct mlb_gemm_params *params)
{
    struct mlb_verification found = {0};
    check_ok(variant->setup(state, params, &rig->ctx, &rig->err), &rig->err);
    check_ok(mlb_gemm.verify(variant, state, params, &rig->ctx, &found, &rig->err), &rig->err);
    variant->teardown(state, &rig->ctx);
    return found;
}

static inline void check_verified(const struct mlb_verification *found,
                                  const struct mlb_gemm_params *params)
{
    char label[96];
    mlb_gemm.label(params, label, sizeof label);
    if (!mlb_verification_passed(found))
        print_error("%s: %llu of %llu wrong: %s\n", label, (unsigned long long)found->wrong,
                    (unsigned long long)found->checked, found->first_wrong);
    check_true(mlb_verification_passed(found));
}

static const struct mlb_gemm_params gemm_odd_sizes[] = {
    {.m = 1, .n = 1, .k = 1},     {.m = 17, .n = 33, .k = 65}, {.m = 1, .n = 70, .k = 129},
    {.m = 31, .n = 1, .k = 7},    {.m = 3, .n = 257, .k = 2},  {.m = 100, .n = 70, .k = 129},
    {.m = 129, .n = 65, .k = 31}, {.m = 64, .n = 96, .k = 1},
};
#define GEMM_ODD_SIZES (sizeof gemm_odd_sizes / sizeof gemm_odd_sizes[0])

#endif
