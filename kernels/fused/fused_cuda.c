/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fused/fused.h"

#include "harness/device/cuda_status.h"

enum mlb_status mlb_fused_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    const struct mlb_fused_op *op = mlb_fused_op_of(params);
    enum mlb_status status = op->cuda_check(params, err);
    return status == MLB_OK ? mlb_fused_check(params, ctx, err) : status;
}

enum mlb_status mlb_fused_cuda_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_fused_state *state = memory;
    void *stream = ctx->device->backend->stream(ctx->device);
    return mlb_cuda_check(state->op->cuda(mlb_fused_turn(state), stream), err, "launch of %s",
                          state->op->name);
}
