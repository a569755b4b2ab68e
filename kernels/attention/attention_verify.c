/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of attention too large to be computed again. All outputs are poisoned before the
 * step and scanned whole after it: nothing may be left, and nothing may be infinite. Then
 *
 *   rows      of O, LSE and dQ, one in each band of rows, of one query head in each band of heads:
 *             a row needs the keys and values of its head only;
 *   columns   (rows of dK and dV) likewise, of the key heads of these: each needs all queries that
 *             see it, with their LSE and delta. Both are inputs of a backward pass, so they are
 *             taken from the device's LSE and O, which are verified by their rows.
 *
 * are computed in doubles over inputs made again from their seeds. Bands double while the cost is
 * above a fixed number of multiplications (not of seconds: what is checked must not depend on how
 * busy the machine is). A small case is checked whole. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/attention/attention_sample.h"

/* ----------------------------------------------------------------------------------------- rows */

/* delta and the norm of a row of O. */
static void take_o(const struct mlb_attention_params *params, const double *o,
                   struct mlb_attention_query *query)
{
    double squares = 0.0, factor = 1.0 / mlb_attention_stored_scale(params, MLB_ATTENTION_O);
    query->delta = 0.0;
    for (uint64_t c = 0; c < params->head_dim_v; c++) {
        query->delta += query->d_o[c] * factor * o[c];
        squares += factor * o[c] * factor * o[c];
    }
    query->o_norm = sqrt(squares);
}

static enum mlb_status make_query(const struct mlb_attention_sample *sample, uint64_t b,
                                  uint64_t head, uint64_t row, struct mlb_attention_query *query,
                                  struct mlb_error *err)
{
    double o[MLB_ATTENTION_WIDTH_MAX];
    query->row = row;
    mlb_attention_make_line(sample, &(struct mlb_attention_place){MLB_ATTENTION_Q, b, head, row},
                            query->q);
    if (sample->params->pass == MLB_ATTENTION_FWD)
        return MLB_OK;
    mlb_attention_make_line(sample, &(struct mlb_attention_place){MLB_ATTENTION_DO, b, head, row},
                            query->d_o);
    if (mlb_attention_fetch_line(sample,
                                 &(struct mlb_attention_place){MLB_ATTENTION_LSE, b, head, row},
                                 &query->lse, err) != MLB_OK ||
        mlb_attention_fetch_line(
            sample, &(struct mlb_attention_place){MLB_ATTENTION_O, b, head, row}, o, err) != MLB_OK)
        return err->status;
    take_o(sample->params, o, query);
    return MLB_OK;
}

static enum mlb_status check_pick(struct mlb_attention_sample *sample, uint64_t b, uint64_t head,
                                  const struct mlb_attention_pick *pick, struct mlb_error *err)
{
    uint64_t row = pick->query.row;
    enum mlb_status status = mlb_attention_check_line(
        sample, (struct mlb_attention_place){MLB_ATTENTION_O, b, head, row}, &pick->o, err);
    if (status == MLB_OK)
        status = mlb_attention_check_line(
            sample, (struct mlb_attention_place){MLB_ATTENTION_LSE, b, head, row}, &pick->lse, err);
    if (status == MLB_OK && sample->params->pass == MLB_ATTENTION_BWD)
        status = mlb_attention_check_line(
            sample, (struct mlb_attention_place){MLB_ATTENTION_DQ, b, head, row}, &pick->dq, err);
    return status;
}

/* Up to MLB_ATTENTION_PICKS rows of a head whose keys are there. The device is asked by one thread.
 */
static enum mlb_status check_picks(struct mlb_attention_sample *sample, uint64_t b, uint64_t head,
                                   const uint64_t *rows, size_t count, struct mlb_error *err)
{
    const struct mlb_attention_params *params = sample->params;
    enum mlb_status status = MLB_OK;
    for (size_t i = 0; i < count && status == MLB_OK; i++)
        status = make_query(sample, b, head, rows[i], &sample->picks[i].query, err);
    if (status != MLB_OK)
        return status;
#pragma omp parallel for num_threads(sample->ctx->threads) schedule(dynamic)
    for (size_t i = 0; i < count; i++) {
        struct mlb_attention_pick *pick = &sample->picks[i];
        mlb_attention_truth_o(params, &sample->keys, &pick->query, &pick->o, &pick->lse);
        if (params->pass == MLB_ATTENTION_BWD)
            mlb_attention_truth_dq(params, &sample->keys, &pick->query, &pick->dq);
    }
    for (size_t i = 0; i < count && status == MLB_OK; i++)
        status = check_pick(sample, b, head, &sample->picks[i], err);
    return status;
}

