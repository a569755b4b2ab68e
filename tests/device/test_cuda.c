/* SPDX-License-Identifier: Apache-2.0 */
/* On a GPU. Without one the test is skipped (77), or fails with MLBENCH_REQUIRE_GPU=1. */
#include "harness/base/clock.h"
#include "harness/device/device.h"
#include "harness/device/fill.h"
#include "harness/device/telemetry.h"
#include "tests/check.h"

static int open_gpu(void **state)
{
    struct mlb_error err = {0};
    enum mlb_status status = mlb_backend_cuda.open(0, 0, (struct mlb_device **)state, &err);
    if (status != MLB_OK)
        print_error("%s\n", err.text);
    return status == MLB_OK ? 0 : -1;
}

static int close_gpu(void **state)
{
    mlb_backend_cuda.close(*state);
    return 0;
}

static void compare(struct mlb_device *device, uint64_t count, enum mlb_dtype dtype,
                    enum mlb_data data, uint64_t first)
{
    struct mlb_error err = {0};
    size_t bytes = count * mlb_dtype_bytes(dtype);
    unsigned char *is = malloc(bytes), *should = malloc(bytes);
    void *ptr;
    check_ok(mlb_alloc(device, bytes, "x", &ptr, &err), &err);
    check_ok(device->backend->fill(device, ptr, count, dtype, data, 42, first, &err), &err);
    check_ok(mlb_copy(device, is, ptr, bytes, MLB_TO_HOST, &err), &err);
    mlb_fill_host(should, count, dtype, data, 42, first);
    if (memcmp(is, should, bytes) != 0) {
        print_error("%s %s from %" PRIu64 " differs from the CPU's\n", mlb_dtype_name(dtype),
                    mlb_data_names[data], first);
        fail();
    }
    mlb_free(device, ptr);
    free(is);
    free(should);
}

static void test_fill_has_the_bits_of_the_cpu(void **state)
{
    for (int dtype = 0; dtype < MLB_DTYPE_COUNT; dtype++) {
        for (int data = 0; mlb_data_names[data]; data++) {
            compare(*state, 1, (enum mlb_dtype)dtype, (enum mlb_data)data, 0);
            compare(*state, 1000003, (enum mlb_dtype)dtype, (enum mlb_data)data, 0);
            compare(*state, 4099, (enum mlb_dtype)dtype, (enum mlb_data)data, UINT64_C(1) << 40);
        }
    }
    compare(*state, (UINT64_C(1) << 24) + 12345, MLB_BF16, MLB_DATA_NORMAL, 7); /* > one turn */
}

static void test_description(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device_info info;
    uint64_t left, total;
    struct mlb_device *device = *state;
    check_ok(device->backend->describe(device, &info, &err), &err);
    print_message("%s, %s, %s, cc %u, %u SMs, L2 %" PRIu64 ", %.0f MHz, %.0f GB/s\n", info.name,
                  info.pci_id, info.uuid, info.capability, info.units, info.last_cache_bytes,
                  info.clock_hz * 1e-6, info.memory_bytes_per_s * 1e-9);
    check_text(info.kind, "cuda");
    check_true(strlen(info.pci_id) == 12 && strncmp(info.uuid, "GPU-", 4) == 0);
    check_true(info.capability >= 70 && info.units > 0 && info.last_cache_bytes > 0);
    check_ok(device->backend->memory(device, &left, &total, &err), &err);
    check_true(left > 0 && left <= total && total == info.memory_bytes);
    check_true(device->backend->stream(device) != NULL);
}

static void test_alloc_beyond_the_memory(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = *state;
    void *ptr = device;
    check_fails(mlb_alloc(device, (size_t)device->info.memory_bytes * 2, "gemm.C", &ptr, &err),
                MLB_E_NOMEM, &err, "for gemm.C: out of memory (device 0: ");
    print_message("%s\n", err.text);
    check_true(ptr == NULL);
    check_ok(mlb_alloc(device, 1000, "small", &ptr, &err), &err); /* nothing is stuck */
    check_u64((uintptr_t)ptr % 256, 0);
    mlb_free(device, ptr);
    check_ok(mlb_alloc(device, 0, "nothing", &ptr, &err), &err);
    check_true(ptr == NULL);
}

