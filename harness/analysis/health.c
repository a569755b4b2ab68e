/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/health.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/measure/stats.h"

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

/* ------------------------------------------------------------------------------------- slow twins
 */

/* Iglewicz & Hoaglin, "How to Detect and Handle Outliers", 1993: 0.6745 (x - median) / MAD
 * beyond 3.5. The second limit keeps a rank of a very even job from being called slow for a trifle.
 */
#define Z_SCALE      0.6745
#define Z_LIMIT      3.5
#define Z_RANKS      4    /* fewer have no meaningful MAD */
#define SLOWER_LIMIT 0.02 /* of the median's rate */
#define FEW_LIMIT    0.05 /* with 2 or 3 ranks */
#define ROWS_NEEDED  2    /* one row may be chance */
#define NOTES_MOST   8    /* ranks named one by one */

struct slow_rank {
    size_t rows;
    double worst; /* largest share of the rate missing */
};

/* Ranks' times of a row and what they are compared with. */
struct twins {
    const double *times_ns; /* [count] */
    size_t count;
    double reference_ns; /* median; with two ranks the faster one */
    double mad_ns;
};

#define SMALL_MESSAGE 1048576.0 /* bytes; of less, the host's part of the time is the larger */

/* Rows whose ranks are no twins by design: each pair of GPUs has a link of its own, a NUMA node
 * that is named is near to some GPUs and far from others, and launches and small copies tell of the
 * host's cores, which no two ranks find equally busy. */
static bool unlike(const struct mlb_row *row)
{
    if (strcmp(row->workload, "p2p") == 0 || strcmp(row->workload, "launch") == 0)
        return true;
    if (strcmp(row->workload, "host_copy") != 0)
        return false;
    bool named = false;
    for (size_t i = 0; i < row->param_count; i++)
        named = named || (strcmp(row->params[i].name, "numa") == 0 &&
                          strcmp(row->params[i].value, "auto") != 0);
    return named || row->work.bytes < SMALL_MESSAGE;
}

static bool usable(const struct mlb_row *row)
{
    if (row->status != MLB_ROW_MEASURED || row->work.bus_factor > 0.0 || row->rank_count < 2 ||
        unlike(row))
        return false;
    for (size_t i = 0; i < row->rank_count; i++)
        if (!isfinite(row->rank_median_ns[i]) || !(row->rank_median_ns[i] > 0.0))
            return false;
    return true;
}

/* `scratch` has room for the row's ranks. */
static struct twins twins_of(const struct mlb_row *row, double *scratch)
{
    const double *times = row->rank_median_ns;
    struct twins twins = {.times_ns = times, .count = row->rank_count};
    twins.reference_ns =
        row->rank_count == 2 ? fmin(times[0], times[1]) : mlb_median(times, row->rank_count);
    for (size_t i = 0; i < row->rank_count; i++)
        scratch[i] = fabs(times[i] - twins.reference_ns);
    twins.mad_ns = mlb_median(scratch, row->rank_count);
    return twins;
}

/* Share of the rate that is missing beside the twins: 0.1 is 10 % slower; 0 when not slow. With a
 * MAD of 0 any distance is beyond every z, and the second limit decides. */
static double slowness(const struct twins *twins, size_t rank)
{
    double behind_ns = twins->times_ns[rank] - twins->reference_ns;
    double missing = 1.0 - twins->reference_ns / twins->times_ns[rank];
    if (twins->count < Z_RANKS)
        return missing > FEW_LIMIT ? missing : 0.0;
    bool outlier = Z_SCALE * behind_ns > Z_LIMIT * twins->mad_ns;
    return outlier && missing > SLOWER_LIMIT ? missing : 0.0;
}

static void count_slow(const struct mlb_row *row, struct slow_rank *ranks, double *scratch)
{
    struct twins twins = twins_of(row, scratch);
    for (size_t i = 0; i < twins.count; i++) {
        double missing = slowness(&twins, i);
        if (!(missing > 0.0))
            continue;
        ranks[i].rows++;
        if (missing > ranks[i].worst)
            ranks[i].worst = missing;
    }
}

static void note_slow(struct mlb_result *result, const struct slow_rank *ranks, size_t count,
                      size_t rows)
{
    enum mlb_health_level level = count < Z_RANKS ? MLB_HEALTH_WARN : MLB_HEALTH_SICK;
    char percent[MLB_UNIT_TEXT];
    size_t slow = 0;
    for (size_t i = 0; i < count; i++) {
        if (ranks[i].rows < ROWS_NEEDED || ++slow > NOTES_MOST)
            continue;
        mlb_result_note(result, level, "slow_rank",
                        "rank %zu is up to %s slower than its twins (%zu of %zu rows)", i,
                        mlb_print_percent(percent, ranks[i].worst), ranks[i].rows, rows);
    }
    if (slow > NOTES_MOST)
        mlb_result_note(result, level, "slow_rank", "%zu more ranks are slower than their twins",
                        slow - NOTES_MOST);
}

/* Ranks of the widest row, and how many rows can be asked. */
static size_t widest(const struct mlb_result *result, size_t *rows)
{
    size_t ranks = 0;
    *rows = 0;
    for (size_t i = 0; i < result->row_count; i++) {
        if (!usable(&result->rows[i]))
            continue;
        (*rows)++;
        if (result->rows[i].rank_count > ranks)
            ranks = result->rows[i].rank_count;
    }
    return ranks;
}

static void judge_ranks(struct mlb_result *result)
{
    size_t rows = 0, count = widest(result, &rows);
    if (result->oversubscribed || rows < ROWS_NEEDED)
        return;
    struct slow_rank *ranks = calloc(count, sizeof *ranks);
    double *scratch = calloc(count, sizeof *scratch);
    if (!ranks || !scratch) {
        mlb_result_note(result, MLB_HEALTH_NOTE, "slow_rank",
                        "%zu ranks were not compared: out of memory", count);
        goto done;
    }
    for (size_t i = 0; i < result->row_count; i++)
        if (usable(&result->rows[i]))
            count_slow(&result->rows[i], ranks, scratch);
    note_slow(result, ranks, count, rows);
done:
    free(scratch);
    free(ranks);
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
    judge_ranks(result);
    judge_library(result);
}
