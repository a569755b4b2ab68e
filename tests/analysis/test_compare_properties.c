/* SPDX-License-Identifier: Apache-2.0 */
/* What may not matter to a comparison: the order of launches, the unit, which side is called the
 * base, values that no launch should have; and the mean of all cases. */
#include "tests/check.h"

#include "tests/analysis/launches.h"

static const struct mlb_compare_choice usual = {.alpha = 0.05};

static void compare(const struct launches *launches, const struct mlb_compare_choice *choice,
                    struct mlb_comparison *comparison)
{
    struct mlb_error err = {0};
    check_ok(
        mlb_compare(&launches->side[MLB_BASE], &launches->side[MLB_NEW], choice, comparison, &err),
        &err);
}

static void vary(struct launches *launches, uint64_t seed)
{
    for (size_t c = 0; c < launches->cases; c++) {
        double step = 0.01 * (double)c;
        launches_spread(launches, MLB_BASE, c, 1e6, 0.01, seed + 2 * c);
        launches_spread(launches, MLB_NEW, c, 1e6 * exp(step - 0.03), 0.01, seed + 2 * c + 1);
    }
}

static void check_same(const struct mlb_compare_line *a, const struct mlb_compare_line *b,
                       double tolerance)
{
    check_text(a->name->id, b->name->id);
    check_true(fabs(a->gain.estimate - b->gain.estimate) <= tolerance);
    check_true(fabs(a->gain.low - b->gain.low) <= tolerance);
    check_true(fabs(a->gain.high - b->gain.high) <= tolerance);
    check_close(a->p_adjusted, b->p_adjusted, 1e-12);
    check_true(a->verdict == b->verdict && a->clear == b->clear);
    check_u64(a->more_launches, b->more_launches);
}

static void test_order_of_launches_does_not_matter(void **state)
{
    (void)state;
    struct launches launches;
    struct mlb_comparison before, after;
    launches_init(&launches, 8, 9, 7);
    vary(&launches, 100);
    compare(&launches, &usual, &before);
    for (int s = 0; s < MLB_SIDES; s++)
        for (size_t l = 0; l < launches.side[s].count / 2; l++) {
            struct mlb_digest *items = launches.side[s].items, kept = items[l];
            items[l] = items[launches.side[s].count - 1 - l];
            items[launches.side[s].count - 1 - l] = kept;
        }
    compare(&launches, &usual, &after);
    for (size_t c = 0; c < 8; c++)
        check_same(&after.lines[c], &before.lines[c], 0.0);
    mlb_comparison_free(&before);
    mlb_comparison_free(&after);
    launches_free(&launches);
}

/* Another clock rate or another size of the same work on both sides. */
static void test_scale_does_not_matter(void **state)
{
    (void)state;
    struct launches launches;
    struct mlb_comparison before, after;
    launches_init(&launches, 8, 9, 7);
    vary(&launches, 200);
    compare(&launches, &usual, &before);
    for (int s = 0; s < MLB_SIDES; s++)
        for (size_t l = 0; l < launches.side[s].count; l++)
            for (size_t c = 0; c < 8; c++)
                launches_row(&launches, s, l, c)->time.median *= 1234.5;
    compare(&launches, &usual, &after);
    for (size_t c = 0; c < 8; c++)
        check_same(&after.lines[c], &before.lines[c], 1e-12);
    mlb_comparison_free(&before);
    mlb_comparison_free(&after);
    launches_free(&launches);
}

static void test_turned_round(void **state)
{
    (void)state;
    struct launches launches;
    struct mlb_comparison to, back;
    struct mlb_error err = {0};
    launches_init(&launches, 8, 9, 7);
    vary(&launches, 300);
    compare(&launches, &usual, &to);
    check_ok(mlb_compare(&launches.side[MLB_NEW], &launches.side[MLB_BASE], &usual, &back, &err),
             &err);
    for (size_t c = 0; c < 8; c++) {
        struct mlb_compare_line turned = back.lines[c];
        turned.gain = (struct mlb_change){turned.gain.known, -turned.gain.estimate,
                                          -turned.gain.high, -turned.gain.low};
        if (turned.verdict == MLB_COMPARE_WORSE || turned.verdict == MLB_COMPARE_BETTER)
            turned.verdict = MLB_COMPARE_WORSE + MLB_COMPARE_BETTER - turned.verdict;
        check_same(&turned, &to.lines[c], 0.0);
    }
    check_true(to.count[MLB_COMPARE_WORSE] > 0 && to.count[MLB_COMPARE_BETTER] > 0);
    check_close(back.mean.ratio, 1.0 / to.mean.ratio, 1e-12);
    mlb_comparison_free(&to);
    mlb_comparison_free(&back);
    launches_free(&launches);
}

