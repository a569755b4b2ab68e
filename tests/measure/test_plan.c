/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/base/text.h"
#include "harness/measure/plan.h"
#include "tests/fake/fake_workloads.h"

static const char *const kinds[] = {"fake", "cpu", NULL};

static struct mlb_case *add(struct mlb_plan *plan, uint64_t size)
{
    struct mlb_case *item;
    struct mlb_error err = {0};
    check_ok(mlb_plan_add(plan, mlb_workload_find("alpha"), &item, &err), &err);
    ((struct fake_params *)item->params)->size = size;
    return item;
}

static void test_finish(void **state)
{
    (void)state;
    struct mlb_plan plan = {0};
    struct mlb_error err = {0};
    add(&plan, 4);
    add(&plan, 5);
    mlb_format(plan.cases[1].device, sizeof plan.cases[1].device, "cpu");
    add(&plan, 4); /* the first again */
    check_ok(mlb_plan_finish(&plan, kinds, &err), &err);
    check_u64(plan.count, 2);
    check_text(plan.cases[0].id, "alpha[fake,size=4,bytes=1KiB,kind=plain,fault=fine]");
    check_text(plan.cases[0].label, "plain 4");
    check_text(plan.cases[1].id, "alpha[cpu,size=5,bytes=1KiB,kind=plain,fault=fine]");
    check_close(plan.cases[0].measure.target, 0.01, 0);
    mlb_plan_free(&plan);
}

static void test_a_kind_that_is_not_there_is_named(void **state)
{
    (void)state;
    static const char *const none[] = {NULL}, *const others[] = {"vector", "cpu", NULL};
    struct mlb_plan plan = {0};
    struct mlb_error err = {0};
    add(&plan, 4);
    check_ok(mlb_plan_finish(&plan, none, &err), &err);
    check_text(plan.cases[0].device, "fake");
    mlb_plan_free(&plan);
    add(&plan, 4);
    check_ok(mlb_plan_finish(&plan, others, &err), &err);
    check_text(plan.cases[0].device, "cpu");
    mlb_plan_free(&plan);
}

static void test_all_variants(void **state)
{
    (void)state;
    struct mlb_plan plan = {0};
    struct mlb_error err = {0};
    add(&plan, 4);
    struct mlb_case *item = add(&plan, 5);
    mlb_format(item->variant, sizeof item->variant, MLB_VARIANT_ALL);
    mlb_format(item->device, sizeof item->device, "cpu");
    item->priority = 2;
    add(&plan, 6);
    check_ok(mlb_plan_finish(&plan, kinds, &err), &err);
    check_u64(plan.count, 4); /* of its two variants for a CPU, one case each, in its place */
    check_text(plan.cases[1].id, "alpha[cpu,plain,size=5,bytes=1KiB,kind=plain,fault=fine]");
    check_text(plan.cases[2].id, "alpha[cpu,spare,size=5,bytes=1KiB,kind=plain,fault=fine]");
    check_u64(plan.cases[2].priority, 2);
    check_true(plan.cases[1].params != plan.cases[2].params);
    check_text(plan.cases[3].id, "alpha[fake,size=6,bytes=1KiB,kind=plain,fault=fine]");
    mlb_plan_free(&plan);
}

static void test_resolve_refuses(void **state)
{
    (void)state;
    struct mlb_plan plan = {0};
    struct mlb_error err = {0};
    add(&plan, 13);
    check_fails(mlb_plan_finish(&plan, kinds, &err), MLB_E_CONFIG, &err, "alpha: size = 13");
    mlb_plan_free(&plan);
}

/* The hash knows the cases and how they are measured, nothing else. */
static void test_hash(void **state)
{
    (void)state;
    struct mlb_plan a = {0}, b = {0}, c = {0};
    struct mlb_error err = {0};
    add(&a, 4);
    add(&b, 4)->priority = 1;
    add(&c, 4)->measure.max_time_s = 9;
    check_ok(mlb_plan_finish(&a, kinds, &err), &err);
    check_ok(mlb_plan_finish(&b, kinds, &err), &err);
    check_ok(mlb_plan_finish(&c, kinds, &err), &err);
    check_text(a.hash, b.hash);
    check_true(strcmp(a.hash, c.hash) != 0);
    mlb_plan_free(&a);
    mlb_plan_free(&b);
    mlb_plan_free(&c);
}

static void test_priority_is_stable(void **state)
{
    (void)state;
    static const unsigned priorities[] = {5, 1, 5, 2, 1};
    static const uint64_t order[] = {1, 4, 3, 0, 2};
    struct mlb_plan plan = {0};
    for (uint64_t i = 0; i < 5; i++)
        add(&plan, i)->priority = priorities[i];
    mlb_plan_by_priority(&plan);
    for (size_t i = 0; i < 5; i++)
        check_u64(((struct fake_params *)plan.cases[i].params)->size, order[i]);
    mlb_plan_free(&plan);
}

static void test_without(void **state)
{
    (void)state;
    struct mlb_plan plan = {0};
    struct mlb_error err = {0};
    mlb_format(add(&plan, 4)->without, 16, "fake");
    mlb_format(add(&plan, 5)->without, 16, "cuda");
    check_ok(mlb_plan_finish(&plan, kinds, &err), &err);
    check_u64(plan.count, 1);
    check_text(plan.cases[0].label, "plain 5");
    mlb_plan_free(&plan);
}

/* A case that heats the device for long is not the same as one that does not. */
static void test_sustain_is_in_the_id(void **state)
{
    (void)state;
    struct mlb_plan plan = {0};
    struct mlb_error err = {0};
    struct mlb_case *item;
    for (int i = 0; i < 2; i++) {
        check_ok(mlb_plan_add(&plan, mlb_workload_find("alpha"), &item, &err), &err);
        item->measure.sustain_s = i ? 60 : 0;
    }
    check_ok(mlb_plan_finish(&plan, kinds, &err), &err);
    check_u64(plan.count, 2);
    check_true(strstr(plan.cases[0].id, "sustain") == NULL);
    check_contains(plan.cases[1].id, ",sustain=60s]");
    plan.cases[0].measure.sustain_s = 60; /* as the command line does */
    check_ok(mlb_plan_refresh(&plan, &err), &err);
    check_u64(plan.count, 1);
    check_contains(plan.cases[0].id, ",sustain=60s]");
    mlb_plan_free(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sustain_is_in_the_id),
                                       cmocka_unit_test(test_finish),
                                       cmocka_unit_test(test_a_kind_that_is_not_there_is_named),
                                       cmocka_unit_test(test_all_variants),
                                       cmocka_unit_test(test_resolve_refuses),
                                       cmocka_unit_test(test_hash),
                                       cmocka_unit_test(test_priority_is_stable),
                                       cmocka_unit_test(test_without)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
