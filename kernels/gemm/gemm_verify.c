/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of a product too large to be computed again: a stratified sample of C, each element
 * compared with a dot product in doubles over inputs made again from their seeds.
 *
 * Sampled are the crossings of one row in each band of 32 rows and one column in each band of 32
 * columns, so every aligned 32x32 tile has exactly one sampled element. Bands double while the cost
 * is above a fixed number of multiplications (not of seconds: what is checked must not depend on
 * how busy the machine is). A small product is checked whole. */
#include "kernels/gemm/gemm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"

#define DEPTH           256u /* of k at a time: panels stay in the cache */
#define BUDGET_WHOLE    1e7  /* multiply-adds a thread, about 10 ms: up to here every element */
#define BUDGET          3e8  /* multiply-adds a thread, about 0.3 s */
#define COST_OF_VALUE   20.0 /* making one input again, in multiply-adds */
#define COST_OF_ELEMENT 64.0

struct plan {
    uint64_t band;
    const char *method;
};

static const struct plan plans[] = {
    {1, "double dot products at every element"},
    {32, "double dot products at one element per 32x32 tile"},
    {64, "double dot products at one element per 64x64 tile"},
    {128, "double dot products at one element per 128x128 tile"},
    {256, "double dot products at one element per 256x256 tile"},
    {512, "double dot products at one element per 512x512 tile"},
    {1024, "double dot products at one element per 1024x1024 tile"},
    {2048, "double dot products at one element per 2048x2048 tile"},
};

/* Bound of the error of right arithmetic, with u the unit roundoff, s = |A_i| |B_j| and
 * s / sqrt(k) = the root of the sum of squared products for data without structure:
 *
 *   u_out |c|             rounding of the result to the output type
 *   2^-25                 the same for a result that is subnormal in f16
 *   8 (u_acc + u_f64) s   rounding of k sums. Partial sums of independent products grow as sqrt(j),
 * so one after the other they leave an error of deviation u s / sqrt(6): this is 20 deviations.
 * u_f64 is the reference's own part. u_f32 k / 8 |c|       tensor cores cut off instead of
 * rounding, once every 8 products or more: a drift of up to 2 u of the partial sum, which is c / 2
 * on average 2 u_tf32 |c| + 8 sqrt(2/3) u_tf32 s / sqrt(k) both operands cut to 11 bits: relative
 * errors within [-2u, 0], mean -u, and deviation 2 u / sqrt(12) each; mean of both, and 8
 * deviations of the sum
 *
 * Integers are exact. For scale: |c| is about s / sqrt(k), a sum kept in bf16 errs by 2^-8 s /
 * sqrt(6), and leaving out q products by sqrt(q) s / k. */
double mlb_gemm_tolerance(enum mlb_dtype dtype, uint64_t k, double truth, double norm_a,
                          double norm_b)
{
    if (dtype == MLB_S8 || dtype == MLB_S32)
        return 0.0;
    double spread = norm_a * norm_b, size = fabs(truth), terms = (double)k;
    double u_out = mlb_dtype_roundoff(dtype == MLB_TF32 ? MLB_F32 : dtype);
    double u_acc = mlb_dtype_roundoff(dtype == MLB_F64 ? MLB_F64 : MLB_F32);
    double tolerance = u_out * size + 8.0 * (u_acc + mlb_dtype_roundoff(MLB_F64)) * spread;
    if (dtype == MLB_BF16 || dtype == MLB_F16 || dtype == MLB_TF32)
        tolerance += u_acc * terms / 8.0 * size;
    if (dtype == MLB_F16)
        tolerance += 0x1p-25;
    if (dtype == MLB_TF32) {
        double u = mlb_dtype_roundoff(MLB_TF32);
        tolerance += 2.0 * u * size + 8.0 * sqrt(2.0 / 3.0) * u * spread / sqrt(terms);
    }
    return tolerance;
}

/* Sampled rows of A or columns of B: where they are, their values for one stretch of k, and the
 * sums of their squares. */
struct lines {
    uint64_t *index; /* count */
    size_t count;
    uint64_t stride, step; /* value p of line i is element index[i] * stride + p * step */
    uint64_t seed;
    double *panel;   /* [count][DEPTH] */
    double *squares; /* count */
};

struct sample {
    const struct mlb_gemm_params *params;
    enum mlb_dtype in, out;
    enum mlb_data data;
    int threads;
    const char *method;
    struct lines rows, columns;
    double *truth;       /* [rows][columns] */
    double *found;       /* [rows][columns] */
    unsigned char *line; /* a row of C */
};

