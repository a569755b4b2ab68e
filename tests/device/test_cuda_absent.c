/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/device.h"
#include "tests/check.h"

static void test_none_with_a_reason(void **state)
{
    struct mlb_error err = {0};
    char why[200];
    int count = 7;
    (void)state;
    check_ok(mlb_backend_cuda.count(&count, why, sizeof why, &err), &err);
    check_i64(count, 0);
    check_contains(why, "built without CUDA");
    check_ok(mlb_backend_cuda.count(&count, NULL, 0, &err), &err);
}

static void test_open_fails(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = (struct mlb_device *)&err;
    (void)state;
    check_fails(mlb_backend_cuda.open(0, 0, &device, &err), MLB_E_UNSUPPORTED, &err,
                "cuda: this mlbench was built without CUDA");
    check_true(device == NULL);
    mlb_backend_cuda.close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_with_a_reason),
        cmocka_unit_test(test_open_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
