/* SPDX-License-Identifier: Apache-2.0 */
/* A cuBLASLt for tests on machines without a GPU: the real header's functions over host memory,
 * with the plainest reading of the documentation (column-major, op(A) op(B)). It refuses what the
 * real one refuses, and what mlbench promises never to ask for. */
#include <cublasLt.h>

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/dtype.h"
#include "tests/kernels/fake_cublaslt.h"

/* What cublasLtMatmulAlgo_t::data holds. */
enum { ALGO_NUMBER, ALGO_ALIGN_A, ALGO_ALIGN_B, ALGO_ALIGN_D };

struct desc {
    cublasComputeType_t compute;
    cudaDataType_t scale;
    int32_t first, second; /* cublasOperation_t */
    int8_t fast;
    int32_t mode[2]; /* of the scales of the first and the second operand */
    const void *scales[2];
};

struct layout {
    cudaDataType_t type;
    uint64_t rows, columns;
    int64_t ld;
    int32_t batch;
    int64_t apart;
};

struct preference {
    uint64_t workspace;
    uint32_t reduction;
    uint32_t align[4]; /* A, B, C, D */
};

extern struct fake_cublaslt fake_cublaslt;
struct fake_cublaslt fake_cublaslt = {.version = CUBLAS_VER_MAJOR * 10000 + 742, .algorithm = -1};

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
    return fake_cublaslt.version;
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
    *desc = (struct desc){
        .compute = compute, .scale = scale, .first = CUBLAS_OP_N, .second = CUBLAS_OP_N};
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
    const struct {
        cublasLtMatmulDescAttributes_t attribute;
        void *value;
        size_t bytes;
    } rows[] = {
        {CUBLASLT_MATMUL_DESC_TRANSA, &desc->first, sizeof desc->first},
        {CUBLASLT_MATMUL_DESC_TRANSB, &desc->second, sizeof desc->second},
        {CUBLASLT_MATMUL_DESC_FAST_ACCUM, &desc->fast, sizeof desc->fast},
        {CUBLASLT_MATMUL_DESC_A_SCALE_MODE, &desc->mode[0], sizeof desc->mode[0]},
        {CUBLASLT_MATMUL_DESC_B_SCALE_MODE, &desc->mode[1], sizeof desc->mode[1]},
        {CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &desc->scales[0], sizeof desc->scales[0]},
        {CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &desc->scales[1], sizeof desc->scales[1]},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].attribute == attribute && rows[i].bytes == bytes) {
            memcpy(rows[i].value, value, bytes);
            return CUBLAS_STATUS_SUCCESS;
        }
    return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *to, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t ld)
{
    struct layout *layout = calloc(1, sizeof *layout);
    *layout = (struct layout){type, rows, columns, ld, 1, 0};
    *to = (void *)layout;
    return ld >= (int64_t)rows ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t to,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                const void *value, size_t bytes)
{
    struct layout *layout = (void *)to;
    if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT && bytes == sizeof layout->batch)
        memcpy(&layout->batch, value, bytes);
    else if (attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET &&
             bytes == sizeof layout->apart)
        memcpy(&layout->apart, value, bytes);
    else
        return CUBLAS_STATUS_INVALID_VALUE;
    return CUBLAS_STATUS_SUCCESS;
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
    for (size_t i = 0; i < 4; i++)
        preference->align[i] = 256;
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
    else if (attribute >= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES &&
             attribute <= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES && bytes == sizeof(uint32_t))
        memcpy(&preference->align[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value,
               bytes);
    else
        return CUBLAS_STATUS_INVALID_VALUE;
    return CUBLAS_STATUS_SUCCESS;
}

/* Rows of the type table of cublasLtMatmul that mlbench uses. Only 10.x takes 8-bit floats in other
 * ways than T, N; this is one. */
