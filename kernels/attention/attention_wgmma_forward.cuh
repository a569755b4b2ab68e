/* SPDX-License-Identifier: Apache-2.0 */
/* Forward by TMA and wgmma on sm_90a, after FlashAttention-3 (arXiv 2407.08608): a block owns
 * 64 query rows for each of its consumer warpgroups; a producer warpgroup lets TMA bring Q once,
 * and K and V through two stages each.
 *
 * The tensor core is kept busy while exponentials are computed, in two ways. Within a warpgroup
 * Q K(i)^T and P(i-1) V(i-1) are under way together, and the softmax of step i runs under the
 * latter. Between warpgroups a ring of named barriers lets one issue its products while another is
 * in its softmax (ping-pong). P never leaves the registers: the sums of Q K^T are, element by
 * element, the left operand of P V.
 *
 * Registers of a consumer at d 128, steps of 128 keys: O 64, S 64, P 32 of 240. Shared memory: Q 32
 * KiB, K and V 2 x 32 KiB each. */
#ifndef MLB_KERNELS_ATTENTION_WGMMA_FORWARD_CUH
#define MLB_KERNELS_ATTENTION_WGMMA_FORWARD_CUH

#include "kernels/attention/attention_wgmma_tile.cuh"

namespace attention
{

/* Steps of COLUMNS keys; registers of a producer's and of a consumer's thread. */
template <int DIM_, int DIM_V_, int COLUMNS_, int CONSUMERS_> struct wgmma_forward_shape {
    static constexpr int DIM = DIM_, DIM_V = DIM_V_, COLUMNS = COLUMNS_, CONSUMERS = CONSUMERS_;
    static constexpr int ROWS = 64 * CONSUMERS, THREADS = 128 * (CONSUMERS + 1), STAGES = 2;
    static constexpr int FEW = CONSUMERS == 3 ? 32 : 24, MANY = CONSUMERS == 3 ? 160 : 240;
    static constexpr int Q_BYTES = ROWS * DIM * 2, K_BYTES = COLUMNS * DIM * 2;
    static constexpr int V_BYTES = COLUMNS * DIM_V * 2;
    /* In shared memory, in bytes from its begin; barriers of 8 bytes: Q, then full and empty ones
     * of the stages of K and of V. */
    static constexpr int Q = 0, K = Q_BYTES, V = K + STAGES * K_BYTES;
    static constexpr int BARRIERS = V + STAGES * V_BYTES;
    static constexpr int SHARED_BYTES = BARRIERS + 8 * (1 + 4 * STAGES);
    static_assert(FEW * 128 + MANY * 128 * CONSUMERS <= 65536, "an SM's registers");
    static_assert(DIM_V <= DIM && SHARED_BYTES <= 232448, "O is staged where Q was; 227 KiB");
};

/* Barriers of a ring of stages. */
template <typename SHAPE> struct forward_barriers {
    uint32_t q, k_full, k_empty, v_full, v_empty; /* the first of STAGES each */

    __device__ __forceinline__ explicit forward_barriers(uint32_t shared)
    {
        q = shared + SHAPE::BARRIERS;
        k_full = q + 8;
        k_empty = k_full + 8 * SHAPE::STAGES;
        v_full = k_empty + 8 * SHAPE::STAGES;
        v_empty = v_full + 8 * SHAPE::STAGES;
    }
};

/* Named barriers beside __syncthreads': the ring among consumers from 1 on, each warpgroup's own
 * from 5 on. */
constexpr int RING = 1, OWN = 5;

#if MLB_HOPPER

/* The two rows of a consumer's thread, 8 apart: running maximum (of unscaled scores) and sum, and
 * how much the last step shrinks what was summed before it. */
struct row_pair {
    float most[2], sum[2], shrink[2];
};

/* Scores become exp2(factor (score - maximum)). */
template <int COUNT>
__device__ __forceinline__ void softmax_step(row_pair &rows, float (&s)[COUNT], float factor)
{
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float top = rows.most[h], added = 0.0f;
#pragma unroll
        for (int j = 2 * h; j < COUNT; j += 4)
            top = fmaxf(top, fmaxf(s[j], s[j + 1]));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
        const float base = top * factor;
#pragma unroll
        for (int j = 2 * h; j < COUNT; j += 4) {
            s[j] = ptx::exp2_approx(s[j] * factor - base);
            s[j + 1] = ptx::exp2_approx(s[j + 1] * factor - base);
            added += s[j] + s[j + 1];
        }
        rows.shrink[h] = ptx::exp2_approx(rows.most[h] * factor - base);
        rows.most[h] = top;
        rows.sum[h] = rows.sum[h] * rows.shrink[h] + added;
    }
}

