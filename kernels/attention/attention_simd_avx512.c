/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 with f32 words. */
#include "kernels/attention/attention_simd.h"

#define SIMD __attribute__((target("avx512f")))
#include "kernels/attention/attention_avx512.inc"

#define SIMD_PACK 1

SIMD_INLINE vec v_mac(vec sum, vec x, vec y)
{
    return _mm512_fmadd_ps(x, y, sum);
}

#define SIMD_NAME mlb_attention_simd_avx512
#define SIMD_TEXT "avx512"
#define SIMD_ONLY MLB_DTYPE_COUNT

static bool usable(void)
{
    return __builtin_cpu_supports("avx512f");
}

#include "kernels/attention/attention_simd.inc"
