/* SPDX-License-Identifier: Apache-2.0 */
/* The wgmma attention kernels, run on the CPU, as a family of attention_own.h. */
extern "C" {
#include "tests/kernels/emulated_attention.h"
}

#include "kernels/attention/attention_wgmma_backward.cuh"
#include "kernels/attention/attention_wgmma_forward.cuh"
#include "tests/kernels/emulated_attention.hpp"

static size_t workspace_bytes(const struct mlb_attention_call *call)
{
    return attention::with_wgmma_backward_shape(call->dim, call->dim_v,
                                                attention::backward_workspace_bytes{*call});
}

static enum mlb_status prepare(const struct mlb_attention_call *call, void *prepared,
                               struct mlb_error *err)
{
    struct mlb_tensor tensors[MLB_ATTENTION_MAPS] = {};
    auto *maps = static_cast<CUtensorMap *>(prepared);
    attention::with_wgmma_forward_shape(call->dim, call->dim_v,
                                        attention::wgmma_forward_tensors{*call, tensors});
    if (call->d_o.data)
        attention::with_wgmma_backward_shape(call->dim, call->dim_v,
                                             attention::wgmma_backward_tensors{*call, tensors});
    try {
        for (int i = 0; i < MLB_ATTENTION_MAPS; i++)
            if (tensors[i].base)
                maps[i] = emulate::tensor_map(tensors[i]);
    } catch (const emulate::Failure &failure) {
        return mlb_fail(err, MLB_E_INTERNAL, "%s", failure.what());
    }
    return MLB_OK;
}

static enum mlb_status forward(const struct mlb_attention_call *call, const void *prepared,
                               const struct mlb_ctx *ctx, struct mlb_error *err)
{
    return emulated_status(ctx, err, [&](const emulated_start &start) {
        return attention::start_wgmma_forward(*call, static_cast<const CUtensorMap *>(prepared),
                                              start);
    });
}

static enum mlb_status backward(const struct mlb_attention_call *call, const void *prepared,
                                const struct mlb_ctx *ctx, struct mlb_error *err)
{
    return emulated_status(ctx, err, [&](const emulated_start &start) {
        return attention::start_wgmma_backward(*call, static_cast<const CUtensorMap *>(prepared),
                                               start);
    });
}

const struct mlb_attention_family emulated_attention = {
    "wgmma", emulated_check, workspace_bytes, MLB_ATTENTION_MAPS * sizeof(CUtensorMap),
    prepare, forward,        backward};
