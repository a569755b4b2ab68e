/* SPDX-License-Identifier: Apache-2.0 */
/* The fit on sweeps whose alpha and beta are known. */
#include "tests/check.h"

#include "harness/analysis/sweep.h"
#include "harness/base/rng.h"

enum { SAMPLES = 400, MOST = 28 };

static const double FACTOR = 1.75;

struct synthetic {
    struct mlb_size_time points[MOST];
    double sorted_s[MOST][SAMPLES];
    size_t n;
    struct mlb_alpha_beta fit;
};

static double time_of(double alpha_s, double beta, double bytes)
{
    return alpha_s + FACTOR * bytes / beta;
}

/* Sizes from 2^first on, each twice the last. */
static void add_sizes(struct synthetic *all, unsigned first, size_t count, double alpha_s,
                      double beta)
{
    for (size_t i = 0; i < count; i++) {
        double bytes = ldexp(1.0, (int)(first + i));
        all->points[all->n++] =
            (struct mlb_size_time){.bytes = bytes, .time_s = time_of(alpha_s, beta, bytes)};
    }
}

static void fit(struct synthetic *all)
{
    mlb_alpha_beta_fit(all->points, all->n, FACTOR, &all->fit);
}

static void test_exact(void **state)
{
    (void)state;
    struct synthetic all = {.n = 0};
    add_sizes(&all, 3, 28, 10e-6, 100e9); /* 8 B to 1 GiB */
    fit(&all);
    check_u64(all.fit.count, 1);
    const struct mlb_regime *line = &all.fit.regimes[0];
    check_true(line->alpha_s.known && line->beta_bytes_per_s.known);
    check_close(line->alpha_s.value, 10e-6, 1e-9);
    check_close(line->beta_bytes_per_s.value, 100e9, 1e-9);
    check_close(line->from_bytes, 8, 0);
    check_close(line->to_bytes, 0x1p30, 0);
    check_true(line->worst < 1e-9 && line->stray_bytes == 0);
    check_true(!line->alpha_s.interval); /* no samples */
}

/* Each size is off by up to 6 %, small ones as much as large ones: both parameters come out, which
 * a fit of absolute distances would not give for alpha. */
static void test_noise(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct synthetic all = {.n = 0};
        add_sizes(&all, 3, 28, 10e-6, 100e9);
        for (size_t i = 0; i < all.n; i++)
            all.points[i].time_s *= 1.0 + 0.06 * (double)mlb_rng_uniform(seed, i);
        fit(&all);
        check_u64(all.fit.count, 1);
        check_close(all.fit.regimes[0].alpha_s.value, 10e-6, 0.06);
        check_close(all.fit.regimes[0].beta_bytes_per_s.value, 100e9, 0.06);
    }
}

/* One size that took three times as long moves nothing, and is named; at an end it is left out. */
static void test_outlier(void **state)
{
    (void)state;
    static const size_t at[] = {0, 9, 27};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct synthetic all = {.n = 0};
        add_sizes(&all, 3, 28, 10e-6, 100e9);
        all.points[at[i]].time_s *= 3.0;
        fit(&all);
        check_u64(all.fit.count, 1);
        check_close(all.fit.regimes[0].alpha_s.value, 10e-6, 1e-9);
        check_close(all.fit.regimes[0].beta_bytes_per_s.value, 100e9, 1e-9);
        bool inside = at[i] > 0 && at[i] + 1 < all.n;
        check_close(all.fit.regimes[0].stray_bytes, inside ? all.points[at[i]].bytes : 0.0, 0);
        check_u64(all.fit.off, inside ? 0 : 1);
        check_true(all.fit.regimes[0].worst < 1e-9);
    }
}

static void test_few_points_have_no_stray(void **state)
{
    (void)state;
    struct synthetic all = {.n = 0};
    add_sizes(&all, 10, 7, 10e-6, 1e9);
    all.points[3].time_s *= 3.0;
    fit(&all);
    check_u64(all.fit.count, 0);
    check_close(all.fit.worst, 2.0 / 3.0, 1e-6);
    check_close(all.fit.worst_bytes, all.points[3].bytes, 0);
}

