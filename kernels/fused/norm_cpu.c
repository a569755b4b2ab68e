/* SPDX-License-Identifier: Apache-2.0 */
/* A row is read from memory once: the later passes over it find it in the cache. */
#include "kernels/fused/norm.h"

#include <math.h>

#include "kernels/fused/fused_cpu.h"

/* ------------------------------------------------------------------------------- sums over strips
 */

/* Sum of x, or of (x - mean)^2. */
MLB_INLINE float strip_sum(const float *x, size_t count, bool squared, float mean)
{
    float lanes[MLB_LANES] = {0};
    size_t i = 0;
    for (; i + MLB_LANES <= count; i += MLB_LANES)
#pragma omp simd
        for (size_t lane = 0; lane < MLB_LANES; lane++) {
            float value = x[i + lane] - mean;
            lanes[lane] += squared ? value * value : value;
        }
    for (; i < count; i++)
        lanes[0] += squared ? (x[i] - mean) * (x[i] - mean) : x[i] - mean;
    return mlb_lanes_total(lanes);
}

MLB_INLINE float row_sum(const struct mlb_norm *norm, enum mlb_dtype dtype, size_t row,
                         bool squared, float mean)
{
    float buffer[MLB_STRIP], sum = 0.0f;
    for (size_t at = 0; at < norm->hidden; at += MLB_STRIP) {
        size_t count = mlb_strip_length(at, norm->hidden);
        const float *x = mlb_strip_in(buffer, norm->x, row * norm->hidden + at, count, dtype);
        sum += strip_sum(x, count, squared, mean);
    }
    return sum;
}

/* ---------------------------------------------------------------------------------------- forward
 */

MLB_INLINE void write_row(const struct mlb_norm *norm, enum mlb_dtype dtype, size_t row, float mean,
                          float rstd, bool past)
{
    float x_buffer[MLB_STRIP], gamma_buffer[MLB_STRIP], beta_buffer[MLB_STRIP];
    _Alignas(64) float y[MLB_STRIP];
    for (size_t at = 0; at < norm->hidden; at += MLB_STRIP) {
        size_t count = mlb_strip_length(at, norm->hidden), first = row * norm->hidden + at;
        const float *x = mlb_strip_in(x_buffer, norm->x, first, count, dtype);
        const float *gamma = mlb_strip_in(gamma_buffer, norm->gamma, at, count, dtype);
        if (norm->kind == MLB_NORM_RMS) {
#pragma omp simd
            for (size_t i = 0; i < count; i++)
                y[i] = x[i] * rstd * gamma[i];
        } else {
            const float *beta = mlb_strip_in(beta_buffer, norm->beta, at, count, dtype);
#pragma omp simd
            for (size_t i = 0; i < count; i++)
                y[i] = (x[i] - mean) * rstd * gamma[i] + beta[i];
        }
        mlb_strip_out(norm->y, first, y, count, dtype, past);
    }
}

MLB_INLINE void forward_rows(const struct mlb_norm *norm, enum mlb_dtype dtype, size_t begin,
                             size_t end)
{
    float n = (float)norm->hidden;
    bool past = mlb_strip_past(norm->rows * norm->hidden * mlb_dtype_bytes(dtype));
    for (size_t row = begin; row < end; row++) {
        bool layer = norm->kind == MLB_NORM_LAYER;
        float mean = layer ? row_sum(norm, dtype, row, false, 0.0f) / n : 0.0f;
        float rstd = 1.0f / sqrtf(row_sum(norm, dtype, row, true, mean) / n + norm->epsilon);
        write_row(norm, dtype, row, mean, rstd, past);
        norm->rstd[row] = rstd;
        if (layer)
            norm->mean[row] = mean;
    }
}

/* --------------------------------------------------------------------------------------- backward
 */

struct row_sums {
    float c1, c2; /* sums of g xhat and of g, not yet divided */
};

MLB_INLINE struct row_sums strip_sums(const float *x, const float *dy, const float *gamma,
                                      size_t count, float mean, float rstd)
{
    float first[MLB_LANES] = {0}, second[MLB_LANES] = {0};
    size_t i = 0;
    for (; i + MLB_LANES <= count; i += MLB_LANES)
#pragma omp simd
        for (size_t lane = 0; lane < MLB_LANES; lane++) {
            float g = dy[i + lane] * gamma[i + lane];
            first[lane] += g * ((x[i + lane] - mean) * rstd);
            second[lane] += g;
        }
    for (; i < count; i++) {
        first[0] += dy[i] * gamma[i] * ((x[i] - mean) * rstd);
        second[0] += dy[i] * gamma[i];
    }
    return (struct row_sums){mlb_lanes_total(first), mlb_lanes_total(second)};
}

MLB_INLINE struct row_sums sum_row(const struct mlb_norm *norm, enum mlb_dtype dtype, size_t row,
                                   float mean, float rstd)
{
    float x_buffer[MLB_STRIP], dy_buffer[MLB_STRIP], gamma_buffer[MLB_STRIP];
    struct row_sums sums = {0};
    for (size_t at = 0; at < norm->hidden; at += MLB_STRIP) {
        size_t count = mlb_strip_length(at, norm->hidden), first = row * norm->hidden + at;
        struct row_sums strip = strip_sums(
            mlb_strip_in(x_buffer, norm->x, first, count, dtype),
            mlb_strip_in(dy_buffer, norm->dy, first, count, dtype),
            mlb_strip_in(gamma_buffer, norm->gamma, at, count, dtype), count, mean, rstd);
        sums.c1 += strip.c1;
        sums.c2 += strip.c2;
    }
    return sums;
}

