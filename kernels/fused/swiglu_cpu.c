/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fused/swiglu.h"

#include "kernels/fused/fused_cpu.h"

MLB_INLINE float sigmoid(float x)
{
    return 1.0f / (1.0f + mlb_strip_exp(-x));
}

MLB_INLINE void forward_strip(const struct mlb_swiglu *g, enum mlb_dtype dtype, size_t row,
                              size_t at, size_t count, bool past)
{
    float gate_buffer[MLB_STRIP], up_buffer[MLB_STRIP];
    _Alignas(64) float y[MLB_STRIP];
    size_t first = 2 * row * g->ffn + at;
    const float *gate = mlb_strip_in(gate_buffer, g->gate_up, first, count, dtype);
    const float *up = mlb_strip_in(up_buffer, g->gate_up, first + g->ffn, count, dtype);
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        y[i] = gate[i] * sigmoid(gate[i]) * up[i];
    mlb_strip_out(g->y, row * g->ffn + at, y, count, dtype, past);
}

MLB_INLINE void backward_strip(const struct mlb_swiglu *g, enum mlb_dtype dtype, size_t row,
                               size_t at, size_t count, bool past)
{
    float gate_buffer[MLB_STRIP], up_buffer[MLB_STRIP], dy_buffer[MLB_STRIP];
    _Alignas(64) float dgate[MLB_STRIP], dup[MLB_STRIP];
    size_t first = 2 * row * g->ffn + at;
    const float *gate = mlb_strip_in(gate_buffer, g->gate_up, first, count, dtype);
    const float *up = mlb_strip_in(up_buffer, g->gate_up, first + g->ffn, count, dtype);
    const float *dy = mlb_strip_in(dy_buffer, g->dy, row * g->ffn + at, count, dtype);
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        float s = sigmoid(gate[i]);
        dgate[i] = dy[i] * up[i] * s * (1.0f + gate[i] * (1.0f - s));
        dup[i] = dy[i] * gate[i] * s;
    }
    mlb_strip_out(g->dgate_up, first, dgate, count, dtype, past);
    mlb_strip_out(g->dgate_up, first + g->ffn, dup, count, dtype, past);
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
