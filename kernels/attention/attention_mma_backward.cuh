/* SPDX-License-Identifier: Apache-2.0 */
/* Backward by mma.sync, after FlashAttention-2 (arXiv 2307.08691). Three kernels:
 *
 *   prepare_kernel    delta = rowsum(dO o O) and the log-sum-exp in base 2, padded to whole tiles
 *   backward_kernel   a block owns COLUMNS keys of one key head and goes over the query rows of all
 *                     heads that read it: dK and dV stay in registers, dQ is added in f32
 *   convert_kernel    dQ, rounded to the type of Q
 *
 * A step is five products: S = Q K^T, dP = dO V^T, dV += P^T dO, dK += dS^T Q, dQ = dS K. The eight
 * warps cut each product's result into rectangles as square as they come, which is the least
 * traffic from shared memory; P and dS therefore pass through shared memory from one cut to the
 * other. At d 128 dK and dV take 128 registers a thread, S and dP 64: tiles of 64 x 128 are the
 * largest that fit.
 *
 * dQ's sums come from all key blocks by atomic addition, so their order differs from run to run. */
#ifndef MLB_KERNELS_ATTENTION_MMA_BACKWARD_CUH
#define MLB_KERNELS_ATTENTION_MMA_BACKWARD_CUH

#include "kernels/attention/attention_own_backward.cuh"

namespace attention
{

/* More steps of a product scheduled together need more than 255 registers. */
constexpr int UNROLL = 2;

/* ROWS x COLUMNS of S, DIM of all operands. *_ROWS: how many of the eight warps stand below each
 * other in the cut of S and dP, of dK and dV, of dQ. */
template <int DIM_, int ROWS_, int COLUMNS_, int S_ROWS_, int KV_ROWS_, int Q_ROWS_>
struct backward_shape {
    static constexpr int DIM = DIM_, ROWS = ROWS_, COLUMNS = COLUMNS_, WARPS = 8, THREADS = 256;
    static constexpr int S_ROWS = S_ROWS_, KV_ROWS = KV_ROWS_, Q_ROWS = Q_ROWS_;
    /* 16 x 8 tiles of a warp in each cut */
    static constexpr int S_MT = ROWS / S_ROWS / 16, S_NT = COLUMNS / (WARPS / S_ROWS) / 8;
    static constexpr int KV_MT = COLUMNS / KV_ROWS / 16, KV_NT = DIM / (WARPS / KV_ROWS) / 8;
    static constexpr int Q_MT = ROWS / Q_ROWS / 16, Q_NT = DIM / (WARPS / Q_ROWS) / 8;
    static constexpr int KV_BYTES = COLUMNS * DIM * 2, Q_BYTES = ROWS * DIM * 2;
    static constexpr int S_BYTES = ROWS * COLUMNS * 2;
    static constexpr int STATS_BYTES = ROWS * 8;
    static constexpr int SHARED_BYTES = 2 * KV_BYTES + 4 * Q_BYTES + 2 * S_BYTES + 2 * STATS_BYTES;
    /* For attention_own_backward.cuh. sm_80 adds one float at a time. */
    static constexpr int SUMMERS = THREADS, VECTOR = 1;
    static_assert(ROWS * DIM == Q_MT * Q_NT * 4 * SUMMERS, "the cut of dQ covers the tile");

