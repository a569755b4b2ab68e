/* SPDX-License-Identifier: Apache-2.0 */
/* Between memory_cuda.c, which knows states and statuses, and memory_cuda.cu, which knows kernels.
 */
#ifndef MLB_KERNELS_MEMORY_CUDA_H
#define MLB_KERNELS_MEMORY_CUDA_H

#include <stddef.h>

#include "kernels/memory/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Blocks in the grid for each SM: several waves of the few that run at once, so that an SM which is
 * done early takes over work, and each block still goes over many tiles. */
#define MLB_MEMORY_GRID_PER_SM 32

/* Enqueue one step on `stream` (a cudaStream_t) with at most `most_blocks` blocks, which is also
 * how many sums READ writes at most. Returns a cudaError_t. */
int mlb_memory_launch(const struct mlb_memory *memory, size_t most_blocks, void *stream);

#ifdef __cplusplus
}
#endif

#endif
