/* SPDX-License-Identifier: Apache-2.0 */
/* Verification by rows: a stratified sample of rows of every output, whole rows, against the
 * operation's truth in doubles over inputs made again from their seeds. Sums over all rows (a
 * norm's gradient of its scale) are compared in every column, from all rows. Inputs must be what
 * they were. Outputs are poisoned beforehand, so that a row left alone shows. */
#include "kernels/fused/fused.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/device/fill.h"

/* Elements of a tensor that are compared: a second of one thread at most. Not a time: what is
 * checked must not depend on how busy the machine is. */
#define BUDGET ((uint64_t)1 << 22)

struct job {
    const struct mlb_fused_op *op;
    struct mlb_fused_state *state;
    const struct mlb_fused_params *params;
    const struct mlb_ctx *ctx;
    enum mlb_data data;
    uint64_t *rows; /* sampled */
    size_t count;
    size_t seen;                             /* of these, compared already */
    unsigned char *found[MLB_FUSED_TENSORS]; /* sampled rows as they lie on the device */
    struct mlb_fused_look *looks;            /* of each thread */
    struct mlb_verification *verification;
};

/* ------------------------------------------------------------------------ what a reference may use
 */

/* n terms of one sign, summed in f32 by 4 lanes or more in strips of 1024 (CPU), or 512 and more
 * lanes and a tree (GPU). Each of the additions that a term goes through rounds once, relative to a
 * partial sum that is not larger than the whole (Higham, "Accuracy and Stability of Numerical
 * Algorithms", 4.2): 256 in its lane, a strip's sum each 1024 terms, and a tree of 16 or less. */
double mlb_fused_sum_error(uint64_t n)
{
    double lane = n < 1024 ? (double)n / 4.0 : 256.0;
    return (lane + (double)n / 1024.0 + 16.0) * 0x1p-24;
}

double mlb_fused_roundoff(const struct mlb_fused_look *look)
{
    return mlb_dtype_roundoff((enum mlb_dtype)look->params->dtype);
}

const void *mlb_fused_made(const struct mlb_fused_look *look, int tensor)
{
    return look->state->made[tensor];
}

static struct mlb_fused_shape shape_of(const struct mlb_fused_state *state, int tensor,
                                       const struct mlb_fused_params *params)
{
    return state->op->tensors[tensor].shape(params, state->parts);
}

static size_t row_length(struct mlb_fused_shape shape, uint64_t row)
{
    uint64_t left = shape.count - row * shape.columns;
    return (size_t)(left < shape.columns ? left : shape.columns);
}

static void widen(double *to, const void *from, size_t first, size_t count, enum mlb_dtype dtype)
{
    if (dtype == MLB_F32)
        for (size_t i = 0; i < count; i++)
            to[i] = (double)((const float *)from)[first + i];
    else
        for (size_t i = 0; i < count; i++)
            to[i] = mlb_dtype_load(dtype, from, first + i);
}

const double *mlb_fused_load(struct mlb_fused_look *look, int tensor, uint64_t row)
{
    const struct mlb_fused_tensor *t = &look->state->op->tensors[tensor];
    struct mlb_fused_shape shape = shape_of(look->state, tensor, look->params);
    enum mlb_dtype dtype = mlb_fused_dtype(t, look->params);
    size_t count = row_length(shape, row), first = (size_t)(row * shape.columns);
    if (look->loaded[tensor] == row + 1)
        return look->in[tensor];
    look->loaded[tensor] = row + 1;
    if (t->make) {
        widen(look->in[tensor], look->state->made[tensor], first, count, dtype);
        return look->in[tensor];
    }
    mlb_fill_host(look->raw, count, dtype, t->zero ? MLB_DATA_ZEROS : look->data,
                  mlb_fused_seed(look->seed, tensor), first);
    widen(look->in[tensor], look->raw, 0, count, dtype);
    return look->in[tensor];
}

void mlb_fused_add(struct mlb_fused_look *look, int tensor, size_t column, double term)
{
    look->out[tensor][column] += term;
    look->absolute[tensor][column] += fabs(term);
    look->squares[tensor][column] += term * term;
}

/* ----------------------------------------------------------------------------- a thread's own look
 */

