/* SPDX-License-Identifier: Apache-2.0 */
/* From readings to a window and its verdict. Pure. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/device/meter.h"

/* A dense GEMM at the power cap is how these GPUs are meant to run; heat and hardware slow-down for
 * more than a hundredth of the window are not. */
static const double HEAT_LIMIT = 0.01;
/* nvbench rejects samples below this share of the maximum clock. */
static const double CLOCK_LIMIT = 0.75;
/* Stolen time moves the median by about as much. One tick is 10 ms: a few may be chance. */
static const double STEAL_LIMIT = 0.05, STEAL_TICKS = 5;
/* Half a second of a core: below it, ticks of 10 ms say nothing about other processes. */
static const double OTHERS_TICKS = 50;
/* NVML's energy counter advances about every 100 ms. */
static const double ENERGY_SHORTEST_S = 1.0;

/* Another process that works takes turns with us on the whole GPU. */
static const double OTHERS_SM_LIMIT = 0.02;

static struct mlb_maybe is(double value)
{
    return (struct mlb_maybe){true, value};
}

static struct mlb_maybe growth(struct mlb_maybe before, struct mlb_maybe after)
{
    if (!before.known || !after.known || after.value < before.value)
        return (struct mlb_maybe){0};
    return is(after.value - before.value);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The known ones of one figure of all readings, sorted; returns how many. `busy_only` leaves out
 * readings of a parked device. */
static size_t column(const struct mlb_reading *readings, size_t count, size_t offset,
                     bool busy_only, double *to)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct mlb_maybe figure;
        memcpy(&figure, (const char *)&readings[i] + offset, sizeof figure);
        if (figure.known && !(busy_only && (readings[i].slowed & MLB_IDLE)))
            to[n++] = figure.value;
    }
    qsort(to, n, sizeof *to, ascending);
    return n;
}

