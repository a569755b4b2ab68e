/* SPDX-License-Identifier: Apache-2.0 */
/* A row is read from memory once: the later passes over it find it in the cache. */
#include "kernels/fused/norm.h"

#include <math.h>

#include "kernels/fused/fused_cpu.h"

/* Sum of x - mean, or of its square, over a strip. In order, so that the hardware's prefetch sees
 * one stream. */
MLB_INLINE float strip_sum(const void *x, size_t count, enum mlb_dtype dtype, bool squared,
                           float mean)
{
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++) {
        float value = mlb_get(x, i, dtype) - mean;
        sum += squared ? value * value : value;
    }
    return sum;
}

MLB_INLINE float row_sum(const struct mlb_norm *norm, enum mlb_dtype dtype, size_t row,
                         bool squared, float mean)
{
    float sum = 0.0f;
    for (size_t at = 0; at < norm->hidden; at += MLB_STRIP)
        sum += strip_sum(mlb_at(norm->x, row * norm->hidden + at, dtype),
                         mlb_strip_length(at, norm->hidden), dtype, squared, mean);
    return sum;
}

/* ---------------------------------------------------------------------------------------- forward
 */

MLB_INLINE void write_strip(const struct mlb_norm *norm, enum mlb_dtype dtype, size_t row,
                            size_t at, float mean, float rstd, struct mlb_strip *to)
{
    size_t count = mlb_strip_length(at, norm->hidden);
    const void *x = mlb_at(norm->x, row * norm->hidden + at, dtype);
    const void *gamma = mlb_at(norm->gamma, at, dtype);
    if (norm->kind == MLB_NORM_RMS) {
#pragma omp simd
        for (size_t i = 0; i < count; i++)
            mlb_put(to->bytes, i, mlb_get(x, i, dtype) * rstd * mlb_get(gamma, i, dtype), dtype);
        return;
    }
    const void *beta = mlb_at(norm->beta, at, dtype);
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        mlb_put(to->bytes, i,
                (mlb_get(x, i, dtype) - mean) * rstd * mlb_get(gamma, i, dtype) +
                    mlb_get(beta, i, dtype),
                dtype);
}

MLB_INLINE void write_row(const struct mlb_norm *norm, enum mlb_dtype dtype, size_t row, float mean,
                          float rstd, bool past)
{
    struct mlb_strip y;
    for (size_t at = 0; at < norm->hidden; at += MLB_STRIP) {
        write_strip(norm, dtype, row, at, mean, rstd, &y);
        mlb_strip_out(norm->y, row * norm->hidden + at, &y, mlb_strip_length(at, norm->hidden),
                      dtype, past);
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

MLB_INLINE void add_strip(struct row_sums *sums, const void *x, const void *dy, const void *gamma,
                          size_t count, enum mlb_dtype dtype, float mean, float rstd)
{
    float c1 = 0.0f, c2 = 0.0f;
#pragma omp simd reduction(+ : c1, c2)
    for (size_t i = 0; i < count; i++) {
        float g = mlb_get(dy, i, dtype) * mlb_get(gamma, i, dtype);
        c1 += g * ((mlb_get(x, i, dtype) - mean) * rstd);
        c2 += g;
    }
    sums->c1 += c1;
    sums->c2 += c2;
}

MLB_INLINE struct row_sums sum_row(const struct mlb_norm *norm, enum mlb_dtype dtype, size_t row,
                                   float mean, float rstd)
{
    struct row_sums sums = {0};
    for (size_t at = 0; at < norm->hidden; at += MLB_STRIP) {
        size_t count = mlb_strip_length(at, norm->hidden), first = row * norm->hidden + at;
        add_strip(&sums, mlb_at(norm->x, first, dtype), mlb_at(norm->dy, first, dtype),
                  mlb_at(norm->gamma, at, dtype), count, dtype, mean, rstd);
    }
    return sums;
}

/* dx of a row, and its terms added to this part's sums over rows. c: already divided by hidden. */
MLB_INLINE void write_dx(const struct mlb_norm *norm, enum mlb_dtype dtype, size_t row,
                         struct row_sums c, float *dgamma, float *dbeta, bool past)
{
    struct mlb_strip dx;
    float rstd = norm->rstd[row], mean = dbeta ? norm->mean[row] : 0.0f;
    for (size_t at = 0; at < norm->hidden; at += MLB_STRIP) {
        size_t count = mlb_strip_length(at, norm->hidden), first = row * norm->hidden + at;
        const void *x = mlb_at(norm->x, first, dtype), *dy = mlb_at(norm->dy, first, dtype);
        const void *gamma = mlb_at(norm->gamma, at, dtype);
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            float xhat = (mlb_get(x, i, dtype) - mean) * rstd, d = mlb_get(dy, i, dtype);
            float g = d * mlb_get(gamma, i, dtype);
            mlb_put(dx.bytes, i, rstd * (g - xhat * c.c1 - c.c2), dtype);
            dgamma[at + i] += d * xhat;
        }
        if (dbeta) {
#pragma omp simd
            for (size_t i = 0; i < count; i++)
                dbeta[at + i] += mlb_get(dy, i, dtype);
        }
        mlb_strip_out(norm->dx, first, &dx, count, dtype, past);
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
        for (size_t i = 0; i < count; i++)
            mlb_put(to, at + i, sums[i], norm->dtype);
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
