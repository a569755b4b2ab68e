/* SPDX-License-Identifier: Apache-2.0 */
/* Between memory_cuda.c, which knows states and statuses, and the .cu files, which know kernels. */
#ifndef MLB_KERNELS_MEMORY_CUDA_H
#define MLB_KERNELS_MEMORY_CUDA_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/memory/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Blocks in the grid for each SM: several waves of the few that run at once, so that an SM which is
 * done early takes over work, and each block still goes over many tiles. */
#define MLB_MEMORY_GRID_PER_SM 32

/* How a step is done, in the order of MLB_MEMORY_WAY_LIST. Which one is fastest depends on the GPU,
 * the operation and the size. */
enum mlb_memory_way {
    MLB_MEMORY_GRID,            /* blocks that stay and go over many tiles */
    MLB_MEMORY_GRID_STREAMING,  /* the same, lines marked as used once */
    MLB_MEMORY_TILES,           /* a block for each tile */
    MLB_MEMORY_TILES_STREAMING, /* the same, lines marked as used once */
    MLB_MEMORY_BULK,   /* copy only: through shared memory by the tensor memory accelerator */
    MLB_MEMORY_MEMCPY, /* copy only: cudaMemcpyAsync, as PyTorch's copy_ does */
    MLB_MEMORY_WAYS
};

/* Can a GPU of this compute capability (90 is 9.0) do the operation in this way? */
bool mlb_memory_way_fits(enum mlb_memory_way way, enum mlb_memory_op op, uint32_t capability);

/* Enqueue one step on `stream` (a cudaStream_t) in one of the first four ways. A grid has at most
 * `most_blocks` blocks, which is also how many sums READ writes at most: it is done by grids only.
 * Returns a cudaError_t. */
int mlb_memory_launch(const struct mlb_memory *memory, enum mlb_memory_way way, size_t most_blocks,
                      void *stream);

/* Enqueue a copy of `bytes`, a multiple of 16, by bulk copies (compute capability 9.0 and up) on a
 * GPU of `units` SMs. Returns a cudaError_t: cudaErrorNoKernelImageForDevice when this build has
 * the kernel for older architectures only. */
int mlb_memory_launch_bulk(void *to, const void *from, size_t bytes, size_t units, void *stream);

#ifdef __cplusplus
}
#endif

#endif
