/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles of 16-bit elements in shared memory, and products of a warp over them.
 *
 * A tile of ROWS rows lies in panels of 64 columns: [panel][row][128 bytes], and the 16-byte chunks
 * of a row are exchanged by chunk ^= row % 8. Eight rows of one chunk then lie in all 32 banks, so
 * that neither ldmatrix nor the copies have bank conflicts; it is also the layout that TMA writes
 * and wgmma reads with the 128-byte swizzle. */
#ifndef MLB_KERNELS_ATTENTION_MMA_TILE_CUH
#define MLB_KERNELS_ATTENTION_MMA_TILE_CUH

#include <math.h>

#include "kernels/attention/attention_own.h"
#include "kernels/tensorcore/ptx.cuh"

namespace attention
{

constexpr float LOG2_E = 1.4426950408889634f, LN_2 = 0.6931471805599453f;

/* Bytes from a tile's begin to the 16-byte chunk `chunk` of row `row`. */
template <int ROWS> __device__ __forceinline__ uint32_t chunk_offset(int row, int chunk)
{
    return (uint32_t)((chunk >> 3) * ROWS * 128 + row * 128 + (((chunk ^ row) & 7) << 4));
}

/* Where one operand of a product lies, and which way round. K is the dimension summed over: K_INNER
 * has it along the rows of the tile ([m][k], [n][k]), K_OUTER across ([k][m], [k][n]). */
enum order { K_INNER, K_OUTER };

/* The addresses that this lane hands to ldmatrix.x4 for 16 x 16 elements. What depends on the lane
 * or the warp is in `lane`; steps of 16 add or exchange constants. */
template <int ROWS, order ORDER> struct fragments {
    uint32_t lane;

    /* `outer` is the warp's first m or n: a multiple of 16. WIDE_ROWS: lanes 8-15 take the next
     * eight rows and lanes 16-31 the next chunk; else the other way round. */
    __device__ __forceinline__ fragments(uint32_t tile, int outer, bool wide_rows)
    {
        int id = (int)threadIdx.x % 32, second = (id >> 3) & 1, fourth = id >> 4;
        int row = (id & 7) + 8 * (wide_rows ? second : fourth);
        int chunk = wide_rows ? fourth : second;
        if (ORDER == K_INNER)
            row += outer;
        else
            chunk += outer / 8;
        lane = tile + chunk_offset<ROWS>(row, chunk);
    }

    /* Of the 16 x 16 elements at `outer` from the warp's first and at k: constants after unrolling.
     * Chunks are even and do not carry into the warp's own, so XOR adds. */
    __device__ __forceinline__ uint32_t at(int outer, int k) const
    {
        int row = ORDER == K_INNER ? outer : k, chunk = (ORDER == K_INNER ? k : outer) / 8;
        return (lane ^ (uint32_t)((chunk & 7) << 4)) +
               (uint32_t)((chunk >> 3) * ROWS * 128 + row * 128);
    }

    __device__ __forceinline__ void load(uint32_t (&to)[4], int outer, int k) const
    {
        if (ORDER == K_INNER)
            ptx::ldmatrix_x4(to, at(outer, k));
        else
            ptx::ldmatrix_x4_trans(to, at(outer, k));
    }
};

/* Left operand: [m][k] needs rows first, [k][m] chunks first (transposed on the way). */
template <int ROWS, order ORDER>
__device__ __forceinline__ fragments<ROWS, ORDER> left(uint32_t tile, int m)
{
    return fragments<ROWS, ORDER>(tile, m, ORDER == K_INNER);
}

/* Right operand: two tiles of 8 columns, the two halves of k of each side by side. */
template <int ROWS, order ORDER>
__device__ __forceinline__ fragments<ROWS, ORDER> right(uint32_t tile, int n)
{
    return fragments<ROWS, ORDER>(tile, n, ORDER == K_OUTER);
}

/* sums[MT * 16][NT * 8] += A[..][K] B[K][..]. UNROLL steps of 16 are scheduled together. */
template <typename T, int K, int UNROLL, int MT, int NT, typename A, typename B>
__device__ __forceinline__ void multiply(float (&sums)[MT][NT][4], const A &a, const B &b)
{
#pragma unroll UNROLL
    for (int k = 0; k < K; k += 16) {
        uint32_t rows[MT][4];
#pragma unroll
        for (int i = 0; i < MT; i++)
            a.load(rows[i], 16 * i, k);
#pragma unroll
        for (int j = 0; j < NT; j += 2) {
            uint32_t columns[4];
            b.load(columns, 8 * j, k);
#pragma unroll
            for (int i = 0; i < MT; i++) {
                ptx::mma<T>(sums[i][j], rows[i], columns[0], columns[1]);
                ptx::mma<T>(sums[i][j + 1], rows[i], columns[2], columns[3]);
            }
        }
    }
}

template <int MT, int NT> __device__ __forceinline__ void clear(float (&sums)[MT][NT][4])
{
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int j = 0; j < NT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                sums[i][j][e] = 0.0f;
}

/* Row and column of element e of a lane's 16 x 8 sums: rows lane / 4 and 8 more, two columns. */
__device__ __forceinline__ int sum_row(int e)
{
    return (int)threadIdx.x % 32 / 4 + (e >> 1) * 8;
}

__device__ __forceinline__ int sum_column(int e)
{
    return (int)threadIdx.x % 4 * 2 + (e & 1);
}

/* Scores of keys that do not exist or are hidden become -inf. `row` and `column` are those of
 * s[0][0][0]; a row sees its first `keys` keys, with causal at most row + 1. */
template <int MT, int NT>
__device__ __forceinline__ void hide(float (&s)[MT][NT][4], int row, int column, int keys,
                                     bool causal)
{
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
            int last = row + 16 * i + (e >> 1) * 8 + 1, end = causal && last < keys ? last : keys;
#pragma unroll
            for (int j = 0; j < NT; j++)
                if (column + 8 * j + (e & 1) >= end)
                    s[i][j][e] = -INFINITY;
        }
}

