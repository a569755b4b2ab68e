/* SPDX-License-Identifier: Apache-2.0 */
/* A block takes a token's row of logits. Forward goes over it once, each thread with a maximum and
 * a sum that run along (Milakov and Gimelshein, arXiv:1805.02867), in powers of two. When the
 * gradient follows at once, the row is read again, from its end to its begin: what was read last is
 * what L2 still has. 132 SMs with two blocks and 256 KB of bf16 each for Llama 3 are 68 MB, in an
 * L2 of 50 MB. The gradient is stored as what is not read again soon. */
#ifndef MLB_KERNELS_FUSED_CROSS_ENTROPY_CUH
#define MLB_KERNELS_FUSED_CROSS_ENTROPY_CUH

#include "kernels/fused/cross_entropy.h"
#include "kernels/fused/fused.cuh"

namespace fused
{

constexpr unsigned ENTROPY_THREADS = 512, ENTROPY_VECTORS = 4; /* of a thread, loaded at once */

/* sum = sum of 2^(x log2 e - most), in this thread or over the block. */
struct running {
    float most, sum;
};

template <typename T>
__device__ __forceinline__ void take(running &r, const uint4 (&x)[ENTROPY_VECTORS], unsigned first,
                                     unsigned count)
{
    float most = r.most;
#pragma unroll
    for (unsigned v = 0; v < ENTROPY_VECTORS; v++) {
        float values[WIDTH<T>];
        widen<T>(values, x[v]);
        if (first + v * blockDim.x >= count)
            continue;
#pragma unroll
        for (unsigned i = 0; i < WIDTH<T>; i++)
            most = fmaxf(most, values[i] * LOG2_E);
    }
    float sum = r.sum * ptx::exp2_approx(r.most - most);
#pragma unroll
    for (unsigned v = 0; v < ENTROPY_VECTORS; v++) {
        float values[WIDTH<T>];
        widen<T>(values, x[v]);
        if (first + v * blockDim.x >= count)
            continue;
#pragma unroll
        for (unsigned i = 0; i < WIDTH<T>; i++)
            sum += ptx::exp2_approx(values[i] * LOG2_E - most);
    }
    r.most = most;
    r.sum = sum;
}

template <typename T>
__device__ __forceinline__ void load_some(uint4 (&x)[ENTROPY_VECTORS], const void *row,
                                          unsigned first, unsigned count)
{
#pragma unroll
    for (unsigned v = 0; v < ENTROPY_VECTORS; v++) {
        unsigned i = first + v * blockDim.x;
        x[v] = i < count ? load<T>(row, i) : make_uint4(0, 0, 0, 0);
    }
}

/* log2 of the sum over v of e^x[v], in all threads. */
template <typename T> __device__ float log2_sum(const void *row, unsigned count)
{
    __shared__ float shared[2][WARP];
    running r = {largest::NONE, 0.0f};
    for (unsigned first = threadIdx.x; first < count; first += ENTROPY_VECTORS * blockDim.x) {
        uint4 x[ENTROPY_VECTORS];
        load_some<T>(x, row, first, count);
        take<T>(r, x, first, count);
    }
    float most[1] = {r.most}, sum[1];
    over_block<largest>(most, shared[0]);
    sum[0] = r.sum * ptx::exp2_approx(r.most - most[0]);
    over_block<add>(sum, shared[1]);
    return most[0] + log2f(sum[0]);
}

/* target: -1 when it is none of this row's. */
template <typename T>
__device__ __forceinline__ void write_gradient(void *to, const void *row, unsigned count,
                                               float lse2, float scale, int target)
{
    unsigned tile = ENTROPY_VECTORS * blockDim.x;
    for (unsigned end = (count + tile - 1) / tile * tile; end > 0; end -= tile) {
        uint4 x[ENTROPY_VECTORS];
        unsigned first = end - tile + threadIdx.x;
        load_some<T>(x, row, first, count);
#pragma unroll
        for (unsigned v = 0; v < ENTROPY_VECTORS; v++) {
            unsigned at = first + v * blockDim.x;
            float g[WIDTH<T>];
            if (at >= count)
                continue;
            widen<T>(g, x[v]);
#pragma unroll
            for (unsigned i = 0; i < WIDTH<T>; i++) {
                bool hit = (int)(at * WIDTH<T> + i) == target;
                g[i] = scale * ptx::exp2_approx(g[i] * LOG2_E - lse2) - (hit ? scale : 0.0f);
            }
            __stcs(static_cast<uint4 *>(to) + at, narrow<T>(g));
        }
    }
}

/* [tokens] blocks. */
template <typename T, bool LOSS, bool GRADIENT>
__device__ __forceinline__ void entropy_row(const mlb_cross_entropy &e)
{
    size_t token = blockIdx.x;
    unsigned count = (unsigned)(e.vocab / WIDTH<T>);
    T *row = static_cast<T *>(e.logits) + token * e.vocab;
    int target = e.target[token];
    bool ignored = target < 0 || target >= (int)e.vocab;
    float lse2;
    if (LOSS) {
        /* Read before anybody writes over it: barriers follow. */
        float wanted = ignored ? 0.0f : element<T>(row, (size_t)target);
        lse2 = log2_sum<T>(row, count);
        if (threadIdx.x == 0) {
            e.lse[token] = lse2 * LN_2;
            e.loss[token] = ignored ? 0.0f : lse2 * LN_2 - wanted;
        }
    } else {
        lse2 = e.lse[token] * LOG2_E;
    }
    if (GRADIENT) {
        T *to = e.gradient ? static_cast<T *>(e.gradient) + token * e.vocab : row;
        write_gradient<T>(to, row, count, lse2, ignored ? 0.0f : e.scale, ignored ? -1 : target);
    }
}

template <typename T, bool LOSS>
__global__ void __launch_bounds__(ENTROPY_THREADS) entropy_kernel(const mlb_cross_entropy e)
{
    entropy_row<T, LOSS, !LOSS>(e);
}

template <typename T>
__global__ void __launch_bounds__(MOST_THREADS) entropy_both_kernel(const mlb_cross_entropy e)
{
    entropy_row<T, true, true>(e);
}

template <typename T, typename LAUNCH>
void cross_entropy_launch_type(const mlb_cross_entropy &e, const LAUNCH &launch)
{
    if (e.pass == MLB_CROSS_ENTROPY_FORWARD)
        launch(entropy_kernel<T, true>, (unsigned)e.tokens, ENTROPY_THREADS, e);
    else if (e.pass == MLB_CROSS_ENTROPY_BACKWARD)
        launch(entropy_kernel<T, false>, (unsigned)e.tokens, ENTROPY_THREADS, e);
    else
        launch(entropy_both_kernel<T>, (unsigned)e.tokens, MOST_THREADS, e);
}

template <typename LAUNCH>
void cross_entropy_launch(const mlb_cross_entropy &e, const LAUNCH &launch)
{
    if (e.dtype == MLB_BF16)
        cross_entropy_launch_type<ptx::bf16>(e, launch);
    else
        cross_entropy_launch_type<float>(e, launch);
}

} // namespace fused

#endif
