/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/device/fill.h"

const char *const mlb_data_names[] = {"normal", "uniform", "ints", "zeros", NULL};

double mlb_data_value(enum mlb_data data, enum mlb_dtype dtype, uint64_t seed, uint64_t index)
{
    int32_t bound;
    enum mlb_fill_rule rule = mlb_fill_rule(data, dtype, &bound);
    return (double)mlb_fill_value(rule, bound, seed, index);
}

/* Values go through a block of f32 that stays in the first cache: generating, which is nearly all
 * of the work, is then written once and not once for each dtype. */
enum { BLOCK = 1024 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* A loop for each rule: with the rule inside the loop it would not become vector code. */
ALWAYS_INLINE void generate(float *to, size_t count, enum mlb_fill_rule rule, int32_t bound,
                            uint64_t seed, uint64_t first)
{
    switch (rule) {
    case MLB_FILL_NORMAL:
        for (size_t i = 0; i < count; i++)
            to[i] = mlb_rng_normal(seed, first + i);
        break;
    case MLB_FILL_UNIFORM:
        for (size_t i = 0; i < count; i++)
            to[i] = mlb_rng_uniform(seed, first + i);
        break;
    case MLB_FILL_INTEGER:
        for (size_t i = 0; i < count; i++)
            to[i] = (float)mlb_rng_int(seed, first + i, bound);
        break;
    case MLB_FILL_ZERO:
        break;
    }
}

ALWAYS_INLINE void store(void *to, const float *from, size_t count, enum mlb_dtype dtype)
{
    switch (dtype) {
    case MLB_F64:
        for (size_t i = 0; i < count; i++)
            ((double *)to)[i] = (double)from[i];
        break;
    case MLB_F32:
    case MLB_TF32:
        memcpy(to, from, count * sizeof *from);
        break;
    case MLB_BF16:
        for (size_t i = 0; i < count; i++)
            ((uint16_t *)to)[i] = mlb_fill_bf16(from[i]);
        break;
    case MLB_F16:
        for (size_t i = 0; i < count; i++)
            ((uint16_t *)to)[i] = mlb_fill_f16(from[i]);
        break;
    case MLB_S32:
        for (size_t i = 0; i < count; i++)
            ((int32_t *)to)[i] = (int32_t)from[i];
        break;
    case MLB_S8:
        for (size_t i = 0; i < count; i++)
            ((int8_t *)to)[i] = (int8_t)from[i];
        break;
    case MLB_E4M3:
        for (size_t i = 0; i < count; i++)
            ((uint8_t *)to)[i] = mlb_fill_e4m3(from[i]);
        break;
    case MLB_E5M2:
        for (size_t i = 0; i < count; i++)
            ((uint8_t *)to)[i] = mlb_fill_e5m2(from[i]);
        break;
    case MLB_DTYPE_COUNT:
        break;
    }
}

ALWAYS_INLINE void fill_blocks(void *to, uint64_t count, enum mlb_dtype dtype, enum mlb_data data,
                               uint64_t seed, uint64_t first)
{
    float block[BLOCK] = {0};
    int32_t bound;
    enum mlb_fill_rule rule = mlb_fill_rule(data, dtype, &bound);
    size_t bytes = mlb_dtype_bytes(dtype);
    for (uint64_t at = 0; at < count; at += BLOCK) {
        size_t n = count - at < BLOCK ? (size_t)(count - at) : BLOCK;
        generate(block, n, rule, bound, seed, first + at);
        store((char *)to + at * bytes, block, n, dtype);
    }
}

static bool always(void)
{
    return true;
}

static void fill_plain(void *to, uint64_t count, enum mlb_dtype dtype, enum mlb_data data,
                       uint64_t seed, uint64_t first)
{
    fill_blocks(to, count, dtype, data, seed, first);
}

#if defined(__x86_64__)
/* The same source for wider vectors: AVX-512DQ multiplies 64-bit lanes in one instruction. Only
 * integer operations and exact conversions are inside, so that all give the same bits. */
static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static void
fill_avx512(void *to, uint64_t count, enum mlb_dtype dtype, enum mlb_data data, uint64_t seed,
            uint64_t first)
{
    fill_blocks(to, count, dtype, data, seed, first);
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

__attribute__((target("avx2"))) static void fill_avx2(void *to, uint64_t count,
                                                      enum mlb_dtype dtype, enum mlb_data data,
                                                      uint64_t seed, uint64_t first)
{
    fill_blocks(to, count, dtype, data, seed, first);
}
#endif

const struct mlb_fill_way mlb_fill_ways[] = {
#if defined(__x86_64__)
    {"avx512", has_avx512, fill_avx512},
    {"avx2", has_avx2, fill_avx2},
#endif
    {"plain", always, fill_plain},
    {NULL, NULL, NULL},
};

void mlb_fill_host(void *to, uint64_t count, enum mlb_dtype dtype, enum mlb_data data,
                   uint64_t seed, uint64_t first)
{
    const struct mlb_fill_way *way = mlb_fill_ways;
    while (!way->usable())
        way++;
    way->fill(to, count, dtype, data, seed, first);
}