static enum mlb_status check_rows(struct mlb_attention_sample *sample, struct mlb_error *err)
{
    const struct mlb_attention_params *p = sample->params;
    uint64_t group = p->heads / p->kv_heads, held = UINT64_MAX;
    enum mlb_status status = MLB_OK;
    for (size_t h = 0; h < sample->head_count && status == MLB_OK; h++) {
        uint64_t b = sample->heads[h] / p->heads, head = sample->heads[h] % p->heads;
        if (sample->heads[h] / group != held) {
            held = sample->heads[h] / group;
            sample->keys.k_max =
                mlb_attention_make_head(sample, MLB_ATTENTION_K, b, head / group, sample->keys.k);
            sample->keys.v_max =
                mlb_attention_make_head(sample, MLB_ATTENTION_V, b, head / group, sample->keys.v);
        }
        size_t count = mlb_attention_pick_lines(sample, p->seq, sample->heads[h], 'R');
        for (size_t i = 0; i < count && status == MLB_OK; i += MLB_ATTENTION_PICKS)
            status =
                check_picks(sample, b, head, sample->lines + i,
                            count - i < MLB_ATTENTION_PICKS ? count - i : MLB_ATTENTION_PICKS, err);
    }
    return status;
}

/* -------------------------------------------------------------------------------------- columns */

/* The columns of one key head. */
struct columns {
    uint64_t b, kv_head;
    struct mlb_attention_column *column; /* count */
    size_t count;
};

static enum mlb_status open_columns(struct mlb_attention_sample *sample, struct columns *columns,
                                    struct mlb_error *err)
{
    const struct mlb_attention_params *p = sample->params;
    columns->count = mlb_attention_pick_lines(sample, p->seq_kv,
                                              columns->b * p->kv_heads + columns->kv_head, 'C');
    columns->column = calloc(columns->count, sizeof *columns->column);
    if (!columns->column)
        return mlb_fail(err, MLB_E_NOMEM, "attention: sampled columns: out of memory");
    for (size_t i = 0; i < columns->count; i++) {
        struct mlb_attention_column *column = &columns->column[i];
        struct mlb_attention_place at = {MLB_ATTENTION_K, columns->b, columns->kv_head,
                                         sample->lines[i]};
        column->row = at.row;
        mlb_attention_make_line(sample, &at, column->k);
        at.tensor = MLB_ATTENTION_V;
        mlb_attention_make_line(sample, &at, column->v);
    }
    return MLB_OK;
}

/* `count` queries of a head from `first` on into sample->queries; their O and LSE are fetched. */
static void make_queries(struct mlb_attention_sample *sample, uint64_t b, uint64_t head,
                         uint64_t first, uint64_t count)
{
    const struct mlb_attention_params *p = sample->params;
    enum mlb_dtype dtype = (enum mlb_dtype)p->dtype;
#pragma omp parallel for num_threads(sample->ctx->threads) schedule(static)
    for (uint64_t i = 0; i < count; i++) {
        struct mlb_attention_query *query = &sample->queries[i];
        double o[MLB_ATTENTION_WIDTH_MAX];
        uint64_t at = i * sample->o.row_stride + head * sample->o.head_stride;
        query->row = first + i;
        mlb_attention_make_line(
            sample, &(struct mlb_attention_place){MLB_ATTENTION_Q, b, head, first + i}, query->q);
        mlb_attention_make_line(sample,
                                &(struct mlb_attention_place){MLB_ATTENTION_DO, b, head, first + i},
                                query->d_o);
        query->lse = mlb_dtype_load(MLB_F32, sample->lse.data,
                                    i * sample->lse.row_stride + head * sample->lse.head_stride);
        for (uint64_t c = 0; c < p->head_dim_v; c++)
            o[c] = mlb_dtype_load(dtype, sample->o.data, at + c);
        take_o(p, o, query);
    }
}

