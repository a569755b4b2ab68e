/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the cuBLASLt variants share.
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
#ifndef MLB_KERNELS_GEMM_GEMM_CUBLASLT_H
#define MLB_KERNELS_GEMM_GEMM_CUBLASLT_H

#include "kernels/gemm/cublaslt.h"
#include "kernels/gemm/gemm.h"
#include "kernels/tune.h"

#define MLB_LT_WORKSPACE_BYTES                                                                     \
    (UINT64_C(64) << 20) /* NVIDIA recommends 32 MiB or more on Hopper                             \
                          */

union mlb_lt_scalar {
    float f32;
    double f64;
    int32_t s32;
};

/* How a type is multiplied. f16 and bf16 are summed in f32. */
struct mlb_lt_recipe {
    int dtype; /* enum mlb_dtype or enum mlb_gemm_blocks */
    cublasComputeType_t compute;
    cudaDataType_t scale;
    uint32_t capability; /* that the device needs: 89 for 8.9 */
    size_t version;      /* that the library needs, as cublasLtGetVersion tells it; 0 = any */
    union mlb_lt_scalar one, zero;
};

/* One call of cublasLtMatmul: a product, or a batch of products that are all alike. */
struct mlb_lt_product {
    struct mlb_gemm_group group;
    size_t a_bytes, b_bytes, c_bytes; /* that stand before its operands */
    cublasLtMatrixLayout_t first, second, result;
    int asked, returned; /* proposals */
    /* Those that can run, best guess first. */
    cublasLtMatmulHeuristicResult_t found[MLB_TUNE_CANDIDATES];
    size_t found_count;
    struct mlb_tune_result tuned;
};

struct mlb_lt {
    struct mlb_cublaslt api;
    const struct mlb_lt_recipe *recipe;
    const struct mlb_gemm_params *params; /* the case's; outlives this */
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t desc;
    void *workspace;
    void *one;                       /* f32 1.0 on the device: the scale of 8-bit floats */
    struct mlb_lt_product *products; /* a step is all of them */
    size_t count;
};

/* ---- gemm_cublaslt_check.c */

/* NULL when there is none. */
const struct mlb_lt_recipe *mlb_lt_recipe(int dtype);
/* Can this device and this library multiply this? Opens the library. */
enum mlb_status mlb_lt_can(const struct mlb_gemm_params *params, const struct mlb_ctx *ctx,
                           struct mlb_error *err);

/* ---- gemm_cublaslt_describe.c: descriptors and algorithms */

/* Open the library and describe the products; the recipe and `params` are set. `asked`: proposals
 * wanted for each. No memory of the operands' size. */
enum mlb_status mlb_lt_describe(struct mlb_lt *lt, int asked, struct mlb_error *err);
/* Where the scales of this set's blocks are; nothing to do for other types. */
enum mlb_status mlb_lt_point_at_scales(const struct mlb_lt *lt, const void *first,
                                       const void *second, struct mlb_error *err);
void mlb_lt_free(struct mlb_lt *lt); /* all but device memory */

#endif