static bool known_types(const struct desc *desc, cudaDataType_t first, cudaDataType_t second,
                        cudaDataType_t out)
{
    static const struct {
        cublasComputeType_t compute;
        cudaDataType_t scale, first, second, out;
        bool only_tn;
        int32_t mode; /* of the scales */
    } rows[] = {
        {CUBLAS_COMPUTE_64F, CUDA_R_64F, CUDA_R_64F, CUDA_R_64F, CUDA_R_64F, false, 0},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, false, 0},
        {CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, false, 0},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16BF, CUDA_R_16BF, CUDA_R_16BF, false, 0},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16BF, CUDA_R_16BF, CUDA_R_32F, false, 0},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16F, CUDA_R_16F, CUDA_R_16F, false, 0},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16F, CUDA_R_16F, CUDA_R_32F, false, 0},
        {CUBLAS_COMPUTE_32I, CUDA_R_32I, CUDA_R_8I, CUDA_R_8I, CUDA_R_32I, true, 0},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_8F_E4M3, CUDA_R_8F_E4M3, CUDA_R_16BF, false, 0},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_8F_E4M3, CUDA_R_8F_E4M3, CUDA_R_32F, false, 0},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_8F_E4M3, CUDA_R_8F_E5M2, CUDA_R_16BF, false, 0},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_8F_E4M3, CUDA_R_8F_E5M2, CUDA_R_32F, false, 0},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_8F_E4M3, CUDA_R_8F_E4M3, CUDA_R_16BF, true,
         CUBLASLT_MATMUL_MATRIX_SCALE_VEC32_UE8M0},
        {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_4F_E2M1, CUDA_R_4F_E2M1, CUDA_R_16BF, true,
         CUBLASLT_MATMUL_MATRIX_SCALE_VEC16_UE4M3},
    };
    bool tn = desc->first == CUBLAS_OP_T && desc->second == CUBLAS_OP_N;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].compute == desc->compute && rows[i].scale == desc->scale &&
            rows[i].first == first && rows[i].second == second && rows[i].out == out &&
            rows[i].mode == desc->mode[0] && rows[i].mode == desc->mode[1])
            return tn || !rows[i].only_tn;
    return false;
}

static bool small_float(cudaDataType_t type)
{
    return type == CUDA_R_8F_E4M3 || type == CUDA_R_8F_E5M2 || type == CUDA_R_4F_E2M1;
}

static bool shapes_fit(const struct desc *desc, const struct layout *a, const struct layout *b,
                       const struct layout *d)
{
    uint64_t m = desc->first == CUBLAS_OP_T ? a->columns : a->rows;
    uint64_t k = desc->first == CUBLAS_OP_T ? a->rows : a->columns;
    uint64_t n = desc->second == CUBLAS_OP_T ? b->rows : b->columns;
    uint64_t also_k = desc->second == CUBLAS_OP_T ? b->columns : b->rows;
    return m == d->rows && n == d->columns && k == also_k && a->batch == d->batch &&
           b->batch == d->batch;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t what,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t wanted, int room,
                                              cublasLtMatmulHeuristicResult_t results[], int *got)
{
    const struct preference *preference = (void *)wanted;
    const struct layout *la = (void *)a, *lb = (void *)b, *ld = (void *)d;
    const struct desc *desc = (void *)what;
    *got = 0;
    fake_cublaslt.asked = room;
    for (size_t i = 0; i < 4; i++)
        if (fake_cublaslt.least_aligned > preference->align[i])
            fake_cublaslt.least_aligned = preference->align[i];
    if (!handle || c != d || !shapes_fit(desc, la, lb, ld) ||
        preference->reduction != CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!known_types(desc, la->type, lb->type, ld->type) || ld->rows == 13)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (small_float(la->type) && (ld->rows % 16 || !desc->scales[0] || !desc->scales[1]))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    for (; *got < FAKE_ALGORITHMS && *got < room; (*got)++) {
        cublasLtMatmulHeuristicResult_t *result = &results[*got];
        memset(result, 0, sizeof *result);
        result->algo.data[ALGO_NUMBER] = (uint64_t)*got;
        result->algo.data[ALGO_ALIGN_A] = preference->align[0];
        result->algo.data[ALGO_ALIGN_B] = preference->align[1];
        result->algo.data[ALGO_ALIGN_D] = preference->align[3];
        result->workspaceSize = preference->workspace + (*got == FAKE_TOO_HUNGRY);
        result->state = *got == FAKE_REFUSED ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
    }
    return CUBLAS_STATUS_SUCCESS;
}

