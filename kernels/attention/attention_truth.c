/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention_truth.h"

#include <math.h>
#include <string.h>

/* Deviations that an error may have: of millions of elements none goes beyond by chance. */
#define DEVIATIONS 8.0

static double dot_double(const double *x, const double *y, uint64_t width)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (uint64_t c = 0; c < width; c++)
        sum += x[c] * y[c];
    return sum;
}

static double dot_float(const double *x, const float *y, uint64_t width)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (uint64_t c = 0; c < width; c++)
        sum += x[c] * (double)y[c];
    return sum;
}

/* `weight` x `vector`, of which only what `p` leaves in it counts as P's. */
static void add_double(struct mlb_attention_sums *sums, double weight, double p,
                       const double *vector, uint64_t width)
{
    sums->weight_squares += weight * weight;
    sums->terms += 1.0;
#pragma omp simd
    for (uint64_t c = 0; c < width; c++) {
        double x = vector[c], product = weight * x;
        sums->value[c] += product;
        sums->squares[c] += product * product;
        sums->vector_squares[c] += x * x;
        sums->p_value[c] += p * x;
        sums->p_squares[c] += p * x * p * x;
    }
}

static void add_float(struct mlb_attention_sums *sums, double weight, double p, const float *vector,
                      uint64_t width)
{
    double wide[MLB_ATTENTION_WIDTH_MAX];
    for (uint64_t c = 0; c < width; c++)
        wide[c] = (double)vector[c];
    add_double(sums, weight, p, wide, width);
}

/* The weights so far turn out smaller by `factor`. */
static void shrink(struct mlb_attention_sums *sums, double factor, uint64_t width)
{
    double square = factor * factor;
    sums->weight_squares *= square;
    for (uint64_t c = 0; c < width; c++) {
        sums->value[c] *= factor;
        sums->squares[c] *= square;
    }
}

/* How a type's arithmetic rounds. */
struct rounding {
    double u;        /* unit roundoff of the tensors' type */
    double smallest; /* half of its smallest step, where numbers are subnormal; 0: none are met */
    double u_acc;    /* of the accumulators of matrix products */
    double terms;    /* products of a sum between two cut-offs; 0: rounds to nearest */
};

/* Tensor cores cut off instead of rounding. For e4m3 Hopper's keep about 14 bits while they add up
 * 32 products ("DeepSeek-V3", arXiv:2412.19437, section 3.3.2). */
static struct rounding rounding_of(enum mlb_dtype dtype)
{
    double u = mlb_dtype_roundoff(dtype), f32 = mlb_dtype_roundoff(MLB_F32);
    switch (dtype) {
    case MLB_E4M3:
        return (struct rounding){u, 0x1p-10, 0x1p-14, 32.0};
    case MLB_F16:
        return (struct rounding){u, 0x1p-25, f32, 8.0};
    case MLB_BF16:
        return (struct rounding){u, 0.0, f32, 8.0};
    default:
        return (struct rounding){u, 0.0, f32, 0.0};
    }
}

/* Bound of the relative error of a weight P = exp(s - LSE), with u_acc the unit roundoff of the
 * matrix product and u that of f32:
 *
 *   10 u_acc (|s| + 1)  the score, a sum of head_dim products (8 deviations, each below u |q| |k|
 *                       scale), its multiplication by log2 e, and the exponential
 *   3 u sqrt(terms)     the sum of the exponentials in f32: errors of a growing sum, 8 deviations
 *                       of u sqrt(terms / 9) */
static double weight_error(const struct rounding *type, const struct mlb_attention_sums *sums)
{
    return 10.0 * type->u_acc * (sums->spread + 1.0) +
           3.0 * mlb_dtype_roundoff(MLB_F32) * sqrt(sums->terms);
}

/* What becomes of sums: value x factor x stored is kept; the weights x factor x held are rounded to
 * the type before they meet the tensor core. */
struct finishing {
    double factor, stored, held;
    bool summed_over_heads;
    uint64_t width;
};

