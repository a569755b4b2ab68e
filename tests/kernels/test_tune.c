/* SPDX-License-Identifier: Apache-2.0 */
/* The choice among a library's algorithms, with a scripted clock. */
#include "kernels/tune.h"

#include "tests/check.h"

#define BROKEN -1.0 /* cannot run */
#define DEAD   -2.0 /* the device went away */

struct script {
    const double *us;    /* time of a run of each candidate */
    double first_run_us; /* added to the first run of each: its code is loaded then */
    size_t calls[MLB_TUNE_CANDIDATES];
    double spent_s;
};

static enum mlb_status play(void *user, size_t index, unsigned runs, double *ns,
                            struct mlb_error *err)
{
    struct script *script = user;
    double us = script->us[index];
    if (us == BROKEN)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "candidate %zu cannot", index);
    if (us == DEAD)
        return mlb_fail(err, MLB_E_TIMEOUT, "gone");
    if (script->calls[index]++ == 0)
        us += script->first_run_us;
    script->spent_s += 1e-6 * us * runs;
    *ns = 1e3 * us;
    return MLB_OK;
}

static void test_choices(void **unused)
{
    static const struct {
        const char *name;
        size_t count;
        double us[8];
        double cold_us;
        size_t chosen, tested;
    } rows[] = {
        {"one", 1, {100}, 0, 0, 1},
        {"the heuristic is right", 4, {100, 110, 120, 300}, 0, 0, 4},
        {"a later one is faster", 5, {100, 110, 97, 300, 99}, 0, 2, 5},
        {"the first cannot run", 3, {BROKEN, 90, 80}, 0, 2, 2},
        {"only the last can", 3, {BROKEN, BROKEN, 80}, 0, 2, 1},
        {"much faster than the first", 3, {1000, 500, 100}, 0, 2, 3},
        {"warm-up does not count", 3, {100, 90, 95}, 150, 1, 3},
        {"equal: the first", 3, {100, 100, 100}, 0, 0, 3},
        {"more near ones than seats", 8, {100, 99, 98, 97, 96, 95, 94, 93}, 0, 7, 8},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct script script = {.us = rows[i].us, .first_run_us = rows[i].cold_us};
        struct mlb_tune tune = {
            .count = rows[i].count, .budget_s = 1.0, .time = play, .user = &script};
        struct mlb_tune_result result;
        struct mlb_error err = {0};
        check_ok(mlb_tune(&tune, &result, &err), &err);
        if (result.chosen != rows[i].chosen)
            print_error("%s\n", rows[i].name);
        check_u64(result.chosen, rows[i].chosen);
        check_u64(result.tested, rows[i].tested);
        check_close(result.chosen_ns, 1e3 * rows[i].us[rows[i].chosen], 1e-12);
        if (rows[i].us[0] > 0)
            check_close(result.first_ns, 1e3 * rows[i].us[0], 1e-12);
        else
            check_true(isinf(result.first_ns));
        check_true(script.spent_s <= 1.2);
    }
}

/* A product of 150 ms a run: the best guess is timed, the rest is left out. */
static void test_slow_products_stay_in_budget(void **unused)
{
    static const double us[MLB_TUNE_CANDIDATES] = {150e3, 140e3, 140e3, 140e3};
    struct script script = {.us = us};
    struct mlb_tune tune = {.count = 4, .budget_s = 1.0, .time = play, .user = &script};
    struct mlb_tune_result result;
    struct mlb_error err = {0};
    (void)unused;
    check_ok(mlb_tune(&tune, &result, &err), &err);
    check_true(script.spent_s < 2.0);
    check_true(result.tested >= 1);
    static const double slower[MLB_TUNE_CANDIDATES] = {3e6, 1, 1, 1};
    script = (struct script){.us = slower};
    check_ok(mlb_tune(&tune, &result, &err), &err);
    check_u64(result.tested, 1);
    check_u64(script.calls[0], 2);
}

static void test_none_can_run(void **unused)
{
    static const double us[] = {BROKEN, BROKEN};
    struct script script = {.us = us};
    struct mlb_tune tune = {.count = 2, .budget_s = 1.0, .time = play, .user = &script};
    struct mlb_tune_result result;
    struct mlb_error err = {0};
    (void)unused;
    enum mlb_status status = mlb_tune(&tune, &result, &err);
    check_fails(status, MLB_E_UNSUPPORTED, &err, "candidate 0 cannot");
    tune.count = 0;
    status = mlb_tune(&tune, &result, &err);
    check_fails(status, MLB_E_UNSUPPORTED, &err, "no candidate");
}

static void test_a_lost_device_ends_it(void **unused)
{
    static const double us[] = {100, DEAD, 50};
    struct script script = {.us = us};
    struct mlb_tune tune = {.count = 3, .budget_s = 1.0, .time = play, .user = &script};
    struct mlb_tune_result result;
    struct mlb_error err = {0};
    (void)unused;
    enum mlb_status status = mlb_tune(&tune, &result, &err);
    check_fails(status, MLB_E_TIMEOUT, &err, "gone");
    check_u64(script.calls[2], 0);
}

/* A case that is to be short is not kept waiting by its setup. */
static void test_the_budget_is_the_cases(void **unused)
{
    struct mlb_ctx ctx = {0};
    (void)unused;
    check_close(mlb_tune_budget(&ctx, 1.5), 1.5, 0);
    ctx.tune_s = 0.1;
    check_close(mlb_tune_budget(&ctx, 1.5), 0.1, 0);
    ctx.tune_s = 5.0;
    check_close(mlb_tune_budget(&ctx, 1.5), 1.5, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_slow_products_stay_in_budget),
        cmocka_unit_test(test_none_can_run),
        cmocka_unit_test(test_a_lost_device_ends_it),
        cmocka_unit_test(test_the_budget_is_the_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
