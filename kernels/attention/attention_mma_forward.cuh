/* SPDX-License-Identifier: Apache-2.0 */
/* Forward by mma.sync, after FlashAttention-2 (arXiv 2307.08691): a block owns ROWS query rows of
 * one head and goes over the keys in steps of COLUMNS, with the softmax on line. A warp owns whole
 * rows, so the softmax needs no shared memory, and the scores' sums are, element by element, the
 * left operand of P V.
 *
 * K and V have one buffer each: V is fetched under Q K^T, the next K under the softmax and P V.
 * That leaves room for two blocks an SM, whose warps fill each other's gaps.
 *
 * 32 rows a warp: a fragment of K or V from shared memory (128 bytes a clock) is used twice, which
 * halves the traffic to 62 % of the time of the mma at d 128 on sm_80; 16 rows would be bound by
 * it. */
#ifndef MLB_KERNELS_ATTENTION_MMA_FORWARD_CUH
#define MLB_KERNELS_ATTENTION_MMA_FORWARD_CUH

#include "kernels/attention/attention_mma_tile.cuh"

namespace attention
{

template <int DIM_, int DIM_V_, int ROWS_, int COLUMNS_, int WARPS_, int BLOCKS_>
struct forward_shape {
    static constexpr int DIM = DIM_, DIM_V = DIM_V_, ROWS = ROWS_, COLUMNS = COLUMNS_;
    static constexpr int WARPS = WARPS_, THREADS = 32 * WARPS_, BLOCKS = BLOCKS_; /* an SM */
    static constexpr int MT = ROWS / WARPS / 16, NT = COLUMNS / 8, OT = DIM_V / 8;
    static constexpr int Q_BYTES = ROWS * DIM * 2, K_BYTES = COLUMNS * DIM * 2;
    static constexpr int V_BYTES = COLUMNS * DIM_V * 2;
    static constexpr int SHARED_BYTES = Q_BYTES + K_BYTES + V_BYTES;
    static_assert(ROWS == WARPS * 16 * MT && DIM_V <= DIM, "O is staged where Q was");
};

/* The running maximum (of unscaled scores) and sum of a lane's rows. */
template <int MT> struct online_softmax {
    float most[MT][2], sum[MT][2];

    __device__ __forceinline__ online_softmax()
    {
#pragma unroll
        for (int i = 0; i < MT; i++)
            most[i][0] = most[i][1] = -INFINITY, sum[i][0] = sum[i][1] = 0.0f;
    }

    /* p becomes exp2(factor (score - maximum)), rounded, factor = scale log2(e); the sums so far
     * and O are brought to the new maximum, which seldom moves after the first steps. Keys come in
     * ascending order and every row sees key 0, so the maximum is finite from the first step on. */
    template <typename T, int NT, int OT>
    __device__ __forceinline__ void step(uint32_t (&p)[MT][NT][2], const float (&s)[MT][NT][4],
                                         float (&o)[MT][OT][4], float factor)
    {
#pragma unroll
        for (int i = 0; i < MT; i++)
#pragma unroll
            for (int h = 0; h < 2; h++)
                step_row<T>(p[i], s[i], o[i], i, h, factor);
    }

    template <typename T, int NT, int OT>
    __device__ __forceinline__ void step_row(uint32_t (&p)[NT][2], const float (&s)[NT][4],
                                             float (&o)[OT][4], int i, int h, float factor)
    {
        float top = most[i][h];
#pragma unroll
        for (int j = 0; j < NT; j++)
            top = fmaxf(top, fmaxf(s[j][2 * h], s[j][2 * h + 1]));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
        float base = top * factor, added = 0.0f;
        float shrink = ptx::exp2_approx(most[i][h] * factor - base);
#pragma unroll
        for (int j = 0; j < NT; j++) {
            float first = ptx::exp2_approx(s[j][2 * h] * factor - base);
            float second = ptx::exp2_approx(s[j][2 * h + 1] * factor - base);
            added += first + second;
            p[j][h] = ptx::pack<T>(first, second);
        }
        most[i][h] = top;
        sum[i][h] = sum[i][h] * shrink + added;
        if (shrink != 1.0f)
#pragma unroll
            for (int j = 0; j < OT; j++) {
                o[j][2 * h] *= shrink;
                o[j][2 * h + 1] *= shrink;
            }
    }

    /* The sums of a row are spread over four lanes. Afterwards `sum` is complete in each. */
    __device__ __forceinline__ void finish()
    {
#pragma unroll
        for (int i = 0; i < MT; i++)
#pragma unroll
            for (int h = 0; h < 2; h++) {
                sum[i][h] += __shfl_xor_sync(0xffffffffu, sum[i][h], 1);
                sum[i][h] += __shfl_xor_sync(0xffffffffu, sum[i][h], 2);
            }
    }
};

/* o += P V. The left operand's four registers of m16n8k16 are those of two neighbouring tiles of 8
 * columns of P. */
template <typename T, int MT, int NT, int OT, typename V>
__device__ __forceinline__ void multiply_scores(float (&o)[MT][OT][4],
                                                const uint32_t (&p)[MT][NT][2], const V &v)
{
#pragma unroll
    for (int n = 0; n < OT; n += 2) {
#pragma unroll
        for (int j = 0; j < NT; j += 2) {
            uint32_t columns[4];
            v.load(columns, 8 * n, 8 * j);
#pragma unroll
            for (int i = 0; i < MT; i++) {
                const uint32_t rows[4] = {p[i][j][0], p[i][j][1], p[i][j + 1][0], p[i][j + 1][1]};
                ptx::mma<T>(o[i][n], rows, columns[0], columns[1]);
                ptx::mma<T>(o[i][n + 1], rows, columns[2], columns[3]);
            }
        }
    }
}

/* O / sum and the log-sum-exp of a warp's rows: O rounded into `tile`, lse straight to memory. */
template <typename T, typename SHAPE>
__device__ __forceinline__ void finish_rows(float (&o)[SHAPE::MT][SHAPE::OT][4],
                                            online_softmax<SHAPE::MT> &softmax, char *tile, int m,
                                            float *lse, int rows, float scale)
{
    softmax.finish();
#pragma unroll
    for (int i = 0; i < SHAPE::MT; i++)
#pragma unroll
        for (int e = 0; e < 4; e += 2) {
            float sum = softmax.sum[i][e / 2], share = 1.0f / sum;
#pragma unroll
            for (int j = 0; j < SHAPE::OT; j++) {
                o[i][j][e] *= share;
                o[i][j][e + 1] *= share;
            }
            int row = m + 16 * i + sum_row(e);
            if (threadIdx.x % 4 == 0 && row < rows)
                lse[row] = softmax.most[i][e / 2] * scale + logf(sum);
        }
    store_sums<T, SHAPE::ROWS>(tile, o, m, 0);
}

/* Grid: x = tiles of query rows, y = query heads, z = batch. With causal the last rows see most
 * keys: they start first, so that no long block is left over at the end. */
template <typename T, typename SHAPE>
__global__ void __launch_bounds__(SHAPE::THREADS, SHAPE::BLOCKS)
    forward_kernel(const mlb_attention_call call)
{
    constexpr int ROWS = SHAPE::ROWS, COLUMNS = SHAPE::COLUMNS, THREADS = SHAPE::THREADS;
    char *shared = (char *)ptx::dynamic_shared();
    const uint32_t q = ptx::shared_address(shared), k = q + SHAPE::Q_BYTES, v = k + SHAPE::K_BYTES;
    const int head = (int)blockIdx.y, batch = (int)blockIdx.z;
    const int kv_head = head / (call.heads / call.kv_heads);
    const int first = (int)(gridDim.x - 1 - blockIdx.x) * ROWS;
    const int m = (int)threadIdx.x / 32 * 16 * SHAPE::MT;
    const head_rows from_k = head_of(call.k, batch, kv_head, call.rows_kv);
    const head_rows from_v = head_of(call.v, batch, kv_head, call.rows_kv);
    const int keys = call.causal ? min(call.rows_kv, first + ROWS) : call.rows_kv;
    const float factor = call.scale * LOG2_E;

    load_tile<ROWS, SHAPE::DIM, THREADS>(q, head_of(call.q, batch, head, call.rows_q), first);
    load_tile<COLUMNS, SHAPE::DIM, THREADS>(k, from_k, 0);
    ptx::copy_async_commit();

    const auto rows_of_q = left<ROWS, K_INNER>(q, m);
    const auto columns_of_k = right<COLUMNS, K_INNER>(k, 0);
    const auto columns_of_v = right<COLUMNS, K_OUTER>(v, 0);
    online_softmax<SHAPE::MT> softmax;
    float o[SHAPE::MT][SHAPE::OT][4];
    clear(o);
    for (int key = 0; key < keys; key += COLUMNS) {
        ptx::copy_async_wait<0>();
        __syncthreads(); /* K is there, and all are done with V */
        load_tile<COLUMNS, SHAPE::DIM_V, THREADS>(v, from_v, key);
        ptx::copy_async_commit();
        float s[SHAPE::MT][SHAPE::NT][4];
        clear(s);
        multiply<T, SHAPE::DIM, SHAPE::DIM / 16>(s, rows_of_q, columns_of_k);
        ptx::copy_async_wait<0>();
        __syncthreads(); /* V is there, and all are done with K */
        if (key + COLUMNS < keys)
            load_tile<COLUMNS, SHAPE::DIM, THREADS>(k, from_k, key + COLUMNS);
        ptx::copy_async_commit();
        if (key + COLUMNS > call.rows_kv || (call.causal && key + COLUMNS > first + m + 1))
            hide(s, first + m + sum_row(0), key + sum_column(0), call.rows_kv, call.causal);
        uint32_t p[SHAPE::MT][SHAPE::NT][2];
        softmax.template step<T>(p, s, o, factor);
        multiply_scores<T>(o, p, columns_of_v);
    }
    ptx::copy_async_wait<0>();
    __syncthreads(); /* all are done with Q */
    finish_rows<T, SHAPE>(o, softmax, shared, m,
                          call.lse + ((int64_t)batch * call.heads + head) * call.rows_q + first,
                          call.rows_q - first, call.scale);
    __syncthreads();
    store_rows<ROWS, SHAPE::DIM_V, THREADS>(head_of(call.o, batch, head, call.rows_q), first,
                                            shared);
}

/* ------------------------------------------------------------------------------------- the launch
 */

/* d 64 could do with three blocks an SM, but not without spills. Where shared memory holds one
 * block only, it has eight warps. */
using forward_64 = forward_shape<64, 64, 128, 64, 4, 2>;
using forward_128 = forward_shape<128, 128, 128, 64, 4, 2>;
using forward_192_128 = forward_shape<192, 128, 128, 64, 8, 1>;
using forward_256 = forward_shape<256, 256, 128, 64, 8, 1>;

/* start(kernel, grid, threads, shared bytes, arguments) launches and returns 0 or an error. */
template <typename T, typename SHAPE, typename START>
int start_forward_shape(const mlb_attention_call &call, const START &start)
{
    unsigned tiles = (unsigned)((call.rows_q + SHAPE::ROWS - 1) / SHAPE::ROWS);
    return start(forward_kernel<T, SHAPE>, dim3(tiles, (unsigned)call.heads, (unsigned)call.batch),
                 SHAPE::THREADS, SHAPE::SHARED_BYTES, call);
}

/* act.template on<SHAPE>() for the shape that does these head dims, else act.none(). */
template <typename ACT> auto with_forward_shape(int dim, int dim_v, const ACT &act)
{
    if (dim == 64 && dim_v == 64)
        return act.template on<forward_64>();
    if (dim == 128 && dim_v == 128)
        return act.template on<forward_128>();
    if (dim == 192 && dim_v == 128)
        return act.template on<forward_192_128>();
    if (dim == 256 && dim_v == 256)
        return act.template on<forward_256>();
    return act.none();
}

template <typename START> struct forward_start {
    const mlb_attention_call &call;
    const START &start;
    template <typename SHAPE> int on() const
    {
        return call.dtype == MLB_BF16 ? start_forward_shape<ptx::bf16, SHAPE>(call, start)
                                      : start_forward_shape<ptx::f16, SHAPE>(call, start);
    }
    int none() const
    {
        return START::UNSUPPORTED;
    }
};

template <typename START> int start_forward(const mlb_attention_call &call, const START &start)
{
    return with_forward_shape(call.dim, call.dim_v, forward_start<START>{call, start});
}

struct forward_shared_bytes {
    template <typename SHAPE> size_t on() const
    {
        return SHAPE::SHARED_BYTES;
    }
    size_t none() const
    {
        return 0;
    }
};

} // namespace attention

#endif
