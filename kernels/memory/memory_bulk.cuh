/* SPDX-License-Identifier: Apache-2.0 */
/* A copy in which threads move nothing: one thread a block hands chunks to the tensor memory
 * accelerator, which brings them into shared memory and takes them out again. A block has STAGES
 * chunks under way, AHEAD of them coming in while the others go out; the shared memory of an SM
 * holds BLOCKS_PER_SM of such blocks: 120 KB that come in at once, where an H200 needs about 25 KB
 * an SM by Little's law (memory_cuda.cu). */
#ifndef MLB_KERNELS_MEMORY_MEMORY_BULK_CUH
#define MLB_KERNELS_MEMORY_MEMORY_BULK_CUH

#include <stddef.h>
#include <stdint.h>

#include "kernels/tensorcore/bulk.cuh"

namespace memory
{
namespace bulk
{

constexpr uint32_t CHUNK = 8192; /* bytes */
constexpr uint32_t STAGES = 5;
constexpr uint32_t AHEAD = 3;
constexpr uint32_t BLOCKS_PER_SM = 5;
/* The stages and an mbarrier each, within the 48 KiB that a block has without asking for more. */
constexpr uint32_t SHARED_BYTES = STAGES * CHUNK + STAGES * (uint32_t)sizeof(uint64_t);

#if MLB_BULK

/* This block's chunks are b, b + gridDim.x, ...; the n-th of them goes through stage n % STAGES. */
struct chunks {
    const char *from;
    char *to;
    size_t bytes; /* of the whole copy */

    __device__ size_t count() const
    {
        size_t all = (bytes + CHUNK - 1) / CHUNK;
        return all > blockIdx.x ? (all - blockIdx.x + gridDim.x - 1) / gridDim.x : 0;
    }
    __device__ size_t place(size_t n) const
    {
        return (blockIdx.x + n * gridDim.x) * CHUNK;
    }
    __device__ uint32_t length(size_t n) const
    {
        size_t left = bytes - place(n);
        return (uint32_t)(left < CHUNK ? left : CHUNK);
    }
};

__device__ __forceinline__ uint32_t stage_of(uint32_t shared, size_t n)
{
    return shared + (uint32_t)(n % STAGES) * CHUNK;
}

/* Of the stage: its chunk is there. */
__device__ __forceinline__ uint32_t barrier_of(uint32_t shared, size_t n)
{
    return shared + STAGES * CHUNK + (uint32_t)(n % STAGES) * (uint32_t)sizeof(uint64_t);
}

__device__ __forceinline__ void bring(const chunks &c, uint32_t shared, size_t n)
{
    ptx::mbarrier_arrive_expect(barrier_of(shared, n), c.length(n));
    ptx::bulk_load(stage_of(shared, n), c.from + c.place(n), c.length(n), barrier_of(shared, n));
}

__device__ __forceinline__ void take(const chunks &c, uint32_t shared, size_t n)
{
    ptx::bulk_store(c.to + c.place(n), stage_of(shared, n), c.length(n));
    ptx::bulk_commit(); /* a group each, so that groups are counted like chunks */
}

#endif

/* to[0..bytes-1] = from[0..bytes-1]; both and `bytes` multiples of 16. One warp a block. */
__global__ void __launch_bounds__(32, BLOCKS_PER_SM)
    bulk_kernel(char *to, const char *from, size_t bytes)
{
#if MLB_BULK
    if (threadIdx.x != 0)
        return;
    const chunks c = {from, to, bytes};
    uint32_t shared = ptx::shared_address(ptx::dynamic_shared());
    size_t count = c.count();
    for (uint32_t stage = 0; stage < STAGES; stage++)
        ptx::mbarrier_init(barrier_of(shared, stage), 1);
    ptx::mbarrier_init_fence();
    for (size_t n = 0; n < AHEAD && n < count; n++)
        bring(c, shared, n);
    for (size_t n = 0; n < count; n++) {
        ptx::mbarrier_wait(barrier_of(shared, n), (uint32_t)(n / STAGES % 2));
        take(c, shared, n);
        /* The chunk before in the stage of the next one is n + AHEAD - STAGES: of the n + 1 groups
         * that there are, the last STAGES - AHEAD may still be read. */
        ptx::bulk_wait_read<STAGES - AHEAD>();
        if (n + AHEAD < count)
            bring(c, shared, n + AHEAD);
    }
    ptx::bulk_wait_read<0>();
#else
    (void)to, (void)from, (void)bytes;
#endif
}

} // namespace bulk
} // namespace memory

#endif
