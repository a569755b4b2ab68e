/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fused/swiglu.h"

#include "kernels/fused/fused_cpu.h"

MLB_INLINE float sigmoid(float x)
{
    float power = x * -MLB_LOG2_E;
    return 1.0f / (1.0f + mlb_exp2(power > 127.0f ? 127.0f : power));
}

MLB_INLINE void forward_strip(const struct mlb_swiglu *g, enum mlb_dtype dtype, size_t row,
                              size_t at, size_t count, bool past)
{
    struct mlb_strip y;
    const void *gate = mlb_at(g->gate_up, 2 * row * g->ffn + at, dtype);
    const void *up = mlb_at(g->gate_up, (2 * row + 1) * g->ffn + at, dtype);
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        float a = mlb_get(gate, i, dtype);
        mlb_put(y.bytes, i, a * sigmoid(a) * mlb_get(up, i, dtype), dtype);
    }
    mlb_strip_out(g->y, row * g->ffn + at, &y, count, dtype, past);
}

MLB_INLINE void backward_strip(const struct mlb_swiglu *g, enum mlb_dtype dtype, size_t row,
                               size_t at, size_t count, bool past)
{
    struct mlb_strip dgate, dup;
    size_t first = 2 * row * g->ffn + at;
    const void *gate = mlb_at(g->gate_up, first, dtype);
    const void *up = mlb_at(g->gate_up, first + g->ffn, dtype);
    const void *dy = mlb_at(g->dy, row * g->ffn + at, dtype);
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        float a = mlb_get(gate, i, dtype), s = sigmoid(a), d = mlb_get(dy, i, dtype);
        mlb_put(dgate.bytes, i, d * mlb_get(up, i, dtype) * s * (1.0f + a * (1.0f - s)), dtype);
        mlb_put(dup.bytes, i, d * a * s, dtype);
    }
    mlb_strip_out(g->dgate_up, first, &dgate, count, dtype, past);
    mlb_strip_out(g->dgate_up, first + g->ffn, &dup, count, dtype, past);
}

MLB_INLINE void swiglu_rows(const struct mlb_swiglu *g, enum mlb_dtype dtype, size_t begin,
                            size_t end)
{
    bool in_place = g->dgate_up == g->gate_up;
    bool past = !in_place && mlb_strip_past(g->tokens * g->ffn * mlb_dtype_bytes(dtype));
    for (size_t row = begin; row < end; row++)
        for (size_t at = 0; at < g->ffn; at += MLB_STRIP) {
            size_t count = mlb_strip_length(at, g->ffn);
            if (g->pass == MLB_SWIGLU_FORWARD)
                forward_strip(g, dtype, row, at, count, past);
            else
                backward_strip(g, dtype, row, at, count, past);
        }
}

MLB_INLINE void swiglu_loop(const void *args, size_t part, size_t begin, size_t end)
{
    const struct mlb_swiglu *swiglu = args;
    (void)part;
    if (swiglu->dtype == MLB_BF16)
        swiglu_rows(swiglu, MLB_BF16, begin, end);
    else
        swiglu_rows(swiglu, MLB_F32, begin, end);
}
MLB_ROWS_WAYS(swiglu_loop);

void mlb_swiglu_cpu(const struct mlb_swiglu *swiglu, int threads)
{
    mlb_rows_run(&swiglu_loop_ways, swiglu, swiglu->tokens, (size_t)threads, threads);
}
