/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of sm_80 and later as functions. Names and operands follow the PTX ISA.
 * tests/emulate has the same functions in plain C++.
 *
 * Fragments of mma.m16n8k16, with g = lane / 4 and t = lane % 4; each register holds two elements,
 * the one of the lower index in its lower half:
 *
 *   A (16,16)   a[0] (g, 2t)   a[1] (g+8, 2t)   a[2] (g, 2t+8)   a[3] (g+8, 2t+8)
 *   B (16,8)    b0 (k = 2t, n = g)   b1 (k = 2t+8, n = g)
 *   C (16,8)    c[0], c[1] (g, 2t and 2t+1)   c[2], c[3] (g+8, 2t and 2t+1) */
#ifndef MLB_KERNELS_TENSORCORE_PTX_CUH
#define MLB_KERNELS_TENSORCORE_PTX_CUH

#include <cuda_runtime.h>

#include "kernels/tensorcore/layout.cuh"

namespace ptx
{

template <typename A, typename B> constexpr bool is_same = false;
template <typename A> constexpr bool is_same<A, A> = true;

__device__ __forceinline__ unsigned lane()
{
    return threadIdx.x % 32;
}

/* The number of this warp, known to be the same in all its lanes. */
__device__ __forceinline__ unsigned warp()
{
    return __shfl_sync(0xffffffffu, threadIdx.x / 32, 0);
}

/* ------------------------------------------------------------------------------- shared memory */

/* The block's dynamic shared memory. It begins at a multiple of 1024 in a kernel that has no static
 * shared memory beside it. */
__device__ __forceinline__ unsigned char *dynamic_shared()
{
    extern __shared__ __align__(1024) unsigned char mlb_dynamic_shared[];
    return mlb_dynamic_shared;
}

/* The address that instructions take. */
__device__ __forceinline__ uint32_t shared_address(const void *pointer)
{
    return (uint32_t)__cvta_generic_to_shared(pointer);
}

/* Lane 8 j + i names the row i (16 bytes) of the 8x8 matrix j; r[j] gets its elements (lane / 4,
 * 2 (lane % 4)) and the next of the row. Transposed: (2 (lane % 4), lane / 4) and the next of the
 * column. x2 takes the addresses of lanes 0-15. */
__device__ __forceinline__ void ldmatrix_x4(uint32_t (&r)[4], uint32_t address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
}

__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t (&r)[4], uint32_t address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
}

__device__ __forceinline__ void ldmatrix_x2(uint32_t (&r)[2], uint32_t address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(address)
                 : "memory");
}

__device__ __forceinline__ void ldmatrix_x2_trans(uint32_t (&r)[2], uint32_t address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(address)
                 : "memory");
}

/* 16 bytes from global memory past L1; the last 16 - bytes of them become zero without being read.
 * Complete after copy_async_wait in this thread; for others after a barrier too. */
__device__ __forceinline__ void copy_async_16(uint32_t to, const void *from, uint32_t bytes = 16)
{
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to),
                 "l"(__cvta_generic_to_global(from)), "r"(bytes)
                 : "memory");
}

__device__ __forceinline__ void copy_async_commit()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Until at most `GROUPS` of this thread's groups, the latest, are still under way. */
template <int GROUPS> __device__ __forceinline__ void copy_async_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS) : "memory");
}

/* ------------------------------------------------------------------------------------ products */

/* c += a b, sums in f32. T is bf16 or f16. */
template <typename T>
__device__ __forceinline__ void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    static_assert(is_same<T, bf16> || is_same<T, f16>, "bf16 or f16");
    if constexpr (is_same<T, bf16>)
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, "
                     "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    else
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, "
                     "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* --------------------------------------------------------------------------------- conversions */

/* Two elements in one register, rounded to nearest even; `low` in the lower half. */
template <typename T> __device__ __forceinline__ uint32_t pack(float low, float high)
{
    static_assert(is_same<T, bf16> || is_same<T, f16>, "bf16 or f16");
    uint32_t both;
    if constexpr (is_same<T, bf16>)
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    else
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}

template <typename T> __device__ __forceinline__ float to_float(T value)
{
    static_assert(is_same<T, bf16> || is_same<T, f16>, "bf16 or f16");
    float wide;
    if constexpr (is_same<T, bf16>)
        wide = __uint_as_float((uint32_t)value.bits << 16);
    else
        asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(value.bits));
    return wide;
}

/* x is the lower half. */
template <typename T> __device__ __forceinline__ float2 unpack(uint32_t both)
{
    return make_float2(to_float(T{(uint16_t)(both & 0xffffu)}),
                       to_float(T{(uint16_t)(both >> 16)}));
}

template <typename T> __device__ __forceinline__ T from_float(float value)
{
    return T{(uint16_t)(pack<T>(value, 0.0f) & 0xffffu)};
}

/* 2^x to 2 ulp; 2^-inf = 0. */
__device__ __forceinline__ float exp2_approx(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

/* ------------------------------------------------------------------------------- among threads */

/* Barrier `id` (1-15; 0 is __syncthreads') of `threads` threads, whole warps. */
__device__ __forceinline__ void barrier_sync(int id, int threads)
{
    asm volatile("barrier.sync.aligned %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

/* Counts as having come, without waiting. */
__device__ __forceinline__ void barrier_arrive(int id, int threads)
{
    asm volatile("barrier.arrive.aligned %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

/* *to += value in global memory; nothing comes back. */
__device__ __forceinline__ void reduce_add(float *to, float value)
{
    asm volatile("red.global.add.f32 [%0], %1;" ::"l"(__cvta_generic_to_global(to)), "f"(value)
                 : "memory");
}

} // namespace ptx

#endif
