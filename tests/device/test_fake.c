/* SPDX-License-Identifier: Apache-2.0 */
/* The fake device keeps the promises that other tests build on. */
#include "tests/check.h"
#include "tests/fake/fake_device.h"

static struct mlb_device *open_fake(void)
{
    struct mlb_error err = {0};
    struct mlb_device *device;
    check_ok(mlb_backend_fake.open(0, 0, &device, &err), &err);
    return device;
}

static int reset(void **state)
{
    (void)state;
    fake_device_reset();
    return 0;
}

static void test_it_takes_the_place_of_the_real_ones(void **state)
{
    struct mlb_error err = {0};
    (void)state;
    check_true(mlb_backend_find("fake") == &mlb_backend_fake);
    check_true(mlb_backend_find("cpu") == NULL);
    check_ok(mlb_backend_check(&mlb_backend_fake, &err), &err);
}

static void test_absence(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device;
    char why[64];
    int count;
    (void)state;
    fake_device.devices = 0;
    fake_device.absent = "none was made";
    check_ok(mlb_backend_fake.count(&count, why, sizeof why, &err), &err);
    check_i64(count, 0);
    check_text(why, "none was made");
    check_fails(mlb_backend_fake.open(0, 0, &device, &err), MLB_E_USAGE, &err, "there are 0");
}

static void test_the_clock_moves_only_as_told(void **state)
{
    static const double spans[] = {100, 250, 400};
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    const struct mlb_backend *b = device->backend;
    double ns;
    (void)state;
    check_ok(b->mark(device, 0, &err), &err);
    fake_device_advance(device, 1234);
    check_ok(b->mark(device, 1, &err), &err);
    check_ok(b->elapsed(device, 0, 1, &ns, &err), &err);
    check_close(ns, 1234, 0);
    fake_device.span_ns = spans;
    fake_device.span_count = 3;
    for (size_t i = 0; i < 5; i++) {
        check_ok(b->mark(device, 0, &err), &err);
        check_ok(b->mark(device, 1, &err), &err);
        check_ok(b->elapsed(device, 0, 1, &ns, &err), &err);
        check_close(ns, spans[i < 3 ? i : 2], 0);
    }
    check_fails(b->elapsed(device, 0, 9, &ns, &err), MLB_E_INTERNAL, &err, "mark 0 or 9");
    mlb_backend_fake.close(device);
    check_i64(fake_device.open_devices, 0);
}

static void test_leaks_and_wrong_frees_are_counted(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    void *a, *b;
    char other;
    (void)state;
    check_ok(mlb_alloc(device, 1000, "a", &a, &err), &err);
    check_ok(mlb_alloc(device, 500, "b", &b, &err), &err);
    check_u64((uintptr_t)a % 256, 0);
    check_u64(*(unsigned char *)a, 0xa5);
    check_u64(fake_device.live_blocks, 2);
    mlb_free(device, a);
    mlb_free(device, a);
    mlb_free(device, &other);
    check_u64(fake_device.wrong_frees, 2);
    check_u64(fake_device.live_blocks, 1);
    check_u64(fake_device.live_bytes, 500);
    check_u64(fake_device.peak_bytes, 1500);
    fake_device_reset(); /* frees b */
    mlb_backend_fake.close(device);
}

static void test_memory_is_bounded(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    void *a, *b;
    uint64_t left, total;
    (void)state;
    fake_device.memory_bytes = 1000;
    check_ok(mlb_alloc(device, 600, "a", &a, &err), &err);
    check_ok(device->backend->memory(device, &left, &total, &err), &err);
    check_u64(left, 400);
    check_fails(mlb_alloc(device, 401, "b", &b, &err), MLB_E_NOMEM, &err, "for b: out of memory");
    check_true(b == NULL);
    mlb_free(device, a);
    mlb_backend_fake.close(device);
}

static void test_the_nth_call_fails(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    void *ptr = NULL;
    (void)state;
    fake_device.fail_call = FAKE_CALL_ALLOC;
    fake_device.fail_at = 2;
    fake_device.fail_status = MLB_E_NOMEM;
    check_ok(mlb_alloc(device, 8, "a", &ptr, &err), &err);
    mlb_free(device, ptr);
    check_fails(mlb_alloc(device, 8, "a", &ptr, &err), MLB_E_NOMEM, &err, "fails as the test says");
    check_ok(mlb_alloc(device, 8, "a", &ptr, &err), &err);
    mlb_free(device, ptr);
    fake_device.fail_call = FAKE_CALL_ANY;
    fake_device.fail_at = fake_device.calls[FAKE_CALL_ANY] + 1;
    check_fails(mlb_sync(device, 1, &err), MLB_E_NOMEM, &err, "sync");
    fake_device.hangs = true;
    check_fails(mlb_sync(device, 2.5, &err), MLB_E_TIMEOUT, &err, "after 2.5 s");
    mlb_backend_fake.close(device);
}

static void test_fill_writes_real_data(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    double values[3];
    (void)state;
    check_ok(mlb_fill(device, values, 3, MLB_F64, MLB_DATA_NORMAL, 5, &err), &err);
    check_close(values[2], mlb_data_value(MLB_DATA_NORMAL, MLB_F64, 5, 2), 0);
    mlb_backend_fake.close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_it_takes_the_place_of_the_real_ones, reset),
        cmocka_unit_test_setup(test_absence, reset),
        cmocka_unit_test_setup(test_the_clock_moves_only_as_told, reset),
        cmocka_unit_test_setup(test_leaks_and_wrong_frees_are_counted, reset),
        cmocka_unit_test_setup(test_memory_is_bounded, reset),
        cmocka_unit_test_setup(test_the_nth_call_fails, reset),
        cmocka_unit_test_setup(test_fill_writes_real_data, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
