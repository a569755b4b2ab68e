/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention.h"

#include <math.h>

#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#define ALIGN    256u /* of every tensor of a set */
#define CACHES   3u   /* all sets together are at least so many times the last cache */
#define SETS_MAX 64u

static const char *const tensor_names[MLB_ATTENTION_TENSORS] = {"Q",  "K",  "V",  "O", "LSE",
                                                                "dO", "dQ", "dK", "dV"};

double mlb_attention_scale(const struct mlb_attention_params *params)
{
    return 1.0 / sqrt((double)params->head_dim);
}

uint64_t mlb_attention_visible(const struct mlb_attention_params *params, uint64_t row)
{
    return params->causal ? row + 1 : params->seq_kv;
}

const char *mlb_attention_tensor_name(enum mlb_attention_tensor tensor)
{
    return tensor_names[tensor];
}

bool mlb_attention_has(const struct mlb_attention_params *params, enum mlb_attention_tensor tensor)
{
    return params->pass == MLB_ATTENTION_BWD || tensor < MLB_ATTENTION_DO;
}

double mlb_attention_stored_scale(const struct mlb_attention_params *params,
                                  enum mlb_attention_tensor tensor)
{
    if (params->dtype != MLB_E4M3)
        return 1.0;
    return tensor == MLB_ATTENTION_O    ? MLB_ATTENTION_E4M3_O
           : tensor >= MLB_ATTENTION_DQ ? MLB_ATTENTION_E4M3_GRADIENTS
                                        : 1.0;
}

static struct mlb_attention_shape dense(const struct mlb_attention_params *params,
                                        enum mlb_dtype dtype, uint64_t rows, uint64_t heads,
                                        uint64_t width)
{
    bool heads_first = params->layout == MLB_ATTENTION_BHSD || width == 1;
    return (struct mlb_attention_shape){.dtype = dtype,
                                        .rows = rows,
                                        .heads = heads,
                                        .width = width,
                                        .batch_stride = rows * heads * width,
                                        .row_stride = heads_first ? width : heads * width,
                                        .head_stride = heads_first ? rows * width : width,
                                        .count = params->batch * rows * heads * width};
}

struct mlb_attention_shape mlb_attention_shape(const struct mlb_attention_params *params,
                                               enum mlb_attention_tensor tensor)
{
    enum mlb_dtype dtype = (enum mlb_dtype)params->dtype;
    switch (tensor) {
    case MLB_ATTENTION_K:
    case MLB_ATTENTION_DK:
        return dense(params, dtype, params->seq_kv, params->kv_heads, params->head_dim);
    case MLB_ATTENTION_V:
    case MLB_ATTENTION_DV:
        return dense(params, dtype, params->seq_kv, params->kv_heads, params->head_dim_v);
    case MLB_ATTENTION_O:
    case MLB_ATTENTION_DO:
        return dense(params, dtype, params->seq, params->heads, params->head_dim_v);
    case MLB_ATTENTION_LSE:
        return dense(params, MLB_F32, params->seq, params->heads, 1);
    case MLB_ATTENTION_Q:
    case MLB_ATTENTION_DQ:
    case MLB_ATTENTION_TENSORS:
        break;
    }
    return dense(params, dtype, params->seq, params->heads, params->head_dim);
}

static uint64_t tensor_bytes(const struct mlb_attention_params *params,
                             enum mlb_attention_tensor tensor)
{
    struct mlb_attention_shape shape = mlb_attention_shape(params, tensor);
    return mlb_attention_has(params, tensor) ? shape.count * mlb_dtype_bytes(shape.dtype) : 0;
}

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

uint64_t mlb_attention_bytes(const struct mlb_attention_params *params)
{
    uint64_t bytes = 0;
    for (int t = 0; t < MLB_ATTENTION_TENSORS; t++)
        bytes += tensor_bytes(params, (enum mlb_attention_tensor)t);
    return bytes;
}

