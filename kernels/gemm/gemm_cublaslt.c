/* SPDX-License-Identifier: Apache-2.0 */
/* cuBLASLt with its fastest algorithm for the case, found by timing the heuristic's proposals.
 *
 * cuBLASLt is column-major, so it computes C^T = B^T A^T: its first operand is our B, its second
 * our A, its m our n. A row-major (r,c) matrix is a column-major c x r one with leading dimension
 * c:
 *
 *   pass    first: our B          second: our A
 *   fwd     (n,k): k x n, T       (m,k): k x m, N
 *   dgrad   (k,n): n x k, N       (m,k): k x m, N
 *   wgrad   (k,n): n x k, N       (k,m): m x k, T
 */
#include "kernels/gemm/gemm.h"

#include <stdlib.h>

#include "kernels/gemm/cublaslt.h"
#include "kernels/tune.h"

#define WORKSPACE_BYTES (UINT64_C(64) << 20) /* NVIDIA recommends 32 MiB or more on Hopper */
#define TUNE_S          1.5

union scalar {
    float f32;
    double f64;
    int32_t s32;
};

/* f16 and bf16 are summed in f32. */
struct recipe {
    enum mlb_dtype dtype;
    cublasComputeType_t compute;
    cudaDataType_t scale, in, out;
    union scalar one, zero;
};

static const struct recipe recipes[] = {
    {MLB_F64, CUBLAS_COMPUTE_64F, CUDA_R_64F, CUDA_R_64F, CUDA_R_64F, {.f64 = 1}, {.f64 = 0}},
    {MLB_F32, CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, {.f32 = 1}, {.f32 = 0}},
    {MLB_TF32,
     CUBLAS_COMPUTE_32F_FAST_TF32,
     CUDA_R_32F,
     CUDA_R_32F,
     CUDA_R_32F,
     {.f32 = 1},
     {.f32 = 0}},
    {MLB_BF16, CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16BF, CUDA_R_16BF, {.f32 = 1}, {.f32 = 0}},
    {MLB_F16, CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16F, CUDA_R_16F, {.f32 = 1}, {.f32 = 0}},
    {MLB_S8, CUBLAS_COMPUTE_32I, CUDA_R_32I, CUDA_R_8I, CUDA_R_32I, {.s32 = 1}, {.s32 = 0}},
};

/* Variables that make cuBLAS compute in another type than the one that is asked for. */
static const char *const overrides[] = {"NVIDIA_TF32_OVERRIDE", "CUBLAS_EMULATE_SINGLE_PRECISION",
                                        "CUBLAS_EMULATE_DOUBLE_PRECISION"};

struct lt {
    struct mlb_cublaslt api;
    const struct recipe *recipe;
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t first, second, result;
    void *workspace;
    cublasLtMatmulHeuristicResult_t found[MLB_TUNE_CANDIDATES]; /* those that can run */
    size_t found_count;
    struct mlb_tune_result tuned;
};

static const struct recipe *recipe_for(int dtype)
{
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++)
        if ((int)recipes[i].dtype == dtype)
            return &recipes[i];
    return NULL;
}

/* ----------------------------------------------------------------------------------- can it run */

static enum mlb_status check_environment(struct mlb_error *err)
{
    for (size_t i = 0; i < sizeof overrides / sizeof overrides[0]; i++) {
        const char *value = getenv(overrides[i]);
        if (value && value[0])
            return mlb_fail(err, MLB_E_UNSUPPORTED,
                            "%s is set: cuBLAS would compute in another type than the row says",
                            overrides[i]);
    }
    return MLB_OK;
}

enum mlb_status mlb_gemm_cublaslt_check(const void *values, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    const struct mlb_gemm_params *params = values;
    struct mlb_cublaslt api = {0};
    if (params->dtype == MLB_S8 && params->pass != MLB_GEMM_FWD)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "cuBLASLt multiplies s8 only with both operands contiguous along k: pass = "
                        "fwd");
    if (!recipe_for(params->dtype))
        return mlb_fail(err, MLB_E_UNSUPPORTED, "cuBLASLt: no recipe for %s",
                        mlb_dtype_names[params->dtype]);
    if (check_environment(err) != MLB_OK || mlb_cublaslt_open(&api, err) != MLB_OK)
        return err->status;
    mlb_cublaslt_close(&api);
    return mlb_gemm_fits(params, ctx, mlb_gemm_sets(params, ctx), WORKSPACE_BYTES, err);
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

