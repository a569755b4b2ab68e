/* SPDX-License-Identifier: Apache-2.0 */
/* A cuBLASLt for tests on machines without a GPU: the real header's functions over host memory,
 * with the plainest reading of the documentation (column-major, op(A) op(B)). It refuses what the
 * real one refuses, and what mlbench promises never to ask for. */
#include <cublasLt.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/base/dtype.h"

/* The algorithms that the heuristic proposes, by their number. */
enum { SLOW, REFUSED, TOO_HUNGRY, FAILS, FAST, ALGORITHMS };

struct desc {
    cublasComputeType_t compute;
    cudaDataType_t scale;
    int32_t first, second; /* cublasOperation_t */
};

struct layout {
    cudaDataType_t type;
    uint64_t rows, columns;
    int64_t ld;
};

struct preference {
    uint64_t workspace;
    uint32_t reduction;
};

/* What the last product was computed with; read by the test through dlsym. */
int fake_cublaslt_last = -1;
extern int fake_cublaslt_last;

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    *handle = calloc(1, 1);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

size_t cublasLtGetVersion(void)
{
    return CUBLAS_VER_MAJOR * 10000 + 742;
}

const char *cublasLtGetStatusName(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_NOT_SUPPORTED   ? "CUBLAS_STATUS_NOT_SUPPORTED"
           : status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE"
                                                   : "another status";
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *to, cublasComputeType_t compute,
                                        cudaDataType_t scale)
{
    struct desc *desc = calloc(1, sizeof *desc);
    *desc = (struct desc){compute, scale, CUBLAS_OP_N, CUBLAS_OP_N};
    *to = (void *)desc;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc)
{
    free(desc);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t to,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void *value, size_t bytes)
{
    struct desc *desc = (void *)to;
    if (bytes != sizeof(int32_t))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (attribute == CUBLASLT_MATMUL_DESC_TRANSA)
        memcpy(&desc->first, value, bytes);
    else if (attribute == CUBLASLT_MATMUL_DESC_TRANSB)
        memcpy(&desc->second, value, bytes);
    else
        return CUBLAS_STATUS_INVALID_VALUE;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *to, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t ld)
{
    struct layout *layout = calloc(1, sizeof *layout);
    *layout = (struct layout){type, rows, columns, ld};
    *to = (void *)layout;
    return ld >= (int64_t)rows ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    free(layout);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *to)
{
    struct preference *preference = calloc(1, sizeof *preference);
    preference->reduction = CUBLASLT_REDUCTION_SCHEME_MASK;
    *to = (void *)preference;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference)
{
    free(preference);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t to,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void *value, size_t bytes)
{
    struct preference *preference = (void *)to;
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES && bytes == sizeof(uint64_t))
        memcpy(&preference->workspace, value, bytes);
    else if (attribute == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK && bytes == sizeof(uint32_t))
        memcpy(&preference->reduction, value, bytes);
    else
        return CUBLAS_STATUS_INVALID_VALUE;
    return CUBLAS_STATUS_SUCCESS;
}

/* Rows of the type table of cublasLtMatmul that mlbench uses. */
static bool known_types(const struct desc *desc, cudaDataType_t in, cudaDataType_t out)
{
    static const struct {
        cublasComputeType_t compute;
        cudaDataType_t scale, in, out;
    } rows[] = {
        {CUBLAS_COMPUTE_64F, CUDA_R_64F, CUDA_R_64F, CUDA_R_64F},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F},
        {CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16BF, CUDA_R_16BF},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16F, CUDA_R_16F},
        {CUBLAS_COMPUTE_32I, CUDA_R_32I, CUDA_R_8I, CUDA_R_32I},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].compute == desc->compute && rows[i].scale == desc->scale && rows[i].in == in &&
            rows[i].out == out)
            return in != CUDA_R_8I || (desc->first == CUBLAS_OP_T && desc->second == CUBLAS_OP_N);
    return false;
}