/* Values that no launch should have, and values at the ends of what a double holds. */
static void test_strange_values(void **state)
{
    (void)state;
    static const double strange[] = {NAN, INFINITY, -INFINITY, 0.0, -1.0};
    struct launches launches;
    struct mlb_comparison comparison;
    launches_init(&launches, 1, 8, 8);
    for (size_t i = 0; i < 5; i++)
        launches_set(&launches, MLB_NEW, i, 0, strange[i]);
    compare(&launches, &usual, &comparison);
    check_u64(comparison.lines[0].side[MLB_NEW].launches, 3);
    check_u64(comparison.lines[0].side[MLB_NEW].failed, 5);
    check_true(comparison.lines[0].gain.estimate == 0.0);
    mlb_comparison_free(&comparison);

    launches_spread(&launches, MLB_BASE, 0, 1e-300, 0.001, 1);
    launches_spread(&launches, MLB_NEW, 0, 1e300, 0.001, 2);
    compare(&launches, &usual, &comparison);
    check_true(comparison.lines[0].verdict == MLB_COMPARE_WORSE && comparison.lines[0].clear);
    check_close(comparison.lines[0].gain.estimate, -600.0 * log(10.0), 1e-5);
    mlb_comparison_free(&comparison);
    launches_free(&launches);
}

/* The interval of the mean of all cases, by launches drawn: it holds the truth about as often as it
 * says, and is the same each time. */
static void test_mean(void **state)
{
    (void)state;
    size_t held = 0;
    for (uint64_t trial = 0; trial < 40; trial++) {
        struct launches launches;
        struct mlb_comparison comparison, again;
        launches_init(&launches, 6, 12, 12);
        for (size_t c = 0; c < 6; c++) {
            launches_spread(&launches, MLB_BASE, c, 1e6, 0.01, 1000 * trial + 2 * c);
            launches_spread(&launches, MLB_NEW, c, 1.1e6, 0.01, 1000 * trial + 2 * c + 1);
        }
        compare(&launches, &usual, &comparison);
        compare(&launches, &usual, &again);
        check_true(comparison.mean.known && comparison.mean.cases == 6);
        check_true(memcmp(&comparison.mean, &again.mean, sizeof again.mean) == 0);
        held += comparison.mean.low <= 1.0 / 1.1 && comparison.mean.high >= 1.0 / 1.1;
        check_close(comparison.mean.ratio, 1.0 / 1.1, 0.01);
        mlb_comparison_free(&comparison);
        mlb_comparison_free(&again);
        launches_free(&launches);
    }
    check_true(held >= 34); /* of 38 expected at 95 %, a little fewer by 12 launches */
}

/* A launch without one of the cases does not move the mean by that case's size. */
static void test_mean_of_incomplete_launches(void **state)
{
    (void)state;
    struct launches launches;
    struct mlb_comparison comparison;
    launches_init(&launches, 2, 8, 8);
    launches_spread(&launches, MLB_BASE, 1, 1e3, 0.0, 1);
    launches_spread(&launches, MLB_NEW, 1, 1e3, 0.0, 1);
    for (size_t l = 0; l < 4; l++)
        launches_row(&launches, MLB_NEW, l, 1)->status = MLB_ROW_FAILED;
    compare(&launches, &usual, &comparison);
    check_close(comparison.mean.ratio, 1.0, 1e-12);
    check_u64(comparison.lines[1].side[MLB_NEW].failed, 4);
    mlb_comparison_free(&comparison);
    launches_free(&launches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_launches_does_not_matter),
        cmocka_unit_test(test_scale_does_not_matter),
        cmocka_unit_test(test_turned_round),
        cmocka_unit_test(test_strange_values),
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_mean_of_incomplete_launches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
