/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of gemm_cublaslt.c in a build without CUDA. */
#include "kernels/gemm/gemm.h"

enum mlb_status mlb_gemm_cublaslt_check(const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    (void)params;
    (void)ctx;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "this build has no CUDA: build with nvcc on the PATH");
}

enum mlb_status mlb_gemm_cublaslt_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    (void)state;
    return mlb_gemm_cublaslt_check(params, ctx, err);
}

enum mlb_status mlb_gemm_cublaslt_step(void *state, const struct mlb_ctx *ctx,
                                       struct mlb_error *err)
{
    (void)state;
    return mlb_gemm_cublaslt_check(NULL, ctx, err);
}

void mlb_gemm_cublaslt_teardown(void *state, const struct mlb_ctx *ctx)
{
    (void)state;
    (void)ctx;
}

enum mlb_status mlb_gemm_heuristic0_setup(void *state, const void *params,
                                          const struct mlb_ctx *ctx, struct mlb_error *err)
{
    return mlb_gemm_cublaslt_setup(state, params, ctx, err);
}

void mlb_gemm_cublaslt_details(const void *state, const void *params, struct mlb_details *details)
{
    (void)state;
    (void)params;
    (void)details;
}

void mlb_gemm_cublaslt_library(char *to, size_t size)
{
    if (size)
        to[0] = 0;
}
