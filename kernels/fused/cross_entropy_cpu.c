/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fused/cross_entropy.h"

#include <math.h>

#include "kernels/fused/fused_cpu.h"

MLB_INLINE float strip_largest(const float *x, size_t count)
{
    float largest = -INFINITY;
#pragma omp simd reduction(max : largest)
    for (size_t i = 0; i < count; i++)
        largest = x[i] > largest ? x[i] : largest;
    return largest;
}

MLB_INLINE float strip_exp_sum(const float *x, size_t count, float largest)
{
    float lanes[MLB_LANES] = {0};
    size_t i = 0;
    for (; i + MLB_LANES <= count; i += MLB_LANES)
#pragma omp simd
        for (size_t lane = 0; lane < MLB_LANES; lane++)
            lanes[lane] += mlb_strip_exp(x[i + lane] - largest);
    for (; i < count; i++)
        lanes[0] += mlb_strip_exp(x[i] - largest);
    return mlb_lanes_total(lanes);
}

/* A maximum that runs along, as in Milakov and Gimelshein, "Online normalizer calculation for
 * softmax", arXiv:1805.02867: the sum is rescaled when it grows. NaN in the row makes NaN. */
MLB_INLINE float row_lse(const void *logits, size_t first, size_t vocab, enum mlb_dtype dtype)
{
    float buffer[MLB_STRIP], largest = -INFINITY, sum = 0.0f;
    for (size_t at = 0; at < vocab; at += MLB_STRIP) {
        size_t count = mlb_strip_length(at, vocab);
        const float *x = mlb_strip_in(buffer, logits, first + at, count, dtype);
        float here = strip_largest(x, count);
        if (here > largest) {
            sum = at == 0 ? 0.0f : sum * mlb_strip_exp(largest - here);
            largest = here;
        }
        sum += strip_exp_sum(x, count, largest);
    }
    return largest + logf(sum);
}

MLB_INLINE void write_gradient(const struct mlb_cross_entropy *e, enum mlb_dtype dtype, size_t row,
                               bool past)
{
    float buffer[MLB_STRIP], lse = e->lse[row];
    _Alignas(64) float g[MLB_STRIP];
    int64_t target = e->target[row];
    bool ignored = target < 0 || target >= (int64_t)e->vocab;
    float scale = ignored ? 0.0f : e->scale;
    for (size_t at = 0; at < e->vocab; at += MLB_STRIP) {
        size_t count = mlb_strip_length(at, e->vocab), first = row * e->vocab + at;
        const float *x = mlb_strip_in(buffer, e->logits, first, count, dtype);
#pragma omp simd
        for (size_t i = 0; i < count; i++)
            g[i] = scale * mlb_strip_exp(x[i] - lse);
        if (target >= (int64_t)at && target < (int64_t)(at + count))
            g[(size_t)target - at] -= scale;
        mlb_strip_out(e->gradient ? e->gradient : e->logits, first, g, count, dtype, past);
    }
}

MLB_INLINE void write_loss(const struct mlb_cross_entropy *e, enum mlb_dtype dtype, size_t row)
{
    float buffer[1], lse = row_lse(e->logits, row * e->vocab, e->vocab, dtype);
    int64_t target = e->target[row];
    e->lse[row] = lse;
    e->loss[row] = 0.0f;
    if (target >= 0 && target < (int64_t)e->vocab)
        e->loss[row] =
            lse - *mlb_strip_in(buffer, e->logits, row * e->vocab + (size_t)target, 1, dtype);
}

MLB_INLINE void entropy_rows(const struct mlb_cross_entropy *e, enum mlb_dtype dtype, size_t begin,
                             size_t end)
{
    bool separate = e->gradient && e->gradient != e->logits;
    bool past = separate && mlb_strip_past(e->tokens * e->vocab * mlb_dtype_bytes(dtype));
    for (size_t row = begin; row < end; row++) {
        if (e->pass != MLB_CROSS_ENTROPY_BACKWARD)
            write_loss(e, dtype, row);
        if (e->pass != MLB_CROSS_ENTROPY_FORWARD)
            write_gradient(e, dtype, row, past);
    }
}

MLB_INLINE void entropy_loop(const void *args, size_t part, size_t begin, size_t end)
{
    const struct mlb_cross_entropy *entropy = args;
    (void)part;
    if (entropy->dtype == MLB_BF16)
        entropy_rows(entropy, MLB_BF16, begin, end);
    else
        entropy_rows(entropy, MLB_F32, begin, end);
}
MLB_ROWS_WAYS(entropy_loop);

void mlb_cross_entropy_cpu(const struct mlb_cross_entropy *entropy, int threads)
{
    mlb_rows_run(&entropy_loop_ways, entropy, entropy->tokens, (size_t)threads, threads);
}