static void add_queries(const struct mlb_attention_sample *sample, struct columns *columns,
                        uint64_t count)
{
    const struct mlb_attention_params *p = sample->params;
#pragma omp parallel for num_threads(sample->ctx->threads) schedule(dynamic)
    for (size_t c = 0; c < columns->count; c++)
        for (uint64_t i = 0; i < count; i++)
            if (columns->column[c].row < mlb_attention_visible(p, sample->queries[i].row))
                mlb_attention_column_add(p, &columns->column[c], &sample->queries[i]);
}

/* All queries that see the columns of the key heads of one batch. */
static enum mlb_status sum_columns(struct mlb_attention_sample *sample, struct columns *columns,
                                   size_t kv_heads, struct mlb_error *err)
{
    const struct mlb_attention_params *p = sample->params;
    uint64_t group = p->heads / p->kv_heads, b = columns->b;
    for (uint64_t first = 0; first < p->seq; first += MLB_ATTENTION_BLOCK) {
        uint64_t count =
            p->seq - first < MLB_ATTENTION_BLOCK ? p->seq - first : MLB_ATTENTION_BLOCK;
        if (mlb_attention_fetch_rows(sample, MLB_ATTENTION_O, b, first, count, &sample->o, err) !=
                MLB_OK ||
            mlb_attention_fetch_rows(sample, MLB_ATTENTION_LSE, b, first, count, &sample->lse,
                                     err) != MLB_OK)
            return err->status;
        for (size_t i = 0; i < kv_heads * group; i++) {
            uint64_t head = columns[i / group].kv_head * group + i % group;
            make_queries(sample, b, head, first, count);
            add_queries(sample, &columns[i / group], count);
        }
    }
    return MLB_OK;
}

static enum mlb_status compare_columns(struct mlb_attention_sample *sample,
                                       const struct columns *columns, struct mlb_error *err)
{
    struct mlb_attention_line dk, dv;
    enum mlb_status status = MLB_OK;
    for (size_t i = 0; i < columns->count && status == MLB_OK; i++) {
        struct mlb_attention_place at = {MLB_ATTENTION_DK, columns->b, columns->kv_head,
                                         columns->column[i].row};
        mlb_attention_truth_dkv(sample->params, &columns->column[i], &dk, &dv);
        status = mlb_attention_check_line(sample, at, &dk, err);
        at.tensor = MLB_ATTENTION_DV;
        if (status == MLB_OK)
            status = mlb_attention_check_line(sample, at, &dv, err);
    }
    return status;
}

static enum mlb_status check_columns_of_batch(struct mlb_attention_sample *sample, uint64_t b,
                                              struct columns *columns, struct mlb_error *err)
{
    const struct mlb_attention_params *p = sample->params;
    uint64_t group = p->heads / p->kv_heads;
    size_t kv_heads = 0;
    enum mlb_status status = MLB_OK;
    for (size_t h = 0; h < sample->head_count && status == MLB_OK; h++) {
        uint64_t kv_head = sample->heads[h] % p->heads / group;
        bool known = kv_heads && columns[kv_heads - 1].kv_head == kv_head;
        if (sample->heads[h] / p->heads != b || known)
            continue;
        columns[kv_heads] = (struct columns){.b = b, .kv_head = kv_head};
        status = open_columns(sample, &columns[kv_heads++], err);
    }
    if (status == MLB_OK && kv_heads)
        status = sum_columns(sample, columns, kv_heads, err);
    for (size_t i = 0; i < kv_heads; i++) {
        if (status == MLB_OK)
            status = compare_columns(sample, &columns[i], err);
        free(columns[i].column);
    }
    return status;
}

