/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention_mma.h"

#include <cuda_runtime_api.h>

#include "harness/base/units.h"
#include "harness/device/cuda_status.h"

static enum mlb_status check_shared(size_t need, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    char wanted[MLB_UNIT_TEXT], there[MLB_UNIT_TEXT];
    int most = 0;
    int code = (int)cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin,
                                           ctx->device->info.index);
    if (mlb_cuda_check(code, err, "shared memory of device %d", ctx->device->info.index) != MLB_OK)
        return err->status;
    if (need <= (size_t)most)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED,
                    "mma needs %s of shared memory a block for these head dims, this GPU has %s",
                    mlb_print_bytes(wanted, need), mlb_print_bytes(there, (uint64_t)most));
}

static enum mlb_status check(const struct mlb_attention_params *params, const struct mlb_ctx *ctx,
                             struct mlb_error *err)
{
    int dim = (int)params->head_dim, dim_v = (int)params->head_dim_v;
    bool backward = params->pass == MLB_ATTENTION_BWD;
    size_t forward_bytes = mlb_attention_mma_forward_shared_bytes(dim, dim_v);
    size_t bytes = backward ? mlb_attention_mma_backward_shared_bytes(dim, dim_v) : forward_bytes;
    if (ctx->device->info.capability < 80)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "mma needs compute capability 8.0 or newer, this GPU has %u.%u",
                        (unsigned)ctx->device->info.capability / 10,
                        (unsigned)ctx->device->info.capability % 10);
    if (!bytes)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "mma %s has head dims %s, not %d/%d",
                        backward ? "backward" : "forward",
                        backward ? "64 and 128" : "64, 128, 256 and 192/128", dim, dim_v);
    return check_shared(bytes > forward_bytes ? bytes : forward_bytes, ctx, err);
}

static enum mlb_status status_of(int code, const char *pass, const struct mlb_attention_call *call,
                                 struct mlb_error *err)
{
    return mlb_cuda_check(code, err, "launch of attention mma %s, batch %d, %d x %d rows, %d heads",
                          pass, call->batch, call->rows_q, call->rows_kv, call->heads);
}

static enum mlb_status forward(const struct mlb_attention_call *call, const void *prepared,
                               const struct mlb_ctx *ctx, struct mlb_error *err)
{
    void *stream = ctx->device->backend->stream(ctx->device);
    (void)prepared;
    return status_of(mlb_attention_mma_forward(call, stream), "forward", call, err);
}

static enum mlb_status backward(const struct mlb_attention_call *call, const void *prepared,
                                const struct mlb_ctx *ctx, struct mlb_error *err)
{
    void *stream = ctx->device->backend->stream(ctx->device);
    (void)prepared;
    return status_of(mlb_attention_mma_backward(call, stream), "backward", call, err);
}

static const struct mlb_attention_family family = {.name = "mma",
                                                   .check = check,
                                                   .workspace_bytes =
                                                       mlb_attention_mma_workspace_bytes,
                                                   .forward = forward,
                                                   .backward = backward};

enum mlb_status mlb_attention_mma_check(const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    return mlb_attention_own_check(&family, params, ctx, err);
}

enum mlb_status mlb_attention_mma_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    return mlb_attention_own_setup(&family, state, params, ctx, err);
}