/* A change of protocol at 32 KiB, and a second one at 4 MiB. */
static void test_regimes(void **state)
{
    (void)state;
    struct synthetic all = {.n = 0};
    add_sizes(&all, 3, 12, 2e-6, 5e9);
    add_sizes(&all, 15, 16, 40e-6, 60e9);
    fit(&all);
    check_u64(all.fit.count, 2);
    check_close(all.fit.regimes[0].to_bytes, 0x1p14, 0);
    check_close(all.fit.regimes[0].alpha_s.value, 2e-6, 1e-6);
    check_close(all.fit.regimes[0].beta_bytes_per_s.value, 5e9, 1e-6);
    check_close(all.fit.regimes[1].from_bytes, 0x1p15, 0);
    check_close(all.fit.regimes[1].alpha_s.value, 40e-6, 1e-6);
    check_close(all.fit.regimes[1].beta_bytes_per_s.value, 60e9, 1e-6);

    struct synthetic three = {.n = 0};
    add_sizes(&three, 3, 12, 2e-6, 5e9);
    add_sizes(&three, 15, 7, 40e-6, 60e9);
    add_sizes(&three, 22, 6, 40e-6, 12e9); /* beyond the cache */
    fit(&three);
    check_u64(three.fit.count, 3);
    check_close(three.fit.regimes[2].from_bytes, 0x1p22, 0);
    check_close(three.fit.regimes[2].beta_bytes_per_s.value, 12e9, 0.02);
}

/* Where a protocol takes over in steps, the sizes between are counted and the others told. */
static void test_sizes_between(void **state)
{
    (void)state;
    struct synthetic all = {.n = 0};
    add_sizes(&all, 3, 19, 10e-6, 100e9);
    for (size_t i = 8; i < 11; i++)
        all.points[i].time_s *= i % 2 ? 6.0 : 3.0;
    fit(&all);
    check_u64(all.fit.count, 2);
    check_u64(all.fit.off, 3);
    check_close(all.fit.regimes[0].to_bytes, 0x1p10, 0);
    check_close(all.fit.regimes[1].from_bytes, 0x1p14, 0);
    check_close(all.fit.regimes[1].alpha_s.value, 10e-6, 1e-6);
}

static void test_nothing_is_said_of_what_fits_no_line(void **state)
{
    (void)state;
    struct synthetic all = {.n = 0};
    add_sizes(&all, 3, 28, 10e-6, 100e9);
    for (size_t i = 0; i < all.n; i += 2)
        all.points[i].time_s *= 2.0;
    fit(&all);
    check_u64(all.fit.count, 0);
    check_true(all.fit.worst >= 0.4 && all.fit.worst_bytes > 0.0);
    struct synthetic few = {.n = 0};
    add_sizes(&few, 3, 3, 10e-6, 100e9);
    fit(&few);
    check_u64(few.fit.count, 0);
    check_close(few.fit.worst, 0, 0);
}

/* Sizes that are all short tell no bandwidth, and sizes that are all long no latency. */
static void test_a_term_that_is_worth_nothing(void **state)
{
    (void)state;
    struct synthetic shorts = {.n = 0}, longs = {.n = 0};
    add_sizes(&shorts, 3, 8, 10e-6, 100e9);
    fit(&shorts);
    check_true(shorts.fit.count == 1 && shorts.fit.regimes[0].alpha_s.known);
    check_true(!shorts.fit.regimes[0].beta_bytes_per_s.known);
    add_sizes(&longs, 26, 6, 10e-6, 100e9);
    fit(&longs);
    check_true(longs.fit.count == 1 && longs.fit.regimes[0].beta_bytes_per_s.known);
    check_true(!longs.fit.regimes[0].alpha_s.known);
    check_close(longs.fit.regimes[0].beta_bytes_per_s.value, 100e9, 1e-6);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* In nine of ten runs and more the 95 % interval holds the truth. */
static void test_intervals(void **state)
{
    (void)state;
    static struct synthetic all;
    int held_alpha = 0, held_beta = 0;
    enum { RUNS = 40 };
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        all.n = 0;
        add_sizes(&all, 8, 12, 10e-6, 10e9);
        for (size_t i = 0; i < all.n; i++) {
            double time_s = all.points[i].time_s;
            for (size_t s = 0; s < SAMPLES; s++)
                all.sorted_s[i][s] =
                    time_s * (1.0 + 0.1 * (double)mlb_rng_normal(seed + 1000, i * SAMPLES + s));
            qsort(all.sorted_s[i], SAMPLES, sizeof(double), compare_doubles);
            all.points[i].sorted_s = all.sorted_s[i];
            all.points[i].count = SAMPLES;
            all.points[i].time_s = mlb_quantile_sorted(all.sorted_s[i], SAMPLES, 0.5);
        }
        fit(&all);
        const struct mlb_fitted *alpha = &all.fit.regimes[0].alpha_s;
        const struct mlb_fitted *beta = &all.fit.regimes[0].beta_bytes_per_s;
        check_true(all.fit.count == 1 && alpha->interval && beta->interval);
        check_true(alpha->low <= alpha->value && alpha->value <= alpha->high);
        check_true(alpha->high - alpha->low < 0.05 * alpha->value);
        held_alpha += alpha->low <= 10e-6 && 10e-6 <= alpha->high;
        held_beta += beta->low <= 10e9 && 10e9 <= beta->high;
    }
    check_true(held_alpha >= RUNS * 9 / 10 && held_beta >= RUNS * 9 / 10);
}