static void close_look(struct mlb_fused_look *look)
{
    for (int i = 0; i < MLB_FUSED_TENSORS; i++) {
        free(look->in[i]);
        free(look->out[i]);
        free(look->tolerance[i]);
        free(look->absolute[i]);
        free(look->squares[i]);
    }
    free(look->raw);
}

static bool open_tensor(struct mlb_fused_look *look, int tensor, enum mlb_fused_role role,
                        size_t columns)
{
    bool in = role == MLB_IN || role == MLB_INOUT;
    bool out = role == MLB_OUT || role == MLB_INOUT || role == MLB_SUM;
    if (in)
        look->in[tensor] = calloc(columns, sizeof(double));
    if (out) {
        look->out[tensor] = calloc(columns, sizeof(double));
        look->tolerance[tensor] = calloc(columns, sizeof(double));
    }
    if (role == MLB_SUM) {
        look->absolute[tensor] = calloc(columns, sizeof(double));
        look->squares[tensor] = calloc(columns, sizeof(double));
    }
    return (!in || look->in[tensor]) && (!out || (look->out[tensor] && look->tolerance[tensor])) &&
           (role != MLB_SUM || (look->absolute[tensor] && look->squares[tensor]));
}

static bool open_look(const struct job *job, struct mlb_fused_look *look)
{
    size_t widest = 1;
    bool there = true;
    *look = (struct mlb_fused_look){.state = job->state,
                                    .params = job->params,
                                    .args = job->state->args,
                                    .data = job->data,
                                    .seed = job->ctx->seed};
    for (int i = 0; job->op->tensors[i].name; i++) {
        size_t columns = (size_t)shape_of(job->state, i, job->params).columns;
        widest = columns > widest ? columns : widest;
        there &= open_tensor(look, i, job->op->tensors[i].role[job->params->pass], columns);
    }
    look->raw = malloc(widest * sizeof(double));
    return there && look->raw;
}

/* ----------------------------------------------------------------------------------------- the job
 */

/* Tensors whose sampled rows are looked at: outputs, and inputs that must not have changed. */
static bool is_sampled(const struct job *job, int tensor)
{
    const struct mlb_fused_tensor *t = &job->op->tensors[tensor];
    struct mlb_fused_shape shape = shape_of(job->state, tensor, job->params);
    enum mlb_fused_role role = t->role[job->params->pass];
    if (role == MLB_OUT || role == MLB_INOUT)
        return shape.count > 0;
    return role == MLB_IN && !t->prepared && shape.rows == job->op->rows(job->params);
}

static bool has_sums(const struct job *job)
{
    for (const struct mlb_fused_tensor *t = job->op->tensors; t->name; t++)
        if (t->role[job->params->pass] == MLB_SUM)
            return true;
    return false;
}

static bool open_samples(struct job *job)
{
    uint64_t rows = job->op->rows(job->params), widest = 1;
    for (int i = 0; job->op->tensors[i].name; i++)
        if (is_sampled(job, i) && shape_of(job->state, i, job->params).columns > widest)
            widest = shape_of(job->state, i, job->params).columns;
    uint64_t most = BUDGET / widest > 0 ? BUDGET / widest : 1, band = (rows + most - 1) / most;
    job->rows = malloc((rows + band - 1) / band * sizeof *job->rows);
    if (!job->rows)
        return false;
    job->count = mlb_verify_bands(rows, band, mlb_rng_bits(job->ctx->seed, 'r'), job->rows);
    job->verification->method = band == 1 ? "double reference at every element"
                                          : "double reference at every element of one row per band";
    bool there = true;
    for (int i = 0; job->op->tensors[i].name; i++)
        if (is_sampled(job, i)) {
            size_t width = shape_of(job->state, i, job->params).columns * sizeof(double);
            job->found[i] = malloc(job->count * width);
            there &= job->found[i] != NULL;
        }
    return there;
}

static enum mlb_status open_job(struct job *job, struct mlb_error *err)
{
    bool there = open_samples(job);
    job->looks = calloc((size_t)job->ctx->threads, sizeof *job->looks);
    for (int i = 0; job->looks && i < job->ctx->threads; i++)
        there &= open_look(job, &job->looks[i]);
    if (!there || !job->looks)
        return mlb_fail(err, MLB_E_NOMEM, "%s: verification: out of host memory", job->op->name);
    return MLB_OK;
}

