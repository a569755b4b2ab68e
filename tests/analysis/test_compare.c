/* SPDX-License-Identifier: Apache-2.0 */
/* What two sides of launches are found to be, what is not compared, what differs. */
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

static void test_verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t launches;
        double slower, sd; /* ln of the new side's times; spread of both */
        enum mlb_compare_verdict verdict;
        bool clear;
    } table[] = {
        {"nothing changed", 10, 0.0, 0.003, MLB_COMPARE_SAME, false},
        {"every launch the same", 10, 0.0, 0.0, MLB_COMPARE_SAME, false},
        {"far slower", 10, 0.06, 0.003, MLB_COMPARE_WORSE, true},
        {"far faster", 10, -0.06, 0.003, MLB_COMPARE_BETTER, true},
        {"slower by about the margin", 10, 0.024, 0.006, MLB_COMPARE_WORSE, false},
        {"less than the margin", 10, 0.010, 0.002, MLB_COMPARE_SMALL, false},
        {"noise", 10, 0.01, 0.05, MLB_COMPARE_UNSURE, false},
        {"one launch", 1, 0.10, 0.003, MLB_COMPARE_UNSURE, false},
        {"three launches: no p can be that small", 3, 0.10, 0.003, MLB_COMPARE_UNSURE, false},
        {"three launches: alike, but of what spread?", 3, 0.0, 0.001, MLB_COMPARE_UNSURE, false},
        {"four launches, alike", 4, 0.0, 0.001, MLB_COMPARE_SAME, false},
        {"four launches", 4, 0.10, 0.003, MLB_COMPARE_WORSE, true},
        {"more than are counted exactly", 60, 0.06, 0.003, MLB_COMPARE_WORSE, true},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct launches launches;
        struct mlb_comparison comparison;
        launches_init(&launches, 1, table[i].launches, table[i].launches);
        launches_spread(&launches, MLB_BASE, 0, 1e6, table[i].sd, 11);
        launches_spread(&launches, MLB_NEW, 0, 1e6 * exp(table[i].slower), table[i].sd, 12);
        compare(&launches, &usual, &comparison);
        const struct mlb_compare_line *line = &comparison.lines[0];
        if (line->verdict != table[i].verdict)
            print_error("%s: p %g, gain %g\n", table[i].what, line->p, line->gain.estimate);
        check_text(mlb_compare_verdict_names[line->verdict],
                   mlb_compare_verdict_names[table[i].verdict]);
        check_true(line->clear == table[i].clear);
        check_true((line->more_launches > 0) == (line->verdict == MLB_COMPARE_UNSURE));
        check_u64(comparison.count[table[i].verdict], 1);
        mlb_comparison_free(&comparison);
        launches_free(&launches);
    }
}

