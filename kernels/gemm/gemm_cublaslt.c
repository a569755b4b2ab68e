/* SPDX-License-Identifier: Apache-2.0 */
/* cuBLASLt with its fastest algorithm for the case, found by timing the heuristic's proposals, and
 * with the one that it proposes first, which is what a framework gets. */
#include "kernels/gemm/gemm_cublaslt.h"

#include <stdlib.h>

#define TUNE_S    1.6 /* so that each of four finalists runs for 0.2 s */
#define ONE_BYTES 256u

enum mlb_status mlb_gemm_cublaslt_check(const void *values, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    const struct mlb_gemm_params *params = values;
    if (mlb_lt_can(params, ctx, err) != MLB_OK)
        return err->status;
    return mlb_gemm_fits(params, ctx, mlb_gemm_sets(params, ctx),
                         MLB_LT_WORKSPACE_BYTES + ONE_BYTES, err);
}

void mlb_gemm_cublaslt_library(char *to, size_t size)
{
    struct mlb_cublaslt api = {0};
    if (size)
        to[0] = 0;
    if (mlb_cublaslt_open(&api, NULL) == MLB_OK)
        mlb_cublaslt_version(&api, to, size);
    mlb_cublaslt_close(&api);
}

/* -------------------------------------------------------------------------------------- running */

static enum mlb_status launch(const struct mlb_gemm_state *state, const struct mlb_ctx *ctx,
                              const struct mlb_lt_product *product, size_t algorithm, size_t set,
                              struct mlb_error *err)
{
    const struct mlb_lt *lt = state->library;
    const unsigned char *a = state->a + set * state->a_stride + product->a_bytes;
    const unsigned char *b = state->b + set * state->b_stride + product->b_bytes;
    unsigned char *c = state->c + set * state->c_stride + product->c_bytes;
    bool add = lt->params->out == MLB_GEMM_C_F32_ADD;
    cudaStream_t stream = ctx->device->backend->stream(ctx->device);
    if (mlb_lt_point_at_scales(lt, b + state->b_scales, a + state->a_scales, err) != MLB_OK)
        return err->status;
    cublasStatus_t code = lt->api.call.matmul(
        lt->handle, lt->desc, &lt->recipe->one, b, product->first, a, product->second,
        add ? &lt->recipe->one : &lt->recipe->zero, c, product->result, c, product->result,
        &product->found[algorithm].algo, lt->workspace, MLB_LT_WORKSPACE_BYTES, stream);
    return mlb_cublaslt_check(&lt->api, code, "matmul", err);
}

enum mlb_status mlb_gemm_cublaslt_step(void *memory, const struct mlb_ctx *ctx,
                                       struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    const struct mlb_lt *lt = state->library;
    size_t set = mlb_gemm_turn(state);
    enum mlb_status status = MLB_OK;
    for (size_t i = 0; i < lt->count && status == MLB_OK; i++)
        status = launch(state, ctx, &lt->products[i], lt->products[i].tuned.chosen, set, err);
    return status;
}

/* --------------------------------------------------------------------------------------- tuning */

struct trial {
    struct mlb_gemm_state *state;
    const struct mlb_ctx *ctx;
    const struct mlb_lt_product *product;
    size_t index;
};

static enum mlb_status launch_trial(void *user, struct mlb_error *err)
{
    const struct trial *trial = user;
    return launch(trial->state, trial->ctx, trial->product, trial->index,
                  mlb_gemm_turn(trial->state), err);
}

static enum mlb_status time_algorithm(void *user, size_t index, unsigned runs, double *ns,
                                      struct mlb_error *err)
{
    struct trial *trial = user;
    trial->index = index;
    return mlb_tune_launches(trial->ctx, runs, launch_trial, trial, ns, err);
}

/* Products of a batch share the time. */
static enum mlb_status tune(struct mlb_gemm_state *state, const struct mlb_ctx *ctx,
                            struct mlb_error *err)
{
    struct mlb_lt *lt = state->library;
    enum mlb_status status = MLB_OK;
    for (size_t i = 0; i < lt->count && status == MLB_OK; i++) {
        struct mlb_lt_product *product = &lt->products[i];
        struct trial trial = {state, ctx, product, 0};
        struct mlb_tune order = {.count = product->found_count,
                                 .budget_s = mlb_tune_budget(ctx, TUNE_S) / (double)lt->count,
                                 .time = time_algorithm,
                                 .user = &trial};
        status = mlb_tune(&order, &product->tuned, err);
    }
    return status;
}

/* --------------------------------------------------------------------------------------- setup */

static enum mlb_status make_one(struct mlb_lt *lt, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const float one = 1.0f;
    enum mlb_status status = mlb_alloc(ctx->device, ONE_BYTES, "gemm.scale", &lt->one, err);
    if (status == MLB_OK)
        status = mlb_copy(ctx->device, lt->one, &one, sizeof one, MLB_TO_DEVICE, err);
    return status;
}

