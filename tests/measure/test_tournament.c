/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/tournament.h"

#include "tests/check.h"

/* Every pair once, both sides agree on it, and nobody rests but one where the number is odd. */
static void check_tournament(int n)
{
    unsigned char *met = test_calloc((size_t)n * (size_t)n, 1);
    for (int round = 0; round < mlb_tournament_rounds(n); round++) {
        int resting = 0;
        for (int i = 0; i < n; i++) {
            int other = mlb_tournament_opponent(n, round, i);
            check_true(other >= 0 && other < n);
            check_i64(mlb_tournament_opponent(n, round, other), i);
            resting += other == i;
            if (other != i)
                met[i * n + other]++;
        }
        check_i64(resting, n % 2);
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            check_i64(met[i * n + j], i != j);
    test_free(met);
}

static void each_pair_meets_once_and_all_are_busy(void **state)
{
    (void)state;
    for (int n = 2; n <= 64; n++)
        check_tournament(n);
    check_tournament(1023);
    check_tournament(1024);
}

static void rounds_are_one_less_than_members(void **state)
{
    (void)state;
    static const int table[][2] = {{0, 0}, {1, 0}, {2, 1},   {3, 3},
                                   {4, 3}, {5, 5}, {64, 63}, {1024, 1023}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check_i64(mlb_tournament_rounds(table[i][0]), table[i][1]);
    check_i64(mlb_tournament_opponent(1, 0, 0), 0);
}

static void a_bisection_has_both_halves_busy(void **state)
{
    (void)state;
    static const int order[5] = {3, 0, 4, 1, 2};
    for (int n = 2; n <= 9; n++) {
        for (int i = 0; i < n; i++) {
            int other = mlb_bisection_opponent(n, NULL, i);
            check_i64(mlb_bisection_opponent(n, NULL, other), i);
            check_true(other == i ? n % 2 == 1 && i == n - 1 : (i < n / 2) != (other < n / 2));
        }
    }
    static const int expected[5] = {1, 0, 2, 4, 3};
    for (int i = 0; i < 5; i++)
        check_i64(mlb_bisection_opponent(5, order, i), expected[i]);
}

/* Time on a clock of its own: all meet before a round, as the survey does, and the next one begins
 * when the last pair is done. A pair takes `pair_s`, or `slow_s` with member 0 in it. */
static double simulate(int n, double pair_s, double slow_s, double meeting_s)
{
    double now_s = 0.0;
    for (int round = 0; round < mlb_tournament_rounds(n); round++) {
        double longest_s = 0.0;
        for (int i = 0; i < n; i++) {
            int other = mlb_tournament_opponent(n, round, i);
            double took_s = other == i ? 0.0 : i == 0 || other == 0 ? slow_s : pair_s;
            longest_s = took_s > longest_s ? took_s : longest_s;
        }
        now_s += meeting_s + longest_s;
    }
    return now_s;
}

static void its_time_grows_as_the_rounds_do(void **state)
{
    (void)state;
    const double pair_s = 0.1, meeting_s = 0.001;
    print_message("%8s %8s %12s %16s\n", "members", "rounds", "all busy", "pair by pair");
    for (int n = 2; n <= 1024; n *= 2) {
        double took_s = simulate(n, pair_s, pair_s, meeting_s);
        double pairs = (double)n * (n - 1) / 2;
        print_message("%8d %8d %10.1f s %14.1f s\n", n, mlb_tournament_rounds(n), took_s,
                      pairs * (pair_s + meeting_s));
        check_close(took_s, (n - 1) * (pair_s + meeting_s), 1e-9);
        /* One member at half rate: each round waits for it, and no round more. */
        check_close(simulate(n, pair_s, 2 * pair_s, meeting_s), (n - 1) * (2 * pair_s + meeting_s),
                    1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_meets_once_and_all_are_busy),
        cmocka_unit_test(rounds_are_one_less_than_members),
        cmocka_unit_test(a_bisection_has_both_halves_busy),
        cmocka_unit_test(its_time_grows_as_the_rounds_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
