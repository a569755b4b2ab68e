/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention_sample.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/rng.h"

#define BUDGET_WHOLE  1e7  /* multiply-adds a thread, about 10 ms: up to here every row */
#define BUDGET        3e8  /* multiply-adds a thread, about 0.3 s */
#define COST_OF_VALUE 20.0 /* making one input again, in multiply-adds */
#define BAND          32u  /* of rows, at first: every tile of 64 has a sampled one */
#define ROWS_MIN      4u   /* of a head: fewer heads rather than fewer rows */

/* ------------------------------------------------------------------------------------- the plan */

static uint64_t bands(uint64_t extent, uint64_t band)
{
    return (extent + band - 1) / band;
}

/* Multiply-adds that a sample costs. */
static double cost(const struct mlb_attention_params *p, uint64_t row_band, uint64_t head_band)
{
    double heads = (double)bands(p->batch * p->heads, head_band);
    double kv_heads = fmin(heads, (double)(p->batch * p->kv_heads));
    double seq = (double)p->seq, seq_kv = (double)p->seq_kv;
    double widths = (double)(p->head_dim + p->head_dim_v);
    double rows = (double)bands(p->seq, row_band), columns = (double)bands(p->seq_kv, row_band);
    double group = (double)(p->heads / p->kv_heads);
    double forward = kv_heads * seq_kv * widths * COST_OF_VALUE +
                     heads * rows * seq_kv * (2.0 * widths + COST_OF_VALUE);
    if (p->pass == MLB_ATTENTION_FWD)
        return forward;
    return forward + heads * rows * seq_kv * (3.0 * widths + COST_OF_VALUE) +
           kv_heads * group * seq * widths * COST_OF_VALUE +
           kv_heads * group * seq * columns * (4.0 * widths + COST_OF_VALUE);
}

static void plan(struct mlb_attention_sample *sample)
{
    const struct mlb_attention_params *p = sample->params;
    double budget = BUDGET * sample->ctx->threads;
    uint64_t rows = 1, heads = 1;
    if (cost(p, 1, 1) > BUDGET_WHOLE * sample->ctx->threads)
        for (rows = BAND; cost(p, rows, 1) > budget && rows * ROWS_MIN < p->seq;)
            rows *= 2;
    while (cost(p, rows, heads) > budget && rows > 1 && heads < p->batch * p->heads)
        heads *= 2;
    sample->row_band = rows;
    sample->head_band = heads;
    sample->verification->method =
        rows == 1    ? "every row computed again in doubles; all scanned for NaN"
        : heads == 1 ? "sampled rows of every head computed again in doubles; all scanned for NaN"
                     : "sampled rows of sampled heads computed again in doubles; all scanned for "
                       "NaN";
}

size_t mlb_attention_pick_lines(struct mlb_attention_sample *sample, uint64_t extent, uint64_t head,
                                uint64_t salt)
{
    if (sample->found_bad) {
        sample->lines[0] = sample->bad.row;
        return 1;
    }
    uint64_t seed = mlb_rng_bits(mlb_rng_bits(sample->ctx->seed, salt), head);
    return mlb_verify_bands(extent, sample->row_band, seed, sample->lines);
}

void mlb_attention_pick_heads(struct mlb_attention_sample *sample)
{
    const struct mlb_attention_params *p = sample->params;
    sample->head_count = mlb_verify_bands(p->batch * p->heads, sample->head_band,
                                          mlb_rng_bits(sample->ctx->seed, 'H'), sample->heads);
    if (!sample->found_bad)
        return;
    uint64_t heads = mlb_attention_shape(p, sample->bad.tensor).heads;
    sample->heads[0] = sample->bad.b * p->heads + sample->bad.head * (p->heads / heads);
    sample->head_count = 1;
}

void mlb_attention_close_sample(struct mlb_attention_sample *sample)
{
    free(sample->keys.k);
    free(sample->keys.v);
    free(sample->heads);
    free(sample->lines);
    free(sample->picks);
    free(sample->queries);
    free(sample->o.data);
    free(sample->lse.data);
    free(sample->chunk);
}

enum mlb_status mlb_attention_open_sample(struct mlb_attention_sample *sample,
                                          struct mlb_error *err)
{
    const struct mlb_attention_params *p = sample->params;
    uint64_t longest = p->seq > p->seq_kv ? p->seq : p->seq_kv;
    uint64_t o_row = p->heads * p->head_dim_v * mlb_dtype_bytes((enum mlb_dtype)p->dtype);
    plan(sample);
    /* Zeros would hide every fault but a wild one. */
    sample->data = sample->ctx->data == MLB_DATA_ZEROS ? MLB_DATA_NORMAL : sample->ctx->data;
    sample->keys.k = malloc(p->seq_kv * p->head_dim * sizeof *sample->keys.k);
    sample->keys.v = malloc(p->seq_kv * p->head_dim_v * sizeof *sample->keys.v);
    sample->heads = malloc(bands(p->batch * p->heads, sample->head_band) * sizeof *sample->heads);
    sample->lines = malloc(bands(longest, sample->row_band) * sizeof *sample->lines);
    sample->picks = malloc(MLB_ATTENTION_PICKS * sizeof *sample->picks);
    sample->queries = malloc(MLB_ATTENTION_BLOCK * sizeof *sample->queries);
    sample->o.data = malloc(MLB_ATTENTION_BLOCK * o_row);
    sample->lse.data = malloc(MLB_ATTENTION_BLOCK * p->heads * sizeof(float));
    sample->chunk = malloc(MLB_ATTENTION_CHUNK);
    if (!sample->keys.k || !sample->keys.v || !sample->heads || !sample->lines || !sample->picks ||
        !sample->queries || !sample->o.data || !sample->lse.data || !sample->chunk)
        return mlb_fail(err, MLB_E_NOMEM, "attention: sample for verification: out of memory");
    return MLB_OK;
}

