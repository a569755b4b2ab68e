/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm/gemm_shapes.h"

#include <inttypes.h>

#include "harness/base/model.h"

#define DEFAULT_TOKENS 8192u

enum layer { LAYER_NONE, LAYER_QKV, LAYER_O, LAYER_GATE_UP, LAYER_DOWN };
const char *const mlb_gemm_layer_names[] = {"none", "qkv", "o", "gate_up", "down", NULL};

/* Rows N and columns K of the layer's weight W[N,K]. */
static void weight_shape(const struct mlb_model *model, enum layer layer, uint64_t *rows,
                         uint64_t *columns)
{
    uint64_t attention = model->heads * model->head_dim;
    *rows = layer == LAYER_QKV       ? attention + 2 * model->kv_heads * model->head_dim
            : layer == LAYER_GATE_UP ? 2 * model->ffn
                                     : model->hidden;
    *columns = layer == LAYER_O ? attention : layer == LAYER_DOWN ? model->ffn : model->hidden;
}

static bool of_experts(const struct mlb_model *model, int layer)
{
    return model->experts && (layer == LAYER_GATE_UP || layer == LAYER_DOWN);
}

/* Tokens of each product. With experts, `batch` of them are on this rank: all, or as many as expert
 * parallelism leaves there. Every rank then sends and gets alike, so this rank's experts together
 * work on tokens x chosen rows, however many they are. */
static enum mlb_status share_tokens(struct mlb_gemm_params *params, uint64_t *each,
                                    struct mlb_error *err)
{
    const struct mlb_model *model = &mlb_models[params->model];
    *each = params->tokens;
    if (!of_experts(model, params->layer))
        return MLB_OK;
    uint64_t experts = params->batch ? params->batch : model->experts;
    uint64_t rows = params->tokens * model->chosen;
    if (experts > model->experts || rows % experts != 0)
        return mlb_fail(err, MLB_E_CONFIG,
                        "batch = %" PRIu64 ": %s has %" PRIu64 " experts, of which a rank holds a "
                        "number that divides tokens x %" PRIu64 " = %" PRIu64,
                        experts, mlb_model_names[params->model], model->experts, model->chosen,
                        rows);
    params->batch = experts;
    *each = rows / experts;
    return MLB_OK;
}

static bool same_or_unset(const struct mlb_gemm_params *params, uint64_t m, uint64_t n, uint64_t k)
{
    return (!params->m || params->m == m) && (!params->n || params->n == n) &&
           (!params->k || params->k == k);
}

enum mlb_status mlb_gemm_resolve_model(struct mlb_gemm_params *params, struct mlb_error *err)
{
    const char *name = mlb_model_names[params->model];
    const struct mlb_model *model = &mlb_models[params->model];
    uint64_t rows, columns, t;
    if (params->layer == LAYER_NONE)
        return mlb_fail(err, MLB_E_CONFIG, "model = %s needs a layer: qkv, o, gate_up or down",
                        name);
    if (!model->heads && !of_experts(model, params->layer))
        return mlb_fail(err, MLB_E_CONFIG, "layer = %s: of %s there are gate_up and down",
                        mlb_gemm_layer_names[params->layer], name);
    if (!params->tokens)
        params->tokens = DEFAULT_TOKENS;
    if (share_tokens(params, &t, err) != MLB_OK)
        return err->status;
    weight_shape(model, (enum layer)params->layer, &rows, &columns);
    uint64_t m = params->pass == MLB_GEMM_WGRAD ? rows : t;
    uint64_t n = params->pass == MLB_GEMM_FWD ? rows : columns;
    uint64_t k = params->pass == MLB_GEMM_FWD ? columns : params->pass == MLB_GEMM_DGRAD ? rows : t;
    if (params->size || !same_or_unset(params, m, n, k))
        return mlb_fail(err, MLB_E_CONFIG, "model = %s sets the shape: leave out size, m, n and k",
                        name);
    params->m = m;
    params->n = n;
    params->k = k;
    return MLB_OK;
}