/* Rates fall when times rise; a time is shown as it is. */
static void test_directions(void **state)
{
    (void)state;
    static const struct {
        struct mlb_work work;
        const char *unit;
        double median, change, margin;
        bool primary;
    } table[] = {
        {{.formula = "f", .flop = 1e12}, "FLOP/s", 1e15, -0.2, 0.02, true},
        {{.formula = "f", .flop = 1e12, .operations = true}, "OP/s", 1e15, -0.2, 0.02, true},
        {{.formula = "f", .bytes = 1e9}, "B/s", 1e12, -0.2, 0.02, true},
        {{.formula = "f", .bytes = 1e8, .bus_factor = 1.5}, "B/s", 1.5e11, -0.2, 0.03, true},
        {{.formula = "f", .bytes = 1e5, .bus_factor = 1.5}, "B/s", 1.5e8, -0.2, 0.03, false},
        {{.formula = "f", .bytes = 65536, .bus_factor = 1.5}, "s", 1e-3, 0.25, 0.05, false},
        {{.formula = "f", .bytes = 1e8, .link = true}, "B/s", 1e11, -0.2, 0.03, true},
        {{.formula = "f", .bytes = 8, .link = true}, "s", 1e-3, 0.25, 0.05, false},
        {{.formula = "launch.1"}, "s", 1e-3, 0.25, 0.05, false},
        {{.formula = "overlap.both", .ranks = 8, .nodes = 1}, "s", 1e-3, 0.25, 0.02, true},
    };
    struct launches launches;
    launches_init(&launches, sizeof table / sizeof *table, 8, 8);
    for (size_t i = 0; i < launches.cases; i++) {
        launches_work(&launches, MLB_BASE, i, table[i].work);
        launches_work(&launches, MLB_NEW, i, table[i].work);
        launches_spread(&launches, MLB_NEW, i, 1.25e6, 0.0, 1);
    }
    struct mlb_comparison comparison;
    compare(&launches, &usual, &comparison);
    check_u64(comparison.line_count, launches.cases);
    for (size_t i = 0; i < launches.cases; i++) {
        const struct mlb_compare_line *line = &comparison.lines[i];
        struct mlb_change change = mlb_compare_change(line);
        check_text(line->unit, table[i].unit);
        check_close(line->side[MLB_BASE].median, table[i].median, 1e-9);
        check_close(line->gain.estimate, log(0.8), 1e-9);
        check_close(change.estimate, table[i].change, 1e-9);
        check_close(line->margin, table[i].margin, 0);
        check_true(line->primary == table[i].primary);
        check_true(line->verdict == (table[i].primary ? MLB_COMPARE_WORSE : MLB_COMPARE_SHOWN));
        check_true(line->side[MLB_BASE].interval.known);
    }
    check_close(comparison.mean.ratio, 0.8, 1e-9);
    check_u64(comparison.mean.cases, 6);
    mlb_comparison_free(&comparison);

    compare(&launches, &(struct mlb_compare_choice){.alpha = 0.05, .all = true}, &comparison);
    check_u64(comparison.tested, launches.cases);
    check_u64(comparison.count[MLB_COMPARE_WORSE], launches.cases);
    mlb_comparison_free(&comparison);
    launches_free(&launches);
}

static void test_what_is_not_compared(void **state)
{
    (void)state;
    enum { OTHER_FORMULA, OTHER_WORK, OTHER_SIZE, AUTO_SIZE, GONE, UNVERIFIED, SKIPPED, FAILED, N };
    struct launches launches;
    launches_init(&launches, N, 6, 6);
    struct mlb_work work = {.formula = "stream.copy.2n", .bytes = 1e9};
    for (size_t c = 0; c < N; c++) {
        launches_work(&launches, MLB_BASE, c, work);
        launches_work(&launches, MLB_NEW, c, work);
    }
    launches_work(&launches, MLB_NEW, OTHER_FORMULA, (struct mlb_work){"copy.1n", .bytes = 1e9});
    launches_work(&launches, MLB_NEW, OTHER_WORK,
                  (struct mlb_work){"stream.copy.2n", .bytes = 1e9, .ranks = 8});
    launches_work(&launches, MLB_NEW, OTHER_SIZE,
                  (struct mlb_work){"stream.copy.2n", .bytes = 2e9});
    launches_work(&launches, MLB_NEW, AUTO_SIZE, (struct mlb_work){"stream.copy.2n", .bytes = 2e9});
    strcpy(launches.params[AUTO_SIZE][0].name, "bytes");
    strcpy(launches.params[AUTO_SIZE][0].value, "0");
    for (size_t l = 0; l < 6; l++) {
        launches_row(&launches, MLB_NEW, l, UNVERIFIED)->verified = false;
        launches_row(&launches, MLB_NEW, l, GONE)->status = MLB_ROW_UNTRUSTED;
        for (int s = 0; s < MLB_SIDES; s++) {
            launches_row(&launches, s, l, SKIPPED)->status = MLB_ROW_SKIPPED;
            launches_row(&launches, s, l, FAILED)->status = MLB_ROW_FAILED;
        }
    }
    struct mlb_comparison comparison;
    compare(&launches, &usual, &comparison);
    const struct mlb_compare_line *lines = comparison.lines;
    check_u64(comparison.line_count, 6); /* the last two have no value anywhere */
    check_u64(comparison.nowhere, 1);
    check_u64(comparison.missing_primary, 5);
    for (size_t c = OTHER_FORMULA; c <= OTHER_SIZE; c++)
        check_true(lines[c].verdict == MLB_COMPARE_REFUSED);
    check_contains(lines[OTHER_FORMULA].reason, "stream.copy.2n against copy.1n");
    check_contains(lines[OTHER_WORK].reason, "8 on 0");
    check_contains(lines[OTHER_SIZE].reason, "1e+09 bytes");
    check_true(lines[AUTO_SIZE].verdict == MLB_COMPARE_BETTER); /* by the rate */
    check_close(mlb_compare_change(&lines[AUTO_SIZE]).estimate, 1.0, 1e-9);
    check_true(lines[GONE].verdict == MLB_COMPARE_MISSING);
    check_text(lines[GONE].reason, "failed or not to be trusted on the new side");
    check_true(lines[UNVERIFIED].verdict == MLB_COMPARE_MISSING);
    check_text(lines[UNVERIFIED].reason, "not verified on the new side");
    mlb_comparison_free(&comparison);

    compare(&launches, &(struct mlb_compare_choice){.alpha = 0.05, .only = "*size=3*"},
            &comparison);
    check_u64(comparison.line_count, 1);
    mlb_comparison_free(&comparison);
    launches_free(&launches);
}