static bool shapes_fit(const struct desc *desc, const struct layout *a, const struct layout *b,
                       const struct layout *d)
{
    uint64_t m = desc->first == CUBLAS_OP_T ? a->columns : a->rows;
    uint64_t k = desc->first == CUBLAS_OP_T ? a->rows : a->columns;
    uint64_t n = desc->second == CUBLAS_OP_T ? b->rows : b->columns;
    uint64_t also_k = desc->second == CUBLAS_OP_T ? b->columns : b->rows;
    return m == d->rows && n == d->columns && k == also_k;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t wanted, int room,
                                              cublasLtMatmulHeuristicResult_t results[], int *got)
{
    const struct preference *preference = (void *)wanted;
    const struct layout *la = (void *)a, *lb = (void *)b, *ld = (void *)d;
    *got = 0;
    if (!handle || c != d || !shapes_fit((void *)desc, la, lb, ld) ||
        preference->reduction != CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!known_types((void *)desc, la->type, ld->type) || la->type != lb->type || ld->rows == 13)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    for (; *got < ALGORITHMS && *got < room; (*got)++) {
        cublasLtMatmulHeuristicResult_t *result = &results[*got];
        memset(result, 0, sizeof *result);
        result->algo.data[0] = (uint64_t)*got;
        result->workspaceSize = preference->workspace + (*got == TOO_HUNGRY);
        result->state = *got == REFUSED ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
    }
    return CUBLAS_STATUS_SUCCESS;
}

static enum mlb_dtype dtype_of(cudaDataType_t type)
{
    return type == CUDA_R_64F    ? MLB_F64
           : type == CUDA_R_32F  ? MLB_F32
           : type == CUDA_R_16BF ? MLB_BF16
           : type == CUDA_R_16F  ? MLB_F16
           : type == CUDA_R_8I   ? MLB_S8
                                 : MLB_S32;
}

static double at(const struct layout *layout, const void *data, int32_t operation, uint64_t row,
                 uint64_t column)
{
    uint64_t r = operation == CUBLAS_OP_T ? column : row;
    uint64_t c = operation == CUBLAS_OP_T ? row : column;
    return mlb_dtype_load(dtype_of(layout->type), data, r + c * (uint64_t)layout->ld);
}

static bool is_scalar(cudaDataType_t type, const void *scalar, double value)
{
    return mlb_dtype_load(dtype_of(type), scalar, 0) == value;
}

static void multiply(const struct desc *desc, const struct layout *la, const void *a,
                     const struct layout *lb, const void *b, const struct layout *ld, void *d)
{
    uint64_t depth = desc->first == CUBLAS_OP_T ? la->rows : la->columns;
    for (uint64_t j = 0; j < ld->columns; j++)
        for (uint64_t i = 0; i < ld->rows; i++) {
            double sum = 0.0;
            for (uint64_t p = 0; p < depth; p++)
                sum += at(la, a, desc->first, i, p) * at(lb, b, desc->second, p, j);
            mlb_dtype_store(dtype_of(ld->type), d, i + j * (uint64_t)ld->ld, sum);
        }
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t what, const void *alpha,
                              const void *a, cublasLtMatrixLayout_t la, const void *b,
                              cublasLtMatrixLayout_t lb, const void *beta, const void *c,
                              cublasLtMatrixLayout_t lc, void *d, cublasLtMatrixLayout_t ld,
                              const cublasLtMatmulAlgo_t *algo, void *workspace, size_t bytes,
                              cudaStream_t stream)
{
    const struct desc *desc = (void *)what;
    const struct timespec nap = {.tv_nsec = 100000};
    bool aligned = ((uintptr_t)workspace | (uintptr_t)a | (uintptr_t)b | (uintptr_t)d) % 256 == 0;
    if (!handle || stream || c != d || lc != ld || !aligned || bytes < (size_t)64 << 20 ||
        !is_scalar(desc->scale, alpha, 1.0) || !is_scalar(desc->scale, beta, 0.0))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (algo->data[0] == REFUSED || algo->data[0] == FAILS)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (((const struct layout *)(void *)ld)->rows == 64) /* the hungry one would be fastest */
        for (unsigned naps = algo->data[0] == SLOW   ? 3
                             : algo->data[0] == FAST ? 1
                                                     : 0;
             naps; naps--)
            nanosleep(&nap, NULL);
    memset(workspace, 0xff, 64);
    multiply(desc, (void *)la, a, (void *)lb, b, (void *)ld, d);
    fake_cublaslt_last = (int)algo->data[0];
    return CUBLAS_STATUS_SUCCESS;
}
