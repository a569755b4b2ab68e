/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/measure/stats.h"

/* k of the 95 % interval, from tables of the binomial: Hahn & Meeker 1991, table A.15 gives the
 * same pairs (n = 6: 1 and 6; n = 10: 2 and 9; n = 20: 6 and 15; n = 100: 40 and 61). */
static void test_orders(void **state)
{
    (void)state;
    static const struct {
        size_t n, k;
        double confidence;
    } cases[] = {{1, 0, 0.95},    {5, 0, 0.95},     {6, 1, 0.95},  {8, 1, 0.95},  {9, 2, 0.95},
                 {10, 2, 0.95},   {11, 2, 0.95},    {12, 3, 0.95}, {20, 6, 0.95}, {50, 18, 0.95},
                 {100, 40, 0.95}, {7, 0, 0.99},     {8, 1, 0.99},  {20, 4, 0.99}, {4, 0, 0.90},
                 {5, 1, 0.90},    {1000, 469, 0.95}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_u64(mlb_median_interval_order(cases[i].n, cases[i].confidence), cases[i].k);
}

static void test_large_n_joins_the_exact(void **state)
{
    (void)state;
    size_t exact = mlb_median_interval_order(1000, 0.95);
    size_t normal = mlb_median_interval_order(1001, 0.95);
    check_true(normal >= exact && normal <= exact + 1);
}

/* Every line of a table that R made; coverage too. */
static void test_orders_of_r(void **state)
{
    (void)state;
    FILE *file = fopen(MLB_TEST_SOURCE_DIR "/../shared/data/stats/r/median_ci_orders.tsv", "r");
    if (!file) {
        print_message("skipped: ../shared/data is not there\n");
        skip();
    }
    char line[256], low[32], high[32];
    double confidence, coverage;
    size_t n, compared = 0;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lf %zu %31s %31s %lf", &confidence, &n, low, high, &coverage) != 5)
            continue;
        size_t k = strcmp(low, "-Inf") == 0 ? 0 : strtoul(low, NULL, 10);
        check_u64(mlb_median_interval_order(n, confidence), k);
        if (k > 0) {
            double sorted[1024];
            for (size_t i = 0; i < n && i < 1024; i++)
                sorted[i] = (double)(i + 1);
            struct mlb_interval interval = mlb_median_interval(sorted, n, confidence);
            check_close(interval.low, (double)k, 0);
            check_close(interval.high, strtod(high, NULL), 0);
            check_close(interval.coverage, coverage, 1e-9);
        }
        compared++;
    }
    fclose(file);
    check_true(compared > 100);
}

static void test_summary(void **state)
{
    (void)state;
    const double values[] = {5, 1, 4, 2, 3, 9, 7, 8, 6, 10};
    struct mlb_summary summary;
    check_true(mlb_summarise(values, 10, 0.95, &summary));
    check_close(summary.median, 5.5, 0);
    check_close(summary.q1, 3.25, 1e-15);
    check_close(summary.q3, 7.75, 1e-15);
    check_close(summary.min, 1, 0);
    check_close(summary.max, 10, 0);
    check_true(summary.interval.known);
    check_close(summary.interval.low, 2, 0);
    check_close(summary.interval.high, 9, 0);
    check_close(summary.interval.coverage, 1.0 - 2.0 * 11.0 / 1024.0, 1e-12);
    check_close(mlb_relative_half_width(&summary), 3.5 / 5.5, 1e-12);
}

static void test_no_interval_is_invented(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 4, 5};
    struct mlb_summary summary;
    check_true(mlb_summarise(values, 5, 0.95, &summary));
    check_true(!summary.interval.known);
    check_true(isinf(mlb_relative_half_width(&summary)));
    check_true(!mlb_summarise(values, 0, 0.95, &summary));
    check_true(isnan(mlb_median(values, 0)));
}

/* x_i = 100 + i: slope 1 a sample, n = 50, median 124.5. */
static void test_drift(void **state)
{
    (void)state;
    double rising[50], flat[50], many[5000];
    struct mlb_summary summary;
    for (int i = 0; i < 50; i++) {
        rising[i] = 100 + i;
        flat[i] = 100 + (i % 2 ? 1 : -1);
    }
    for (int i = 0; i < 5000; i++)
        many[i] = 1000 + i * 0.02;
    check_true(mlb_summarise(rising, 50, 0.95, &summary));
    check_close(summary.drift, 50.0 / 124.5, 1e-12);
    check_true(summary.lag1 > 0.9);
    check_true(mlb_summarise(flat, 50, 0.95, &summary));
    check_true(fabs(summary.drift) < 0.005);
    check_true(summary.lag1 < -0.9);
    check_true(mlb_summarise(many, 5000, 0.95, &summary));
    check_close(summary.drift, 100.0 / 1050.0, 1e-2);
}

/* Order and scale do not change what they must not change. */
static void test_invariance(void **state)
{
    (void)state;
    double values[31], scaled[31];
    for (size_t i = 0; i < 31; i++) {
        values[i] = (double)((i * 17) % 31) + 1.0;
        scaled[30 - i] = 8.0 * values[i];
    }
    struct mlb_summary a, b;
    check_true(mlb_summarise(values, 31, 0.95, &a) && mlb_summarise(scaled, 31, 0.95, &b));
    check_close(b.median, 8.0 * a.median, 0);
    check_close(b.interval.low, 8.0 * a.interval.low, 0);
    check_close(mlb_relative_half_width(&b), mlb_relative_half_width(&a), 1e-15);
}

static void test_percentiles(void **state)
{
    (void)state;
    double values[1000];
    for (size_t i = 0; i < 1000; i++)
        values[i] = (double)((i * 7) % 1000);
    check_close(mlb_percentile(values, 1000, 0.99), 989.01, 1e-12); /* (n-1) p */
    check_close(values[1], 7, 0);                                   /* as it was */
    static const struct {
        size_t n;
        double p;
        bool known;
    } cases[] = {{99, 0.99, false}, {100, 0.99, true},   {19, 0.95, false},
                 {20, 0.95, true},  {999, 0.999, false}, {1000, 0.999, true},
                 {1, 0.5, false},   {2, 0.5, true},      {0, 0.5, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_i64(!isnan(mlb_percentile(values, cases[i].n, cases[i].p)), cases[i].known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_percentiles),
                                       cmocka_unit_test(test_orders),
                                       cmocka_unit_test(test_large_n_joins_the_exact),
                                       cmocka_unit_test(test_orders_of_r),
                                       cmocka_unit_test(test_summary),
                                       cmocka_unit_test(test_no_interval_is_invented),
                                       cmocka_unit_test(test_drift),
                                       cmocka_unit_test(test_invariance)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
