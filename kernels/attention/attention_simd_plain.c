/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of four f32 as the compiler makes them: what every x86-64 and arm64 machine has. */
#include <string.h>

#include "kernels/attention/attention_simd.h"

#define SIMD
#define SIMD_INLINE  static inline __attribute__((always_inline))
#define SIMD_LANES   4
#define SIMD_VECTORS 2
#define SIMD_PACK    1

typedef float vec __attribute__((vector_size(16)));
typedef int32_t ints __attribute__((vector_size(16)));

SIMD_INLINE vec v_load(const float *from)
{
    vec x;
    memcpy(&x, from, sizeof x);
    return x;
}

SIMD_INLINE void v_store(float *to, vec x)
{
    memcpy(to, &x, sizeof x);
}

SIMD_INLINE vec v_set(float x)
{
    return (vec){x, x, x, x};
}

SIMD_INLINE vec v_add(vec x, vec y)
{
    return x + y;
}

SIMD_INLINE vec v_sub(vec x, vec y)
{
    return x - y;
}

SIMD_INLINE vec v_mul(vec x, vec y)
{
    return x * y;
}

/* Where `which` is all ones x, where it is 0 y. */
SIMD_INLINE vec v_where(ints which, vec x, vec y)
{
    return (vec)((which & (ints)x) | (~which & (ints)y));
}

SIMD_INLINE vec v_max(vec x, vec y)
{
    return v_where((ints)(x > y), x, y);
}

/* x y + z */
SIMD_INLINE vec v_fma(vec x, vec y, vec z)
{
    return x * y + z;
}

SIMD_INLINE vec v_mac(vec sum, vec x, vec y)
{
    return x * y + sum;
}

/* *whole = the whole number next to x, -127 where x is less. Adding 1.5 x 2^23 leaves no bit below
 * the point. */
SIMD_INLINE vec v_split(vec x, vec *whole)
{
    const vec big = v_set(12582912.0f);
    x = v_max(v_set(-127.0f), x); /* NaN stays */
    *whole = (x + big) - big;
    return x - *whole;
}

/* x 2^whole for whole in [-126, 127]; 0 for -127. */
SIMD_INLINE vec v_scale2(vec x, vec whole)
{
    ints exponent = __builtin_convertvector(whole, ints) + 127;
    return x * (vec)(exponent << 23);
}

/* Lane by lane: index < limit ? x : y */
SIMD_INLINE vec v_where_below(vec index, vec limit, vec x, vec y)
{
    return v_where((ints)(index < limit), x, y);
}

#define SIMD_NAME mlb_attention_simd_plain
#define SIMD_TEXT "plain"
#define SIMD_ONLY MLB_DTYPE_COUNT

static bool usable(void)
{
    return true;
}

#include "kernels/attention/attention_simd.inc"
