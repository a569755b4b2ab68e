/* SPDX-License-Identifier: Apache-2.0 */
/* Backward by TMA and wgmma on sm_90a, after FlashAttention-3 (arXiv 2407.08608); the kernels
 * before and after it are in attention_own_backward.cuh. A block owns 128 keys of one key head, 64
 * for each of two consumer warpgroups, and goes over the query rows of all heads that read it; a
 * producer warpgroup lets TMA bring K and V once, and Q, dO and the rows' statistics through two
 * stages.
 *
 * A step is five products. The scores stand transposed, keys by queries, so that P^T and dS^T are
 * in the registers just as they are the left operands of dV += P^T dO and dK += dS^T Q; dS^T alone
 * also goes to shared memory, where dQ = dS K takes it from both warpgroups. For d 128 each
 * warpgroup makes half of dQ's columns, for d 64 half of its rows.
 *
 * What runs under what: dP^T under the exponentials of P, dV under dS, dK under the additions of
 * dQ. dS has two buffers, so that one barrier a step is enough: a warpgroup that writes dS(i) has
 * met the other at step i - 1, when that was done with dS(i - 2).
 *
 * Registers of a consumer at d 128 and tiles of 64 queries: dK and dV 128, S and dP 64, P and dS 32
 * of 240. dQ is added with 16-byte reductions from registers, not by way of shared memory, whose
 * bandwidth the products use to 80 %: 256 KiB a step, 2048 clocks of 2560 at the peak rate. */
#ifndef MLB_KERNELS_ATTENTION_WGMMA_BACKWARD_CUH
#define MLB_KERNELS_ATTENTION_WGMMA_BACKWARD_CUH

#include "kernels/attention/attention_own_backward.cuh"
#include "kernels/attention/attention_wgmma_tile.cuh"

