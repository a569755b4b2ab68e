/* SPDX-License-Identifier: Apache-2.0 */
/* The plain product: unpacked to doubles, summed in doubles, rounded once. Truth for tests, and a
 * variant for tiny sizes that needs no library. */
#include "kernels/gemm/gemm.h"

#include <stdlib.h>

#define MULTIPLICATIONS_MAX (UINT64_C(1) << 30) /* a step stays near a second on one core */

struct plain {
    struct mlb_gemm_params params;
    double *a; /* [m][k] */
    double *b; /* [n][k] */
};

static uint64_t multiplications(const struct mlb_gemm_params *params)
{
    double exact = (double)params->m * (double)params->n * (double)params->k;
    return exact < 1e18 ? (uint64_t)exact : UINT64_C(1000000000000000000);
}

static uint64_t unpacked_bytes(const struct mlb_gemm_params *params)
{
    return (params->m + params->n) * params->k * sizeof(double);
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
    return mlb_gemm_fits(params, ctx, 1, unpacked_bytes(params), err);
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
    plain->a = malloc(params->m * params->k * sizeof(double));
    plain->b = malloc(params->n * params->k * sizeof(double));
    if (!plain->a || !plain->b)
        return mlb_fail(err, MLB_E_NOMEM, "gemm plain: operands as doubles: out of memory");
    if (mlb_gemm_alloc(state, params, ctx, 1, err) != MLB_OK)
        return err->status;
    return mlb_gemm_fill(state, params, ctx, ctx->data, err);
}

/* to[line][p] = from[line * line_stride + p * stride] */
static void unpack(double *to, const void *from, enum mlb_dtype dtype, uint64_t lines, uint64_t k,
                   uint64_t line_stride, uint64_t stride, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (uint64_t line = 0; line < lines; line++)
        for (uint64_t p = 0; p < k; p++)
            to[line * k + p] = mlb_dtype_load(dtype, from, line * line_stride + p * stride);
}

static double dot(const double *x, const double *y, uint64_t k)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (uint64_t p = 0; p < k; p++)
        sum += x[p] * y[p];
    return sum;
}

enum mlb_status mlb_gemm_plain_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    const struct plain *plain = state->library;
    const struct mlb_gemm_params *params = &plain->params;
    struct mlb_gemm_strides at = mlb_gemm_strides(params);
    enum mlb_dtype in = mlb_gemm_in(params), out = mlb_gemm_out(params);
    const double *a = plain->a, *b = plain->b;
    unsigned char *c = state->c;
    uint64_t m = params->m, n = params->n, k = params->k;
    (void)err;
    unpack(plain->a, state->a, in, m, k, at.a_row, at.a_col, ctx->threads);
    unpack(plain->b, state->b, in, n, k, at.b_col, at.b_row, ctx->threads);
#pragma omp parallel for num_threads(ctx->threads) schedule(static)
    for (uint64_t i = 0; i < m; i++)
        for (uint64_t j = 0; j < n; j++)
            mlb_dtype_store(out, c, i * n + j, dot(a + i * k, b + j * k, k));
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