static void test_marks_time_the_stream(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = *state;
    const uint64_t count = UINT64_C(1) << 28;
    void *ptr;
    double ns;
    check_ok(mlb_alloc(device, count * 2, "x", &ptr, &err), &err);
    double begin = mlb_clock_s();
    check_ok(device->backend->mark(device, 0, &err), &err);
    check_ok(mlb_fill(device, ptr, count, MLB_BF16, MLB_DATA_NORMAL, 1, &err), &err);
    check_ok(device->backend->mark(device, 1, &err), &err);
    check_ok(mlb_sync(device, 60, &err), &err);
    double wall_ns = (mlb_clock_s() - begin) * 1e9;
    check_ok(device->backend->elapsed(device, 0, 1, &ns, &err), &err);
    print_message("fill: %.1f G elements/s\n", (double)count / ns);
    check_true(ns > 0 && ns <= wall_ns);
    mlb_free(device, ptr);
    check_fails(device->backend->mark(device, MLB_MARKS, &err), MLB_E_INTERNAL, &err, "no mark");
}

/* A fill written down once and replayed: its bits are there, and another thread's worth of launches
 * is one. */
static void test_graph(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = *state;
    const struct mlb_backend *backend = device->backend;
    enum { COUNT = 4096 };
    uint16_t is[COUNT], should[COUNT];
    void *ptr, *graph;
    check_ok(mlb_alloc(device, sizeof is, "x", &ptr, &err), &err);
    check_ok(backend->begin_graph(device, &err), &err);
    check_ok(mlb_fill(device, ptr, COUNT, MLB_BF16, MLB_DATA_NORMAL, 9, &err), &err);
    check_ok(mlb_fill(device, ptr, COUNT, MLB_BF16, MLB_DATA_NORMAL, 42, &err), &err);
    check_ok(backend->end_graph(device, &graph, &err), &err);
    check_ok(mlb_fill(device, ptr, COUNT, MLB_BF16, MLB_DATA_ZEROS, 1, &err), &err);
    check_ok(backend->launch_graph(device, graph, &err), &err);
    check_ok(mlb_copy(device, is, ptr, sizeof is, MLB_TO_HOST, &err), &err);
    mlb_fill_host(should, COUNT, MLB_BF16, MLB_DATA_NORMAL, 42, 0);
    check_true(memcmp(is, should, sizeof is) == 0);
    backend->free_graph(device, graph);
    check_ok(backend->begin_graph(device, &err), &err); /* a wait cannot be written down */
    check_true(mlb_sync(device, 1, &err) != MLB_OK);
    check_true(backend->end_graph(device, &graph, &err) != MLB_OK && graph == NULL);
    print_message("%s\n", err.text);
    check_ok(mlb_fill(device, ptr, COUNT, MLB_BF16, MLB_DATA_NORMAL, 1, &err), &err);
    check_ok(mlb_sync(device, 10, &err), &err);
    mlb_free(device, ptr);
}

/* Zeros from a second stream come last, because it waits for long fills of the first. */
static void test_a_second_stream_waits(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = *state, *second;
    const uint64_t count = UINT64_C(1) << 28;
    uint8_t is[4096], zeros[sizeof is] = {0};
    void *ptr;
    check_ok(mlb_backend_cuda.open(device->info.index, 0, &second, &err), &err);
    check_ok(mlb_alloc(device, count, "x", &ptr, &err), &err);
    for (int i = 0; i < 20; i++)
        check_ok(mlb_fill(device, ptr, count, MLB_S8, MLB_DATA_NORMAL, 1, &err), &err);
    check_ok(device->backend->wait_for(second, device, &err), &err);
    check_ok(mlb_fill(second, ptr, sizeof is, MLB_S8, MLB_DATA_ZEROS, 1, &err), &err);
    check_ok(device->backend->wait_for(device, second, &err), &err);
    check_ok(mlb_sync(device, 60, &err), &err);
    check_ok(mlb_copy(second, is, ptr, sizeof is, MLB_TO_HOST, &err), &err);
    check_true(memcmp(is, zeros, sizeof is) == 0);
    mlb_backend_cuda.close(second);
    mlb_free(device, ptr);
}

