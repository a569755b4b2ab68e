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

#include "kernels/attention/attention_mma_tile.cuh"

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
    static constexpr int Q_SUMS = ROWS * DIM / THREADS; /* of dQ, a thread */
    static_assert(Q_SUMS == Q_MT * Q_NT * 4, "the cut of dQ covers the tile");
};

/* Per row of Q, padded to whole tiles: the row's log-sum-exp in base 2, +inf for rows that do not
 * exist, so that P = exp2(s - inf) = 0; and delta. */
struct row_stats {
    float lse2, delta;
};

/* What the three kernels share in the workspace. */
struct backward_workspace {
    row_stats *stats; /* [batch][heads][tiles * ROWS] */
    float *d_q; /* [batch][heads][tiles][Q_SUMS][THREADS]: each thread's sums in its own order, so
                 * that a warp adds to 128 bytes in a row */
    int tiles;
};

template <typename SHAPE>
__host__ __device__ inline backward_workspace workspace_of(const mlb_attention_call &call)
{
    backward_workspace to;
    to.tiles = (call.rows_q + SHAPE::ROWS - 1) / SHAPE::ROWS;
    to.stats = (row_stats *)call.workspace;
    to.d_q = (float *)(to.stats + (int64_t)call.batch * call.heads * to.tiles * SHAPE::ROWS);
    return to;
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

/* ---------------------------------------------------------------------------------- the products
 */

/* Where the tiles lie in shared memory, in bytes from its begin. Q, dO and stats have two stages.
 */
template <typename SHAPE> struct backward_places {
    static constexpr int K = 0, V = SHAPE::KV_BYTES, Q = 2 * SHAPE::KV_BYTES;
    static constexpr int D_O = Q + 2 * SHAPE::Q_BYTES, P = D_O + 2 * SHAPE::Q_BYTES;
    static constexpr int D_S = P + SHAPE::S_BYTES, STATS = D_S + SHAPE::S_BYTES;
};

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
    const int m = warp % SHAPE::Q_ROWS * MT * 16, n = warp / SHAPE::Q_ROWS * NT * 8;
    float d_q[MT][NT][4];
    clear(d_q);
    multiply<T, SHAPE::COLUMNS, UNROLL>(d_q, left<SHAPE::ROWS, K_INNER>(shared + AT::D_S, m),
                                        right<SHAPE::COLUMNS, K_OUTER>(shared + AT::K, n));
    to += threadIdx.x;
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int j = 0; j < NT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                ptx::reduce_add(to + ((i * NT + j) * 4 + e) * SHAPE::THREADS, d_q[i][j][e]);
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
        const int stage = step % 2, first_row = walk.tile * ROWS;
        float *d_q =
            work.d_q +
            (((int64_t)batch * call.heads + walk.head) * walk.tiles + walk.tile) * ROWS * DIM;
        ptx::copy_async_wait<0>();
        __syncthreads(); /* this step's Q and dO are there; all are done with the step before */
        walk.next();
        if (step + 1 < walk.steps)
            load_queries<SHAPE>(call, walk, work.stats, shared, 1 - stage);
        ptx::copy_async_commit();
        score_step<T, SHAPE>(call, memory, shared, stage, first_row, key);
        __syncthreads(); /* P and dS are there */
        multiply<T, ROWS, UNROLL>(
            d_v, left<ROWS, K_OUTER>(shared + AT::P, m),
            right<ROWS, K_OUTER>(shared + AT::D_O + stage * SHAPE::Q_BYTES, n));
        multiply<T, ROWS, UNROLL>(d_k, left<ROWS, K_OUTER>(shared + AT::D_S, m),
                                  right<ROWS, K_OUTER>(shared + AT::Q + stage * SHAPE::Q_BYTES, n));
        add_d_q<T, SHAPE>(shared, d_q);
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

/* dQ = scale times the sums, rounded. Grid: x = query tiles, y = heads, z = batch. Shared memory: a
 * tile of Q. */
template <typename T, typename SHAPE>
__global__ void __launch_bounds__(SHAPE::THREADS) convert_kernel(const mlb_attention_call call)
{
    constexpr int MT = SHAPE::Q_MT, NT = SHAPE::Q_NT;
    const backward_workspace work = workspace_of<SHAPE>(call);
    const int head = (int)blockIdx.y, batch = (int)blockIdx.z, tile = (int)blockIdx.x;
    const int warp = (int)threadIdx.x / 32;
    const int m = warp % SHAPE::Q_ROWS * MT * 16, n = warp / SHAPE::Q_ROWS * NT * 8;
    const float *from = work.d_q + threadIdx.x +
                        (((int64_t)batch * call.heads + head) * work.tiles + tile) *
                            ((int64_t)SHAPE::ROWS * SHAPE::DIM);
    char *shared = (char *)ptx::dynamic_shared();
    float d_q[MT][NT][4];
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int j = 0; j < NT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                d_q[i][j][e] = from[((i * NT + j) * 4 + e) * SHAPE::THREADS];
    scale_sums(d_q, call.scale);
    store_sums<T, SHAPE::ROWS>(shared, d_q, m, n);
    __syncthreads();
    store_rows<SHAPE::ROWS, SHAPE::DIM, SHAPE::THREADS>(head_of(call.d_q, batch, head, call.rows_q),
                                                        tile * SHAPE::ROWS, shared);
}

/* ----------------------------------------------------------------------------------- the launches
 */

using backward_64 = backward_shape<64, 128, 128, 4, 4, 4>;
using backward_128 = backward_shape<128, 64, 128, 2, 4, 2>;

/* start(kernel, grid, threads, shared bytes, arguments) launches and returns 0 or an error;
 * start.zero(pointer, bytes) sets memory to zero likewise. */
template <typename T, typename SHAPE, typename START>
int start_backward_shape(const mlb_attention_call &call, const START &start)
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
        error = start(backward_kernel<T, SHAPE>, dim3(keys, (unsigned)call.kv_heads, batch),
                      SHAPE::THREADS, SHAPE::SHARED_BYTES, call);
    if (!error)
        error = start(convert_kernel<T, SHAPE>, dim3((unsigned)work.tiles, heads, batch),
                      SHAPE::THREADS, SHAPE::Q_BYTES, call);
    return error;
}

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
        return call.dtype == MLB_BF16 ? start_backward_shape<ptx::bf16, SHAPE>(call, start)
                                      : start_backward_shape<ptx::f16, SHAPE>(call, start);
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
