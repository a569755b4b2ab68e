/* SPDX-License-Identifier: Apache-2.0 */
/* The rank test against all assignments written out, its limits, and Holm. */
#include "tests/check.h"

#include "harness/analysis/multiple.h"
#include "harness/analysis/rank_test.h"
#include "harness/analysis/welch.h"
#include "harness/base/rng.h"
#include "harness/measure/stats.h"

/* The definition: of all ways to call n of the values x, how many give a U as far out? */
struct tails {
    double all, below, above, as_far;
};

static void each_assignment(const double *values, size_t count, size_t n, double u,
                            struct tails *tails)
{
    for (unsigned chosen = 0; chosen < 1u << count; chosen++) {
        if ((size_t)__builtin_popcount(chosen) != n)
            continue;
        double of_this = 0.0;
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < count; j++)
                if ((chosen >> i & 1) && !(chosen >> j & 1))
                    of_this += values[i] > values[j] ? 1.0 : values[i] == values[j] ? 0.5 : 0.0;
        double middle = (double)(n * (count - n)) / 2.0;
        tails->all += 1.0;
        tails->below += of_this <= u;
        tails->above += of_this >= u;
        tails->as_far += fabs(of_this - middle) >= fabs(u - middle);
    }
}

static void compare_with_all(const double *x, size_t n, const double *y, size_t m)
{
    double values[16];
    struct tails tails = {0};
    struct mlb_rank_null null;
    struct mlb_rank_test test;
    memcpy(values, x, n * sizeof *x);
    memcpy(values + n, y, m * sizeof *y);
    check_true(mlb_rank_null_init(&null, n, m) && mlb_rank_test(&null, x, y, &test));
    each_assignment(values, n + m, n, test.u, &tails);
    check_true(test.exact);
    check_close(test.two_sided, tails.as_far / tails.all, 1e-13);
    check_close(test.less, tails.below / tails.all, 1e-13);
    check_close(test.greater, tails.above / tails.all, 1e-13);
    mlb_rank_null_free(&null);
}

/* Few different values make many ties, of which some lie on both sides. */
static void test_against_the_definition(void **state)
{
    (void)state;
    uint64_t at = 0;
    for (size_t trial = 0; trial < 200; trial++) {
        size_t n = 1 + trial % 6, m = 1 + trial / 6 % 6;
        int32_t values = trial % 3 == 0 ? 1000000 : trial % 3 == 1 ? 6 : 1;
        double x[8], y[8];
        for (size_t i = 0; i < n; i++)
            x[i] = mlb_rng_int(7, at++, values);
        for (size_t i = 0; i < m; i++)
            y[i] = mlb_rng_int(7, at++, values);
        mlb_sort(x, n);
        mlb_sort(y, m);
        compare_with_all(x, n, y, m);
    }
}

static void test_smallest_p(void **state)
{
    (void)state;
    static const struct {
        size_t n, m;
        double p;
    } table[] = {{0, 5, 1},           {1, 1, 1},
                 {2, 2, 1.0 / 3},     {3, 3, 0.1},
                 {4, 4, 2.0 / 70},    {5, 5, 2.0 / 252},
                 {6, 6, 2.0 / 924},   {1, 20, 2.0 / 21},
                 {3, 20, 2.0 / 1771}, {10, 10, 2.0 / 184756}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        check_close(mlb_rank_smallest_p(table[i].n, table[i].m), table[i].p, 1e-13);
        check_close(mlb_rank_smallest_p(table[i].m, table[i].n), table[i].p, 1e-13);
    }
}