static double bands(uint64_t extent, uint64_t band)
{
    return (double)((extent + band - 1) / band);
}

/* Multiply-adds that a sample with this band costs. */
static double cost(const struct mlb_gemm_params *params, uint64_t band)
{
    double rows = bands(params->m, band), columns = bands(params->n, band), k = (double)params->k;
    return rows * columns * (k + COST_OF_ELEMENT) + (rows + columns) * k * COST_OF_VALUE;
}

static const struct plan *choose_plan(const struct mlb_gemm_params *params, int threads)
{
    size_t last = sizeof plans / sizeof plans[0] - 1, i = 1;
    if (cost(params, plans[0].band) <= BUDGET_WHOLE * threads)
        return &plans[0];
    while (i < last && cost(params, plans[i].band) > BUDGET * threads)
        i++;
    return &plans[i];
}

static bool open_lines(struct lines *lines, uint64_t extent, uint64_t band, uint64_t seed)
{
    size_t most = (size_t)bands(extent, band);
    lines->index = malloc(most * sizeof *lines->index);
    lines->panel = malloc(most * DEPTH * sizeof *lines->panel);
    lines->squares = calloc(most, sizeof *lines->squares);
    if (lines->index)
        lines->count = mlb_verify_bands(extent, band, seed, lines->index);
    return lines->index && lines->panel && lines->squares;
}

static void close_lines(struct lines *lines)
{
    free(lines->index);
    free(lines->panel);
    free(lines->squares);
}

static void close_sample(struct sample *sample)
{
    close_lines(&sample->rows);
    close_lines(&sample->columns);
    free(sample->truth);
    free(sample->found);
    free(sample->line);
}

static enum mlb_status open_sample(struct sample *sample, const struct mlb_gemm_params *params,
                                   const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct plan *plan = choose_plan(params, ctx->threads);
    struct mlb_gemm_strides at = mlb_gemm_strides(params);
    *sample = (struct sample){.params = params,
                              .in = mlb_gemm_in(params),
                              .out = mlb_gemm_out(params),
                              .threads = ctx->threads,
                              .method = plan->method};
    /* Zeros would hide every fault but a wild one. */
    sample->data = ctx->data == MLB_DATA_ZEROS ? MLB_DATA_NORMAL : ctx->data;
    struct lines *rows = &sample->rows, *columns = &sample->columns;
    bool there = open_lines(rows, params->m, plan->band, mlb_rng_bits(ctx->seed, 'R')) &&
                 open_lines(columns, params->n, plan->band, mlb_rng_bits(ctx->seed, 'C'));
    if (there) {
        sample->truth = calloc(rows->count * columns->count, sizeof *sample->truth);
        sample->found = calloc(rows->count * columns->count, sizeof *sample->found);
        sample->line = malloc(params->n * mlb_dtype_bytes(sample->out));
    }
    rows->stride = at.a_row;
    rows->step = at.a_col;
    rows->seed = mlb_gemm_seed_a(ctx->seed);
    columns->stride = at.b_col;
    columns->step = at.b_row;
    columns->seed = mlb_gemm_seed_b(ctx->seed);
    if (!sample->truth || !sample->found || !sample->line)
        return mlb_fail(err, MLB_E_NOMEM, "gemm: sample for verification: out of memory");
    return MLB_OK;
}

/* Values p = first .. first+depth-1 of every line, as the device holds them. */
static void make_panel(const struct sample *sample, struct lines *lines, uint64_t first,
                       uint64_t depth)
{
#pragma omp parallel for num_threads(sample->threads) schedule(static)
    for (size_t i = 0; i < lines->count; i++) {
        uint64_t base = lines->index[i] * lines->stride + first * lines->step;
        double *to = lines->panel + i * DEPTH, squares = 0.0;
        for (uint64_t p = 0; p < depth; p++) {
            double held = 0.0; /* as wide as any element */
            mlb_dtype_store(
                sample->in, &held, 0,
                mlb_data_value(sample->data, sample->in, lines->seed, base + p * lines->step));
            to[p] = mlb_dtype_load(sample->in, &held, 0);
            squares += to[p] * to[p];
        }
        lines->squares[i] += squares;
    }
}

static double dot(const double *x, const double *y, uint64_t length)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (uint64_t p = 0; p < length; p++)
        sum += x[p] * y[p];
    return sum;
}

