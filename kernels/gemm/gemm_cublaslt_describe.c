/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm/gemm_cublaslt.h"

#include <stdlib.h>

#define ALIGN_MOST 256u /* that the heuristic counts on when it is told nothing */

static cudaDataType_t type_of(enum mlb_dtype dtype)
{
    switch (dtype) {
    case MLB_F64:
        return CUDA_R_64F;
    case MLB_BF16:
        return CUDA_R_16BF;
    case MLB_F16:
        return CUDA_R_16F;
    case MLB_S8:
        return CUDA_R_8I;
    case MLB_S32:
        return CUDA_R_32I;
    case MLB_E4M3:
        return CUDA_R_8F_E4M3;
    case MLB_E5M2:
        return CUDA_R_8F_E5M2;
    default:
        return CUDA_R_32F;
    }
}

static cudaDataType_t operand_type(const struct mlb_gemm_params *params, enum mlb_dtype dtype)
{
    return params->dtype == MLB_GEMM_NVFP4 ? CUDA_R_4F_E2M1 : type_of(dtype);
}

/* ------------------------------------------------------------------------------ the operation */

static cublasStatus_t set_operations(const struct mlb_lt *lt)
{
    const struct mlb_cublaslt_functions *call = &lt->api.call;
    int pass = lt->params->pass;
    const cublasOperation_t first = pass == MLB_GEMM_FWD ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t second = pass == MLB_GEMM_WGRAD ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasStatus_t code =
        call->desc_set(lt->desc, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof first);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = call->desc_set(lt->desc, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof second);
    return code;
}

static cublasStatus_t set_scales(const struct mlb_lt *lt, const void *first, const void *second)
{
    const struct mlb_cublaslt_functions *call = &lt->api.call;
    cublasStatus_t code =
        call->desc_set(lt->desc, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &first, sizeof first);
    if (code == CUBLAS_STATUS_SUCCESS)
        code =
            call->desc_set(lt->desc, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &second, sizeof second);
    return code;
}

static cublasStatus_t set_scale_modes(const struct mlb_lt *lt)
{
    const struct mlb_cublaslt_functions *call = &lt->api.call;
    const int32_t mode = lt->params->dtype == MLB_GEMM_NVFP4
                             ? CUBLASLT_MATMUL_MATRIX_SCALE_VEC16_UE4M3
                             : CUBLASLT_MATMUL_MATRIX_SCALE_VEC32_UE8M0;
    cublasStatus_t code =
        call->desc_set(lt->desc, CUBLASLT_MATMUL_DESC_A_SCALE_MODE, &mode, sizeof mode);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = call->desc_set(lt->desc, CUBLASLT_MATMUL_DESC_B_SCALE_MODE, &mode, sizeof mode);
    /* The heuristic asks whether there are scales; each launch says where its own are. */
    return code == CUBLAS_STATUS_SUCCESS ? set_scales(lt, lt->one, lt->one) : code;
}

static cublasStatus_t set_eight_bits(const struct mlb_lt *lt)
{
    const int8_t fast = lt->params->accumulate != MLB_GEMM_SUMS_PRECISE;
    cublasStatus_t code =
        lt->api.call.desc_set(lt->desc, CUBLASLT_MATMUL_DESC_FAST_ACCUM, &fast, sizeof fast);
    return code == CUBLAS_STATUS_SUCCESS ? set_scales(lt, lt->one, lt->one) : code;
}

static enum mlb_status make_desc(struct mlb_lt *lt, struct mlb_error *err)
{
    int dtype = lt->params->dtype;
    cublasStatus_t code =
        lt->api.call.desc_create(&lt->desc, lt->recipe->compute, lt->recipe->scale);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = set_operations(lt);
    if (code == CUBLAS_STATUS_SUCCESS && (dtype == MLB_E4M3 || dtype == MLB_E5M2))
        code = set_eight_bits(lt);
    if (code == CUBLAS_STATUS_SUCCESS && mlb_gemm_in_blocks(lt->params))
        code = set_scale_modes(lt);
    return mlb_cublaslt_check(&lt->api, code, "matmul descriptor", err);
}

