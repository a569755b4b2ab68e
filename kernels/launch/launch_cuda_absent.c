/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for launch_cuda.c and launch_cuda.cu in a build without CUDA. */
#include "kernels/launch/launch.h"

enum mlb_status mlb_launch_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    (void)params, (void)ctx;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "this mlbench was built without CUDA");
}

enum mlb_status mlb_launch_cuda_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    (void)state;
    return mlb_launch_cuda_check(params, ctx, err);
}

enum mlb_status mlb_launch_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    (void)state;
    return mlb_launch_cuda_check(NULL, ctx, err);
}

void mlb_launch_cuda_teardown(void *state, const struct mlb_ctx *ctx)
{
    (void)state, (void)ctx;
}
