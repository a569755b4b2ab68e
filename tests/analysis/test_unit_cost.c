/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "tests/analysis/market.h"

static struct mlb_unit_times times_of(struct market *market, const char *only)
{
    struct mlb_metrics metrics = {0};
    struct mlb_unit_times times = {0};
    struct mlb_error err = {0};
    check_ok(mlb_metrics_find(&metrics, &market->offers, only, &err), &err);
    check_ok(mlb_unit_times_build(&times, &market->offers, &metrics, &err), &err);
    return times;
}

static void test_classes(void **state)
{
    (void)state;
    static const struct {
        enum market_case which;
        double work;
        enum mlb_work_class expected;
    } table[] = {
        {LAYER, 1e12, MLB_WORK_GEMM_LAYER},    {LARGE, 1e12, MLB_WORK_GEMM_LARGE},
        {SMALL, 1e9, MLB_WORK_GEMM_SMALL},     {ATTENTION, 1e12, MLB_WORK_ATTENTION},
        {MEMORY, 1e9, MLB_WORK_MEMORY},        {REDUCE, 1 << 30, MLB_WORK_ALL_REDUCE},
        {REDUCE, 1 << 20, MLB_WORK_NONE},      /* short: its latency is what counts */
        {REDUCE_NODE, 1 << 30, MLB_WORK_NONE}, /* not among all ranks */
        {VARIANT, 1e12, MLB_WORK_NONE},        /* a study of a kernel */
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_digest_row row = market_row(table[i].which, table[i].work, 1.0);
        check_i64(mlb_work_class(&row), table[i].expected);
    }
}

/* 8 GPUs x 1e15 FLOP/s at $36 an hour, a cent a second: 125,000 s for 10^21 FLOP, $1,250.
 * 8 x 1e12 B/s: 3600 TB take 450 s, $4.50. 1e9 bytes reduced in 10 ms: 10^15 take 10^4 s, $100,
 * whatever the ranks. */
static void test_by_hand(void **state)
{
    (void)state;
    struct market market;
    market_open(&market);
    market_machine(&market, "a", 36.0);
    struct mlb_digest *digest = market_launch(&market);
    market_add(digest, market_row(LARGE, 1e15, 1.0));
    market_add(digest, market_row(MEMORY, 1e12, 1.0));
    market_add(digest, market_row(REDUCE, 1e9, 0.01));
    struct mlb_unit_times times = times_of(&market, NULL);
    static const struct {
        double dollars;
        const char *name, *per;
    } expected[] = {{1250.0, "gemm bf16 large", "10^21 FLOP"},
                    {4.5, "memory", "TB/s-hour"},
                    {100.0, "all_reduce 1x8", "PB reduced"}};
    check_u64(times.metrics.count, 3);
    for (size_t m = 0; m < 3; m++) {
        struct mlb_spread cost = mlb_unit_cost(&times, &market.items[0], m, 0);
        check_text(times.metrics.items[m].name, expected[m].name);
        check_text(times.metrics.items[m].per, expected[m].per);
        check_close(cost.value, expected[m].dollars, 1e-12);
        check_close(cost.low, 0.8 * expected[m].dollars, 1e-12);
        check_close(cost.high, 1.25 * expected[m].dollars, 1e-12);
        check_i64(cost.of, MLB_INTERVAL_SAMPLES);
    }
    mlb_unit_times_free(&times);
}

/* Cases together: all of their work in all of their time, 3e15 FLOP in 4 s and not the mean of 1
 * and 0.667 PFLOP/s. */
static void test_cases_add_up(void **state)
{
    (void)state;
    struct market market;
    market_open(&market);
    market_machine(&market, "a", 36.0);
    struct mlb_digest *digest = market_launch(&market);
    market_add(digest, market_row(LAYER, 1e15, 1.0));
    market_add(digest, market_row(LAYER2, 2e15, 3.0));
    market_add(digest, market_row(LAYER2, 2e15, 9.0)); /* twice in a record: once */
    struct mlb_unit_times times = times_of(&market, NULL);
    check_u64(times.metrics.count, 1);
    check_close(mlb_unit_cost(&times, &market.items[0], 0, 0).value, 1e21 / 8 / 0.75e15 * 0.01,
                1e-12);
    mlb_unit_times_free(&times);
}

