/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of gemm_own.c in a build without CUDA. */
#include "kernels/gemm/gemm.h"

enum mlb_status mlb_gemm_mma_check(const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    (void)params;
    (void)ctx;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "this build has no CUDA: build with nvcc on the PATH");
}

enum mlb_status mlb_gemm_mma_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    (void)state;
    return mlb_gemm_mma_check(params, ctx, err);
}

enum mlb_status mlb_gemm_mma_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    (void)state;
    return mlb_gemm_mma_check(NULL, ctx, err);
}

void mlb_gemm_mma_teardown(void *state, const struct mlb_ctx *ctx)
{
    (void)state;
    (void)ctx;
}

enum mlb_status mlb_gemm_wgmma_check(const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    return mlb_gemm_mma_check(params, ctx, err);
}

enum mlb_status mlb_gemm_wgmma_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    return mlb_gemm_mma_setup(state, params, ctx, err);
}

enum mlb_status mlb_gemm_wgmma_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    return mlb_gemm_mma_step(state, ctx, err);
}

void mlb_gemm_wgmma_teardown(void *state, const struct mlb_ctx *ctx)
{
    mlb_gemm_mma_teardown(state, ctx);
}