static double median(const double *sorted, size_t n)
{
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

static struct mlb_maybe clock_of(const struct mlb_reading *readings, size_t count)
{
    double values[MLB_READINGS];
    size_t n = column(readings, count, offsetof(struct mlb_reading, clock_hz), true, values);
    return n > 0 ? is(median(values, n)) : (struct mlb_maybe){0};
}

static void summarise_readings(const struct mlb_reading *readings, size_t count,
                               struct mlb_telemetry_window *window)
{
    double values[MLB_READINGS];
    size_t tenth = (count + 9) / 10;
    size_t n = column(readings, count, offsetof(struct mlb_reading, clock_hz), true, values);
    if (n > 0) {
        window->clock_min_hz = is(values[0]);
        window->clock_median_hz = is(median(values, n));
        window->clock_first_hz = clock_of(readings, tenth);
        window->clock_last_hz = clock_of(readings + count - tenth, tenth);
        mlb_format(window->clock_source, sizeof window->clock_source, "%s", window->source);
    }
    n = column(readings, count, offsetof(struct mlb_reading, memory_temperature_c), false, values);
    if (n > 0)
        window->memory_temperature_max_c = is(values[n - 1]);
    n = column(readings, count, offsetof(struct mlb_reading, memory_clock_hz), true, values);
    if (n > 0)
        window->memory_clock_median_hz = is(median(values, n));
    n = column(readings, count, offsetof(struct mlb_reading, temperature_c), false, values);
    if (n > 0)
        window->temperature_max_c = is(values[n - 1]);
    n = column(readings, count, offsetof(struct mlb_reading, power_w), false, values);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    if (n > 0)
        window->power_mean_w = is(sum / (double)n);
}

/* Share of the readings in which any of the causes was at work. */
static struct mlb_maybe share(const struct mlb_reading *readings, size_t count, unsigned causes)
{
    size_t known = 0, slowed = 0;
    for (size_t i = 0; i < count; i++) {
        known += readings[i].slowed_known;
        slowed += readings[i].slowed_known && (readings[i].slowed & causes);
    }
    return known > 0 ? is((double)slowed / (double)known) : (struct mlb_maybe){0};
}

static struct mlb_maybe fraction_of(struct mlb_maybe seconds, double duration_s)
{
    if (!seconds.known || !(duration_s > 0))
        return (struct mlb_maybe){0};
    return is(seconds.value < duration_s ? seconds.value / duration_s : 1.0);
}

static struct mlb_maybe larger(struct mlb_maybe a, struct mlb_maybe b)
{
    return !a.known || (b.known && b.value > a.value) ? b : a;
}

static void summarise_counters(const struct mlb_counters *before, const struct mlb_counters *after,
                               struct mlb_telemetry_window *window)
{
    struct mlb_maybe energy = growth(before->energy_j, after->energy_j);
    if (energy.known && window->duration_s >= ENERGY_SHORTEST_S) {
        window->energy_j = energy;
        window->power_mean_w = is(energy.value / window->duration_s);
    }
    window->throttled_power_fraction =
        fraction_of(growth(before->power_cap_s, after->power_cap_s), window->duration_s);
    window->throttled_thermal_fraction =
        fraction_of(growth(before->heat_s, after->heat_s), window->duration_s);
    window->throttled_board_fraction =
        fraction_of(growth(before->board_s, after->board_s), window->duration_s);
    window->throttled_reliability_fraction =
        fraction_of(growth(before->reliability_s, after->reliability_s), window->duration_s);
    window->ecc_uncorrected = growth(before->ecc_uncorrected, after->ecc_uncorrected);
    window->remapped_rows = growth(before->remapped_rows, after->remapped_rows);
    window->involuntary_switches =
        growth(before->involuntary_switches, after->involuntary_switches);
    struct mlb_maybe ticks = growth(before->cpu_ticks, after->cpu_ticks);
    struct mlb_maybe steal = growth(before->steal_ticks, after->steal_ticks);
    if (ticks.known && steal.known && ticks.value > 0)
        window->steal_fraction = is(steal.value / ticks.value);
    struct mlb_maybe busy = growth(before->busy_ticks, after->busy_ticks);
    struct mlb_maybe own = growth(before->own_ticks, after->own_ticks);
    if (ticks.known && busy.known && own.known && ticks.value >= OTHERS_TICKS)
        window->others_fraction = is(fmax(busy.value - own.value, 0.0) / ticks.value);
}

/* This process is one of those that are counted, in a container under a number it does not know. */
static void count_others(const struct mlb_meter *meter, const struct mlb_counters *before,
                         const struct mlb_counters *after, struct mlb_telemetry_window *window)
{
    double own = meter->own_processes ? meter->own_processes : 1;
    struct mlb_maybe most = larger(before->processes, after->processes);
    if (most.known && most.value >= own)
        window->other_processes = is(most.value - own);
    if (own == 1)
        window->others_sm_fraction = after->others_sm_fraction;
}

/* Why the GPU ran slower than it should, in the order of what says most. */
static const char *slow_cause(struct mlb_maybe counted_heat, const struct mlb_reading *readings,
                              size_t count)
{
    struct mlb_maybe heat = larger(counted_heat, share(readings, count, MLB_SLOWED_BY_HEAT));
    struct mlb_maybe brake = share(readings, count, MLB_SLOWED_BY_BRAKE);
    if (heat.known && heat.value > HEAT_LIMIT)
        return "throttled by heat";
    if (brake.known && brake.value > HEAT_LIMIT)
        return "slowed down by the machine's power brake";
    return "slowed down by the hardware";
}

static void judge_slowing(struct mlb_maybe counted_heat, const struct mlb_reading *readings,
                          size_t count, struct mlb_telemetry_window *window)
{
    char percent[MLB_UNIT_TEXT], hottest[32] = "";
    if (!window->throttled_thermal_fraction.known ||
        window->throttled_thermal_fraction.value <= HEAT_LIMIT)
        return;
    if (window->temperature_max_c.known)
        mlb_format(hottest, sizeof hottest, ", up to %.0f C", window->temperature_max_c.value);
    mlb_format(window->verdict, sizeof window->verdict, "%s for %s of the window%s",
               slow_cause(counted_heat, readings, count),
               mlb_print_percent(percent, window->throttled_thermal_fraction.value), hottest);
}

/* A low clock that nothing explains: neither the power cap nor a setting of the clocks. */
static void judge_clock(const struct mlb_meter *meter, const struct mlb_reading *readings,
                        size_t count, struct mlb_telemetry_window *window)
{
    struct mlb_maybe explained =
        larger(window->throttled_power_fraction,
               share(readings, count, MLB_SLOWED_BY_POWER | MLB_SLOWED_BY_SETTING));
    if (!meter->max_clock_hz.known || !window->clock_median_hz.known || !explained.known ||
        explained.value > HEAT_LIMIT ||
        window->clock_median_hz.value >= CLOCK_LIMIT * meter->max_clock_hz.value)
        return;
    mlb_format(window->verdict, sizeof window->verdict,
               "clock %.0f of %.0f MHz, and not by the power cap",
               window->clock_median_hz.value * 1e-6, meter->max_clock_hz.value * 1e-6);
}

static void judge_steal(const struct mlb_counters *before, const struct mlb_counters *after,
                        struct mlb_telemetry_window *window)
{
    char percent[MLB_UNIT_TEXT];
    if (!window->steal_fraction.known || window->steal_fraction.value <= STEAL_LIMIT ||
        after->steal_ticks.value - before->steal_ticks.value < STEAL_TICKS)
        return;
    mlb_format(window->verdict, sizeof window->verdict, "the hypervisor took %s of the CPU time",
               mlb_print_percent(percent, window->steal_fraction.value));
}

static void judge_others(struct mlb_telemetry_window *window)
{
    char percent[MLB_UNIT_TEXT];
    if (window->others_sm_fraction.known && window->others_sm_fraction.value > OTHERS_SM_LIMIT)
        mlb_format(window->verdict, sizeof window->verdict,
                   "another process works on the GPU: it had up to %s of the SMs",
                   mlb_print_percent(percent, window->others_sm_fraction.value));
}

/* Nobody saw it throttle, or nobody looked? */
static void judge_throttle(const struct mlb_counters *after, const struct mlb_reading *readings,
                           size_t count, struct mlb_telemetry_window *window)
{
    bool asked = after->heat_s.known;
    for (size_t i = 0; i < count && !asked; i++)
        asked = readings[i].slowed_known;
    bool seen = window->throttled_thermal_fraction.known &&
                window->throttled_thermal_fraction.value > HEAT_LIMIT;
    if (asked)
        mlb_format(window->throttle, sizeof window->throttle, seen ? "seen" : "none");
}

static void judge_ecc(struct mlb_telemetry_window *window)
{
    if (window->remapped_rows.known && window->remapped_rows.value > 0)
        mlb_format(window->verdict, sizeof window->verdict, "%.0f bad rows of memory were replaced",
                   window->remapped_rows.value);
    if (window->ecc_uncorrected.known && window->ecc_uncorrected.value > 0)
        mlb_format(window->verdict, sizeof window->verdict,
                   "%.0f uncorrectable memory errors appeared", window->ecc_uncorrected.value);
}

void mlb_telemetry_summarise(const struct mlb_meter *meter, const struct mlb_reading *readings,
                             size_t count, const struct mlb_counters *before,
                             const struct mlb_counters *after, double duration_s,
                             struct mlb_telemetry_window *window)
{
    memset(window, 0, sizeof *window);
    window->duration_s = duration_s;
    mlb_format(window->source, sizeof window->source, "%s", meter ? meter->source : "none");
    if (!meter)
        return;
    window->power_limit_w = meter->power_limit_w;
    window->power_default_w = meter->power_default_w;
    summarise_readings(readings, count, window);
    summarise_counters(before, after, window);
    count_others(meter, before, after, window);

    struct mlb_maybe counted_heat = window->throttled_thermal_fraction;
    if (!window->throttled_power_fraction.known)
        window->throttled_power_fraction = share(readings, count, MLB_SLOWED_BY_POWER);
    window->throttled_thermal_fraction =
        larger(counted_heat, share(readings, count,
                                   MLB_SLOWED_BY_HEAT | MLB_SLOWED_BY_BRAKE | MLB_SLOWED_BY_BOARD));

    /* The last one that speaks is the gravest. */
    judge_steal(before, after, window);
    judge_clock(meter, readings, count, window);
    judge_others(window);
    judge_slowing(counted_heat, readings, count, window);
    judge_ecc(window);
    judge_throttle(after, readings, count, window);
}

void mlb_telemetry_take_cycles(bool counts, struct mlb_maybe clock_hz,
                               struct mlb_telemetry_window *window)
{
    window->clock_kernel_hz = clock_hz;
    if (counts && !window->throttle[0])
        mlb_format(window->throttle, sizeof window->throttle, "unknown");
    if (window->clock_median_hz.known || !clock_hz.known)
        return;
    window->clock_median_hz = clock_hz;
    mlb_format(window->clock_source, sizeof window->clock_source, "kernel");
}

double mlb_telemetry_clock(const struct mlb_telemetry_window *window)
{
    const double far = 0.15;
    double kernel = window->clock_kernel_hz.known ? window->clock_kernel_hz.value : 0.0;
    double median = window->clock_median_hz.known ? window->clock_median_hz.value : 0.0;
    bool apart = median > 0.0 && fabs(kernel - median) > far * median;
    return kernel > 0.0 && !apart ? kernel : median;
}
