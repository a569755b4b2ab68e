/* SPDX-License-Identifier: Apache-2.0 */
/* Functions with NVML's names and binary interface. With FAKE_NVML_OLD only those that every driver
 * has. */
#include "tests/device/fake_nvml.h"

#include <string.h>

struct fake_nvml fake_nvml = FAKE_NVML_AT_START;

static int device;

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetHandleByPciBusId_v2(const char *pci_id, void **handle);
const char *nvmlErrorString(int code);

int nvmlInit_v2(void)
{
    fake_nvml.started += fake_nvml.init_code == 0;
    return fake_nvml.init_code;
}

int nvmlShutdown(void)
{
    fake_nvml.started--;
    return 0;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *pci_id, void **handle)
{
    *handle = &device;
    if (fake_nvml.device_code == 0 && strcmp(pci_id, "0000:1b:00.0") != 0)
        return 6;
    return fake_nvml.device_code;
}

const char *nvmlErrorString(int code)
{
    switch (code) {
    case 6:
        return "Not Found";
    case 9:
        return "Driver Not Loaded";
    default:
        return "Unknown Error";
    }
}

#if !defined(FAKE_NVML_OLD)

struct violation {
    unsigned long long reference_us, violation_ns;
};

int nvmlDeviceGetClockInfo(void *handle, int clock, unsigned *mhz);
int nvmlDeviceGetMaxClockInfo(void *handle, int clock, unsigned *mhz);
int nvmlDeviceGetPowerUsage(void *handle, unsigned *mw);
int nvmlDeviceGetEnforcedPowerLimit(void *handle, unsigned *mw);
int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *mj);
int nvmlDeviceGetTemperature(void *handle, int sensor, unsigned *celsius);
int nvmlDeviceGetCurrentClocksEventReasons(void *handle, unsigned long long *bits);
int nvmlDeviceGetViolationStatus(void *handle, int policy, struct violation *time);
int nvmlDeviceGetTotalEccErrors(void *handle, int type, int counter, unsigned long long *count);

/* A wrong handle would crash the real library; here it fails the reading. */
static int code(void *handle)
{
    return handle == &device ? fake_nvml.reading_code : 2;
}

int nvmlDeviceGetClockInfo(void *handle, int clock, unsigned *mhz)
{
    *mhz = clock == 1 ? fake_nvml.sm_mhz : clock == 2 ? fake_nvml.memory_mhz : 0;
    return code(handle);
}

int nvmlDeviceGetMaxClockInfo(void *handle, int clock, unsigned *mhz)
{
    *mhz = clock == 1 ? fake_nvml.max_mhz : fake_nvml.memory_mhz;
    return code(handle);
}

int nvmlDeviceGetPowerUsage(void *handle, unsigned *mw)
{
    *mw = fake_nvml.power_mw;
    return code(handle);
}

int nvmlDeviceGetEnforcedPowerLimit(void *handle, unsigned *mw)
{
    *mw = fake_nvml.limit_mw;
    return code(handle);
}

int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *mj)
{
    *mj = fake_nvml.energy_mj;
    return code(handle);
}

int nvmlDeviceGetTemperature(void *handle, int sensor, unsigned *celsius)
{
    *celsius = sensor == 0 ? fake_nvml.celsius : 0;
    return code(handle);
}

int nvmlDeviceGetCurrentClocksEventReasons(void *handle, unsigned long long *bits)
{
    *bits = fake_nvml.reasons;
    return code(handle);
}

int nvmlDeviceGetViolationStatus(void *handle, int policy, struct violation *time)
{
    time->reference_us = 1;
    time->violation_ns = policy == 0 ? fake_nvml.power_ns : policy == 1 ? fake_nvml.thermal_ns : 0;
    return code(handle);
}

int nvmlDeviceGetTotalEccErrors(void *handle, int type, int counter, unsigned long long *count)
{
    *count = type == 1 && counter == 0 ? fake_nvml.ecc : 0;
    return code(handle);
}

#else

int nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, unsigned long long *bits);

int nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, unsigned long long *bits)
{
    *bits = fake_nvml.reasons;
    return handle == &device ? 0 : 2;
}

#endif