namespace attention
{

/* Tiles of ROWS queries. */
template <int DIM_, int ROWS_> struct wgmma_backward_shape {
    static constexpr int DIM = DIM_, ROWS = ROWS_, COLUMNS = 128, STAGES = 2, THREADS = 384;
    static constexpr int FEW = 24, MANY = 240; /* registers of a producer's, a consumer's thread */
    static constexpr int KV_BYTES = COLUMNS * DIM * 2, Q_BYTES = ROWS * DIM * 2;
    static constexpr int S_BYTES = ROWS * COLUMNS * 2, STATS_BYTES = ROWS * 8;
    /* In shared memory, in bytes from its begin; barriers of 8 bytes: K and V together, then of
     * each stage Q with its statistics, dO, and empty. */
    static constexpr int K = 0, V = KV_BYTES, Q = 2 * KV_BYTES, D_O = Q + STAGES * Q_BYTES;
    static constexpr int D_S = D_O + STAGES * Q_BYTES, STATS = D_S + 2 * S_BYTES;
    static constexpr int BARRIERS = STATS + STAGES * STATS_BYTES;
    static constexpr int SHARED_BYTES = BARRIERS + 8 * (1 + 3 * STAGES);

    /* For attention_own_backward.cuh. */
    static constexpr int SUMMERS = 256, VECTOR = 4, Q_MT = 1, Q_NT = 8;
    static constexpr bool BY_ROWS = ROWS == 128; /* dQ is cut by rows, else by columns */
    static_assert(ROWS * DIM == SUMMERS * 32 && SHARED_BYTES <= 232448, "64 x 64 of dQ each");

    static __device__ __forceinline__ int q_row(int warp)
    {
        return (BY_ROWS ? warp / 4 * 64 : 0) + warp % 4 * 16;
    }
    static __device__ __forceinline__ int q_column(int warp)
    {
        return BY_ROWS ? 0 : warp / 4 * 64;
    }
};

/* Named barriers: both consumers, and each one's own from there on. */
constexpr int BOTH = 1, EACH = 2;

template <typename SHAPE> struct backward_barriers {
    uint32_t kv, q_full, d_o_full, empty; /* the first of STAGES each, but kv */

    __device__ __forceinline__ explicit backward_barriers(uint32_t shared)
    {
        kv = shared + SHAPE::BARRIERS;
        q_full = kv + 8;
        d_o_full = q_full + 8 * SHAPE::STAGES;
        empty = d_o_full + 8 * SHAPE::STAGES;
    }
};

struct backward_maps {
    const CUtensorMap *q, *k, *v, *d_o, *stats;
};

#if MLB_HOPPER

template <typename SHAPE>
__device__ __forceinline__ void produce_queries(const mlb_attention_call &call,
                                                const backward_maps &maps, uint32_t shared,
                                                query_walk walk)
{
    const backward_barriers<SHAPE> at(shared);
    const int batch = (int)blockIdx.z, kv_head = (int)blockIdx.y;
    const int key = (int)blockIdx.x * SHAPE::COLUMNS;
    ptx::mbarrier_arrive_expect(at.kv, 2 * SHAPE::KV_BYTES);
    tma_tile<SHAPE::COLUMNS, SHAPE::DIM>(shared + SHAPE::K, maps.k, at.kv, call.k, key, kv_head,
                                         batch);
    tma_tile<SHAPE::COLUMNS, SHAPE::DIM>(shared + SHAPE::V, maps.v, at.kv, call.v, key, kv_head,
                                         batch);
    for (int step = 0; step < walk.steps; step++, walk.next()) {
        const stage_of<SHAPE::STAGES> stage(step);
        const uint32_t q_full = at.q_full + 8 * stage.index,
                       d_o_full = at.d_o_full + 8 * stage.index;
        const int row = walk.tile * SHAPE::ROWS;
        ptx::mbarrier_wait(at.empty + 8 * stage.index, stage.parity ^ 1);
        ptx::mbarrier_arrive_expect(q_full, SHAPE::Q_BYTES + SHAPE::STATS_BYTES);
        tma_tile<SHAPE::ROWS, SHAPE::DIM>(shared + SHAPE::Q + stage.index * SHAPE::Q_BYTES, maps.q,
                                          q_full, call.q, row, walk.head, batch);
        ptx::tma_load(shared + SHAPE::STATS + stage.index * SHAPE::STATS_BYTES, maps.stats, q_full,
                      2 * row, batch * call.heads + walk.head);
        ptx::mbarrier_arrive_expect(d_o_full, SHAPE::Q_BYTES);
        tma_tile<SHAPE::ROWS, SHAPE::DIM>(shared + SHAPE::D_O + stage.index * SHAPE::Q_BYTES,
                                          maps.d_o, d_o_full, call.d_o, row, walk.head, batch);
    }
}

/* A warpgroup's 64 x 64 of dQ = dS K over the block's keys, enqueued. dS lies transposed. */
template <typename T, typename SHAPE>
__device__ __forceinline__ void over_keys(float (&d_q)[32], uint32_t d_s, uint32_t k, int group)
{
    const uint32_t half = (uint32_t)(group * SHAPE::COLUMNS * 128);
    (SHAPE::BY_ROWS ? d_s : k) += half;
#pragma unroll
    for (int i = 0; i < SHAPE::COLUMNS / 16; i++)
        ptx::wgmma<T, ptx::MN_MAJOR, ptx::MN_MAJOR>(
            d_q, ptx::mn_major(d_s + (uint32_t)(i * 2048), 16),
            ptx::mn_major(k + (uint32_t)(i * 2048), 16), i > 0);
    ptx::wgmma_commit();
}

/* P^T = exp2(S^T - lse2). `key` is the row of s[0], `row` the query of the first column. */
template <int COUNT>
__device__ __forceinline__ void transposed_exp(float (&s)[COUNT], const mlb_attention_call &call,
                                               const float4 *stats, int key, int row)
{
    const float factor = call.scale * LOG2_E;
#pragma unroll
    for (int j = 0; j < COUNT / 4; j++) {
        const float4 two = stats[j * 4 + (int)threadIdx.x % 4]; /* of queries 2 t and 2 t + 1 */
        const int query = row + 8 * j + sum_column(0);
#pragma unroll
        for (int e = 0; e < 4; e++) {
            const int own = key + e / 2 * 8;
            const bool hidden = own >= call.rows_kv || (call.causal && own > query + e % 2);
            const float score = s[4 * j + e] * factor - (e % 2 ? two.z : two.x);
            s[4 * j + e] = ptx::exp2_approx(hidden ? -INFINITY : score);
        }
    }
}

/* dS^T = P^T o (dP^T - delta), in place of P^T. */
template <int COUNT>
__device__ __forceinline__ void transposed_d_s(float (&p)[COUNT], const float (&d_p)[COUNT],
                                               const float4 *stats)
{
#pragma unroll
    for (int j = 0; j < COUNT / 4; j++) {
        const float4 two = stats[j * 4 + (int)threadIdx.x % 4];
#pragma unroll
        for (int e = 0; e < 4; e++)
            p[4 * j + e] *= d_p[4 * j + e] - (e % 2 ? two.w : two.y);
    }
}

/* The rounded sums of a warpgroup (64, 16 STEPS), from row `begin` of a tile on. */
template <int ROWS, int STEPS>
__device__ __forceinline__ void store_rounded(char *tile, const uint32_t (&a)[STEPS][4], int begin)
{
#pragma unroll
    for (int i = 0; i < STEPS; i++)
#pragma unroll
        for (int r = 0; r < 4; r++)
            *(uint32_t *)(tile +
                          chunk_offset<ROWS>(begin + group_row() + r % 2 * 8, 2 * i + r / 2) +
                          threadIdx.x % 4 * 4) = a[i][r];
}

/* A warpgroup's rows of dK or dV, by way of a tile that nobody reads any more. */
template <typename T, typename SHAPE, int COUNT>
__device__ __forceinline__ void store_group(const head_rows &to, const float (&sums)[COUNT],
                                            char *tile, int group, float factor)
{
    uint32_t rounded[COUNT / 8][4];
    float scaled[COUNT];
#pragma unroll
    for (int i = 0; i < COUNT; i++)
        scaled[i] = sums[i] * factor;
    round_scores<T>(rounded, scaled);
    store_rounded<SHAPE::COLUMNS>(tile, rounded, 64 * group);
    ptx::barrier_sync(EACH + group, 128);
    store_rows<SHAPE::COLUMNS, SHAPE::DIM, 128>(to, (int)blockIdx.x * SHAPE::COLUMNS, tile,
                                                64 * group, 64 * group + 64);
}

/* A consumer warpgroup's loop over the queries. */
template <typename T, typename SHAPE>
__device__ __forceinline__ void consume_queries(const mlb_attention_call &call, char *memory,
                                                uint32_t shared, int group, query_walk walk)
{
    constexpr int DIM = SHAPE::DIM, ROWS = SHAPE::ROWS;
    const backward_barriers<SHAPE> at(shared);
    const int batch = (int)blockIdx.z;
    const int key = (int)blockIdx.x * SHAPE::COLUMNS + 64 * group + group_row();
    const uint32_t own = (uint32_t)(group * 64 * 128); /* the warpgroup's keys in a panel */
    float d_k[DIM / 2], d_v[DIM / 2];
#pragma unroll
    for (int i = 0; i < DIM / 2; i++)
        d_k[i] = d_v[i] = 0.0f;
    ptx::mbarrier_wait(at.kv, 0);
    for (int step = 0; step < walk.steps; step++, walk.next()) {
        const stage_of<SHAPE::STAGES> stage(step);
        const uint32_t q = shared + SHAPE::Q + stage.index * SHAPE::Q_BYTES;
        const uint32_t d_o = shared + SHAPE::D_O + stage.index * SHAPE::Q_BYTES;
        const int d_s = SHAPE::D_S + (int)(step % 2) * SHAPE::S_BYTES;
        const float4 *stats =
            (const float4 *)(memory + SHAPE::STATS + stage.index * SHAPE::STATS_BYTES);
        float s[ROWS / 2], d_p[ROWS / 2], d_q[32];
        uint32_t p[ROWS / 16][4], rounded[ROWS / 16][4];

        ptx::mbarrier_wait(at.q_full + 8 * stage.index, stage.parity);
        ptx::wgmma_fence();
        score_product<T, SHAPE::DIM, SHAPE::COLUMNS, SHAPE::ROWS>(s, shared + SHAPE::K + own, q);
        ptx::mbarrier_wait(at.d_o_full + 8 * stage.index, stage.parity);
        ptx::wgmma_fence();
        score_product<T, SHAPE::DIM, SHAPE::COLUMNS, SHAPE::ROWS>(d_p, shared + SHAPE::V + own,
                                                                  d_o);
        ptx::wgmma_wait<1>();
        ptx::wgmma_hold(s);
        transposed_exp(s, call, stats, key, walk.tile * ROWS);
        round_scores<T>(p, s);
        ptx::wgmma_fence();
        add_product<T, SHAPE::ROWS>(d_v, p, d_o);
        ptx::wgmma_wait<1>();
        ptx::wgmma_hold(d_p);
        transposed_d_s(s, d_p, stats);
        round_scores<T>(rounded, s);
        store_rounded<SHAPE::COLUMNS>(memory + d_s, rounded, 64 * group);
        ptx::fence_async();
        ptx::barrier_sync(BOTH, 256);
        ptx::wgmma_fence();
        over_keys<T, SHAPE>(d_q, shared + (uint32_t)d_s, shared + SHAPE::K, group);
        add_product<T, SHAPE::ROWS>(d_k, rounded, q);
        ptx::wgmma_wait<1>();
        ptx::wgmma_hold(d_q);
        float *to = d_q_of<SHAPE>(call, batch, walk.head, walk.tile);
#pragma unroll
        for (int j = 0; j < 8; j++)
            ptx::reduce_add(
                to + sum_place<SHAPE>(0, j, 0),
                make_float4(d_q[4 * j], d_q[4 * j + 1], d_q[4 * j + 2], d_q[4 * j + 3]));
        ptx::wgmma_wait<0>();
        ptx::wgmma_hold(d_k);
        ptx::wgmma_hold(d_v);
        release(at.empty + 8 * stage.index);
    }
    ptx::barrier_sync(BOTH, 256); /* both are done with K and V */
    const int kv_head = (int)blockIdx.y;
    store_group<T, SHAPE>(head_of(call.d_k, batch, kv_head, call.rows_kv), d_k, memory + SHAPE::K,
                          group, call.scale);
    store_group<T, SHAPE>(head_of(call.d_v, batch, kv_head, call.rows_kv), d_v, memory + SHAPE::V,
                          group, 1.0f);
}

#endif

/* Grid: x = key blocks, y = key heads, z = batch. */
template <typename T, typename SHAPE>
__global__ void __launch_bounds__(SHAPE::THREADS, 1)
    wgmma_backward_kernel(const mlb_attention_call call, const __grid_constant__ CUtensorMap q,
                          const __grid_constant__ CUtensorMap k,
                          const __grid_constant__ CUtensorMap v,
                          const __grid_constant__ CUtensorMap d_o,
                          const __grid_constant__ CUtensorMap stats)
{
#if MLB_HOPPER
    char *memory = (char *)ptx::dynamic_shared();
    const uint32_t shared = ptx::shared_address(memory);
    const backward_barriers<SHAPE> at(shared);
    const query_walk walk = walk_of<SHAPE>(call, (int)blockIdx.y, (int)blockIdx.x * SHAPE::COLUMNS);
    if (threadIdx.x == 0) {
        ptx::mbarrier_init(at.kv, 1);
        for (uint32_t stage = 0; stage < SHAPE::STAGES; stage++) {
            ptx::mbarrier_init(at.q_full + 8 * stage, 1);
            ptx::mbarrier_init(at.d_o_full + 8 * stage, 1);
            ptx::mbarrier_init(at.empty + 8 * stage, 8); /* warps */
        }
        ptx::mbarrier_init_fence();
    }
    __syncthreads();
    const int group = (int)ptx::warp() / 4;
    /* Consumers come first: their threads number dQ's sums as those of convert_kernel do. */
    if (group == 2) {
        ptx::registers_fewer<SHAPE::FEW>();
        if (threadIdx.x == 256)
            produce_queries<SHAPE>(call, {&q, &k, &v, &d_o, &stats}, shared, walk);
    } else {
        ptx::registers_more<SHAPE::MANY>();
        consume_queries<T, SHAPE>(call, memory, shared, group, walk);
    }
#endif
}

/* ------------------------------------------------------------------------------------- the launch
 */

using wgmma_backward_64 = wgmma_backward_shape<64, 128>;
using wgmma_backward_128 = wgmma_backward_shape<128, 64>;

/* act.template on<SHAPE>() for the shape that does these head dims, else act.none(). */
template <typename ACT> auto with_wgmma_backward_shape(int dim, int dim_v, const ACT &act)
{
    if (dim == 64 && dim_v == 64)
        return act.template on<wgmma_backward_64>();
    if (dim == 128 && dim_v == 128)
        return act.template on<wgmma_backward_128>();
    return act.none();
}

struct wgmma_backward_tensors {
    const mlb_attention_call &call;
    mlb_tensor *to; /* [MLB_ATTENTION_MAPS] */
    template <typename SHAPE> bool on() const
    {
        constexpr int DIM = SHAPE::DIM, ROWS = SHAPE::ROWS, COLUMNS = SHAPE::COLUMNS;
        to[MLB_ATTENTION_BACKWARD_Q] = tensor_of(call.q, call, DIM, call.rows_q, call.heads, ROWS);
        to[MLB_ATTENTION_BACKWARD_K] =
            tensor_of(call.k, call, DIM, call.rows_kv, call.kv_heads, COLUMNS);
        to[MLB_ATTENTION_BACKWARD_V] =
            tensor_of(call.v, call, DIM, call.rows_kv, call.kv_heads, COLUMNS);
        to[MLB_ATTENTION_BACKWARD_DO] =
            tensor_of(call.d_o, call, DIM, call.rows_q, call.heads, ROWS);
        to[MLB_ATTENTION_BACKWARD_STATS] = stats(workspace_of<SHAPE>(call), ROWS);
        return true;
    }
    bool none() const
    {
        return false;
    }
    mlb_tensor stats(const backward_workspace &work, int rows) const
    {
        mlb_tensor tensor = {};
        tensor.base = work.stats;
        tensor.dtype = MLB_F32;
        tensor.rank = 2;
        tensor.extent[0] = 2 * (uint64_t)(work.tiles * rows);
        tensor.extent[1] = (uint64_t)call.batch * (uint64_t)call.heads;
        tensor.stride[1] = tensor.extent[0] * sizeof(float);
        tensor.box[0] = 2 * (uint32_t)rows;
        tensor.box[1] = 1;
        return tensor;
    }
};

template <typename START> struct wgmma_backward_start {
    const mlb_attention_call &call;
    const CUtensorMap *maps;
    const START &start;
    template <typename SHAPE> int on() const
    {
        return call.dtype == MLB_BF16 ? as<ptx::bf16, SHAPE>() : as<ptx::f16, SHAPE>();
    }
    template <typename T, typename SHAPE> int as() const
    {
        return start_backward_around<T, SHAPE>(call, start, [this](dim3 grid) {
            return start(wgmma_backward_kernel<T, SHAPE>, grid, SHAPE::THREADS, SHAPE::SHARED_BYTES,
                         call, maps[MLB_ATTENTION_BACKWARD_Q], maps[MLB_ATTENTION_BACKWARD_K],
                         maps[MLB_ATTENTION_BACKWARD_V], maps[MLB_ATTENTION_BACKWARD_DO],
                         maps[MLB_ATTENTION_BACKWARD_STATS]);
        });
    }
    int none() const
    {
        return START::UNSUPPORTED;
    }
};

template <typename START>
int start_wgmma_backward(const mlb_attention_call &call, const CUtensorMap *maps,
                         const START &start)
{
    return with_wgmma_backward_shape(call.dim, call.dim_v,
                                     wgmma_backward_start<START>{call, maps, start});
}

} // namespace attention

#endif
