/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MLB_KERNELS_FUSED_SWIGLU_CUH
#define MLB_KERNELS_FUSED_SWIGLU_CUH

#include "kernels/fused/fused.cuh"
#include "kernels/fused/swiglu.h"

namespace fused
{

constexpr unsigned SWIGLU_THREADS = 256, SWIGLU_VECTORS = 2; /* of a thread, of each input */

__device__ __forceinline__ float sigmoid(float x)
{
    return __fdividef(1.0f, 1.0f + ptx::exp2_approx(-x * LOG2_E));
}

/* 1 / (1 + 2^127) and less: __fdividef gives 0 for divisors beyond 2^126, which is what the sigmoid
 * is there. */
template <typename T>
__device__ __forceinline__ void swiglu_forward(const mlb_swiglu &g, size_t row, unsigned i,
                                               unsigned count, uint4 gate, uint4 up)
{
    float a[WIDTH<T>], u[WIDTH<T>];
    widen<T>(a, gate);
    widen<T>(u, up);
#pragma unroll
    for (unsigned j = 0; j < WIDTH<T>; j++)
        u[j] *= a[j] * sigmoid(a[j]);
    store<T>(g.y, row * count + i, u);
}

template <typename T>
__device__ __forceinline__ void swiglu_backward(const mlb_swiglu &g, size_t row, unsigned i,
                                                unsigned count, uint4 gate, uint4 up, uint4 from)
{
    float a[WIDTH<T>], u[WIDTH<T>], dy[WIDTH<T>];
    widen<T>(a, gate);
    widen<T>(u, up);
    widen<T>(dy, from);
#pragma unroll
    for (unsigned j = 0; j < WIDTH<T>; j++) {
        float s = sigmoid(a[j]), da = dy[j] * u[j] * s * (1.0f + a[j] * (1.0f - s));
        u[j] = dy[j] * a[j] * s;
        a[j] = da;
    }
    store<T>(g.dgate_up, 2 * row * count + i, a);
    store<T>(g.dgate_up, (2 * row + 1) * count + i, u);
}

/* [tokens x pieces] blocks; count: vectors of F elements. */
template <typename T, bool BACKWARD>
__global__ void __launch_bounds__(SWIGLU_THREADS)
    swiglu_kernel(const mlb_swiglu g, unsigned pieces, unsigned count)
{
    size_t row = blockIdx.x / pieces;
    unsigned first = blockIdx.x % pieces * SWIGLU_THREADS * SWIGLU_VECTORS + threadIdx.x;
    uint4 gate[SWIGLU_VECTORS], up[SWIGLU_VECTORS], dy[SWIGLU_VECTORS];
#pragma unroll
    for (unsigned v = 0; v < SWIGLU_VECTORS; v++) {
        unsigned i = first + v * SWIGLU_THREADS;
        if (i >= count)
            continue;
        gate[v] = load<T>(g.gate_up, 2 * row * count + i);
        up[v] = load<T>(g.gate_up, (2 * row + 1) * count + i);
        if (BACKWARD)
            dy[v] = load<T>(g.dy, row * count + i);
    }
#pragma unroll
    for (unsigned v = 0; v < SWIGLU_VECTORS; v++) {
        unsigned i = first + v * SWIGLU_THREADS;
        if (i >= count)
            continue;
        if constexpr (BACKWARD)
            swiglu_backward<T>(g, row, i, count, gate[v], up[v], dy[v]);
        else
            swiglu_forward<T>(g, row, i, count, gate[v], up[v]);
    }
}

template <typename T, typename LAUNCH>
void swiglu_launch_type(const mlb_swiglu &g, const LAUNCH &launch)
{
    unsigned count = (unsigned)(g.ffn / WIDTH<T>), tile = SWIGLU_THREADS * SWIGLU_VECTORS;
    unsigned pieces = (count + tile - 1) / tile, blocks = (unsigned)g.tokens * pieces;
    if (g.pass == MLB_SWIGLU_FORWARD)
        launch(swiglu_kernel<T, false>, blocks, SWIGLU_THREADS, g, pieces, count);
    else
        launch(swiglu_kernel<T, true>, blocks, SWIGLU_THREADS, g, pieces, count);
}

template <typename LAUNCH> void swiglu_launch(const mlb_swiglu &g, const LAUNCH &launch)
{
    if (g.dtype == MLB_BF16)
        swiglu_launch_type<ptx::bf16>(g, launch);
    else
        swiglu_launch_type<float>(g, launch);
}

} // namespace fused

#endif
