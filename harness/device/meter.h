/* SPDX-License-Identifier: Apache-2.0 */
/* Where telemetry's figures come from: a GPU by NVML, a CPU by /proc and /sys, or a test's script.
 */
#ifndef MLB_DEVICE_METER_H
#define MLB_DEVICE_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/device/proc.h"
#include "harness/device/telemetry.h"

/* What slows the device down at this moment. */
enum mlb_slowed {
    MLB_IDLE = 1,            /* nothing runs, the clock is parked */
    MLB_SLOWED_BY_POWER = 2, /* power cap */
    MLB_SLOWED_BY_HEAT = 4,
    MLB_SLOWED_BY_BRAKE = 8,   /* the machine's power brake */
    MLB_SLOWED_BY_BOARD = 16,  /* hardware slow-down for a reason it does not tell */
    MLB_SLOWED_BY_SETTING = 32 /* somebody limited the clocks */
};

/* The device at one moment. */
struct mlb_reading {
    struct mlb_maybe clock_hz, memory_clock_hz, power_w, temperature_c, memory_temperature_c;
    bool slowed_known;
    unsigned slowed; /* bit set of enum mlb_slowed */
};

/* What only ever grows; a window's share is the difference of two. */
struct mlb_counters {
    struct mlb_maybe energy_j;
    /* Time that clocks were held down for it. */
    struct mlb_maybe power_cap_s, heat_s, board_s, reliability_s;
    struct mlb_maybe ecc_uncorrected, remapped_rows;
    /* These two don't grow: processes on the GPU now, and the largest share of its SMs that another
     * one than this had since the count before. */
    struct mlb_maybe processes, others_sm_fraction;
    struct mlb_maybe cpu_ticks, steal_ticks, involuntary_switches;
    struct mlb_maybe busy_ticks, own_ticks; /* of all that runs on the CPUs; of this process */
};

struct mlb_meter {
    const char *source; /* as telemetry's window says it */
    struct mlb_maybe max_clock_hz, power_limit_w, power_default_w;
    unsigned own_processes; /* of this job on the device; 0 counts as 1 */
    void (*read)(struct mlb_meter *meter, struct mlb_reading *reading); /* figures come in absent */
    void (*count)(struct mlb_meter *meter, struct mlb_counters *counters);
    void (*close)(struct mlb_meter *meter);
};

/* NVML's meter of the GPU `pci_id`; `nvml_path` NULL = the system's library. */
enum mlb_status mlb_meter_open_gpu(const char *nvml_path, const char *pci_id,
                                   struct mlb_meter **meter, struct mlb_error *err);
/* Meter of the CPUs in the set, from the files under `root` ("" outside tests; it must live on). */
enum mlb_status mlb_meter_open_cpu(const char *root, const struct mlb_cpus *cpus,
                                   struct mlb_meter **meter, struct mlb_error *err);

/* A telemetry over any meter, which it then owns (also on failure); NULL = nothing is known. */
enum mlb_status mlb_telemetry_open_meter(struct mlb_meter *meter, struct mlb_telemetry **telemetry,
                                         struct mlb_error *err);

/* The pure part: a window from its readings (at most MLB_READINGS) and from the counters before and
 * after it. */
#define MLB_READINGS 4096
void mlb_telemetry_summarise(const struct mlb_meter *meter, const struct mlb_reading *readings,
                             size_t count, const struct mlb_counters *before,
                             const struct mlb_counters *after, double duration_s,
                             struct mlb_telemetry_window *window);
/* The clock by the device's own counters joins a window: the only source where no meter tells one.
 * `counts`: the device can count, so it is one that something can slow down. */
void mlb_telemetry_take_cycles(bool counts, struct mlb_maybe clock_hz,
                               struct mlb_telemetry_window *window);

#endif