/* Numbers that a test knows again. */
cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algo,
                                                    cublasLtMatmulAlgoConfigAttributes_t attribute,
                                                    void *to, size_t bytes, size_t *written)
{
    bool two = attribute == CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID ||
               attribute == CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID;
    uint32_t value = 100u + 10u * (uint32_t)attribute + (uint32_t)algo->data[ALGO_NUMBER];
    uint16_t small = (uint16_t)value;
    if (bytes != (two ? 2 : 4))
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(to, two ? (const void *)&small : (const void *)&value, bytes);
    *written = bytes;
    return CUBLAS_STATUS_SUCCESS;
}

static enum mlb_dtype dtype_of(cudaDataType_t type)
{
    return type == CUDA_R_64F       ? MLB_F64
           : type == CUDA_R_32F     ? MLB_F32
           : type == CUDA_R_16BF    ? MLB_BF16
           : type == CUDA_R_16F     ? MLB_F16
           : type == CUDA_R_8I      ? MLB_S8
           : type == CUDA_R_8F_E4M3 ? MLB_E4M3
           : type == CUDA_R_8F_E5M2 ? MLB_E5M2
                                    : MLB_S32;
}

/* ---------------------------------------------------------------------------------------- reading
 */

/* One operand of a product. */
struct operand {
    const struct layout *layout;
    const void *data;
    int32_t operation, mode;
    const uint8_t *scales;
};

/* Two e2m1 in a byte: sign, two bits of exponent, one of mantissa. */
static double e2m1_at(const void *data, uint64_t index)
{
    unsigned bits = ((const uint8_t *)data)[index / 2] >> (index % 2 ? 4 : 0) & 0xfu;
    unsigned exponent = bits >> 1 & 3u, mantissa = bits & 1u;
    double size = exponent ? ldexp(1.0 + 0.5 * mantissa, (int)exponent - 1) : 0.5 * mantissa;
    return bits & 8u ? -size : size;
}

/* Column `line` of a k x lines matrix has a scale for each 16 or 32 elements. A tile of scales is
 * 128 lines x 4 blocks in 512 bytes; see the documentation's figure. */
static double scale_at(const struct operand *from, uint64_t line, uint64_t p)
{
    bool vec16 = from->mode == CUBLASLT_MATMUL_MATRIX_SCALE_VEC16_UE4M3;
    if (from->mode == 0)
        return small_float(from->layout->type) ? mlb_dtype_load(MLB_F32, from->scales, 0) : 1.0;
    uint64_t block = p / (vec16 ? 16 : 32), blocks = from->layout->rows / (vec16 ? 16 : 32);
    uint64_t across = (blocks + 3) / 4;
    const uint8_t *tile = from->scales + ((line >> 7) * across + (block >> 2)) * 512;
    uint8_t code = tile[(line & 31) * 16 + (line >> 5 & 3) * 4 + (block & 3)];
    return vec16 ? mlb_dtype_load(MLB_E4M3, &code, 0) : ldexp(1.0, (int)code - 127);
}

static double at(const struct operand *from, uint64_t number, uint64_t row, uint64_t column)
{
    const struct layout *layout = from->layout;
    bool turned = from->operation == CUBLAS_OP_T;
    uint64_t r = turned ? column : row, c = turned ? row : column;
    uint64_t index = number * (uint64_t)layout->apart + r + c * (uint64_t)layout->ld;
    double value = layout->type == CUDA_R_4F_E2M1
                       ? e2m1_at(from->data, index)
                       : mlb_dtype_load(dtype_of(layout->type), from->data, index);
    return value * scale_at(from, c, r);
}

