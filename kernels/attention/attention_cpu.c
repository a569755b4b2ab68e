/* SPDX-License-Identifier: Apache-2.0 */
/* Plain attention: unpacked to doubles, summed in doubles, rounded once. Truth for tests, and a
 * variant for small sizes that needs no library. */
#include "kernels/attention/attention.h"

#include <math.h>
#include <stdlib.h>

/* Multiply-adds of a step: it stays near a second or two on one core. */
#define MULTIPLICATIONS_MAX 1073741824.0

struct plain {
    double *unpacked[MLB_ATTENTION_TENSORS]; /* what is read: [batch][heads][rows][width] */
    double *delta;                           /* backward: [batch][heads][seq] */
};

enum mlb_status mlb_attention_plain_check(const void *values, const struct mlb_ctx *ctx,
                                          struct mlb_error *err)
{
    const struct mlb_attention_params *p = values;
    double scores = (double)p->batch * (double)p->heads * (double)p->seq * (double)p->seq_kv;
    double widths = (double)(p->head_dim + p->head_dim_v);
    if (scores * widths > MULTIPLICATIONS_MAX)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "plain is the reference, for batch x heads x seq x seq_kv x (head_dim + "
                        "head_dim_v) up to 2^30");
    return mlb_attention_fits(p, ctx, 1, 8 * mlb_attention_bytes(p), err);
}

static const double *line(const struct plain *plain, const struct mlb_attention_params *params,
                          enum mlb_attention_tensor tensor, uint64_t b, uint64_t head, uint64_t row)
{
    struct mlb_attention_shape shape = mlb_attention_shape(params, tensor);
    return plain->unpacked[tensor] + ((b * shape.heads + head) * shape.rows + row) * shape.width;
}

static void unpack(const struct mlb_attention_state *state, size_t set,
                   enum mlb_attention_tensor tensor, int threads)
{
    const struct plain *plain = state->library;
    struct mlb_attention_shape shape = mlb_attention_shape(&state->params, tensor);
    const void *from = mlb_attention_at(state, set, tensor);
    double *to = plain->unpacked[tensor];
    uint64_t lines = state->params.batch * shape.heads * shape.rows;
    double factor = 1.0 / mlb_attention_stored_scale(&state->params, tensor);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (uint64_t i = 0; i < lines; i++) {
        uint64_t row = i % shape.rows, head = i / shape.rows % shape.heads;
        uint64_t b = i / shape.rows / shape.heads;
        uint64_t at = b * shape.batch_stride + row * shape.row_stride + head * shape.head_stride;
        for (uint64_t c = 0; c < shape.width; c++)
            to[i * shape.width + c] = factor * mlb_dtype_load(shape.dtype, from, at + c);
    }
}

static void store_line(const struct mlb_attention_state *state, size_t set,
                       enum mlb_attention_tensor tensor, uint64_t b, uint64_t head, uint64_t row,
                       const double *values, double factor)
{
    struct mlb_attention_shape shape = mlb_attention_shape(&state->params, tensor);
    uint64_t at = b * shape.batch_stride + row * shape.row_stride + head * shape.head_stride;
    factor *= mlb_attention_stored_scale(&state->params, tensor);
    for (uint64_t c = 0; c < shape.width; c++)
        mlb_dtype_store(shape.dtype, mlb_attention_at(state, set, tensor), at + c,
                        factor * values[c]);
}

static double dot(const double *x, const double *y, uint64_t width)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (uint64_t c = 0; c < width; c++)
        sum += x[c] * y[c];
    return sum;
}

static void add(double *to, double factor, const double *x, uint64_t width)
{
#pragma omp simd
    for (uint64_t c = 0; c < width; c++)
        to[c] += factor * x[c];
}