/* --------------------------------------------------------------------------------- of a record */

static struct mlb_row row_of(const char *workload, const char *bytes, double size,
                             const char *in_place)
{
    struct mlb_row row = {
        .device = "cpu",
        .variant = "mpi",
        .status = MLB_ROW_MEASURED,
        .verified = true,
        .verification = {.checked = 1},
        .work = {.bytes = size, .bus_factor = FACTOR},
        .summary = {.n = 10, .median = 1e9 * time_of(10e-6, 1e9, size)},
        .param_count = 2,
    };
    snprintf(row.workload, sizeof row.workload, "%s", workload);
    row.params[0] = (struct mlb_param){.name = "bytes"};
    row.params[1] = (struct mlb_param){.name = "in_place"};
    snprintf(row.params[0].value, sizeof row.params[0].value, "%s", bytes);
    snprintf(row.params[1].value, sizeof row.params[1].value, "%s", in_place);
    return row;
}

static void test_sweeps_of_a_record(void **state)
{
    (void)state;
    struct mlb_row rows[] = {
        row_of("all_reduce", "1MiB", 1 << 20, "false"),
        row_of("all_reduce", "8", 8, "false"),
        row_of("all_reduce", "1MiB", 1 << 20, "true"),
        row_of("all_gather", "8", 8, "false"),
        row_of("all_reduce", "64KiB", 1 << 16, "false"),
        row_of("all_reduce", "8", 8, "true"),
        row_of("all_reduce", "4KiB", 1 << 12, "false"),
        row_of("all_reduce", "64KiB", 65536, "true"),
        row_of("all_reduce", "16KiB", 1 << 14, "false"),
        row_of("all_reduce", "1KiB", 1 << 10, "false"),
    };
    struct mlb_result result = {.rows = rows, .row_count = sizeof rows / sizeof *rows};
    struct mlb_sweep sweep;
    struct mlb_alpha_beta fitted;
    check_true(mlb_sweep_at(&result, 0, &sweep));
    check_u64(sweep.count, 6);
    static const size_t order[] = {1, 9, 6, 8, 4, 0};
    for (size_t i = 0; i < 6; i++)
        check_true(sweep.rows[i] == &rows[order[i]]);
    check_true(mlb_sweep_fit(&sweep, &fitted));
    check_u64(fitted.count, 1);
    check_close(fitted.regimes[0].beta_bytes_per_s.value, 1e9, 1e-9);
    check_true(!mlb_sweep_at(&result, 1, &sweep)); /* told at row 0 */
    check_true(!mlb_sweep_at(&result, 2, &sweep)); /* in place: three sizes */
    check_true(!mlb_sweep_at(&result, 3, &sweep));
    rows[6].verification.wrong = 1;
    rows[8].status = MLB_ROW_UNTRUSTED;
    check_true(!mlb_sweep_at(&result, 0, &sweep)); /* four are left */
    rows[6].verification.wrong = 0;
    rows[8].status = MLB_ROW_MEASURED;
    result.oversubscribed = true;
    check_true(!mlb_sweep_at(&result, 0, &sweep));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_outlier),
        cmocka_unit_test(test_few_points_have_no_stray),
        cmocka_unit_test(test_regimes),
        cmocka_unit_test(test_sizes_between),
        cmocka_unit_test(test_nothing_is_said_of_what_fits_no_line),
        cmocka_unit_test(test_a_term_that_is_worth_nothing),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_sweeps_of_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