/* dx of a row, and its terms added to this part's sums over rows. c: already divided by hidden. */
MLB_INLINE void write_dx(const struct mlb_norm *norm, enum mlb_dtype dtype, size_t row,
                         struct row_sums c, float *dgamma, float *dbeta, bool past)
{
    float x_buffer[MLB_STRIP], dy_buffer[MLB_STRIP], gamma_buffer[MLB_STRIP];
    _Alignas(64) float dx[MLB_STRIP];
    float rstd = norm->rstd[row], mean = dbeta ? norm->mean[row] : 0.0f;
    for (size_t at = 0; at < norm->hidden; at += MLB_STRIP) {
        size_t count = mlb_strip_length(at, norm->hidden), first = row * norm->hidden + at;
        const float *x = mlb_strip_in(x_buffer, norm->x, first, count, dtype);
        const float *dy = mlb_strip_in(dy_buffer, norm->dy, first, count, dtype);
        const float *gamma = mlb_strip_in(gamma_buffer, norm->gamma, at, count, dtype);
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            float xhat = (x[i] - mean) * rstd;
            dx[i] = rstd * (dy[i] * gamma[i] - xhat * c.c1 - c.c2);
            dgamma[at + i] += dy[i] * xhat;
        }
        if (dbeta) {
#pragma omp simd
            for (size_t i = 0; i < count; i++)
                dbeta[at + i] += dy[i];
        }
        mlb_strip_out(norm->dx, first, dx, count, dtype, past);
    }
}

MLB_INLINE void backward_rows(const struct mlb_norm *norm, enum mlb_dtype dtype, size_t part,
                              size_t begin, size_t end)
{
    bool layer = norm->kind == MLB_NORM_LAYER;
    bool past = mlb_strip_past(norm->rows * norm->hidden * mlb_dtype_bytes(dtype));
    float n = (float)norm->hidden, *dgamma = norm->partial + part * norm->hidden;
    float *dbeta = layer ? norm->partial + (norm->parts + part) * norm->hidden : NULL;
    memset(dgamma, 0, norm->hidden * sizeof *dgamma);
    if (layer)
        memset(dbeta, 0, norm->hidden * sizeof *dbeta);
    for (size_t row = begin; row < end; row++) {
        struct row_sums sums =
            sum_row(norm, dtype, row, layer ? norm->mean[row] : 0.0f, norm->rstd[row]);
        struct row_sums c = {sums.c1 / n, layer ? sums.c2 / n : 0.0f};
        write_dx(norm, dtype, row, c, dgamma, dbeta, past);
    }
}

MLB_INLINE void norm_loop(const void *args, size_t part, size_t begin, size_t end)
{
    const struct mlb_norm *norm = args;
    if (norm->pass == MLB_NORM_FORWARD && norm->dtype == MLB_BF16)
        forward_rows(norm, MLB_BF16, begin, end);
    else if (norm->pass == MLB_NORM_FORWARD)
        forward_rows(norm, MLB_F32, begin, end);
    else if (norm->dtype == MLB_BF16)
        backward_rows(norm, MLB_BF16, part, begin, end);
    else
        backward_rows(norm, MLB_F32, part, begin, end);
}
MLB_ROWS_WAYS(norm_loop);

/* ------------------------------------------------------------------- the parts' sums, added in
 * order
 */

MLB_INLINE void add_parts(const struct mlb_norm *norm, const float *partial, void *to, size_t begin,
                          size_t end)
{
    float sums[MLB_STRIP];
    for (size_t at = begin; at < end; at += MLB_STRIP) {
        size_t count = mlb_strip_length(at, end);
        memset(sums, 0, sizeof sums);
        for (size_t part = 0; part < norm->parts; part++)
#pragma omp simd
            for (size_t i = 0; i < count; i++)
                sums[i] += partial[part * norm->hidden + at + i];
        mlb_strip_out(to, at, sums, count, norm->dtype, false);
    }
}

/* "Rows" are columns here. */
MLB_INLINE void total_loop(const void *args, size_t part, size_t begin, size_t end)
{
    const struct mlb_norm *norm = args;
    (void)part;
    add_parts(norm, norm->partial, norm->dgamma, begin, end);
    if (norm->kind == MLB_NORM_LAYER)
        add_parts(norm, norm->partial + norm->parts * norm->hidden, norm->dbeta, begin, end);
}
MLB_ROWS_WAYS(total_loop);

void mlb_norm_cpu(const struct mlb_norm *norm, int threads)
{
    if (norm->pass == MLB_NORM_FORWARD) {
        mlb_rows_run(&norm_loop_ways, norm, norm->rows, (size_t)threads, threads);
        return;
    }
    mlb_rows_run(&norm_loop_ways, norm, norm->rows, norm->parts, threads);
    mlb_rows_run(&total_loop_ways, norm, norm->hidden, (size_t)threads, threads);
}