    static __device__ __forceinline__ int q_row(int warp)
    {
        return warp % Q_ROWS * Q_MT * 16;
    }
    static __device__ __forceinline__ int q_column(int warp)
    {
        return warp / Q_ROWS * Q_NT * 8;
    }
};

/* ---------------------------------------------------------------------------------- the products
 */

/* Where the tiles lie in shared memory, in bytes from its begin. Q, dO and stats have two stages.
 */
template <typename SHAPE> struct backward_places {
    static constexpr int K = 0, V = SHAPE::KV_BYTES, Q = 2 * SHAPE::KV_BYTES;
    static constexpr int D_O = Q + 2 * SHAPE::Q_BYTES, P = D_O + 2 * SHAPE::Q_BYTES;
    static constexpr int D_S = P + SHAPE::S_BYTES, STATS = D_S + SHAPE::S_BYTES;
};

/* Enqueues the copies of a step: its rows of Q and dO and their stats. */
template <typename SHAPE>
__device__ __forceinline__ void load_queries(const mlb_attention_call &call, const query_walk &walk,
                                             const row_stats *stats, uint32_t shared, int stage)
{
    using AT = backward_places<SHAPE>;
    const int batch = (int)blockIdx.z, first = walk.tile * SHAPE::ROWS;
    load_tile<SHAPE::ROWS, SHAPE::DIM, SHAPE::THREADS>(
        shared + AT::Q + stage * SHAPE::Q_BYTES, head_of(call.q, batch, walk.head, call.rows_q),
        first);
    load_tile<SHAPE::ROWS, SHAPE::DIM, SHAPE::THREADS>(
        shared + AT::D_O + stage * SHAPE::Q_BYTES, head_of(call.d_o, batch, walk.head, call.rows_q),
        first);
    const int at = (int)threadIdx.x * 2; /* rows of 16 bytes */
    const int64_t of_head = (int64_t)batch * call.heads + walk.head;
    if (at < SHAPE::ROWS)
        ptx::copy_async_16(shared + AT::STATS + stage * SHAPE::STATS_BYTES + at * 8,
                           stats + (of_head * walk.tiles + walk.tile) * SHAPE::ROWS + at);
}

/* P = exp2(S - lse2) and dS = P o (dP - delta) of one step, rounded, into shared memory. */
template <typename T, typename SHAPE>
__device__ __forceinline__ void score_step(const mlb_attention_call &call, char *memory,
                                           uint32_t shared, int stage, int first_row, int first_key)
{
    using AT = backward_places<SHAPE>;
    constexpr int ROWS = SHAPE::ROWS, COLUMNS = SHAPE::COLUMNS, MT = SHAPE::S_MT, NT = SHAPE::S_NT;
    const int warp = (int)threadIdx.x / 32;
    const int m = warp % SHAPE::S_ROWS * MT * 16, n = warp / SHAPE::S_ROWS * NT * 8;
    const int row = first_row + m, key = first_key + n;
    const float factor = call.scale * LOG2_E;
    const row_stats *stats =
        (const row_stats *)(memory + AT::STATS + stage * SHAPE::STATS_BYTES) + m;

    float s[MT][NT][4], d_p[MT][NT][4];
    clear(s);
    multiply<T, SHAPE::DIM, UNROLL>(s,
                                    left<ROWS, K_INNER>(shared + AT::Q + stage * SHAPE::Q_BYTES, m),
                                    right<COLUMNS, K_INNER>(shared + AT::K, n));
    if (key + NT * 8 > call.rows_kv || (call.causal && key + NT * 8 > row + 1))
        hide(s, row + sum_row(0), key + sum_column(0), call.rows_kv, call.causal);
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
            float lse2 = stats[16 * i + sum_row(e)].lse2;
#pragma unroll
            for (int j = 0; j < NT; j++)
                s[i][j][e] = ptx::exp2_approx(s[i][j][e] * factor - lse2);
        }
    store_sums<T, ROWS>(memory + AT::P, s, m, n);
    clear(d_p);
    multiply<T, SHAPE::DIM, UNROLL>(
        d_p, left<ROWS, K_INNER>(shared + AT::D_O + stage * SHAPE::Q_BYTES, m),
        right<COLUMNS, K_INNER>(shared + AT::V, n));
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
            float delta = stats[16 * i + sum_row(e)].delta;
#pragma unroll
            for (int j = 0; j < NT; j++)
                s[i][j][e] *= d_p[i][j][e] - delta;
        }
    store_sums<T, ROWS>(memory + AT::D_S, s, m, n);
}

/* dQ of one step: dS K, added to what other key blocks have. */
template <typename T, typename SHAPE>
__device__ __forceinline__ void add_d_q(uint32_t shared, float *to)
{
    using AT = backward_places<SHAPE>;
    constexpr int MT = SHAPE::Q_MT, NT = SHAPE::Q_NT;
    const int warp = (int)threadIdx.x / 32;
    float d_q[MT][NT][4];
    clear(d_q);
    multiply<T, SHAPE::COLUMNS, UNROLL>(
        d_q, left<SHAPE::ROWS, K_INNER>(shared + AT::D_S, SHAPE::q_row(warp)),
        right<SHAPE::COLUMNS, K_OUTER>(shared + AT::K, SHAPE::q_column(warp)));
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int j = 0; j < NT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                ptx::reduce_add(to + sum_place<SHAPE>(i, j, e), d_q[i][j][e]);
}

/* Grid: x = key blocks, y = key heads, z = batch. With causal the first keys are seen by most rows,
 * and they start first. */