/* ------------------------------------------------------------------------------------ describing
 */

static enum mlb_status make_desc(struct lt *lt, const struct mlb_gemm_params *params,
                                 struct mlb_error *err)
{
    const struct mlb_cublaslt_functions *call = &lt->api.call;
    const cublasOperation_t first = params->pass == MLB_GEMM_FWD ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t second = params->pass == MLB_GEMM_WGRAD ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasStatus_t code = call->desc_create(&lt->desc, lt->recipe->compute, lt->recipe->scale);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = call->desc_set(lt->desc, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof first);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = call->desc_set(lt->desc, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof second);
    return mlb_cublaslt_check(&lt->api, code, "matmul descriptor", err);
}

/* A row-major matrix of rows x columns. */
static cublasStatus_t make_layout(struct lt *lt, cublasLtMatrixLayout_t *layout,
                                  cudaDataType_t type, uint64_t rows, uint64_t columns)
{
    return lt->api.call.layout_create(layout, type, columns, rows, (int64_t)columns);
}

static enum mlb_status make_layouts(struct lt *lt, const struct mlb_gemm_params *params,
                                    struct mlb_error *err)
{
    uint64_t m = params->m, n = params->n, k = params->k;
    bool b_is_nk = params->pass == MLB_GEMM_FWD, a_is_km = params->pass == MLB_GEMM_WGRAD;
    cudaDataType_t in = lt->recipe->in;
    cublasStatus_t code = make_layout(lt, &lt->first, in, b_is_nk ? n : k, b_is_nk ? k : n);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = make_layout(lt, &lt->second, in, a_is_km ? k : m, a_is_km ? m : k);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = make_layout(lt, &lt->result, lt->recipe->out, m, n);
    return mlb_cublaslt_check(&lt->api, code, "matrix layout", err);
}

/* Split sums are added in the compute type: adding them in bf16 would be faster and less exact. */
static cublasStatus_t make_preference(const struct lt *lt, cublasLtMatmulPreference_t *preference)
{
    const struct mlb_cublaslt_functions *call = &lt->api.call;
    const uint64_t workspace = WORKSPACE_BYTES;
    const uint32_t reduction = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    cublasStatus_t code = call->preference_create(preference);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = call->preference_set(*preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                    &workspace, sizeof workspace);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = call->preference_set(*preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                    &reduction, sizeof reduction);
    return code;
}

/* Keep the proposals that can run, best guess first. */
static void keep_usable(struct lt *lt, int got)
{
    for (int i = 0; i < got; i++)
        if (lt->found[i].state == CUBLAS_STATUS_SUCCESS &&
            lt->found[i].workspaceSize <= WORKSPACE_BYTES)
            lt->found[lt->found_count++] = lt->found[i];
}

static enum mlb_status find_algorithms(struct lt *lt, struct mlb_error *err)
{
    cublasLtMatmulPreference_t preference = NULL;
    int got = 0;
    cublasStatus_t code = make_preference(lt, &preference);
    enum mlb_status status = mlb_cublaslt_check(&lt->api, code, "matmul preference", err);
    if (status == MLB_OK) {
        code = lt->api.call.heuristic(lt->handle, lt->desc, lt->first, lt->second, lt->result,
                                      lt->result, preference, (int)MLB_TUNE_CANDIDATES, lt->found,
                                      &got);
        status = mlb_cublaslt_check(&lt->api, code, "no algorithm for this type and shape", err);
    }
    if (preference)
        lt->api.call.preference_destroy(preference);
    if (status != MLB_OK)
        return status;
    keep_usable(lt, got);
    if (lt->found_count == 0)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "cuBLASLt: none of %d proposed algorithms can run",
                        got);
    return MLB_OK;
}

static enum mlb_status describe(struct lt *lt, const struct mlb_gemm_params *params,
                                struct mlb_error *err)
{
    lt->recipe = recipe_for(params->dtype);
    if (mlb_cublaslt_open(&lt->api, err) != MLB_OK)
        return err->status;
    enum mlb_status status =
        mlb_cublaslt_check(&lt->api, lt->api.call.create(&lt->handle), "start", err);
    if (status == MLB_OK)
        status = make_desc(lt, params, err);
    if (status == MLB_OK)
        status = make_layouts(lt, params, err);
    if (status == MLB_OK)
        status = find_algorithms(lt, err);
    return status;
}

