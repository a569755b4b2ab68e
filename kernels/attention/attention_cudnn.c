/* SPDX-License-Identifier: Apache-2.0 */
/* Attention by cuDNN: the composed graph of attention_graph.c, with the fastest of the plans that
 * cuDNN proposes for it, found by timing them. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "kernels/attention/attention_graph.h"
#include "kernels/attention/cudnn_plan.h"
#include "kernels/tune.h"

#define TUNE_S 0.6 /* a handful of plans, far apart */

/* cuDNN releases that are known to compute wrongly, by NVIDIA's release notes. */
static const struct {
    uint32_t first, last;
    enum mlb_dtype dtype;
} refused[] = {
    {91000, 91001, MLB_F16},
    {91000, 91000, MLB_E4M3},
};

#define SCALAR_BYTES 16u /* the alignment that tensors have */

#define INFINITE_MASK 91000u /* since 9.10 a masked score may be -inf */
#define CLEARED_SUM   90600u /* since 9.6 cuDNN clears the sum of dQ itself */

/* One direction: a graph, its plans, and for each set of tensors where they are. */
struct direction {
    struct mlb_cudnn_graph graph;
    struct mlb_cudnn_plans plans;
    void **packs; /* one a set */
};

struct cudnn {
    struct mlb_cudnn api;
    void *handle;
    struct direction forward, backward; /* backward: of a backward case only */
    size_t sets;                        /* that packs are made for */
    void *workspace;                    /* as large as the plan that needs most */
    void *dq_sum, *delta;               /* backward's helpers, shared by all sets */
    uint64_t dq_sum_count;
    float scale, masked, one; /* read by cuDNN at each step */
    char *scalars;            /* e4m3: on the device, one f32 a role, SCALAR_BYTES apart */
    struct mlb_tune_result tuned;
};

/* ------------------------------------------------------------------------------------- checking */

/* Backward's helpers in bf16 and f16: dQ in f32 and delta. */
static uint64_t helper_bytes(const struct mlb_attention_params *p)
{
    if (p->pass == MLB_ATTENTION_FWD || p->dtype == MLB_E4M3)
        return 0;
    return sizeof(float) * p->batch * p->heads * p->seq * (p->head_dim + 1);
}

static size_t choose_sets(const struct mlb_attention_params *params, const struct mlb_ctx *ctx)
{
    size_t wanted = mlb_attention_wanted_sets(params, ctx);
    bool fits = mlb_attention_fits(params, ctx, wanted, helper_bytes(params), NULL) == MLB_OK;
    return fits ? wanted : 1;
}

static enum mlb_status check_release(const struct mlb_cudnn *api, int dtype, struct mlb_error *err)
{
    char version[32];
    mlb_cudnn_version(api, version, sizeof version);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (api->version >= refused[i].first && api->version <= refused[i].last &&
            (int)refused[i].dtype == dtype)
            return mlb_fail(err, MLB_E_UNSUPPORTED,
                            "%s is known for wrong results of attention in %s: take another "
                            "release",
                            version, mlb_dtype_names[dtype]);
    return MLB_OK;
}

enum mlb_status mlb_attention_cudnn_check(const void *values, const struct mlb_ctx *ctx,
                                          struct mlb_error *err)
{
    const struct mlb_attention_params *params = values;
    struct mlb_cudnn api = {0};
    if (params->dtype == MLB_F32)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "cuDNN has fused attention for bf16, f16 and e4m3");
    if (mlb_cudnn_open(&api, err) != MLB_OK)
        return MLB_E_UNSUPPORTED;
    enum mlb_status status = check_release(&api, params->dtype, err);
    mlb_cudnn_close(&api);
    if (status != MLB_OK)
        return status;
    return mlb_attention_fits(params, ctx, 1, helper_bytes(params), err);
}

void mlb_attention_cudnn_library(char *to, size_t size)
{
    struct mlb_cudnn api = {0};
    if (size)
        to[0] = 0;
    if (mlb_cudnn_open(&api, NULL) == MLB_OK)
        mlb_cudnn_version(&api, to, size);
    mlb_cudnn_close(&api);
}

/* ------------------------------------------------------------------------------------- planning */

static enum mlb_status start(struct cudnn *cudnn, const struct mlb_attention_params *params,
                             const struct mlb_ctx *ctx, struct mlb_error *err)
{
    if (mlb_cudnn_open(&cudnn->api, err) != MLB_OK)
        return MLB_E_UNSUPPORTED;
    cudnn->scale = (float)mlb_attention_scale(params);
    cudnn->masked = cudnn->api.version >= INFINITE_MASK ? -INFINITY : -FLT_MAX;
    cudnn->one = 1.0f;
    enum mlb_status status =
        mlb_cudnn_check(&cudnn->api, cudnn->api.call.create(&cudnn->handle), "start", err);
    if (status != MLB_OK)
        return status;
    void *stream = ctx->device->backend->stream(ctx->device);
    return mlb_cudnn_check(&cudnn->api, cudnn->api.call.set_stream(cudnn->handle, stream), "stream",
                           err);
}

