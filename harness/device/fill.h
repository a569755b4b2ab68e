/* SPDX-License-Identifier: Apache-2.0 */
/* What fill() writes, as arithmetic that CPU and GPU compile from this one text: the same bits by
 * construction. Compiles as C and as CUDA C++. */
#ifndef MLB_DEVICE_FILL_H
#define MLB_DEVICE_FILL_H

#include <stdint.h>

#include "harness/base/dtype.h"
#include "harness/base/rng.h"
#include "harness/device/device.h"

/* How a value comes from its counter, once dtype and data kind are known. */
enum mlb_fill_rule { MLB_FILL_NORMAL, MLB_FILL_UNIFORM, MLB_FILL_INTEGER, MLB_FILL_ZERO };

/* The integers of MLB_FILL_INTEGER lie in [-bound, bound]; *bound is 0 for the other rules. */
static inline enum mlb_fill_rule mlb_fill_rule(enum mlb_data data, enum mlb_dtype dtype,
                                               int32_t *bound)
{
    *bound = 0;
    if (data == MLB_DATA_ZEROS)
        return MLB_FILL_ZERO;
    if (data == MLB_DATA_INTS)
        *bound = 3;
    else if (dtype == MLB_S32 || dtype == MLB_S8)
        *bound = 127;
    if (*bound)
        return MLB_FILL_INTEGER;
    return data == MLB_DATA_NORMAL ? MLB_FILL_NORMAL : MLB_FILL_UNIFORM;
}

/* Every value of every rule is exact in f32. */
static inline MLB_HOST_DEVICE float mlb_fill_value(enum mlb_fill_rule rule, int32_t bound,
                                                   uint64_t seed, uint64_t index)
{
    switch (rule) {
    case MLB_FILL_NORMAL:
        return mlb_rng_normal(seed, index);
    case MLB_FILL_UNIFORM:
        return mlb_rng_uniform(seed, index);
    case MLB_FILL_INTEGER:
        return (float)mlb_rng_int(seed, index, bound);
    case MLB_FILL_ZERO:
        break;
    }
    return 0.0f;
}

static inline MLB_HOST_DEVICE uint32_t mlb_fill_bits(float value)
{
    union {
        float value;
        uint32_t bits;
    } both;
    both.value = value;
    return both.bits;
}

/* Round to nearest, ties to even, of the values above: finite, at most 127 in size and, where f16
 * is subnormal, multiples of its quantum 2^-24 (uniform) or of 2^-16 (normal). Without branches, so
 * that a CPU's vector units take them; mlb_bf16_from_f32 and mlb_f16_from_f32 are the general ones.
 */
static inline MLB_HOST_DEVICE uint16_t mlb_fill_bf16(float value)
{
    uint32_t bits = mlb_fill_bits(value);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

static inline MLB_HOST_DEVICE uint16_t mlb_fill_f16(float value)
{
    uint32_t bits = mlb_fill_bits(value);
    uint32_t size = bits & 0x7fffffffu;
    uint32_t normal = (size - (112u << 23) + 0x0fffu + ((size >> 13) & 1u)) >> 13;
    uint32_t subnormal = (uint32_t)(int32_t)((value < 0.0f ? -value : value) * 16777216.0f);
    return (uint16_t)(((bits >> 16) & 0x8000u) | (size < (113u << 23) ? subnormal : normal));
}

/* Subnormals: added to 2^23, the sum's last place is one quantum of them. */
static inline MLB_HOST_DEVICE uint8_t mlb_fill_e4m3(float value)
{
    uint32_t bits = mlb_fill_bits(value);
    uint32_t size = bits & 0x7fffffffu;
    uint32_t normal = (size - (120u << 23) + 0x7ffffu + ((size >> 20) & 1u)) >> 20;
    uint32_t subnormal = mlb_fill_bits((value < 0.0f ? -value : value) * 512.0f + 8388608.0f);
    return (uint8_t)(((bits >> 24) & 0x80u) | ((size < (121u << 23) ? subnormal : normal) & 0x7fu));
}

static inline MLB_HOST_DEVICE uint8_t mlb_fill_e5m2(float value)
{
    uint32_t bits = mlb_fill_bits(value);
    uint32_t size = bits & 0x7fffffffu;
    uint32_t normal = (size - (112u << 23) + 0xfffffu + ((size >> 21) & 1u)) >> 21;
    uint32_t subnormal = mlb_fill_bits((value < 0.0f ? -value : value) * 65536.0f + 8388608.0f);
    return (uint8_t)(((bits >> 24) & 0x80u) | ((size < (113u << 23) ? subnormal : normal) & 0x7fu));
}

#if !defined(__CUDACC__)
/* to[i] = element first + i, for i < count, in this thread. `to` is aligned to the element. */
void mlb_fill_host(void *to, uint64_t count, enum mlb_dtype dtype, enum mlb_data data,
                   uint64_t seed, uint64_t first);

/* The same for one set of vector instructions. mlb_fill_host takes the first that is usable. */
struct mlb_fill_way {
    const char *name; /* "avx512", "avx2", "plain" */
    bool (*usable)(void);
    void (*fill)(void *to, uint64_t count, enum mlb_dtype dtype, enum mlb_data data, uint64_t seed,
                 uint64_t first);
};
extern const struct mlb_fill_way mlb_fill_ways[]; /* fastest first; ends with a NULL name */
#endif

#endif