static void add_products(struct sample *sample, uint64_t depth)
{
    const struct lines *rows = &sample->rows, *columns = &sample->columns;
#pragma omp parallel for collapse(2) num_threads(sample->threads) schedule(static)
    for (size_t i = 0; i < rows->count; i++)
        for (size_t j = 0; j < columns->count; j++)
            sample->truth[i * columns->count + j] +=
                dot(rows->panel + i * DEPTH, columns->panel + j * DEPTH, depth);
}

static void compute_truth(struct sample *sample)
{
    uint64_t k = sample->params->k;
    for (uint64_t first = 0; first < k; first += DEPTH) {
        uint64_t depth = k - first < DEPTH ? k - first : DEPTH;
        make_panel(sample, &sample->rows, first, depth);
        make_panel(sample, &sample->columns, first, depth);
        add_products(sample, depth);
    }
}

/* All bits set, a NaN in every float type: a row that the step leaves alone shows. */
static enum mlb_status poison(const struct sample *sample, const struct mlb_gemm_state *state,
                              const struct mlb_ctx *ctx, struct mlb_error *err)
{
    size_t bytes = sample->params->n * mlb_dtype_bytes(sample->out);
    enum mlb_status status = MLB_OK;
    memset(sample->line, 0xff, bytes);
    for (size_t i = 0; i < sample->rows.count && status == MLB_OK; i++)
        status = mlb_copy(ctx->device, state->c + sample->rows.index[i] * bytes, sample->line,
                          bytes, MLB_TO_DEVICE, err);
    return status;
}

static enum mlb_status fetch(struct sample *sample, const struct mlb_gemm_state *state,
                             const struct mlb_ctx *ctx, struct mlb_error *err)
{
    size_t bytes = sample->params->n * mlb_dtype_bytes(sample->out);
    const struct lines *columns = &sample->columns;
    for (size_t i = 0; i < sample->rows.count; i++) {
        if (mlb_copy(ctx->device, sample->line, state->c + sample->rows.index[i] * bytes, bytes,
                     MLB_TO_HOST, err) != MLB_OK)
            return err->status;
        for (size_t j = 0; j < columns->count; j++)
            sample->found[i * columns->count + j] =
                mlb_dtype_load(sample->out, sample->line, columns->index[j]);
    }
    return MLB_OK;
}

static void compare(const struct sample *sample, struct mlb_verification *verification)
{
    const struct lines *rows = &sample->rows, *columns = &sample->columns;
    enum mlb_dtype dtype = (enum mlb_dtype)sample->params->dtype;
    verification->method = sample->method;
    for (size_t i = 0; i < rows->count; i++)
        for (size_t j = 0; j < columns->count; j++) {
            size_t at = i * columns->count + j;
            double tolerance =
                mlb_gemm_tolerance(dtype, sample->params->k, sample->truth[at],
                                   sqrt(rows->squares[i]), sqrt(columns->squares[j]));
            mlb_verify_element(verification, sample->found[at], sample->truth[at], tolerance,
                               "C[%llu][%llu]", (unsigned long long)rows->index[i],
                               (unsigned long long)columns->index[j]);
        }
}

/* One step into the first set, over rows that were poisoned. */
static enum mlb_status run_step(const struct mlb_variant *variant, struct mlb_gemm_state *state,
                                struct sample *sample, const struct mlb_ctx *ctx,
                                struct mlb_error *err)
{
    double deadline_s = 10.0 * ctx->comm->deadline_s;
    state->next = 0;
    enum mlb_status status = mlb_sync(ctx->device, deadline_s, err);
    if (status == MLB_OK)
        status = poison(sample, state, ctx, err);
    if (status == MLB_OK)
        status = variant->step(state, ctx, err);
    if (status == MLB_OK)
        status = mlb_sync(ctx->device, deadline_s, err);
    if (status == MLB_OK)
        status = fetch(sample, state, ctx, err);
    state->next = 0;
    return status;
}

enum mlb_status mlb_gemm_verify(const struct mlb_variant *variant, void *memory, const void *values,
                                const struct mlb_ctx *ctx, struct mlb_verification *verification,
                                struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    const struct mlb_gemm_params *params = values;
    struct sample sample;
    enum mlb_status status = open_sample(&sample, params, ctx, err);
    bool other_data = sample.data != ctx->data;
    if (status == MLB_OK && other_data)
        status = mlb_gemm_fill(state, params, ctx, sample.data, err);
    if (status == MLB_OK)
        status = run_step(variant, state, &sample, ctx, err);
    if (status == MLB_OK && other_data)
        status = mlb_gemm_fill(state, params, ctx, ctx->data, err);
    if (status == MLB_OK) {
        compute_truth(&sample);
        compare(&sample, verification);
    }
    close_sample(&sample);
    return status;
}
