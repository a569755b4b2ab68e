/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/analysis/list_order.h"
#include "harness/analysis/resample.h"
#include "harness/base/rng.h"
#include "tests/analysis/market.h"

/* Three launches, drawn three times: the lowest is the median when it is drawn twice or more often,
 * 7 times of 27; so is the highest. */
static void test_medians_of_what_is_drawn(void **state)
{
    (void)state;
    static const double values[] = {4.0, NAN, 1.0, 7.0, 2.0, NAN}; /* [launch][column] */
    static double drawn[MLB_RESAMPLES];
    check_true(mlb_resample_medians(drawn, MLB_RESAMPLES, values, 3, 2, 5, 0));
    size_t lowest = 0, highest = 0;
    for (size_t b = 0; b < MLB_RESAMPLES; b++) {
        double first = exp(2.0 * drawn[b]) / 7.0; /* the second column has one launch, always 7 */
        lowest += fabs(first - 1.0) < 1e-9;
        highest += fabs(first - 4.0) < 1e-9;
    }
    /* Resamples without that launch are drawn again, which asks for launch 1 and so for its 1. */
    check_true(lowest > highest);
    static const double whole[] = {4.0, 1.0, 2.0};
    check_true(mlb_resample_medians(drawn, MLB_RESAMPLES, whole, 3, 1, 5, 0));
    lowest = highest = 0;
    for (size_t b = 0; b < MLB_RESAMPLES; b++) {
        lowest += fabs(exp(drawn[b]) - 1.0) < 1e-9;
        highest += fabs(exp(drawn[b]) - 4.0) < 1e-9;
    }
    check_close((double)lowest / MLB_RESAMPLES, 7.0 / 27.0, 0.06);
    check_close((double)highest / MLB_RESAMPLES, 7.0 / 27.0, 0.06);
    /* Even numbers: the mean of the two in the middle is drawn too. */
    check_true(mlb_resample_medians(drawn, MLB_RESAMPLES, whole, 2, 1, 5, 0));
    size_t middle = 0;
    for (size_t b = 0; b < MLB_RESAMPLES; b++)
        middle += fabs(exp(drawn[b]) - 2.5) < 1e-9;
    check_close((double)middle / MLB_RESAMPLES, 0.5, 0.04);
}

struct race {
    struct market market;
    struct mlb_unit_times times;
    struct mlb_ranking ranking;
    const struct mlb_offer *offers[16];
    size_t metrics[MLB_WORK_CLASSES];
    size_t metric_count;
};

/* All offers by their headline metrics. */
static void run(struct race *race, uint64_t gpus)
{
    struct mlb_metrics metrics = {0};
    struct mlb_error err = {0};
    check_ok(mlb_metrics_find(&metrics, &race->market.offers, NULL, &err), &err);
    check_ok(mlb_unit_times_build(&race->times, &race->market.offers, &metrics, &err), &err);
    for (size_t i = 0; i < race->market.offers.count; i++)
        race->offers[i] = &race->market.items[i];
    race->metric_count =
        mlb_headline_metrics(&race->times, race->offers, race->market.offers.count, race->metrics);
    check_true(race->metric_count > 0);
    const struct mlb_contest contest = {.times = &race->times,
                                        .offers = race->offers,
                                        .offer_count = race->market.offers.count,
                                        .metrics = race->metrics,
                                        .metric_count = race->metric_count,
                                        .gpus = gpus,
                                        .seed = mlb_ranking_seed(&race->market.offers)};
    check_ok(mlb_rank(&race->ranking, &contest, &err), &err);
}

static void done(struct race *race)
{
    mlb_ranking_free(&race->ranking);
    mlb_unit_times_free(&race->times);
}

static void open(struct race *race)
{
    memset(race, 0, sizeof *race);
    market_open(&race->market);
}

static double firsts(const struct race *race)
{
    double sum = 0.0;
    for (size_t i = 0; i < race->ranking.count; i++)
        sum += race->ranking.places[i].first;
    return sum;
}

static void test_separated(void **state)
{
    (void)state;
    struct race race;
    open(&race);
    market_machine(&race.market, "dear", 40.0);
    market_launches(&race.market, 8, LARGE, 1e15, 1.0, 0.001);
    market_machine(&race.market, "cheap", 30.0);
    market_launches(&race.market, 8, LARGE, 1e15, 1.1, 0.001);
    run(&race, 0);
    const struct mlb_place *places = race.ranking.places;
    check_text(places[0].offer->measured->provider, "cheap");
    check_close(places[0].first, 1.0, 1e-9);
    check_true(places[1].first == 0.0);
    check_i64(race.ranking.lead, MLB_LEAD_CLEAR);
    check_u64(race.ranking.fewest, 8);
    /* dear costs as much at 30 x 1.1: its price x the ratio of the times; cheap at 40 / 1.1. */
    check_close(places[1].break_even.value, 33.0, 1e-12);
    check_close(places[0].break_even.value, 40.0 / 1.1, 1e-12);
    check_i64(places[1].break_even.of, MLB_INTERVAL_BOOTSTRAP);
    check_true(places[1].break_even.low < 33.0 && places[1].break_even.low > 32.7);
    check_true(places[1].break_even.high > 33.0 && places[1].break_even.high < 33.3);
    done(&race);
}

