/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fused/cross_entropy.h"

#include <math.h>

#include "kernels/fused/fused_cpu.h"

/* The largest of a strip times log2(e); leaves all of it so in `scaled`. */
MLB_INLINE float strip_largest(float *scaled, const void *x, size_t count, enum mlb_dtype dtype)
{
    float largest = -INFINITY;
#pragma omp simd reduction(max : largest)
    for (size_t i = 0; i < count; i++) {
        float value = mlb_get(x, i, dtype) * MLB_LOG2_E;
        scaled[i] = value;
        largest = value > largest ? value : largest;
    }
    return largest;
}

MLB_INLINE float strip_exp_sum(const float *scaled, size_t count, float largest)
{
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++)
        sum += mlb_exp2(scaled[i] - largest);
    return sum;
}

/* A maximum that runs along, as in Milakov and Gimelshein, "Online normalizer calculation for
 * softmax", arXiv:1805.02867: the sum is rescaled when it grows. NaN in the row makes NaN. */
MLB_INLINE float row_lse(const void *row, size_t vocab, enum mlb_dtype dtype)
{
    float scaled[MLB_STRIP], largest = -INFINITY, sum = 0.0f;
    for (size_t at = 0; at < vocab; at += MLB_STRIP) {
        size_t count = mlb_strip_length(at, vocab);
        float here = strip_largest(scaled, mlb_at(row, at, dtype), count, dtype);
        if (here > largest) {
            sum = at == 0 ? 0.0f : sum * mlb_exp2(largest - here);
            largest = here;
        }
        sum += strip_exp_sum(scaled, count, largest);
    }
    return (largest + log2f(sum)) * MLB_LN_2;
}

MLB_INLINE void write_gradient(const struct mlb_cross_entropy *e, enum mlb_dtype dtype, size_t row,
                               bool past)
{
    struct mlb_strip g;
    int64_t target = e->target[row];
    bool ignored = target < 0 || target >= (int64_t)e->vocab;
    float scale = ignored ? 0.0f : e->scale, lse2 = e->lse[row] * MLB_LOG2_E;
    for (size_t at = 0; at < e->vocab; at += MLB_STRIP) {
        size_t count = mlb_strip_length(at, e->vocab), first = row * e->vocab + at;
        const void *x = mlb_at(e->logits, first, dtype);
#pragma omp simd
        for (size_t i = 0; i < count; i++)
            mlb_put(g.bytes, i, scale * mlb_exp2(mlb_get(x, i, dtype) * MLB_LOG2_E - lse2), dtype);
        if (target >= (int64_t)at && target < (int64_t)(at + count)) {
            size_t hit = (size_t)target - at;
            float p = mlb_exp2(mlb_get(x, hit, dtype) * MLB_LOG2_E - lse2);
            mlb_put(g.bytes, hit, scale * (p - 1.0f), dtype);
        }
        mlb_strip_out(e->gradient ? e->gradient : e->logits, first, &g, count, dtype, past);
    }
}

MLB_INLINE void write_loss(const struct mlb_cross_entropy *e, enum mlb_dtype dtype, size_t row)
{
    const void *x = mlb_at(e->logits, row * e->vocab, dtype);
    float lse = row_lse(x, e->vocab, dtype);
    int64_t target = e->target[row];
    e->lse[row] = lse;
    e->loss[row] = 0.0f;
    if (target >= 0 && target < (int64_t)e->vocab)
        e->loss[row] = lse - mlb_get(x, (size_t)target, dtype);
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