uint64_t mlb_attention_seed(uint64_t seed, enum mlb_attention_tensor tensor)
{
    return mlb_rng_bits(seed, 'Q' + (uint64_t)tensor);
}

static uint64_t set_bytes(const struct mlb_attention_params *params)
{
    uint64_t bytes = 0;
    for (int t = 0; t < MLB_ATTENTION_TENSORS; t++)
        bytes += aligned(tensor_bytes(params, (enum mlb_attention_tensor)t));
    return bytes;
}

size_t mlb_attention_wanted_sets(const struct mlb_attention_params *params,
                                 const struct mlb_ctx *ctx)
{
    uint64_t one = set_bytes(params);
    uint64_t wanted = CACHES * ctx->device->info.last_cache_bytes / one + 1;
    uint64_t fit = ctx->memory_bytes / 2 / one;
    wanted = wanted < fit ? wanted : fit;
    wanted = wanted < SETS_MAX ? wanted : SETS_MAX;
    return wanted ? (size_t)wanted : 1;
}

enum mlb_status mlb_attention_fits(const struct mlb_attention_params *params,
                                   const struct mlb_ctx *ctx, size_t sets, uint64_t extra,
                                   struct mlb_error *err)
{
    char need[MLB_UNIT_TEXT], have[MLB_UNIT_TEXT];
    uint64_t bytes = sets * set_bytes(params) + extra;
    if (bytes <= ctx->memory_bytes)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "attention needs %s, %s are free for this rank",
                    mlb_print_bytes(need, bytes), mlb_print_bytes(have, ctx->memory_bytes));
}

static enum mlb_status alloc_tensor(struct mlb_attention_state *state, const struct mlb_ctx *ctx,
                                    enum mlb_attention_tensor tensor, struct mlb_error *err)
{
    char what[32];
    void *memory = NULL;
    mlb_format(what, sizeof what, "attention.%s", tensor_names[tensor]);
    state->stride[tensor] = (size_t)aligned(tensor_bytes(&state->params, tensor));
    enum mlb_status status =
        mlb_alloc(ctx->device, state->sets * state->stride[tensor], what, &memory, err);
    state->tensor[tensor] = memory;
    return status;
}

enum mlb_status mlb_attention_alloc(struct mlb_attention_state *state,
                                    const struct mlb_attention_params *params,
                                    const struct mlb_ctx *ctx, size_t sets, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    state->params = *params;
    state->sets = sets;
    for (int t = 0; t < MLB_ATTENTION_TENSORS && status == MLB_OK; t++)
        status = alloc_tensor(state, ctx, (enum mlb_attention_tensor)t, err);
    return status;
}

enum mlb_status mlb_attention_fill(struct mlb_attention_state *state, const struct mlb_ctx *ctx,
                                   enum mlb_data data, struct mlb_error *err)
{
    static const enum mlb_attention_tensor inputs[] = {MLB_ATTENTION_Q, MLB_ATTENTION_K,
                                                       MLB_ATTENTION_V, MLB_ATTENTION_DO};
    for (size_t set = 0; set < state->sets; set++)
        for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
            struct mlb_attention_shape shape = mlb_attention_shape(&state->params, inputs[i]);
            if (mlb_attention_has(&state->params, inputs[i]) &&
                mlb_fill(ctx->device, mlb_attention_at(state, set, inputs[i]), shape.count,
                         shape.dtype, data, mlb_attention_seed(ctx->seed, inputs[i]),
                         err) != MLB_OK)
                return err->status;
        }
    return state->loaded ? state->loaded(state, ctx, err) : MLB_OK;
}

void mlb_attention_free(struct mlb_attention_state *state, const struct mlb_ctx *ctx)
{
    for (int t = 0; t < MLB_ATTENTION_TENSORS; t++) {
        mlb_free(ctx->device, state->tensor[t]);
        state->tensor[t] = NULL;
    }
}

size_t mlb_attention_turn(struct mlb_attention_state *state)
{
    size_t set = state->next;
    state->next = set + 1 < state->sets ? set + 1 : 0;
    return set;
}