/* The same launches on both sides: a coin. */
static void test_equal(void **state)
{
    (void)state;
    struct race race;
    open(&race);
    for (int i = 0; i < 2; i++) {
        market_machine(&race.market, i ? "a" : "b", 36.0);
        market_launches(&race.market, 9, LARGE, 1e15, 1.0, 0.01);
    }
    run(&race, 0);
    check_i64(race.ranking.lead, MLB_LEAD_TIE);
    check_true(race.ranking.places[0].first > 0.48 && race.ranking.places[0].first < 0.52);
    check_close(firsts(&race), 1.0, 1e-9);
    done(&race);
}

/* Nothing scatters and all is the same: shared equally, to the last digit. */
static void test_exact_tie(void **state)
{
    (void)state;
    struct race race;
    open(&race);
    for (int i = 0; i < 4; i++) {
        market_machine(&race.market, "a", 36.0);
        market_launches(&race.market, 3, LARGE, 1e15, 1.0, 0.0);
    }
    run(&race, 0);
    for (size_t i = 0; i < 4; i++)
        check_close(race.ranking.places[i].first, 0.25, 1e-9);
    done(&race);
}

static void test_one_launch_tells_nothing(void **state)
{
    (void)state;
    struct race race;
    open(&race);
    market_machine(&race.market, "a", 36.0);
    market_launches(&race.market, 8, LARGE, 1e15, 1.0, 0.001);
    market_machine(&race.market, "b", 72.0);
    market_launches(&race.market, 1, LARGE, 1e15, 1.0, 0);
    run(&race, 0);
    check_i64(race.ranking.lead, MLB_LEAD_UNKNOWN);
    check_true(isnan(race.ranking.places[0].first));
    check_u64(race.ranking.fewest, 1);
    check_text(race.ranking.fewest_of->provider, "b");
    /* Within the launch: from 0.8 to 1.25 of its time, against the others' interval. */
    check_i64(race.ranking.places[1].break_even.of, MLB_INTERVAL_SAMPLES);
    check_close(race.ranking.places[1].break_even.high, 36.0 / 0.8 * 1.007, 1e-3);
    done(&race);
}

/* A third machine with one launch hides nothing of the other two, and nothing is clear beside it.
 */
static void test_one_launch_of_a_third(void **state)
{
    (void)state;
    struct race race;
    open(&race);
    market_machine(&race.market, "a", 36.0);
    market_launches(&race.market, 8, LARGE, 1e15, 1.0, 0.001);
    market_machine(&race.market, "b", 54.0);
    market_launches(&race.market, 8, LARGE, 1e15, 1.0, 0.001);
    market_machine(&race.market, "c", 72.0);
    market_launches(&race.market, 1, LARGE, 1e15, 1.0, 0);
    run(&race, 0);
    check_i64(race.ranking.lead, MLB_LEAD_LIKELY);
    check_close(race.ranking.places[0].first, 1.0, 1e-9);
    check_close(race.ranking.places[1].first, 0.0, 1e-9);
    check_true(isnan(race.ranking.places[2].first));
    check_text(race.ranking.fewest_of->provider, "c");
    done(&race);
}

/* Five launches each, however far apart: too few. */
static void test_five_launches_are_not_clear(void **state)
{
    (void)state;
    struct race race;
    open(&race);
    market_machine(&race.market, "a", 36.0);
    market_launches(&race.market, 5, LARGE, 1e15, 1.0, 0.001);
    market_machine(&race.market, "b", 72.0);
    market_launches(&race.market, 5, LARGE, 1e15, 1.0, 0.001);
    run(&race, 0);
    check_i64(race.ranking.lead, MLB_LEAD_LIKELY);
    check_close(race.ranking.places[0].first, 1.0, 1e-9);
    done(&race);
}