enum mlb_status mlb_lt_point_at_scales(const struct mlb_lt *lt, const void *first,
                                       const void *second, struct mlb_error *err)
{
    if (!mlb_gemm_in_blocks(lt->params))
        return MLB_OK;
    return mlb_cublaslt_check(&lt->api, set_scales(lt, first, second), "block scales", err);
}

/* --------------------------------------------------------------------------------- the matrices */

/* A row-major matrix of rows x columns; with a batch, `batch` of them one after the other. */
static cublasStatus_t make_layout(struct mlb_lt *lt, cublasLtMatrixLayout_t *layout,
                                  cudaDataType_t type, uint64_t rows, uint64_t columns,
                                  uint64_t batch)
{
    const struct mlb_cublaslt_functions *call = &lt->api.call;
    const int32_t count = (int32_t)batch;
    const int64_t apart = (int64_t)(rows * columns);
    cublasStatus_t code = call->layout_create(layout, type, columns, rows, (int64_t)columns);
    if (batch == 1 || code != CUBLAS_STATUS_SUCCESS)
        return code;
    code = call->layout_set(*layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = call->layout_set(*layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &apart,
                                sizeof apart);
    return code;
}

static enum mlb_status make_layouts(struct mlb_lt *lt, struct mlb_lt_product *product,
                                    uint64_t batch, struct mlb_error *err)
{
    const struct mlb_gemm_params *params = lt->params;
    uint64_t m = product->group.m, n = product->group.n, k = product->group.k;
    bool b_is_nk = params->pass == MLB_GEMM_FWD, a_is_km = params->pass == MLB_GEMM_WGRAD;
    cublasStatus_t code =
        make_layout(lt, &product->first, operand_type(params, mlb_gemm_in_b(params)),
                    b_is_nk ? n : k, b_is_nk ? k : n, batch);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = make_layout(lt, &product->second, operand_type(params, mlb_gemm_in(params)),
                           a_is_km ? k : m, a_is_km ? m : k, batch);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = make_layout(lt, &product->result, type_of(mlb_gemm_out(params)), m, n, batch);
    return mlb_cublaslt_check(&lt->api, code, "matrix layout", err);
}

/* --------------------------------------------------------------------------------- algorithms */

/* The largest power of two that divides all of `bytes`, at most ALIGN_MOST. */
static uint32_t alignment(size_t bytes)
{
    size_t low = bytes & (~bytes + 1);
    return low == 0 || low > ALIGN_MOST ? ALIGN_MOST : (uint32_t)low;
}

/* Operands of an uneven batch begin where the tokens before them end. */
static cublasStatus_t set_alignment(const struct mlb_lt *lt, const struct mlb_lt_product *product,
                                    cublasLtMatmulPreference_t preference)
{
    const struct {
        cublasLtMatmulPreferenceAttributes_t attribute;
        uint32_t bytes;
    } rows[] = {{CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(product->b_bytes)},
                {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(product->a_bytes)},
                {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(product->c_bytes)},
                {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(product->c_bytes)}};
    cublasStatus_t code = CUBLAS_STATUS_SUCCESS;
    for (size_t i = 0; i < 4 && code == CUBLAS_STATUS_SUCCESS; i++)
        if (rows[i].bytes < ALIGN_MOST)
            code = lt->api.call.preference_set(preference, rows[i].attribute, &rows[i].bytes,
                                               sizeof rows[i].bytes);
    return code;
}

/* Split sums are added in the compute type: adding them in bf16 would be faster and less exact. */
static cublasStatus_t make_preference(const struct mlb_lt *lt, const struct mlb_lt_product *product,
                                      cublasLtMatmulPreference_t *preference)
{
    const struct mlb_cublaslt_functions *call = &lt->api.call;
    const uint64_t workspace = MLB_LT_WORKSPACE_BYTES;
    const uint32_t reduction = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    cublasStatus_t code = call->preference_create(preference);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = call->preference_set(*preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                    &workspace, sizeof workspace);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = call->preference_set(*preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                    &reduction, sizeof reduction);
    return code == CUBLAS_STATUS_SUCCESS ? set_alignment(lt, product, *preference) : code;
}

/* Keep the proposals that can run, best guess first. */
static void keep_usable(struct mlb_lt_product *product)
{
    for (int i = 0; i < product->returned; i++)
        if (product->found[i].state == CUBLAS_STATUS_SUCCESS &&
            product->found[i].workspaceSize <= MLB_LT_WORKSPACE_BYTES)
            product->found[product->found_count++] = product->found[i];
}

static enum mlb_status find_algorithms(const struct mlb_lt *lt, struct mlb_lt_product *product,
                                       struct mlb_error *err)
{
    cublasLtMatmulPreference_t preference = NULL;
    cublasStatus_t code = make_preference(lt, product, &preference);
    enum mlb_status status = mlb_cublaslt_check(&lt->api, code, "matmul preference", err);
    if (status == MLB_OK) {
        code = lt->api.call.heuristic(lt->handle, lt->desc, product->first, product->second,
                                      product->result, product->result, preference, product->asked,
                                      product->found, &product->returned);
        status = mlb_cublaslt_check(&lt->api, code, "no algorithm for this type and shape", err);
    }
    if (preference)
        lt->api.call.preference_destroy(preference);
    if (status != MLB_OK)
        return status;
    keep_usable(product);
    if (product->found_count == 0)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "cuBLASLt: none of %d proposed algorithms can run",
                        product->returned);
    return MLB_OK;
}