static enum mlb_status check_columns(struct mlb_attention_sample *sample, struct mlb_error *err)
{
    const struct mlb_attention_params *p = sample->params;
    struct columns *columns = calloc(p->kv_heads, sizeof *columns);
    enum mlb_status status = MLB_OK;
    if (!columns)
        return mlb_fail(err, MLB_E_NOMEM, "attention: sampled columns: out of memory");
    for (uint64_t b = 0; b < p->batch && status == MLB_OK; b++)
        status = check_columns_of_batch(sample, b, columns, err);
    free(columns);
    return status;
}

/* ------------------------------------------------------------------------------- whole outputs */

static bool is_output(int pass, enum mlb_attention_tensor tensor)
{
    if (pass == MLB_ATTENTION_FWD)
        return tensor == MLB_ATTENTION_O || tensor == MLB_ATTENTION_LSE;
    return tensor >= MLB_ATTENTION_DQ;
}

/* All bits set, a NaN in every float type: an element that the step leaves alone shows. */
static enum mlb_status poison(struct mlb_attention_sample *sample, int pass, struct mlb_error *err)
{
    memset(sample->chunk, 0xff, MLB_ATTENTION_CHUNK);
    for (int t = 0; t < MLB_ATTENTION_TENSORS; t++) {
        struct mlb_attention_shape shape =
            mlb_attention_shape(sample->params, (enum mlb_attention_tensor)t);
        size_t bytes = shape.count * mlb_dtype_bytes(shape.dtype);
        if (!is_output(pass, (enum mlb_attention_tensor)t))
            continue;
        for (size_t at = 0; at < bytes; at += MLB_ATTENTION_CHUNK) {
            size_t length = bytes - at < MLB_ATTENTION_CHUNK ? bytes - at : MLB_ATTENTION_CHUNK;
            if (mlb_copy(sample->ctx->device, sample->state->tensor[t] + at, sample->chunk, length,
                         MLB_TO_DEVICE, err) != MLB_OK)
                return err->status;
        }
    }
    return MLB_OK;
}

/* Bits that are all set in what is not finite; none in e4m3's largest number. */
static uint32_t exponent_bits(enum mlb_dtype dtype)
{
    switch (dtype) {
    case MLB_BF16:
        return 0x7f80;
    case MLB_F16:
        return 0x7c00;
    case MLB_E4M3:
        return 0x7f;
    default:
        return 0x7f800000;
    }
}

/* Are all finite? A loop for each width, so that the compiler takes many at a time. */
static bool all_finite(enum mlb_dtype dtype, const unsigned char *array, uint64_t count)
{
    const uint32_t mask = exponent_bits(dtype);
    unsigned bad = 0;
    switch (mlb_dtype_bytes(dtype)) {
    case 1:
        for (uint64_t i = 0; i < count; i++)
            bad |= (array[i] & mask) == mask;
        break;
    case 2:
        for (uint64_t i = 0; i < count; i++)
            bad |= (((const uint16_t *)(const void *)array)[i] & mask) == mask;
        break;
    default:
        for (uint64_t i = 0; i < count; i++)
            bad |= (((const uint32_t *)(const void *)array)[i] & mask) == mask;
        break;
    }
    return !bad;
}

/* Index of the first of `count` elements that is not finite; `count` when all are. */
static uint64_t first_bad(enum mlb_dtype dtype, const unsigned char *array, uint64_t count,
                          int threads)
{
    const uint64_t block = 65536;
    size_t size = mlb_dtype_bytes(dtype);
    uint64_t first = count;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(min : first)
    for (uint64_t at = 0; at < count; at += block) {
        uint64_t length = count - at < block ? count - at : block;
        if (!all_finite(dtype, array + at * size, length) && at < first)
            first = at;
    }
    while (first < count && all_finite(dtype, array + first * size, 1))
        first++;
    return first;
}

static struct mlb_attention_place place_of(const struct mlb_attention_params *params,
                                           enum mlb_attention_tensor tensor, uint64_t index)
{
    struct mlb_attention_shape shape = mlb_attention_shape(params, tensor);
    uint64_t inside = index % shape.batch_stride;
    return (struct mlb_attention_place){.tensor = tensor,
                                        .b = index / shape.batch_stride,
                                        .head = inside / shape.head_stride % shape.heads,
                                        .row = inside / shape.row_stride % shape.rows};
}