/* Cases that only one side has, in another order than the other side's. */
static void test_other_cases(void **state)
{
    (void)state;
    struct launches launches;
    struct mlb_comparison comparison;
    launches_init(&launches, 5, 4, 4);
    for (size_t l = 0; l < 4; l++) {
        launches.side[MLB_BASE].items[l].row_count = 4;
        struct mlb_digest *digest = &launches.side[MLB_NEW].items[l];
        struct mlb_digest_row *rows = digest->rows, first = rows[0];
        rows[0] = rows[3];
        rows[3] = first;
        digest->rows = rows + 1; /* 1 2 0 4; 3 is gone */
        digest->row_count = 4;
    }
    compare(&launches, &usual, &comparison);
    check_u64(comparison.line_count, 5);
    check_u64(comparison.count[MLB_COMPARE_MISSING], 2);
    check_text(comparison.lines[3].reason, "not measured on the new side");
    check_text(comparison.lines[4].reason, "not measured on the base");
    mlb_comparison_free(&comparison);
    launches_free(&launches);
}

static void test_unlike_jobs(void **state)
{
    (void)state;
    static const char *const said[] = {"data: normal in a.json, zeros in b.json",
                                       "machines: 1 in a.json, 2 in b.json; nodes=N",
                                       "ranks: 8 in a.json, 16 in b.json",
                                       "ranks a machine: 8 in a.json, 4 in b.json",
                                       "together in a.json, one after the other in b.json",
                                       "cores: no in a.json, yes in b.json"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct launches launches;
        struct mlb_comparison comparison;
        struct mlb_error err = {0};
        launches_init(&launches, 1, 2, 2);
        struct mlb_digest *digest = &launches.side[MLB_NEW].items[1];
        digest->data = i == 0 ? "zeros" : "normal";
        digest->nodes = i == 1 ? 2 : 1;
        digest->ranks = i == 2 ? 16 : 8;
        digest->ranks_per_node = i == 3 ? 4 : 8;
        digest->solo = i == 4;
        digest->oversubscribed = i == 5;
        check_fails(mlb_compare(&launches.side[MLB_BASE], &launches.side[MLB_NEW], &usual,
                                &comparison, &err),
                    MLB_E_NO_VERDICT, &err, said[i]);
        launches.side[MLB_NEW].count = 0;
        check_fails(mlb_compare(&launches.side[MLB_BASE], &launches.side[MLB_NEW], &usual,
                                &comparison, &err),
                    MLB_E_NO_VERDICT, &err, "without a record");
        launches_free(&launches);
    }
}

