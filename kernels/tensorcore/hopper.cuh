/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of sm_90a as functions: clusters, TMA, setmaxnreg. Nothing is declared elsewhere:
 * see README.md. */
#ifndef MLB_KERNELS_TENSORCORE_HOPPER_CUH
#define MLB_KERNELS_TENSORCORE_HOPPER_CUH

#include <cuda.h>

#include "kernels/tensorcore/bulk.cuh"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define MLB_HOPPER 1
#else
#define MLB_HOPPER 0
#endif

#if MLB_HOPPER
namespace ptx
{

/* One lane of a converged warp. */
__device__ __forceinline__ bool elect_one()
{
    uint32_t chosen;
    asm volatile("{\n.reg .pred p;\nelect.sync _|p, 0xffffffff;\nselp.u32 %0, 1, 0, p;\n}"
                 : "=r"(chosen));
    return chosen != 0;
}

/* This block's number in its cluster. */
__device__ __forceinline__ uint32_t cluster_rank()
{
    uint32_t rank;
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}

/* All threads of the cluster come together, and see what the others wrote before. A block must not
 * end while others still write to its shared memory. */
__device__ __forceinline__ void cluster_sync()
{
    asm volatile("barrier.cluster.arrive.release;" ::: "memory");
    asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
}

/* Registers of a thread from here on; all warps of the warpgroup together. 24 to 256, in eights. */
template <int COUNT> __device__ __forceinline__ void registers_more()
{
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(COUNT));
}

template <int COUNT> __device__ __forceinline__ void registers_fewer()
{
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(COUNT));
}

/* ------------------------------------------------------------------------------------ mbarrier */

/* At the barrier of the same address in the block of this rank: says that this thread's reads are
 * done. Not .release.cluster, before which ptxas puts a fence over the GPU, hundreds of clocks in a
 * loop that writes nothing for the other block to see. */
__device__ __forceinline__ void mbarrier_arrive_at(uint32_t barrier, uint32_t rank)
{
    asm volatile("{\n"
                 ".reg .b32 there;\n"
                 "mapa.shared::cluster.u32 there, %0, %1;\n"
                 "mbarrier.arrive.shared::cluster.b64 _, [there];\n"
                 "}" ::"r"(barrier),
                 "r"(rank)
                 : "memory");
}

/* ----------------------------------------------------------------------------------- TMA */

__device__ __forceinline__ void tma_prefetch(const CUtensorMap *map)
{
    asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

/* One thread asks for a box of the tensor at (x, y, ...), x along the contiguous dimension; its
 * bytes count on `barrier`. Elements outside of the tensor arrive as zeros and count too. */
__device__ __forceinline__ void tma_load(uint32_t to, const CUtensorMap *map, uint32_t barrier,
                                         int x, int y)
{
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%3,%4}], [%2];" ::"r"(to),
                 "l"(map), "r"(barrier), "r"(x), "r"(y)
                 : "memory");
}

__device__ __forceinline__ void tma_load(uint32_t to, const CUtensorMap *map, uint32_t barrier,
                                         int x, int y, int z)
{
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%3,%4,%5}], [%2];" ::"r"(to),
                 "l"(map), "r"(barrier), "r"(x), "r"(y), "r"(z)
                 : "memory");
}

__device__ __forceinline__ void tma_load(uint32_t to, const CUtensorMap *map, uint32_t barrier,
                                         int x, int y, int z, int w)
{
    asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%3,%4,%5,%6}], [%2];" ::"r"(to),
                 "l"(map), "r"(barrier), "r"(x), "r"(y), "r"(z), "r"(w)
                 : "memory");
}

/* To every block of the cluster whose bit is in `ranks`: to the same place, on the same barrier. */
__device__ __forceinline__ void tma_load_multicast(uint32_t to, const CUtensorMap *map,
                                                   uint32_t barrier, uint16_t ranks, int x, int y)
{
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes"
                 ".multicast::cluster [%0], [%1, {%4,%5}], [%2], %3;" ::"r"(to),
                 "l"(map), "r"(barrier), "h"(ranks), "r"(x), "r"(y)
                 : "memory");
}

/* One thread stores a box; what lies outside of the tensor is left out. Before it: fence_async by
 * the threads that wrote `from`, and a barrier. After it: bulk_commit, and bulk_wait_read before
 * `from` is written again or the block ends. */
__device__ __forceinline__ void tma_store(const CUtensorMap *map, uint32_t from, int x, int y)
{
    asm volatile(
        "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2,%3}], [%1];" ::"l"(map),
        "r"(from), "r"(x), "r"(y)
        : "memory");
}

__device__ __forceinline__ void tma_store(const CUtensorMap *map, uint32_t from, int x, int y,
                                          int z)
{
    asm volatile(
        "cp.async.bulk.tensor.3d.global.shared::cta.bulk_group [%0, {%2,%3,%4}], [%1];" ::"l"(map),
        "r"(from), "r"(x), "r"(y), "r"(z)
        : "memory");
}

__device__ __forceinline__ void tma_store(const CUtensorMap *map, uint32_t from, int x, int y,
                                          int z, int w)
{
    asm volatile("cp.async.bulk.tensor.4d.global.shared::cta.bulk_group [%0, {%2,%3,%4,%5}], "
                 "[%1];" ::"l"(map),
                 "r"(from), "r"(x), "r"(y), "r"(z), "r"(w)
                 : "memory");
}

/* As tma_store, but added to what is there (f32 tensors). */
__device__ __forceinline__ void tma_add(const CUtensorMap *map, uint32_t from, int x, int y, int z)
{
    asm volatile("cp.reduce.async.bulk.tensor.3d.global.shared::cta.add.bulk_group "
                 "[%0, {%2,%3,%4}], [%1];" ::"l"(map),
                 "r"(from), "r"(x), "r"(y), "r"(z)
                 : "memory");
}

/* to[0..3] += value in global memory, `to` a multiple of 16; nothing comes back. */
__device__ __forceinline__ void reduce_add(float *to, float4 value)
{
    asm volatile("red.global.add.v4.f32 [%0], {%1,%2,%3,%4};" ::"l"(__cvta_generic_to_global(to)),
                 "f"(value.x), "f"(value.y), "f"(value.z), "f"(value.w)
                 : "memory");
}

} // namespace ptx
#endif

#endif
