/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention_wgmma.h"

#include <cuda.h>

#include "harness/base/text.h"
#include "harness/device/cuda_status.h"

static const char *const map_names[MLB_ATTENTION_MAPS] = {"Q", "K", "V",  "Q",
                                                          "K", "V", "dO", "stats"};

static enum mlb_status check(const struct mlb_attention_params *params, const struct mlb_ctx *ctx,
                             struct mlb_error *err)
{
    int dim = (int)params->head_dim, dim_v = (int)params->head_dim_v;
    bool backward = params->pass == MLB_ATTENTION_BWD;
    if (ctx->device->info.capability != 90)
        return mlb_fail(
            err, MLB_E_UNSUPPORTED,
            "wgmma needs compute capability 9.0 exactly (H100, H200), this GPU has %u.%u",
            (unsigned)ctx->device->info.capability / 10,
            (unsigned)ctx->device->info.capability % 10);
    if (!(backward ? mlb_attention_wgmma_has_backward(dim, dim_v)
                   : mlb_attention_wgmma_has_forward(dim, dim_v)))
        return mlb_fail(err, MLB_E_UNSUPPORTED, "wgmma %s has head dims %s, not %d/%d",
                        backward ? "backward" : "forward",
                        backward ? "64 and 128" : "64, 128, 256 and 192/128", dim, dim_v);
    if (!mlb_attention_wgmma_built())
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "wgmma: this build has no code for sm_90a: add 90a-real to "
                        "CMAKE_CUDA_ARCHITECTURES");
    return MLB_OK;
}

static enum mlb_status make_maps(CUtensorMap *maps, const struct mlb_tensor *tensors, int first,
                                 int end, struct mlb_error *err)
{
    char name[32];
    for (int i = first; i < end; i++) {
        mlb_format(name, sizeof name, "attention.%s", map_names[i]);
        if (mlb_tensor_map(&maps[i], &tensors[i], name, err) != MLB_OK)
            return err->status;
    }
    return MLB_OK;
}

/* prepared: CUtensorMap [MLB_ATTENTION_MAPS] */
static enum mlb_status prepare(const struct mlb_attention_call *call, void *prepared,
                               struct mlb_error *err)
{
    struct mlb_tensor tensors[MLB_ATTENTION_MAPS] = {0};
    CUtensorMap *maps = prepared;
    mlb_attention_wgmma_forward_tensors(call, tensors);
    if (make_maps(maps, tensors, 0, MLB_ATTENTION_FORWARD_MAPS, err) != MLB_OK)
        return err->status;
    if (!call->d_o.data)
        return MLB_OK;
    mlb_attention_wgmma_backward_tensors(call, tensors);
    return make_maps(maps, tensors, MLB_ATTENTION_FORWARD_MAPS, MLB_ATTENTION_MAPS, err);
}

static enum mlb_status status_of(int code, const char *pass, const struct mlb_attention_call *call,
                                 struct mlb_error *err)
{
    return mlb_cuda_check(code, err,
                          "launch of attention wgmma %s, batch %d, %d x %d rows, %d heads", pass,
                          call->batch, call->rows_q, call->rows_kv, call->heads);
}

static enum mlb_status forward(const struct mlb_attention_call *call, const void *prepared,
                               const struct mlb_ctx *ctx, struct mlb_error *err)
{
    void *stream = ctx->device->backend->stream(ctx->device);
    return status_of(mlb_attention_wgmma_forward(call, prepared, stream), "forward", call, err);
}

static enum mlb_status backward(const struct mlb_attention_call *call, const void *prepared,
                                const struct mlb_ctx *ctx, struct mlb_error *err)
{
    void *stream = ctx->device->backend->stream(ctx->device);
    return status_of(mlb_attention_wgmma_backward(call, prepared, stream), "backward", call, err);
}

static const struct mlb_attention_family family = {
    .name = "wgmma",
    .check = check,
    .workspace_bytes = mlb_attention_wgmma_workspace_bytes,
    .prepared_bytes = MLB_ATTENTION_MAPS * sizeof(CUtensorMap),
    .prepare = prepare,
    .forward = forward,
    .backward = backward};

enum mlb_status mlb_attention_wgmma_check(const void *params, const struct mlb_ctx *ctx,
                                          struct mlb_error *err)
{
    return mlb_attention_own_check(&family, params, ctx, err);
}

enum mlb_status mlb_attention_wgmma_setup(void *state, const void *params,
                                          const struct mlb_ctx *ctx, struct mlb_error *err)
{
    return mlb_attention_own_setup(&family, state, params, ctx, err);
}
