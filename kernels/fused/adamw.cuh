/* SPDX-License-Identifier: Apache-2.0 */
/* Four parameters at a time: 16 bytes of each f32 state, 8 or 16 of the gradient. */
#ifndef MLB_KERNELS_FUSED_ADAMW_CUH
#define MLB_KERNELS_FUSED_ADAMW_CUH

#include "kernels/fused/adamw.h"
#include "kernels/fused/fused.cuh"

namespace fused
{

constexpr unsigned ADAMW_THREADS = 256, ADAMW_VECTORS = 2; /* fours of a thread */

struct adamw_four {
    float4 w, m, v;
    float g[4];
};

template <typename T>
__device__ __forceinline__ void load_four(adamw_four &to, const mlb_adamw &a, size_t i)
{
    to.w = reinterpret_cast<const float4 *>(a.w)[i];
    to.m = reinterpret_cast<const float4 *>(a.m)[i];
    to.v = reinterpret_cast<const float4 *>(a.v)[i];
    if constexpr (sizeof(T) == 4) {
        widen<T>(to.g, load<T>(a.g, i));
    } else {
        uint2 both = static_cast<const uint2 *>(a.g)[i];
        float2 low = ptx::unpack<T>(both.x), high = ptx::unpack<T>(both.y);
        to.g[0] = low.x, to.g[1] = low.y, to.g[2] = high.x, to.g[3] = high.y;
    }
}

__device__ __forceinline__ void update(float &w, float &m, float &v, float g,
                                       const mlb_adamw_step &s)
{
    m = s.beta1 * m + s.rest1 * g;
    v = s.beta2 * v + s.rest2 * (g * g);
    w = s.keep * w - s.rate * m / (sqrtf(v * s.correction) + s.epsilon);
}

template <typename T>
__device__ __forceinline__ void store_four(const adamw_four &from, const mlb_adamw &a, size_t i)
{
    reinterpret_cast<float4 *>(a.w)[i] = from.w;
    reinterpret_cast<float4 *>(a.m)[i] = from.m;
    reinterpret_cast<float4 *>(a.v)[i] = from.v;
    if constexpr (sizeof(T) == 2)
        static_cast<uint2 *>(a.w_bf16)[i] =
            make_uint2(ptx::pack<T>(from.w.x, from.w.y), ptx::pack<T>(from.w.z, from.w.w));
}

/* count: fours of parameters. */
template <typename T>
__global__ void __launch_bounds__(ADAMW_THREADS)
    adamw_kernel(const mlb_adamw a, const mlb_adamw_step s, size_t count)
{
    size_t first = (size_t)blockIdx.x * ADAMW_THREADS * ADAMW_VECTORS + threadIdx.x;
    adamw_four x[ADAMW_VECTORS];
#pragma unroll
    for (unsigned v = 0; v < ADAMW_VECTORS; v++)
        if (first + v * ADAMW_THREADS < count)
            load_four<T>(x[v], a, first + v * ADAMW_THREADS);
#pragma unroll
    for (unsigned v = 0; v < ADAMW_VECTORS; v++) {
        if (first + v * ADAMW_THREADS >= count)
            continue;
        update(x[v].w.x, x[v].m.x, x[v].v.x, x[v].g[0], s);
        update(x[v].w.y, x[v].m.y, x[v].v.y, x[v].g[1], s);
        update(x[v].w.z, x[v].m.z, x[v].v.z, x[v].g[2], s);
        update(x[v].w.w, x[v].m.w, x[v].v.w, x[v].g[3], s);
        store_four<T>(x[v], a, first + v * ADAMW_THREADS);
    }
}

template <typename LAUNCH> void adamw_launch(const mlb_adamw &a, const LAUNCH &launch)
{
    size_t count = a.count / 4, tile = (size_t)ADAMW_THREADS * ADAMW_VECTORS;
    unsigned blocks = (unsigned)((count + tile - 1) / tile);
    mlb_adamw_step s = mlb_adamw_step_of(&a);
    if (a.dtype == MLB_BF16)
        launch(adamw_kernel<ptx::bf16>, blocks, ADAMW_THREADS, a, s, count);
    else
        launch(adamw_kernel<float>, blocks, ADAMW_THREADS, a, s, count);
}

} // namespace fused

#endif
