/* SPDX-License-Identifier: Apache-2.0 */
/* A block takes a token. A thread keeps the cosines and sines of its pairs and goes over heads, two
 * at a time, so that the tables are read once a block and not once a head. */
#ifndef MLB_KERNELS_FUSED_ROPE_CUH
#define MLB_KERNELS_FUSED_ROPE_CUH

#include "kernels/fused/fused.cuh"
#include "kernels/fused/rope.h"

namespace fused
{

constexpr unsigned ROPE_THREADS = 256; /* at most, unless a head has more vectors */

template <typename T> struct rope_pair {
    uint4 low, high;
};

template <typename T>
__device__ __forceinline__ void rotate(void *row, size_t at, unsigned half, const rope_pair<T> &x,
                                       const float (&c)[WIDTH<T>], const float (&s)[WIDTH<T>])
{
    float low[WIDTH<T>], high[WIDTH<T>], low_out[WIDTH<T>], high_out[WIDTH<T>];
    widen<T>(low, x.low);
    widen<T>(high, x.high);
#pragma unroll
    for (unsigned i = 0; i < WIDTH<T>; i++) {
        low_out[i] = low[i] * c[i] - high[i] * s[i];
        high_out[i] = high[i] * c[i] + low[i] * s[i];
    }
    store<T>(row, at, low_out);
    store<T>(row, at + half, high_out);
}

/* [tokens] blocks of whole heads: half x k threads, half vectors to each half of a head. */
template <typename T>
__global__ void __launch_bounds__(MOST_THREADS) rope_kernel(const mlb_rope rope)
{
    unsigned half = (unsigned)(rope.head_dim / 2 / WIDTH<T>), step = blockDim.x / half;
    unsigned pair = threadIdx.x % half, head = threadIdx.x / half;
    size_t position = blockIdx.x % rope.sequence, table = position * rope.head_dim / 2;
    T *row = static_cast<T *>(rope.qkv) + blockIdx.x * rope.stride;
    float c[WIDTH<T>], s[WIDTH<T>], sign = rope.pass == MLB_ROPE_FORWARD ? 1.0f : -1.0f;
#pragma unroll
    for (unsigned i = 0; i < WIDTH<T> / 4; i++) {
        float4 c4 = reinterpret_cast<const float4 *>(rope.cos + table)[pair * WIDTH<T> / 4 + i];
        float4 s4 = reinterpret_cast<const float4 *>(rope.sin + table)[pair * WIDTH<T> / 4 + i];
        c[4 * i] = c4.x, c[4 * i + 1] = c4.y, c[4 * i + 2] = c4.z, c[4 * i + 3] = c4.w;
        s[4 * i] = sign * s4.x, s[4 * i + 1] = sign * s4.y;
        s[4 * i + 2] = sign * s4.z, s[4 * i + 3] = sign * s4.w;
    }
    for (; head < rope.heads; head += 2 * step) {
        size_t at = (size_t)head * 2 * half + pair, other = at + (size_t)step * 2 * half;
        bool two = head + step < rope.heads;
        rope_pair<T> x = {load<T>(row, at), load<T>(row, at + half)}, y = x;
        if (two)
            y = {load<T>(row, other), load<T>(row, other + half)};
        rotate<T>(row, at, half, x, c, s);
        if (two)
            rotate<T>(row, other, half, y, c, s);
    }
}

template <typename T, typename LAUNCH>
void rope_launch_type(const mlb_rope &rope, const LAUNCH &launch)
{
    /* As many heads at once as make rounds of equal length. */
    size_t half = rope.head_dim / 2 / WIDTH<T>, all = rope.heads * half;
    size_t rounds = (all + ROPE_THREADS - 1) / ROPE_THREADS;
    size_t at_once = (rope.heads + rounds - 1) / rounds;
    launch(rope_kernel<T>, (unsigned)rope.tokens, (unsigned)(at_once * half), rope);
}

template <typename LAUNCH> void rope_launch(const mlb_rope &rope, const LAUNCH &launch)
{
    if (rope.dtype == MLB_BF16)
        rope_launch_type<ptx::bf16>(rope, launch);
    else
        rope_launch_type<float>(rope, launch);
}

} // namespace fused

#endif
