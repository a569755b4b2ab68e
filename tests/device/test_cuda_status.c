/* SPDX-License-Identifier: Apache-2.0 */
/* CUDA's codes as texts, and the CUDA backend on whatever machine this is. */
#include <driver_types.h>

#include "harness/device/cuda_status.h"
#include "harness/device/device.h"
#include "tests/check.h"

static void test_why_there_is_no_gpu(void **state)
{
    static const struct {
        int error, driver, runtime;
        const char *visible, *part;
    } rows[] = {
        {cudaErrorInsufficientDriver, 0, 13000, NULL, "no NVIDIA driver: install release 580"},
        {cudaErrorInsufficientDriver, 0, 12040, NULL, "install release 525"},
        {cudaErrorInsufficientDriver, 12040, 13000, NULL,
         "driver is for CUDA 12.4 and this build needs 13.0"},
        {cudaErrorInsufficientDriver, 12040, 13000, NULL, "or build with CUDA 12"},
        {cudaErrorNoDevice, 13000, 13000, "", "CUDA_VISIBLE_DEVICES=\"\" hides every GPU"},
        {cudaErrorNoDevice, 13000, 13000, NULL, "--gpus all"},
        {cudaSuccess, 13000, 13000, NULL, "--gpus all"},
        {cudaErrorSystemNotReady, 13000, 13000, NULL, "nvidia-fabricmanager"},
        {cudaErrorSystemDriverMismatch, 13000, 13000, NULL, "reboot"},
        {cudaErrorStubLibrary, 0, 13000, NULL, "stub"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char why[256];
        mlb_cuda_absence(rows[i].error, rows[i].driver, rows[i].runtime, rows[i].visible, why,
                         sizeof why);
        check_contains(why, rows[i].part);
        check_true(strchr(why, '\n') == NULL);
    }
}

static void test_codes_as_statuses(void **state)
{
    static const struct {
        int error;
        enum mlb_status status;
        const char *part;
    } rows[] = {
        {cudaErrorMemoryAllocation, MLB_E_NOMEM, "cuda: alloc 7 for x: out of memory"},
        {cudaErrorNoKernelImageForDevice, MLB_E_UNSUPPORTED, "CMAKE_CUDA_ARCHITECTURES"},
        {cudaErrorNotSupported, MLB_E_UNSUPPORTED, "cuda: alloc 7 for x: "},
        {cudaErrorIllegalAddress, MLB_E_DEVICE, "illegal memory access"},
        {cudaErrorInvalidValue, MLB_E_DEVICE, "invalid argument"},
        {cudaErrorECCUncorrectable, MLB_E_UNHEALTHY, "needs service"},
    };
    struct mlb_error err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_fails(mlb_cuda_check(rows[i].error, &err, "alloc %d for x", 7), rows[i].status, &err,
                    rows[i].part);
    err = (struct mlb_error){0};
    check_ok(mlb_cuda_check(cudaSuccess, &err, "alloc"), &err);
    check_text(err.text, "");
}

static void test_count_never_fails(void **state)
{
    struct mlb_error err = {0};
    struct mlb_device *device = (struct mlb_device *)&err;
    char why[256] = "x";
    int count = -1;
    (void)state;
    check_ok(mlb_backend_cuda.count(&count, why, sizeof why, &err), &err);
    check_true(count >= 0 && (count == 0) == (why[0] != '\0'));
    check_ok(mlb_backend_cuda.count(&count, NULL, 0, &err), &err);
    check_true(mlb_backend_cuda.open(count, 0, &device, &err) != MLB_OK);
    check_true(device == NULL);
    check_contains(err.text, "cuda: ");
    mlb_backend_cuda.close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_why_there_is_no_gpu),
        cmocka_unit_test(test_codes_as_statuses),
        cmocka_unit_test(test_count_never_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