/* Scores of keys that do not exist or are hidden become -inf. `begin` is the warpgroup's first row,
 * `key` the step's first key. */
template <typename SHAPE, int COUNT>
__device__ __forceinline__ void hide_keys(float (&s)[COUNT], const mlb_attention_call &call,
                                          int begin, int key)
{
    if (key + SHAPE::COLUMNS <= call.rows_kv &&
        !(call.causal && key + SHAPE::COLUMNS > begin + group_row() / 16 * 16 + 1))
        return;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const int last = begin + group_row() + 8 * h + 1;
        const int end = (call.causal && last < call.rows_kv ? last : call.rows_kv) - key;
#pragma unroll
        for (int j = 2 * h; j < COUNT; j += 4) {
            if (j / 4 * 8 + sum_column(0) >= end)
                s[j] = -INFINITY;
            if (j / 4 * 8 + sum_column(1) >= end)
                s[j + 1] = -INFINITY;
        }
    }
}

template <int COUNT>
__device__ __forceinline__ void scale_rows(float (&o)[COUNT], const float (&factor)[2])
{
#pragma unroll
    for (int j = 0; j < COUNT; j++)
        o[j] *= factor[j / 2 % 2];
}

template <typename SHAPE>
__device__ __forceinline__ void produce(const mlb_attention_call &call, const CUtensorMap *q,
                                        const CUtensorMap *k, const CUtensorMap *v, uint32_t shared,
                                        int first, int steps)
{
    const forward_barriers<SHAPE> at(shared);
    const int head = (int)blockIdx.y, batch = (int)blockIdx.z;
    const int kv_head = head / (call.heads / call.kv_heads);
    ptx::mbarrier_arrive_expect(at.q, SHAPE::Q_BYTES);
    tma_tile<SHAPE::ROWS, SHAPE::DIM>(shared + SHAPE::Q, q, at.q, call.q, first, head, batch);
    for (int step = 0; step <= steps; step++) {
        if (step < steps) {
            const stage_of<SHAPE::STAGES> stage(step);
            const uint32_t full = at.k_full + 8 * stage.index;
            ptx::mbarrier_wait(at.k_empty + 8 * stage.index, stage.parity ^ 1);
            ptx::mbarrier_arrive_expect(full, SHAPE::K_BYTES);
            tma_tile<SHAPE::COLUMNS, SHAPE::DIM>(shared + SHAPE::K + stage.index * SHAPE::K_BYTES,
                                                 k, full, call.k, step * SHAPE::COLUMNS, kv_head,
                                                 batch);
        }
        if (step > 0) {
            const stage_of<SHAPE::STAGES> stage(step - 1);
            const uint32_t full = at.v_full + 8 * stage.index;
            ptx::mbarrier_wait(at.v_empty + 8 * stage.index, stage.parity ^ 1);
            ptx::mbarrier_arrive_expect(full, SHAPE::V_BYTES);
            tma_tile<SHAPE::COLUMNS, SHAPE::DIM_V>(shared + SHAPE::V + stage.index * SHAPE::V_BYTES,
                                                   v, full, call.v, (step - 1) * SHAPE::COLUMNS,
                                                   kv_head, batch);
        }
    }
}

/* O and the log-sum-exp of a warpgroup's rows; O by way of the group's own part of Q's tile. */
template <typename T, typename SHAPE, int COUNT>
__device__ __forceinline__ void finish_group(const mlb_attention_call &call, float (&o)[COUNT],
                                             row_pair &rows, char *tile, int group, int first)
{
    const int head = (int)blockIdx.y, batch = (int)blockIdx.z, begin = 64 * group;
    float share[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
        rows.sum[h] += __shfl_xor_sync(0xffffffffu, rows.sum[h], 1);
        rows.sum[h] += __shfl_xor_sync(0xffffffffu, rows.sum[h], 2);
        share[h] = 1.0f / rows.sum[h];
        const int row = first + begin + group_row() + 8 * h;
        if (threadIdx.x % 4 == 0 && row < call.rows_q)
            call.lse[((int64_t)batch * call.heads + head) * call.rows_q + row] =
                rows.most[h] * call.scale + logf(rows.sum[h]);
    }
    scale_rows(o, share);
#pragma unroll
    for (int j = 0; j < COUNT; j += 2) {
        const int row = begin + group_row() + j / 2 % 2 * 8;
        *(uint32_t *)(tile + chunk_offset<SHAPE::ROWS>(row, j / 4) + threadIdx.x % 4 * 4) =
            ptx::pack<T>(o[j], o[j + 1]);
    }
    ptx::barrier_sync(OWN + group, 128);
    store_rows<SHAPE::ROWS, SHAPE::DIM_V, 128>(head_of(call.o, batch, head, call.rows_q), first,
                                               tile, begin, begin + 64);
}