static enum mlb_status plan(struct cudnn *cudnn, struct direction *direction,
                            const struct mlb_attention_params *params, size_t most, uint64_t room,
                            struct mlb_error *err)
{
    struct mlb_cudnn_target target = {.handle = cudnn->handle};
    direction->graph.api = &cudnn->api;
    if (direction == &cudnn->forward)
        mlb_attention_graph_forward(&direction->graph, params);
    else
        mlb_attention_graph_backward(&direction->graph, params);
    if (mlb_cudnn_close_graph(&direction->graph, cudnn->handle, err) != MLB_OK)
        return err->status;
    return mlb_cudnn_find_plans(&direction->plans, &direction->graph, &target, most, room, err);
}

/* All plans of what is measured; of the forward pass that a backward case begins with, one. */
static enum mlb_status plan_all(struct cudnn *cudnn, const struct mlb_attention_params *params,
                                const struct mlb_ctx *ctx, struct mlb_error *err)
{
    bool backward = params->pass == MLB_ATTENTION_BWD;
    uint64_t taken = cudnn->sets * mlb_attention_bytes(params) + helper_bytes(params);
    uint64_t room = ctx->memory_bytes > taken ? ctx->memory_bytes - taken : 0;
    enum mlb_status status =
        plan(cudnn, &cudnn->forward, params, backward ? 1 : MLB_CUDNN_PLANS, room, err);
    if (status == MLB_OK && backward)
        status = plan(cudnn, &cudnn->backward, params, MLB_CUDNN_PLANS, room, err);
    return status;
}

/* ----------------------------------------------------------------------------------- allocating */

static uint64_t most_workspace(const struct mlb_cudnn_plans *plans)
{
    uint64_t most = 0;
    for (size_t i = 0; i < plans->count; i++)
        if (plans->list[i].workspace_bytes > most)
            most = plans->list[i].workspace_bytes;
    return most;
}

static enum mlb_status alloc_helpers(struct cudnn *cudnn, const struct mlb_attention_params *p,
                                     const struct mlb_ctx *ctx, struct mlb_error *err)
{
    uint64_t forward = most_workspace(&cudnn->forward.plans);
    uint64_t backward = most_workspace(&cudnn->backward.plans);
    uint64_t rows = p->batch * p->heads * p->seq;
    enum mlb_status status = mlb_alloc(ctx->device, forward > backward ? forward : backward,
                                       "attention.workspace", &cudnn->workspace, err);
    if (helper_bytes(p) == 0)
        return status;
    cudnn->dq_sum_count = rows * p->head_dim;
    if (status == MLB_OK)
        status = mlb_alloc(ctx->device, cudnn->dq_sum_count * sizeof(float), "attention.dQ in f32",
                           &cudnn->dq_sum, err);
    if (status == MLB_OK)
        status =
            mlb_alloc(ctx->device, rows * sizeof(float), "attention.delta", &cudnn->delta, err);
    return status;
}

static float scalar_of(const struct mlb_attention_params *params, int role)
{
    switch (role) {
    case MLB_ATTENTION_SCALE_P:
        return MLB_ATTENTION_E4M3_P;
    case MLB_ATTENTION_SCALE_DS:
        return MLB_ATTENTION_E4M3_DS;
    case MLB_ATTENTION_SCALE_O:
        return (float)mlb_attention_stored_scale(params, MLB_ATTENTION_O);
    case MLB_ATTENTION_SCALE_DQ:
    case MLB_ATTENTION_SCALE_DK:
    case MLB_ATTENTION_SCALE_DV:
        return (float)mlb_attention_stored_scale(params, MLB_ATTENTION_DQ);
    case MLB_ATTENTION_DESCALE_P:
        return (float)(1.0 / MLB_ATTENTION_E4M3_P);
    case MLB_ATTENTION_DESCALE_DS:
        return (float)(1.0 / MLB_ATTENTION_E4M3_DS);
    case MLB_ATTENTION_DESCALE_O:
        return (float)(1.0 / mlb_attention_stored_scale(params, MLB_ATTENTION_O));
    case MLB_ATTENTION_DESCALE_Q:
    case MLB_ATTENTION_DESCALE_K:
    case MLB_ATTENTION_DESCALE_V:
    case MLB_ATTENTION_DESCALE_DO:
        return 1.0f;
    default: /* largest values, to be written */
        return 0.0f;
    }
}

