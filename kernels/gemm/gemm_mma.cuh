/* SPDX-License-Identifier: Apache-2.0 */
/* C(m,n) = A(m,k) B(k,n) by mma.sync, bf16 or f16 summed in f32, on sm_80 and later.
 *
 * A block of four warps makes a tile of 128 x 128, each warp 64 x 64 of it. Tiles of A and B, 32 of
 * k deep, come by cp.async through four stages of shared memory; fragments for the next 16 of k are
 * read while the tensor cores work on the present ones. Two blocks share an SM, so one multiplies
 * while the other stores.
 *
 * Extents are multiples of 8, so that 16 bytes are all inside or all outside; outside counts as
 * zero. */
#ifndef MLB_KERNELS_GEMM_MMA_CUH
#define MLB_KERNELS_GEMM_MMA_CUH

#include "kernels/tensorcore/ptx.cuh"

#include "kernels/gemm/gemm_tiles.cuh"

namespace gemm
{
namespace mma
{

constexpr unsigned TILE = 128; /* rows and columns of C a block makes */
constexpr unsigned DEPTH = 32; /* of k a stage */
constexpr unsigned STAGES = 4;
constexpr unsigned THREADS = 128;
constexpr unsigned WARP_TILE = 64;
constexpr unsigned GROUP = 16; /* rows of tiles that run together: 216 blocks make 2048 x 1728 */
constexpr uint32_t OPERAND_BYTES = TILE * DEPTH * 2;
constexpr uint32_t SHARED_BYTES = STAGES * 2 * OPERAND_BYTES;

static_assert(SHARED_BYTES >= TILE * TILE * 2, "the tile of C is stored through the stages");

/* One operand: 128 of m (of A) or n (of B) by k. In global memory [extent][k] when MAJOR is
 * K_MAJOR, else [k][extent]. In a stage the same, [128][32] or [32][128]; chunks of 16 bytes are
 * XORed with the row so that the eight rows of an 8x8 matrix lie in different banks. */
template <typename T, ptx::major MAJOR> struct operand {
    static constexpr bool K = MAJOR == ptx::K_MAJOR;
    static constexpr unsigned CHUNKS = K ? DEPTH / 8 : TILE / 8; /* of a row */
    static constexpr unsigned ROWS_AT_ONCE = THREADS / CHUNKS;   /* that the block copies */
    static constexpr unsigned COPIES = (K ? TILE : DEPTH) / ROWS_AT_ONCE;

    const T *from;   /* the thread's first chunk of the next stage */
    size_t pitch;    /* elements a row in global memory */
    unsigned extent; /* rows (K_MAJOR) or chunks * 8 (else) that are there, from the tile's first */

    __device__ __forceinline__ operand(const T *matrix, unsigned rows, unsigned depth,
                                       unsigned first)
        : pitch(K ? depth : rows), extent(rows - first)
    {
        unsigned row = threadIdx.x / CHUNKS, chunk = threadIdx.x % CHUNKS;
        from = K ? matrix + (first + row) * pitch + chunk * 8
                 : matrix + row * pitch + first + chunk * 8;
    }

    /* Bytes from the stage's beginning to the chunk with (mn, k) in it. */
    static __device__ __forceinline__ uint32_t at(unsigned mn, unsigned k)
    {
        return K ? mn * (DEPTH * 2) + ((k / 8) ^ (mn / 2 % 4)) * 16
                 : k * (TILE * 2) + ((mn / 8) ^ (k % 8)) * 16;
    }

    /* Enqueues the copies of one stage, of which `left` of k are there, and moves on. */
    __device__ __forceinline__ void load(uint32_t stage, unsigned left)
    {
        unsigned row = threadIdx.x / CHUNKS, column = threadIdx.x % CHUNKS * 8;
#pragma unroll
        for (unsigned i = 0; i < COPIES; i++, row += ROWS_AT_ONCE) {
            bool inside = K ? row < extent && column < left : row < left && column < extent;
            uint32_t to = stage + (K ? at(row, column) : at(column, row));
            ptx::copy_async_16(to, from + i * ROWS_AT_ONCE * pitch, inside ? 16 : 0);
        }
        from += K ? DEPTH : DEPTH * pitch;
    }

    /* Fragments of A, rows mn to mn + 15. */
    static __device__ __forceinline__ void read_a(uint32_t (&a)[4], uint32_t stage, unsigned mn,
                                                  unsigned k)
    {
        unsigned lane = ptx::lane();
        if (K)
            ptx::ldmatrix_x4(a, stage + at(mn + lane % 16, k + lane / 16 * 8));
        else
            ptx::ldmatrix_x4_trans(a,
                                   stage + at(mn + lane / 8 % 2 * 8, k + lane / 16 * 8 + lane % 8));
    }

    /* Fragments of B, columns mn to mn + 15: two of eight columns, two registers each. */
    static __device__ __forceinline__ void read_b(uint32_t (&b)[4], uint32_t stage, unsigned mn,
                                                  unsigned k)
    {
        unsigned lane = ptx::lane();
        if (K)
            ptx::ldmatrix_x4(b, stage + at(mn + lane / 16 * 8 + lane % 8, k + lane / 8 % 2 * 8));
        else
            ptx::ldmatrix_x4_trans(b, stage + at(mn + lane / 16 * 8, k + lane % 16));
    }
};

struct fragments {
    uint32_t a[WARP_TILE / 16][4], b[WARP_TILE / 16][4];
};

struct accumulators {
    float c[WARP_TILE / 16][WARP_TILE / 8][4];
};

template <typename A, typename B>
__device__ __forceinline__ void read(fragments &to, uint32_t stage, unsigned row, unsigned column,
                                     unsigned k)
{
#pragma unroll
    for (unsigned i = 0; i < WARP_TILE / 16; i++) {
        A::read_a(to.a[i], stage, row + i * 16, k);
        B::read_b(to.b[i], stage + OPERAND_BYTES, column + i * 16, k);
    }
}

template <typename T>
__device__ __forceinline__ void multiply(accumulators &sums, const fragments &from)
{
#pragma unroll
    for (unsigned i = 0; i < WARP_TILE / 16; i++)
#pragma unroll
        for (unsigned j = 0; j < WARP_TILE / 8; j++)
            ptx::mma<T>(sums.c[i][j], from.a[i], from.b[j / 2][j % 2 * 2],
                        from.b[j / 2][j % 2 * 2 + 1]);
}

/* The warp's 64 x 64 at (row, column) of C, through 8 KiB of shared memory of its own: 16 bytes a
 * lane, whole rows of 128 bytes. */
template <typename T>
__device__ __forceinline__ void store(const accumulators &sums, unsigned char *shared, T *c,
                                      unsigned m, unsigned n, unsigned row, unsigned column)
{
    unsigned lane = ptx::lane();
#pragma unroll
    for (unsigned i = 0; i < WARP_TILE / 16; i++)
#pragma unroll
        for (unsigned j = 0; j < WARP_TILE / 8; j++)
#pragma unroll
            for (unsigned half = 0; half < 2; half++) {
                uint32_t at = (i * 16 + half * 8 + lane / 4) * 128 + j * 16 + lane % 4 * 4;
                *reinterpret_cast<uint32_t *>(shared + ptx::swizzle_128b(at)) =
                    ptx::pack<T>(sums.c[i][j][2 * half], sums.c[i][j][2 * half + 1]);
            }
    __syncwarp();
#pragma unroll 4
    for (unsigned i = 0; i < WARP_TILE; i += 4) {
        unsigned down = i + lane / 8, right = lane % 8 * 8;
        uint4 chunk =
            *reinterpret_cast<const uint4 *>(shared + ptx::swizzle_128b(down * 128 + right * 2));
        if (row + down < m && column + right < n)
            *reinterpret_cast<uint4 *>(c + (size_t)(row + down) * n + column + right) = chunk;
    }
}

/* Grid: one block a tile, in one dimension. */
template <typename T, ptx::major A_MAJOR, ptx::major B_MAJOR>
__global__ void __launch_bounds__(THREADS, 2)
    gemm_mma_kernel(const T *a, const T *b, T *c, unsigned m, unsigned n, unsigned k)
{
    using A = operand<T, A_MAJOR>;
    using B = operand<T, B_MAJOR>;
    tile where = tile_at<GROUP>(blockIdx.x, (m + TILE - 1) / TILE, (n + TILE - 1) / TILE);
    unsigned row = ptx::warp() % 2 * WARP_TILE, column = ptx::warp() / 2 * WARP_TILE;
    A from_a(a, m, k, where.row * TILE);
    B from_b(b, n, k, where.column * TILE);
    uint32_t shared = ptx::shared_address(ptx::dynamic_shared());
    unsigned steps = (k + DEPTH - 1) / DEPTH, left = k;
    unsigned filled = 0; /* the stage that is filled next */

    auto fill = [&] {
        if (left > 0) {
            uint32_t stage = shared + filled * 2 * OPERAND_BYTES;
            from_a.load(stage, left);
            from_b.load(stage + OPERAND_BYTES, left);
            left -= left < DEPTH ? left : DEPTH;
        }
        filled = filled + 1 == STAGES ? 0 : filled + 1;
        ptx::copy_async_commit();
    };

    accumulators sums = {};
    fragments held[2];
    for (unsigned i = 0; i < STAGES - 1; i++)
        fill();
    ptx::copy_async_wait<STAGES - 2>();
    __syncthreads();
    read<A, B>(held[0], shared, row, column, 0);
    uint32_t stage = shared;
    for (unsigned step = 0; step < steps; step++) {
        read<A, B>(held[1], stage, row, column, 16);
        fill(); /* into the stage of the last step, which all left before the barrier */
        multiply<T>(sums, held[0]);
        ptx::copy_async_wait<STAGES - 2>();
        __syncthreads();
        stage =
            stage == shared + (STAGES - 1) * 2 * OPERAND_BYTES ? shared : stage + 2 * OPERAND_BYTES;
        /* After the last step this reads a stage that nobody filled, and nobody uses it. */
        read<A, B>(held[0], stage, row, column, 0);
        multiply<T>(sums, held[1]);
    }
    __syncthreads(); /* others may still read what they do not use */
    store<T>(sums, ptx::dynamic_shared() + ptx::warp() * (WARP_TILE * WARP_TILE * 2), c, m, n,
             where.row * TILE + row, where.column * TILE + column);
}

static_assert(DEPTH == 32, "a step is two halves of 16");

} // namespace mma
} // namespace gemm

#endif
