/* SPDX-License-Identifier: Apache-2.0 */
/* Between attention_mma.c, which knows statuses, and attention_mma_*.cu, which know kernels.
 *
 * Launchers enqueue on `stream` (a cudaStream_t) and return a cudaError_t. */
#ifndef MLB_KERNELS_ATTENTION_MMA_H
#define MLB_KERNELS_ATTENTION_MMA_H

#include "kernels/attention/attention_own.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Shared memory that a block of the kernel for these head dims takes, in bytes; 0: there is no such
 * kernel. Forward has 64, 128, 256 and 192/128, backward 64 and 128. */
size_t mlb_attention_mma_forward_shared_bytes(int dim, int dim_v);
size_t mlb_attention_mma_backward_shared_bytes(int dim, int dim_v);
size_t mlb_attention_mma_workspace_bytes(const struct mlb_attention_call *call);
int mlb_attention_mma_forward(const struct mlb_attention_call *call, void *stream);
int mlb_attention_mma_backward(const struct mlb_attention_call *call, void *stream);

#ifdef __cplusplus
}
#endif

#endif