template <typename T, typename SHAPE>
__global__ void __launch_bounds__(SHAPE::THREADS, 1) backward_kernel(const mlb_attention_call call)
{
    using AT = backward_places<SHAPE>;
    constexpr int ROWS = SHAPE::ROWS, COLUMNS = SHAPE::COLUMNS, DIM = SHAPE::DIM;
    constexpr int THREADS = SHAPE::THREADS, MT = SHAPE::KV_MT, NT = SHAPE::KV_NT;
    char *memory = (char *)ptx::dynamic_shared();
    const uint32_t shared = ptx::shared_address(memory);
    const backward_workspace work = workspace_of<SHAPE>(call);
    const int batch = (int)blockIdx.z, kv_head = (int)blockIdx.y, key = (int)blockIdx.x * COLUMNS;
    const int warp = (int)threadIdx.x / 32;
    const int m = warp % SHAPE::KV_ROWS * MT * 16, n = warp / SHAPE::KV_ROWS * NT * 8;
    query_walk walk = walk_of<SHAPE>(call, kv_head, key);

    load_tile<COLUMNS, DIM, THREADS>(shared + AT::K, head_of(call.k, batch, kv_head, call.rows_kv),
                                     key);
    load_tile<COLUMNS, DIM, THREADS>(shared + AT::V, head_of(call.v, batch, kv_head, call.rows_kv),
                                     key);
    load_queries<SHAPE>(call, walk, work.stats, shared, 0);
    ptx::copy_async_commit();

    float d_k[MT][NT][4], d_v[MT][NT][4];
    clear(d_k);
    clear(d_v);
    for (int step = 0; step < walk.steps; step++) {
        const int stage = step % 2, head = walk.head, tile = walk.tile;
        ptx::copy_async_wait<0>();
        __syncthreads(); /* this step's Q and dO are there; all are done with the step before */
        walk.next();
        if (step + 1 < walk.steps)
            load_queries<SHAPE>(call, walk, work.stats, shared, 1 - stage);
        ptx::copy_async_commit();
        score_step<T, SHAPE>(call, memory, shared, stage, tile * ROWS, key);
        __syncthreads(); /* P and dS are there */
        multiply<T, ROWS, UNROLL>(
            d_v, left<ROWS, K_OUTER>(shared + AT::P, m),
            right<ROWS, K_OUTER>(shared + AT::D_O + stage * SHAPE::Q_BYTES, n));
        multiply<T, ROWS, UNROLL>(d_k, left<ROWS, K_OUTER>(shared + AT::D_S, m),
                                  right<ROWS, K_OUTER>(shared + AT::Q + stage * SHAPE::Q_BYTES, n));
        add_d_q<T, SHAPE>(shared, d_q_of<SHAPE>(call, batch, head, tile));
    }
    ptx::copy_async_wait<0>();
    __syncthreads(); /* all are done with K and V */
    scale_sums(d_k, call.scale);
    store_sums<T, COLUMNS>(memory + AT::K, d_k, m, n);
    store_sums<T, COLUMNS>(memory + AT::V, d_v, m, n);
    __syncthreads();
    store_rows<COLUMNS, DIM, THREADS>(head_of(call.d_k, batch, kv_head, call.rows_kv), key,
                                      memory + AT::K);
    store_rows<COLUMNS, DIM, THREADS>(head_of(call.d_v, batch, kv_head, call.rows_kv), key,
                                      memory + AT::V);
}

/* ----------------------------------------------------------------------------------- the launches
 */

using backward_64 = backward_shape<64, 128, 128, 4, 4, 4>;
using backward_128 = backward_shape<128, 64, 128, 2, 4, 2>;

/* act.template on<SHAPE>() for the shape that does these head dims, else act.none(). */
template <typename ACT> auto with_backward_shape(int dim, int dim_v, const ACT &act)
{
    if (dim == 64 && dim_v == 64)
        return act.template on<backward_64>();
    if (dim == 128 && dim_v == 128)
        return act.template on<backward_128>();
    return act.none();
}

template <typename START> struct backward_start {
    const mlb_attention_call &call;
    const START &start;
    template <typename SHAPE> int on() const
    {
        return call.dtype == MLB_BF16 ? as<ptx::bf16, SHAPE>() : as<ptx::f16, SHAPE>();
    }
    template <typename T, typename SHAPE> int as() const
    {
        return start_backward_around<T, SHAPE>(call, start, [this](dim3 grid) {
            return start(backward_kernel<T, SHAPE>, grid, SHAPE::THREADS, SHAPE::SHARED_BYTES,
                         call);
        });
    }
    int none() const
    {
        return START::UNSUPPORTED;
    }
};

template <typename START> int start_backward(const mlb_attention_call &call, const START &start)
{
    return with_backward_shape(call.dim, call.dim_v, backward_start<START>{call, start});
}

} // namespace attention

#endif