static enum mlb_status scan(struct mlb_attention_sample *sample, enum mlb_attention_tensor tensor,
                            struct mlb_error *err)
{
    struct mlb_attention_shape shape = mlb_attention_shape(sample->params, tensor);
    size_t size = mlb_dtype_bytes(shape.dtype);
    uint64_t step = MLB_ATTENTION_CHUNK / size;
    for (uint64_t at = 0; at < shape.count && !sample->found_bad; at += step) {
        uint64_t count = shape.count - at < step ? shape.count - at : step;
        if (mlb_copy(sample->ctx->device, sample->chunk, sample->state->tensor[tensor] + at * size,
                     count * size, MLB_TO_HOST, err) != MLB_OK)
            return err->status;
        uint64_t bad = first_bad(shape.dtype, sample->chunk, count, sample->ctx->threads);
        sample->found_bad = bad < count;
        if (sample->found_bad)
            sample->bad = place_of(sample->params, tensor, at + bad);
    }
    return MLB_OK;
}

/* The first of all outputs that is not finite into sample->bad; O and LSE are looked at first, and
 * in a backward case too. */
static enum mlb_status scan_all(struct mlb_attention_sample *sample, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    for (int t = 0; t < MLB_ATTENTION_TENSORS && status == MLB_OK; t++) {
        enum mlb_attention_tensor tensor = (enum mlb_attention_tensor)t;
        if (is_output(MLB_ATTENTION_FWD, tensor) || is_output(sample->params->pass, tensor))
            status = scan(sample, tensor, err);
    }
    return status;
}

/* ------------------------------------------------------------------------------------- the case */

/* One step on the first set, over outputs that were poisoned. */
static enum mlb_status run_step(const struct mlb_variant *variant,
                                struct mlb_attention_state *state,
                                struct mlb_attention_sample *sample, struct mlb_error *err)
{
    const struct mlb_ctx *ctx = sample->ctx;
    double deadline_s = 10.0 * ctx->comm->deadline_s;
    bool backward = sample->params->pass == MLB_ATTENTION_BWD;
    enum mlb_status status = mlb_sync(ctx->device, deadline_s, err);
    if (status == MLB_OK)
        status = poison(sample, MLB_ATTENTION_FWD, err);
    if (status == MLB_OK && (backward || sample->data != ctx->data))
        status = mlb_attention_fill(state, ctx, sample->data, err);
    if (status == MLB_OK && backward)
        status = poison(sample, MLB_ATTENTION_BWD, err);
    state->next = 0;
    if (status == MLB_OK)
        status = variant->step(state, ctx, err);
    if (status == MLB_OK)
        status = mlb_sync(ctx->device, deadline_s, err);
    state->next = 0;
    return status;
}

static enum mlb_status check_results(struct mlb_attention_sample *sample, struct mlb_error *err)
{
    if (scan_all(sample, err) != MLB_OK)
        return err->status;
    bool of_columns = sample->found_bad && sample->bad.tensor >= MLB_ATTENTION_DK;
    bool of_rows = sample->found_bad && !of_columns;
    mlb_attention_pick_heads(sample);
    enum mlb_status status = of_columns ? MLB_OK : check_rows(sample, err);
    if (status == MLB_OK && sample->params->pass == MLB_ATTENTION_BWD && !of_rows)
        status = check_columns(sample, err);
    return status;
}

enum mlb_status mlb_attention_verify(const struct mlb_variant *variant, void *memory,
                                     const void *values, const struct mlb_ctx *ctx,
                                     struct mlb_verification *verification, struct mlb_error *err)
{
    struct mlb_attention_state *state = memory;
    struct mlb_attention_sample sample = {
        .params = values, .state = state, .ctx = ctx, .verification = verification};
    enum mlb_status status = mlb_attention_open_sample(&sample, err);
    if (status == MLB_OK)
        status = run_step(variant, state, &sample, err);
    if (status == MLB_OK)
        status = check_results(&sample, err);
    if (status == MLB_OK && sample.data != ctx->data)
        status = mlb_attention_fill(state, ctx, ctx->data, err);
    mlb_attention_close_sample(&sample);
    return status;
}