static void test_sync_has_a_deadline(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device;
    const uint64_t count = UINT64_C(1) << 30;
    void *ptr;
    (void)state;
    check_ok(mlb_backend_cuda.open(0, 0, &device, &err), &err);
    check_ok(mlb_alloc(device, count, "x", &ptr, &err), &err);
    for (int i = 0; i < 20; i++) /* some 100 ms of work */
        check_ok(mlb_fill(device, ptr, count, MLB_S8, MLB_DATA_NORMAL, 1, &err), &err);
    check_fails(mlb_sync(device, 1e-3, &err), MLB_E_TIMEOUT, &err, "still works after 0.001 s");
    mlb_backend_cuda.close(device); /* leaves everything to the end of the process */
}

static void test_telemetry_speaks_to_nvml(void **state)
{
    struct mlb_error err = {0};
    struct mlb_telemetry *telemetry;
    struct mlb_telemetry_window window;
    struct mlb_device *device = *state;
    const uint64_t count = UINT64_C(1) << 30;
    void *ptr;
    check_ok(mlb_telemetry_open(device, &telemetry, &err), &err);
    check_ok(mlb_alloc(device, count, "x", &ptr, &err), &err);
    mlb_telemetry_begin(telemetry);
    for (double end = mlb_clock_s() + 1.5; mlb_clock_s() < end;) {
        for (int i = 0; i < 20; i++) /* at work: the clock of an idle GPU does not count */
            check_ok(mlb_fill(device, ptr, count, MLB_S8, MLB_DATA_NORMAL, 1, &err), &err);
        mlb_telemetry_poll(telemetry);
        check_ok(mlb_sync(device, 60, &err), &err);
    }
    mlb_telemetry_end(telemetry, &window);
    print_message("%s: clock %.0f MHz, memory %.0f MHz, %.1f W of %.0f W, %.1f J, %.0f C, power "
                  "capped %.3f, heat %.3f, ecc %.0f, \"%s\"\n",
                  window.source, window.clock_median_hz.value * 1e-6,
                  window.memory_clock_median_hz.value * 1e-6, window.power_mean_w.value,
                  window.power_limit_w.value, window.energy_j.value, window.temperature_max_c.value,
                  window.throttled_power_fraction.value, window.throttled_thermal_fraction.value,
                  window.ecc_uncorrected.value, window.verdict);
    print_message("SMs count %.0f MHz; throttle %s; %.0f other processes; board %.3f, reliability "
                  "%.3f; default limit %.0f W; memory %.0f C\n",
                  window.clock_kernel_hz.value * 1e-6, window.throttle,
                  window.other_processes.value, window.throttled_board_fraction.value,
                  window.throttled_reliability_fraction.value, window.power_default_w.value,
                  window.memory_temperature_max_c.value);
    check_true(window.clock_kernel_hz.known && window.clock_kernel_hz.value > 2e8);
    check_true(window.clock_kernel_hz.value < 1.02 * device->info.clock_hz);
    if (strcmp(window.source, "nvml") == 0)
        check_true(window.clock_median_hz.known && window.temperature_max_c.known);
    mlb_free(device, ptr);
    mlb_telemetry_close(telemetry);
}

int main(void)
{
    char why[256];
    int count = 0;
    const char *required = getenv("MLBENCH_REQUIRE_GPU");
    mlb_backend_cuda.count(&count, why, sizeof why, NULL);
    if (count == 0) {
        fprintf(stderr, "skipped: %s\n", why);
        return required && strcmp(required, "1") == 0 ? 1 : 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_fill_has_the_bits_of_the_cpu),
        cmocka_unit_test(test_alloc_beyond_the_memory),
        cmocka_unit_test(test_marks_time_the_stream),
        cmocka_unit_test(test_telemetry_speaks_to_nvml),
        cmocka_unit_test(test_graph),
        cmocka_unit_test(test_a_second_stream_waits),
        cmocka_unit_test(test_sync_has_a_deadline),
    };
    return cmocka_run_group_tests(tests, open_gpu, close_gpu);
}
