/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/cuda_status.h"

#include <cuda_runtime_api.h>
#include <stdarg.h>
#include <stdio.h>

#include "harness/base/text.h"

/* What the codes mean on rented machines; CUDA's own texts name the symptom only. */
static const struct {
    cudaError_t code;
    enum mlb_status status;
    const char *advice;
} meanings[] = {
    {cudaErrorMemoryAllocation, MLB_E_NOMEM, NULL},
    {cudaErrorInsufficientDriver, MLB_E_UNSUPPORTED, NULL},
    {cudaErrorNoDevice, MLB_E_UNSUPPORTED, NULL},
    {cudaErrorInvalidDevice, MLB_E_UNSUPPORTED, NULL},
    {cudaErrorNotSupported, MLB_E_UNSUPPORTED, NULL},
    {cudaErrorNoKernelImageForDevice, MLB_E_UNSUPPORTED,
     "this build has no code for this GPU: build again with -DCMAKE_CUDA_ARCHITECTURES for it"},
    {cudaErrorUnsupportedPtxVersion, MLB_E_UNSUPPORTED,
     "the driver is older than the toolkit of this build: update it"},
    {cudaErrorInitializationError, MLB_E_DEVICE,
     "the driver does not start: look for NVRM and Xid in dmesg"},
    {cudaErrorStubLibrary, MLB_E_DEVICE,
     "the toolkit's stub is found before the driver's libcuda.so.1: take .../stubs off "
     "LD_LIBRARY_PATH"},
    {cudaErrorDevicesUnavailable, MLB_E_DEVICE,
     "busy, or another process holds it in exclusive mode: see nvidia-smi"},
    {cudaErrorECCUncorrectable, MLB_E_UNHEALTHY,
     "uncorrectable error in the GPU's memory: this GPU needs service"},
    {cudaErrorNvlinkUncorrectable, MLB_E_UNHEALTHY,
     "uncorrectable error on an NVLink: this GPU or its link needs service"},
    {cudaErrorOperatingSystem, MLB_E_DEVICE,
     "often device files missing in a container: start it with --gpus all"},
    {cudaErrorSystemNotReady, MLB_E_DEVICE,
     "machines with NVSwitch need nvidia-fabricmanager running: systemctl start "
     "nvidia-fabricmanager"},
    {cudaErrorSystemDriverMismatch, MLB_E_DEVICE,
     "the driver's library and its kernel module differ in version: reboot after the update, or "
     "install the driver again"},
    {cudaErrorCompatNotSupportedOnDevice, MLB_E_DEVICE,
     "a forward-compatibility libcuda is found first and does not fit: take cuda/compat off "
     "LD_LIBRARY_PATH"},
    {cudaErrorUnknown, MLB_E_DEVICE,
     "at the start often a missing kernel module: modprobe nvidia-uvm; later a GPU that fell off "
     "the bus: see Xid in dmesg"},
    {cudaErrorIllegalAddress, MLB_E_DEVICE, "this process cannot use the GPU any more"},
    {cudaErrorLaunchFailure, MLB_E_DEVICE,
     "this process cannot use the GPU any more; see Xid in dmesg"},
};

static enum mlb_status find_meaning(cudaError_t code, const char **advice)
{
    *advice = NULL;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (meanings[i].code == code) {
            *advice = meanings[i].advice;
            return meanings[i].status;
        }
    }
    return MLB_E_DEVICE;
}

enum mlb_status mlb_cuda_check(int cuda_error, struct mlb_error *err, const char *format, ...)
{
    if (cuda_error == cudaSuccess)
        return MLB_OK;
    char call[256];
    const char *advice;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call, sizeof call, format, arguments);
    va_end(arguments);
    cudaGetLastError();
    enum mlb_status status = find_meaning((cudaError_t)cuda_error, &advice);
    return mlb_fail(err, status, "cuda: %s: %s%s%s%s", call,
                    cudaGetErrorString((cudaError_t)cuda_error), advice ? " (" : "",
                    advice ? advice : "", advice ? ")" : "");
}

/* The oldest driver release that runs programs of a CUDA major version (CUDA Toolkit release notes,
 * minor version compatibility). */
static int oldest_driver(int runtime_version)
{
    return runtime_version >= 13000 ? 580 : 525;
}

void mlb_cuda_absence(int cuda_error, int driver_version, int runtime_version, const char *visible,
                      char *why, size_t why_size)
{
    const char *advice;
    int release = oldest_driver(runtime_version), major = runtime_version / 1000;
    if (cuda_error == cudaSuccess || cuda_error == cudaErrorNoDevice) {
        if (visible)
            mlb_format(why, why_size, "CUDA_VISIBLE_DEVICES=\"%s\" hides every GPU", visible);
        else
            mlb_format(why, why_size,
                       "the NVIDIA driver shows no GPU: in a container, start it with --gpus all; "
                       "else see nvidia-smi");
    } else if (cuda_error == cudaErrorInsufficientDriver && driver_version == 0) {
        mlb_format(why, why_size,
                   "no NVIDIA driver: install release %d or newer; in a container, start it with "
                   "--gpus all",
                   release);
    } else if (cuda_error == cudaErrorInsufficientDriver) {
        mlb_format(why, why_size,
                   "the NVIDIA driver is for CUDA %d.%d and this build needs %d.%d: update it to "
                   "release %d or newer, or build with CUDA %d",
                   driver_version / 1000, driver_version % 1000 / 10, major,
                   runtime_version % 1000 / 10, release, driver_version / 1000);
    } else {
        find_meaning((cudaError_t)cuda_error, &advice);
        mlb_format(why, why_size, "%s%s%s", cudaGetErrorString((cudaError_t)cuda_error),
                   advice ? ": " : "", advice ? advice : "");
    }
}
