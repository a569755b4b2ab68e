/* SPDX-License-Identifier: Apache-2.0 */
/* What the device went through while samples were taken: clocks, power, temperature, throttling; on
 * a CPU also time stolen by the hypervisor and switches forced on us.
 *
 * Lifecycle: mlb_telemetry_open(device) -> [begin -> poll... -> end]* -> close. NVML is loaded at
 * run time; without it a GPU's figures are absent and `source` says so. */
#ifndef MLB_DEVICE_TELEMETRY_H
#define MLB_DEVICE_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/device/device.h"

/* A figure that may be absent. */
struct mlb_maybe {
    bool known;
    double value;
};

struct mlb_telemetry_window {
    char source[32]; /* "nvml", "proc", "none" */
    double duration_s;
    /* GPU: SM clock; CPU: mean over the rank's cores. */
    struct mlb_maybe clock_min_hz, clock_median_hz;
    struct mlb_maybe memory_clock_median_hz;
    struct mlb_maybe power_mean_w, energy_j, power_limit_w;
    struct mlb_maybe temperature_max_c;
    /* Share of the window: power cap (normal in dense GEMM). */
    struct mlb_maybe throttled_power_fraction;
    /* Share of the window: heat or hardware slow-down. */
    struct mlb_maybe throttled_thermal_fraction;
    /* CPU: share of the rank's cores that the hypervisor took. */
    struct mlb_maybe steal_fraction;
    struct mlb_maybe others_fraction; /* CPU: share of the rank's cores that other processes took */
    struct mlb_maybe involuntary_switches; /* CPU: count, this process */
    struct mlb_maybe ecc_uncorrected;      /* GPU: errors that appeared in the window */
    char verdict[96]; /* "" = clean; else why samples of this window are not to be trusted */
};

struct mlb_telemetry; /* opaque */

/* Never fails for want of a library or a permission: figures are absent then. MLB_E_NOMEM only. */
enum mlb_status mlb_telemetry_open(struct mlb_device *device, struct mlb_telemetry **telemetry,
                                   struct mlb_error *err);
void mlb_telemetry_close(struct mlb_telemetry *telemetry); /* NULL is fine */

void mlb_telemetry_begin(struct mlb_telemetry *telemetry);
void mlb_telemetry_poll(struct mlb_telemetry *telemetry); /* cheap; reads at most every 50 ms */
void mlb_telemetry_end(struct mlb_telemetry *telemetry, struct mlb_telemetry_window *window);

#endif
