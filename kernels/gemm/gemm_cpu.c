/* SPDX-License-Identifier: Apache-2.0 */
/* The plain product: unpacked to doubles, summed in doubles, rounded once. Truth for tests, and a
 * variant for tiny sizes that needs no library. */
#include "kernels/gemm/gemm.h"

#include <stdlib.h>

#include "kernels/gemm/gemm_blocks.h"

#define MULTIPLICATIONS_MAX (UINT64_C(1) << 30) /* a step stays near a second on one core */

struct plain {
    struct mlb_gemm_params params;
    double *a; /* [m][k] of one product */
    double *b; /* [n][k] */
};

static uint64_t multiplications(const struct mlb_gemm_params *params)
{
    double exact = (double)params->m * (double)params->n * (double)params->k *
                   (double)(params->batch ? params->batch : 1);
    return exact < 1e18 ? (uint64_t)exact : UINT64_C(1000000000000000000);
}

/* Room for the largest product: an uneven one has up to twice the mean's tokens. */
static uint64_t unpacked_bytes(const struct mlb_gemm_params *params, uint64_t lines)
{
    return lines * params->k * (params->spread ? 2 : 1) * sizeof(double);
}

enum mlb_status mlb_gemm_plain_check(const void *values, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    const struct mlb_gemm_params *params = values;
    if (params->dtype == MLB_TF32)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "tf32 is a format of GPUs; no CPU multiplies it");
    if (multiplications(params) > MULTIPLICATIONS_MAX)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "plain is the reference, for m n k up to 2^30 (a cube of 1024)");
    return mlb_gemm_fits(params, ctx, 1, unpacked_bytes(params, params->m + params->n), err);
}

enum mlb_status mlb_gemm_plain_setup(void *memory, const void *values, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    const struct mlb_gemm_params *params = values;
    struct plain *plain = calloc(1, sizeof *plain);
    state->library = plain;
    if (!plain)
        return mlb_fail(err, MLB_E_NOMEM, "gemm plain: out of memory");
    plain->params = *params;
    plain->a = malloc(unpacked_bytes(params, params->m));
    plain->b = malloc(unpacked_bytes(params, params->n));
    if (!plain->a || !plain->b)
        return mlb_fail(err, MLB_E_NOMEM, "gemm plain: operands as doubles: out of memory");
    if (mlb_gemm_alloc(state, params, ctx, 1, err) != MLB_OK)
        return err->status;
    return mlb_gemm_fill(state, params, ctx, ctx->data, err);
}

/* One operand, to be unpacked line by line: element p of a line stands at
 * line * line_stride + p * stride behind `before` others. */
struct operand {
    int dtype; /* enum mlb_dtype or enum mlb_gemm_blocks */
    const unsigned char *data, *scales;
    uint64_t before, line_stride, stride;
};

static void unpack(double *to, const struct operand *from, uint64_t lines, uint64_t k, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (uint64_t line = 0; line < lines; line++)
        for (uint64_t p = 0; p < k; p++)
            to[line * k + p] =
                from->dtype < MLB_DTYPE_COUNT
                    ? mlb_dtype_load((enum mlb_dtype)from->dtype, from->data,
                                     from->before + line * from->line_stride + p * from->stride)
                    : mlb_gemm_block_load(from->dtype, from->data, from->scales, k, line, p);
}

static double dot(const double *x, const double *y, uint64_t k)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (uint64_t p = 0; p < k; p++)
        sum += x[p] * y[p];
    return sum;
}

static void multiply(const struct plain *plain, const struct mlb_gemm_state *state,
                     const struct mlb_gemm_group *group, int threads)
{
    const struct mlb_gemm_params *params = &plain->params;
    struct mlb_gemm_strides at = mlb_gemm_strides(params);
    bool blocks = mlb_gemm_in_blocks(params), add = params->out == MLB_GEMM_C_F32_ADD;
    const struct operand from_a = {blocks ? params->dtype : (int)mlb_gemm_in(params),
                                   state->a,
                                   state->a + state->a_scales,
                                   group->a,
                                   at.a_row,
                                   at.a_col};
    const struct operand from_b = {blocks ? params->dtype : (int)mlb_gemm_in_b(params),
                                   state->b,
                                   state->b + state->b_scales,
                                   group->b,
                                   at.b_col,
                                   at.b_row};
    enum mlb_dtype out = mlb_gemm_out(params);
    uint64_t m = group->m, n = group->n, k = group->k;
    unpack(plain->a, &from_a, m, k, threads);
    unpack(plain->b, &from_b, n, k, threads);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (uint64_t i = 0; i < m; i++)
        for (uint64_t j = 0; j < n; j++) {
            uint64_t c = group->c + i * n + j;
            double was = add ? mlb_dtype_load(out, state->c, c) : 0.0;
            mlb_dtype_store(out, state->c, c, was + dot(plain->a + i * k, plain->b + j * k, k));
        }
}

enum mlb_status mlb_gemm_plain_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    const struct plain *plain = state->library;
    uint64_t batch = plain->params.batch ? plain->params.batch : 1;
    (void)err;
    for (uint64_t i = 0; i < batch; i++) {
        struct mlb_gemm_group group = mlb_gemm_group(&plain->params, i);
        multiply(plain, state, &group, ctx->threads);
    }
    return MLB_OK;
}

void mlb_gemm_plain_teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_gemm_state *state = memory;
    struct plain *plain = state->library;
    mlb_gemm_free(state, ctx);
    if (plain) {
        free(plain->a);
        free(plain->b);
    }
    free(plain);
    state->library = NULL;
}