/* Bound of the error of right arithmetic in factor x sum_t w_t x_t, with u the unit roundoff of the
 * tensors' type, u_acc of the accumulators, S the true sum, |wx| the root of the sum of squared
 * products, |w| and |x| those of weights and vectors:
 *
 *   u |S|                     rounding of the result; half a step where it is subnormal
 *   8 / sqrt(3) u |wx|        the weights (P or dS) are rounded: independent errors, uniform in
 *                             [-u, u]. Twice where the results of several query heads are rounded
 *                             before they are added up.
 *   8 / sqrt(3) step |x|      the same for weights that are subnormal
 *   e (|wx| + |S|)            e from weight_error: partly the same for all weights of a row
 *   8 (u_acc + u_f64) |w||x|  the running sum, as in gemm; u_f64 is the reference's own part
 *   u_acc terms / n |S|       tensor cores cut off, once every n products
 *   8 u_acc |dO| (|V| + |O|) (|px| + |Px|)
 *                             dS only: dP and delta are sums too, multiplied by P
 *
 * For scale: random values leave |S| near |wx|, and a block of b keys that is left out of n changes
 * it by sqrt(b / n) |wx|. e4m3 is so coarse that its bound is 0.4 |wx|. */
static void finish(const struct mlb_attention_params *params, const struct mlb_attention_sums *sums,
                   const struct finishing *as, struct mlb_attention_line *line)
{
    const struct rounding type = rounding_of((enum mlb_dtype)params->dtype);
    double e = weight_error(&type, sums), f64 = mlb_dtype_roundoff(MLB_F64);
    double drift = type.terms > 0.0 ? type.u_acc * sums->terms / type.terms : 0.0;
    double roundings = DEVIATIONS / sqrt(3.0) * (as->summed_over_heads ? 2.0 : 1.0);
    double result = as->factor * as->stored, step = type.smallest / as->held * as->stored;
    for (uint64_t c = 0; c < as->width; c++) {
        double size = fabs(sums->value[c]), products = sqrt(sums->squares[c]);
        double vectors = sqrt(sums->vector_squares[c]);
        double error = (type.u + e + drift) * size + (roundings * type.u + e) * products +
                       DEVIATIONS * (type.u_acc + f64) * sqrt(sums->weight_squares) * vectors +
                       DEVIATIONS * type.u_acc * sums->dp_spread *
                           (sqrt(sums->p_squares[c]) + fabs(sums->p_value[c]));
        line->truth[c] = result * sums->value[c];
        line->tolerance[c] = result * error + roundings * step * vectors +
                             type.smallest * (as->summed_over_heads ? 1.0 + roundings : 1.0);
        if (params->dtype == MLB_E4M3)
            line->truth[c] =
                fmax(-MLB_ATTENTION_E4M3_MAX, fmin(MLB_ATTENTION_E4M3_MAX, line->truth[c]));
    }
}

static double held_p(const struct mlb_attention_params *params)
{
    return params->dtype == MLB_E4M3 ? MLB_ATTENTION_E4M3_P : 1.0;
}

static double held_ds(const struct mlb_attention_params *params)
{
    return params->dtype == MLB_E4M3 ? MLB_ATTENTION_E4M3_DS : 1.0;
}