/* One row of O and its LSE. */
static void forward_row(const struct mlb_attention_state *state, size_t set, uint64_t b,
                        uint64_t head, uint64_t row)
{
    const struct plain *plain = state->library;
    const struct mlb_attention_params *p = &state->params;
    uint64_t kv_head = head / (p->heads / p->kv_heads), visible = mlb_attention_visible(p, row);
    double scale = mlb_attention_scale(p), largest = -INFINITY, total = 0.0;
    double sum[MLB_ATTENTION_WIDTH_MAX] = {0};
    const double *q = line(plain, p, MLB_ATTENTION_Q, b, head, row);
    const double *k = line(plain, p, MLB_ATTENTION_K, b, kv_head, 0);
    const double *v = line(plain, p, MLB_ATTENTION_V, b, kv_head, 0);
    for (uint64_t j = 0; j < visible; j++)
        largest = fmax(largest, scale * dot(q, k + j * p->head_dim, p->head_dim));
    for (uint64_t j = 0; j < visible; j++) {
        double e = exp(scale * dot(q, k + j * p->head_dim, p->head_dim) - largest);
        total += e;
        add(sum, e, v + j * p->head_dim_v, p->head_dim_v);
    }
    double lse = largest + log(total);
    store_line(state, set, MLB_ATTENTION_O, b, head, row, sum, 1.0 / total);
    store_line(state, set, MLB_ATTENTION_LSE, b, head, row, &lse, 1.0);
}

static void forward(struct mlb_attention_state *state, size_t set, int threads)
{
    const struct mlb_attention_params *p = &state->params;
    for (int t = MLB_ATTENTION_Q; t <= MLB_ATTENTION_V; t++)
        unpack(state, set, (enum mlb_attention_tensor)t, threads);
    uint64_t rows = p->batch * p->heads * p->seq;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16)
    for (uint64_t i = 0; i < rows; i++)
        forward_row(state, set, i / p->seq / p->heads, i / p->seq % p->heads, i % p->seq);
}

struct score {
    double p, ds;
};

/* P_ij and dS_ij. */
static struct score score(const struct plain *plain, const struct mlb_attention_params *p,
                          uint64_t b, uint64_t head, uint64_t i, uint64_t j)
{
    uint64_t kv_head = head / (p->heads / p->kv_heads);
    double s =
        mlb_attention_scale(p) * dot(line(plain, p, MLB_ATTENTION_Q, b, head, i),
                                     line(plain, p, MLB_ATTENTION_K, b, kv_head, j), p->head_dim);
    double dp = dot(line(plain, p, MLB_ATTENTION_DO, b, head, i),
                    line(plain, p, MLB_ATTENTION_V, b, kv_head, j), p->head_dim_v);
    double weight = exp(s - *line(plain, p, MLB_ATTENTION_LSE, b, head, i));
    return (struct score){weight, weight * (dp - plain->delta[(b * p->heads + head) * p->seq + i])};
}

/* One row of dQ. */
static void backward_row(const struct mlb_attention_state *state, size_t set, uint64_t b,
                         uint64_t head, uint64_t i)
{
    const struct plain *plain = state->library;
    const struct mlb_attention_params *p = &state->params;
    uint64_t kv_head = head / (p->heads / p->kv_heads), visible = mlb_attention_visible(p, i);
    double sum[MLB_ATTENTION_WIDTH_MAX] = {0};
    for (uint64_t j = 0; j < visible; j++)
        add(sum, score(plain, p, b, head, i, j).ds, line(plain, p, MLB_ATTENTION_K, b, kv_head, j),
            p->head_dim);
    store_line(state, set, MLB_ATTENTION_DQ, b, head, i, sum, mlb_attention_scale(p));
}

/* One row of dK and of dV. */
static void backward_column(const struct mlb_attention_state *state, size_t set, uint64_t b,
                            uint64_t kv_head, uint64_t j)
{
    const struct plain *plain = state->library;
    const struct mlb_attention_params *p = &state->params;
    uint64_t group = p->heads / p->kv_heads;
    double dk[MLB_ATTENTION_WIDTH_MAX] = {0}, dv[MLB_ATTENTION_WIDTH_MAX] = {0};
    for (uint64_t head = kv_head * group; head < (kv_head + 1) * group; head++)
        for (uint64_t i = p->causal ? j : 0; i < p->seq; i++) {
            struct score at = score(plain, p, b, head, i, j);
            add(dk, at.ds, line(plain, p, MLB_ATTENTION_Q, b, head, i), p->head_dim);
            add(dv, at.p, line(plain, p, MLB_ATTENTION_DO, b, head, i), p->head_dim_v);
        }
    store_line(state, set, MLB_ATTENTION_DK, b, kv_head, j, dk, mlb_attention_scale(p));
    store_line(state, set, MLB_ATTENTION_DV, b, kv_head, j, dv, 1.0);
}

