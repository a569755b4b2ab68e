/* SPDX-License-Identifier: Apache-2.0 */
/* The CUDA backend over a fake runtime: what a wait, a full memory, a hang and a fault leave behind
 * for the calls after them. */
#include <cuda_runtime_api.h>

#include "harness/device/cuda_cycles.h"
#include "harness/device/device.h"
#include "tests/check.h"
#include "tests/device/fake_cudart.h"

static struct mlb_device *open_fake(void)
{
    struct mlb_device *device = NULL;
    struct mlb_error err = {0};
    fake_cudart = (struct fake_cudart){0};
    check_ok(mlb_backend_cuda.open(0, 0, &device, &err), &err);
    check_text(device->info.pci_id, "0000:1b:00.0");
    return device;
}

static enum mlb_status launch(struct mlb_device *device, struct mlb_error *err)
{
    float x[4];
    return device->backend->fill(device, x, 4, MLB_F32, MLB_DATA_ZEROS, 1, 0, err);
}

static void a_launch_after_a_wait_is_not_blamed_for_it(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    double ns;
    (void)state;
    fake_cudart.busy_queries = 3;
    check_ok(device->backend->sync(device, 10, &err), &err);
    check_ok(launch(device, &err), &err);
    check_ok(device->backend->elapsed(device, 0, 1, &ns, &err), &err);
    check_close(ns, 1.5e6, 0);
    device->backend->close(device);
    check_i64(fake_cudart.frees, MLB_MARKS + 1);
}

static void a_launch_after_a_full_memory_is_not_blamed_for_it(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    void *ptr = device;
    (void)state;
    fake_cudart.no_memory = true;
    check_fails(device->backend->alloc(device, 4096, "gemm.C", &ptr, &err), MLB_E_NOMEM, &err,
                "for gemm.C: out of memory (device 0: 1 MiB of 1 GiB free)");
    check_true(ptr == NULL);
    check_ok(launch(device, &err), &err);
    device->backend->close(device);
}

static void nothing_waits_for_a_device_that_hangs(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    void *ptr = NULL;
    (void)state;
    check_ok(device->backend->alloc(device, 64, "x", &ptr, &err), &err);
    fake_cudart.busy_queries = 1 << 30;
    check_fails(device->backend->sync(device, 1e-3, &err), MLB_E_TIMEOUT, &err, "still works");
    device->backend->free(device, ptr);
    device->backend->close(device);
    check_i64(fake_cudart.frees, 0);
    free(ptr);
}

static void a_fault_is_told_by_every_call_after_it(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    uint64_t left, total;
    (void)state;
    fake_cudart.broken = true;
    check_fails(device->backend->sync(device, 10, &err), MLB_E_DEVICE, &err, "cannot use the GPU");
    check_fails(launch(device, &err), MLB_E_DEVICE, &err, "fill 4 x f32 on device 0");
    check_fails(device->backend->memory(device, &left, &total, &err), MLB_E_DEVICE, &err,
                "memory of device 0");
    device->backend->close(device);
}

/* ---------------------------------------------------------------------------------------- graphs
 */

static void steps_become_one_launch(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    void *graph = NULL;
    (void)state;
    check_ok(device->backend->begin_graph(device, &err), &err);
    for (int i = 0; i < 3; i++)
        check_ok(launch(device, &err), &err);
    check_ok(device->backend->end_graph(device, &graph, &err), &err);
    check_true(graph != NULL);
    check_i64(fake_cudart.graphs, 1); /* what it was made from is gone */
    check_ok(device->backend->launch_graph(device, graph, &err), &err);
    check_ok(device->backend->launch_graph(device, graph, &err), &err);
    check_i64(fake_cudart.launched_nodes, 6);
    device->backend->free_graph(device, graph);
    device->backend->free_graph(device, NULL);
    check_i64(fake_cudart.graphs, 0);
    device->backend->close(device);
}

/* A step that waits for the device cannot be written down, and spoils nothing after it. */
static void a_step_that_waits_is_no_graph(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    void *graph = device;
    (void)state;
    check_ok(device->backend->begin_graph(device, &err), &err);
    check_true(device->backend->sync(device, 1, &err) != MLB_OK);
    check_fails(device->backend->end_graph(device, &graph, &err), MLB_E_UNSUPPORTED, &err,
                "end a graph on device 0");
    check_true(graph == NULL);
    check_ok(launch(device, &err), &err);
    check_ok(device->backend->begin_graph(device, &err), &err);
    check_fails(device->backend->end_graph(device, &graph, &err), MLB_E_UNSUPPORTED, &err,
                "nothing was enqueued");
    check_i64(fake_cudart.graphs, 0);
    device->backend->close(device);
}

