/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm/gemm.h"

#include <inttypes.h>

#include "harness/base/model.h"
#include "harness/base/text.h"
#include "kernels/gemm/gemm_shapes.h"

#define AT(field) offsetof(struct mlb_gemm_params, field)
#define DIM_MAX   16777216.0 /* 2^24: m * n * 8 bytes stay far inside 64 bits */

#define BATCH_MAX 1024.0

#define DEFAULT_SIZE 4096u

static const char *const pass_names[] = {"fwd", "dgrad", "wgrad", NULL};
static const char *const accumulate_names[] = {"none", "fast", "precise", NULL};
static const char *const out_names[] = {"same", "f32", "f32-add", NULL};
static const char *const spread_names[] = {"even", "uneven", NULL};

static const struct mlb_option options[] = {
    {"dtype", 0, MLB_CHOICE, AT(dtype), 0, 0, "f32", mlb_gemm_dtype_names, "TYPE",
     "element type of A and B; with e5m2, B is e4m3. s8 gives s32, what is smaller gives bf16, the "
     "others give themselves",
     0},
    {"pass", 0, MLB_CHOICE, AT(pass), 0, 0, "fwd", pass_names, "PASS",
     "which product of a linear layer: y = x W^T, dx = dy W or dW = dy^T x", 0},
    {"size", 0, MLB_COUNT, AT(size), 0, DIM_MAX, NULL, NULL, "N",
     "square product: m = n = k (4096 when no shape is given)", 0},
    {"m", 0, MLB_COUNT, AT(m), 0, DIM_MAX, NULL, NULL, "N", "rows of C", 0},
    {"n", 0, MLB_COUNT, AT(n), 0, DIM_MAX, NULL, NULL, "N", "columns of C", 0},
    {"k", 0, MLB_COUNT, AT(k), 0, DIM_MAX, NULL, NULL, "N", "length of the sums", 0},
    {"model", 0, MLB_CHOICE, AT(model), 0, 0, "none", mlb_model_names, "MODEL",
     "take the shape of a linear layer of this model", 0},
    {"layer", 0, MLB_CHOICE, AT(layer), 0, 0, "none", mlb_gemm_layer_names, "LAYER",
     "which layer of the model; qkv and gate_up are fused", 0},
    {"tokens", 0, MLB_COUNT, AT(tokens), 0, DIM_MAX, NULL, NULL, "N",
     "tokens of a step with a model: batch x sequence (8192 when not given)", 0},
    {"accumulate", 0, MLB_CHOICE, AT(accumulate), 0, 0, "none", accumulate_names, "HOW",
     "sums of e4m3 and e5m2: as the tensor cores keep them (fast, when not given), or carried over "
     "to f32 now and then (precise)",
     0},
    {"out", 0, MLB_CHOICE, AT(out), 0, 0, "same", out_names, "TYPE",
     "C of 16- and 8-bit floats: as dtype says, f32, or added to an f32 C as wgrad does", 0},
    {"batch", 0, MLB_COUNT, AT(batch), 0, BATCH_MAX, NULL, NULL, "N",
     "products at once, each with its own operands; with a mixture of experts the experts on a "
     "rank "
     "(all when not given)",
     0},
    {"spread", 0, MLB_CHOICE, AT(spread), 0, 0, "even", spread_names, "HOW",
     "tokens of a batch's products: the same for all, or from half to one and a half of the mean",
     0},
    {0}};

static bool same_or_unset(uint64_t dim, uint64_t size)
{
    return !dim || dim == size;
}

static enum mlb_status resolve_free(struct mlb_gemm_params *params, struct mlb_error *err)
{
    if (params->layer || params->tokens)
        return mlb_fail(err, MLB_E_CONFIG, "%s needs a model: llama3-8b, llama3-70b, ...",
                        params->tokens ? "tokens" : "layer");
    bool any = params->m || params->n || params->k;
    if (!params->size && any && !(params->m && params->n && params->k))
        return mlb_fail(err, MLB_E_CONFIG, "m, n and k belong together: %s is missing",
                        !params->m   ? "m"
                        : !params->n ? "n"
                                     : "k");
    uint64_t size = params->size;
    if (size && !(same_or_unset(params->m, size) && same_or_unset(params->n, size) &&
                  same_or_unset(params->k, size)))
        return mlb_fail(err, MLB_E_CONFIG,
                        "size = %" PRIu64 " means m = n = k: leave out m, n and k", size);
    if (size || !any)
        params->m = params->n = params->k = size ? size : DEFAULT_SIZE;
    params->size = 0;
    return MLB_OK;
}

/* What sums and C a type has a choice of. */
static enum mlb_status resolve_type(struct mlb_gemm_params *params, struct mlb_error *err)
{
    const char *dtype = mlb_gemm_dtype_names[params->dtype];
    bool eight_bits = params->dtype == MLB_E4M3 || params->dtype == MLB_E5M2;
    bool sixteen_bits = params->dtype == MLB_BF16 || params->dtype == MLB_F16;
    if (params->dtype == MLB_S32)
        return mlb_fail(err, MLB_E_CONFIG,
                        "dtype = s32: not a type of operands; f64, f32, tf32, bf16, f16, s8, e4m3, "
                        "e5m2, mxfp8 or nvfp4");
    if (params->accumulate && !eight_bits)
        return mlb_fail(err, MLB_E_CONFIG,
                        "accumulate = %s: sums of %s are kept in one way; e4m3 and e5m2 have a "
                        "choice",
                        accumulate_names[params->accumulate], dtype);
    if (params->out && !eight_bits && !sixteen_bits)
        return mlb_fail(err, MLB_E_CONFIG,
                        "out = %s: %s has one type of C; bf16, f16, e4m3 and e5m2 have a choice",
                        out_names[params->out], dtype);
    if (eight_bits && !params->accumulate)
        params->accumulate = MLB_GEMM_SUMS_FAST;
    return MLB_OK;
}