/* From which n on Holm's first step can be met: facts of 2 / C(2n, n). */
static void test_launches_needed(void **state)
{
    (void)state;
    static const struct {
        size_t cases, needed;
    } table[] = {{1, 4}, {5, 5}, {10, 6}, {20, 6}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct launches launches;
        struct mlb_comparison comparison;
        launches_init(&launches, table[i].cases, 4, 4);
        for (size_t c = 0; c < table[i].cases; c++)
            launches_spread(&launches, MLB_NEW, c, 2e6, 0.001, c);
        compare(&launches, &usual, &comparison);
        check_u64(comparison.tested, table[i].cases);
        check_u64(comparison.needed, table[i].needed);
        if (table[i].needed > 4)
            check_u64(comparison.lines[0].more_launches, table[i].needed - 4);
        mlb_comparison_free(&comparison);
        launches_free(&launches);
    }
}

/* One launch in ten went wrong, which is a launch and not a spread. */
static void test_one_odd_launch(void **state)
{
    (void)state;
    struct launches launches;
    struct mlb_comparison comparison;
    launches_init(&launches, 1, 10, 10);
    launches_spread(&launches, MLB_BASE, 0, 1e6, 0.003, 41);
    launches_spread(&launches, MLB_NEW, 0, 1.03e6, 0.003, 42);
    launches_set(&launches, MLB_NEW, 3, 0, 1.5e6);
    compare(&launches, &usual, &comparison);
    check_true(!comparison.lines[0].unlike_spread);
    check_true(comparison.lines[0].verdict == MLB_COMPARE_WORSE);
    check_true(fabs(comparison.lines[0].gain.estimate + log(1.03)) < 0.003);
    mlb_comparison_free(&comparison);
    launches_free(&launches);
}

/* All wide values lie above all tight ones: the rank test's p is 1 in 8008, of luck 1 in 64. */
static void test_unlike_spreads(void **state)
{
    (void)state;
    static const double wide[] = {1.0005, 1.01, 1.03, 1.001, 1.06, 1.002};
    struct launches launches;
    struct mlb_comparison comparison;
    launches_init(&launches, 1, 10, 6);
    launches_spread(&launches, MLB_BASE, 0, 0.999e6, 0.0002, 43);
    for (size_t l = 0; l < 6; l++)
        launches_set(&launches, MLB_NEW, l, 0, 1e6 * wide[l]);
    compare(&launches, &usual, &comparison);
    check_true(comparison.lines[0].unlike_spread);
    check_true(comparison.lines[0].p > 0.05);
    check_true(comparison.lines[0].verdict == MLB_COMPARE_UNSURE);
    mlb_comparison_free(&comparison);
    launches_free(&launches);
}

/* The verdict on one case of which both sides differ by 2 % from launch to launch. */
static struct mlb_compare_line noisy_case(size_t launches_a_side, uint64_t seed)
{
    struct launches launches;
    struct mlb_comparison comparison;
    launches_init(&launches, 1, launches_a_side, launches_a_side);
    launches_spread(&launches, MLB_BASE, 0, 1e6, 0.02, 2 * seed);
    launches_spread(&launches, MLB_NEW, 0, 1e6, 0.02, 2 * seed + 1);
    compare(&launches, &usual, &comparison);
    struct mlb_compare_line line = comparison.lines[0];
    mlb_comparison_free(&comparison);
    launches_free(&launches);
    return line;
}