static void backward(const struct mlb_attention_state *state, size_t set, int threads)
{
    const struct plain *plain = state->library;
    const struct mlb_attention_params *p = &state->params;
    for (int t = MLB_ATTENTION_Q; t <= MLB_ATTENTION_DO; t++)
        unpack(state, set, (enum mlb_attention_tensor)t, threads);
    uint64_t rows = p->batch * p->heads * p->seq, columns = p->batch * p->kv_heads * p->seq_kv;
    for (uint64_t i = 0; i < rows; i++)
        plain->delta[i] = dot(plain->unpacked[MLB_ATTENTION_DO] + i * p->head_dim_v,
                              plain->unpacked[MLB_ATTENTION_O] + i * p->head_dim_v, p->head_dim_v);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16)
    for (uint64_t i = 0; i < rows; i++)
        backward_row(state, set, i / p->seq / p->heads, i / p->seq % p->heads, i % p->seq);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16)
    for (uint64_t i = 0; i < columns; i++)
        backward_column(state, set, i / p->seq_kv / p->kv_heads, i / p->seq_kv % p->kv_heads,
                        i % p->seq_kv);
}

static enum mlb_status load(struct mlb_attention_state *state, const struct mlb_ctx *ctx,
                            struct mlb_error *err)
{
    (void)err;
    for (size_t set = 0; set < state->sets && state->params.pass == MLB_ATTENTION_BWD; set++)
        forward(state, set, ctx->threads);
    return MLB_OK;
}

enum mlb_status mlb_attention_plain_setup(void *memory, const void *values,
                                          const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_attention_state *state = memory;
    const struct mlb_attention_params *params = values;
    struct plain *plain = calloc(1, sizeof *plain);
    state->library = plain;
    state->loaded = load;
    if (!plain)
        return mlb_fail(err, MLB_E_NOMEM, "attention plain: out of memory");
    for (int t = MLB_ATTENTION_Q; t <= MLB_ATTENTION_DO; t++) {
        uint64_t count = mlb_attention_shape(params, (enum mlb_attention_tensor)t).count;
        plain->unpacked[t] = malloc(count * sizeof(double));
        if (!plain->unpacked[t])
            return mlb_fail(err, MLB_E_NOMEM, "attention plain: tensors as doubles: out of memory");
    }
    plain->delta = malloc(params->batch * params->heads * params->seq * sizeof(double));
    if (!plain->delta)
        return mlb_fail(err, MLB_E_NOMEM, "attention plain: delta: out of memory");
    if (mlb_attention_alloc(state, params, ctx, 1, err) != MLB_OK)
        return err->status;
    return mlb_attention_fill(state, ctx, ctx->data, err);
}

enum mlb_status mlb_attention_plain_step(void *memory, const struct mlb_ctx *ctx,
                                         struct mlb_error *err)
{
    struct mlb_attention_state *state = memory;
    size_t set = mlb_attention_turn(state);
    (void)err;
    if (state->params.pass == MLB_ATTENTION_FWD)
        forward(state, set, ctx->threads);
    else
        backward(state, set, ctx->threads);
    return MLB_OK;
}

void mlb_attention_plain_teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_attention_state *state = memory;
    struct plain *plain = state->library;
    mlb_attention_free(state, ctx);
    for (int t = 0; plain && t < MLB_ATTENTION_TENSORS; t++)
        free(plain->unpacked[t]);
    if (plain)
        free(plain->delta);
    free(plain);
    state->library = NULL;
}
