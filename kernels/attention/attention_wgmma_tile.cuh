/* SPDX-License-Identifier: Apache-2.0 */
/* What the wgmma kernels share: tiles by TMA, stages, the threads' places in a warpgroup. */
#ifndef MLB_KERNELS_ATTENTION_WGMMA_TILE_CUH
#define MLB_KERNELS_ATTENTION_WGMMA_TILE_CUH

#include "kernels/attention/attention_mma_tile.cuh"
#include "kernels/attention/attention_wgmma.h"
#include "kernels/tensorcore/wgmma.cuh"

namespace attention
{

/* The step's stage and the parity of its phase. */
template <int STAGES> struct stage_of {
    uint32_t index, parity;
    __device__ __forceinline__ explicit stage_of(int step)
        : index((uint32_t)step % STAGES), parity((uint32_t)step / STAGES % 2)
    {
    }
};

/* Heads lie within a row (bshd), and are the map's second dimension then: the driver API's manual
 * asks of a tensor map that each stride is a multiple of the one before. */
__host__ __device__ __forceinline__ bool heads_inside(const mlb_attention_view &view)
{
    return view.head < view.row;
}

#if MLB_HOPPER

/* One thread asks for rows [row, row + ROWS) of a head of the view as panels of 64 columns. */
template <int ROWS, int WIDTH>
__device__ __forceinline__ void tma_tile(uint32_t to, const CUtensorMap *map, uint32_t barrier,
                                         const mlb_attention_view &view, int row, int head,
                                         int batch)
{
    const bool inside = heads_inside(view);
#pragma unroll
    for (int panel = 0; panel < WIDTH / 64; panel++)
        ptx::tma_load(to + (uint32_t)(panel * ROWS * 128), map, barrier, panel * 64,
                      inside ? head : row, inside ? row : head, batch);
}

/* s (64, B_ROWS) = A B^T over DIM, enqueued: a warpgroup's rows of a tile of A_ROWS rows, and a
 * tile of B_ROWS, both in panels of 64 columns. */
template <typename T, int DIM, int A_ROWS, int B_ROWS, int COUNT>
__device__ __forceinline__ void score_product(float (&s)[COUNT], uint32_t a, uint32_t b)
{
#pragma unroll
    for (int i = 0; i < DIM / 16; i++) {
        const uint32_t column = (uint32_t)(i % 4 * 32);
        ptx::wgmma<T>(s, ptx::k_major(a + (uint32_t)(i / 4 * A_ROWS * 128) + column),
                      ptx::k_major(b + (uint32_t)(i / 4 * B_ROWS * 128) + column), i > 0);
    }
    ptx::wgmma_commit();
}

/* sums (64, width) += a (64, ROWS) of registers times a tile (ROWS, width), enqueued. */
template <typename T, int ROWS, int COUNT, int STEPS>
__device__ __forceinline__ void add_product(float (&sums)[COUNT], const uint32_t (&a)[STEPS][4],
                                            uint32_t tile)
{
#pragma unroll
    for (int i = 0; i < STEPS; i++)
        ptx::wgmma<T, ptx::MN_MAJOR>(sums, a[i],
                                     ptx::mn_major(tile + (uint32_t)(i * 2048), ROWS * 128), 1);
    ptx::wgmma_commit();
}

/* Row of s[0] and s[1] in the warpgroup's 64; s[2] and s[3] are 8 below. */
__device__ __forceinline__ int group_row()
{
    return (int)threadIdx.x % 128 / 32 * 16 + sum_row(0);
}

/* Sums of a warpgroup, rounded: the registers of the left operand of the next product. */
template <typename T, int STEPS, int COUNT>
__device__ __forceinline__ void round_scores(uint32_t (&p)[STEPS][4], const float (&s)[COUNT])
{
    static_assert(COUNT == 8 * STEPS, "registers of 16 columns");
#pragma unroll
    for (int i = 0; i < STEPS; i++)
#pragma unroll
        for (int r = 0; r < 4; r++)
            p[i][r] = ptx::pack<T>(s[8 * i + 2 * r], s[8 * i + 2 * r + 1]);
}

/* One lane of each warp says that the warp is done with a stage. */
__device__ __forceinline__ void release(uint32_t empty)
{
    if (threadIdx.x % 32 == 0)
        ptx::mbarrier_arrive(empty);
}

#endif

/* A view as TMA reads it: boxes of `box_rows` rows of a head by 64 columns. Dimensions are dim, the
 * inner one of row and head, the outer one, batch. */
inline mlb_tensor tensor_of(const mlb_attention_view &view, const mlb_attention_call &call, int dim,
                            int rows, int heads, int box_rows)
{
    struct dimension {
        int extent;
        int64_t stride;
        int box;
    };
    const dimension row = {rows, view.row, box_rows}, head = {heads, view.head, 1};
    const bool inside = heads_inside(view);
    const dimension all[4] = {
        {dim, 1, 64}, inside ? head : row, inside ? row : head, {call.batch, view.batch, 1}};
    mlb_tensor tensor = {};
    tensor.base = view.data;
    tensor.dtype = call.dtype;
    tensor.rank = 4;
    tensor.swizzled = 1;
    for (int i = 0; i < 4; i++) {
        tensor.extent[i] = (uint64_t)all[i].extent;
        tensor.stride[i] = (uint64_t)all[i].stride * 2;
        tensor.box[i] = (uint32_t)all[i].box;
    }
    return tensor;
}

struct has_shape {
    template <typename SHAPE> bool on() const
    {
        return true;
    }
    bool none() const
    {
        return false;
    }
};

} // namespace attention

#endif
