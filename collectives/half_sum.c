/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/half_sum.h"

#include <string.h>

/* One binary for all CPUs of a kind: the loader takes the clone for the widest vectors there are.
 * Elsewhere the baseline has what is needed (NEON on aarch64). The thread sanitizer is not awake
 * yet when the loader chooses. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define VECTOR_CLONES __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define VECTOR_CLONES
#endif

#define F32_INFINITY  0x7f800000
#define F16_INFINITY  0x7c00
#define F16_OVERFLOW  0x47800000  /* 2^16 as f32: from here on an f16 is infinite */
#define F16_NORMAL    0x38800000  /* 2^-14 as f32: below it an f16 is subnormal */
#define F16_REBIAS    0xc8000000u /* (15 - 127) << 23, modulo 2^32 */
#define F16_FROM_HALF 0x3f000000u /* 0.5 as f32: one step of it is the smallest f16, 2^-24 */

static inline float f32_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Comparisons are made as signed numbers, which all vector units have. */
static inline int32_t magnitude_of(uint32_t bits)
{
    return (int32_t)(bits & 0x7fffffffu);
}

static inline uint32_t bf16_of(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40u;
    return magnitude_of(bits) > F32_INFINITY ? quiet : rounded;
}

/* The multiplication moves the exponent's bias and makes subnormals normal, both exactly. */
static inline float f32_of_f16(uint32_t half)
{
    int32_t magnitude = (int32_t)((half & 0x7fffu) << 13);
    uint32_t bits = bits_of(f32_of((uint32_t)magnitude) * 0x1p112f);
    bits |= magnitude >= F16_INFINITY << 13 ? (uint32_t)F32_INFINITY : 0u;
    return f32_of(bits | (half & 0x8000u) << 16);
}

static inline uint32_t f16_of(float value)
{
    uint32_t bits = bits_of(value);
    int32_t magnitude = magnitude_of(bits);
    uint32_t size = (uint32_t)magnitude;
    uint32_t normal = (size + F16_REBIAS + 0xfffu + ((size >> 13) & 1u)) >> 13;
    uint32_t subnormal = bits_of(f32_of(size) + f32_of(F16_FROM_HALF)) - F16_FROM_HALF;
    uint32_t large = F16_INFINITY | (magnitude > F32_INFINITY ? 0x200u : 0u);
    uint32_t half = magnitude < F16_NORMAL ? subnormal : normal;
    half = magnitude >= F16_OVERFLOW ? large : half;
    return half | (bits >> 16 & 0x8000u);
}

VECTOR_CLONES
void mlb_sum_bf16(uint16_t *restrict into, const uint16_t *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] =
            (uint16_t)bf16_of(f32_of((uint32_t)into[i] << 16) + f32_of((uint32_t)from[i] << 16));
}

VECTOR_CLONES
void mlb_sum_f16(uint16_t *restrict into, const uint16_t *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] = (uint16_t)f16_of(f32_of_f16(into[i]) + f32_of_f16(from[i]));
}
