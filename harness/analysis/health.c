/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/health.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/accuse.h"
#include "harness/analysis/twins.h"
#include "harness/base/units.h"

#define STEAL_LIMIT   0.02 /* of the rank's cores' time */
#define OTHERS_LIMIT  0.05 /* of the rank's cores' time; the system itself takes one or two */
#define THERMAL_LIMIT 0.01 /* of the window */

/* ------------------------------------------------------------------------------------- telemetry
 */

/* The rows in which one figure of the telemetry was above a limit. */
struct exceeded {
    size_t rows, of; /* above the limit; with the figure known */
    double worst;
    const struct mlb_row *where;
};

typedef const struct mlb_maybe *figure_of(const struct mlb_telemetry_window *window);

static const struct mlb_maybe *steal(const struct mlb_telemetry_window *window)
{
    return &window->steal_fraction;
}

static const struct mlb_maybe *others(const struct mlb_telemetry_window *window)
{
    return &window->others_fraction;
}

static const struct mlb_maybe *thermal(const struct mlb_telemetry_window *window)
{
    return &window->throttled_thermal_fraction;
}

static const struct mlb_maybe *ecc(const struct mlb_telemetry_window *window)
{
    return &window->ecc_uncorrected;
}

static const struct mlb_maybe *remapped(const struct mlb_telemetry_window *window)
{
    return &window->remapped_rows;
}

static const struct mlb_maybe *processes(const struct mlb_telemetry_window *window)
{
    return &window->other_processes;
}

/* The windows of a row, those of --sustain included; how many there are. */
static size_t windows_of(const struct mlb_row *row, const struct mlb_telemetry_window *windows[3])
{
    if (!row->has_telemetry)
        return 0;
    windows[0] = &row->telemetry;
    if (!row->has_sustain)
        return 1;
    windows[1] = &row->sustain.burst_window;
    windows[2] = &row->sustain.window;
    return 3;
}

/* The largest value that a row's windows have. While links are measured, each GPU holds a context
 * of the rank that has it as its peer, and that is no other's process. */
static struct mlb_maybe worst_of(const struct mlb_row *row, figure_of *figure)
{
    const struct mlb_telemetry_window *windows[3];
    struct mlb_maybe worst = {0};
    size_t count = figure == processes && row->work.link ? 0 : windows_of(row, windows);
    for (size_t i = 0; i < count; i++) {
        const struct mlb_maybe *value = figure(windows[i]);
        if (value->known && (!worst.known || value->value > worst.value))
            worst = *value;
    }
    return worst;
}

static struct exceeded look_for(const struct mlb_result *result, figure_of *figure, double limit)
{
    struct exceeded found = {0};
    for (size_t i = 0; i < result->row_count; i++) {
        const struct mlb_row *row = &result->rows[i];
        struct mlb_maybe value = worst_of(row, figure);
        if (!value.known)
            continue;
        found.of++;
        if (!(value.value > limit))
            continue;
        found.rows++;
        if (!found.where || value.value > found.worst) {
            found.worst = value.value;
            found.where = row;
        }
    }
    return found;
}

/* Ranks of GPUs may share cores, and oversubscribed ones do: then the others are our own. */
static void judge_others(struct mlb_result *result)
{
    char percent[MLB_UNIT_TEXT];
    struct exceeded found = look_for(result, others, OTHERS_LIMIT);
    if (found.rows && !result->oversubscribed && strcmp(result->device.kind, "cpu") == 0)
        mlb_result_note(
            result, MLB_HEALTH_WARN, "others",
            "other processes took up to %s of the cores' time (%zu of %zu rows, most in "
            "%s %s): the machine is not idle",
            mlb_print_percent(percent, found.worst), found.rows, found.of, found.where->workload,
            found.where->label);
}

