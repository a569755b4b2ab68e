/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/app/suite.h"
#include "tests/fake/fake_workloads.h"

static enum mlb_status build(const char *text, struct mlb_plan *plan, struct mlb_error *err)
{
    static const char *const kinds[] = {"fake", NULL};
    struct mlb_json json = {0};
    memset(plan, 0, sizeof *plan);
    memset(err, 0, sizeof *err);
    enum mlb_status status = mlb_json_parse(&json, "t.jsonc", text, strlen(text), err);
    if (status == MLB_OK)
        status = mlb_suite_build(&json, "t", plan, err);
    if (status == MLB_OK)
        status = mlb_plan_finish(plan, kinds, err);
    mlb_json_close(&json);
    return status;
}

static void test_expansion(void **state)
{
    (void)state;
    struct mlb_plan plan;
    struct mlb_error err;
    check_ok(build("{\"summary\": \"s\", // why\n"
                   " \"measure\": {\"target\": 0.02},\n"
                   " \"cases\": [{\"workload\": \"alpha\", \"size\": [1, \"2k\"],\n"
                   "   \"kind\": [\"plain\", \"fancy\"], \"priority\": 2},\n"
                   "  {\"workload\": \"alpha\", \"bytes\": {\"from\": 8, \"to\": \"1KiB\",\n"
                   "   \"factor\": 4}, \"measure\": {\"target\": \"3%\"}}]}",
                   &plan, &err),
             &err);
    check_u64(plan.count, 8);
    check_text(plan.cases[0].label, "plain 1");
    check_text(plan.cases[1].label, "fancy 1");
    check_text(plan.cases[3].label, "fancy 2000");
    check_u64(plan.cases[0].priority, 2);
    check_close(plan.cases[0].measure.target, 0.02, 0);
    check_close(plan.cases[4].measure.target, 0.03, 0);
    check_contains(plan.cases[4].id, "bytes=8,");
    check_contains(plan.cases[7].id, "bytes=512,");
    check_text(plan.summary, "s");
    mlb_plan_free(&plan);
}

/* From the largest down, with both ends. */
static void test_descending_sweep(void **state)
{
    (void)state;
    struct mlb_plan plan;
    struct mlb_error err;
    check_ok(build("{\"cases\": [{\"workload\": \"alpha\",\n"
                   " \"bytes\": {\"from\": \"8GiB\", \"to\": 8, \"factor\": 4}}]}",
                   &plan, &err),
             &err);
    check_u64(plan.count, 16);
    check_contains(plan.cases[0].id, "bytes=8GiB,");
    check_contains(plan.cases[1].id, "bytes=2GiB,");
    check_contains(plan.cases[15].id, "bytes=8,");
    mlb_plan_free(&plan);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"[]", "t.jsonc:1: a suite must be an object"},
        {"{}", "needs a key 'cases'"},
        {"{\"cases\": []}", "needs a key 'cases'"},
        {"{\"cases\": 7}", "needs a key 'cases'"},
        {"{\n\"cases\": [{}]}", "t.jsonc:2: a case needs a key 'workload'"},
        {"{\"cases\": [7]}", "a case must be an object"},
        {"{\"cases\": [\n{\"workload\": \"alhpa\"}]}",
         "t.jsonc:2: unknown workload 'alhpa'; did you mean 'alpha'?"},
        {"{\"cases\": [{\"workload\": \"alpha\",\n\n\"sise\": 3}]}",
         "t.jsonc:3: unknown key 'sise' in alpha; did you mean 'size'?"},
        {"{\"cases\": [{\"workload\": \"alpha\"}],\n\"casse\": 1}",
         "t.jsonc:2: unknown key 'casse' in the suite; did you mean 'cases'?"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"size\": \"big\"}]}", "size = big"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"size\": 0}]}", "size = 0"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"size\": null}]}", "key 'size': a null value"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"size\": []}]}", "key 'size': an empty list"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"size\": [[1]]}]}", "key 'size': a nested list"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"kind\": \"palin\"}]}", "kind = palin"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"size\": 13}]}", "alpha: size = 13"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"priority\": 0}]}", "key 'priority'"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"priority\": 1.5}]}", "key 'priority'"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"device\": \"gpu\"}]}",
         "t.jsonc:1: device = gpu: alpha knows auto, fake, cpu"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"without\": \"gpu\"}]}", "without = gpu"},
        {"{\"cases\": [{\"workload\": \"alpha\",\n\"variant\": \"bset\"}]}",
         "t.jsonc:2: variant = bset: alpha knows all, best, second, plain, spare"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"measure\": 3}]}", "'measure' must be an object"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"measure\": {\"taget\": 1}}]}",
         "unknown key 'taget' in 'measure'; did you mean 'target'?"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"size\": {\"from\": 0, \"to\": 8}}]}",
         "a sweep needs"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"size\": {\"from\": 8, \"to\": 0}}]}",
         "a sweep needs"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"size\": {\"from\": 1}}]}", "a sweep is"},
        {"{\"cases\": [{\"workload\": \"alpha\", \"size\": {\"form\": 1}}]}",
         "unknown key 'form' in a sweep; did you mean 'from'?"},
        {"{\"cases\": [{\"workload\": \"alpha\",\n\"size\": ", "t.jsonc:2: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mlb_plan plan;
        struct mlb_error err;
        check_fails(build(cases[i].text, &plan, &err), MLB_E_CONFIG, &err, cases[i].error);
        mlb_plan_free(&plan);
    }
}