static void a_fault_in_a_capture_is_the_devices(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    void *graph = NULL;
    (void)state;
    check_ok(device->backend->begin_graph(device, &err), &err);
    fake_cudart.broken = true;
    check_fails(device->backend->end_graph(device, &graph, &err), MLB_E_DEVICE, &err,
                "cannot use the GPU");
    fake_cudart.broken = false;
    device->backend->close(device);
}

/* --------------------------------------------------------------------------------- two streams
 */

/* One event a stream, however often it is waited for; the device is the stream's again. */
static void a_stream_waits_for_another(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake(), *second = NULL;
    (void)state;
    check_ok(mlb_backend_cuda.open(0, 0, &second, &err), &err);
    fake_cudart.current = 1;
    for (int i = 0; i < 3; i++) {
        check_ok(device->backend->wait_for(second, device, &err), &err);
        check_ok(device->backend->wait_for(device, second, &err), &err);
    }
    check_i64(fake_cudart.waits, 6);
    check_i64(fake_cudart.current, 0);
    check_i64(fake_cudart.events, 2 * MLB_MARKS + 2);
    fake_cudart.broken = true;
    check_fails(device->backend->wait_for(device, second, &err), MLB_E_DEVICE, &err,
                "wait for another stream of device 0");
    fake_cudart.broken = false;
    device->backend->close(second);
    device->backend->close(device);
    check_i64(fake_cudart.events, 0);
}

/* ---------------------------------------------------------------------------------------- cycles
 */

static void the_clock_between_two_counts(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = open_fake();
    double hz = 0;
    (void)state;
    device->info.units = 4;
    fake_cudart.timer_ns = 1000;
    fake_cudart.cycles = 5000;
    check_ok(device->backend->count_cycles(device, 0, &err), &err);
    fake_cudart.timer_ns += 20000000;
    fake_cudart.cycles += 20000000 * 3 / 2;
    fake_cudart.current = 1; /* where a case that works with a peer leaves it */
    check_ok(device->backend->count_cycles(device, 1, &err), &err);
    check_i64(fake_cudart.current, device->info.index);
    check_ok(device->backend->clock_between(device, &hz, &err), &err);
    check_close(hz, 1.5e9, 1e-12);
    check_ok(device->backend->count_cycles(device, 0, &err), &err);
    check_fails(device->backend->clock_between(device, &hz, &err), MLB_E_UNSUPPORTED, &err,
                "too little time");
    check_fails(device->backend->count_cycles(device, 2, &err), MLB_E_INTERNAL, &err, "no count 2");
    device->backend->close(device);
    check_i64(fake_cudart.frees, MLB_MARKS + 2);
}

/* Only SMs that are in both counts are asked; one odd SM does not move the median. */
static void clocks_of_sms(void **state)
{
    static struct mlb_cuda_cycles before[MLB_CUDA_SMS], after[MLB_CUDA_SMS];
    double hz = 0;
    (void)state;
    check_true(!mlb_cuda_cycles_clock(before, after, &hz));
    for (size_t i = 0; i < 5; i++) {
        before[i * 3] = (struct mlb_cuda_cycles){1000 + i, 7 * i};
        after[i * 3] = (struct mlb_cuda_cycles){1000 + i + 1000000000, 7 * i + 1980000000};
    }
    after[3].cycles = before[3].cycles + 10;
    after[6] = (struct mlb_cuda_cycles){0};
    after[20] = (struct mlb_cuda_cycles){1000, 1000};
    check_true(mlb_cuda_cycles_clock(before, after, &hz));
    check_close(hz, 1.98e9, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_launch_after_a_wait_is_not_blamed_for_it),
        cmocka_unit_test(a_launch_after_a_full_memory_is_not_blamed_for_it),
        cmocka_unit_test(nothing_waits_for_a_device_that_hangs),
        cmocka_unit_test(a_fault_is_told_by_every_call_after_it),
        cmocka_unit_test(steps_become_one_launch),
        cmocka_unit_test(a_step_that_waits_is_no_graph),
        cmocka_unit_test(a_fault_in_a_capture_is_the_devices),
        cmocka_unit_test(a_stream_waits_for_another),
        cmocka_unit_test(the_clock_between_two_counts),
        cmocka_unit_test(clocks_of_sms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