/* A consumer warpgroup's loop over the keys. */
template <typename T, typename SHAPE>
__device__ __forceinline__ void consume(const mlb_attention_call &call, char *memory,
                                        uint32_t shared, int group, int first, int steps)
{
    constexpr int COLUMNS = SHAPE::COLUMNS, STAGES = SHAPE::STAGES;
    const forward_barriers<SHAPE> at(shared);
    const uint32_t q = shared + SHAPE::Q + (uint32_t)(group * 64 * 128);
    const int begin = first + 64 * group, next = (group + 1) % SHAPE::CONSUMERS;
    const float factor = call.scale * LOG2_E;
    row_pair rows = {{-INFINITY, -INFINITY}, {0.0f, 0.0f}, {1.0f, 1.0f}};
    float o[SHAPE::DIM_V / 2], s[COLUMNS / 2];
    uint32_t p[COLUMNS / 16][4];
#pragma unroll
    for (int j = 0; j < SHAPE::DIM_V / 2; j++)
        o[j] = 0.0f;
    if (group == 0)
        ptx::barrier_arrive(RING, 256); /* the first turn */

    ptx::mbarrier_wait(at.q, 0);
    ptx::mbarrier_wait(at.k_full, 0);
    ptx::wgmma_fence();
    score_product<T, SHAPE::DIM, SHAPE::ROWS, SHAPE::COLUMNS>(s, q, shared + SHAPE::K);
    ptx::wgmma_wait<0>();
    ptx::wgmma_hold(s);
    release(at.k_empty);
    hide_keys<SHAPE>(s, call, begin, 0);
    softmax_step(rows, s, factor);
    round_scores<T>(p, s);
    for (int step = 1; step < steps; step++) {
        const stage_of<STAGES> now(step), before(step - 1);
        ptx::mbarrier_wait(at.k_full + 8 * now.index, now.parity);
        ptx::barrier_sync(RING + group, 256);
        ptx::wgmma_fence();
        score_product<T, SHAPE::DIM, SHAPE::ROWS, SHAPE::COLUMNS>(
            s, q, shared + SHAPE::K + now.index * SHAPE::K_BYTES);
        ptx::mbarrier_wait(at.v_full + 8 * before.index, before.parity);
        ptx::wgmma_fence();
        add_product<T, SHAPE::COLUMNS>(o, p, shared + SHAPE::V + before.index * SHAPE::V_BYTES);
        ptx::barrier_arrive(RING + next, 256);
        ptx::wgmma_wait<1>();
        ptx::wgmma_hold(s);
        release(at.k_empty + 8 * now.index);
        hide_keys<SHAPE>(s, call, begin, step * COLUMNS);
        softmax_step(rows, s, factor);
        ptx::compute_first(rows.sum[0] + rows.sum[1], shared);
        ptx::wgmma_wait<0>();
        ptx::wgmma_hold(o);
        ptx::wgmma_hold(s); /* P is not rounded into registers that are being read */
        release(at.v_empty + 8 * before.index);
        scale_rows(o, rows.shrink);
        round_scores<T>(p, s);
    }
    const stage_of<STAGES> last(steps - 1);
    ptx::mbarrier_wait(at.v_full + 8 * last.index, last.parity);
    ptx::wgmma_fence();
    add_product<T, SHAPE::COLUMNS>(o, p, shared + SHAPE::V + last.index * SHAPE::V_BYTES);
    ptx::wgmma_wait<0>();
    ptx::wgmma_hold(o);
    finish_group<T, SHAPE>(call, o, rows, memory + SHAPE::Q, group, first);
}

#endif

/* Grid: x = tiles of query rows, the last first as in the mma kernel; y = query heads, z = batch.
 */