/* 200 x 200 = 40,000 cases: refused before memory is. */
static void test_too_many_cases(void **state)
{
    (void)state;
    char text[8192];
    int at = snprintf(text, sizeof text, "{\"cases\": [{\"workload\": \"alpha\", \"size\": [1");
    for (int i = 2; i <= 200; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, ",%d", 20 * i);
    at += snprintf(text + at, sizeof text - (size_t)at, "], \"bytes\": [1");
    for (int i = 2; i <= 200; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, ",%d", i);
    snprintf(text + at, sizeof text - (size_t)at, "]}]}");
    struct mlb_plan plan;
    struct mlb_error err;
    check_fails(build(text, &plan, &err), MLB_E_CONFIG, &err, "more than 20000 cases");
    mlb_plan_free(&plan);
}

static void test_words(void **state)
{
    (void)state;
    const char *const good[] = {"alpha", "size=1,2", "kind=fancy", "alpha", "variant=best"};
    const char *const lost[] = {"size=1"};
    const char *const twice[] = {"alpha", "size=1", "size=2"};
    struct mlb_plan plan;
    struct mlb_error err = {0};
    char *text = NULL;
    check_ok(mlb_suite_from_words(good, 5, &text, &err), &err);
    check_ok(build(text, &plan, &err), &err);
    check_u64(plan.count, 3);
    check_text(plan.cases[1].label, "fancy 2");
    check_text(plan.cases[2].variant, "best");
    mlb_plan_free(&plan);
    free(text);
    check_fails(mlb_suite_from_words(lost, 1, &text, &err), MLB_E_USAGE, &err,
                "'size=1' stands before any workload");
    check_fails(mlb_suite_from_words(twice, 3, &text, &err), MLB_E_USAGE, &err, "'size' twice");
}

static void test_override(void **state)
{
    (void)state;
    static const char two[] = "{\"cases\": [{\"workload\": \"alpha\", \"size\": [1, 2]}]}";
    struct mlb_plan plan;
    struct mlb_options options = {0};
    struct mlb_error err;
    check_ok(build(two, &plan, &err), &err);
    options.settings[0].row = mlb_option_find(mlb_measure_options, "max-time");
    snprintf(options.settings[0].text, sizeof options.settings[0].text, "7s");
    options.setting_count = 1;
    snprintf(options.only, sizeof options.only, "plain 2");
    check_ok(mlb_suite_override(&plan, &options, &err), &err);
    check_u64(plan.count, 1);
    check_close(plan.cases[0].measure.max_time_s, 7, 0);
    snprintf(options.only, sizeof options.only, "nothing");
    check_fails(mlb_suite_override(&plan, &options, &err), MLB_E_USAGE, &err,
                "none of the 1 cases of suite t match --only nothing");
    mlb_plan_free(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expansion), cmocka_unit_test(test_descending_sweep),
        cmocka_unit_test(test_errors),    cmocka_unit_test(test_too_many_cases),
        cmocka_unit_test(test_words),     cmocka_unit_test(test_override)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