/* The sums, rounded, into a tile from (m, n) on. */
template <typename T, int ROWS, int MT, int NT>
__device__ __forceinline__ void store_sums(char *tile, const float (&sums)[MT][NT][4], int m, int n)
{
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int j = 0; j < NT; j++)
#pragma unroll
            for (int e = 0; e < 4; e += 2) {
                uint32_t at = chunk_offset<ROWS>(m + 16 * i + sum_row(e), n / 8 + j);
                *(uint32_t *)(tile + at + threadIdx.x % 4 * 4) =
                    ptx::pack<T>(sums[i][j][e], sums[i][j][e + 1]);
            }
}

/* One head of a view: row i begins at data + i * stride. */
struct head_rows {
    uint16_t *data;
    int64_t stride;
    int count; /* rows that exist */
};

__device__ __forceinline__ head_rows head_of(const mlb_attention_view &view, int batch, int head,
                                             int count)
{
    return {(uint16_t *)view.data + batch * view.batch + head * view.head, view.row, count};
}

/* Enqueues the copy of rows [first, first + ROWS) x WIDTH into a tile; rows that do not exist
 * become zero. A thread copies one chunk of a panel's row in each step, eight threads a row. */
template <int ROWS, int WIDTH, int THREADS>
__device__ __forceinline__ void load_tile(uint32_t tile, const head_rows &from, int first)
{
    constexpr int DOWN = THREADS / 8;
    static_assert(ROWS % DOWN == 0 && WIDTH % 64 == 0, "whole steps, whole panels");
    int row = (int)threadIdx.x / 8, chunk = (int)threadIdx.x % 8;
    const uint16_t *source = from.data + (first + row) * from.stride + chunk * 8;
#pragma unroll 1
    for (int step = 0; step < ROWS / DOWN; step++) {
        uint32_t bytes = first + row < from.count ? 16u : 0u;
#pragma unroll
        for (int panel = 0; panel < WIDTH / 64; panel++)
            ptx::copy_async_16(tile + chunk_offset<ROWS>(row, chunk + 8 * panel),
                               source + 64 * panel, bytes);
        row += DOWN;
        source += DOWN * from.stride;
    }
}

/* The other way, for rows [begin, end) of the tile that exist, by THREADS threads in a row; `first`
 * is the row of `to` that the tile's row 0 is. */
template <int ROWS, int WIDTH, int THREADS>
__device__ __forceinline__ void store_rows(const head_rows &to, int first, const char *tile,
                                           int begin = 0, int end = ROWS)
{
    const int thread = (int)threadIdx.x % THREADS, chunk = thread % 8;
#pragma unroll
    for (int row = begin + thread / 8; row < end; row += THREADS / 8)
#pragma unroll
        for (int panel = 0; panel < WIDTH / 64; panel++)
            if (first + row < to.count)
                *(uint4 *)(to.data + (first + row) * to.stride + chunk * 8 + panel * 64) =
                    *(const uint4 *)(tile + chunk_offset<ROWS>(row, chunk + 8 * panel));
}

} // namespace attention

#endif
