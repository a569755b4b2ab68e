/* SPDX-License-Identifier: Apache-2.0 */
/* What CUDA C++ has and C++ has not: qualifiers, vector types, the built-in variables and
 * functions. Each emulated thread is a fiber of machine.cpp. */
#ifndef MLB_TESTS_EMULATE_CUDA_HPP
#define MLB_TESTS_EMULATE_CUDA_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/emulate/machine.hpp"

#define __global__
#define __device__
#define __host__
#define __shared__      static /* one block runs at a time */
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__    __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)
#define __grid_constant__

#define threadIdx (emulate::self().index)
#define blockIdx  (emulate::block().index)
#define blockDim  (emulate::block().launch.block)
#define gridDim   (emulate::block().launch.grid)

#define warpSize 32

/* ------------------------------------------------------------------------------- vector types */

#define MLB_VECTOR(name, type, bytes2, bytes4)                                                     \
    struct alignas(bytes2) name##2                                                                 \
    {                                                                                              \
        type x, y;                                                                                 \
    };                                                                                             \
    struct alignas(bytes4) name##4                                                                 \
    {                                                                                              \
        type x, y, z, w;                                                                           \
    };                                                                                             \
    inline name##2 make_##name##2(type x, type y)                                                  \
    {                                                                                              \
        return {x, y};                                                                             \
    }                                                                                              \
    inline name##4 make_##name##4(type x, type y, type z, type w)                                  \
    {                                                                                              \
        return {x, y, z, w};                                                                       \
    }

MLB_VECTOR(float, float, 8, 16)
MLB_VECTOR(int, int, 8, 16)
MLB_VECTOR(uint, unsigned, 8, 16)
MLB_VECTOR(ushort, unsigned short, 4, 8)
MLB_VECTOR(double, double, 16, 16)
#undef MLB_VECTOR

/* --------------------------------------------------------------------------- among the threads */

inline void __syncthreads()
{
    emulate::barrier_sync(0, emulate::block().thread_count(), "__syncthreads");
}

inline int __syncthreads_or(int value)
{
    return emulate::barrier_or(value);
}

inline void __syncwarp(unsigned mask = 0xffffffffu)
{
    emulate::warp_meet(mask, "__syncwarp", nullptr, [](emulate::Meeting &) {});
}

inline void __threadfence()
{
}
inline void __threadfence_block()
{
}

namespace emulate
{

/* One lane's part of a shuffle: what it gives, whose it takes, what it got. */
template <typename T> struct Shuffle {
    T given;
    unsigned from;
    T got;
};

template <typename T> T shuffle(unsigned mask, T value, unsigned from, const char *what)
{
    Shuffle<T> mine = {value, from, value};
    warp_meet(mask, what, &mine, [what](Meeting &meeting) {
        for (unsigned lane = 0; lane < 32; lane++) {
            auto *to = static_cast<Shuffle<T> *>(meeting.parts[lane]);
            if (!to)
                continue;
            auto *source = static_cast<Shuffle<T> *>(meeting.parts[to->from]);
            if (!source)
                fail("%s: lane %u reads lane %u, which is not in the mask", what, lane, to->from);
            to->got = source->given;
        }
    });
    return mine.got;
}

/* The lane that is read: `from` when it is in this lane's section of `width`, else its own. */
inline unsigned in_section(int from, int width, bool clamped)
{
    int lane = static_cast<int>(self().lane()), first = lane / width * width;
    return static_cast<unsigned>(clamped && (from < first || from >= first + width) ? lane : from);
}

inline int here()
{
    return static_cast<int>(self().lane());
}

} // namespace emulate

template <typename T> T __shfl_sync(unsigned mask, T value, int from, int width = 32)
{
    int first = emulate::here() / width * width;
    return emulate::shuffle(mask, value, static_cast<unsigned>(first + (from & (width - 1))),
                            "__shfl_sync");
}

template <typename T> T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32)
{
    unsigned from = emulate::in_section(emulate::here() ^ bits, width, true);
    return emulate::shuffle(mask, value, from, "__shfl_xor_sync");
}

template <typename T> T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32)
{
    unsigned from = emulate::in_section(emulate::here() + static_cast<int>(by), width, true);
    return emulate::shuffle(mask, value, from, "__shfl_down_sync");
}

template <typename T> T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32)
{
    unsigned from = emulate::in_section(emulate::here() - static_cast<int>(by), width, true);
    return emulate::shuffle(mask, value, from, "__shfl_up_sync");
}

inline unsigned __ballot_sync(unsigned mask, int vote)
{
    unsigned all = 0;
    for (unsigned lane = 0; lane < 32; lane++)
        if (mask >> lane & 1)
            all |= static_cast<unsigned>(emulate::shuffle(mask, vote != 0, lane, "__ballot_sync"))
                   << lane;
    return all;
}

inline int __any_sync(unsigned mask, int vote)
{
    return __ballot_sync(mask, vote) != 0;
}

inline int __all_sync(unsigned mask, int vote)
{
    return __ballot_sync(mask, vote) == mask;
}

/* No other thread runs meanwhile. */
template <typename T> T atomicAdd(T *to, T value)
{
    T old = *to;
    *to = old + value;
    return old;
}

template <typename T> T atomicMax(T *to, T value)
{
    T old = *to;
    *to = std::max(old, value);
    return old;
}

template <typename T> T atomicCAS(T *to, T expected, T value)
{
    T old = *to;
    if (old == expected)
        *to = value;
    return old;
}

template <typename T> T atomicExch(T *to, T value)
{
    T old = *to;
    *to = value;
    return old;
}

/* ------------------------------------------------------------------------- memory and numbers */

template <typename T> T __ldg(const T *from)
{
    return *from;
}
template <typename T> T __ldcs(const T *from)
{
    return *from;
}
template <typename T> T __ldcg(const T *from)
{
    return *from;
}
template <typename T> void __stcs(T *to, T value)
{
    *to = value;
}
template <typename T> void __stcg(T *to, T value)
{
    *to = value;
}

inline float __uint_as_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

inline uint32_t __float_as_uint(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float __int_as_float(int bits)
{
    return __uint_as_float(static_cast<uint32_t>(bits));
}

inline float __expf(float x)
{
    return expf(x);
}
inline float __logf(float x)
{
    return logf(x);
}
inline float __log2f(float x)
{
    return log2f(x);
}
inline float __fdividef(float x, float y)
{
    return x / y;
}
inline float __frcp_rn(float x)
{
    return 1.0f / x;
}
inline float __fmaf_rn(float x, float y, float z)
{
    return fmaf(x, y, z);
}
inline float rsqrtf(float x)
{
    return 1.0f / sqrtf(x);
}
inline float __saturatef(float x)
{
    return std::min(std::max(x, 0.0f), 1.0f);
}

using std::max;
using std::min;

#endif
