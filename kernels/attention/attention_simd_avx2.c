/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 and FMA with f32 words. */
#include <immintrin.h>

#include "kernels/attention/attention_simd.h"

#define SIMD         __attribute__((target("avx2,fma")))
#define SIMD_INLINE  SIMD static inline __attribute__((always_inline))
#define SIMD_LANES   8
#define SIMD_VECTORS 2
#define SIMD_PACK    1

typedef __m256 vec;

SIMD_INLINE vec v_load(const float *from)
{
    return _mm256_loadu_ps(from);
}

SIMD_INLINE void v_store(float *to, vec x)
{
    _mm256_storeu_ps(to, x);
}

SIMD_INLINE vec v_set(float x)
{
    return _mm256_set1_ps(x);
}

SIMD_INLINE vec v_add(vec x, vec y)
{
    return _mm256_add_ps(x, y);
}

SIMD_INLINE vec v_sub(vec x, vec y)
{
    return _mm256_sub_ps(x, y);
}

SIMD_INLINE vec v_mul(vec x, vec y)
{
    return _mm256_mul_ps(x, y);
}

SIMD_INLINE vec v_max(vec x, vec y)
{
    return _mm256_max_ps(x, y);
}

/* x y + z */
SIMD_INLINE vec v_fma(vec x, vec y, vec z)
{
    return _mm256_fmadd_ps(x, y, z);
}

SIMD_INLINE vec v_mac(vec sum, vec x, vec y)
{
    return _mm256_fmadd_ps(x, y, sum);
}

/* *whole = the whole number next to x, -127 where x is less. */
SIMD_INLINE vec v_split(vec x, vec *whole)
{
    x = _mm256_max_ps(_mm256_set1_ps(-127.0f), x); /* NaN stays */
    *whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    return _mm256_sub_ps(x, *whole);
}

/* x 2^whole for whole in [-126, 127]; 0 for -127. */
SIMD_INLINE vec v_scale2(vec x, vec whole)
{
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127));
    return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}

/* Lane by lane: index < limit ? x : y */
SIMD_INLINE vec v_where_below(vec index, vec limit, vec x, vec y)
{
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(index, limit, _CMP_LT_OQ));
}

#define SIMD_NAME mlb_attention_simd_avx2
#define SIMD_TEXT "avx2"
#define SIMD_ONLY MLB_DTYPE_COUNT

static bool usable(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#include "kernels/attention/attention_simd.inc"