static enum mlb_status setup(struct mlb_gemm_state *state, const struct mlb_gemm_params *params,
                             const struct mlb_ctx *ctx, int asked, struct mlb_error *err)
{
    struct mlb_lt *lt = calloc(1, sizeof *lt);
    state->library = lt;
    if (!lt)
        return mlb_fail(err, MLB_E_NOMEM, "gemm cublaslt: out of memory");
    lt->params = params;
    lt->recipe = mlb_lt_recipe(params->dtype);
    enum mlb_status status = mlb_cublaslt_open(&lt->api, err);
    if (status == MLB_OK)
        status = make_one(lt, ctx, err);
    if (status == MLB_OK)
        status = mlb_lt_describe(lt, asked, err);
    if (status == MLB_OK)
        status =
            mlb_alloc(ctx->device, MLB_LT_WORKSPACE_BYTES, "gemm.workspace", &lt->workspace, err);
    if (status == MLB_OK)
        status = mlb_gemm_alloc(state, params, ctx, mlb_gemm_sets(params, ctx), err);
    return status == MLB_OK ? mlb_gemm_fill(state, params, ctx, ctx->data, err) : status;
}

/* Tuning adds to a C that is added to: it begins again as it was. */
enum mlb_status mlb_gemm_cublaslt_setup(void *memory, const void *values, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    const struct mlb_gemm_params *params = values;
    enum mlb_status status = setup(memory, params, ctx, (int)MLB_TUNE_CANDIDATES, err);
    if (status == MLB_OK && !ctx->trial)
        status = tune(memory, ctx, err);
    if (status == MLB_OK && params->out == MLB_GEMM_C_F32_ADD)
        status = mlb_gemm_fill(memory, params, ctx, ctx->data, err);
    return status;
}

enum mlb_status mlb_gemm_heuristic0_setup(void *memory, const void *values,
                                          const struct mlb_ctx *ctx, struct mlb_error *err)
{
    return setup(memory, values, ctx, 1, err);
}

void mlb_gemm_cublaslt_teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_gemm_state *state = memory;
    struct mlb_lt *lt = state->library;
    if (lt) {
        mlb_free(ctx->device, lt->workspace);
        mlb_free(ctx->device, lt->one);
        mlb_lt_free(lt);
    }
    free(lt);
    state->library = NULL;
    mlb_gemm_free(state, ctx);
}

/* -------------------------------------------------------------------------------------- details */

/* Numbers of cuBLASLt's enums, whose names are in cublasLt.h. */
static const struct setting {
    const char *name;
    cublasLtMatmulAlgoConfigAttributes_t attribute;
    size_t bytes;
} settings[] = {
    {"algorithm_id", CUBLASLT_ALGO_CONFIG_ID, 4},
    {"tile_id", CUBLASLT_ALGO_CONFIG_TILE_ID, 4},
    {"stages_id", CUBLASLT_ALGO_CONFIG_STAGES_ID, 4},
    {"split_k", CUBLASLT_ALGO_CONFIG_SPLITK_NUM, 4},
    {"reduction_scheme", CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, 4},
    {"swizzling", CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING, 4},
    {"custom_option", CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION, 4},
    {"inner_shape_id", CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID, 2},
    {"cluster_shape_id", CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID, 2},
};

static void add_settings(const struct mlb_lt *lt, const cublasLtMatmulHeuristicResult_t *chosen,
                         struct mlb_details *details)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        union {
            uint32_t four;
            uint16_t two;
        } value = {0};
        size_t written = 0;
        cublasStatus_t code = lt->api.call.algo_get(&chosen->algo, settings[i].attribute, &value,
                                                    settings[i].bytes, &written);
        if (code == CUBLAS_STATUS_SUCCESS)
            mlb_detail_number(details, settings[i].name,
                              settings[i].bytes == 4 ? (double)value.four : (double)value.two);
    }
    mlb_detail_number(details, "workspace_bytes", (double)chosen->workspaceSize);
}

/* Of the largest product, when each of a batch is a call of its own. */
void mlb_gemm_cublaslt_details(const void *memory, const void *values, struct mlb_details *details)
{
    const struct mlb_gemm_state *state = memory;
    const struct mlb_lt *lt = state->library;
    const struct mlb_lt_product *product = &lt->products[lt->count - 1];
    const struct mlb_tune_result *tuned = &product->tuned;
    (void)values;
    mlb_detail_number(details, "calls", (double)lt->count);
    mlb_detail_number(details, "operand_sets", (double)state->sets);
    mlb_detail_number(details, "candidates_asked", product->asked);
    mlb_detail_number(details, "candidates_returned", product->returned);
    mlb_detail_number(details, "candidates_usable", (double)product->found_count);
    if (tuned->tested) {
        mlb_detail_number(details, "candidates_timed", (double)tuned->tested);
        mlb_detail_number(details, "finalists", (double)tuned->finalists);
        mlb_detail_number(details, "heuristic0_ns", tuned->first_ns);
        mlb_detail_number(details, "chosen_ns", tuned->chosen_ns);
        mlb_detail_number(details, "gain_over_heuristic0",
                          tuned->first_ns / tuned->chosen_ns - 1.0);
    }
    mlb_detail_number(details, "chosen", (double)tuned->chosen);
    add_settings(lt, &product->found[tuned->chosen], details);
}
