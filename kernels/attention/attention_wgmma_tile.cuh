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

#if MLB_HOPPER

/* One thread asks for rows [row, row + ROWS) of a head as panels of 64 columns. */
template <int ROWS, int WIDTH>
__device__ __forceinline__ void tma_tile(uint32_t to, const CUtensorMap *map, uint32_t barrier,
                                         int row, int head, int batch)
{
#pragma unroll
    for (int panel = 0; panel < WIDTH / 64; panel++)
        ptx::tma_load(to + (uint32_t)(panel * ROWS * 128), map, barrier, panel * 64, row, head,
                      batch);
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

/* A view as TMA reads it: boxes of `box_rows` rows by 64 columns. Dimensions are dim, row, head,
 * batch, whatever the order of their strides. */
inline mlb_tensor tensor_of(const mlb_attention_view &view, const mlb_attention_call &call, int dim,
                            int rows, int heads, int box_rows)
{
    mlb_tensor tensor = {};
    tensor.base = view.data;
    tensor.dtype = call.dtype;
    tensor.rank = 4;
    tensor.swizzled = 1;
    const uint64_t extent[4] = {(uint64_t)dim, (uint64_t)rows, (uint64_t)heads,
                                (uint64_t)call.batch};
    const int64_t stride[4] = {1, view.row, view.head, view.batch};
    const uint32_t box[4] = {64, (uint32_t)box_rows, 1, 1};
    for (int i = 0; i < 4; i++) {
        tensor.extent[i] = extent[i];
        tensor.stride[i] = (uint64_t)stride[i] * 2;
        tensor.box[i] = box[i];
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
