/* SPDX-License-Identifier: Apache-2.0 */
/* Counter-based random numbers: value = f(seed, index), the same bits on CPU and GPU, so any
 * element of any array can be made again where it is checked. Compiles as C and as CUDA C++.
 *
 * Only integer arithmetic and exact conversions are used: nothing depends on a compiler's fused
 * multiply-add or on a math library. */
#ifndef MLB_BASE_RNG_H
#define MLB_BASE_RNG_H

#include <stdint.h>

#if defined(__CUDACC__)
#define MLB_HOST_DEVICE __host__ __device__
#else
#define MLB_HOST_DEVICE
#endif

/* Output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) at position `index` of the stream
 * that `seed` names. */
static inline MLB_HOST_DEVICE uint64_t mlb_rng_bits(uint64_t seed, uint64_t index)
{
    uint64_t z = seed * 0xd1342543de82ef95u + (index + 1u) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Sum of the four 16-bit lanes. */
static inline MLB_HOST_DEVICE uint32_t mlb_rng_lanes(uint64_t bits)
{
    return (uint32_t)(bits & 0xffffu) + (uint32_t)((bits >> 16) & 0xffffu) +
           (uint32_t)((bits >> 32) & 0xffffu) + (uint32_t)(bits >> 48);
}

/* Normal(0, 1) to within 0.3 % of the distribution function: the sum of twelve uniforms has
 * variance 1 (central limit; range +-6). The integer sum has 20 bits, so the float is exact. */
static inline MLB_HOST_DEVICE float mlb_rng_normal(uint64_t seed, uint64_t index)
{
    uint32_t sum = mlb_rng_lanes(mlb_rng_bits(seed, 3u * index)) +
                   mlb_rng_lanes(mlb_rng_bits(seed, 3u * index + 1u)) +
                   mlb_rng_lanes(mlb_rng_bits(seed, 3u * index + 2u));
    return (float)((int32_t)sum - 6 * 65535) * (1.0f / 65536.0f);
}

/* Uniform in [-1, 1), 24 bits, exact. */
static inline MLB_HOST_DEVICE float mlb_rng_uniform(uint64_t seed, uint64_t index)
{
    return (float)((int32_t)(mlb_rng_bits(seed, index) >> 39) - (1 << 24)) * (1.0f / 16777216.0f);
}

/* Uniform integer in [-bound, bound], bound <= 2^30. */
static inline MLB_HOST_DEVICE int32_t mlb_rng_int(uint64_t seed, uint64_t index, int32_t bound)
{
    uint64_t range = 2u * (uint64_t)bound + 1u;
    return (int32_t)(((mlb_rng_bits(seed, index) >> 32) * range) >> 32) - bound;
}

#endif