static void close_job(struct job *job)
{
    for (int i = 0; job->looks && i < job->ctx->threads; i++)
        close_look(&job->looks[i]);
    for (int i = 0; i < MLB_FUSED_TENSORS; i++)
        free(job->found[i]);
    free(job->looks);
    free(job->rows);
}

/* One sampled row to or from the device; `at` counts sampled rows. */
static enum mlb_status move_row(struct job *job, int tensor, size_t at, enum mlb_copy direction,
                                struct mlb_error *err)
{
    struct mlb_fused_shape shape = shape_of(job->state, tensor, job->params);
    size_t element = mlb_dtype_bytes(mlb_fused_dtype(&job->op->tensors[tensor], job->params));
    char *device = mlb_fused_pointer(job->state, tensor, 0);
    unsigned char *host = job->found[tensor] + at * shape.columns * sizeof(double);
    size_t bytes = row_length(shape, job->rows[at]) * element;
    device += job->rows[at] * shape.columns * element;
    if (direction == MLB_TO_HOST)
        return mlb_copy(job->ctx->device, host, device, bytes, direction, err);
    memset(host, 0xff, bytes); /* a NaN in every float type */
    return mlb_copy(job->ctx->device, device, host, bytes, direction, err);
}

static enum mlb_status move_rows(struct job *job, enum mlb_copy direction, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    for (int i = 0; job->op->tensors[i].name; i++) {
        bool out = job->op->tensors[i].role[job->params->pass] == MLB_OUT;
        bool moves = is_sampled(job, i) && (out || direction == MLB_TO_HOST);
        for (size_t at = 0; moves && at < job->count && status == MLB_OK; at++)
            status = move_row(job, i, at, direction, err);
    }
    return status;
}

/* As many steps as the operation asks for, in the first set, over poisoned outputs. */
static enum mlb_status run_steps(struct job *job, const struct mlb_variant *variant,
                                 struct mlb_error *err)
{
    double deadline_s = 10.0 * job->ctx->comm->deadline_s;
    enum mlb_status status = mlb_sync(job->ctx->device, deadline_s, err);
    if (status == MLB_OK)
        status = move_rows(job, MLB_TO_DEVICE, err);
    for (int step = 0; step < job->op->steps && status == MLB_OK; step++) {
        job->state->next = 0;
        status = variant->step(job->state, job->ctx, err);
    }
    job->state->next = 0;
    if (status == MLB_OK)
        status = mlb_sync(job->ctx->device, deadline_s, err);
    if (status == MLB_OK)
        status = move_rows(job, MLB_TO_HOST, err);
    return status;
}

/* ----------------------------------------------------------------------------------------
 * judgement
 */

static void compare_row(struct job *job, struct mlb_fused_look *look, size_t at)
{
    uint64_t row = job->rows[at];
    for (int i = 0; job->op->tensors[i].name; i++) {
        if (!is_sampled(job, i))
            continue;
        const struct mlb_fused_tensor *t = &job->op->tensors[i];
        struct mlb_fused_shape shape = shape_of(job->state, i, job->params);
        enum mlb_dtype dtype = mlb_fused_dtype(t, job->params);
        bool out = t->role[job->params->pass] != MLB_IN;
        const double *truth = out ? look->out[i] : mlb_fused_load(look, i, row);
        const unsigned char *found = job->found[i] + at * shape.columns * sizeof(double);
        for (size_t c = 0; c < row_length(shape, row); c++)
            mlb_verify_element(job->verification, mlb_dtype_load(dtype, found, c), truth[c],
                               out ? look->tolerance[i][c] : 0.0, "%s[%llu][%zu]", t->name,
                               (unsigned long long)row, c);
    }
}

/* Rows are taken in order by the threads in turn, and compared in order: the first wrong element
 * is the first. */
