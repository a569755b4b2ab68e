/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up records and offers for the tests of costs: round figures that one can check by hand. */
#ifndef MLB_TESTS_ANALYSIS_MARKET_H
#define MLB_TESTS_ANALYSIS_MARKET_H

#include <stdio.h>

#include "harness/analysis/ranking.h"
#include "harness/base/text.h"

#define MARKET_ROWS     8
#define MARKET_LAUNCHES 64

/* Cases: names are the same pointers in all records, as a reader keeps them. */
static const struct mlb_param market_layer[] = {
    {"dtype", "bf16"}, {"m", "8192"}, {"n", "6144"}, {"k", "4096"}, {"model", "llama3-8b"}};
static const struct mlb_param market_large[] = {
    {"dtype", "bf16"}, {"m", "8192"}, {"n", "8192"}, {"k", "8192"}, {"model", "none"}};
static const struct mlb_param market_small[] = {
    {"dtype", "bf16"}, {"m", "8192"}, {"n", "8192"}, {"k", "64"}, {"model", "none"}};
static const struct mlb_param market_f32[] = {
    {"dtype", "f32"}, {"m", "4096"}, {"n", "4096"}, {"k", "4096"}, {"model", "none"}};
static const struct mlb_param market_typed[] = {{"dtype", "bf16"}};
static const struct mlb_param market_copy[] = {{"op", "copy"}};
static const struct mlb_param market_all[] = {{"scope", "all"}};
static const struct mlb_param market_node[] = {{"scope", "node"}};

#define CASE(id, workload, params)                                                                 \
    {                                                                                              \
        id, workload, id, "cuda", params, sizeof(params) / sizeof *(params)                        \
    }
enum market_case {
    LAYER,
    LAYER2,
    LARGE,
    SMALL,
    LARGE_F32,
    ATTENTION,
    MEMORY,
    REDUCE,
    REDUCE_NODE,
    VARIANT
};
static const struct mlb_case_name market_names[] = {
    [LAYER] = CASE("gemm[cuda,dtype=bf16,model=llama3-8b,layer=qkv]", "gemm", market_layer),
    [LAYER2] = CASE("gemm[cuda,dtype=bf16,model=llama3-8b,layer=o]", "gemm", market_layer),
    [LARGE] = CASE("gemm[cuda,dtype=bf16,m=8192]", "gemm", market_large),
    [SMALL] = CASE("gemm[cuda,dtype=bf16,k=64]", "gemm", market_small),
    [LARGE_F32] = CASE("gemm[cuda,dtype=f32,m=4096]", "gemm", market_f32),
    [ATTENTION] = CASE("attention[cuda,dtype=bf16]", "attention", market_typed),
    [MEMORY] = CASE("memory[cuda,op=copy]", "memory", market_copy),
    [REDUCE] = CASE("all_reduce[cuda,bytes=1GiB,scope=all]", "all_reduce", market_all),
    [REDUCE_NODE] = CASE("all_reduce[cuda,bytes=1GiB,scope=node]", "all_reduce", market_node),
    [VARIANT] = CASE("gemm[cuda,wgmma,dtype=bf16,m=8192]", "gemm", market_large),
};
#undef CASE

/* A step of `work` FLOP or bytes in `seconds`, between 0.8 and 1.25 times of that. */
static inline struct mlb_digest_row market_row(enum market_case which, double work, double seconds)
{
    struct mlb_digest_row row = {
        .name = &market_names[which],
        .variant = "",
        .library = "",
        .formula = "f",
        .status = MLB_ROW_MEASURED,
        .verified = true,
        .time = {.n = 20,
                 .median = seconds * 1e9,
                 .interval = {.known = true, .low = 0.8e9 * seconds, .high = 1.25e9 * seconds}},
    };
    bool bytes = which == MEMORY || which == REDUCE || which == REDUCE_NODE;
    *(bytes ? &row.work.bytes : &row.work.flop) = work;
    if (which == REDUCE || which == REDUCE_NODE) {
        row.work.bus_factor = 1.75;
        row.work.ranks = 8;
        row.work.nodes = 1;
    }
    return row;
}

/* A market of machines with 8 GPUs, one offer each unless more are added. */
struct market {
    struct mlb_digest digests[MARKET_LAUNCHES];
    struct mlb_digest_row rows[MARKET_LAUNCHES][MARKET_ROWS];
    char run_ids[MARKET_LAUNCHES][16];
    const struct mlb_digest *launches[MARKET_LAUNCHES];
    struct mlb_measured measured[8];
    struct mlb_offer items[16];
    struct mlb_offers offers;
    size_t launch_count;
};

static inline void market_open(struct market *market)
{
    *market = (struct market){0};
    market->offers.measured = market->measured;
    market->offers.items = market->items;
}

static inline struct mlb_offer *market_offer(struct market *market, struct mlb_measured *measured,
                                             enum mlb_purchase way, double usd_per_hour)
{
    struct mlb_offer *offer = &market->items[market->offers.count++];
    *offer = (struct mlb_offer){.measured = measured,
                                .purchase = way,
                                .price = {.known = true,
                                          .low = usd_per_hour,
                                          .median = usd_per_hour,
                                          .high = usd_per_hour,
                                          .count = 1}};
    return offer;
}

/* A machine of 8 GPUs at this price, without a launch. */
static inline struct mlb_measured *market_machine(struct market *market, const char *name,
                                                  double usd_per_hour)
{
    struct mlb_measured *measured = &market->measured[market->offers.measured_count++];
    *measured = (struct mlb_measured){
        .provider = name,
        .service = "",
        .instance = "8x",
        .region = "",
        .device_kind = "cuda",
        .device = "GPU",
        .nodes = 1,
        .ranks = 8,
        .gpus = 8,
        .launches = &market->launches[market->launch_count],
    };
    mlb_format(measured->name, sizeof measured->name, "%s 8x", name);
    market_offer(market, measured, MLB_ON_DEMAND, usd_per_hour);
    return measured;
}

/* One more launch of the machine that was added last. */
static inline struct mlb_digest *market_launch(struct market *market)
{
    struct mlb_measured *measured = &market->measured[market->offers.measured_count - 1];
    size_t at = market->launch_count++;
    mlb_format(market->run_ids[at], sizeof market->run_ids[at], "run%zu", at);
    market->digests[at] = (struct mlb_digest){
        .run_id = market->run_ids[at],
        .data = "normal",
        .ranks = measured->ranks,
        .nodes = measured->nodes,
        .device_kind = "cuda",
        .rows = market->rows[at],
    };
    market->launches[at] = &market->digests[at];
    measured->launch_count++;
    return &market->digests[at];
}

static inline void market_add(struct mlb_digest *digest, struct mlb_digest_row row)
{
    digest->rows[digest->row_count++] = row;
}

/* `n` launches of one case whose seconds are base x (1 + spread x i), i = 0 .. n-1. */
static inline void market_launches(struct market *market, size_t n, enum market_case which,
                                   double work, double base, double spread)
{
    for (size_t i = 0; i < n; i++)
        market_add(market_launch(market), market_row(which, work, base * (1 + spread * (double)i)));
}

#endif
