/* SPDX-License-Identifier: Apache-2.0 */
/* Between gemm_own.c, which knows states and statuses, and the .cu files, which know kernels. */
#ifndef MLB_KERNELS_GEMM_OWN_H
#define MLB_KERNELS_GEMM_OWN_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One product, as gemm.h describes it; extents are multiples of 8. */
struct mlb_gemm_call {
    int dtype; /* MLB_BF16 or MLB_F16 */
    int pass;  /* enum mlb_gemm_pass */
    unsigned m, n, k;
    const void *a, *b;
    void *c;
};

/* All return a cudaError_t. `prepare` once before the first launch of this dtype and pass. */
int mlb_gemm_mma_prepare(const struct mlb_gemm_call *call);
int mlb_gemm_mma_launch(const struct mlb_gemm_call *call, void *stream);

/* Rows of the boxes of A, B and C that the kernel asks TMA for; all are 64 elements wide. */
void mlb_gemm_wgmma_boxes(int pass, unsigned rows[3]);
/* Is there code for the present device in this build? Needs its context. */
bool mlb_gemm_wgmma_built(int dtype, int pass);
/* Sets *clusters to how many clusters of blocks run at once. */
int mlb_gemm_wgmma_prepare(const struct mlb_gemm_call *call, unsigned *clusters);
/* maps: three CUtensorMap, of A, B and C. */
int mlb_gemm_wgmma_launch(const struct mlb_gemm_call *call, void *maps, unsigned clusters,
                          void *stream);

#ifdef __cplusplus
}
#endif

#endif