static void judge_rows(struct job *job)
{
    uint64_t rows = has_sums(job) ? job->op->rows(job->params) : job->count;
    bool all = has_sums(job);
    int turn = 0, threads = job->ctx->threads;
#pragma omp parallel num_threads(threads)
    {
        struct mlb_fused_look *look;
#pragma omp critical
        look = &job->looks[turn++];
#pragma omp for ordered schedule(static, 1)
        for (uint64_t i = 0; i < rows; i++) {
            uint64_t row = all ? i : job->rows[i];
            job->op->truth(look, row);
#pragma omp ordered
            if (job->seen < job->count && job->rows[job->seen] == row)
                compare_row(job, look, job->seen++);
        }
    }
}

/* Terms go one after the other into f32 sums, which then are added: partial sums of independent
 * terms grow as sqrt(j), so that n roundings of relative size u leave an error of deviation
 * u sqrt(n sum of squares) / sqrt(6); 8 u sqrt(n sum of squares) is 20 deviations. Each term is off
 * by a norm's statistics as well, the same for the whole row: half of a sum's error by rstd, one by
 * the mean, and 16 roundings. Then the result is rounded. */
static double column_tolerance(uint64_t terms, uint64_t columns, const struct mlb_fused_look *total,
                               int tensor, size_t c)
{
    double u = mlb_dtype_roundoff(MLB_F32);
    double of_a_term = 1.5 * mlb_fused_sum_error(columns) + 16.0 * u;
    return mlb_fused_roundoff(total) * fabs(total->out[tensor][c]) +
           8.0 * u * sqrt((double)terms * total->squares[tensor][c]) +
           of_a_term * total->absolute[tensor][c];
}

static enum mlb_status judge_sum(struct job *job, int tensor, struct mlb_error *err)
{
    const struct mlb_fused_tensor *t = &job->op->tensors[tensor];
    struct mlb_fused_shape shape = shape_of(job->state, tensor, job->params);
    enum mlb_dtype dtype = mlb_fused_dtype(t, job->params);
    struct mlb_fused_look *total = &job->looks[0];
    void *found = malloc(shape.columns * sizeof(double));
    if (!found)
        return mlb_fail(err, MLB_E_NOMEM, "%s: verification: out of host memory", job->op->name);
    enum mlb_status status =
        mlb_copy(job->ctx->device, found, mlb_fused_pointer(job->state, tensor, 0),
                 shape.columns * mlb_dtype_bytes(dtype), MLB_TO_HOST, err);
    for (size_t c = 0; c < shape.columns && status == MLB_OK; c++) {
        for (int i = 1; i < job->ctx->threads; i++) {
            total->out[tensor][c] += job->looks[i].out[tensor][c];
            total->absolute[tensor][c] += job->looks[i].absolute[tensor][c];
            total->squares[tensor][c] += job->looks[i].squares[tensor][c];
        }
        mlb_verify_element(
            job->verification, mlb_dtype_load(dtype, found, c), total->out[tensor][c],
            column_tolerance(job->op->rows(job->params), shape.columns, total, tensor, c),
            "%s[%zu]", t->name, c);
    }
    free(found);
    return status;
}

static enum mlb_status judge(struct job *job, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    judge_rows(job);
    for (int i = 0; job->op->tensors[i].name && status == MLB_OK; i++)
        if (job->op->tensors[i].role[job->params->pass] == MLB_SUM)
            status = judge_sum(job, i, err);
    return status;
}

enum mlb_status mlb_fused_verify(const struct mlb_variant *variant, void *memory,
                                 const void *values, const struct mlb_ctx *ctx,
                                 struct mlb_verification *verification, struct mlb_error *err)
{
    struct mlb_fused_state *state = memory;
    struct job job = {.op = state->op,
                      .state = state,
                      .params = values,
                      .ctx = ctx,
                      /* Zeros would hide every fault but a wild one. */
                      .data = ctx->data == MLB_DATA_ZEROS ? MLB_DATA_NORMAL : ctx->data,
                      .verification = verification};
    enum mlb_status status = open_job(&job, err);
    if (status == MLB_OK && job.data != ctx->data)
        status = mlb_fused_fill(state, values, ctx, job.data, 0, err);
    if (status == MLB_OK)
        status = run_steps(&job, variant, err);
    if (status == MLB_OK)
        status = judge(&job, err);
    if (status == MLB_OK)
        status = mlb_fused_fill(state, values, ctx, ctx->data, 0, err);
    close_job(&job);
    return status;
}
