/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm/gemm.h"

#include <inttypes.h>

#include "harness/base/text.h"

#define AT(field) offsetof(struct mlb_gemm_params, field)
#define DIM_MAX   16777216.0 /* 2^24: m * n * 8 bytes stay far inside 64 bits */

#define DEFAULT_SIZE   4096u
#define DEFAULT_TOKENS 8192u

/* Shapes of one transformer block, from table 3 of "The Llama 3 Herd of Models"
 * (arXiv:2407.21783) and the published model configurations. */
struct model {
    uint64_t hidden, heads, kv_heads, head_dim, ffn;
};

static const char *const model_names[] = {"none", "llama3-8b", "llama3-70b", NULL};
static const struct model models[] = {
    {0},
    {4096, 32, 8, 128, 14336},
    {8192, 64, 8, 128, 28672},
};

enum layer { LAYER_NONE, LAYER_QKV, LAYER_O, LAYER_GATE_UP, LAYER_DOWN };
static const char *const layer_names[] = {"none", "qkv", "o", "gate_up", "down", NULL};
static const char *const pass_names[] = {"fwd", "dgrad", "wgrad", NULL};

static const struct mlb_option options[] = {
    {"dtype", 0, MLB_CHOICE, AT(dtype), 0, 0, "f32", mlb_dtype_names, "TYPE",
     "element type of A and B; s8 gives s32, the others give themselves", 0},
    {"pass", 0, MLB_CHOICE, AT(pass), 0, 0, "fwd", pass_names, "PASS",
     "which product of a linear layer: y = x W^T, dx = dy W or dW = dy^T x", 0},
    {"size", 0, MLB_COUNT, AT(size), 0, DIM_MAX, NULL, NULL, "N",
     "square product: m = n = k (4096 when no shape is given)", 0},
    {"m", 0, MLB_COUNT, AT(m), 0, DIM_MAX, NULL, NULL, "N", "rows of C", 0},
    {"n", 0, MLB_COUNT, AT(n), 0, DIM_MAX, NULL, NULL, "N", "columns of C", 0},
    {"k", 0, MLB_COUNT, AT(k), 0, DIM_MAX, NULL, NULL, "N", "length of the sums", 0},
    {"model", 0, MLB_CHOICE, AT(model), 0, 0, "none", model_names, "MODEL",
     "take the shape of a linear layer of this model", 0},
    {"layer", 0, MLB_CHOICE, AT(layer), 0, 0, "none", layer_names, "LAYER",
     "which layer of the model; qkv and gate_up are fused", 0},
    {"tokens", 0, MLB_COUNT, AT(tokens), 0, DIM_MAX, NULL, NULL, "N",
     "tokens of a step with a model: batch x sequence (8192 when not given)", 0},
    {0}};

/* Rows N and columns K of the layer's weight W[N,K]. */
static void weight_shape(const struct model *model, enum layer layer, uint64_t *rows,
                         uint64_t *columns)
{
    uint64_t attention = model->heads * model->head_dim;
    *rows = layer == LAYER_QKV       ? attention + 2 * model->kv_heads * model->head_dim
            : layer == LAYER_GATE_UP ? 2 * model->ffn
                                     : model->hidden;
    *columns = layer == LAYER_O ? attention : layer == LAYER_DOWN ? model->ffn : model->hidden;
}

static bool same_or_unset(const struct mlb_gemm_params *params, uint64_t m, uint64_t n, uint64_t k)
{
    return (!params->m || params->m == m) && (!params->n || params->n == n) &&
           (!params->k || params->k == k);
}

static enum mlb_status resolve_model(struct mlb_gemm_params *params, struct mlb_error *err)
{
    const char *name = model_names[params->model];
    if (params->layer == LAYER_NONE)
        return mlb_fail(err, MLB_E_CONFIG, "model = %s needs a layer: qkv, o, gate_up or down",
                        name);
    uint64_t t = params->tokens ? params->tokens : DEFAULT_TOKENS, rows, columns;
    weight_shape(&models[params->model], (enum layer)params->layer, &rows, &columns);
    uint64_t m = params->pass == MLB_GEMM_WGRAD ? rows : t;
    uint64_t n = params->pass == MLB_GEMM_FWD ? rows : columns;
    uint64_t k = params->pass == MLB_GEMM_FWD ? columns : params->pass == MLB_GEMM_DGRAD ? rows : t;
    if (params->size || !same_or_unset(params, m, n, k))
        return mlb_fail(err, MLB_E_CONFIG, "model = %s sets the shape: leave out size, m, n and k",
                        name);
    params->tokens = t;
    params->m = m;
    params->n = n;
    params->k = k;
    return MLB_OK;
}

