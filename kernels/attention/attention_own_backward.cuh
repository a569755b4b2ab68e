/* SPDX-License-Identifier: Apache-2.0 */
/* What the backward passes of mma and wgmma share: the kernels before and after the main one, and
 * the order in which a block goes over the queries. A SHAPE has
 *
 *   DIM, ROWS, COLUMNS       of Q, of a tile of queries, of a block's keys
 *   SUMMERS, VECTOR          threads that hold dQ's sums, and how many they add at a time
 *   Q_MT, Q_NT               16 x 8 tiles of dQ's sums in each of their warps
 *   q_row(w), q_column(w)    the first row and column of warp w's
 *   Q_BYTES                  of a tile of Q */
#ifndef MLB_KERNELS_ATTENTION_OWN_BACKWARD_CUH
#define MLB_KERNELS_ATTENTION_OWN_BACKWARD_CUH

#include "kernels/attention/attention_mma_tile.cuh"

namespace attention
{

/* Per row of Q, padded to whole tiles: the row's log-sum-exp in base 2, +inf for rows that do not
 * exist, so that P = exp2(s - inf) = 0; and delta. */
struct row_stats {
    float lse2, delta;
};

/* What the three kernels share in the workspace. */
struct backward_workspace {
    row_stats *stats; /* [batch][heads][tiles * ROWS] */
    float *d_q;       /* [batch][heads][tiles][ROWS * DIM], in the order of sum_place */
    int tiles;
};

/* Where sum e of the 16 x 8 tile (i, j) of a thread lies in its tile of d_q. Each thread adds sums
 * of its own there, VECTOR at a time, and a warp's lie in a row. */
template <typename SHAPE> __device__ __forceinline__ int sum_place(int i, int j, int e)
{
    const int tile = i * SHAPE::Q_NT + j, thread = (int)threadIdx.x % SHAPE::SUMMERS;
    return SHAPE::VECTOR == 4 ? (tile * SHAPE::SUMMERS + thread) * 4 + e
                              : (tile * 4 + e) * SHAPE::SUMMERS + thread;
}

template <typename SHAPE>
__host__ __device__ inline backward_workspace workspace_of(const mlb_attention_call &call)
{
    backward_workspace to;
    to.tiles = (call.rows_q + SHAPE::ROWS - 1) / SHAPE::ROWS;
    to.stats = (row_stats *)call.workspace;
    to.d_q = (float *)(to.stats + (int64_t)call.batch * call.heads * to.tiles * SHAPE::ROWS);
    return to;
}

template <typename SHAPE>
__device__ __forceinline__ float *d_q_of(const mlb_attention_call &call, int batch, int head,
                                         int tile)
{
    const backward_workspace work = workspace_of<SHAPE>(call);
    return work.d_q + (((int64_t)batch * call.heads + head) * work.tiles + tile) *
                          ((int64_t)SHAPE::ROWS * SHAPE::DIM);
}

template <typename SHAPE> size_t workspace_bytes(const mlb_attention_call &call)
{
    size_t heads = (size_t)call.batch * (size_t)call.heads;
    size_t rows = (size_t)((call.rows_q + SHAPE::ROWS - 1) / SHAPE::ROWS) * SHAPE::ROWS;
    return heads * rows * (sizeof(row_stats) + SHAPE::DIM * sizeof(float));
}

/* ---------------------------------------------------------------------------------- preparation */

constexpr int PREPARE_ROWS = 32; /* of a block of 256 threads: eight a row */

template <typename T> __device__ __forceinline__ float dot8(const uint16_t *x, const uint16_t *y)
{
    const uint4 a = *(const uint4 *)x, b = *(const uint4 *)y;
    const uint32_t left[4] = {a.x, a.y, a.z, a.w}, right[4] = {b.x, b.y, b.z, b.w};
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float2 u = ptx::unpack<T>(left[i]), v = ptx::unpack<T>(right[i]);
        sum += u.x * v.x + u.y * v.y;
    }
    return sum;
}

/* Grid: x = padded rows / PREPARE_ROWS, y = heads, z = batch. */
template <typename T>
__global__ void __launch_bounds__(256)
    prepare_kernel(const mlb_attention_call call, row_stats *stats, int padded_rows)
{
    const int head = (int)blockIdx.y, batch = (int)blockIdx.z, lane = (int)threadIdx.x % 8;
    const int row = (int)blockIdx.x * PREPARE_ROWS + (int)threadIdx.x / 8;
    const int64_t of_head = (int64_t)batch * call.heads + head;
    const head_rows o = head_of(call.o, batch, head, call.rows_q);
    const head_rows d_o = head_of(call.d_o, batch, head, call.rows_q);
    float delta = 0.0f, lse2 = INFINITY;
    if (row < call.rows_q) {
        for (int i = lane * 8; i < call.dim_v; i += 64)
            delta += dot8<T>(o.data + row * o.stride + i, d_o.data + row * d_o.stride + i);
        lse2 = call.lse[of_head * call.rows_q + row] * LOG2_E;
    }
    for (int other = 4; other > 0; other /= 2)
        delta += __shfl_xor_sync(0xffffffffu, delta, other);
    if (lane == 0)
        stats[of_head * padded_rows + row] = {lse2, delta};
}

