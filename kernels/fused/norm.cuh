/* SPDX-License-Identifier: Apache-2.0 */
/* A block takes a row and keeps it in registers: x is read once. Backward, blocks stay: each takes
 * every `parts`th row and keeps its sums over rows in registers too; a second kernel adds the
 * blocks' sums. */
#ifndef MLB_KERNELS_FUSED_NORM_CUH
#define MLB_KERNELS_FUSED_NORM_CUH

#include "kernels/fused/fused.cuh"
#include "kernels/fused/norm.h"

namespace fused
{

constexpr unsigned FORWARD_VECTORS = 4; /* of a thread */

/* ---------------------------------------------------------------------------------------- forward
 */

/* Sum over the row of x - mean, or of its square. */
template <typename T, int VECTORS>
__device__ __forceinline__ float sum_of(const uint4 (&x)[VECTORS], unsigned count, bool squared,
                                        float mean)
{
    float sum = 0.0f;
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        float values[WIDTH<T>];
        widen<T>(values, x[v]);
        if (threadIdx.x + v * blockDim.x >= count)
            continue;
#pragma unroll
        for (unsigned i = 0; i < WIDTH<T>; i++) {
            float value = values[i] - mean;
            sum += squared ? value * value : value;
        }
    }
    return sum;
}

/* norm: [rows] blocks. */
template <typename T, bool LAYER>
__global__ void __launch_bounds__(MOST_THREADS) norm_forward(const mlb_norm norm)
{
    __shared__ float shared[2][WARP];
    unsigned count = (unsigned)(norm.hidden / WIDTH<T>);
    size_t row = blockIdx.x, first = row * count;
    uint4 x[FORWARD_VECTORS];
#pragma unroll
    for (unsigned v = 0; v < FORWARD_VECTORS; v++) {
        unsigned i = threadIdx.x + v * blockDim.x;
        x[v] = i < count ? load<T>(norm.x, first + i) : make_uint4(0, 0, 0, 0);
    }
    float mean = 0.0f, sum[1];
    if (LAYER) {
        sum[0] = sum_of<T>(x, count, false, 0.0f);
        over_block<add>(sum, shared[0]);
        mean = sum[0] / (float)norm.hidden;
    }
    sum[0] = sum_of<T>(x, count, true, mean);
    over_block<add>(sum, shared[1]);
    float rstd = rsqrtf(sum[0] / (float)norm.hidden + norm.epsilon);
#pragma unroll
    for (unsigned v = 0; v < FORWARD_VECTORS; v++) {
        unsigned i = threadIdx.x + v * blockDim.x;
        float values[WIDTH<T>], gamma[WIDTH<T>], beta[WIDTH<T>] = {};
        if (i >= count)
            continue;
        widen<T>(values, x[v]);
        load<T>(gamma, norm.gamma, i);
        if (LAYER)
            load<T>(beta, norm.beta, i);
#pragma unroll
        for (unsigned j = 0; j < WIDTH<T>; j++)
            values[j] = (values[j] - mean) * rstd * gamma[j] + beta[j];
        store<T>(norm.y, first + i, values);
    }
    if (threadIdx.x == 0) {
        norm.rstd[row] = rstd;
        if (LAYER)
            norm.mean[row] = mean;
    }
}

/* --------------------------------------------------------------------------------------- backward
 */

/* A thread's part of a row. */
template <int VECTORS> struct norm_row {
    uint4 x[VECTORS], dy[VECTORS];
    float mean, rstd;
};

template <typename T, bool LAYER, int VECTORS>
__device__ __forceinline__ void load_row(norm_row<VECTORS> &to, const mlb_norm &norm, size_t row,
                                         unsigned count)
{
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        unsigned i = threadIdx.x + v * blockDim.x;
        to.x[v] = to.dy[v] = make_uint4(0, 0, 0, 0);
        if (i < count) {
            to.x[v] = load<T>(norm.x, row * count + i);
            to.dy[v] = load<T>(norm.dy, row * count + i);
        }
    }
    to.rstd = norm.rstd[row];
    to.mean = LAYER ? norm.mean[row] : 0.0f;
}

/* Sums of g xhat and of g over this thread's part; dy is 0 where there is none. */
template <typename T, int VECTORS>
__device__ __forceinline__ void sum_row(float (&sums)[2], const norm_row<VECTORS> &row,
                                        const mlb_norm &norm, unsigned count)
{
    sums[0] = sums[1] = 0.0f;
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        unsigned i = threadIdx.x + v * blockDim.x;
        float x[WIDTH<T>], dy[WIDTH<T>], gamma[WIDTH<T>];
        if (i >= count)
            continue;
        widen<T>(x, row.x[v]);
        widen<T>(dy, row.dy[v]);
        load<T>(gamma, norm.gamma, i);
#pragma unroll
        for (unsigned j = 0; j < WIDTH<T>; j++) {
            float g = dy[j] * gamma[j];
            sums[0] += g * ((x[j] - row.mean) * row.rstd);
            sums[1] += g;
        }
    }
}

/* dx, and this row's terms added to the sums over rows. c: c1 and c2. */
template <typename T, bool LAYER, int VECTORS>
__device__ __forceinline__ void write_row(const norm_row<VECTORS> &row, const mlb_norm &norm,
                                          size_t first, unsigned count, const float (&c)[2],
                                          float (&dgamma)[VECTORS][WIDTH<T>],
                                          float (&dbeta)[VECTORS][WIDTH<T>])
{
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        unsigned i = threadIdx.x + v * blockDim.x;
        float x[WIDTH<T>], dy[WIDTH<T>], gamma[WIDTH<T>], dx[WIDTH<T>];
        if (i >= count)
            continue;
        widen<T>(x, row.x[v]);
        widen<T>(dy, row.dy[v]);
        load<T>(gamma, norm.gamma, i);
#pragma unroll
        for (unsigned j = 0; j < WIDTH<T>; j++) {
            float xhat = (x[j] - row.mean) * row.rstd;
            dx[j] = row.rstd * (dy[j] * gamma[j] - xhat * c[0] - c[1]);
            dgamma[v][j] += dy[j] * xhat;
            if (LAYER)
                dbeta[v][j] += dy[j];
        }
        store<T>(norm.dx, first + i, dx);
    }
}

