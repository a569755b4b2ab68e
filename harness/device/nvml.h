/* SPDX-License-Identifier: Apache-2.0 */
/* NVML, the management library that comes with NVIDIA's driver, opened at run time. Its header
 * comes with the toolkit only, so the little of its binary interface that is used stands here: all
 * calls return an nvmlReturn_t (0 = done, 3 = not supported), a device is a pointer, enums are
 * ints. */
#ifndef MLB_DEVICE_NVML_H
#define MLB_DEVICE_NVML_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/device/dynlib.h"

enum mlb_nvml_clock { MLB_NVML_CLOCK_SM = 1, MLB_NVML_CLOCK_MEMORY = 2 };

/* Bits of nvmlDeviceGetCurrentClocksEventReasons. */
enum mlb_nvml_reason {
    MLB_NVML_IDLE = 0x01,           /* nothing runs; clocks are on their way down */
    MLB_NVML_CLOCKS_SETTING = 0x02, /* application or locked clocks */
    MLB_NVML_POWER_CAP = 0x04,      /* software power cap: normal for dense arithmetic */
    MLB_NVML_HW_SLOWDOWN = 0x08,    /* heat, power brake or a fast trigger of the board */
    MLB_NVML_SW_THERMAL = 0x20,     /* the driver holds the temperature */
    MLB_NVML_HW_THERMAL = 0x40,     /* too hot: clocks halved or worse */
    MLB_NVML_POWER_BRAKE = 0x80,    /* the machine asked for less power */
};

enum mlb_nvml_policy {
    MLB_NVML_POLICY_POWER = 0,
    MLB_NVML_POLICY_THERMAL = 1,
    MLB_NVML_POLICY_BOARD = 3,      /* current or voltage of the board */
    MLB_NVML_POLICY_RELIABILITY = 5 /* highest voltage that is safe for long */
};

/* Time that a policy held clocks down, since the driver was loaded. */
struct mlb_nvml_violation {
    unsigned long long reference_us;
    unsigned long long violation_ns;
};

/* Fields of nvmlDeviceGetFieldValues whose numbers are the same in all headers. */
enum mlb_nvml_field { MLB_NVML_FIELD_MEMORY_TEMPERATURE = 82, MLB_NVML_FIELD_POWER_NOW = 186 };

/* nvmlFieldValue_t */
struct mlb_nvml_field_value {
    unsigned field, scope;
    long long timestamp_us, latency_us;
    unsigned type; /* 1 unsigned int, 2 unsigned long, 3 unsigned long long */
    int code;      /* of this field alone */
    union {
        double real;
        unsigned small;
        unsigned long long large;
    } value;
};

/* nvmlProcessInfo_t since release 450 (the functions' versions 2 and 3) */
struct mlb_nvml_process {
    unsigned pid;
    unsigned long long memory_bytes;
    unsigned gpu_instance, compute_instance;
};

/* nvmlProcessUtilizationSample_t: percents of the time since the driver's sample before it. */
struct mlb_nvml_utilization {
    unsigned pid;
    unsigned long long timestamp_us;
    unsigned sm, memory, encoder, decoder;
};

