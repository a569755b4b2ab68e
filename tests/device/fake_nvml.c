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

int nvmlDeviceGetNvLinkState(void *handle, unsigned link, int *active);
int nvmlDeviceGetNvLinkState(void *handle, unsigned link, int *active)
{
    (void)handle;
    *active = link < fake_nvml.links_up;
    return link < fake_nvml.links ? 0 : 2;
}

struct violation {
    unsigned long long reference_us, violation_ns;
};

struct field {
    unsigned id, scope;
    long long timestamp_us, latency_us;
    unsigned type;
    int code;
    unsigned long long value;
};

struct sample {
    unsigned pid;
    unsigned long long timestamp_us;
    unsigned sm, memory, encoder, decoder;
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
int nvmlDeviceGetPowerManagementDefaultLimit(void *handle, unsigned *mw);
int nvmlDeviceGetRemappedRows(void *handle, unsigned *corrected, unsigned *uncorrected,
                              unsigned *pending, unsigned *failed);
int nvmlDeviceGetFieldValues(void *handle, int count, struct field *values);
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, void *processes);
int nvmlDeviceGetProcessUtilization(void *handle, struct sample *samples, unsigned *count,
                                    unsigned long long since_us);

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
    time->violation_ns = policy == 0   ? fake_nvml.power_ns
                         : policy == 1 ? fake_nvml.thermal_ns
                         : policy == 3 ? fake_nvml.board_ns
                         : policy == 5 ? fake_nvml.reliability_ns
                                       : 0;
    return code(handle);
}

int nvmlDeviceGetTotalEccErrors(void *handle, int type, int counter, unsigned long long *count)
{
    *count = type == 1 && counter == 0 ? fake_nvml.ecc : 0;
    return code(handle);
}

int nvmlDeviceGetPowerManagementDefaultLimit(void *handle, unsigned *mw)
{
    *mw = fake_nvml.default_mw;
    return code(handle);
}

int nvmlDeviceGetRemappedRows(void *handle, unsigned *corrected, unsigned *uncorrected,
                              unsigned *pending, unsigned *failed)
{
    *corrected = fake_nvml.remapped;
    *uncorrected = *pending = *failed = 0;
    return code(handle);
}

int nvmlDeviceGetFieldValues(void *handle, int count, struct field *values)
{
    for (int i = 0; i < count; i++) {
        values[i].type = 1;
        values[i].value = values[i].id == 82    ? fake_nvml.memory_celsius
                          : values[i].id == 186 ? fake_nvml.power_now_mw
                                                : 0;
        values[i].code = values[i].value ? 0 : 3;
    }
    return code(handle);
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, void *processes)
{
    unsigned room = *count;
    (void)processes;
    *count = fake_nvml.processes;
    return room < *count ? 7 : code(handle);
}

int nvmlDeviceGetProcessUtilization(void *handle, struct sample *samples, unsigned *count,
                                    unsigned long long since_us)
{
    if (since_us == 0 || *count < 2)
        return 2;
    samples[0] = (struct sample){.pid = fake_nvml.own_pid ? fake_nvml.own_pid : 1, .sm = 99};
    samples[1] = (struct sample){.pid = 424242, .sm = fake_nvml.others_sm};
    *count = 2;
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
