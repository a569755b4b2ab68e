/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of a product too large to be computed again: a stratified sample of C, each element
 * compared with a dot product in doubles over inputs made again from their seeds.
 *
 * Sampled are the crossings of one row in each band of 32 rows and one column in each band of 32
 * columns, so every aligned 32x32 tile has exactly one sampled element. Bands double while the cost
 * is above a fixed number of multiplications (not of seconds: what is checked must not depend on
 * how busy the machine is). A small product is checked whole. Of a batch, every product is checked.
 *
 * The sampled rows of C are marked before the step, so that one which it leaves alone shows: all
 * bits set, a NaN in every float type; or, where the step adds to C, random numbers to add to. */
#include "kernels/gemm/gemm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "kernels/gemm/gemm_blocks.h"

#define DEPTH           256u /* of k at a time: panels stay in the cache */
#define BUDGET_WHOLE    1e7  /* multiply-adds a thread, about 10 ms: up to here every element */
#define BUDGET          3e8  /* multiply-adds a thread, about 0.3 s */
#define COST_OF_VALUE   20.0 /* making one input again, in multiply-adds */
#define COST_OF_ELEMENT 64.0
#define SEED_OF_C       'S'

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

/* Sampled rows of A or columns of B: where they are, their values for one stretch of k, and the
 * sums of their squares. */
struct lines {
    uint64_t *index; /* count */
    size_t count;
    /* Value p of line i is element before + index[i] * stride + p * step. */
    uint64_t before, stride, step;
    enum mlb_dtype dtype;
    uint64_t seed;
    double *panel;   /* [count][DEPTH] */
    double *squares; /* count */
};

