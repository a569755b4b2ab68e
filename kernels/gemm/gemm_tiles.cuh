/* SPDX-License-Identifier: Apache-2.0 */
/* Which tile of C a block takes. */
#ifndef MLB_KERNELS_GEMM_TILES_CUH
#define MLB_KERNELS_GEMM_TILES_CUH

namespace gemm
{

struct tile {
    unsigned row, column; /* in tiles */
};

/* Tiles in groups of `GROUP` rows of tiles, down each column of a group: blocks that run at the
 * same time then share rows of A and columns of B, and L2 holds both. */
template <unsigned GROUP>
__device__ __forceinline__ tile tile_at(unsigned index, unsigned rows, unsigned columns)
{
    unsigned first = index / (GROUP * columns) * GROUP;
    unsigned height = rows - first < GROUP ? rows - first : GROUP;
    unsigned inside = index % (GROUP * columns);
    return {first + inside % height, inside / height};
}

} // namespace gemm

#endif