/* One machine in two ways of buying: the price decides, and the break-even is the other's price. */
static void test_same_machine(void **state)
{
    (void)state;
    struct race race;
    open(&race);
    struct mlb_measured *measured = market_machine(&race.market, "a", 36.0);
    market_offer(&race.market, measured, MLB_SPOT, 9.0);
    market_launches(&race.market, 8, LARGE, 1e15, 1.0, 0.1);
    run(&race, 0);
    check_i64(race.ranking.lead, MLB_LEAD_PRICE);
    check_i64(race.ranking.places[0].offer->purchase, MLB_SPOT);
    check_close(race.ranking.places[0].first, 1.0, 1e-9);
    check_close(race.ranking.places[1].break_even.value, 9.0, 1e-12);
    check_close(race.ranking.places[1].break_even.low, 9.0, 1e-12);
    done(&race);
}

static void test_alone(void **state)
{
    (void)state;
    struct race race;
    open(&race);
    market_machine(&race.market, "a", 36.0);
    market_launches(&race.market, 1, LARGE, 1e15, 1.0, 0);
    run(&race, 0);
    check_i64(race.ranking.lead, MLB_LEAD_ALONE);
    check_true(isnan(race.ranking.places[0].break_even.value));
    check_close(race.ranking.places[0].cost.value, 1250.0, 1e-12);
    done(&race);
}

static void two_metrics(struct race *race, const char *name, double price, double gemm, double copy)
{
    market_machine(&race->market, name, price);
    struct mlb_digest *digest = market_launch(&race->market);
    market_add(digest, market_row(LARGE, 1e15, gemm));
    market_add(digest, market_row(MEMORY, 1e12, copy));
}

/* a costs half as much as b and four times as much: sqrt(2) by the geometric mean. */
static void test_geometric_mean(void **state)
{
    (void)state;
    struct race race;
    open(&race);
    two_metrics(&race, "a", 36.0, 1.0, 4.0);
    two_metrics(&race, "b", 36.0, 2.0, 1.0);
    run(&race, 0);
    check_u64(race.metric_count, 2);
    check_text(race.ranking.places[0].offer->measured->provider, "b");
    check_close(race.ranking.places[1].cost.value / race.ranking.places[0].cost.value, sqrt(2.0),
                1e-12);
    check_close(race.ranking.places[1].break_even.value, 36.0 / sqrt(2.0), 1e-12);
    done(&race);
}

/* At its break-even price an offer costs what the first one does, whatever the launches. */
static void test_break_even_property(void **state)
{
    (void)state;
    for (int i = 1; i <= 20; i++) {
        struct race race, again;
        open(&race);
        two_metrics(&race, "a", 10.0 + i, 1.0 + 0.1 * i, 1.0);
        two_metrics(&race, "b", 20.0, 1.0, 1.0 + 0.05 * i);
        open(&again);
        run(&race, 0);
        double even = race.ranking.places[1].break_even.value;
        size_t second = (size_t)(race.ranking.places[1].offer - race.market.items);

        two_metrics(&again, "a", second == 0 ? even : 10.0 + i, 1.0 + 0.1 * i, 1.0);
        two_metrics(&again, "b", second == 1 ? even : 20.0, 1.0, 1.0 + 0.05 * i);
        run(&again, 0);
        check_close(again.ranking.places[0].cost.value, again.ranking.places[1].cost.value, 1e-9);
        done(&race);
        done(&again);
    }
}

/* All launches of a metric together: the medians of 4 and 6 launches, interval by the bootstrap. */
static void test_bootstrap_of_several_metrics(void **state)
{
    (void)state;
    struct race race;
    open(&race);
    for (int i = 0; i < 2; i++) {
        market_machine(&race.market, i ? "a" : "b", 36.0 + i);
        for (int l = 0; l < 7; l++) {
            struct mlb_digest *digest = market_launch(&race.market);
            market_add(digest, market_row(LARGE, 1e15, 1.0 + 0.01 * l));
            market_add(digest, market_row(MEMORY, 1e12, 1.0 + 0.01 * (6 - l)));
        }
    }
    run(&race, 0);
    const struct mlb_spread cost = race.ranking.places[0].cost;
    check_i64(cost.of, MLB_INTERVAL_BOOTSTRAP);
    /* A launch that is slow in one metric is fast in the other: together the cost hardly moves. */
    check_true(cost.low > 0.999 * cost.value && cost.high < 1.001 * cost.value);
    done(&race);
}

/* Two equal machines, again and again: one is always ahead, and hardly ever clearly. */
static void test_equal_is_hardly_ever_clear(void **state)
{
    (void)state;
    enum { COMPARISONS = 200 };
    size_t clear = 0;
    for (uint64_t i = 0; i < COMPARISONS; i++) {
        struct race race;
        open(&race);
        for (uint64_t side = 0; side < 2; side++) {
            market_machine(&race.market, side ? "a" : "b", 36.0);
            for (uint64_t l = 0; l < MLB_LAUNCHES_FOR_CLEAR; l++)
                market_add(market_launch(&race.market),
                           market_row(LARGE, 1e15,
                                      1.0 + 0.005 * (double)mlb_rng_normal(3 + side, 100 * i + l)));
        }
        run(&race, 0);
        clear += race.ranking.lead == MLB_LEAD_CLEAR;
        done(&race);
    }
    check_true(clear <= COMPARISONS / 20);
}