/* ------------------------------------------------------------------------------------- products */

/* A batch of products that are alike is one call; of unlike ones each is a call of its own, since
 * this interface has batches of one shape only. */
static enum mlb_status make_products(struct mlb_lt *lt, int asked, struct mlb_error *err)
{
    const struct mlb_gemm_params *params = lt->params;
    uint64_t batch = params->batch ? params->batch : 1;
    bool alike = params->spread == MLB_GEMM_EVEN;
    enum mlb_status status = MLB_OK;
    lt->count = alike ? 1 : (size_t)batch;
    lt->products = calloc(lt->count, sizeof *lt->products);
    if (!lt->products)
        return mlb_fail(err, MLB_E_NOMEM, "gemm cublaslt: %zu products: out of memory", lt->count);
    for (size_t i = 0; i < lt->count && status == MLB_OK; i++) {
        struct mlb_lt_product *product = &lt->products[i];
        product->group = mlb_gemm_group(params, i);
        product->a_bytes = product->group.a * mlb_dtype_bytes(mlb_gemm_in(params));
        product->b_bytes = product->group.b * mlb_dtype_bytes(mlb_gemm_in_b(params));
        product->c_bytes = product->group.c * mlb_dtype_bytes(mlb_gemm_out(params));
        product->asked = asked;
        status = make_layouts(lt, product, alike ? batch : 1, err);
        if (status == MLB_OK)
            status = find_algorithms(lt, product, err);
    }
    return status;
}

enum mlb_status mlb_lt_describe(struct mlb_lt *lt, int asked, struct mlb_error *err)
{
    enum mlb_status status =
        mlb_cublaslt_check(&lt->api, lt->api.call.create(&lt->handle), "start", err);
    if (status == MLB_OK)
        status = make_desc(lt, err);
    return status == MLB_OK ? make_products(lt, asked, err) : status;
}

void mlb_lt_free(struct mlb_lt *lt)
{
    const struct mlb_cublaslt_functions *call = &lt->api.call;
    for (size_t i = 0; lt->products && i < lt->count; i++) {
        const struct mlb_lt_product *product = &lt->products[i];
        if (product->result)
            call->layout_destroy(product->result);
        if (product->second)
            call->layout_destroy(product->second);
        if (product->first)
            call->layout_destroy(product->first);
    }
    free(lt->products);
    if (lt->desc)
        call->desc_destroy(lt->desc);
    if (lt->handle)
        call->destroy(lt->handle);
    mlb_cublaslt_close(&lt->api);
}
