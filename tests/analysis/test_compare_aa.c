/* SPDX-License-Identifier: Apache-2.0 */
/* How often a comparison is wrong, by simulation with fixed seeds: 10 launches a side that differ
 * by 0.5 % among each other. */
#include "tests/check.h"

#include "harness/base/rng.h"
#include "tests/analysis/launches.h"

enum { METRICS = 20 };

static const double SPREAD = 0.005;

/* One launch moves all of its cases a little, as one with a slow clock does, beside each case's
 * own spread. */
static void draw(struct launches *launches, uint64_t family, double slower, double wider)
{
    const double shared = sqrt(0.5) * SPREAD, own = sqrt(0.5) * SPREAD;
    for (int s = 0; s < MLB_SIDES; s++)
        for (size_t l = 0; l < launches->side[s].count; l++) {
            uint64_t at = ((uint64_t)s * LAUNCHES + l) * (METRICS + 1);
            double launch = shared * mlb_rng_normal(family, at + METRICS);
            for (size_t c = 0; c < METRICS; c++) {
                double moved = s == MLB_NEW && c == 0 ? slower : 0.0;
                double noise = launch + own * mlb_rng_normal(family, at + c);
                noise *= s == MLB_NEW ? wider : 1.0;
                launches_set(launches, s, l, c, 1e6 * exp(moved + noise));
            }
        }
}

struct tally {
    size_t any, small, slower, same; /* families with a verdict of better or worse; with "small";
                                        in which case 0 is worse; cases that are the same */
};

static struct tally simulate(size_t families, uint64_t seed, double margin, double slower,
                             double wider)
{
    struct tally tally = {0};
    struct launches launches;
    const struct mlb_compare_choice choice = {.alpha = 0.05, .margin = margin};
    launches_init(&launches, METRICS, 10, 10);
    for (size_t f = 0; f < families; f++) {
        struct mlb_comparison comparison;
        struct mlb_error err = {0};
        draw(&launches, seed + f, slower, wider);
        check_ok(mlb_compare(&launches.side[MLB_BASE], &launches.side[MLB_NEW], &choice,
                             &comparison, &err),
                 &err);
        check_u64(comparison.tested, METRICS);
        tally.any += comparison.count[MLB_COMPARE_WORSE] + comparison.count[MLB_COMPARE_BETTER] > 0;
        tally.small += comparison.count[MLB_COMPARE_SMALL] > 0;
        tally.slower += comparison.lines[0].verdict == MLB_COMPARE_WORSE;
        tally.same += comparison.count[MLB_COMPARE_SAME];
        mlb_comparison_free(&comparison);
    }
    launches_free(&launches);
    return tally;
}

/* With a margin of next to nothing only the family's alpha holds false verdicts back. */
static void test_alike_without_a_margin(void **state)
{
    (void)state;
    struct tally tally = simulate(2000, 1, 1e-9, 0.0, 1.0);
    print_message("2000 families of alike machines, no margin: %zu with a false verdict\n",
                  tally.any);
    check_true(tally.any <= 100);
    check_true(tally.any >= 20); /* and the test is not blind */
}

static void test_alike(void **state)
{
    (void)state;
    struct tally tally = simulate(200, 100000, 0.0, 0.0, 1.0);
    print_message("200 families of alike machines: %zu with a false verdict, %zu with a small "
                  "change; %zu of 4000 cases shown to be the same\n",
                  tally.any, tally.small, tally.same);
    check_true(tally.any == 0 && tally.small <= 10);
    check_true(tally.same > 3800);
}

/* A rank test alone would find a change in an eighth of these. */
static void test_alike_but_for_the_spread(void **state)
{
    (void)state;
    struct tally tally = simulate(500, 300000, 1e-9, 0.0, 6.0);
    print_message("500 families of which one side spreads six times as much: %zu with a false "
                  "verdict\n",
                  tally.any);
    check_true(tally.any <= 35);
}

static void test_power(void **state)
{
    (void)state;
    struct tally tally = simulate(100, 200000, 0.0, 0.03, 1.0);
    print_message("100 families with one case 3 %% slower: found in %zu\n", tally.slower);
    check_true(tally.slower >= 95);
    check_true(tally.any <= tally.slower + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alike_without_a_margin),
        cmocka_unit_test(test_alike),
        cmocka_unit_test(test_alike_but_for_the_spread),
        cmocka_unit_test(test_power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
