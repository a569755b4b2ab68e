/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/base/text.h"
#include "tests/check.h"

#include "harness/analysis/cost.h"

/* A row whose step takes 1 s, between 0.8 s and 1.25 s. */
static struct mlb_row row_of(struct mlb_work work)
{
    return (struct mlb_row){
        .status = MLB_ROW_MEASURED,
        .work = work,
        .summary = {.n = 20,
                    .median = 1e9,
                    .interval = {.known = true, .low = 0.8e9, .high = 1.25e9, .coverage = 0.95}},
    };
}

static void test_cost_of_a_row(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        double price;
        int ranks;
        struct mlb_work work;
        const char *per; /* NULL: unknown */
        double dollars;
    } table[] = {
        /* 8 ranks x 1e15 FLOP/s at $36 an hour = $0.01 a second: 125 s for 1e18 FLOP */
        {"gemm", 36.0, 8, {.flop = 1e15, .bytes = 1e9}, "10^18 FLOP", 1.25},
        {"int8", 36.0, 8, {.flop = 1e15, .operations = true}, "10^18 OP", 1.25},
        {"one rank", 3.6, 1, {.flop = 1e12}, "10^18 FLOP", 1000.0},
        /* one message of 1e9 bytes a second, whatever the ranks: 1000 s for a TB */
        {"all_reduce", 36.0, 8, {.bytes = 1e9, .bus_factor = 1.75}, "TB reduced", 10.0},
        {"alltoall", 36.0, 8, {.bytes = 1e9, .bus_factor = 0.875}, "TB exchanged", 10.0},
        {"all_reduce, more ranks", 36.0, 64, {.bytes = 1e9, .bus_factor = 1.9}, "TB reduced", 10.0},
        {"triad", 36.0, 2, {.bytes = 1e10}, "TB moved", 0.5},
        {"no price", 0.0, 8, {.flop = 1e15}, NULL, 0},
        {"price below zero", -1.0, 8, {.flop = 1e15}, NULL, 0},
        {"price is not a number", NAN, 8, {.flop = 1e15}, NULL, 0},
        {"no ranks", 36.0, 0, {.flop = 1e15}, NULL, 0},
        {"no work", 36.0, 8, {0}, NULL, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_result result = {.price_per_hour = table[i].price, .ranks = table[i].ranks};
        struct mlb_row row = row_of(table[i].work);
        mlb_format(row.workload, sizeof row.workload, "%s", table[i].what);
        struct mlb_cost cost = mlb_cost_of_row(&result, &row);
        if (cost.known != (table[i].per != NULL))
            print_error("%s\n", table[i].what);
        check_true(cost.known == (table[i].per != NULL));
        if (!cost.known)
            continue;
        check_text(cost.per, table[i].per);
        check_close(cost.dollars, table[i].dollars, 1e-12);
        check_close(cost.low, table[i].dollars * 0.8, 1e-12); /* the fastest is the cheapest */
        check_close(cost.high, table[i].dollars * 1.25, 1e-12);
    }
}

static void test_only_measured_rows_cost(void **state)
{
    (void)state;
    struct mlb_result result = {.price_per_hour = 36.0, .ranks = 1};
    struct mlb_row row = row_of((struct mlb_work){.flop = 1e15});
    check_true(mlb_cost_of_row(&result, &row).known);
    static const enum mlb_row_status others[] = {MLB_ROW_SKIPPED, MLB_ROW_UNTRUSTED,
                                                 MLB_ROW_FAILED};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        row.status = others[i];
        check_true(!mlb_cost_of_row(&result, &row).known);
    }
    row.status = MLB_ROW_MEASURED;
    row.summary.n = 0;
    check_true(!mlb_cost_of_row(&result, &row).known);
}

static void test_without_an_interval(void **state)
{
    (void)state;
    struct mlb_result result = {.price_per_hour = 3.6, .ranks = 1};
    struct mlb_row row = row_of((struct mlb_work){.flop = 1e15});
    row.summary.interval.known = false;
    struct mlb_cost cost = mlb_cost_of_row(&result, &row);
    check_close(cost.low, cost.dollars, 0);
    check_close(cost.high, cost.dollars, 0);
}

/* Rates of ranks that took turns do not add up; a collective is of all ranks anyhow. */
static void test_solo(void **state)
{
    (void)state;
    struct mlb_result result = {.price_per_hour = 36.0, .ranks = 8, .solo = true};
    struct mlb_row gemm = row_of((struct mlb_work){.flop = 1e15});
    struct mlb_row reduce = row_of((struct mlb_work){.bytes = 1e9, .bus_factor = 1.75});
    check_true(!mlb_cost_of_row(&result, &gemm).known);
    check_true(mlb_cost_of_row(&result, &reduce).known);
    result.ranks = 1;
    check_true(mlb_cost_of_row(&result, &gemm).known);
}

static void test_cost_of_time(void **state)
{
    (void)state;
    static const struct {
        double price, seconds, dollars;
    } table[] = {{36, 100, 1}, {36, 0, 0}, {0, 100, 0}, {36, -5, 0}, {NAN, 100, 0}, {36, NAN, 0}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_result result = {.price_per_hour = table[i].price};
        check_close(mlb_cost_of_time(&result, table[i].seconds), table[i].dollars, 1e-15);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost_of_a_row),       cmocka_unit_test(test_only_measured_rows_cost),
        cmocka_unit_test(test_without_an_interval), cmocka_unit_test(test_solo),
        cmocka_unit_test(test_cost_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
