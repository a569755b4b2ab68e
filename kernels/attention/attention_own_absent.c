/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of attention_mma.c, attention_wgmma.c and their kernels in a build without CUDA. */
#include "kernels/attention/attention.h"

enum mlb_status mlb_attention_mma_check(const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    (void)params;
    (void)ctx;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "this build has no CUDA: build with nvcc on the PATH");
}

enum mlb_status mlb_attention_mma_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    (void)state;
    return mlb_attention_mma_check(params, ctx, err);
}

enum mlb_status mlb_attention_wgmma_check(const void *params, const struct mlb_ctx *ctx,
                                          struct mlb_error *err)
{
    return mlb_attention_mma_check(params, ctx, err);
}

enum mlb_status mlb_attention_wgmma_setup(void *state, const void *params,
                                          const struct mlb_ctx *ctx, struct mlb_error *err)
{
    return mlb_attention_mma_setup(state, params, ctx, err);
}