template <typename T, typename SHAPE>
__global__ void __launch_bounds__(SHAPE::THREADS, 1)
    wgmma_forward_kernel(const mlb_attention_call call, const __grid_constant__ CUtensorMap q,
                         const __grid_constant__ CUtensorMap k,
                         const __grid_constant__ CUtensorMap v)
{
#if MLB_HOPPER
    char *memory = (char *)ptx::dynamic_shared();
    const uint32_t shared = ptx::shared_address(memory);
    const forward_barriers<SHAPE> at(shared);
    const int first = (int)(gridDim.x - 1 - blockIdx.x) * SHAPE::ROWS;
    const int end = first + SHAPE::ROWS;
    const int keys = call.causal && end < call.rows_kv ? end : call.rows_kv;
    const int steps = (keys + SHAPE::COLUMNS - 1) / SHAPE::COLUMNS;
    if (threadIdx.x == 0) {
        ptx::mbarrier_init(at.q, 1);
        for (uint32_t stage = 0; stage < SHAPE::STAGES; stage++) {
            ptx::mbarrier_init(at.k_full + 8 * stage, 1);
            ptx::mbarrier_init(at.v_full + 8 * stage, 1);
            ptx::mbarrier_init(at.k_empty + 8 * stage, 4 * SHAPE::CONSUMERS);
            ptx::mbarrier_init(at.v_empty + 8 * stage, 4 * SHAPE::CONSUMERS);
        }
        ptx::mbarrier_init_fence();
    }
    __syncthreads();
    const int group = (int)ptx::warp() / 4;
    if (group == 0) {
        ptx::registers_fewer<SHAPE::FEW>();
        if (threadIdx.x == 0)
            produce<SHAPE>(call, &q, &k, &v, shared, first, steps);
    } else {
        ptx::registers_more<SHAPE::MANY>();
        consume<T, SHAPE>(call, memory, shared, group - 1, first, steps);
    }
#endif
}

/* ------------------------------------------------------------------------------------- the launch
 */

using wgmma_forward_64 = wgmma_forward_shape<64, 64, 128, 3>;
using wgmma_forward_128 = wgmma_forward_shape<128, 128, 128, 2>;
using wgmma_forward_192_128 = wgmma_forward_shape<192, 128, 128, 2>;
using wgmma_forward_256 = wgmma_forward_shape<256, 256, 80, 2>;

/* act.template on<SHAPE>() for the shape that does these head dims, else act.none(). */
template <typename ACT> auto with_wgmma_forward_shape(int dim, int dim_v, const ACT &act)
{
    if (dim == 64 && dim_v == 64)
        return act.template on<wgmma_forward_64>();
    if (dim == 128 && dim_v == 128)
        return act.template on<wgmma_forward_128>();
    if (dim == 192 && dim_v == 128)
        return act.template on<wgmma_forward_192_128>();
    if (dim == 256 && dim_v == 256)
        return act.template on<wgmma_forward_256>();
    return act.none();
}

struct wgmma_forward_tensors {
    const mlb_attention_call &call;
    mlb_tensor *to; /* [MLB_ATTENTION_MAPS] */
    template <typename SHAPE> bool on() const
    {
        to[MLB_ATTENTION_FORWARD_Q] =
            tensor_of(call.q, call, SHAPE::DIM, call.rows_q, call.heads, SHAPE::ROWS);
        to[MLB_ATTENTION_FORWARD_K] =
            tensor_of(call.k, call, SHAPE::DIM, call.rows_kv, call.kv_heads, SHAPE::COLUMNS);
        to[MLB_ATTENTION_FORWARD_V] =
            tensor_of(call.v, call, SHAPE::DIM_V, call.rows_kv, call.kv_heads, SHAPE::COLUMNS);
        return true;
    }
    bool none() const
    {
        return false;
    }
};

template <typename START> struct wgmma_forward_start {
    const mlb_attention_call &call;
    const CUtensorMap *maps;
    const START &start;
    template <typename SHAPE> int on() const
    {
        return call.dtype == MLB_BF16 ? as<ptx::bf16, SHAPE>() : as<ptx::f16, SHAPE>();
    }
    template <typename T, typename SHAPE> int as() const
    {
        unsigned tiles = (unsigned)((call.rows_q + SHAPE::ROWS - 1) / SHAPE::ROWS);
        return start(wgmma_forward_kernel<T, SHAPE>,
                     dim3(tiles, (unsigned)call.heads, (unsigned)call.batch), SHAPE::THREADS,
                     SHAPE::SHARED_BYTES, call, maps[MLB_ATTENTION_FORWARD_Q],
                     maps[MLB_ATTENTION_FORWARD_K], maps[MLB_ATTENTION_FORWARD_V]);
    }
    int none() const
    {
        return START::UNSUPPORTED;
    }
};

template <typename START>
int start_wgmma_forward(const mlb_attention_call &call, const CUtensorMap *maps, const START &start)
{
    return with_wgmma_forward_shape(call.dim, call.dim_v,
                                    wgmma_forward_start<START>{call, maps, start});
}

} // namespace attention

#endif