static bool is_scalar(cudaDataType_t type, const void *scalar, double value)
{
    return mlb_dtype_load(dtype_of(type), scalar, 0) == value;
}

static void multiply(const struct operand *a, const struct operand *b, bool add,
                     const struct layout *ld, void *d)
{
    uint64_t depth = a->operation == CUBLAS_OP_T ? a->layout->rows : a->layout->columns;
    for (uint64_t number = 0; number < (uint64_t)ld->batch; number++)
        for (uint64_t j = 0; j < ld->columns; j++)
            for (uint64_t i = 0; i < ld->rows; i++) {
                uint64_t to = number * (uint64_t)ld->apart + i + j * (uint64_t)ld->ld;
                double sum = add ? mlb_dtype_load(dtype_of(ld->type), d, to) : 0.0;
                for (uint64_t p = 0; p < depth; p++)
                    sum += at(a, number, i, p) * at(b, number, p, j);
                mlb_dtype_store(dtype_of(ld->type), d, to, sum);
            }
}

/* ---------------------------------------------------------------------------------------- running
 */

static void remember(const struct desc *desc, const struct layout *la, const struct layout *lb,
                     const struct layout *ld, bool add, int algorithm)
{
    fake_cublaslt.algorithm = algorithm;
    fake_cublaslt.fast_accumulation = desc->fast;
    fake_cublaslt.first_scale_mode = desc->mode[0];
    fake_cublaslt.second_scale_mode = desc->mode[1];
    fake_cublaslt.batch = ld->batch;
    fake_cublaslt.first_apart = la->apart;
    fake_cublaslt.second_apart = lb->apart;
    fake_cublaslt.result_apart = ld->apart;
    fake_cublaslt.added = add;
    fake_cublaslt.calls++;
}

/* The hungry one would be fastest. */
static void take_time(int algorithm)
{
    double ms = algorithm == FAKE_SLOW ? 3.0 : algorithm == FAKE_FAST ? 1.0 : 0.1;
    fake_cublaslt.clock_ns += 1e6 * ms;
}

static bool aligned(const void *pointer, uint64_t to)
{
    return (uintptr_t)pointer % to == 0;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t what, const void *alpha,
                              const void *a, cublasLtMatrixLayout_t la, const void *b,
                              cublasLtMatrixLayout_t lb, const void *beta, const void *c,
                              cublasLtMatrixLayout_t lc, void *d, cublasLtMatrixLayout_t ld,
                              const cublasLtMatmulAlgo_t *algo, void *workspace, size_t bytes,
                              cudaStream_t stream)
{
    const struct desc *desc = (void *)what;
    int number = (int)algo->data[ALGO_NUMBER];
    bool add = is_scalar(desc->scale, beta, 1.0);
    const struct operand first = {(void *)la, a, desc->first, desc->mode[0], desc->scales[0]};
    const struct operand second = {(void *)lb, b, desc->second, desc->mode[1], desc->scales[1]};
    bool in_place = aligned(workspace, 256) && aligned(a, algo->data[ALGO_ALIGN_A]) &&
                    aligned(b, algo->data[ALGO_ALIGN_B]) && aligned(d, algo->data[ALGO_ALIGN_D]);
    if (!handle || stream || c != d || lc != ld || !in_place || bytes < (size_t)64 << 20 ||
        !is_scalar(desc->scale, alpha, 1.0) || !(add || is_scalar(desc->scale, beta, 0.0)))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (number == FAKE_REFUSED || number == FAKE_FAILS)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    take_time(number);
    memset(workspace, 0xff, 64);
    multiply(&first, &second, add, (void *)ld, d);
    remember(desc, (void *)la, (void *)lb, (void *)ld, add, number);
    return CUBLAS_STATUS_SUCCESS;
}