static enum mlb_status make_scalars(struct cudnn *cudnn, const struct mlb_attention_params *params,
                                    const struct mlb_ctx *ctx, struct mlb_error *err)
{
    char values[MLB_ATTENTION_ROLES * SCALAR_BYTES] = {0};
    void *scalars = NULL;
    if (params->dtype != MLB_E4M3)
        return MLB_OK;
    for (int role = 0; role < MLB_ATTENTION_ROLES; role++) {
        float value = scalar_of(params, role);
        memcpy(values + (size_t)role * SCALAR_BYTES, &value, sizeof value);
    }
    if (mlb_alloc(ctx->device, sizeof values, "attention.scales", &scalars, err) != MLB_OK)
        return err->status;
    cudnn->scalars = scalars;
    return mlb_copy(ctx->device, scalars, values, sizeof values, MLB_TO_DEVICE, err);
}

static void *place_of(struct cudnn *cudnn, const struct mlb_attention_state *state, size_t set,
                      int64_t id)
{
    int role = (int)(id - MLB_ATTENTION_ROLE_ID(0));
    switch (role) {
    case MLB_ATTENTION_SCALE:
        return &cudnn->scale;
    case MLB_ATTENTION_MASKED:
        return &cudnn->masked;
    case MLB_ATTENTION_ONE:
        return &cudnn->one;
    case MLB_ATTENTION_DQ_SUM:
        return cudnn->dq_sum;
    case MLB_ATTENTION_DELTA:
        return cudnn->delta;
    default:
        return role < MLB_ATTENTION_TENSORS
                   ? mlb_attention_at(state, set, (enum mlb_attention_tensor)role)
                   : cudnn->scalars + (size_t)role * SCALAR_BYTES;
    }
}

static enum mlb_status make_packs(struct cudnn *cudnn, struct direction *direction,
                                  const struct mlb_attention_state *state, struct mlb_error *err)
{
    void *pointers[MLB_CUDNN_BOUND];
    enum mlb_status status = MLB_OK;
    direction->packs = calloc(cudnn->sets, sizeof *direction->packs);
    if (!direction->packs)
        return mlb_fail(err, MLB_E_NOMEM, "attention cudnn: out of memory");
    for (size_t set = 0; set < cudnn->sets && status == MLB_OK; set++) {
        for (size_t i = 0; i < direction->graph.bound_count; i++)
            pointers[i] = place_of(cudnn, state, set, direction->graph.bound[i]);
        status = mlb_cudnn_pack(&direction->graph, pointers, cudnn->workspace,
                                &direction->packs[set], err);
    }
    return status;
}

/* -------------------------------------------------------------------------------------- running */

static enum mlb_status execute(const struct cudnn *cudnn, const struct direction *direction,
                               size_t index, size_t set, struct mlb_error *err)
{
    int code = cudnn->api.call.execute(cudnn->handle, direction->plans.list[index].descriptor,
                                       direction->packs[set]);
    return mlb_cudnn_check(&cudnn->api, code, "attention", err);
}

/* One step with plan `index` of what is measured. */
static enum mlb_status launch(struct mlb_attention_state *state, const struct mlb_ctx *ctx,
                              size_t index, struct mlb_error *err)
{
    const struct cudnn *cudnn = state->library;
    size_t set = mlb_attention_turn(state);
    if (state->params.pass == MLB_ATTENTION_FWD)
        return execute(cudnn, &cudnn->forward, index, set, err);
    if (cudnn->dq_sum && cudnn->api.version < CLEARED_SUM &&
        mlb_fill(ctx->device, cudnn->dq_sum, cudnn->dq_sum_count, MLB_F32, MLB_DATA_ZEROS, 0,
                 err) != MLB_OK)
        return err->status;
    return execute(cudnn, &cudnn->backward, index, set, err);
}

static enum mlb_status load(struct mlb_attention_state *state, const struct mlb_ctx *ctx,
                            struct mlb_error *err)
{
    const struct cudnn *cudnn = state->library;
    enum mlb_status status = MLB_OK;
    (void)ctx;
    if (state->params.pass == MLB_ATTENTION_FWD)
        return MLB_OK;
    for (size_t set = 0; set < state->sets && status == MLB_OK; set++)
        status = execute(cudnn, &cudnn->forward, 0, set, err);
    return status;
}

struct trial {
    struct mlb_attention_state *state;
    const struct mlb_ctx *ctx;
    size_t index;
};

static enum mlb_status launch_trial(void *user, struct mlb_error *err)
{
    const struct trial *trial = user;
    return launch(trial->state, trial->ctx, trial->index, err);
}

static enum mlb_status time_plan(void *user, size_t index, unsigned runs, double *ns,
                                 struct mlb_error *err)
{
    struct trial *trial = user;
    trial->index = index;
    return mlb_tune_launches(trial->ctx, runs, launch_trial, trial, ns, err);
}

