/* SPDX-License-Identifier: Apache-2.0 */
/* Variant `fused` of the CPU: the workload's tensors given to attention_fused.c. */
#include <stdlib.h>

#include "kernels/attention/attention.h"
#include "kernels/attention/attention_fused.h"

struct fused {
    const struct mlb_attention_way *way;
    void *workspace; /* on the device */
    size_t workspace_bytes;
};

static struct mlb_attention_view view_of(const struct mlb_attention_params *params,
                                         enum mlb_attention_tensor tensor, void *at)
{
    struct mlb_attention_shape shape = mlb_attention_shape(params, tensor);
    size_t bytes = mlb_dtype_bytes(shape.dtype);
    return (struct mlb_attention_view){.at = at,
                                       .batch = shape.batch_stride * bytes,
                                       .row = shape.row_stride * bytes,
                                       .head = shape.head_stride * bytes};
}

/* Without pointers. */
static struct mlb_attention_problem sizes_of(const struct mlb_attention_params *params)
{
    return (struct mlb_attention_problem){
        .dtype = (enum mlb_dtype)params->dtype,
        .causal = params->causal,
        .batch = params->batch,
        .heads = params->heads,
        .kv_heads = params->kv_heads,
        .seq = params->seq,
        .seq_kv = params->seq_kv,
        .head_dim = params->head_dim,
        .head_dim_v = params->head_dim_v,
        .scale = (float)mlb_attention_scale(params),
    };
}

static struct mlb_attention_problem problem_of(const struct mlb_attention_state *state, size_t set)
{
    struct mlb_attention_problem problem = sizes_of(&state->params);
    struct mlb_attention_view *const views[MLB_ATTENTION_TENSORS] = {
        [MLB_ATTENTION_Q] = &problem.q,       [MLB_ATTENTION_K] = &problem.k,
        [MLB_ATTENTION_V] = &problem.v,       [MLB_ATTENTION_O] = &problem.o,
        [MLB_ATTENTION_DO] = &problem.grad_o, [MLB_ATTENTION_DQ] = &problem.grad_q,
        [MLB_ATTENTION_DK] = &problem.grad_k, [MLB_ATTENTION_DV] = &problem.grad_v,
    };
    for (int t = 0; t < MLB_ATTENTION_TENSORS; t++) {
        enum mlb_attention_tensor tensor = (enum mlb_attention_tensor)t;
        if (views[t])
            *views[t] = view_of(&state->params, tensor, mlb_attention_at(state, set, tensor));
    }
    problem.lse = mlb_attention_at(state, set, MLB_ATTENTION_LSE);
    return problem;
}

/* A backward case runs forward too, for O and LSE. */
static size_t workspace_bytes(const struct mlb_attention_params *params,
                              const struct mlb_attention_way *way, int threads)
{
    struct mlb_attention_problem problem = sizes_of(params);
    size_t forward = mlb_attention_fused_bytes(&problem, way, false, threads);
    size_t backward = params->pass == MLB_ATTENTION_BWD
                          ? mlb_attention_fused_bytes(&problem, way, true, threads)
                          : 0;
    return forward > backward ? forward : backward;
}

enum mlb_status mlb_attention_fused_check(const void *values, const struct mlb_ctx *ctx,
                                          struct mlb_error *err)
{
    const struct mlb_attention_params *params = values;
    struct mlb_attention_problem problem = sizes_of(params);
    if (mlb_attention_problem_check(&problem, err) != MLB_OK)
        return err->status;
    const struct mlb_attention_way *way = mlb_attention_way(problem.dtype, 0);
    return mlb_attention_fits(params, ctx, 1, workspace_bytes(params, way, ctx->threads), err);
}

static enum mlb_status load(struct mlb_attention_state *state, const struct mlb_ctx *ctx,
                            struct mlb_error *err)
{
    const struct fused *fused = state->library;
    (void)err;
    for (size_t set = 0; set < state->sets && state->params.pass == MLB_ATTENTION_BWD; set++) {
        struct mlb_attention_problem problem = problem_of(state, set);
        mlb_attention_fused_forward(&problem, fused->way, fused->workspace, ctx->threads);
    }
    return MLB_OK;
}

/* One set: what is read stays far longer in work than it takes to come from memory. */
enum mlb_status mlb_attention_fused_setup(void *memory, const void *values,
                                          const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_attention_state *state = memory;
    const struct mlb_attention_params *params = values;
    struct fused *fused = calloc(1, sizeof *fused);
    state->library = fused;
    state->loaded = load;
    if (!fused)
        return mlb_fail(err, MLB_E_NOMEM, "attention fused: out of memory");
    fused->way = mlb_attention_way((enum mlb_dtype)params->dtype, 0);
    fused->workspace_bytes = workspace_bytes(params, fused->way, ctx->threads);
    if (mlb_alloc(ctx->device, fused->workspace_bytes, "attention.workspace", &fused->workspace,
                  err) != MLB_OK ||
        mlb_attention_alloc(state, params, ctx, 1, err) != MLB_OK)
        return err->status;
    return mlb_attention_fill(state, ctx, ctx->data, err);
}

enum mlb_status mlb_attention_fused_step(void *memory, const struct mlb_ctx *ctx,
                                         struct mlb_error *err)
{
    struct mlb_attention_state *state = memory;
    const struct fused *fused = state->library;
    struct mlb_attention_problem problem = problem_of(state, mlb_attention_turn(state));
    (void)err;
    if (state->params.pass == MLB_ATTENTION_FWD)
        mlb_attention_fused_forward(&problem, fused->way, fused->workspace, ctx->threads);
    else
        mlb_attention_fused_backward(&problem, fused->way, fused->workspace, ctx->threads);
    return MLB_OK;
}

void mlb_attention_fused_details(const void *memory, const void *params,
                                 struct mlb_details *details)
{
    const struct mlb_attention_state *state = memory;
    const struct fused *fused = state->library;
    (void)params;
    mlb_detail_text(details, "instructions", "%s", mlb_attention_way_name(fused->way));
    mlb_detail_number(details, "workspace_bytes", (double)fused->workspace_bytes);
}

void mlb_attention_fused_teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_attention_state *state = memory;
    struct fused *fused = state->library;
    mlb_attention_free(state, ctx);
    if (fused)
        mlb_free(ctx->device, fused->workspace);
    free(fused);
    state->library = NULL;
}
