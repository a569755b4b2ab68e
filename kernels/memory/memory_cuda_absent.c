/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for memory_cuda.c and the .cu files in a build without CUDA. */
#include "kernels/memory/memory.h"

static enum mlb_status absent(struct mlb_error *err)
{
    return mlb_fail(err, MLB_E_UNSUPPORTED, "this mlbench was built without CUDA");
}

#define ABSENT_HOOKS(name)                                                                         \
    enum mlb_status mlb_memory_##name##_check(const void *params, const struct mlb_ctx *ctx,       \
                                              struct mlb_error *err)                               \
    {                                                                                              \
        (void)params, (void)ctx;                                                                   \
        return absent(err);                                                                        \
    }                                                                                              \
    enum mlb_status mlb_memory_##name##_setup(void *state, const void *params,                     \
                                              const struct mlb_ctx *ctx, struct mlb_error *err)    \
    {                                                                                              \
        (void)state, (void)params, (void)ctx;                                                      \
        return absent(err);                                                                        \
    }

MLB_MEMORY_WAY_LIST(ABSENT_HOOKS)
ABSENT_HOOKS(fastest)

enum mlb_status mlb_memory_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    (void)state, (void)ctx;
    return absent(err);
}

void mlb_memory_cuda_details(const void *state, const void *params, struct mlb_details *details)
{
    (void)state, (void)params, (void)details;
}
