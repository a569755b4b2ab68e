/* SPDX-License-Identifier: Apache-2.0 */
/* C(m,n) = A(m,k) B(k,n) by wgmma and TMA, bf16 or f16 summed in f32, on sm_90a.
 *
 * One block an SM goes from tile to tile of 128 x 256; two blocks are a cluster and work on tiles
 * one below the other. Each brings half of the columns of B that both need and multicasts it: L2
 * then gives 32 KiB instead of 48 to each SM for a step along k. Its
 * first warpgroup is the producer: one thread asks TMA for tiles of A and B, 64 of k deep, as far
 * ahead as the four stages of shared memory allow, across tiles too. The two others are consumers,
 * 64 rows each; one wgmma group stays under way while the next is enqueued. A stage is `full` when
 * TMA's bytes have come and `empty` when all consumer warps of the cluster are done with it.
 *
 * TMA gives zeros for what is outside of a matrix and leaves out such stores, so any extents will
 * do whose rows are multiples of 16 bytes. */
#ifndef MLB_KERNELS_GEMM_WGMMA_CUH
#define MLB_KERNELS_GEMM_WGMMA_CUH

#include "kernels/tensorcore/wgmma.cuh"

#include "kernels/gemm/gemm_tiles.cuh"

namespace gemm
{
namespace wgmma
{

constexpr unsigned ROWS = 128, COLUMNS = 256; /* of C, a tile */
constexpr unsigned DEPTH = 64;                /* of k a stage: 128 bytes, the swizzle's width */
constexpr unsigned STAGES = 4;
constexpr unsigned CONSUMERS = 2;
constexpr unsigned CONSUMER_ROWS = ROWS / CONSUMERS;
constexpr unsigned THREADS = 128 * (1 + CONSUMERS);
constexpr unsigned CLUSTER = 2; /* blocks, along m */
constexpr unsigned GROUP = 8; /* clusters, along m, that run together: 66 make about 2048 x 2112 */
constexpr int REGISTERS_PRODUCER = 40, REGISTERS_CONSUMER = 232; /* 128 (40 + 2 x 232) <= 65536 */

/* Boxes of TMA: 64 elements wide, always 128 bytes. */
constexpr unsigned BOX = 64;
constexpr uint32_t A_BYTES = ROWS * DEPTH * 2, B_BYTES = COLUMNS * DEPTH * 2;
constexpr uint32_t STAGE_BYTES = A_BYTES + B_BYTES;
constexpr unsigned B_COLUMNS = COLUMNS / CLUSTER; /* that a block brings; 128 bytes a column of B */
constexpr uint32_t BOX_BYTES = BOX * 128;         /* of 64 rows */
constexpr uint32_t STAGING_BYTES = 2 * BOX_BYTES; /* of C, a consumer: half of its columns */
constexpr uint32_t STAGING = STAGES * STAGE_BYTES; /* where it begins */
constexpr uint32_t BARRIERS = STAGING + CONSUMERS * STAGING_BYTES;
constexpr uint32_t SHARED_BYTES = BARRIERS + STAGES * 2 * 8;

#if MLB_HOPPER

/* A place in the ring of stages. A barrier's phase ends once a round, so its parity is the round's.
 */
struct ring {
    uint32_t stage = 0, parity = 0;
    __device__ __forceinline__ void next()
    {
        stage = stage + 1 == STAGES ? 0 : stage + 1;
        parity ^= stage == 0 ? 1u : 0u;
    }
};

struct memory {
    uint32_t begin;
    __device__ __forceinline__ uint32_t a(uint32_t stage) const
    {
        return begin + stage * STAGE_BYTES;
    }
    __device__ __forceinline__ uint32_t b(uint32_t stage) const
    {
        return a(stage) + A_BYTES;
    }
    __device__ __forceinline__ uint32_t full(uint32_t stage) const
    {
        return begin + BARRIERS + stage * 8;
    }
    __device__ __forceinline__ uint32_t empty(uint32_t stage) const
    {
        return full(stage) + STAGES * 8;
    }
};

/* Tiles of this block, and the steps along k of each. */
struct work {
    unsigned rows, columns, steps; /* rows, columns: of a cluster's tiles */
    __device__ __forceinline__ work(unsigned m, unsigned n, unsigned k)
        : rows((m + CLUSTER * ROWS - 1) / (CLUSTER * ROWS)), columns((n + COLUMNS - 1) / COLUMNS),
          steps((k + DEPTH - 1) / DEPTH)
    {
    }
    __device__ __forceinline__ unsigned first() const
    {
        return blockIdx.x / CLUSTER;
    }
    __device__ __forceinline__ unsigned clusters() const
    {
        return gridDim.x / CLUSTER;
    }
    __device__ __forceinline__ unsigned tiles() const
    {
        return rows * columns;
    }
    /* In units of the block's tile. */
    __device__ __forceinline__ tile at(unsigned index) const
    {
        tile of_cluster = tile_at<GROUP>(index, rows, columns);
        return {of_cluster.row * CLUSTER + ptx::cluster_rank(), of_cluster.column};
    }
};

/* One block's part of a stage: EXTENT of m or n from `first` on, 64 of k from `depth` on. K_MAJOR:
 * [EXTENT][64] in one box of EXTENT rows. MN_MAJOR: [EXTENT / 64][64 of k][64], a box each. */
template <ptx::major MAJOR, unsigned EXTENT, bool TO_ALL>
__device__ __forceinline__ void load(uint32_t to, const CUtensorMap *map, uint32_t barrier,
                                     unsigned first, unsigned depth)
{
    constexpr bool K = MAJOR == ptx::K_MAJOR;
    constexpr uint16_t ALL = (1u << CLUSTER) - 1;
#pragma unroll
    for (unsigned i = 0; i < (K ? 1 : EXTENT / BOX); i++) {
        int x = (int)(K ? depth : first + i * BOX), y = (int)(K ? first : depth);
        if constexpr (TO_ALL)
            ptx::tma_load_multicast(to + i * BOX_BYTES, map, barrier, ALL, x, y);
        else
            ptx::tma_load(to + i * BOX_BYTES, map, barrier, x, y);
    }
}

template <ptx::major MAJOR> __device__ __forceinline__ uint64_t describe(uint32_t address)
{
    return MAJOR == ptx::K_MAJOR ? ptx::k_major(address) : ptx::mn_major(address, BOX_BYTES);
}

/* In units of a descriptor, 16 bytes: from 16 of k to the next. */
template <ptx::major MAJOR> constexpr uint64_t NEXT_16 = (MAJOR == ptx::K_MAJOR ? 32 : 2048) / 16;

template <ptx::major A, ptx::major B>
__device__ __forceinline__ void produce(const CUtensorMap *a, const CUtensorMap *b,
                                        const memory &shared, const work &all)
{
    ring at;
    unsigned part = ptx::cluster_rank() * B_COLUMNS;
    for (unsigned index = all.first(); index < all.tiles(); index += all.clusters()) {
        tile where = all.at(index);
        for (unsigned step = 0; step < all.steps; step++, at.next()) {
            uint32_t full = shared.full(at.stage);
            ptx::mbarrier_wait(shared.empty(at.stage), at.parity ^ 1u);
            ptx::mbarrier_arrive_expect(full, STAGE_BYTES);
            load<A, ROWS, false>(shared.a(at.stage), a, full, where.row * ROWS, step * DEPTH);
            load<B, B_COLUMNS, true>(shared.b(at.stage) + part * 128, b, full,
                                     where.column * COLUMNS + part, step * DEPTH);
        }
    }
}

/* Tells all producers of the cluster that this warp is done with a stage. */
__device__ __forceinline__ void release(const memory &shared, uint32_t stage)
{
    if (ptx::lane() < CLUSTER)
        ptx::mbarrier_arrive_at(shared.empty(stage), ptx::lane());
}

/* The consumer's 64 x 256 of one tile. */
template <typename T, ptx::major A, ptx::major B>
__device__ __forceinline__ void multiply(float (&sums)[COLUMNS / 2], ring &at, const memory &shared,
                                         unsigned consumer, unsigned steps)
{
    uint32_t last = 0;
    for (unsigned step = 0; step < steps; step++, at.next()) {
        /* 64 rows of A are 8 KiB from the next in both layouts. */
        uint64_t a = describe<A>(shared.a(at.stage) + consumer * BOX_BYTES);
        uint64_t b = describe<B>(shared.b(at.stage));
        ptx::mbarrier_wait(shared.full(at.stage), at.parity);
        ptx::wgmma_fence();
#pragma unroll
        for (unsigned i = 0; i < DEPTH / 16; i++)
            ptx::wgmma<T, A, B>(sums, a + i * NEXT_16<A>, b + i * NEXT_16<B>, step > 0 || i > 0);
        ptx::wgmma_commit();
        ptx::wgmma_wait<1>();
        if (step > 0)
            release(shared, last);
        last = at.stage;
    }
    ptx::wgmma_wait<0>();
    ptx::wgmma_hold(sums);
    release(shared, last);
}

/* Half of the consumer's columns at a time through its staging memory, in boxes of 64 x 64. */
template <typename T>
__device__ __forceinline__ void store(const float (&sums)[COLUMNS / 2], const CUtensorMap *c,
                                      const memory &shared, unsigned consumer, unsigned m,
                                      unsigned n, tile where)
{
    uint32_t offset = STAGING + consumer * STAGING_BYTES;
    unsigned thread = threadIdx.x % 128, barrier = 1 + consumer;
    unsigned row = where.row * ROWS + consumer * CONSUMER_ROWS;
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        unsigned column = where.column * COLUMNS + half * 2 * BOX;
        if (thread == 0)
            ptx::bulk_wait_read<0>(); /* of what was staged before */
        ptx::barrier_sync((int)barrier, 128);
#pragma unroll
        for (unsigned i = 0; i < 32; i++) {
            unsigned j = i / 2, down = thread / 32 * 16 + i % 2 * 8 + thread % 32 / 4;
            uint32_t at = offset + j / 8 * BOX_BYTES + down * 128 + j % 8 * 16 + thread % 4 * 4;
            const float *pair = &sums[(half * 16 + j) * 4 + i % 2 * 2];
            *reinterpret_cast<uint32_t *>(ptx::dynamic_shared() + ptx::swizzle_128b(at)) =
                ptx::pack<T>(pair[0], pair[1]);
        }
        ptx::fence_async();
        ptx::barrier_sync((int)barrier, 128);
        if (thread == 0) {
            for (unsigned box = 0; box < 2; box++)
                if (row < m && column + box * BOX < n)
                    ptx::tma_store(c, shared.begin + offset + box * BOX_BYTES,
                                   (int)(column + box * BOX), (int)row);
            ptx::bulk_commit();
        }
    }
}

template <typename T, ptx::major A, ptx::major B>
__device__ __forceinline__ void consume(const CUtensorMap *c, const memory &shared,
                                        unsigned consumer, unsigned m, unsigned n, const work &all)
{
    ring at;
    float sums[COLUMNS / 2];
    for (unsigned index = all.first(); index < all.tiles(); index += all.clusters()) {
        multiply<T, A, B>(sums, at, shared, consumer, all.steps);
        store<T>(sums, c, shared, consumer, m, n, all.at(index));
    }
    if (threadIdx.x % 128 == 0)
        ptx::bulk_wait_read<0>(); /* shared memory ends with the block */
}

#endif

/* Grid: clusters of two blocks, as many as SMs allow or tiles ask for. Boxes of the maps: 64 wide;
 * A's ROWS and B's B_COLUMNS high when K_MAJOR, else 64; C's 64. */
template <typename T, ptx::major A, ptx::major B>
__global__ void __launch_bounds__(THREADS, 1)
    gemm_wgmma_kernel(const __grid_constant__ CUtensorMap a, const __grid_constant__ CUtensorMap b,
                      const __grid_constant__ CUtensorMap c, unsigned m, unsigned n, unsigned k)
{
#if MLB_HOPPER
    const memory shared = {ptx::shared_address(ptx::dynamic_shared())};
    const work all(m, n, k);
    if (threadIdx.x == 0) {
        for (uint32_t stage = 0; stage < STAGES; stage++) {
            ptx::mbarrier_init(shared.full(stage), 1);
            ptx::mbarrier_init(shared.empty(stage), CLUSTER * CONSUMERS * 4);
        }
        ptx::mbarrier_init_fence();
    }
    ptx::cluster_sync();
    if (threadIdx.x < 128) {
        ptx::registers_fewer<REGISTERS_PRODUCER>();
        if (threadIdx.x == 0)
            produce<A, B>(&a, &b, shared, all);
    } else {
        ptx::registers_more<REGISTERS_CONSUMER>();
        consume<T, A, B>(&c, shared, ptx::warp() / 4 - 1, m, n, all);
    }
    ptx::cluster_sync(); /* the other block may still send and arrive here */
#endif
}

} // namespace wgmma
} // namespace gemm

#endif
