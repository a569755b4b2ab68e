/* SPDX-License-Identifier: Apache-2.0 */
/* The mma.sync attention kernels, run on the CPU, as a family of attention_own.h. */
extern "C" {
#include "tests/kernels/emulated_attention.h"
}

#include "kernels/attention/attention_mma_backward.cuh"
#include "kernels/attention/attention_mma_forward.cuh"
#include "tests/kernels/emulated_attention.hpp"

static size_t workspace_bytes(const struct mlb_attention_call *call)
{
    return attention::with_backward_shape(call->dim, call->dim_v,
                                          attention::backward_workspace_bytes{*call});
}

static enum mlb_status forward(const struct mlb_attention_call *call, const void *prepared,
                               const struct mlb_ctx *ctx, struct mlb_error *err)
{
    (void)prepared;
    return emulated_status(ctx, err, [&](const emulated_start &start) {
        return attention::start_forward(*call, start);
    });
}

static enum mlb_status backward(const struct mlb_attention_call *call, const void *prepared,
                                const struct mlb_ctx *ctx, struct mlb_error *err)
{
    (void)prepared;
    return emulated_status(ctx, err, [&](const emulated_start &start) {
        return attention::start_backward(*call, start);
    });
}

const struct mlb_attention_family emulated_attention = {"mma",   emulated_check, workspace_bytes, 0,
                                                        nullptr, forward,        backward};