/* Functions after `error_text` may be NULL: older drivers lack them. */
struct mlb_nvml_functions {
    int (*init)(void);
    int (*shutdown)(void);
    int (*device_by_pci)(const char *pci_id, void **device);
    const char *(*error_text)(int code);
    int (*clock)(void *device, int clock, unsigned *mhz);
    int (*max_clock)(void *device, int clock, unsigned *mhz);
    int (*power)(void *device, unsigned *mw);
    int (*power_limit)(void *device, unsigned *mw);      /* the one in force */
    int (*power_default)(void *device, unsigned *mw);    /* the one the board comes with */
    int (*energy)(void *device, unsigned long long *mj); /* advances about every 100 ms */
    int (*temperature)(void *device, int sensor, unsigned *celsius); /* sensor 0: the die */
    int (*reasons)(void *device, unsigned long long *bits);
    int (*reasons_old)(void *device, unsigned long long *bits); /* name before release 535 */
    int (*violation)(void *device, int policy, struct mlb_nvml_violation *time);
    int (*ecc_errors)(void *device, int type, int counter, unsigned long long *count);
    int (*remapped_rows)(void *device, unsigned *corrected, unsigned *uncorrected,
                         unsigned *pending, unsigned *failed);
    int (*fields)(void *device, int count, struct mlb_nvml_field_value *values);
    int (*processes)(void *device, unsigned *count, struct mlb_nvml_process *processes);
    int (*processes_v2)(void *device, unsigned *count, struct mlb_nvml_process *processes);
    int (*utilization)(void *device, struct mlb_nvml_utilization *samples, unsigned *count,
                       unsigned long long since_us);
    int (*nvlink_state)(void *device, unsigned link, int *active); /* nvmlEnableState_t */
};

/* Zero-initialise; mlb_nvml_close accepts that. */
struct mlb_nvml {
    struct mlb_dynlib library;
    struct mlb_nvml_functions call;
    void *device; /* NVML's handle of the device */
};

/* Open the library (libnvidia-ml.so.1, or the file `path`), start it, and find the device by PCI
 * id: NVML's indices differ from CUDA's under CUDA_VISIBLE_DEVICES. MLB_E_UNSUPPORTED when the
 * library is not there, MLB_E_DEVICE with NVML's own text when it fails; nothing is open then. */
enum mlb_status mlb_nvml_open(struct mlb_nvml *nvml, const char *path, const char *pci_id,
                              struct mlb_error *err);
void mlb_nvml_close(struct mlb_nvml *nvml);

/* Readings in SI units; false when the function is absent or does not answer. */
bool mlb_nvml_clock_hz(const struct mlb_nvml *nvml, enum mlb_nvml_clock clock, double *hz);
bool mlb_nvml_max_clock_hz(const struct mlb_nvml *nvml, enum mlb_nvml_clock clock, double *hz);
/* At this moment where the driver tells it; else as nvmlDeviceGetPowerUsage does, which since
 * Hopper is a mean over a second. */
bool mlb_nvml_power_w(const struct mlb_nvml *nvml, double *watt);
bool mlb_nvml_power_limit_w(const struct mlb_nvml *nvml, double *watt);
bool mlb_nvml_power_default_w(const struct mlb_nvml *nvml, double *watt);
bool mlb_nvml_energy_j(const struct mlb_nvml *nvml, double *joule);
bool mlb_nvml_temperature_c(const struct mlb_nvml *nvml, double *celsius);
bool mlb_nvml_memory_temperature_c(const struct mlb_nvml *nvml, double *celsius);
bool mlb_nvml_reasons(const struct mlb_nvml *nvml, uint64_t *bits);
bool mlb_nvml_violation_s(const struct mlb_nvml *nvml, enum mlb_nvml_policy policy,
                          double *seconds);
bool mlb_nvml_ecc_uncorrected(const struct mlb_nvml *nvml, double *count); /* since driver load */
bool mlb_nvml_remapped_rows(const struct mlb_nvml *nvml, double *count);   /* of all its life */
/* NVLinks that the device has, and those of them that are up. False when it has none. */
bool mlb_nvml_nvlinks(const struct mlb_nvml *nvml, int *links, int *active);
/* Processes that compute on the device, this one included. In a container those outside are not
 * seen. */
bool mlb_nvml_processes(const struct mlb_nvml *nvml, double *count);
/* The largest share of the SMs that one process other than `own_pid` had in a sample of the driver
 * since `since_us` (microseconds of the epoch). False when `own_pid` is not among the processes:
 * numbers are of another namespace then, and nobody knows who is who. */
bool mlb_nvml_others_sm_fraction(const struct mlb_nvml *nvml, unsigned own_pid, uint64_t since_us,
                                 double *fraction);

#endif
