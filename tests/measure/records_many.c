/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/measure/records_many.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "tests/measure/record_parts.h"
#include "tests/measure/records.h"

static const char *const dtypes[] = {"bf16", "f16", "f8e4m3", "tf32"};

/* Near a normal number: the sum of twelve uniform ones, less their mean. */
static double normal(uint64_t seed, uint64_t index)
{
    double sum = -6.0;
    for (uint64_t i = 0; i < 12; i++)
        sum += (double)mlb_rng_uniform(seed, 12 * index + i);
    return sum;
}

static void size(struct mlb_row *row, const char *name, size_t value)
{
    char text[24];
    mlb_format(text, sizeof text, "%zu", value);
    param(row, name, text);
}

static void name_row(struct mlb_row *row, size_t index)
{
    const char *dtype = dtypes[index % 4];
    size_t m = 512 * (1 + index / 4);
    row->param_count = 0;
    param(row, "dtype", dtype);
    size(row, "m", m);
    size(row, "n", 8192);
    size(row, "k", 8192);
    param(row, "transpose_a", "false");
    param(row, "transpose_b", "true");
    param(row, "accumulate", "f32");
    mlb_format(row->label, sizeof row->label, "%s %zux8192x8192", dtype, m);
    mlb_format(row->id, sizeof row->id,
               "gemm[cuda,cublaslt,accumulate=f32,dtype=%s,k=8192,m=%zu,n=8192,transpose_a=false,"
               "transpose_b=true]",
               dtype, m);
    row->work.flop = 2.0 * (double)m * 8192.0 * 8192.0;
}

static double *scaled(const double *model, size_t model_count, size_t count, double factor,
                      uint64_t seed)
{
    double *values = malloc(count * sizeof *values);
    if (!values)
        abort();
    for (size_t i = 0; i < count; i++)
        values[i] = model[i % model_count] * factor * (1.0 + 0.002 * normal(seed, i));
    return values;
}

/* A row like `model`, of its own size and launch. */
static void add_row(struct mlb_result *result, const struct mlb_row *model,
                    const struct fleet *fleet, uint64_t number, size_t index)
{
    struct mlb_row row = *model;
    uint64_t seed = (number << 20) + index;
    double factor = (1.0 + fleet->slower) * (1.0 + fleet->spread * normal(seed, 1u << 20));
    name_row(&row, index);
    factor *= row.work.flop / model->work.flop;
    row.time_ns = scaled(model->time_ns, model->sample_count, fleet->samples, factor, seed);
    row.sample_count = fleet->samples;
    row.rank_median_ns = scaled(model->rank_median_ns, model->rank_count, 8, factor, seed + 1);
    row.rank_count = 8;
    row.has_sustain = false;
    row.sustain = (struct mlb_sustain){0};
    if (!mlb_summarise(row.time_ns, row.sample_count, 0.95, &row.summary) ||
        mlb_result_add(result, &row, NULL) != MLB_OK)
        abort();
}

void record_of_fleet(struct mlb_result *result, const struct fleet *fleet, uint64_t number)
{
    struct mlb_result model = {0};
    record_gpu(&model);
    record_gpu(result);
    for (size_t i = 0; i < result->row_count; i++)
        mlb_row_free(&result->rows[i]);
    result->row_count = 0;
    mlb_format(result->run_id, sizeof result->run_id, "%s-%026llu", fleet->provider,
               (unsigned long long)number);
    mlb_format(result->provider.name, sizeof result->provider.name, "%s", fleet->provider);
    for (size_t i = 0; i < fleet->rows; i++)
        add_row(result, &model.rows[0], fleet, number, i);
    mlb_result_free(&model);
}
