/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of sm_90 and later, tensors aside: mbarrier, bulk copies. Nothing is declared where
 * MLB_BULK is 0. */
#ifndef MLB_KERNELS_TENSORCORE_BULK_CUH
#define MLB_KERNELS_TENSORCORE_BULK_CUH

#include "kernels/tensorcore/ptx.cuh"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
#define MLB_BULK 1
#else
#define MLB_BULK 0
#endif

#if MLB_BULK
namespace ptx
{

/* ------------------------------------------------------------------------------------ mbarrier */

/* A phase ends when `count` arrivals and all announced bytes have come. */
__device__ __forceinline__ void mbarrier_init(uint32_t barrier, uint32_t count)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(count) : "memory");
}

/* After the inits, before __syncthreads: TMA sees them. */
__device__ __forceinline__ void mbarrier_init_fence()
{
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ __forceinline__ void mbarrier_arrive(uint32_t barrier)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

/* Arrives and announces bytes that TMA brings in this phase. */
__device__ __forceinline__ void mbarrier_arrive_expect(uint32_t barrier, uint32_t bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
                 : "memory");
}

/* Until the phase of this parity has ended: 0 for the first, third, ... phase; 1 passes at once on
 * a fresh barrier. */
__device__ __forceinline__ void mbarrier_wait(uint32_t barrier, uint32_t parity)
{
    asm volatile("{\n"
                 ".reg .pred p;\n"
                 "again:\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n"
                 "@!p bra again;\n"
                 "}" ::"r"(barrier),
                 "r"(parity)
                 : "memory");
}

/* --------------------------------------------------------------------------------- bulk copies */

/* One thread asks for `bytes`, a multiple of 16 as the addresses are, from global to shared memory;
 * they count on `barrier`. */
__device__ __forceinline__ void bulk_load(uint32_t to, const void *from, uint32_t bytes,
                                          uint32_t barrier)
{
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
                 "[%0], [%1], %2, [%3];" ::"r"(to),
                 "l"(__cvta_generic_to_global(from)), "r"(bytes), "r"(barrier)
                 : "memory");
}

/* And back. Before it: fence_async by the threads that wrote `from`, unless TMA did, and a barrier.
 * After it: bulk_commit, and bulk_wait_read before `from` is written again or the block ends. */
__device__ __forceinline__ void bulk_store(void *to, uint32_t from, uint32_t bytes)
{
    asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(
                     __cvta_generic_to_global(to)),
                 "r"(from), "r"(bytes)
                 : "memory");
}

__device__ __forceinline__ void bulk_commit()
{
    asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}

/* Until at most `GROUPS` of this thread's store groups still read shared memory. */
template <int GROUPS> __device__ __forceinline__ void bulk_wait_read()
{
    asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(GROUPS) : "memory");
}

/* Ordinary stores to shared memory before it are seen by TMA and wgmma after it. */
__device__ __forceinline__ void fence_async()
{
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

} // namespace ptx
#endif

#endif
