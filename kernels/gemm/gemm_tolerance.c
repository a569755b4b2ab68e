/* SPDX-License-Identifier: Apache-2.0 */
/* How far right arithmetic may be from the truth, by the type of the operands.
 *
 * With u the unit roundoff, s = |A_i| |B_j|, and s / sqrt(k) = the root of the sum of squared
 * products for data without structure, which is about what |c| is:
 *
 *   u_out |c|               rounding of the result to the output type
 *   2^-25                   the same for a result that is subnormal in f16
 *   8 (u_acc + u_f64) s     rounding of k sums. Partial sums of independent products grow as
 *                           sqrt(j), so one after the other they leave an error of deviation
 *                           u s / sqrt(6): this is 20 deviations. u_f64 is the reference's own part
 *   u_f32 k / 8 |c|         tensor cores cut off instead of rounding, once every 8 products or
 *                           more: a drift of up to 2 u of the partial sum, which is c / 2 on
 *                           average
 *
 * and for tf32, whose operands are both cut to 11 bits, with relative errors within [-2u, 0] of
 * mean -u and deviation 2 u / sqrt(12): the mean of both, and 8 deviations of the sum,
 *
 *   2 u_tf32 |c| + 8 sqrt(2/3) u_tf32 s / sqrt(k)
 *
 * Products of e4m3 and e5m2 are exact in f32, but the tensor cores of Ada and Hopper keep their
 * sums with 13 bits behind the leading one: 14 bits ("DeepSeek-V3 Technical Report",
 * arXiv:2412.19437, 3.3.2; "MMA-Sim", arXiv:2511.10909). An instruction adds 32 products and the
 * sum so far, all cut off at v = 2^-13 of the largest. Of 33 terms cut off, each in [0, v), the
 * error deviates by sqrt(33 / 3) v; the sum so far is of size s sqrt(j) / k after j products; over
 * k / 32 instructions
 *
 *   sqrt(11) 2^-13 (s / k) sqrt(sum of 32 i, i < k / 32) = 0.41 2^-13 s
 *
 * and the cut of the sum so far always goes towards zero: k / 32 times half of 2^-13 of c / 2.
 *
 *   4 2^-13 s               9 deviations
 *   2^-14 k / 32 |c|        twice the drift
 *
 * Without fast accumulation the sums are carried over to f32 now and then: every 128 products in
 * CUTLASS and in DeepSeek's kernels; when cuBLAS does is not told, and 512 leaves room. The error
 * within each interval then is that of k = 512, and those of k / 512 intervals add up as roots.
 * What is kept with more bits (Blackwell) is well inside. For scale: at k = 8192 leaving out q
 * products changes c by sqrt(q) s / k, so that 16 products weigh as much as the tolerance of fast
 * sums, and one as much as that of precise ones.
 *
 * Blocks (mxfp8, nvfp4) are multiplied exactly, scales included, and their sums are held to what
 * those of bf16 are.
 *
 * Integers are exact. For scale: a sum kept in bf16 errs by 2^-8 s / sqrt(6), and leaving out q
 * products by sqrt(q) s / k. */
#include <math.h>

#include "kernels/gemm/gemm.h"

#define PER_INSTRUCTION 32.0  /* products of 8-bit floats */
#define CARRIED_OVER    512.0 /* at the latest, products */
#define CUT             0x1p-13

static double of_fast_sums(const struct mlb_gemm_params *params, double terms, double size,
                           double spread)
{
    double interval = terms;
    if (params->accumulate == MLB_GEMM_SUMS_PRECISE && terms > CARRIED_OVER)
        interval = CARRIED_OVER;
    return 4.0 * CUT * spread * sqrt(interval / terms) +
           CUT / 2.0 * ceil(interval / PER_INSTRUCTION) * size;
}

/* Operands that lose bits on their way into the multiplier. */
static double of_tf32(double terms, double size, double spread)
{
    double u = mlb_dtype_roundoff(MLB_TF32);
    return 2.0 * u * size + 8.0 * sqrt(2.0 / 3.0) * u * spread / sqrt(terms);
}

double mlb_gemm_tolerance(const struct mlb_gemm_params *params, uint64_t k, double truth,
                          double norm_a, double norm_b)
{
    enum mlb_dtype in = mlb_gemm_in(params), out = mlb_gemm_out(params);
    if (in == MLB_S8 || in == MLB_S32)
        return 0.0;
    double spread = norm_a * norm_b, size = fabs(truth), terms = (double)k;
    double u_acc = mlb_dtype_roundoff(in == MLB_F64 ? MLB_F64 : MLB_F32);
    double tolerance =
        mlb_dtype_roundoff(out) * size + 8.0 * (u_acc + mlb_dtype_roundoff(MLB_F64)) * spread;
    bool plain = params->dtype == MLB_F64 || params->dtype == MLB_F32;
    if (!plain)
        tolerance += u_acc * terms / 8.0 * size;
    if (out == MLB_F16)
        tolerance += 0x1p-25;
    if (params->dtype == MLB_TF32)
        tolerance += of_tf32(terms, size, spread);
    if (params->dtype == MLB_E4M3 || params->dtype == MLB_E5M2)
        tolerance += of_fast_sums(params, terms, size, spread);
    return tolerance;
}