static enum mlb_status resolve_free(struct mlb_gemm_params *params, struct mlb_error *err)
{
    if (params->layer != LAYER_NONE || params->tokens)
        return mlb_fail(err, MLB_E_CONFIG, "%s needs a model: llama3-8b or llama3-70b",
                        params->tokens ? "tokens" : "layer");
    bool any = params->m || params->n || params->k;
    if (!params->size && any && !(params->m && params->n && params->k))
        return mlb_fail(err, MLB_E_CONFIG, "m, n and k belong together: %s is missing",
                        !params->m   ? "m"
                        : !params->n ? "n"
                                     : "k");
    if (params->size && !same_or_unset(params, params->size, params->size, params->size))
        return mlb_fail(err, MLB_E_CONFIG,
                        "size = %" PRIu64 " means m = n = k: leave out m, n and k", params->size);
    if (params->size || !any)
        params->m = params->n = params->k = params->size ? params->size : DEFAULT_SIZE;
    params->size = 0;
    return MLB_OK;
}

static enum mlb_status resolve(void *values, struct mlb_error *err)
{
    struct mlb_gemm_params *params = values;
    if (params->dtype == MLB_S32)
        return mlb_fail(err, MLB_E_CONFIG,
                        "dtype = s32: not a type of operands; f64, f32, tf32, bf16, f16 or s8");
    return params->model ? resolve_model(params, err) : resolve_free(params, err);
}

static void label(const void *values, char *to, size_t size)
{
    const struct mlb_gemm_params *p = values;
    const char *dtype = mlb_dtype_names[p->dtype], *pass = pass_names[p->pass];
    if (p->model)
        mlb_format(to, size, "%s %s %s %s %" PRIu64 "x%" PRIu64 "x%" PRIu64, dtype,
                   model_names[p->model], layer_names[p->layer], pass, p->m, p->n, p->k);
    else
        mlb_format(to, size, "%s %" PRIu64 "x%" PRIu64 "x%" PRIu64 " %s", dtype, p->m, p->n, p->k,
                   pass);
}

/* gemm.2mnk: k multiplications and k additions for each of m n elements, as LINPACK and every
 * vendor count. Bytes: each operand moved once, the least that is possible. */
static void work(const void *values, const struct mlb_ctx *ctx, struct mlb_work *to)
{
    const struct mlb_gemm_params *p = values;
    (void)ctx;
    to->formula = "gemm.2mnk";
    to->flop = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    to->operations = p->dtype == MLB_S8;
    to->bytes = (double)mlb_gemm_bytes(p);
}

static const struct mlb_variant variants[] = {{.name = "cublaslt",
                                               .device = "cuda",
                                               .check = mlb_gemm_cublaslt_check,
                                               .setup = mlb_gemm_cublaslt_setup,
                                               .step = mlb_gemm_cublaslt_step,
                                               .teardown = mlb_gemm_cublaslt_teardown,
                                               .library = mlb_gemm_cublaslt_library},
                                              {.name = "wgmma",
                                               .device = "cuda",
                                               .check = mlb_gemm_wgmma_check,
                                               .setup = mlb_gemm_wgmma_setup,
                                               .step = mlb_gemm_wgmma_step,
                                               .teardown = mlb_gemm_wgmma_teardown},
                                              {.name = "mma",
                                               .device = "cuda",
                                               .check = mlb_gemm_mma_check,
                                               .setup = mlb_gemm_mma_setup,
                                               .step = mlb_gemm_mma_step,
                                               .teardown = mlb_gemm_mma_teardown},
                                              {.name = "onednn",
                                               .device = "cpu",
                                               .check = mlb_gemm_onednn_check,
                                               .setup = mlb_gemm_onednn_setup,
                                               .step = mlb_gemm_onednn_step,
                                               .teardown = mlb_gemm_onednn_teardown,
                                               .library = mlb_gemm_onednn_library},
                                              {.name = "onednn-packed",
                                               .device = "cpu",
                                               .check = mlb_gemm_packed_check,
                                               .setup = mlb_gemm_packed_setup,
                                               .step = mlb_gemm_onednn_step,
                                               .teardown = mlb_gemm_onednn_teardown,
                                               .library = mlb_gemm_onednn_library},
                                              {.name = "plain",
                                               .device = "cpu",
                                               .check = mlb_gemm_plain_check,
                                               .setup = mlb_gemm_plain_setup,
                                               .step = mlb_gemm_plain_step,
                                               .teardown = mlb_gemm_plain_teardown},
                                              {0}};

static size_t rotation(const void *state)
{
    return ((const struct mlb_gemm_state *)state)->sets;
}

const struct mlb_workload mlb_gemm = {
    .name = "gemm",
    .summary = "matrix product, square or as in the linear layers of a transformer",
    .params = options,
    .params_bytes = sizeof(struct mlb_gemm_params),
    .state_bytes = sizeof(struct mlb_gemm_state),
    .resolve = resolve,
    .label = label,
    .work = work,
    .verify = mlb_gemm_verify,
    .rotation = rotation,
    .variants = variants,
};
