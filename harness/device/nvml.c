/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/nvml.h"

#include <string.h>

#define AT(member) offsetof(struct mlb_nvml_functions, member)

static const struct mlb_symbol symbols[] = {
    {"nvmlInit_v2", AT(init), false},
    {"nvmlShutdown", AT(shutdown), false},
    {"nvmlDeviceGetHandleByPciBusId_v2", AT(device_by_pci), false},
    {"nvmlErrorString", AT(error_text), false},
    {"nvmlDeviceGetClockInfo", AT(clock), true},
    {"nvmlDeviceGetMaxClockInfo", AT(max_clock), true},
    {"nvmlDeviceGetPowerUsage", AT(power), true},
    {"nvmlDeviceGetEnforcedPowerLimit", AT(power_limit), true},
    {"nvmlDeviceGetPowerManagementDefaultLimit", AT(power_default), true},
    {"nvmlDeviceGetTotalEnergyConsumption", AT(energy), true},
    {"nvmlDeviceGetTemperature", AT(temperature), true},
    {"nvmlDeviceGetCurrentClocksEventReasons", AT(reasons), true},
    {"nvmlDeviceGetCurrentClocksThrottleReasons", AT(reasons_old), true},
    {"nvmlDeviceGetViolationStatus", AT(violation), true},
    {"nvmlDeviceGetTotalEccErrors", AT(ecc_errors), true},
    {"nvmlDeviceGetRemappedRows", AT(remapped_rows), true},
    {"nvmlDeviceGetFieldValues", AT(fields), true},
    {"nvmlDeviceGetComputeRunningProcesses_v3", AT(processes), true},
    {"nvmlDeviceGetComputeRunningProcesses_v2", AT(processes_v2), true},
    {"nvmlDeviceGetProcessUtilization", AT(utilization), true},
    {"nvmlDeviceGetNvLinkState", AT(nvlink_state), true},
    {NULL, 0, false},
};

_Static_assert(sizeof(struct mlb_nvml_field_value) == 40, "nvmlFieldValue_t");
_Static_assert(sizeof(struct mlb_nvml_process) == 24, "nvmlProcessInfo_t");
_Static_assert(sizeof(struct mlb_nvml_utilization) == 32, "nvmlProcessUtilizationSample_t");

static const char *const sonames[] = {"libnvidia-ml.so.1", NULL};

static const struct mlb_library library = {
    .name = "NVML",
    .sonames = sonames,
    .symbols = symbols,
    .advice = "it comes with the NVIDIA driver; in a container, start it with --gpus all and "
              "NVIDIA_DRIVER_CAPABILITIES=compute,utility",
};

static enum mlb_status fail_call(const struct mlb_nvml *nvml, const char *call, int code,
                                 struct mlb_error *err)
{
    return mlb_fail(err, MLB_E_DEVICE, "NVML: %s: %s", call, nvml->call.error_text(code));
}

enum mlb_status mlb_nvml_open(struct mlb_nvml *nvml, const char *path, const char *pci_id,
                              struct mlb_error *err)
{
    memset(nvml, 0, sizeof *nvml);
    enum mlb_status status = mlb_dynlib_open(&nvml->library, &library, path, &nvml->call, err);
    if (status != MLB_OK)
        return status;
    int code = nvml->call.init();
    if (code != 0) {
        status = fail_call(nvml, "start", code, err);
        goto close_library;
    }
    code = nvml->call.device_by_pci(pci_id, &nvml->device);
    if (code != 0) {
        status = fail_call(nvml, pci_id, code, err);
        goto shut_down;
    }
    return MLB_OK;

shut_down:
    nvml->call.shutdown();
close_library:
    mlb_dynlib_close(&nvml->library);
    memset(nvml, 0, sizeof *nvml);
    return status;
}

void mlb_nvml_close(struct mlb_nvml *nvml)
{
    if (nvml->library.handle)
        nvml->call.shutdown();
    mlb_dynlib_close(&nvml->library);
    memset(nvml, 0, sizeof *nvml);
}

static bool clock_hz(int (*read)(void *, int, unsigned *), void *device, enum mlb_nvml_clock clock,
                     double *hz)
{
    unsigned mhz;
    if (!read || read(device, (int)clock, &mhz) != 0)
        return false;
    *hz = mhz * 1e6;
    return true;
}

bool mlb_nvml_clock_hz(const struct mlb_nvml *nvml, enum mlb_nvml_clock clock, double *hz)
{
    return clock_hz(nvml->call.clock, nvml->device, clock, hz);
}

bool mlb_nvml_max_clock_hz(const struct mlb_nvml *nvml, enum mlb_nvml_clock clock, double *hz)
{
    return clock_hz(nvml->call.max_clock, nvml->device, clock, hz);
}

static bool watts(int (*read)(void *, unsigned *), void *device, double *watt)
{
    unsigned mw;
    if (!read || read(device, &mw) != 0)
        return false;
    *watt = mw * 1e-3;
    return true;
}

/* A field that is a whole number. */
static bool field(const struct mlb_nvml *nvml, enum mlb_nvml_field id, double *whole)
{
    enum { UNSIGNED_INT = 1, UNSIGNED_LONG = 2, UNSIGNED_LONG_LONG = 3 };
    struct mlb_nvml_field_value value = {.field = (unsigned)id};
    if (!nvml->call.fields || nvml->call.fields(nvml->device, 1, &value) != 0 || value.code != 0)
        return false;
    if (value.type == UNSIGNED_INT)
        *whole = value.value.small;
    else if (value.type == UNSIGNED_LONG || value.type == UNSIGNED_LONG_LONG)
        *whole = (double)value.value.large;
    else
        return false;
    return true;
}