/* Of one product of the batch. */
struct sample {
    const struct mlb_gemm_params *params;
    struct mlb_gemm_group group;
    uint64_t number; /* of the product in the batch */
    enum mlb_dtype out;
    enum mlb_data data;
    uint64_t seed;
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
    double batch = params->batch ? (double)params->batch : 1.0;
    return batch * (rows * columns * (k + COST_OF_ELEMENT) + (rows + columns) * k * COST_OF_VALUE);
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

/* Zeros would hide every fault but a wild one. */
static enum mlb_data data_to_verify(const struct mlb_ctx *ctx)
{
    return ctx->data == MLB_DATA_ZEROS ? MLB_DATA_NORMAL : ctx->data;
}

static enum mlb_status open_sample(struct sample *sample, const struct mlb_gemm_params *params,
                                   uint64_t number, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    const struct plan *plan = choose_plan(params, ctx->threads);
    struct mlb_gemm_strides at = mlb_gemm_strides(params);
    uint64_t seed = ctx->seed + number; /* every product has its own sample */
    *sample = (struct sample){.params = params,
                              .group = mlb_gemm_group(params, number),
                              .number = number,
                              .out = mlb_gemm_out(params),
                              .data = data_to_verify(ctx),
                              .seed = ctx->seed,
                              .threads = ctx->threads,
                              .method = plan->method};
    struct lines *rows = &sample->rows, *columns = &sample->columns;
    bool there = open_lines(rows, sample->group.m, plan->band, mlb_rng_bits(seed, 'R')) &&
                 open_lines(columns, sample->group.n, plan->band, mlb_rng_bits(seed, 'C'));
    if (there) {
        sample->truth = calloc(rows->count * columns->count, sizeof *sample->truth);
        sample->found = calloc(rows->count * columns->count, sizeof *sample->found);
        sample->line = malloc(sample->group.n * mlb_dtype_bytes(sample->out));
    }
    rows->before = sample->group.a;
    rows->stride = at.a_row;
    rows->step = at.a_col;
    rows->dtype = mlb_gemm_in(params);
    rows->seed = mlb_gemm_seed_a(ctx->seed);
    columns->before = sample->group.b;
    columns->stride = at.b_col;
    columns->step = at.b_row;
    columns->dtype = mlb_gemm_in_b(params);
    columns->seed = mlb_gemm_seed_b(ctx->seed);
    if (!sample->truth || !sample->found || !sample->line)
        return mlb_fail(err, MLB_E_NOMEM, "gemm: sample for verification: out of memory");
    return MLB_OK;
}

/* `depth` values of a line from element `first` on, as the device holds them. */
static void make_values(const struct sample *sample, const struct lines *lines, uint64_t first,
                        uint64_t depth, double *to)
{
    int dtype = sample->params->dtype;
    if (mlb_gemm_in_blocks(sample->params)) { /* along k, which pass fwd stores in one piece */
        for (uint64_t p = 0; p < depth; p += mlb_gemm_block_length(dtype))
            mlb_gemm_block_made(dtype, sample->data, lines->seed, first + p, to + p);
        return;
    }
    for (uint64_t p = 0; p < depth; p++) {
        double held = 0.0; /* as wide as any element */
        mlb_dtype_store(
            lines->dtype, &held, 0,
            mlb_data_value(sample->data, lines->dtype, lines->seed, first + p * lines->step));
        to[p] = mlb_dtype_load(lines->dtype, &held, 0);
    }
}

/* Values p = first .. first+depth-1 of every line. */
static void make_panel(const struct sample *sample, struct lines *lines, uint64_t first,
                       uint64_t depth)
{
#pragma omp parallel for num_threads(sample->threads) schedule(static)
    for (size_t i = 0; i < lines->count; i++) {
        double *to = lines->panel + i * DEPTH, squares = 0.0;
        uint64_t base = lines->before + lines->index[i] * lines->stride + first * lines->step;
        make_values(sample, lines, base, depth, to);
        for (uint64_t p = 0; p < depth; p++)
            squares += to[p] * to[p];
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
    uint64_t k = sample->group.k;
    for (uint64_t first = 0; first < k; first += DEPTH) {
        uint64_t depth = k - first < DEPTH ? k - first : DEPTH;
        make_panel(sample, &sample->rows, first, depth);
        make_panel(sample, &sample->columns, first, depth);
        add_products(sample, depth);
    }
}

/* What C[i][j] is before the step, where the step adds to it. */
static double before_step(const struct sample *sample, uint64_t i, uint64_t j)
{
    if (sample->params->out != MLB_GEMM_C_F32_ADD)
        return 0.0;
    uint64_t at = sample->group.c + i * sample->group.n + j;
    return mlb_data_value(MLB_DATA_NORMAL, MLB_F32, mlb_rng_bits(sample->seed, SEED_OF_C), at);
}

static enum mlb_status mark(struct sample *sample, const struct mlb_gemm_state *state,
                            const struct mlb_ctx *ctx, struct mlb_error *err)
{
    size_t element = mlb_dtype_bytes(sample->out), bytes = sample->group.n * element;
    unsigned char *c = state->c + sample->group.c * element;
    bool add = sample->params->out == MLB_GEMM_C_F32_ADD;
    enum mlb_status status = MLB_OK;
    memset(sample->line, 0xff, bytes);
    for (size_t i = 0; i < sample->rows.count && status == MLB_OK; i++) {
        for (uint64_t j = 0; add && j < sample->group.n; j++)
            mlb_dtype_store(sample->out, sample->line, j,
                            before_step(sample, sample->rows.index[i], j));
        status = mlb_copy(ctx->device, c + sample->rows.index[i] * bytes, sample->line, bytes,
                          MLB_TO_DEVICE, err);
    }
    return status;
}

static enum mlb_status fetch(struct sample *sample, const struct mlb_gemm_state *state,
                             const struct mlb_ctx *ctx, struct mlb_error *err)
{
    size_t element = mlb_dtype_bytes(sample->out), bytes = sample->group.n * element;
    const unsigned char *c = state->c + sample->group.c * element;
    const struct lines *columns = &sample->columns;
    for (size_t i = 0; i < sample->rows.count; i++) {
        if (mlb_copy(ctx->device, sample->line, c + sample->rows.index[i] * bytes, bytes,
                     MLB_TO_HOST, err) != MLB_OK)
            return err->status;
        for (size_t j = 0; j < columns->count; j++)
            sample->found[i * columns->count + j] =
                mlb_dtype_load(sample->out, sample->line, columns->index[j]);
    }
    return MLB_OK;
}

/* An f32 sum with what was there before is one more rounding of either. */
static void compare(const struct sample *sample, struct mlb_verification *verification)
{
    const struct lines *rows = &sample->rows, *columns = &sample->columns;
    char number[32] = "";
    if (sample->params->batch > 1)
        mlb_format(number, sizeof number, "[%llu]", (unsigned long long)sample->number);
    verification->method = sample->method;
    for (size_t i = 0; i < rows->count; i++)
        for (size_t j = 0; j < columns->count; j++) {
            size_t at = i * columns->count + j;
            double before = before_step(sample, rows->index[i], columns->index[j]);
            double tolerance =
                mlb_gemm_tolerance(sample->params, sample->group.k, sample->truth[at],
                                   sqrt(rows->squares[i]), sqrt(columns->squares[j])) +
                2.0 * mlb_dtype_roundoff(MLB_F32) * fabs(before);
            mlb_verify_element(verification, sample->found[at], before + sample->truth[at],
                               tolerance, "C%s[%llu][%llu]", number,
                               (unsigned long long)rows->index[i],
                               (unsigned long long)columns->index[j]);
        }
}

static enum mlb_status check_products(const struct mlb_gemm_state *state,
                                      const struct mlb_gemm_params *params,
                                      const struct mlb_ctx *ctx,
                                      struct mlb_verification *verification, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    for (uint64_t i = 0; i == 0 || (i < params->batch && status == MLB_OK); i++) {
        struct sample sample;
        status = open_sample(&sample, params, i, ctx, err);
        if (status == MLB_OK)
            status = fetch(&sample, state, ctx, err);
        if (status == MLB_OK) {
            compute_truth(&sample);
            compare(&sample, verification);
        }
        close_sample(&sample);
    }
    return status;
}

static enum mlb_status mark_products(const struct mlb_gemm_state *state,
                                     const struct mlb_gemm_params *params,
                                     const struct mlb_ctx *ctx, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    for (uint64_t i = 0; i == 0 || (i < params->batch && status == MLB_OK); i++) {
        struct sample sample;
        status = open_sample(&sample, params, i, ctx, err);
        if (status == MLB_OK)
            status = mark(&sample, state, ctx, err);
        close_sample(&sample);
    }
    return status;
}

/* One step into the first set, over rows that were marked. */
static enum mlb_status run_step(const struct mlb_variant *variant, struct mlb_gemm_state *state,
                                const struct mlb_gemm_params *params, const struct mlb_ctx *ctx,
                                struct mlb_error *err)
{
    double deadline_s = 10.0 * ctx->comm->deadline_s;
    state->next = 0;
    enum mlb_status status = mlb_sync(ctx->device, deadline_s, err);
    if (status == MLB_OK)
        status = mark_products(state, params, ctx, err);
    if (status == MLB_OK)
        status = variant->step(state, ctx, err);
    if (status == MLB_OK)
        status = mlb_sync(ctx->device, deadline_s, err);
    state->next = 0;
    return status;
}

enum mlb_status mlb_gemm_verify(const struct mlb_variant *variant, void *memory, const void *values,
                                const struct mlb_ctx *ctx, struct mlb_verification *verification,
                                struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    const struct mlb_gemm_params *params = values;
    enum mlb_data data = data_to_verify(ctx);
    enum mlb_status status = MLB_OK;
    if (data != ctx->data)
        status = mlb_gemm_fill(state, params, ctx, data, err);
    if (status == MLB_OK)
        status = run_step(variant, state, params, ctx, err);
    if (status == MLB_OK)
        status = check_products(state, params, ctx, verification, err);
    if (status == MLB_OK && data != ctx->data)
        status = mlb_gemm_fill(state, params, ctx, ctx->data, err);
    return status;
}
