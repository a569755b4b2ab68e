/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU loops share. A loop works in f32 on strips of a row that stay in the first cache:
 * conversions are then written once, and results can go past the caches to memory (a line that is
 * written whole need not be read first, which is a third of the traffic of a copy).
 *
 * Loops are written once and compiled for several sets of vector instructions. */
#ifndef MLB_KERNELS_FUSED_CPU_H
#define MLB_KERNELS_FUSED_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "harness/base/dtype.h"

#define MLB_INLINE static inline __attribute__((always_inline))

enum { MLB_STRIP = 1024, MLB_LANES = 32 };

/* ---- over threads */

/* Rows begin .. end-1, as part number `part`; a part may be empty. */
typedef void mlb_rows_loop(const void *args, size_t part, size_t begin, size_t end);

struct mlb_rows_ways {
    mlb_rows_loop *avx512, *avx2, *plain;
};

/* The rows in `parts` equal parts, in order, over `threads` threads. */
void mlb_rows_run(const struct mlb_rows_ways *ways, const void *args, size_t rows, size_t parts,
                  int threads);

/* name##_ways for the always-inline loop `name`. */
#if defined(__x86_64__)
#define MLB_ROWS_WAYS(name)                                                                        \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))) static void name##_avx512(   \
        const void *args, size_t part, size_t begin, size_t end)                                   \
    {                                                                                              \
        name(args, part, begin, end);                                                              \
    }                                                                                              \
    __attribute__((target("avx2,fma"))) static void name##_avx2(const void *args, size_t part,     \
                                                                size_t begin, size_t end)          \
    {                                                                                              \
        name(args, part, begin, end);                                                              \
    }                                                                                              \
    static void name##_plain(const void *args, size_t part, size_t begin, size_t end)              \
    {                                                                                              \
        name(args, part, begin, end);                                                              \
    }                                                                                              \
    static const struct mlb_rows_ways name##_ways = {name##_avx512, name##_avx2, name##_plain}
#else
#define MLB_ROWS_WAYS(name)                                                                        \
    static void name##_plain(const void *args, size_t part, size_t begin, size_t end)              \
    {                                                                                              \
        name(args, part, begin, end);                                                              \
    }                                                                                              \
    static const struct mlb_rows_ways name##_ways = {NULL, NULL, name##_plain}
#endif

/* ---- strips */

MLB_INLINE size_t mlb_strip_length(size_t at, size_t count)
{
    return count - at < MLB_STRIP ? count - at : MLB_STRIP;
}

MLB_INLINE float mlb_strip_widen(uint16_t bits)
{
    union {
        uint32_t bits;
        float value;
    } both = {.bits = (uint32_t)bits << 16};
    return both.value;
}

/* As mlb_bf16_from_f32, without branches. */
MLB_INLINE uint16_t mlb_strip_narrow(float value)
{
    union {
        float value;
        uint32_t bits;
    } both = {.value = value};
    uint32_t nearest = (both.bits + 0x7fffu + ((both.bits >> 16) & 1u)) >> 16;
    uint32_t quiet = (both.bits >> 16) | 0x40u;
    return (uint16_t)((both.bits & 0x7fffffffu) > 0x7f800000u ? quiet : nearest);
}

/* Elements first .. first+count-1 of `array` as f32: where they are, or in `buffer`. */
MLB_INLINE const float *mlb_strip_in(float *buffer, const void *array, size_t first, size_t count,
                                     enum mlb_dtype dtype)
{
    const uint16_t *from = (const uint16_t *)array + first;
    if (dtype == MLB_F32)
        return (const float *)array + first;
    for (size_t i = 0; i < count; i++)
        buffer[i] = mlb_strip_widen(from[i]);
    return buffer;
}

/* `past`: past the caches, where address and length allow. */
MLB_INLINE void mlb_strip_store(void *to, const void *from, size_t bytes, bool past)
{
#if defined(__x86_64__)
    if (past && (uintptr_t)to % 16 == 0 && bytes % 16 == 0) {
        const __m128i *source = from;
        __m128i *target = to;
        for (size_t i = 0; i < bytes / 16; i++)
            _mm_stream_si128(&target[i], _mm_load_si128(&source[i]));
        return;
    }
#endif
    (void)past;
    memcpy(to, from, bytes);
}

/* The other way. `from` is aligned to 64 bytes when `past` is set. */
MLB_INLINE void mlb_strip_out(void *array, size_t first, const float *from, size_t count,
                              enum mlb_dtype dtype, bool past)
{
    _Alignas(64) uint16_t narrow[MLB_STRIP];
    if (dtype == MLB_F32) {
        mlb_strip_store((float *)array + first, from, count * sizeof *from, past);
        return;
    }
    for (size_t i = 0; i < count; i++)
        narrow[i] = mlb_strip_narrow(from[i]);
    mlb_strip_store((uint16_t *)array + first, narrow, count * sizeof *narrow, past);
}

/* Output of this size does not stay in a cache for its reader anyhow. */
MLB_INLINE bool mlb_strip_past(size_t bytes)
{
    return bytes >= (size_t)32 << 20;
}

MLB_INLINE float mlb_lanes_total(const float *lanes)
{
    float total = 0.0f;
    for (size_t i = 0; i < MLB_LANES; i++)
        total += lanes[i];
    return total;
}

/* e^x to 2 ulp for x <= 88; below -87 it stays at 2^-126, which is nothing beside 1. Cody and
 * Waite's reduction, and the polynomial of Moshier's Cephes expf. */
MLB_INLINE float mlb_strip_exp(float x)
{
    union {
        float value;
        uint32_t bits;
    } scaled, power;
    const float shift = 12582912.0f; /* 1.5 x 2^23: adding it rounds to a whole number */
    float clamped = x < -87.3f ? -87.3f : x;
    scaled.value = clamped * 1.44269504f + shift;
    float n = scaled.value - shift;
    float f = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = p * f * f + f + 1.0f;
    power.bits = (scaled.bits + 127u) << 23; /* the shift's low bits hold n */
    return p * power.value;
}

#endif