/* --------------------------------------------------------------- inputs again, outputs fetched */

/* Element `index` of an input as the device holds it. */
static double input(const struct mlb_attention_sample *sample,
                    const struct mlb_attention_shape *shape, uint64_t seed, uint64_t index)
{
    double held = 0.0; /* as wide as any element */
    mlb_dtype_store(shape->dtype, &held, 0,
                    mlb_data_value(sample->data, shape->dtype, seed, index));
    return mlb_dtype_load(shape->dtype, &held, 0);
}

static uint64_t offset(const struct mlb_attention_shape *shape,
                       const struct mlb_attention_place *at)
{
    return at->b * shape->batch_stride + at->row * shape->row_stride +
           at->head * shape->head_stride;
}

void mlb_attention_make_line(const struct mlb_attention_sample *sample,
                             const struct mlb_attention_place *at, double *to)
{
    struct mlb_attention_shape shape = mlb_attention_shape(sample->params, at->tensor);
    uint64_t seed = mlb_attention_seed(sample->ctx->seed, at->tensor), first = offset(&shape, at);
    for (uint64_t c = 0; c < shape.width; c++)
        to[c] = input(sample, &shape, seed, first + c);
}

double mlb_attention_make_head(const struct mlb_attention_sample *sample,
                               enum mlb_attention_tensor tensor, uint64_t b, uint64_t head,
                               float *to)
{
    struct mlb_attention_shape shape = mlb_attention_shape(sample->params, tensor);
    double largest = 0.0;
#pragma omp parallel for num_threads(sample->ctx->threads) schedule(static) reduction(max : largest)
    for (uint64_t row = 0; row < shape.rows; row++) {
        double line[MLB_ATTENTION_WIDTH_MAX], squares = 0.0;
        mlb_attention_make_line(sample, &(struct mlb_attention_place){tensor, b, head, row}, line);
        for (uint64_t c = 0; c < shape.width; c++) {
            to[row * shape.width + c] = (float)line[c]; /* exact: no input is wider */
            squares += line[c] * line[c];
        }
        largest = fmax(largest, squares);
    }
    return sqrt(largest);
}

enum mlb_status mlb_attention_fetch_line(const struct mlb_attention_sample *sample,
                                         const struct mlb_attention_place *at, double *to,
                                         struct mlb_error *err)
{
    struct mlb_attention_shape shape = mlb_attention_shape(sample->params, at->tensor);
    size_t size = mlb_dtype_bytes(shape.dtype);
    unsigned char held[MLB_ATTENTION_WIDTH_MAX * sizeof(double)];
    if (mlb_copy(sample->ctx->device, held,
                 sample->state->tensor[at->tensor] + offset(&shape, at) * size, shape.width * size,
                 MLB_TO_HOST, err) != MLB_OK)
        return err->status;
    for (uint64_t c = 0; c < shape.width; c++)
        to[c] = mlb_dtype_load(shape.dtype, held, c);
    return MLB_OK;
}

enum mlb_status mlb_attention_fetch_rows(const struct mlb_attention_sample *sample,
                                         enum mlb_attention_tensor tensor, uint64_t b,
                                         uint64_t first, uint64_t count,
                                         struct mlb_attention_rows *rows, struct mlb_error *err)
{
    struct mlb_attention_shape shape = mlb_attention_shape(sample->params, tensor);
    size_t size = mlb_dtype_bytes(shape.dtype);
    bool heads_first = shape.row_stride == shape.width;
    uint64_t copies = heads_first ? shape.heads : 1, length = count * shape.row_stride;
    rows->row_stride = shape.row_stride;
    rows->head_stride = heads_first ? length : shape.head_stride;
    enum mlb_status status = MLB_OK;
    for (uint64_t i = 0; i < copies && status == MLB_OK; i++) {
        uint64_t from = offset(&shape, &(struct mlb_attention_place){tensor, b, i, first});
        status =
            mlb_copy(sample->ctx->device, rows->data + i * length * size,
                     sample->state->tensor[tensor] + from * size, length * size, MLB_TO_HOST, err);
    }
    return status;
}

static void compare(struct mlb_attention_sample *sample, const struct mlb_attention_place *at,
                    const double *found, const struct mlb_attention_line *line)
{
    uint64_t width = mlb_attention_shape(sample->params, at->tensor).width;
    for (uint64_t c = 0; c < width; c++)
        mlb_verify_element(sample->verification, found[c], line->truth[c], line->tolerance[c],
                           "%s[batch %llu][head %llu][row %llu][%llu]",
                           mlb_attention_tensor_name(at->tensor), (unsigned long long)at->b,
                           (unsigned long long)at->head, (unsigned long long)at->row,
                           (unsigned long long)c);
}

enum mlb_status mlb_attention_check_line(struct mlb_attention_sample *sample,
                                         struct mlb_attention_place at,
                                         const struct mlb_attention_line *line,
                                         struct mlb_error *err)
{
    double found[MLB_ATTENTION_WIDTH_MAX];
    if (mlb_attention_fetch_line(sample, &at, found, err) != MLB_OK)
        return err->status;
    compare(sample, &at, found, line);
    return MLB_OK;
}