static void test_only_what_all_have(void **state)
{
    (void)state;
    struct market market;
    market_open(&market);
    market_machine(&market, "a", 36.0);
    struct mlb_digest *digest = market_launch(&market);
    market_add(digest, market_row(LAYER, 1e15, 1.0));
    market_add(digest, market_row(LAYER2, 1e15, 100.0)); /* b has not done it */
    market_add(digest, market_row(LARGE_F32, 1e15, 10.0));
    market_machine(&market, "b", 36.0);
    digest = market_launch(&market);
    market_add(digest, market_row(LAYER, 1e15, 1.0));
    struct mlb_unit_times times = times_of(&market, NULL);
    check_u64(times.metrics.count, 2);
    check_u64(times.metrics.items[0].case_count, 1);
    check_u64(times.metrics.items[0].uncommon, 1);
    check_u64(times.metrics.items[0].measured_count, 2);
    check_u64(times.metrics.items[1].measured_count, 1); /* nobody to compare with */
    check_close(mlb_unit_cost(&times, &market.items[0], 0, 0).value, 1250.0, 1e-12);
    check_close(mlb_unit_cost(&times, &market.items[1], 0, 0).value, 1250.0, 1e-12);
    check_true(!mlb_offer_has(&times, &market.items[1], 1));
    mlb_unit_times_free(&times);
}

static void test_nothing_in_common(void **state)
{
    (void)state;
    struct market market;
    market_open(&market);
    market_machine(&market, "a", 36.0);
    market_launches(&market, 1, LAYER, 1e15, 1.0, 0);
    market_machine(&market, "b", 36.0);
    market_launches(&market, 1, LAYER2, 1e15, 1.0, 0);
    struct mlb_unit_times times = times_of(&market, NULL);
    check_u64(times.metrics.count, 0);
    check_u64(times.metrics.apart, 1);
    mlb_unit_times_free(&times);
}

/* Another formula is other work; what is wrong, not measured or of the host's CPU is no result. */
static void test_only_results(void **state)
{
    (void)state;
    static const struct mlb_case_name cpu = {.id = "gemm[cpu,dtype=bf16]",
                                             .workload = "gemm",
                                             .label = "",
                                             .device = "cpu",
                                             .params = market_large,
                                             .param_count = 5};
    struct mlb_digest_row rows[5];
    for (size_t i = 0; i < 5; i++)
        rows[i] = market_row(LARGE, 1e15, 1.0);
    rows[0].verified = false;
    rows[1].status = MLB_ROW_UNTRUSTED;
    rows[2].name = &cpu;
    rows[3].time = (struct mlb_summary){0};
    rows[4].work.flop = 0.0;
    for (size_t i = 0; i < 5; i++) {
        struct market market;
        market_open(&market);
        market_machine(&market, "a", 36.0);
        market_add(market_launch(&market), rows[i]);
        struct mlb_unit_times times = times_of(&market, NULL);
        check_u64(times.metrics.count, 0);
        mlb_unit_times_free(&times);
    }
}

static void test_formulas_do_not_mix(void **state)
{
    (void)state;
    struct market market;
    market_open(&market);
    market_machine(&market, "a", 36.0);
    market_launches(&market, 1, LARGE, 1e15, 1.0, 0);
    market_machine(&market, "b", 36.0);
    market_launches(&market, 1, LARGE, 1e15, 1.0, 0);
    market.rows[1][0].formula = "g";
    struct mlb_unit_times times = times_of(&market, NULL);
    check_u64(times.metrics.apart, 1);
    mlb_unit_times_free(&times);
}

/* Below six launches their range, from six on the interval of the median by order: of six and seven
 * all of them, of nine the second to the eighth. */
static void test_intervals(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        double middle, low, high;
        enum mlb_interval_of of;
    } table[] = {{2, 1.05, 1.0, 1.1, MLB_INTERVAL_RANGE},
                 {5, 1.2, 1.0, 1.4, MLB_INTERVAL_RANGE},
                 {6, 1.25, 1.0, 1.5, MLB_INTERVAL_LAUNCHES},
                 {9, 1.4, 1.1, 1.7, MLB_INTERVAL_LAUNCHES}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct market market;
        market_open(&market);
        market_machine(&market, "a", 36.0);
        market_launches(&market, table[i].n, LARGE, 1e15, 1.0, 0.1);
        struct mlb_unit_times times = times_of(&market, NULL);
        struct mlb_spread cost = mlb_unit_cost(&times, &market.items[0], 0, 0);
        check_u64(cost.n, table[i].n);
        check_close(cost.value, 1250.0 * table[i].middle, 1e-12);
        check_close(cost.low, 1250.0 * table[i].low, 1e-12);
        check_close(cost.high, 1250.0 * table[i].high, 1e-12);
        check_i64(cost.of, table[i].of);
        mlb_unit_times_free(&times);
    }
}

