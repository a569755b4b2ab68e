/* SPDX-License-Identifier: Apache-2.0 */
/* Between p2p_cuda.c, which knows states and statuses, and p2p_cuda.cu, which knows the kernel. */
#ifndef MLB_KERNELS_TRANSFER_P2P_CUDA_H
#define MLB_KERNELS_TRANSFER_P2P_CUDA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Enqueue on `stream` (a cudaStream_t) one thread that goes on from *cursor for `hops` loads:
 * at = chain[at]. Returns a cudaError_t. */
int mlb_p2p_walk(void *stream, const uint64_t *chain, uint64_t *cursor, unsigned hops);

#ifdef __cplusplus
}
#endif

#endif
