/* SPDX-License-Identifier: Apache-2.0 */
/* Between launch_cuda.c, which knows states and statuses, and launch_cuda.cu, which knows the
 * kernel. */
#ifndef MLB_KERNELS_LAUNCH_LAUNCH_CUDA_H
#define MLB_KERNELS_LAUNCH_LAUNCH_CUDA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Enqueue on `stream` (a cudaStream_t) one thread that adds 1 to *counter, or with NULL does
 * nothing. Returns a cudaError_t. */
int mlb_launch_tick(void *stream, uint64_t *counter);

#ifdef __cplusplus
}
#endif

#endif