/* to: [hidden] of this block. */
template <typename T, int VECTORS>
__device__ __forceinline__ void write_part(float *to, const float (&sums)[VECTORS][WIDTH<T>],
                                           unsigned count)
{
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        unsigned i = threadIdx.x + v * blockDim.x;
        if (i >= count)
            continue;
#pragma unroll
        for (unsigned j = 0; j < WIDTH<T>; j += 4)
            reinterpret_cast<float4 *>(to)[(i * WIDTH<T> + j) / 4] =
                make_float4(sums[v][j], sums[v][j + 1], sums[v][j + 2], sums[v][j + 3]);
    }
}

/* [parts] blocks. With one vector a thread there are registers to load the next row while this one
 * is summed. With two there are not even for this one over the barrier: it is loaded again, from
 * the cache. */
template <typename T, bool LAYER, int VECTORS>
__global__ void __launch_bounds__(MOST_THREADS) norm_backward(const mlb_norm norm)
{
    __shared__ float shared[2][2 * WARP];
    constexpr bool AHEAD = VECTORS == 1;
    unsigned count = (unsigned)(norm.hidden / WIDTH<T>), slot = 0;
    float dgamma[VECTORS][WIDTH<T>] = {}, dbeta[VECTORS][WIDTH<T>] = {};
    norm_row<VECTORS> here, next;
    if (AHEAD && blockIdx.x < norm.rows)
        load_row<T, LAYER>(next, norm, blockIdx.x, count);
    unsigned rows = (unsigned)norm.rows;
    for (unsigned row = blockIdx.x; row < rows; row += gridDim.x) {
        float sums[2];
        if (AHEAD) {
            here = next;
            if (row + gridDim.x < rows)
                load_row<T, LAYER>(next, norm, row + gridDim.x, count);
        } else {
            load_row<T, LAYER>(here, norm, row, count);
        }
        sum_row<T>(sums, here, norm, count);
        over_block<add>(sums, shared[slot]);
        slot ^= 1; /* the next row writes where nobody still reads */
        if (!AHEAD)
            load_row<T, LAYER>(here, norm, row, count);
        float c[2] = {sums[0] / (float)norm.hidden, LAYER ? sums[1] / (float)norm.hidden : 0.0f};
        write_row<T, LAYER>(here, norm, (size_t)row * count, count, c, dgamma, dbeta);
    }
    write_part<T>(norm.partial + blockIdx.x * norm.hidden, dgamma, count);
    if (LAYER)
        write_part<T>(norm.partial + (norm.parts + blockIdx.x) * norm.hidden, dbeta, count);
}

/* 32 columns a block and the parts over its 32 warps; then the warps' sums in order. dbeta's blocks
 * come after dgamma's. */
template <typename T>
__global__ void __launch_bounds__(MOST_THREADS) norm_total(const mlb_norm norm, unsigned groups)
{
    __shared__ float shared[WARP][WARP + 1];
    unsigned lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    bool second = blockIdx.x >= groups;
    size_t column = (size_t)(blockIdx.x % groups) * WARP + lane;
    const float *from = norm.partial + (second ? norm.parts * norm.hidden : 0);
    float sum = 0.0f;
    if (column < norm.hidden) {
#pragma unroll 4
        for (size_t part = warp; part < norm.parts; part += WARP)
            sum += from[part * norm.hidden + column];
    }
    shared[warp][lane] = sum;
    __syncthreads();
    /* Warp w now has column w of the 32. */
    sum = over_warp<add>(shared[lane][warp]);
    column = (size_t)(blockIdx.x % groups) * WARP + warp;
    if (lane == 0 && column < norm.hidden)
        set_element<T>(second ? norm.dbeta : norm.dgamma, column, sum);
}

/* --------------------------------------------------------------------------------------- launchers
 */

template <typename T, bool LAYER, typename LAUNCH>
void norm_launch_kind(const mlb_norm &norm, const LAUNCH &launch)
{
    size_t vectors = norm.hidden / WIDTH<T>;
    unsigned groups = (unsigned)((norm.hidden + WARP - 1) / WARP);
    unsigned parts = (unsigned)norm.parts;
    if (norm.pass == MLB_NORM_FORWARD) {
        launch(norm_forward<T, LAYER>, (unsigned)norm.rows, threads_for(vectors, FORWARD_VECTORS),
               norm);
        return;
    }
    if (vectors <= MOST_THREADS)
        launch(norm_backward<T, LAYER, 1>, parts, threads_for(vectors, 1), norm);
    else
        launch(norm_backward<T, LAYER, 2>, parts, threads_for(vectors, 2), norm);
    launch(norm_total<T>, LAYER ? 2 * groups : groups, MOST_THREADS, norm, groups);
}

template <typename LAUNCH> void norm_launch(const mlb_norm &norm, const LAUNCH &launch)
{
    bool layer = norm.kind == MLB_NORM_LAYER;
    if (norm.dtype == MLB_BF16)
        layer ? norm_launch_kind<ptx::bf16, true>(norm, launch)
              : norm_launch_kind<ptx::bf16, false>(norm, launch);
    else
        layer ? norm_launch_kind<float, true>(norm, launch)
              : norm_launch_kind<float, false>(norm, launch);
}

} // namespace fused

#endif
