/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/device.h"
#include "tests/check.h"

static void test_table_has_cuda_before_cpu(void **state)
{
    (void)state;
    check_text(mlb_backends[0]->kind, "cuda");
    check_text(mlb_backends[1]->kind, "cpu");
    check_true(mlb_backends[2] == NULL);
}

static void test_every_backend_is_complete(void **state)
{
    struct mlb_error err = {0};
    (void)state;
    for (size_t i = 0; mlb_backends[i]; i++)
        check_ok(mlb_backend_check(mlb_backends[i], &err), &err);
}

static enum mlb_status no_cycles(struct mlb_device *device, int which, struct mlb_error *err)
{
    (void)device, (void)which;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "none");
}

static enum mlb_status no_graph(struct mlb_device *device, struct mlb_error *err)
{
    (void)device;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "none");
}

static void test_a_missing_hook_is_named(void **state)
{
    struct mlb_error err = {0};
    struct mlb_backend backend = mlb_backend_cpu;
    (void)state;
    backend.copy = NULL;
    check_fails(mlb_backend_check(&backend, &err), MLB_E_INTERNAL, &err, "cpu: no copy hook");
    backend = mlb_backend_cpu;
    backend.stream = NULL;
    check_fails(mlb_backend_check(&backend, &err), MLB_E_INTERNAL, &err, "cpu: no stream hook");
    backend = mlb_backend_cpu;
    backend.count = NULL;
    check_fails(mlb_backend_check(&backend, &err), MLB_E_INTERNAL, &err, "cpu: no count hook");
    backend = mlb_backend_cpu;
    backend.count_cycles = no_cycles;
    check_fails(mlb_backend_check(&backend, &err), MLB_E_INTERNAL, &err,
                "cpu: some of the cycles hooks, but not all");
    backend = mlb_backend_cpu;
    backend.begin_graph = no_graph;
    check_fails(mlb_backend_check(&backend, &err), MLB_E_INTERNAL, &err,
                "cpu: some of the graph hooks, but not all");
    backend.kind = NULL;
    check_fails(mlb_backend_check(&backend, &err), MLB_E_INTERNAL, &err, "no kind");
}

static void test_find(void **state)
{
    (void)state;
    check_true(mlb_backend_find("cpu") == &mlb_backend_cpu);
    check_true(mlb_backend_find("cuda") == &mlb_backend_cuda);
    check_true(mlb_backend_find("tpu") == NULL);
    check_true(mlb_backend_find("") == NULL);
}

static void test_free_of_nothing_needs_no_device(void **state)
{
    (void)state;
    mlb_free(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_has_cuda_before_cpu),
        cmocka_unit_test(test_every_backend_is_complete),
        cmocka_unit_test(test_a_missing_hook_is_named),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_free_of_nothing_needs_no_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
