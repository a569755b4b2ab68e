/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 with pairs of bf16 as words: VDPBF16PS adds the products of a pair to an f32. */
#include "kernels/attention/attention_simd.h"

#define SIMD __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#include "kernels/attention/attention_avx512.inc"

#define SIMD_PACK 2

SIMD_INLINE vec v_mac(vec sum, vec x, vec y)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_castps_si512(x),
                            (__m512bh)_mm512_castps_si512(y));
}

/* 16 f32 as 8 words: neighbouring lanes are a pair. */
SIMD_INLINE void v_store_row(float *to, vec x)
{
    _mm256_storeu_si256((__m256i *)(void *)to, (__m256i)_mm512_cvtneps_pbh(x));
}

/* 16 words: a lane of x and the same lane of y are a pair. */
SIMD_INLINE void v_store_pairs(float *to, vec x, vec y)
{
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh(y, x);
    _mm512_storeu_si512((void *)to, _mm512_permutexvar_epi16(order, both));
}

#define SIMD_NAME mlb_attention_simd_avx512_bf16
#define SIMD_TEXT "avx512_bf16"
#define SIMD_ONLY MLB_BF16

static bool usable(void)
{
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

#include "kernels/attention/attention_simd.inc"