/* --------------------------------------------------------------------------------------- running
 */

static enum mlb_status launch(struct mlb_gemm_state *state, const struct mlb_ctx *ctx,
                              size_t algorithm, struct mlb_error *err)
{
    const struct lt *lt = state->library;
    size_t set = mlb_gemm_turn(state);
    unsigned char *c = state->c + set * state->c_stride;
    cudaStream_t stream = ctx->device->backend->stream(ctx->device);
    cublasStatus_t code = lt->api.call.matmul(
        lt->handle, lt->desc, &lt->recipe->one, state->b + set * state->b_stride, lt->first,
        state->a + set * state->a_stride, lt->second, &lt->recipe->zero, c, lt->result, c,
        lt->result, &lt->found[algorithm].algo, lt->workspace, WORKSPACE_BYTES, stream);
    return mlb_cublaslt_check(&lt->api, code, "matmul", err);
}

struct trial {
    struct mlb_gemm_state *state;
    const struct mlb_ctx *ctx;
};

static enum mlb_status time_algorithm(void *user, size_t index, unsigned runs, double *ns,
                                      struct mlb_error *err)
{
    const struct trial *trial = user;
    struct mlb_device *device = trial->ctx->device;
    double all_ns = 0.0;
    enum mlb_status status = device->backend->mark(device, 0, err);
    for (unsigned i = 0; i < runs && status == MLB_OK; i++)
        status = launch(trial->state, trial->ctx, index, err);
    if (status == MLB_OK)
        status = device->backend->mark(device, 1, err);
    if (status == MLB_OK)
        status = mlb_sync(device, 10.0 * trial->ctx->comm->deadline_s, err);
    if (status == MLB_OK)
        status = device->backend->elapsed(device, 0, 1, &all_ns, err);
    *ns = all_ns / runs;
    return status;
}

static enum mlb_status tune(struct mlb_gemm_state *state, const struct mlb_ctx *ctx,
                            struct mlb_error *err)
{
    struct lt *lt = state->library;
    struct trial trial = {state, ctx};
    struct mlb_tune order = {
        .count = lt->found_count, .budget_s = TUNE_S, .time = time_algorithm, .user = &trial};
    return mlb_tune(&order, &lt->tuned, err);
}

enum mlb_status mlb_gemm_cublaslt_setup(void *memory, const void *values, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    const struct mlb_gemm_params *params = values;
    struct lt *lt = calloc(1, sizeof *lt);
    state->library = lt;
    if (!lt)
        return mlb_fail(err, MLB_E_NOMEM, "gemm cublaslt: out of memory");
    enum mlb_status status = describe(lt, params, err);
    if (status == MLB_OK)
        status = mlb_alloc(ctx->device, WORKSPACE_BYTES, "gemm.workspace", &lt->workspace, err);
    if (status == MLB_OK)
        status = mlb_gemm_alloc(state, params, ctx, mlb_gemm_sets(params, ctx), err);
    if (status == MLB_OK)
        status = mlb_gemm_fill(state, params, ctx, ctx->data, err);
    if (status == MLB_OK)
        status = tune(state, ctx, err);
    return status;
}

enum mlb_status mlb_gemm_cublaslt_step(void *memory, const struct mlb_ctx *ctx,
                                       struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    const struct lt *lt = state->library;
    return launch(state, ctx, lt->tuned.chosen, err);
}

void mlb_gemm_cublaslt_teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_gemm_state *state = memory;
    struct lt *lt = state->library;
    if (lt) {
        const struct mlb_cublaslt_functions *call = &lt->api.call;
        if (lt->result)
            call->layout_destroy(lt->result);
        if (lt->second)
            call->layout_destroy(lt->second);
        if (lt->first)
            call->layout_destroy(lt->first);
        if (lt->desc)
            call->desc_destroy(lt->desc);
        if (lt->handle)
            call->destroy(lt->handle);
        mlb_free(ctx->device, lt->workspace);
        mlb_cublaslt_close(&lt->api);
    }
    free(lt);
    state->library = NULL;
    mlb_gemm_free(state, ctx);
}
