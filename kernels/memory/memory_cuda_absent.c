/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for memory_cuda.c and the .cu files in a build without CUDA. */
#include "kernels/memory/memory.h"

enum mlb_status mlb_memory_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    (void)params;
    (void)ctx;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "this mlbench was built without CUDA");
}

enum mlb_status mlb_memory_memcpy_check(const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    return mlb_memory_cuda_check(params, ctx, err);
}

enum mlb_status mlb_memory_fastest_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                         struct mlb_error *err)
{
    (void)state;
    return mlb_memory_cuda_check(params, ctx, err);
}

enum mlb_status mlb_memory_kernel_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    return mlb_memory_fastest_setup(state, params, ctx, err);
}

enum mlb_status mlb_memory_memcpy_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    return mlb_memory_fastest_setup(state, params, ctx, err);
}

enum mlb_status mlb_memory_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    (void)state;
    return mlb_memory_cuda_check(NULL, ctx, err);
}

void mlb_memory_cuda_details(const void *state, const void *params, struct mlb_details *details)
{
    (void)state, (void)params, (void)details;
}
