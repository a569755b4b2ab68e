/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/analysis/interruption.h"

#define HOUR 3600.0
#define DAY  86400.0

/* C, M, R; the interval, the waste and the ratio below which spot wins, worked out by hand. */
static void test_first_order(void **state)
{
    static const struct {
        double write_s, life_h, restart_s, interval_s, waste;
    } rows[] = {
        {60, 4, 600, 1314.5341, 0.13295},  /* sqrt(2 x 60 x 14400) */
        {60, 24, 600, 3219.9379, 0.04421}, /* 2 x 0.018634 + 0.006944 */
        {300, 4, 900, 2939.3877, 0.26662}, {300, 24, 900, 7200.0, 0.09375},
        {30, 2, 300, 657.2671, 0.13295},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct mlb_saving saving = {rows[i].write_s, rows[i].restart_s};
        double life_s = rows[i].life_h * HOUR;
        double interval_s = mlb_interval_young(rows[i].write_s, life_s);
        double waste = mlb_waste_first_order(&saving, interval_s, life_s);
        check_close(interval_s, rows[i].interval_s, 1e-6);
        check_close(waste, rows[i].waste, 1e-4);
        check_close(mlb_break_even_ratio(waste, 0.0), 1.0 - rows[i].waste, 1e-4);
    }
}

/* C / 2M = 0.02: sqrt(2 C M) (1 + 0.141421 / 3 + 0.02 / 9) - C. */
static void test_daly(void **state)
{
    (void)state;
    check_close(mlb_interval_daly(400.0, 10000.0), sqrt(8e6) * 1.0493626 - 400.0, 1e-6);
    check_close(mlb_interval_daly(20000.0, 10000.0), 10000.0, 0); /* C >= 2M: T = M */
    check_close(mlb_interval_daly(1.0, 1e8), mlb_interval_young(1.0, 1e8), 1e-3);
}

/* The optimum is one: no other interval wastes less; and it is far from Young's where C is half of
 * M. */
static void test_exponential(void **state)
{
    static const double lives_s[] = {100.0, 600.0, 3600.0, 1e6};
    const struct mlb_saving saving = {300.0, 600.0};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        double best = mlb_interval_exponential(saving.write_s, lives_s[i]);
        double least = mlb_waste_exponential(&saving, best, lives_s[i]);
        for (double factor = 0.5; factor < 2.0; factor *= 1.01)
            check_true(mlb_waste_exponential(&saving, best * factor, lives_s[i]) >= least - 1e-12);
        check_close(best, mlb_interval_daly(saving.write_s, lives_s[i]), i == 0 ? 0.05 : 0.01);
    }
    /* T / M = 1 + W(-e^-(1 + C / M)), Lambert's W: at C / M = 0.3 W is -0.411113. */
    check_close(mlb_interval_exponential(300.0, 1000.0), 588.887, 1e-6);
    /* 1 - T / ((M + R) (e^((T + C)/M) - 1)) at T = M = C = R = 1: 1 - 1 / (2 (e^2 - 1)) */
    const struct mlb_saving one = {1.0, 1.0};
    check_close(mlb_waste_exponential(&one, 1.0, 1.0), 1.0 - 1.0 / (2.0 * (exp(2.0) - 1.0)), 1e-14);
}

static void test_which_form(void **state)
{
    static const struct {
        double write_s, life_s;
        enum mlb_interval_form form;
    } rows[] = {{60, 4 * HOUR, MLB_INTERVAL_YOUNG},
                {144, 4 * HOUR, MLB_INTERVAL_YOUNG},
                {145, 4 * HOUR, MLB_INTERVAL_DALY},
                {241, 4 * HOUR, MLB_INTERVAL_DALY}, /* (T + C) / M = 0.1997 */
                {242, 4 * HOUR, MLB_INTERVAL_EXPONENTIAL},
                {300, 4 * HOUR, MLB_INTERVAL_EXPONENTIAL}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct mlb_saving saving = {rows[i].write_s, 900.0};
        struct mlb_interruption plan = mlb_interruption(&saving, rows[i].life_s);
        check_true(plan.known && plan.progress);
        check_i64(plan.form, rows[i].form);
    }
    /* 26.7 % by first-order terms at T = 2939 s, where (T + C) / M is 0.22: less by the exact form.
     */
    const struct mlb_saving saving = {300.0, 900.0};
    check_close(mlb_interruption(&saving, 4 * HOUR).waste, 0.2382, 1e-3);
}