/* A launch that lacks a case of the metric does not count for it. */
static void test_launch_with_a_gap(void **state)
{
    (void)state;
    struct market market;
    market_open(&market);
    market_machine(&market, "a", 36.0);
    struct mlb_digest *whole = market_launch(&market);
    market_add(whole, market_row(LAYER, 1e15, 1.0));
    market_add(whole, market_row(LAYER2, 1e15, 1.0));
    market_add(market_launch(&market), market_row(LAYER, 1e15, 50.0));
    struct mlb_unit_times times = times_of(&market, NULL);
    struct mlb_spread cost = mlb_unit_cost(&times, &market.items[0], 0, 0);
    check_u64(cost.n, 1);
    check_close(cost.value, 1250.0, 1e-12);
    mlb_unit_times_free(&times);
}

static void test_price_and_machines(void **state)
{
    (void)state;
    struct market market;
    market_open(&market);
    struct mlb_measured *measured = market_machine(&market, "a", 36.0);
    struct mlb_offer *twice = market_offer(&market, measured, MLB_RESERVED_1Y, 72.0);
    struct mlb_digest *digest = market_launch(&market);
    market_add(digest, market_row(LARGE, 1e15, 1.0));
    market_add(digest, market_row(REDUCE, 1e9, 0.01));
    struct mlb_unit_times times = times_of(&market, NULL);
    check_close(mlb_unit_cost(&times, twice, 0, 0).value, 2500.0, 1e-12);
    /* 12 GPUs take two machines of 8, of which 4 GPUs idle: 16/12 of the price. */
    check_close(mlb_offer_machines(twice, 12), 2.0, 0);
    check_close(mlb_unit_cost(&times, twice, 0, 12).value, 2500.0 * 16 / 12, 1e-12);
    check_close(mlb_unit_cost(&times, twice, 0, 16).value, 2500.0, 1e-12);
    /* A collective among more ranks is another one: it stays as measured. */
    check_close(mlb_unit_cost(&times, twice, 1, 12).value, 200.0, 1e-12);
    mlb_unit_times_free(&times);
}

/* One of eight GPUs was measured: all eight are paid and taken to be as fast. Two machines: twice
 * the price and twice the ranks. */
static void test_idle_and_several(void **state)
{
    (void)state;
    struct market market;
    market_open(&market);
    market_machine(&market, "a", 36.0)->ranks = 1;
    market_launches(&market, 1, LARGE, 1e15, 1.0, 0);
    struct mlb_measured *two = market_machine(&market, "b", 36.0);
    two->nodes = 2;
    two->ranks = 16;
    market_launches(&market, 1, LARGE, 1e15, 1.0, 0);
    struct mlb_unit_times times = times_of(&market, NULL);
    check_close(mlb_unit_cost(&times, &market.items[0], 0, 0).value, 1250.0, 1e-12);
    check_close(mlb_unit_cost(&times, &market.items[1], 0, 0).value, 1250.0, 1e-12);
    mlb_unit_times_free(&times);
}

static void test_only_pattern(void **state)
{
    (void)state;
    struct market market;
    market_open(&market);
    market_machine(&market, "a", 36.0);
    struct mlb_digest *digest = market_launch(&market);
    market_add(digest, market_row(LARGE, 1e15, 1.0));
    market_add(digest, market_row(MEMORY, 1e12, 1.0));
    struct mlb_unit_times times = times_of(&market, "memory*");
    check_u64(times.metrics.count, 1);
    check_text(times.metrics.items[0].name, "memory");
    mlb_unit_times_free(&times);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_cases_add_up),
        cmocka_unit_test(test_only_what_all_have),
        cmocka_unit_test(test_nothing_in_common),
        cmocka_unit_test(test_only_results),
        cmocka_unit_test(test_formulas_do_not_mix),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_launch_with_a_gap),
        cmocka_unit_test(test_price_and_machines),
        cmocka_unit_test(test_idle_and_several),
        cmocka_unit_test(test_only_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
