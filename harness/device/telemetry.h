/* SPDX-License-Identifier: Apache-2.0 */
/* What the device went through while samples were taken: clocks, power, temperature, throttling; on
 * a CPU also time stolen by the hypervisor and switches forced on us.
 *
 * Lifecycle: mlb_telemetry_open(device) -> [begin -> poll... -> end]* -> close, with the device
 * idle at begin and end. NVML is loaded at run time; without it a GPU's figures are absent but for
 * the clock, which its SMs count themselves, and `source` says so. */
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
    uint64_t steps; /* that this rank did in the window, timed or not; 0 = not counted */
    /* Where the median is from: "nvml", "proc", or "kernel" = the SMs' own counters; "" = none. */
    char clock_source[16];
    /* GPU: SM clock; CPU: mean over the rank's cores. First and last: medians of the first and the
     * last tenth of the readings. */
    struct mlb_maybe clock_min_hz, clock_median_hz, clock_first_hz, clock_last_hz;
    struct mlb_maybe clock_kernel_hz;     /* GPU: mean over the window by the SMs' own counters */
    struct mlb_maybe clock_ranks_mean_hz; /* over all ranks' devices, in a job of several */
    struct mlb_maybe memory_clock_median_hz;
    struct mlb_maybe power_mean_w, energy_j, power_limit_w;
    struct mlb_maybe power_default_w; /* limit that the board comes with */
    struct mlb_maybe temperature_max_c, memory_temperature_max_c;
    /* By heat or hardware: "unknown", "none", "seen"; "" = nobody asks (a CPU). The power cap is no
     * part of it: it is normal in dense GEMM. */
    char throttle[12];
    /* Shares of the window: power cap; heat or hardware slow-down; the board's current or voltage;
     * the highest voltage that is safe for long. */
    struct mlb_maybe throttled_power_fraction, throttled_thermal_fraction;
    struct mlb_maybe throttled_board_fraction, throttled_reliability_fraction;
    struct mlb_maybe other_processes;    /* GPU: most that were seen on it beside this job's */
    struct mlb_maybe others_sm_fraction; /* GPU: largest share of the SMs that one of them had */
    /* CPU: share of the rank's cores that the hypervisor took. */
    struct mlb_maybe steal_fraction;
    struct mlb_maybe others_fraction; /* CPU: share of the rank's cores that other processes took */
    struct mlb_maybe involuntary_switches; /* CPU: count, this process */
    struct mlb_maybe ecc_uncorrected;      /* GPU: errors that appeared in the window */
    struct mlb_maybe remapped_rows;        /* GPU: rows of memory replaced in the window */
    char verdict[96]; /* "" = clean; else why samples of this window are not to be trusted */
};

/* The clock that the window had: by the SMs' own counters where they are, since they count what
 * others only sample; but not when they are far from what the driver says. 0 = not known. */
double mlb_telemetry_clock(const struct mlb_telemetry_window *window);

struct mlb_telemetry; /* opaque */

/* Never fails for want of a library or a permission: figures are absent then. MLB_E_NOMEM only. */
enum mlb_status mlb_telemetry_open(struct mlb_device *device, struct mlb_telemetry **telemetry,
                                   struct mlb_error *err);
void mlb_telemetry_close(struct mlb_telemetry *telemetry); /* NULL is fine */

/* So many processes of this job use the device: these are no others. */
void mlb_telemetry_expect(struct mlb_telemetry *telemetry, unsigned processes);

void mlb_telemetry_begin(struct mlb_telemetry *telemetry);
void mlb_telemetry_poll(struct mlb_telemetry *telemetry); /* cheap; reads at most every 50 ms */
void mlb_telemetry_end(struct mlb_telemetry *telemetry, struct mlb_telemetry_window *window);

#endif