/* "About so many more" are enough more often than not, and twice as many in seven of ten. */
static void test_more_launches_tell(void **state)
{
    (void)state;
    size_t asked = 0, enough = 0, twice = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct mlb_compare_line line = noisy_case(6, seed);
        if (line.verdict != MLB_COMPARE_UNSURE)
            continue;
        asked++;
        check_true(line.more_launches >= 1 && line.more_launches < 200);
        enough += noisy_case(6 + line.more_launches, seed).verdict != MLB_COMPARE_UNSURE;
        twice += noisy_case(6 + 2 * line.more_launches, seed).verdict != MLB_COMPARE_UNSURE;
    }
    check_true(asked >= 30);
    check_true(2 * enough >= asked);
    check_true(10 * twice >= 7 * asked);
}

/* "" where nothing differs. */
static const char *difference(const struct mlb_comparison *comparison, const char *what, int side)
{
    for (size_t i = 0; i < comparison->difference_count; i++)
        if (strcmp(comparison->differences[i].what, what) == 0)
            return comparison->differences[i].side[side];
    return "";
}

static void test_differences(void **state)
{
    (void)state;
    struct launches launches;
    struct mlb_comparison comparison;
    launches_init(&launches, 3, 2, 2);
    launches_fact(&launches, MLB_BASE, "nvidia_driver", "550.90");
    launches_fact(&launches, MLB_NEW, "nvidia_driver", "570.12");
    launches_fact(&launches, MLB_BASE, "kernel", "6.8");
    launches_fact(&launches, MLB_NEW, "kernel", "6.8");
    launches_fact(&launches, MLB_BASE, "mpi", "Open MPI 4.1");
    launches_fact(&launches, MLB_NEW, "env.NCCL_ALGO", "Ring");
    launches.side[MLB_NEW].items[0].fact_count--; /* one of the two launches */
    for (size_t l = 0; l < 2; l++) {
        struct mlb_provider *base = &launches.side[MLB_BASE].items[l].provider;
        strcpy(base->name, "aws");
        strcpy(base->instance, l == 0 ? "p5.48xlarge" : "p5en.48xlarge");
        base->method = l == 0 ? MLB_PROVIDER_METADATA : MLB_PROVIDER_INFERRED;
        for (size_t c = 0; c < 3; c++) {
            launches_row(&launches, MLB_NEW, l, c)->library = "cuBLASLt 13.1";
            launches_row(&launches, MLB_BASE, l, c)->clock_hz = (struct mlb_maybe){true, 1.8e9};
            launches_row(&launches, MLB_NEW, l, c)->clock_hz = (struct mlb_maybe){true, 1.5e9};
        }
    }
    compare(&launches, &usual, &comparison);
    static const struct {
        const char *what, *base, *other;
    } table[] = {{"nvidia_driver", "550.90", "570.12"},
                 {"kernel", "", ""},
                 {"mpi", "Open MPI 4.1", "not known"},
                 {"env.NCCL_ALGO", "not set", "not set, Ring"},
                 {"gemm by", "cublaslt (cuBLASLt 13.0)", "cublaslt (cuBLASLt 13.1)"},
                 {"clock under load (median of the cases)", "1800 MHz", "1500 MHz"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        check_text(difference(&comparison, table[i].what, MLB_BASE), table[i].base);
        check_text(difference(&comparison, table[i].what, MLB_NEW), table[i].other);
    }
    check_u64(comparison.machines[MLB_BASE], 2);
    check_text(comparison.side[MLB_BASE], "aws p5.48xlarge, aws p5en.48xlarge (inferred)");
    check_text(comparison.side[MLB_NEW], "8x-nvidia-h200");
    check_u64(comparison.difference_count, 6); /* and the machine */
    mlb_comparison_free(&comparison);
    launches_free(&launches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_directions),
        cmocka_unit_test(test_what_is_not_compared),
        cmocka_unit_test(test_other_cases),
        cmocka_unit_test(test_unlike_jobs),
        cmocka_unit_test(test_launches_needed),
        cmocka_unit_test(test_one_odd_launch),
        cmocka_unit_test(test_unlike_spreads),
        cmocka_unit_test(test_more_launches_tell),
        cmocka_unit_test(test_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