static const struct direction *measured(const struct cudnn *cudnn,
                                        const struct mlb_attention_params *params)
{
    return params->pass == MLB_ATTENTION_FWD ? &cudnn->forward : &cudnn->backward;
}

static enum mlb_status tune(struct mlb_attention_state *state, const struct mlb_ctx *ctx,
                            struct mlb_error *err)
{
    struct cudnn *cudnn = state->library;
    struct trial trial = {state, ctx, 0};
    struct mlb_tune order = {.count = measured(cudnn, &state->params)->plans.count,
                             .budget_s = mlb_tune_budget(ctx, TUNE_S),
                             .time = time_plan,
                             .user = &trial};
    return mlb_tune(&order, &cudnn->tuned, err);
}

enum mlb_status mlb_attention_cudnn_setup(void *memory, const void *values,
                                          const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_attention_state *state = memory;
    const struct mlb_attention_params *params = values;
    struct cudnn *cudnn = calloc(1, sizeof *cudnn);
    state->library = cudnn;
    state->loaded = load;
    if (!cudnn)
        return mlb_fail(err, MLB_E_NOMEM, "attention cudnn: out of memory");
    cudnn->sets = choose_sets(params, ctx);
    enum mlb_status status = start(cudnn, params, ctx, err);
    if (status == MLB_OK)
        status = plan_all(cudnn, params, ctx, err);
    if (status == MLB_OK)
        status = mlb_attention_alloc(state, params, ctx, cudnn->sets, err);
    if (status == MLB_OK)
        status = alloc_helpers(cudnn, params, ctx, err);
    if (status == MLB_OK)
        status = make_scalars(cudnn, params, ctx, err);
    if (status == MLB_OK)
        status = make_packs(cudnn, &cudnn->forward, state, err);
    if (status == MLB_OK && params->pass == MLB_ATTENTION_BWD)
        status = make_packs(cudnn, &cudnn->backward, state, err);
    if (status == MLB_OK)
        status = mlb_attention_fill(state, ctx, ctx->data, err);
    if (status == MLB_OK)
        status = tune(state, ctx, err);
    return status;
}

enum mlb_status mlb_attention_cudnn_step(void *memory, const struct mlb_ctx *ctx,
                                         struct mlb_error *err)
{
    struct mlb_attention_state *state = memory;
    const struct cudnn *cudnn = state->library;
    return launch(state, ctx, cudnn->tuned.chosen, err);
}

void mlb_attention_cudnn_details(const void *memory, const void *params,
                                 struct mlb_details *details)
{
    const struct mlb_attention_state *state = memory;
    const struct cudnn *cudnn = state->library;
    const struct mlb_cudnn_plans *plans = &measured(cudnn, params)->plans;
    const struct mlb_cudnn_plan *chosen = &plans->list[cudnn->tuned.chosen];
    if (chosen->engine >= 0)
        mlb_detail_number(details, "engine", (double)chosen->engine);
    mlb_detail_number(details, "plans_proposed", (double)plans->proposed);
    mlb_detail_number(details, "plans_built", (double)plans->count);
    mlb_detail_number(details, "plans_tested", (double)cudnn->tuned.tested);
    mlb_detail_number(details, "plan_chosen", (double)cudnn->tuned.chosen);
    mlb_detail_number(details, "workspace_bytes", (double)chosen->workspace_bytes);
    mlb_detail_number(details, "heuristic0_ns", cudnn->tuned.first_ns);
    mlb_detail_number(details, "tuned_ns", cudnn->tuned.chosen_ns);
}

static void free_direction(struct direction *direction, const struct cudnn *cudnn)
{
    for (size_t set = 0; direction->packs && set < cudnn->sets; set++)
        if (direction->packs[set])
            cudnn->api.call.unmake(direction->packs[set]);
    free(direction->packs);
    mlb_cudnn_free_plans(&direction->plans);
    mlb_cudnn_free_graph(&direction->graph);
}

void mlb_attention_cudnn_teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_attention_state *state = memory;
    struct cudnn *cudnn = state->library;
    if (cudnn) {
        free_direction(&cudnn->backward, cudnn);
        free_direction(&cudnn->forward, cudnn);
        mlb_free(ctx->device, cudnn->scalars);
        mlb_free(ctx->device, cudnn->delta);
        mlb_free(ctx->device, cudnn->dq_sum);
        mlb_free(ctx->device, cudnn->workspace);
        if (cudnn->handle)
            cudnn->api.call.destroy(cudnn->handle);
        mlb_cudnn_close(&cudnn->api);
    }
    free(cudnn);
    state->library = NULL;
    mlb_attention_free(state, ctx);
}
