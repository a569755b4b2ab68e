/* SPDX-License-Identifier: Apache-2.0 */
/* The CUDA backend over a fake runtime: what a wait, a full memory, a hang and a fault leave behind
 * for the calls after them. */
#include <cuda_runtime_api.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_launch_after_a_wait_is_not_blamed_for_it),
        cmocka_unit_test(a_launch_after_a_full_memory_is_not_blamed_for_it),
        cmocka_unit_test(nothing_waits_for_a_device_that_hangs),
        cmocka_unit_test(a_fault_is_told_by_every_call_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