bool mlb_nvml_power_w(const struct mlb_nvml *nvml, double *watt)
{
    double mw;
    if (field(nvml, MLB_NVML_FIELD_POWER_NOW, &mw) && mw > 0) {
        *watt = mw * 1e-3;
        return true;
    }
    return watts(nvml->call.power, nvml->device, watt);
}

bool mlb_nvml_power_limit_w(const struct mlb_nvml *nvml, double *watt)
{
    return watts(nvml->call.power_limit, nvml->device, watt);
}

bool mlb_nvml_power_default_w(const struct mlb_nvml *nvml, double *watt)
{
    return watts(nvml->call.power_default, nvml->device, watt);
}

bool mlb_nvml_energy_j(const struct mlb_nvml *nvml, double *joule)
{
    unsigned long long mj;
    if (!nvml->call.energy || nvml->call.energy(nvml->device, &mj) != 0)
        return false;
    *joule = (double)mj * 1e-3;
    return true;
}

bool mlb_nvml_temperature_c(const struct mlb_nvml *nvml, double *celsius)
{
    unsigned value;
    if (!nvml->call.temperature || nvml->call.temperature(nvml->device, 0, &value) != 0)
        return false;
    *celsius = value;
    return true;
}

bool mlb_nvml_memory_temperature_c(const struct mlb_nvml *nvml, double *celsius)
{
    return field(nvml, MLB_NVML_FIELD_MEMORY_TEMPERATURE, celsius) && *celsius > 0;
}

bool mlb_nvml_reasons(const struct mlb_nvml *nvml, uint64_t *bits)
{
    int (*read)(void *, unsigned long long *) =
        nvml->call.reasons ? nvml->call.reasons : nvml->call.reasons_old;
    unsigned long long value;
    if (!read || read(nvml->device, &value) != 0)
        return false;
    *bits = value;
    return true;
}

bool mlb_nvml_violation_s(const struct mlb_nvml *nvml, enum mlb_nvml_policy policy, double *seconds)
{
    struct mlb_nvml_violation time;
    if (!nvml->call.violation || nvml->call.violation(nvml->device, (int)policy, &time) != 0)
        return false;
    *seconds = (double)time.violation_ns * 1e-9;
    return true;
}

bool mlb_nvml_ecc_uncorrected(const struct mlb_nvml *nvml, double *count)
{
    enum { UNCORRECTED = 1, VOLATILE = 0 };
    unsigned long long value;
    if (!nvml->call.ecc_errors ||
        nvml->call.ecc_errors(nvml->device, UNCORRECTED, VOLATILE, &value) != 0)
        return false;
    *count = (double)value;
    return true;
}

bool mlb_nvml_remapped_rows(const struct mlb_nvml *nvml, double *count)
{
    unsigned corrected, uncorrected, pending, failed;
    if (!nvml->call.remapped_rows ||
        nvml->call.remapped_rows(nvml->device, &corrected, &uncorrected, &pending, &failed) != 0)
        return false;
    *count = (double)corrected + (double)uncorrected;
    return true;
}

bool mlb_nvml_processes(const struct mlb_nvml *nvml, double *count)
{
    enum { MOST = 64, TOO_MANY = 7 }; /* NVML_ERROR_INSUFFICIENT_SIZE comes with the number */
    int (*list)(void *, unsigned *, struct mlb_nvml_process *) =
        nvml->call.processes ? nvml->call.processes : nvml->call.processes_v2;
    struct mlb_nvml_process processes[MOST];
    unsigned n = MOST;
    int code = list ? list(nvml->device, &n, processes) : -1;
    if (code != 0 && code != TOO_MANY)
        return false;
    *count = n;
    return true;
}

bool mlb_nvml_others_sm_fraction(const struct mlb_nvml *nvml, unsigned own_pid, uint64_t since_us,
                                 double *fraction)
{
    enum { MOST = 256 };
    struct mlb_nvml_utilization samples[MOST];
    unsigned n = MOST, most = 0;
    bool own = false;
    if (!nvml->call.utilization || nvml->call.utilization(nvml->device, samples, &n, since_us) != 0)
        return false;
    for (unsigned i = 0; i < n && i < MOST; i++) {
        own = own || samples[i].pid == own_pid;
        if (samples[i].pid != own_pid && samples[i].sm <= 100 && samples[i].sm > most)
            most = samples[i].sm;
    }
    *fraction = most / 100.0;
    return own;
}

/* NVML_NVLINK_MAX_LINKS is 18; of a link that the device lacks the call says "invalid argument" or
 * "not supported". */
bool mlb_nvml_nvlinks(const struct mlb_nvml *nvml, int *links, int *active)
{
    enum { MOST = 18 };
    *links = *active = 0;
    for (unsigned link = 0; nvml->call.nvlink_state && link < MOST; link++) {
        int state = 0;
        if (nvml->call.nvlink_state(nvml->device, link, &state) != 0)
            continue;
        (*links)++;
        *active += state == 1;
    }
    return *links > 0;
}
