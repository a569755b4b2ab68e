/* SPDX-License-Identifier: Apache-2.0 */
/* Forward: a block a token. Backward: a block a row of the table, which adds up that row's tokens
 * one after the other and writes what it has. */
#ifndef MLB_KERNELS_FUSED_EMBEDDING_CUH
#define MLB_KERNELS_FUSED_EMBEDDING_CUH

#include "kernels/fused/embedding.h"
#include "kernels/fused/fused.cuh"

namespace fused
{

constexpr unsigned EMBEDDING_VECTORS = 4; /* of a thread, under way at once */

/* [tokens] blocks. */
template <typename T>
__global__ void __launch_bounds__(MOST_THREADS) embedding_gather(const mlb_embedding e)
{
    unsigned count = (unsigned)(e.hidden / WIDTH<T>);
    size_t from = (size_t)e.id[blockIdx.x] * count, to = (size_t)blockIdx.x * count;
    for (unsigned first = threadIdx.x; first < count; first += EMBEDDING_VECTORS * blockDim.x) {
        uint4 x[EMBEDDING_VECTORS];
#pragma unroll
        for (unsigned v = 0; v < EMBEDDING_VECTORS; v++)
            if (first + v * blockDim.x < count)
                x[v] = load<T>(e.table, from + first + v * blockDim.x);
#pragma unroll
        for (unsigned v = 0; v < EMBEDDING_VECTORS; v++)
            if (first + v * blockDim.x < count)
                static_cast<uint4 *>(e.y)[to + first + v * blockDim.x] = x[v];
    }
}

/* [vocab] blocks. */
template <typename T>
__global__ void __launch_bounds__(MOST_THREADS) embedding_sum(const mlb_embedding e)
{
    unsigned count = (unsigned)(e.hidden / WIDTH<T>);
    int begin = e.first[blockIdx.x], end = e.first[blockIdx.x + 1];
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x) {
        float sums[WIDTH<T>] = {};
        for (int at = begin; at < end; at++) {
            float dy[WIDTH<T>];
            load<T>(dy, e.dy, (size_t)e.order[at] * count + i);
#pragma unroll
            for (unsigned j = 0; j < WIDTH<T>; j++)
                sums[j] += dy[j];
        }
        store<T>(e.dtable, (size_t)blockIdx.x * count + i, sums);
    }
}

template <typename T, typename LAUNCH>
void embedding_launch_type(const mlb_embedding &e, const LAUNCH &launch)
{
    unsigned threads = threads_for(e.hidden / WIDTH<T>, EMBEDDING_VECTORS);
    if (e.pass == MLB_EMBEDDING_FORWARD)
        launch(embedding_gather<T>, (unsigned)e.tokens, threads, e);
    else
        launch(embedding_sum<T>, (unsigned)e.vocab, threads, e);
}

template <typename LAUNCH> void embedding_launch(const mlb_embedding &e, const LAUNCH &launch)
{
    if (e.dtype == MLB_BF16)
        embedding_launch_type<ptx::bf16>(e, launch);
    else
        embedding_launch_type<float>(e, launch);
}

} // namespace fused

#endif
