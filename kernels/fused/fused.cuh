/* SPDX-License-Identifier: Apache-2.0 */
/* What the CUDA kernels share: vectors of 16 bytes, and reductions over a block.
 *
 * Kernels are bound by memory. By Little's law an H200 needs about 4.8 TB/s x 0.7 us = 3.4 MB under
 * way, 25 KB an SM: each thread has several vectors loaded before it uses the first. Nothing here
 * or in the kernels is CUDA's alone but what the compiler knows: tests run them on the CPU. A
 * `launch(kernel, blocks, threads, arguments...)` comes from whoever runs them. */
#ifndef MLB_KERNELS_FUSED_CUH
#define MLB_KERNELS_FUSED_CUH

#include <stddef.h>
#include <stdint.h>

#include "kernels/tensorcore/ptx.cuh"

namespace fused
{

constexpr unsigned WARP = 32, MOST_THREADS = 1024;
constexpr float LOG2_E = 1.4426950408889634f, LN_2 = 0.6931471805599453f;

/* Elements of a vector. */
template <typename T> constexpr unsigned WIDTH = 16 / sizeof(T);

template <typename T> __device__ __forceinline__ void widen(float (&to)[WIDTH<T>], uint4 from)
{
    const uint32_t words[4] = {from.x, from.y, from.z, from.w};
#pragma unroll
    for (unsigned i = 0; i < 4; i++) {
        if constexpr (sizeof(T) == 4) {
            to[i] = __uint_as_float(words[i]);
        } else {
            float2 both = ptx::unpack<T>(words[i]);
            to[2 * i] = both.x;
            to[2 * i + 1] = both.y;
        }
    }
}

template <typename T> __device__ __forceinline__ uint4 narrow(const float (&from)[WIDTH<T>])
{
    uint32_t words[4];
#pragma unroll
    for (unsigned i = 0; i < 4; i++) {
        if constexpr (sizeof(T) == 4)
            words[i] = __float_as_uint(from[i]);
        else
            words[i] = ptx::pack<T>(from[2 * i], from[2 * i + 1]);
    }
    return make_uint4(words[0], words[1], words[2], words[3]);
}

/* Vector `i` of an array. */
template <typename T> __device__ __forceinline__ uint4 load(const void *array, size_t i)
{
    return static_cast<const uint4 *>(array)[i];
}

template <typename T>
__device__ __forceinline__ void load(float (&to)[WIDTH<T>], const void *array, size_t i)
{
    widen<T>(to, load<T>(array, i));
}

template <typename T>
__device__ __forceinline__ void store(void *array, size_t i, const float (&from)[WIDTH<T>])
{
    static_cast<uint4 *>(array)[i] = narrow<T>(from);
}

/* Element `i` as f32. */
template <typename T> __device__ __forceinline__ float element(const void *array, size_t i)
{
    if constexpr (sizeof(T) == 4)
        return static_cast<const float *>(array)[i];
    else
        return ptx::to_float(static_cast<const T *>(array)[i]);
}

template <typename T>
__device__ __forceinline__ void set_element(void *array, size_t i, float value)
{
    if constexpr (sizeof(T) == 4)
        static_cast<float *>(array)[i] = value;
    else
        static_cast<T *>(array)[i] = ptx::from_float<T>(value);
}

struct add {
    static constexpr float NONE = 0.0f;
    __device__ static float of(float x, float y)
    {
        return x + y;
    }
};
struct largest {
    static constexpr float NONE = -3.4e38f;
    __device__ static float of(float x, float y)
    {
        return fmaxf(x, y);
    }
};

template <typename OP> __device__ __forceinline__ float over_warp(float value)
{
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2)
        value = OP::of(value, __shfl_xor_sync(0xffffffffu, value, offset));
    return value;
}

/* Each of N values over the block, in all threads, in a fixed order. `shared`: N x 32 floats that
 * no thread reads or writes between the barrier before this call and its own. */
template <typename OP, int N>
__device__ __forceinline__ void over_block(float (&values)[N], float *shared)
{
    unsigned lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
#pragma unroll
    for (int i = 0; i < N; i++) {
        float sum = over_warp<OP>(values[i]);
        if (lane == 0)
            shared[i * WARP + warp] = sum;
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < N; i++)
        values[i] = over_warp<OP>(lane < warps ? shared[i * WARP + lane] : OP::NONE);
}

/* Threads for `vectors` of a row, up to `each` a thread: whole warps. */
inline unsigned threads_for(size_t vectors, unsigned each)
{
    size_t warps = (vectors + (size_t)each * WARP - 1) / ((size_t)each * WARP);
    return warps < MOST_THREADS / WARP ? (unsigned)warps * WARP : MOST_THREADS;
}

} // namespace fused

#endif