/* A provider's lower limit is this machine's truth, but not the GPU's. */
static void judge_power_limit(struct mlb_result *result)
{
    for (size_t i = 0; i < result->row_count; i++) {
        const struct mlb_telemetry_window *window = &result->rows[i].telemetry;
        if (!result->rows[i].has_telemetry || !window->power_limit_w.known ||
            !window->power_default_w.known ||
            window->power_limit_w.value >= window->power_default_w.value - 1.0)
            continue;
        mlb_result_note(result, MLB_HEALTH_WARN, "power_limit",
                        "the GPU may draw %.0f W, this model's default is %.0f W: it gives less "
                        "than others of its kind",
                        window->power_limit_w.value, window->power_default_w.value);
        return;
    }
}

static void judge_other_processes(struct mlb_result *result)
{
    struct exceeded found = look_for(result, processes, 0.0);
    if (found.rows)
        mlb_result_note(result, MLB_HEALTH_WARN, "gpu_shared",
                        "up to %.0f other process%s on the GPU (%zu of %zu rows): nvidia-smi names "
                        "them; end them and measure again",
                        found.worst, found.worst > 1.0 ? "es are" : " is", found.rows, found.of);
}

/* No evidence is not a pass. */
static void judge_unknown_throttle(struct mlb_result *result)
{
    size_t unknown = 0;
    for (size_t i = 0; i < result->row_count; i++)
        unknown += strcmp(result->rows[i].telemetry.throttle, "unknown") == 0;
    if (unknown)
        mlb_result_note(result, MLB_HEALTH_NOTE, "throttle_unknown",
                        "whether the GPU was slowed down is not known in %zu rows: NVML "
                        "(libnvidia-ml.so.1) is not there or does not tell",
                        unknown);
}

static void judge_memory(struct mlb_result *result)
{
    struct exceeded found = look_for(result, remapped, 0.0);
    if (found.rows)
        mlb_result_note(result, MLB_HEALTH_SICK, "remapped",
                        "up to %.0f rows of the GPU's memory were replaced in one case (%zu of %zu "
                        "rows): replace the device",
                        found.worst, found.rows, found.of);
    found = look_for(result, ecc, 0.0);
    if (found.rows)
        mlb_result_note(result, MLB_HEALTH_SICK, "ecc",
                        "up to %.0f uncorrected memory errors in a row (%zu of %zu rows, most in "
                        "%s %s): replace the device",
                        found.worst, found.rows, found.of, found.where->workload,
                        found.where->label);
}

static void judge_telemetry(struct mlb_result *result)
{
    char percent[MLB_UNIT_TEXT];
    struct exceeded found = look_for(result, steal, STEAL_LIMIT);
    if (found.rows)
        mlb_result_note(result, MLB_HEALTH_WARN, "steal",
                        "the hypervisor took up to %s of the cores' time (%zu of %zu rows, most in "
                        "%s %s): the machine is shared",
                        mlb_print_percent(percent, found.worst), found.rows, found.of,
                        found.where->workload, found.where->label);
    judge_others(result);
    found = look_for(result, thermal, THERMAL_LIMIT);
    if (found.rows)
        mlb_result_note(
            result, MLB_HEALTH_SICK, "throttled",
            "slowed down by heat or hardware for up to %s of the time (%zu of %zu rows, "
            "most in %s %s): check the cooling",
            mlb_print_percent(percent, found.worst), found.rows, found.of, found.where->workload,
            found.where->label);
    judge_power_limit(result);
    judge_other_processes(result);
    judge_unknown_throttle(result);
    judge_memory(result);
}

/* Older releases leave a modern CPU's matrix units unused: a tenth of the rate was seen. */
static void judge_library(struct mlb_result *result)
{
    int major, minor;
    for (size_t i = 0; i < result->row_count; i++) {
        if (sscanf(result->rows[i].library, "oneDNN %d.%d", &major, &minor) != 2 || major > 2 ||
            (major == 2 && minor >= 6))
            continue;
        mlb_result_note(result, MLB_HEALTH_WARN, "library",
                        "%s is old: its rates can be far below what the CPU gives; build with 2.6 "
                        "or newer",
                        result->rows[i].library);
        return;
    }
}

void mlb_health_judge(struct mlb_result *result)
{
    judge_telemetry(result);
    mlb_twins_judge(result);
    judge_library(result);
    mlb_accuse(result);
}
