/* SPDX-License-Identifier: Apache-2.0 */
/* cuBLASLt, opened at run time: the table of what is used of it. */
#ifndef MLB_KERNELS_GEMM_CUBLASLT_H
#define MLB_KERNELS_GEMM_CUBLASLT_H

#include <stdbool.h>
#include <stddef.h>

#include <cublasLt.h>

#include "harness/base/status.h"
#include "harness/device/dynlib.h"

/* Of headers before 12.8, which know no blocks: the values of later ones, so that a program that
 * was built with an old Toolkit finds what a newer library can do. */
#if CUBLAS_VERSION < 120800
#define CUDA_R_4F_E2M1                           ((cudaDataType_t)33)
#define CUBLASLT_MATMUL_DESC_A_SCALE_MODE        ((cublasLtMatmulDescAttributes_t)31)
#define CUBLASLT_MATMUL_DESC_B_SCALE_MODE        ((cublasLtMatmulDescAttributes_t)32)
#define CUBLASLT_MATMUL_MATRIX_SCALE_VEC16_UE4M3 1
#define CUBLASLT_MATMUL_MATRIX_SCALE_VEC32_UE8M0 2
#endif

/* X(member, function). Prototypes are the header's own. */
#define MLB_CUBLASLT_LIST(X)                                                                       \
    X(create, cublasLtCreate)                                                                      \
    X(destroy, cublasLtDestroy)                                                                    \
    X(version, cublasLtGetVersion)                                                                 \
    X(status_name, cublasLtGetStatusName)                                                          \
    X(desc_create, cublasLtMatmulDescCreate)                                                       \
    X(desc_destroy, cublasLtMatmulDescDestroy)                                                     \
    X(desc_set, cublasLtMatmulDescSetAttribute)                                                    \
    X(layout_create, cublasLtMatrixLayoutCreate)                                                   \
    X(layout_set, cublasLtMatrixLayoutSetAttribute)                                                \
    X(layout_destroy, cublasLtMatrixLayoutDestroy)                                                 \
    X(preference_create, cublasLtMatmulPreferenceCreate)                                           \
    X(preference_destroy, cublasLtMatmulPreferenceDestroy)                                         \
    X(preference_set, cublasLtMatmulPreferenceSetAttribute)                                        \
    X(heuristic, cublasLtMatmulAlgoGetHeuristic)                                                   \
    X(algo_get, cublasLtMatmulAlgoConfigGetAttribute)                                              \
    X(matmul, cublasLtMatmul)

struct mlb_cublaslt_functions {
#define MLB_CUBLASLT_POINTER(member, function) __typeof__(function) *member;
    MLB_CUBLASLT_LIST(MLB_CUBLASLT_POINTER)
#undef MLB_CUBLASLT_POINTER
};

/* Zero-initialise; mlb_cublaslt_close accepts that. */
struct mlb_cublaslt {
    struct mlb_dynlib library;
    struct mlb_cublaslt_functions call;
};

/* The library stays in the process when closed: opening it again costs microseconds. */
enum mlb_status mlb_cublaslt_open(struct mlb_cublaslt *lt, struct mlb_error *err);
void mlb_cublaslt_close(struct mlb_cublaslt *lt);

/* MLB_OK for success; else a status and "cuBLASLt: WHAT: CUBLAS_STATUS_...". */
enum mlb_status mlb_cublaslt_check(const struct mlb_cublaslt *lt, cublasStatus_t code,
                                   const char *what, struct mlb_error *err);

/* "cuBLASLt 13.1.0" */
void mlb_cublaslt_version(const struct mlb_cublaslt *lt, char *to, size_t size);

#endif
