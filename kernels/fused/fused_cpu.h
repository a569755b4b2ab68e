/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU loops share. A loop computes in f32 and makes strips of results that stay in the
 * first cache, from where they can go past the caches to memory: a line that is written whole need
 * not be read first, which is a third of the traffic of a copy.
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

enum { MLB_STRIP = 1024 };

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

/* Element `i` of an array. */
MLB_INLINE float mlb_get(const void *array, size_t i, enum mlb_dtype dtype)
{
    union {
        uint32_t bits;
        float value;
    } both;
    if (dtype == MLB_F32)
        return ((const float *)array)[i];
    both.bits = (uint32_t)((const uint16_t *)array)[i] << 16;
    return both.value;
}

/* Rounds to nearest, ties to even. A NaN stays one when its lower half is zero, as that of every
 * NaN is which comes from bf16 data or from an operation. */
MLB_INLINE void mlb_put(void *array, size_t i, float value, enum mlb_dtype dtype)
{
    union {
        float value;
        uint32_t bits;
    } both = {.value = value};
    if (dtype == MLB_F32)
        ((float *)array)[i] = value;
    else
        ((uint16_t *)array)[i] = (uint16_t)((both.bits + 0x7fffu + ((both.bits >> 16) & 1u)) >> 16);
}

MLB_INLINE const void *mlb_at(const void *array, size_t i, enum mlb_dtype dtype)
{
    return (const char *)array + i * (dtype == MLB_F32 ? sizeof(float) : sizeof(uint16_t));
}

/* Asks for `bytes` that will be read soon: hardware's own prefetch follows lines within a page. */
MLB_INLINE void mlb_ahead(const void *from, size_t bytes)
{
    for (size_t byte = 0; byte < bytes; byte += 64)
        __builtin_prefetch((const char *)from + byte, 0, 3);
}

/* A strip of results in the case's type, before it goes to memory. */
struct mlb_strip {
    _Alignas(64) unsigned char bytes[MLB_STRIP * sizeof(float)];
};

/* `past`: past the caches, where address and length allow. `from` is aligned to 16 bytes then. */
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

/* To elements first .. first+count-1 of `array`. */
MLB_INLINE void mlb_strip_out(void *array, size_t first, const struct mlb_strip *from, size_t count,
                              enum mlb_dtype dtype, bool past)
{
    size_t size = dtype == MLB_F32 ? sizeof(float) : sizeof(uint16_t);
    mlb_strip_store((char *)array + first * size, from->bytes, count * size, past);
}

/* Output of this size does not stay in a cache for its reader anyhow. */
MLB_INLINE bool mlb_strip_past(size_t bytes)
{
    return bytes >= (size_t)32 << 20;
}

#define MLB_LOG2_E 1.44269504f
#define MLB_LN_2   0.693147181f

/* 2^x for x <= 127, to 3 units of roundoff; below -126 it stays there, which is nothing beside 1;
 * NaN for NaN. The whole part goes into the exponent; 2^f for |f| <= 1/2 is the polynomial of
 * degree 5 with the least relative error (1.9 units) among those that are 1 at 0. */
MLB_INLINE float mlb_exp2(float x)
{
    union {
        float value;
        uint32_t bits;
    } shifted, power;
    const float shift = 12582912.0f; /* 1.5 x 2^23: adding it rounds to a whole number */
    float clamped = x < -126.0f ? -126.0f : x;
    shifted.value = clamped + shift;
    float f = clamped - (shifted.value - shift);
    float p = 0.001326472731f;
    p = p * f + 0.009671512991f;
    p = p * f + 0.05550733581f;
    p = p * f + 0.2402224243f;
    p = p * f + 0.6931470037f;
    p = p * f + 1.0f;
    power.bits = (shifted.bits + 127u) << 23; /* the shift's low bits hold the whole number */
    return p * power.value;
}

#endif
