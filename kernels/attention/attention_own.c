/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention_own.h"

#include <stdlib.h>

/* Dimensions y and z of a grid, which count heads and batches. */
#define GRID_MAX 65535u

struct own {
    const struct mlb_attention_family *family;
    void *workspace;
    unsigned char *prepared;           /* [sets][prepared_bytes] */
    struct mlb_attention_call calls[]; /* of each set */
};

static struct mlb_attention_view view_of(const struct mlb_attention_state *state, size_t set,
                                         enum mlb_attention_tensor tensor)
{
    struct mlb_attention_shape shape = mlb_attention_shape(&state->params, tensor);
    return (struct mlb_attention_view){.data = mlb_attention_at(state, set, tensor),
                                       .batch = (int64_t)shape.batch_stride,
                                       .row = (int64_t)shape.row_stride,
                                       .head = (int64_t)shape.head_stride};
}

static struct mlb_attention_call shape_call(const struct mlb_attention_params *params)
{
    return (struct mlb_attention_call){.dtype = (enum mlb_dtype)params->dtype,
                                       .batch = (int)params->batch,
                                       .heads = (int)params->heads,
                                       .kv_heads = (int)params->kv_heads,
                                       .rows_q = (int)params->seq,
                                       .rows_kv = (int)params->seq_kv,
                                       .dim = (int)params->head_dim,
                                       .dim_v = (int)params->head_dim_v,
                                       .causal = params->causal,
                                       .scale = (float)mlb_attention_scale(params)};
}

static struct mlb_attention_call call_of(const struct mlb_attention_state *state, size_t set,
                                         void *workspace)
{
    struct mlb_attention_call call = shape_call(&state->params);
    call.q = view_of(state, set, MLB_ATTENTION_Q);
    call.k = view_of(state, set, MLB_ATTENTION_K);
    call.v = view_of(state, set, MLB_ATTENTION_V);
    call.o = view_of(state, set, MLB_ATTENTION_O);
    call.lse = mlb_attention_at(state, set, MLB_ATTENTION_LSE);
    call.d_o = view_of(state, set, MLB_ATTENTION_DO);
    call.d_q = view_of(state, set, MLB_ATTENTION_DQ);
    call.d_k = view_of(state, set, MLB_ATTENTION_DK);
    call.d_v = view_of(state, set, MLB_ATTENTION_DV);
    call.workspace = workspace;
    return call;
}

static size_t workspace_bytes(const struct mlb_attention_family *family,
                              const struct mlb_attention_params *params)
{
    struct mlb_attention_call call = shape_call(params);
    return params->pass == MLB_ATTENTION_BWD ? family->workspace_bytes(&call) : 0;
}

enum mlb_status mlb_attention_own_check(const struct mlb_attention_family *family,
                                        const struct mlb_attention_params *params,
                                        const struct mlb_ctx *ctx, struct mlb_error *err)
{
    if (params->dtype != MLB_BF16 && params->dtype != MLB_F16)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "%s does bf16 and f16, not %s", family->name,
                        mlb_dtype_name((enum mlb_dtype)params->dtype));
    if (params->batch > GRID_MAX)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "%s takes a batch up to %u", family->name,
                        GRID_MAX);
    if (family->check(params, ctx, err) != MLB_OK)
        return err->status;
    return mlb_attention_fits(params, ctx, 1, workspace_bytes(family, params), err);
}

/* O and LSE of every set, which backward reads. */
static enum mlb_status forward_all(struct mlb_attention_state *state, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    const struct own *own = state->library;
    const struct mlb_attention_family *family = own->family;
    for (size_t set = 0; set < state->sets; set++)
        if (family->forward(&own->calls[set], own->prepared + set * family->prepared_bytes, ctx,
                            err) != MLB_OK)
            return err->status;
    return MLB_OK;
}

static enum mlb_status prepare_all(struct mlb_attention_state *state, struct mlb_error *err)
{
    struct own *own = state->library;
    const struct mlb_attention_family *family = own->family;
    for (size_t set = 0; set < state->sets; set++) {
        own->calls[set] = call_of(state, set, own->workspace);
        if (family->prepare &&
            family->prepare(&own->calls[set], own->prepared + set * family->prepared_bytes, err) !=
                MLB_OK)
            return err->status;
    }
    return MLB_OK;
}

static enum mlb_status make_own(const struct mlb_attention_family *family,
                                struct mlb_attention_state *state, size_t sets,
                                struct mlb_error *err)
{
    struct own *own = calloc(1, sizeof *own + sets * sizeof own->calls[0]);
    state->library = own;
    if (!own)
        return mlb_fail(err, MLB_E_NOMEM, "attention %s: calls: out of memory", family->name);
    own->family = family;
    /* CUtensorMaps among it are aligned to 64 bytes. */
    size_t bytes = (sets * family->prepared_bytes + 63) / 64 * 64;
    own->prepared = aligned_alloc(64, bytes + 64);
    if (!own->prepared)
        return mlb_fail(err, MLB_E_NOMEM, "attention %s: tensor maps: out of memory", family->name);
    return MLB_OK;
}

enum mlb_status mlb_attention_own_setup(const struct mlb_attention_family *family,
                                        struct mlb_attention_state *state,
                                        const struct mlb_attention_params *params,
                                        const struct mlb_ctx *ctx, struct mlb_error *err)
{
    size_t sets = mlb_attention_wanted_sets(params, ctx);
    if (make_own(family, state, sets, err) != MLB_OK)
        return err->status;
    struct own *own = state->library;
    if (mlb_alloc(ctx->device, workspace_bytes(family, params), "attention.workspace",
                  &own->workspace, err) != MLB_OK ||
        mlb_attention_alloc(state, params, ctx, sets, err) != MLB_OK ||
        prepare_all(state, err) != MLB_OK)
        return err->status;
    state->loaded = params->pass == MLB_ATTENTION_BWD ? forward_all : NULL;
    return mlb_attention_fill(state, ctx, ctx->data, err);
}

enum mlb_status mlb_attention_own_step(void *memory, const struct mlb_ctx *ctx,
                                       struct mlb_error *err)
{
    struct mlb_attention_state *state = memory;
    const struct own *own = state->library;
    const struct mlb_attention_family *family = own->family;
    size_t set = mlb_attention_turn(state);
    const void *prepared = own->prepared + set * family->prepared_bytes;
    return state->params.pass == MLB_ATTENTION_FWD
               ? family->forward(&own->calls[set], prepared, ctx, err)
               : family->backward(&own->calls[set], prepared, ctx, err);
}

void mlb_attention_own_teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_attention_state *state = memory;
    struct own *own = state->library;
    mlb_attention_free(state, ctx);
    if (!own)
        return;
    mlb_free(ctx->device, own->workspace);
    free(own->prepared);
    free(own);
    state->library = NULL;
}