void mlb_attention_truth_o(const struct mlb_attention_params *params,
                           const struct mlb_attention_keys *keys,
                           const struct mlb_attention_query *query, struct mlb_attention_line *o,
                           struct mlb_attention_line *lse)
{
    uint64_t visible = mlb_attention_visible(params, query->row), width = params->head_dim;
    double scale = mlb_attention_scale(params), largest = -INFINITY, total = 0.0;
    struct mlb_attention_sums sums = {0};
    sums.spread = scale * sqrt(dot_double(query->q, query->q, width)) * keys->k_max;
    for (uint64_t j = 0; j < visible; j++) {
        double s = scale * dot_float(query->q, keys->k + j * width, width);
        if (s > largest) {
            shrink(&sums, exp(largest - s), params->head_dim_v);
            total *= exp(largest - s);
            largest = s;
        }
        double e = exp(s - largest);
        total += e;
        add_float(&sums, e, 0.0, keys->v + j * params->head_dim_v, params->head_dim_v);
    }
    shrink(&sums, 1.0 / total, params->head_dim_v);
    finish(params, &sums,
           &(struct finishing){1.0, mlb_attention_stored_scale(params, MLB_ATTENTION_O),
                               held_p(params), false, params->head_dim_v},
           o);
    const struct rounding type = rounding_of((enum mlb_dtype)params->dtype);
    lse->truth[0] = largest + log(total);
    lse->tolerance[0] =
        weight_error(&type, &sums) +
        2.0 * mlb_dtype_roundoff(MLB_F32) * (fabs(lse->truth[0]) + fabs(largest) + 4.0);
}

void mlb_attention_truth_dq(const struct mlb_attention_params *params,
                            const struct mlb_attention_keys *keys,
                            const struct mlb_attention_query *query, struct mlb_attention_line *dq)
{
    uint64_t visible = mlb_attention_visible(params, query->row);
    uint64_t width = params->head_dim, width_v = params->head_dim_v;
    double scale = mlb_attention_scale(params);
    struct mlb_attention_sums sums = {0};
    sums.spread = scale * sqrt(dot_double(query->q, query->q, width)) * keys->k_max;
    sums.dp_spread =
        sqrt(dot_double(query->d_o, query->d_o, width_v)) * (keys->v_max + query->o_norm);
    for (uint64_t j = 0; j < visible; j++) {
        const float *k = keys->k + j * width;
        double p = exp(scale * dot_float(query->q, k, width) - query->lse);
        double dp = dot_float(query->d_o, keys->v + j * width_v, width_v);
        add_float(&sums, p * (dp - query->delta), p, k, width);
    }
    finish(params, &sums,
           &(struct finishing){scale, mlb_attention_stored_scale(params, MLB_ATTENTION_DQ),
                               held_ds(params), false, width},
           dq);
}

void mlb_attention_column_add(const struct mlb_attention_params *params,
                              struct mlb_attention_column *column,
                              const struct mlb_attention_query *query)
{
    uint64_t width = params->head_dim, width_v = params->head_dim_v;
    double scale = mlb_attention_scale(params);
    double p = exp(scale * dot_double(query->q, column->k, width) - query->lse);
    double dp = dot_double(query->d_o, column->v, width_v);
    double spread = scale * sqrt(dot_double(query->q, query->q, width) *
                                 dot_double(column->k, column->k, width));
    double dp_spread = sqrt(dot_double(query->d_o, query->d_o, width_v)) *
                       (sqrt(dot_double(column->v, column->v, width_v)) + query->o_norm);
    column->dk.spread = fmax(column->dk.spread, spread);
    column->dk.dp_spread = fmax(column->dk.dp_spread, dp_spread);
    column->dv.spread = column->dk.spread;
    add_double(&column->dk, p * (dp - query->delta), p, query->q, width);
    add_double(&column->dv, p, 0.0, query->d_o, width_v);
}

void mlb_attention_truth_dkv(const struct mlb_attention_params *params,
                             const struct mlb_attention_column *column,
                             struct mlb_attention_line *dk, struct mlb_attention_line *dv)
{
    bool grouped = params->heads != params->kv_heads;
    finish(params, &column->dk,
           &(struct finishing){mlb_attention_scale(params),
                               mlb_attention_stored_scale(params, MLB_ATTENTION_DK),
                               held_ds(params), grouped, params->head_dim},
           dk);
    finish(params, &column->dv,
           &(struct finishing){1.0, mlb_attention_stored_scale(params, MLB_ATTENTION_DV),
                               held_p(params), grouped, params->head_dim_v},
           dv);
}
