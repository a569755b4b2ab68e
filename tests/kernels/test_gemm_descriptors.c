/* SPDX-License-Identifier: Apache-2.0 */
/* What the cuBLASLt variants describe, told to the real library: every attribute has the size and
 * the value that it takes. Starting it and asking its heuristic need a GPU; these two are stood in
 * for. Skipped where the library is missing. */
#include <stdlib.h>

#include "kernels/gemm/gemm_cublaslt.h"
#include "tests/check.h"

#define SKIPPED 77 /* ctest's code for it */

static cublasStatus_t start(cublasLtHandle_t *handle)
{
    *handle = NULL;
    return CUBLAS_STATUS_SUCCESS;
}

/* One proposal, without asking the library. */
static cublasStatus_t propose(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                              cublasLtMatmulPreference_t preference, int room,
                              cublasLtMatmulHeuristicResult_t *results, int *got)
{
    (void)handle, (void)a, (void)b, (void)c, (void)d;
    check_true(desc && preference && room == 32);
    results[0] = (cublasLtMatmulHeuristicResult_t){.state = CUBLAS_STATUS_SUCCESS};
    *got = 1;
    return CUBLAS_STATUS_SUCCESS;
}

static bool open_library(struct mlb_lt *lt, struct mlb_error *err)
{
    if (mlb_cublaslt_open(&lt->api, err) != MLB_OK)
        return false;
    lt->api.call.create = start;
    lt->api.call.heuristic = propose;
    return true;
}

static void test_every_description_is_taken(void **unused)
{
    static const struct mlb_gemm_params rows[] = {
        {.dtype = MLB_F64},
        {.dtype = MLB_F32, .pass = MLB_GEMM_DGRAD},
        {.dtype = MLB_TF32},
        {.dtype = MLB_F16, .out = MLB_GEMM_C_F32},
        {.dtype = MLB_BF16, .out = MLB_GEMM_C_F32_ADD, .pass = MLB_GEMM_WGRAD},
        {.dtype = MLB_S8},
        {.dtype = MLB_E4M3, .accumulate = MLB_GEMM_SUMS_FAST},
        {.dtype = MLB_E5M2, .accumulate = MLB_GEMM_SUMS_PRECISE},
        {.dtype = MLB_GEMM_MXFP8},
        {.dtype = MLB_GEMM_NVFP4},
        {.dtype = MLB_BF16, .batch = 4},
        {.dtype = MLB_BF16, .batch = 4, .spread = MLB_GEMM_UNEVEN},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_gemm_params params = rows[i];
        struct mlb_error err = {0};
        params.m = 200;
        params.n = 272;
        params.k = 96;
        /* Never read: pointers of a descriptor are only kept. */
        static char one[16], scales[16];
        struct mlb_lt lt = {.params = &params, .recipe = mlb_lt_recipe(params.dtype), .one = one};
        check_true(open_library(&lt, &err));
        check_ok(mlb_lt_describe(&lt, 32, &err), &err);
        check_ok(mlb_lt_point_at_scales(&lt, scales, scales, &err), &err);
        check_u64(lt.count, params.spread ? 4 : 1);
        mlb_lt_free(&lt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_description_is_taken)};
    struct mlb_lt lt = {0};
    struct mlb_error err = {0};
    if (!open_library(&lt, &err)) {
        printf("%s\n", err.text);
        return SKIPPED;
    }
    mlb_cublaslt_close(&lt.api);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
