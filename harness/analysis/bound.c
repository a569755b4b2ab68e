/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/bound.h"

#include <string.h>

#include "harness/base/text.h"
#include "harness/base/units.h"

/* Clocks are read in steps of 15 MHz and times to half a microsecond. */
static const double ALLOWANCE = 1.01;

/* Dense operations of one SM in one clock, by the unit that a GEMM of the type runs on: tensor
 * cores but for f32. From NVIDIA's architecture whitepapers (A100, H100) and the Blackwell
 * datasheet, each checked by SMs x rate x boost clock = datasheet: 108 x 2048 x 1.410 GHz = 312e12
 * (A100), 132 x 4096 x 1.830 GHz = 989e12 (H100), 148 x 8192 x 1.856 GHz = 2250e12 and 148 x 128
 * x 1.965 GHz = 37e12 (B200). */
static const struct rate {
    uint32_t capability;
    const char *dtype;
    double per_clock;
} rates[] = {
    {80, "f64", 128},     {80, "f32", 128},      {80, "tf32", 1024},    {80, "f16", 2048},
    {80, "bf16", 2048},   {80, "s8", 4096},      {90, "f64", 256},      {90, "f32", 256},
    {90, "tf32", 2048},   {90, "f16", 4096},     {90, "bf16", 4096},    {90, "e4m3", 8192},
    {90, "e5m2", 8192},   {90, "s8", 8192},      {100, "f64", 128},     {100, "f32", 256},
    {100, "tf32", 4096},  {100, "f16", 8192},    {100, "bf16", 8192},   {100, "e4m3", 16384},
    {100, "e5m2", 16384}, {100, "mxfp8", 16384}, {100, "nvfp4", 32768}, {100, "s8", 16384},
};

static double operations_per_clock(uint32_t capability, const char *dtype)
{
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (rates[i].capability == capability && strcmp(rates[i].dtype, dtype) == 0)
            return rates[i].per_clock;
    return 0.0;
}

static bool is_of_device(const struct mlb_device_info *device, const struct mlb_row *row)
{
    bool collective = row->work.bus_factor > 0.0;
    return !collective && !row->work.link && strcmp(row->device, device->kind) == 0;
}

static struct mlb_bound bound_at(const struct mlb_device_info *device, const struct mlb_row *row,
                                 double clock_hz)
{
    struct mlb_bound bound = {0};
    if (!is_of_device(device, row))
        return bound;
    if (row->work.flop > 0.0) {
        bound.clock_hz = clock_hz;
        bound.value = device->units * clock_hz *
                      operations_per_clock(device->capability, mlb_row_param(row, "dtype"));
    } else if (row->work.bytes > 0.0) {
        bound.value = device->memory_bytes_per_s;
    }
    bound.known = bound.value > 0.0;
    return bound;
}

double mlb_bound_clock(const struct mlb_telemetry_window *window)
{
    return window->clock_ranks_mean_hz.known ? window->clock_ranks_mean_hz.value
                                             : mlb_telemetry_clock(window);
}

struct mlb_bound mlb_bound_of_row(const struct mlb_device_info *device, const struct mlb_row *row,
                                  const struct mlb_telemetry_window *window)
{
    double clock_hz = mlb_bound_clock(window);
    bool seen = clock_hz > 0.0;
    struct mlb_bound bound = bound_at(device, row, seen ? clock_hz : device->clock_hz);
    bound.at_clock = bound.known && seen && bound.clock_hz > 0.0;
    return bound;
}

/* To call something an error the highest of the clocks counts: while a clock swings, the median of
 * some readings may lie below the mean. */
static double highest_clock(const struct mlb_device_info *device,
                            const struct mlb_telemetry_window *window)
{
    const struct mlb_maybe *const clocks[] = {&window->clock_kernel_hz, &window->clock_median_hz,
                                              &window->clock_ranks_mean_hz};
    double highest = 0.0;
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
        if (clocks[i]->known && clocks[i]->value > highest)
            highest = clocks[i]->value;
    return highest > 0.0 ? highest : device->clock_hz;
}

/* Is a time of the row above its bound? Then why, in `reason`. */
static bool is_above(const struct mlb_device_info *device, const struct mlb_row *row,
                     const struct mlb_summary *time, const struct mlb_telemetry_window *window,
                     char *reason, size_t size)
{
    struct mlb_bound bound = bound_at(device, row, highest_clock(device, window));
    bool compute = row->work.flop > 0.0;
    struct mlb_rate rate = mlb_phase_rate(row, time, compute ? MLB_RATE_FLOP : MLB_RATE_BYTES);
    char is[MLB_UNIT_TEXT], most[MLB_UNIT_TEXT];
    if (!bound.known || !rate.known || rate.value <= ALLOWANCE * bound.value)
        return false;
    mlb_print_rate(is, rate.value, rate.unit);
    mlb_print_rate(most, bound.value, rate.unit);
    if (compute)
        mlb_format(reason, size,
                   "above the physical bound: %s of %s, which is all of %u SMs at %.0f MHz: a "
                   "measuring error",
                   is, most, device->units, bound.clock_hz * 1e-6);
    else
        mlb_format(
            reason, size,
            "above the physical bound: %s of %s, which is all of the memory bus: a measuring "
            "error, or data that stays in the cache",
            is, most);
    return true;
}

static void judge_phase(const struct mlb_device_info *device, const struct mlb_row *row,
                        const struct mlb_summary *time, struct mlb_telemetry_window *window)
{
    char reason[MLB_ROW_REASON];
    if (is_above(device, row, time, window, reason, sizeof reason))
        mlb_format(window->verdict, sizeof window->verdict, "above the physical bound");
}

void mlb_bound_judge(const struct mlb_device_info *device, struct mlb_row *row)
{
    if (row->has_sustain) {
        judge_phase(device, row, &row->sustain.burst, &row->sustain.burst_window);
        judge_phase(device, row, &row->sustain.sustained, &row->sustain.window);
    }
    if (row->status == MLB_ROW_MEASURED &&
        is_above(device, row, &row->summary, &row->telemetry, row->reason, sizeof row->reason))
        row->status = MLB_ROW_UNTRUSTED;
}
