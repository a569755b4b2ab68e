/* SPDX-License-Identifier: Apache-2.0 */
#include <omp.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/device/device.h"
#include "tests/check.h"

static struct mlb_device *open_cpu(int threads)
{
    struct mlb_error err = {0};
    struct mlb_device *device;
    check_ok(mlb_backend_cpu.open(0, threads, &device, &err), &err);
    return device;
}

static void test_count_is_one(void **state)
{
    struct mlb_error err = {0};
    char why[64] = "x";
    int count = 0;
    (void)state;
    check_ok(mlb_backend_cpu.count(&count, why, sizeof why, &err), &err);
    check_i64(count, 1);
    check_text(why, "");
    check_ok(mlb_backend_cpu.count(&count, NULL, 0, &err), &err);
}

static void test_there_is_only_device_0(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = (struct mlb_device *)&err;
    (void)state;
    check_fails(mlb_backend_cpu.open(1, 0, &device, &err), MLB_E_USAGE, &err, "no device 1");
    check_true(device == NULL);
    mlb_backend_cpu.close(NULL);
}

static void test_describe(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device_info info;
    struct mlb_device *device = open_cpu(0);
    (void)state;
    check_ok(device->backend->describe(device, &info, &err), &err);
    check_text(info.kind, "cpu");
    check_true(info.name[0] != '\0');
    check_text(info.pci_id, "");
    check_true(info.units >= 1 && info.units <= (uint32_t)sysconf(_SC_NPROCESSORS_CONF));
    check_u64(info.memory_bytes,
              (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
    check_true(device->backend->stream(device) == NULL);
    mlb_backend_cpu.close(device);
}

static void test_memory_is_within_the_machine(void **state)
{
    struct mlb_error err = {0};
    uint64_t left, total;
    struct mlb_device *device = open_cpu(1);
    (void)state;
    check_ok(device->backend->memory(device, &left, &total, &err), &err);
    check_true(left > 0 && left <= total);
    mlb_backend_cpu.close(device);
}

static void test_open_sets_the_threads(void **state)
{
    (void)state;
    mlb_backend_cpu.close(open_cpu(3));
    check_i64(omp_get_max_threads(), 3);
    struct mlb_device *device = open_cpu(0);
    check_true(omp_get_max_threads() >= 1);
    check_true(omp_get_max_threads() <= (int)device->info.units);
    mlb_backend_cpu.close(device);
}

static void test_alloc_is_aligned_and_zero_is_nothing(void **state)
{
    static const struct {
        size_t bytes, align;
    } rows[] = {
        {1, 256}, {4097, 256}, {64 << 10, 2 << 20}, {2 << 20, 2 << 20}, {(5 << 20) + 1, 2 << 20}};
    struct mlb_error err = {0};
    struct mlb_device *device = open_cpu(2);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void *ptr = NULL;
        check_ok(mlb_alloc(device, rows[i].bytes, "x", &ptr, &err), &err);
        check_true(ptr != NULL);
        check_u64((uintptr_t)ptr % rows[i].align, 0);
        memset(ptr, 1, rows[i].bytes);
        mlb_free(device, ptr);
    }
    void *ptr = device;
    check_ok(mlb_alloc(device, 0, "x", &ptr, &err), &err);
    check_true(ptr == NULL);
    mlb_free(device, NULL);
    mlb_backend_cpu.close(device);
}

static long mapped_pages(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    check_true(file != NULL && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    return pages;
}

static void test_close_frees_what_is_left(void **state)
{
    struct mlb_error err = {0};
    const size_t bytes = 32 << 20;
    void *ptr;
    (void)state;
    mlb_backend_cpu.close(open_cpu(1));
    long before = mapped_pages();
    struct mlb_device *device = open_cpu(1);
    check_ok(mlb_alloc(device, bytes, "x", &ptr, &err), &err);
    check_ok(mlb_alloc(device, 100, "y", &ptr, &err), &err);
    mlb_backend_cpu.close(device);
    check_true((mapped_pages() - before) * sysconf(_SC_PAGESIZE) < (long)bytes / 2);
}

static void test_free_gives_the_memory_back(void **state)
{
    struct mlb_error err = {0};
    const size_t bytes = 32 << 20;
    struct mlb_device *device = open_cpu(1);
    void *kept, *ptr;
    (void)state;
    check_ok(mlb_alloc(device, 100, "kept", &kept, &err), &err);
    long before = mapped_pages();
    for (int i = 0; i < 4; i++) {
        check_ok(mlb_alloc(device, bytes, "x", &ptr, &err), &err);
        mlb_free(device, ptr);
    }
    check_true((mapped_pages() - before) * sysconf(_SC_PAGESIZE) < (long)bytes);
    memset(kept, 1, 100);
    mlb_backend_cpu.close(device);
}

static void test_too_much_is_an_error_and_not_a_kill(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_cpu(1);
    void *ptr = device;
    (void)state;
    size_t beyond = (size_t)device->info.memory_bytes + 1;
    check_fails(mlb_alloc(device, beyond, "gemm.C", &ptr, &err), MLB_E_NOMEM, &err,
                "for gemm.C: out of memory (");
    check_true(ptr == NULL);
    check_fails(mlb_alloc(device, SIZE_MAX, "gemm.C", &ptr, &err), MLB_E_NOMEM, &err, "cpu: alloc");
    mlb_backend_cpu.close(device);
}

static void test_copy_moves_bytes(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_cpu(1);
    char from[] = "abcdef", to[sizeof from] = "";
    (void)state;
    check_ok(mlb_copy(device, to, from, sizeof from, MLB_TO_DEVICE, &err), &err);
    check_text(to, "abcdef");
    check_ok(mlb_copy(device, NULL, NULL, 0, MLB_TO_HOST, &err), &err);
    mlb_backend_cpu.close(device);
}

static void test_marks_measure_time(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_cpu(1);
    double ns, back;
    (void)state;
    int64_t begin = mlb_clock_ns();
    check_ok(device->backend->mark(device, 0, &err), &err);
    mlb_sleep_s(2e-3);
    check_ok(device->backend->mark(device, MLB_MARKS - 1, &err), &err);
    int64_t end = mlb_clock_ns();
    check_ok(mlb_sync(device, 1, &err), &err);
    check_ok(device->backend->elapsed(device, 0, MLB_MARKS - 1, &ns, &err), &err);
    check_true(ns >= 1.9e6 && ns <= (double)(end - begin));
    check_ok(device->backend->elapsed(device, MLB_MARKS - 1, 0, &back, &err), &err);
    check_close(back, -ns, 0);
    mlb_backend_cpu.close(device);
}

static void test_marks_out_of_range_or_unset_are_errors(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_cpu(1);
    const struct mlb_backend *b = device->backend;
    double ns;
    (void)state;
    check_fails(b->mark(device, MLB_MARKS, &err), MLB_E_INTERNAL, &err, "no mark 64");
    check_fails(b->mark(device, -1, &err), MLB_E_INTERNAL, &err, "no mark -1");
    check_ok(b->mark(device, 0, &err), &err);
    check_fails(b->elapsed(device, 0, 1, &ns, &err), MLB_E_INTERNAL, &err, "mark 1 was not set");
    check_fails(b->elapsed(device, 5, 0, &ns, &err), MLB_E_INTERNAL, &err, "mark 5 was not set");
    check_fails(b->elapsed(device, 0, 99, &ns, &err), MLB_E_INTERNAL, &err, "no mark 99");
    mlb_backend_cpu.close(device);
}

/* The shares of the threads must fit together whatever their number. */
static void test_fill_is_the_same_for_any_number_of_threads(void **state)
{
    struct mlb_error err = {0};
    enum { COUNT = 10007, FIRST = 12345 };
    float one[COUNT], many[COUNT];
    (void)state;
    struct mlb_device *device = open_cpu(1);
    check_ok(device->backend->fill(device, one, COUNT, MLB_F32, MLB_DATA_NORMAL, 7, FIRST, &err),
             &err);
    mlb_backend_cpu.close(device);
    for (int threads = 2; threads <= 9; threads++) {
        device = open_cpu(threads);
        memset(many, 0xff, sizeof many);
        check_ok(
            device->backend->fill(device, many, COUNT, MLB_F32, MLB_DATA_NORMAL, 7, FIRST, &err),
            &err);
        check_i64(memcmp(one, many, sizeof one), 0);
        mlb_backend_cpu.close(device);
    }
    check_close(one[17], mlb_data_value(MLB_DATA_NORMAL, MLB_F32, 7, FIRST + 17), 0);
}

static void test_fill_of_nothing_and_of_less_than_the_threads(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_cpu(8);
    float values[4] = {9, 9, 9, 9};
    (void)state;
    check_ok(mlb_fill(device, values, 0, MLB_F32, MLB_DATA_UNIFORM, 1, &err), &err);
    check_close(values[0], 9, 0);
    check_ok(mlb_fill(device, values, 3, MLB_F32, MLB_DATA_UNIFORM, 1, &err), &err);
    for (size_t i = 0; i < 3; i++)
        check_close(values[i], mlb_data_value(MLB_DATA_UNIFORM, MLB_F32, 1, i), 0);
    check_close(values[3], 9, 0);
    mlb_backend_cpu.close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_is_one),
        cmocka_unit_test(test_there_is_only_device_0),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_memory_is_within_the_machine),
        cmocka_unit_test(test_open_sets_the_threads),
        cmocka_unit_test(test_alloc_is_aligned_and_zero_is_nothing),
        cmocka_unit_test(test_close_frees_what_is_left),
        cmocka_unit_test(test_free_gives_the_memory_back),
        cmocka_unit_test(test_too_much_is_an_error_and_not_a_kill),
        cmocka_unit_test(test_copy_moves_bytes),
        cmocka_unit_test(test_marks_measure_time),
        cmocka_unit_test(test_marks_out_of_range_or_unset_are_errors),
        cmocka_unit_test(test_fill_is_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_fill_of_nothing_and_of_less_than_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