static void fill(double *to, size_t n, double from, double step)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from + step * (double)i;
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        size_t n, m;
        bool exact;
    } table[] = {{1, 1, true},    {50, 50, true},  {25, 100, true}, {50, 51, false}, {7, 50, true},
                 {7, 1000, true}, {8, 313, false}, {1, 9999, true}, {7, 2000, false}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_rank_null null;
        struct mlb_rank_test test;
        size_t n = table[i].n, m = table[i].m;
        double *x = malloc(n * sizeof *x), *y = malloc(m * sizeof *y);
        fill(x, n, 0.0, 1.0);
        fill(y, m, 0.5, 1.0);
        check_true(mlb_rank_null_init(&null, n, m) && mlb_rank_test(&null, x, y, &test));
        check_true(test.exact == table[i].exact);
        check_true(test.two_sided > 0.0 && test.two_sided <= 1.0);
        mlb_rank_null_free(&null);
        free(x);
        free(y);
    }
}

/* Where exact counting ends the approximation is near it. */
static void test_normal_joins_the_exact(void **state)
{
    (void)state;
    struct mlb_rank_null null, none = {.n = 50, .m = 50};
    struct mlb_rank_test exact, normal;
    double x[50], y[50];
    fill(x, 50, 0.0, 1.0);
    fill(y, 50, 5.25, 1.0);
    check_true(mlb_rank_null_init(&null, 50, 50));
    check_true(mlb_rank_test(&null, x, y, &exact) && mlb_rank_test(&none, x, y, &normal));
    check_close(normal.two_sided, exact.two_sided, 0.05);
    struct mlb_shift a = mlb_rank_shift(&null, x, y, 0.95), b = mlb_rank_shift(&none, x, y, 0.95);
    check_close(a.low, b.low, 0.02);
    check_close(a.high, b.high, 0.02);
    mlb_rank_null_free(&null);
}

static void test_all_equal(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 60; n += 59) {
        struct mlb_rank_null null;
        struct mlb_rank_test test;
        double x[60];
        fill(x, 60, 3.0, 0.0);
        check_true(mlb_rank_null_init(&null, n, n) && mlb_rank_test(&null, x, x, &test));
        check_close(test.two_sided, 1.0, 0);
        struct mlb_shift shift = mlb_rank_shift(&null, x, x, 0.95);
        check_close(shift.estimate, 0.0, 0);
        check_true(shift.known == (n > 1) && (n == 1 || (shift.low == 0.0 && shift.high == 0.0)));
        mlb_rank_null_free(&null);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* All differences written down and sorted. */
static void test_shift_against_the_definition(void **state)
{
    (void)state;
    enum { N = 37, M = 41 };
    static double all[N * M];
    double x[N], y[M];
    for (size_t i = 0; i < N; i++)
        x[i] = mlb_rng_normal(1, i);
    for (size_t j = 0; j < M; j++)
        y[j] = 0.3 + mlb_rng_normal(2, j);
    mlb_sort(x, N);
    mlb_sort(y, M);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < M; j++)
            all[i * M + j] = y[j] - x[i];
    qsort(all, N * M, sizeof *all, ascending);
    struct mlb_rank_null null;
    check_true(mlb_rank_null_init(&null, N, M));
    struct mlb_shift shift = mlb_rank_shift(&null, x, y, 0.95);
    size_t k = 0;
    while (null.cdf[k] <= 0.025)
        k++;
    check_true(shift.known);
    check_close(shift.estimate, all[N * M / 2], 0); /* an odd number of them */
    check_close(shift.low, all[k - 1], 0);
    check_close(shift.high, all[N * M - k], 0);
    mlb_rank_null_free(&null);
}

/* Turned round, the shift is the opposite, and so is its interval. */
static void test_shift_is_antisymmetric(void **state)
{
    (void)state;
    double x[9], y[6];
    for (size_t i = 0; i < 9; i++)
        x[i] = mlb_rng_normal(3, i);
    for (size_t i = 0; i < 6; i++)
        y[i] = mlb_rng_normal(4, i);
    mlb_sort(x, 9);
    mlb_sort(y, 6);
    struct mlb_rank_null to, back;
    check_true(mlb_rank_null_init(&to, 9, 6) && mlb_rank_null_init(&back, 6, 9));
    struct mlb_shift a = mlb_rank_shift(&to, x, y, 0.95), b = mlb_rank_shift(&back, y, x, 0.95);
    check_true(a.known && b.known);
    check_close(a.estimate, -b.estimate, 0);
    check_close(a.low, -b.high, 0);
    check_close(a.high, -b.low, 0);
    mlb_rank_null_free(&to);
    mlb_rank_null_free(&back);
}

