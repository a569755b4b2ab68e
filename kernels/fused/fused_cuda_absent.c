/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for fused_cuda.c and the .cu files in a build without CUDA. */
#include "kernels/fused/adamw.h"
#include "kernels/fused/cross_entropy.h"
#include "kernels/fused/embedding.h"
#include "kernels/fused/fused.h"
#include "kernels/fused/norm.h"
#include "kernels/fused/rope.h"
#include "kernels/fused/swiglu.h"

enum mlb_status mlb_fused_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    (void)params;
    (void)ctx;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "this mlbench was built without CUDA");
}

enum mlb_status mlb_fused_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    (void)state;
    return mlb_fused_cuda_check(NULL, ctx, err);
}

/* What cudaErrorNoDevice is. */
#define NO_DEVICE 100

int mlb_norm_cuda(const struct mlb_norm *norm, void *stream)
{
    (void)norm, (void)stream;
    return NO_DEVICE;
}

int mlb_rope_cuda(const struct mlb_rope *rope, void *stream)
{
    (void)rope, (void)stream;
    return NO_DEVICE;
}

int mlb_swiglu_cuda(const struct mlb_swiglu *swiglu, void *stream)
{
    (void)swiglu, (void)stream;
    return NO_DEVICE;
}

int mlb_cross_entropy_cuda(const struct mlb_cross_entropy *entropy, void *stream)
{
    (void)entropy, (void)stream;
    return NO_DEVICE;
}

int mlb_embedding_cuda(const struct mlb_embedding *embedding, void *stream)
{
    (void)embedding, (void)stream;
    return NO_DEVICE;
}

int mlb_adamw_cuda(const struct mlb_adamw *adamw, void *stream)
{
    (void)adamw, (void)stream;
    return NO_DEVICE;
}