/* What a batch and blocks ask of the shape, once it is known. */
static enum mlb_status resolve_layout(const struct mlb_gemm_params *params, struct mlb_error *err)
{
    const char *dtype = mlb_gemm_dtype_names[params->dtype];
    uint64_t tokens = params->pass == MLB_GEMM_WGRAD ? params->k : params->m;
    if (params->spread && (params->batch < 2 || tokens < 2))
        return mlb_fail(err, MLB_E_CONFIG,
                        "spread = uneven: needs a batch of two products or more, with two tokens "
                        "each");
    if (!mlb_gemm_in_blocks(params))
        return MLB_OK;
    if (params->pass != MLB_GEMM_FWD || params->k % 32)
        return mlb_fail(err, MLB_E_CONFIG,
                        "dtype = %s: its blocks lie along k in memory: pass = fwd, and k a "
                        "multiple of 32",
                        dtype);
    if (params->batch > 1)
        return mlb_fail(err, MLB_E_CONFIG, "dtype = %s: one product at a time: batch = 1", dtype);
    return MLB_OK;
}

static enum mlb_status resolve(void *values, struct mlb_error *err)
{
    struct mlb_gemm_params *params = values;
    enum mlb_status status = resolve_type(params, err);
    if (status == MLB_OK)
        status = params->model ? mlb_gemm_resolve_model(params, err) : resolve_free(params, err);
    if (!params->batch)
        params->batch = 1;
    return status == MLB_OK ? resolve_layout(params, err) : status;
}

/* "bf16 llama3-8b qkv fwd 8192x6144x4096", "e4m3 8192x8192x8192 fwd precise",
 * "bf16 mixtral-8x7b down wgrad 8 x 4096x14336x2048 f32-add uneven" */
static void label(const void *values, char *to, size_t size)
{
    const struct mlb_gemm_params *p = values;
    const char *dtype = p->dtype == MLB_E5M2 ? "e5m2xe4m3" : mlb_gemm_dtype_names[p->dtype];
    const char *pass = pass_names[p->pass];
    char shape[80], batch[24] = "", more[32];
    if (p->batch > 1)
        mlb_format(batch, sizeof batch, "%" PRIu64 " x ", p->batch);
    mlb_format(shape, sizeof shape, "%s%" PRIu64 "x%" PRIu64 "x%" PRIu64, batch, p->m, p->n, p->k);
    mlb_format(more, sizeof more, "%s%s%s%s%s", p->accumulate ? " " : "",
               p->accumulate ? accumulate_names[p->accumulate] : "", p->out ? " " : "",
               p->out ? out_names[p->out] : "", p->spread ? " uneven" : "");
    if (p->model)
        mlb_format(to, size, "%s %s %s %s %s%s", dtype, mlb_model_names[p->model],
                   mlb_gemm_layer_names[p->layer], pass, shape, more);
    else
        mlb_format(to, size, "%s %s %s%s", dtype, shape, pass, more);
}

/* gemm.2mnk: k multiplications and k additions for each of m n elements, as LINPACK and every
 * vendor count. Bytes: each operand moved once, the least that is possible, and a C that is added
 * to twice. */
static void work(const void *values, const struct mlb_ctx *ctx, struct mlb_work *to)
{
    const struct mlb_gemm_params *p = values;
    (void)ctx;
    to->formula = "gemm.2mnk";
    to->flop = 2.0 * (double)p->m * (double)p->n * (double)p->k * (double)(p->batch ? p->batch : 1);
    to->operations = p->dtype == MLB_S8;
    to->bytes = (double)mlb_gemm_bytes(p);
}

static const struct mlb_variant variants[] = {{.name = "cublaslt",
                                               .device = "cuda",
                                               .check = mlb_gemm_cublaslt_check,
                                               .setup = mlb_gemm_cublaslt_setup,
                                               .step = mlb_gemm_cublaslt_step,
                                               .details = mlb_gemm_cublaslt_details,
                                               .teardown = mlb_gemm_cublaslt_teardown,
                                               .library = mlb_gemm_cublaslt_library},
                                              {.name = "cublaslt-heuristic0",
                                               .device = "cuda",
                                               .check = mlb_gemm_cublaslt_check,
                                               .setup = mlb_gemm_heuristic0_setup,
                                               .step = mlb_gemm_cublaslt_step,
                                               .details = mlb_gemm_cublaslt_details,
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

static const char *const sizes[] = {"m", "n", "k", NULL};

const struct mlb_workload mlb_gemm = {
    .name = "gemm",
    .summary = "matrix product, square or as in the linear layers of a transformer",
    .params = options,
    .search = sizes,
    .params_bytes = sizeof(struct mlb_gemm_params),
    .state_bytes = sizeof(struct mlb_gemm_state),
    .resolve = resolve,
    .label = label,
    .work = work,
    .verify = mlb_gemm_verify,
    .rotation = rotation,
    .variants = variants,
};