static void test_reproducible(void **state)
{
    (void)state;
    struct race a, b;
    for (int i = 0; i < 2; i++) {
        struct race *race = i ? &b : &a;
        open(race);
        market_machine(&race->market, "a", 36.0);
        market_launches(&race->market, 5, LARGE, 1e15, 1.0, 0.02);
        market_machine(&race->market, "b", 37.0);
        market_launches(&race->market, 5, LARGE, 1e15, 1.0, 0.01);
        run(race, 0);
    }
    check_close(a.ranking.places[0].first, b.ranking.places[0].first, 0);
    check_true(a.ranking.places[0].first > 0.0 && a.ranking.places[0].first < 1.0);
    done(&a);
    done(&b);
}

static void test_headline(void **state)
{
    (void)state;
    struct race race;
    open(&race);
    market_machine(&race.market, "a", 36.0);
    struct mlb_digest *digest = market_launch(&race.market);
    market_add(digest, market_row(LARGE_F32, 1e15, 1.0));
    market_add(digest, market_row(LARGE, 1e15, 1.0));
    market_add(digest, market_row(ATTENTION, 1e15, 1.0));
    market_add(digest, market_row(REDUCE, 1e9, 1.0));
    market_machine(&race.market, "b", 36.0);
    digest = market_launch(&race.market);
    market_add(digest, market_row(LARGE_F32, 1e15, 1.0));
    market_add(digest, market_row(ATTENTION, 1e15, 1.0));
    run(&race, 0);
    /* bf16 says more, but b has f32 alone; and no all_reduce. */
    check_u64(race.metric_count, 2);
    check_text(race.times.metrics.items[race.metrics[0]].name, "gemm f32 large");
    check_text(race.times.metrics.items[race.metrics[1]].name, "attention bf16");
    done(&race);
}

static void test_list_order(void **state)
{
    (void)state;
    struct mlb_peaks peaks = {0};
    struct mlb_error err = {0};
    check_ok(mlb_peaks_open(&peaks, MLB_TEST_SOURCE_DIR "/configs/devices.json", &err), &err);
    struct race race;
    open(&race);
    /* An A100 at half the price of an H100 that does three times as much. */
    market_machine(&race.market, "old", 16.0)->device = "NVIDIA A100-SXM4-80GB";
    market_launches(&race.market, 1, LARGE, 1e15, 3.0, 0);
    market_machine(&race.market, "new", 32.0)->device = "NVIDIA H100 80GB HBM3";
    market_launches(&race.market, 1, LARGE, 1e15, 1.0, 0);
    run(&race, 0);
    struct mlb_list_place places[2];
    mlb_list_order(places, &race.ranking, &race.times.metrics.items[race.metrics[0]], &peaks);
    check_text(places[0].offer->measured->provider, "new");
    check_close(places[0].usd_per_gpu_hour, 4.0, 1e-12);
    check_u64(places[0].by_price, 2);
    check_u64(places[0].by_peak, 1);
    check_u64(places[1].by_price, 1);
    check_u64(places[1].by_peak, 2);
    /* 312 TFLOP/s at $2 an hour: 10^21 FLOP in 890 hours. */
    check_close(places[1].usd_at_peak, 2.0 / 3600 * 1e21 / 312e12, 1e-12);
    race.market.measured[0].device = "a GPU without a datasheet";
    mlb_list_order(places, &race.ranking, &race.times.metrics.items[race.metrics[0]], &peaks);
    check_u64(places[0].by_peak, 0);
    done(&race);
    mlb_peaks_close(&peaks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_medians_of_what_is_drawn),
        cmocka_unit_test(test_separated),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_exact_tie),
        cmocka_unit_test(test_one_launch_tells_nothing),
        cmocka_unit_test(test_one_launch_of_a_third),
        cmocka_unit_test(test_five_launches_are_not_clear),
        cmocka_unit_test(test_same_machine),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_geometric_mean),
        cmocka_unit_test(test_break_even_property),
        cmocka_unit_test(test_bootstrap_of_several_metrics),
        cmocka_unit_test(test_equal_is_hardly_ever_clear),
        cmocka_unit_test(test_reproducible),
        cmocka_unit_test(test_headline),
        cmocka_unit_test(test_list_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
