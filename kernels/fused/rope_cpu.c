/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fused/rope.h"

#include <math.h>

#include "kernels/fused/fused_cpu.h"

void mlb_rope_tables(float *cosines, float *sines, size_t sequence, size_t head_dim, double theta)
{
    size_t half = head_dim / 2;
    for (size_t p = 0; p < sequence; p++)
        for (size_t i = 0; i < half; i++) {
            double angle = (double)p * pow(theta, -2.0 * (double)i / (double)head_dim);
            if (cosines)
                cosines[p * half + i] = (float)cos(angle);
            if (sines)
                sines[p * half + i] = (float)sin(angle);
        }
}

#define AHEAD 4096 /* bytes: a page further */

/* Both halves of a head, where they are: the lines are in the cache and are written back once. */
MLB_INLINE void rotate_head(void *array, size_t first, size_t half, const float *cosines,
                            const float *sines, float sign, enum mlb_dtype dtype)
{
    void *low = (char *)array + first * (dtype == MLB_F32 ? sizeof(float) : sizeof(uint16_t));
    void *high = (char *)low + half * (dtype == MLB_F32 ? sizeof(float) : sizeof(uint16_t));
    mlb_ahead((const char *)low + AHEAD, 2 * half * mlb_dtype_bytes(dtype));
#pragma omp simd
    for (size_t i = 0; i < half; i++) {
        float a = mlb_get(low, i, dtype), b = mlb_get(high, i, dtype), s = sign * sines[i];
        mlb_put(low, i, a * cosines[i] - b * s, dtype);
        mlb_put(high, i, b * cosines[i] + a * s, dtype);
    }
}

MLB_INLINE void rotate_rows(const struct mlb_rope *rope, enum mlb_dtype dtype, size_t begin,
                            size_t end)
{
    size_t half = rope->head_dim / 2;
    float sign = rope->pass == MLB_ROPE_FORWARD ? 1.0f : -1.0f;
    for (size_t row = begin; row < end; row++) {
        const float *cosines = rope->cos + row % rope->sequence * half;
        const float *sines = rope->sin + row % rope->sequence * half;
        for (size_t head = 0; head < rope->heads; head++)
            rotate_head(rope->qkv, row * rope->stride + head * rope->head_dim, half, cosines, sines,
                        sign, dtype);
    }
}

MLB_INLINE void rope_loop(const void *args, size_t part, size_t begin, size_t end)
{
    const struct mlb_rope *rope = args;
    (void)part;
    if (rope->dtype == MLB_BF16)
        rotate_rows(rope, MLB_BF16, begin, end);
    else
        rotate_rows(rope, MLB_F32, begin, end);
}
MLB_ROWS_WAYS(rope_loop);

void mlb_rope_cpu(const struct mlb_rope *rope, int threads)
{
    mlb_rows_run(&rope_loop_ways, rope, rope->tokens, (size_t)threads, threads);
}