static void test_what_is_not_known(void **state)
{
    static const struct mlb_saving rows[] = {{0, 60}, {-1, 60}, {NAN, 60}, {60, NAN}, {60, -1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_true(!mlb_interruption(&rows[i], HOUR).known);
    const struct mlb_saving saving = {60, 60};
    check_true(!mlb_interruption(&saving, 0.0).known);
    check_true(!mlb_interruption(&saving, NAN).known);
    check_true(!mlb_interruption(&saving, INFINITY).known);
}

/* Within a form the waste falls as machines live longer; between them it jumps by a hundredth. */
static void test_longer_life_wastes_less(void **state)
{
    const struct mlb_saving saving = {120.0, 600.0};
    double before = 1.0;
    (void)state;
    for (double life_s = 30.0; life_s < 1e9; life_s *= 1.1) {
        struct mlb_interruption plan = mlb_interruption(&saving, life_s);
        check_true(plan.waste <= before + 0.02);
        check_true(plan.waste > 0.0 && plan.waste <= 1.0);
        before = plan.waste;
    }
    check_true(before < 1e-3);
}

static void test_lives(void **state)
{
    (void)state;
    /* 16 machines of 24 h each: 1.5 h. C = 60 s, R = 10 min: about 26 % by first-order terms. */
    double life_s = mlb_gang_life_s(DAY, 16.0);
    const struct mlb_saving saving = {60.0, 600.0};
    check_close(life_s, 1.5 * HOUR, 1e-15);
    check_close(mlb_waste_first_order(&saving, mlb_interval_young(60.0, life_s), life_s), 0.2602,
                1e-3);
    /* A tenth a month: 730 / 0.1053605 = 6928.6 h. */
    check_close(mlb_life_of_monthly_rate_s(0.10), 6928.59 * HOUR, 1e-6);
    check_close(mlb_life_of_monthly_rate_s(1.0 - exp(-1.0)), 730.0 * HOUR, 1e-12);
    /* 50,000 GPU-hours: 1024 GPUs fail every 48.8 h. */
    check_close(mlb_failure_life_s(1024.0, MLB_GPU_HOURS_PER_FAILURE), 48.828125 * HOUR, 1e-12);
    check_close(mlb_joint_life_s(10.0, 40.0), 8.0, 1e-15);
    check_close(mlb_joint_life_s(10.0, 0.0), 10.0, 0);
    check_close(mlb_joint_life_s(0.0, 0.0), 0.0, 0);
}

static void test_prices(void **state)
{
    (void)state;
    check_close(mlb_effective_price(15.0, 0.25), 20.0, 1e-15);
    check_true(isinf(mlb_effective_price(15.0, 1.0)));
    check_close(mlb_break_even_ratio(0.28, 0.10), 0.80, 1e-15);
    const struct mlb_saving saving = {60.0, 600.0};
    check_close(mlb_waste_on_notice(&saving, 4 * HOUR), 660.0 / 15000.0, 1e-15);
    check_close(mlb_waste_on_notice(&saving, 10.0), 1.0, 0);
}

/* At the life that it gives both cost the same, at a longer one the interruptible machine pays, and
 * at a slightly shorter one it does not. */
static void test_break_even_life(void **state)
{
    static const struct {
        double write_s, restart_s, ratio, waste_on_demand;
    } rows[] = {{60, 600, 0.867, 0.0},  {60, 600, 0.26, 0.0},  {300, 900, 0.40, 0.01},
                {300, 900, 0.86, 0.03}, {30, 300, 0.99, 0.02}, {300, 900, 0.80, 0.0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct mlb_saving saving = {rows[i].write_s, rows[i].restart_s};
        double life_s = mlb_break_even_life_s(&saving, rows[i].ratio, rows[i].waste_on_demand);
        check_true(life_s > 0.0 && isfinite(life_s));
        for (double factor = 1.0001; factor < 1e4; factor *= 1.05) {
            struct mlb_interruption at = mlb_interruption(&saving, life_s * factor);
            check_true(mlb_break_even_ratio(at.waste, rows[i].waste_on_demand) >= rows[i].ratio);
        }
        struct mlb_interruption below = mlb_interruption(&saving, life_s * 0.999);
        check_true(mlb_break_even_ratio(below.waste, rows[i].waste_on_demand) < rows[i].ratio);
    }
    /* The first line's ratio is 0.86705, from 4 h on. */
    const struct mlb_saving saving = {60, 600};
    check_close(mlb_break_even_life_s(&saving, 1.0 - 0.132950, 0.0), 4 * HOUR, 1e-3);
    check_true(isinf(mlb_break_even_life_s(&saving, 1.0, 0.0)));  /* no cheaper: never */
    check_true(isinf(mlb_break_even_life_s(&saving, 1.25, 0.0))); /* dearer */
    check_true(mlb_break_even_life_s(&saving, 0.0, 0.0) == 0.0);  /* for nothing: always */
}

static void test_notice(void **state)
{
    (void)state;
    check_close(mlb_notice_of("aws")->low_s, 120.0, 0);
    check_close(mlb_notice_of("gcp")->high_s, 30.0, 0);
    check_close(mlb_notice_of("azure")->high_s, 30.0, 0);
    check_close(mlb_notice_of("oci")->low_s, 30.0, 0);
    check_close(mlb_notice_of("oci")->high_s, 120.0, 0);
    check_true(!mlb_notice_of("lambda"));
    for (const struct mlb_notice *n = mlb_notices; n->provider; n++)
        check_true(n->source[0] && n->low_s <= n->high_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_order),
        cmocka_unit_test(test_daly),
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_which_form),
        cmocka_unit_test(test_what_is_not_known),
        cmocka_unit_test(test_longer_life_wastes_less),
        cmocka_unit_test(test_lives),
        cmocka_unit_test(test_prices),
        cmocka_unit_test(test_break_even_life),
        cmocka_unit_test(test_notice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