/* From how many launches a side an interval exists: P(U <= 0) = 1 / C(2n, n). */
static void test_smallest_intervals(void **state)
{
    (void)state;
    static const struct {
        size_t n, m;
        bool at_95, at_90;
    } table[] = {{1, 1, false, false}, {2, 2, false, false}, {3, 3, false, true},
                 {4, 4, true, true},   {1, 20, false, true}, {1, 50, true, true},
                 {2, 8, true, true}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_rank_null null;
        double x[50], y[50];
        fill(x, 50, 0.0, 1.0);
        fill(y, 50, 0.5, 1.0);
        check_true(mlb_rank_null_init(&null, table[i].n, table[i].m));
        check_true(mlb_rank_shift(&null, x, y, 0.95).known == table[i].at_95);
        check_true(mlb_rank_shift(&null, x, y, 0.90).known == table[i].at_90);
        mlb_rank_null_free(&null);
    }
}

static void test_holm(void **state)
{
    (void)state;
    /* Holm 1979 by hand: 0.01 x 4, then 0.02 x 3, 0.03 x 2 and 0.04, never less than before. */
    static const double p[] = {0.04, NAN, 0.01, 0.03, 0.02},
                        expected[] = {0.06, NAN, 0.04, 0.06, 0.06};
    double adjusted[5];
    check_true(mlb_holm(p, 5, adjusted));
    for (size_t i = 0; i < 5; i++)
        check_close(adjusted[i], expected[i], 1e-12);
    static const double large[] = {0.9, 0.8, 1.0};
    check_true(mlb_holm(large, 3, adjusted));
    for (size_t i = 0; i < 3; i++)
        check_close(adjusted[i], 1.0, 0);
    check_true(mlb_holm(NULL, 0, NULL));
}

/* Student's t has a closed form for one, two and three degrees of freedom. */
static void test_student(void **state)
{
    (void)state;
    for (double t = 0.01; t < 60.0; t *= 1.7) {
        double x = t / sqrt(3.0), three = (x / (1.0 + x * x) + atan(x)) / M_PI;
        check_close(mlb_student_two_sided(t, 1.0), 1.0 - 2.0 * atan(t) / M_PI, 1e-11);
        check_close(mlb_student_two_sided(t, 2.0), 1.0 - t / sqrt(2.0 + t * t), 1e-10);
        check_close(mlb_student_two_sided(t, 3.0), 1.0 - 2.0 * three, 1e-8);
        check_close(mlb_student_two_sided(-t, 2.0), mlb_student_two_sided(t, 2.0), 0);
    }
    check_close(mlb_student_two_sided(0.0, 5.0), 1.0, 0);
    check_close(mlb_student_two_sided(INFINITY, 5.0), 0.0, 0);
}

static void test_welch(void **state)
{
    (void)state;
    static const double a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 9}, flat[] = {2, 2, 2};
    check_close(mlb_welch_p(a, 4, b, 4), 0.008512863131378176, 1e-12); /* R: t.test(a, b) */
    check_close(mlb_welch_p(b, 4, a, 4), 0.008512863131378176, 1e-12);
    check_close(mlb_welch_p(flat, 3, flat, 2), 1.0, 0);
    check_close(mlb_welch_p(flat, 3, flat, 1), NAN, 0);
    check_true(mlb_welch_p(a, 4, flat, 3) > 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_definition),
        cmocka_unit_test(test_smallest_p),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_normal_joins_the_exact),
        cmocka_unit_test(test_all_equal),
        cmocka_unit_test(test_shift_against_the_definition),
        cmocka_unit_test(test_shift_is_antisymmetric),
        cmocka_unit_test(test_smallest_intervals),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_student),
        cmocka_unit_test(test_welch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
