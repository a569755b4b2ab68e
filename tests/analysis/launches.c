/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/analysis/launches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"

struct mlb_digest_row *launches_row(struct launches *launches, int side, size_t launch, size_t c)
{
    size_t digest = launch + (side == MLB_NEW ? launches->side[MLB_BASE].count : 0);
    return &launches->rows[digest * CASES + c];
}

static void fill_row(struct launches *launches, struct mlb_digest_row *row, size_t c)
{
    *row = (struct mlb_digest_row){.name = &launches->names[c],
                                   .variant = "cublaslt",
                                   .library = "cuBLASLt 13.0",
                                   .formula = "gemm.2mnk",
                                   .status = MLB_ROW_MEASURED,
                                   .verified = true,
                                   .work = {.formula = "gemm.2mnk", .flop = 1e12, .bytes = 1e9},
                                   .time = {.n = 30, .median = 1e6}};
}

static void fill_name(struct launches *launches, size_t c)
{
    mlb_format(launches->ids[c], sizeof launches->ids[c], "gemm[cuda,size=%zu]", c);
    strcpy(launches->params[c][0].name, "size");
    mlb_format(launches->params[c][0].value, sizeof launches->params[c][0].value, "%zu", c);
    launches->names[c] = (struct mlb_case_name){.id = launches->ids[c],
                                                .workload = "gemm",
                                                .label = launches->ids[c],
                                                .device = "cuda:0",
                                                .params = launches->params[c],
                                                .param_count = 1};
}

void launches_init(struct launches *launches, size_t cases, size_t base, size_t other)
{
    *launches = (struct launches){.cases = cases};
    launches->items = calloc(base + other + 1, sizeof *launches->items);
    launches->rows = calloc((base + other + 1) * CASES, sizeof *launches->rows);
    launches->side[MLB_BASE] = (struct mlb_digests){.items = launches->items, .count = base};
    launches->side[MLB_NEW] = (struct mlb_digests){.items = launches->items + base, .count = other};
    for (size_t c = 0; c < cases; c++)
        fill_name(launches, c);
    for (size_t d = 0; d < base + other; d++) {
        int side = d < base ? MLB_BASE : MLB_NEW;
        launches->items[d] = (struct mlb_digest){.path = side == MLB_BASE ? "a.json" : "b.json",
                                                 .version = "0.1.0",
                                                 .git = "",
                                                 .host_kind = "8x-nvidia-h200",
                                                 .data = "normal",
                                                 .ranks = 8,
                                                 .nodes = 1,
                                                 .ranks_per_node = 8,
                                                 .device_kind = "cuda",
                                                 .device = "NVIDIA H200",
                                                 .device_count = 8,
                                                 .facts = launches->fact_list[side],
                                                 .rows = &launches->rows[d * CASES],
                                                 .row_count = cases};
        for (size_t c = 0; c < cases; c++)
            fill_row(launches, &launches->rows[d * CASES + c], c);
    }
}

void launches_free(struct launches *launches)
{
    free(launches->items);
    free(launches->rows);
}

void launches_set(struct launches *launches, int side, size_t launch, size_t c, double ns)
{
    launches_row(launches, side, launch, c)->time.median = ns;
}

void launches_spread(struct launches *launches, int side, size_t c, double ns, double sd,
                     uint64_t seed)
{
    for (size_t l = 0; l < launches->side[side].count; l++)
        launches_set(launches, side, l, c, ns * exp(sd * mlb_rng_normal(seed, l)));
}

void launches_work(struct launches *launches, int side, size_t c, struct mlb_work work)
{
    for (size_t l = 0; l < launches->side[side].count; l++) {
        struct mlb_digest_row *row = launches_row(launches, side, l, c);
        row->work = work;
        row->formula = work.formula;
    }
}

void launches_fact(struct launches *launches, int side, const char *name, const char *value)
{
    struct mlb_digests *digests = &launches->side[side];
    size_t at = digests->items[0].fact_count;
    mlb_format(launches->facts[side][at].name, sizeof launches->facts[side][at].name, "%s", name);
    mlb_format(launches->facts[side][at].value, sizeof launches->facts[side][at].value, "%s",
               value);
    launches->fact_list[side][at] = &launches->facts[side][at];
    for (size_t l = 0; l < digests->count; l++)
        digests->items[l].fact_count = at + 1;
}