/* -------------------------------------------------------------------------------- the main kernel
 */

/* The query tiles that a block goes over, in order: of each head of the group, from the first tile
 * that sees one of its keys on. */
struct query_walk {
    int head, tile, first_tile, tiles, steps;

    __device__ __forceinline__ void next()
    {
        if (++tile == tiles) {
            tile = first_tile;
            head++;
        }
    }
};

template <typename SHAPE>
__device__ __forceinline__ query_walk walk_of(const mlb_attention_call &call, int kv_head,
                                              int first_key)
{
    query_walk walk;
    int group = call.heads / call.kv_heads;
    walk.tiles = (call.rows_q + SHAPE::ROWS - 1) / SHAPE::ROWS;
    walk.first_tile = call.causal ? first_key / SHAPE::ROWS : 0;
    walk.tile = walk.first_tile;
    walk.head = kv_head * group;
    walk.steps = group * (walk.tiles - walk.first_tile);
    return walk;
}

template <int MT, int NT>
__device__ __forceinline__ void scale_sums(float (&sums)[MT][NT][4], float factor)
{
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int j = 0; j < NT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                sums[i][j][e] *= factor;
}

/* ------------------------------------------------------------------------------------ afterwards
 */

/* dQ = scale times the sums, rounded. Grid: x = query tiles, y = heads, z = batch. Shared memory: a
 * tile of Q. */
template <typename T, typename SHAPE>
__global__ void __launch_bounds__(SHAPE::SUMMERS) convert_kernel(const mlb_attention_call call)
{
    constexpr int MT = SHAPE::Q_MT, NT = SHAPE::Q_NT;
    const int head = (int)blockIdx.y, batch = (int)blockIdx.z, tile = (int)blockIdx.x;
    const int warp = (int)threadIdx.x / 32;
    const float *from = d_q_of<SHAPE>(call, batch, head, tile);
    char *shared = (char *)ptx::dynamic_shared();
    float d_q[MT][NT][4];
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int j = 0; j < NT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                d_q[i][j][e] = from[sum_place<SHAPE>(i, j, e)];
    scale_sums(d_q, call.scale);
    store_sums<T, SHAPE::ROWS>(shared, d_q, SHAPE::q_row(warp), SHAPE::q_column(warp));
    __syncthreads();
    store_rows<SHAPE::ROWS, SHAPE::DIM, SHAPE::SUMMERS>(head_of(call.d_q, batch, head, call.rows_q),
                                                        tile * SHAPE::ROWS, shared);
}

/* start(kernel, grid, threads, shared bytes, arguments) launches and returns 0 or an error;
 * start.zero(pointer, bytes) sets memory to zero likewise. main(grid) launches the kernel in
 * between, whose grid is x = key blocks, y = key heads, z = batch. */
template <typename T, typename SHAPE, typename START, typename MAIN>
int start_backward_around(const mlb_attention_call &call, const START &start, const MAIN &main)
{
    const unsigned heads = (unsigned)call.heads, batch = (unsigned)call.batch;
    const backward_workspace work = workspace_of<SHAPE>(call);
    const int padded = work.tiles * SHAPE::ROWS;
    const unsigned keys = (unsigned)((call.rows_kv + SHAPE::COLUMNS - 1) / SHAPE::COLUMNS);
    int error = start.zero(work.d_q, (size_t)batch * heads * (size_t)padded * SHAPE::DIM * 4);
    if (!error)
        error = start(prepare_kernel<T>, dim3((unsigned)padded / PREPARE_ROWS, heads, batch), 256,
                      0, call, work.stats, padded);
    if (!error)
        error = main(dim3(keys, (unsigned)call.kv_heads, batch));
    if (!error)
        error = start(convert_kernel<T, SHAPE>, dim3((unsigned)work.tiles, heads, batch),
                      SHAPE::SUMMERS, SHAPE::Q_BYTES, call);
    return error;
}

struct backward_shared_bytes {
    template <typename SHAPE> size_t on() const
    {
        return SHAPE::SHARED_BYTES;
    }
    size_t none() const
    {
        return 0;
    }
};

struct backward_workspace_bytes {
    const mlb_attention_call &call;
    template <typename SHAPE> size_t on() const
    {
        return workspace_bytes<SHAPE>(call);
    }
    size_t none() const
    {
        return 0;
    }
};

} // namespace attention

#endif
