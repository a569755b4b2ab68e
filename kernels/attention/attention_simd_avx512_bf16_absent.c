/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of attention_simd_avx512_bf16.c where the compiler doesn't know these instructions
 * (GCC before 11): bf16 is made f32 then. */
#include "kernels/attention/attention_simd.h"

static bool usable(void)
{
    return false;
}

const struct mlb_attention_way mlb_attention_simd_avx512_bf16 = {
    .name = "avx512_bf16", .only = MLB_BF16, .usable = usable};
