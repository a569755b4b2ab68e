/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/result.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const mlb_row_status_names[] = {"measured", "skipped", "untrusted", "failed", NULL};
const char *const mlb_stop_names[] = {"precision", "time_limit", "sample_limit", "budget", NULL};
const char *const mlb_across_names[] = {"max", "harmonic_mean", NULL};

void mlb_row_free(struct mlb_row *row)
{
    if (!row)
        return;
    free(row->time_ns);
    free(row->rank_median_ns);
    free(row->sustain.block_ns);
    free(row->ports);
    row->ports = NULL;
    row->port_count = 0;
    row->sustain.block_ns = NULL;
    row->sustain.block_count = 0;
    row->time_ns = NULL;
    row->rank_median_ns = NULL;
    row->sample_count = 0;
    row->rank_count = 0;
}

static struct mlb_maybe percentile(const struct mlb_row *row, double p)
{
    double ns = mlb_percentile(row->time_ns, row->sample_count, p);
    return isfinite(ns) ? (struct mlb_maybe){true, ns} : (struct mlb_maybe){0};
}

void mlb_row_summarise(struct mlb_row *row)
{
    mlb_summarise(row->time_ns, row->sample_count, 0.95, &row->summary);
    if (row->across != MLB_ACROSS_MAX || row->steps_per_sample != 1)
        return;
    row->p95_ns = percentile(row, 0.95);
    row->p99_ns = percentile(row, 0.99);
}

void mlb_result_free(struct mlb_result *result)
{
    if (!result)
        return;
    for (size_t i = 0; i < result->row_count; i++)
        mlb_row_free(&result->rows[i]);
    free(result->rows);
    cJSON_Delete(result->topology);
    cJSON_Delete(result->fabric);
    free(result->places);
    mlb_links_free(result->links);
    memset(result, 0, sizeof *result);
}

/* A row that was read points into itself; after it has moved, the pointers have to move too. */
static void repoint(struct mlb_row *row)
{
    if (row->formula[0])
        row->work.formula = row->formula;
    if (row->verification_method[0])
        row->verification.method = row->verification_method;
}

static void move_row(struct mlb_row *to, struct mlb_row *from)
{
    memcpy(to, from, sizeof *to);
    repoint(to);
    memset(from, 0, sizeof *from);
}

static bool grow(struct mlb_result *result)
{
    size_t capacity = result->row_capacity ? 2 * result->row_capacity : 16;
    struct mlb_row *rows = realloc(result->rows, capacity * sizeof *rows);
    if (!rows)
        return false;
    for (size_t i = 0; i < result->row_count; i++)
        repoint(&rows[i]);
    result->rows = rows;
    result->row_capacity = capacity;
    return true;
}

enum mlb_status mlb_result_add(struct mlb_result *result, struct mlb_row *row,
                               struct mlb_error *err)
{
    if (result->row_count == result->row_capacity && !grow(result))
        return mlb_fail(err, MLB_E_NOMEM, "out of memory for row %zu of the record",
                        result->row_count + 1);
    move_row(&result->rows[result->row_count++], row);
    return MLB_OK;
}

enum mlb_status mlb_result_put(struct mlb_result *result, struct mlb_row *row,
                               struct mlb_error *err)
{
    for (size_t i = 0; i < result->row_count; i++) {
        struct mlb_row *place = &result->rows[i];
        if (strcmp(place->id, row->id) != 0)
            continue;
        mlb_row_free(place);
        move_row(place, row);
        return MLB_OK;
    }
    return mlb_result_add(result, row, err);
}

const struct mlb_row *mlb_result_find(const struct mlb_result *result, const char *id)
{
    for (size_t i = 0; i < result->row_count; i++)
        if (strcmp(result->rows[i].id, id) == 0)
            return &result->rows[i];
    return NULL;
}

const char *mlb_row_param(const struct mlb_row *row, const char *name)
{
    for (size_t i = 0; i < row->param_count; i++)
        if (strcmp(row->params[i].name, name) == 0)
            return row->params[i].value;
    return "";
}

bool mlb_row_same_but(const struct mlb_row *a, const struct mlb_row *b, const char *but)
{
    if (strcmp(a->workload, b->workload) != 0 || strcmp(a->device, b->device) != 0 ||
        strcmp(a->variant, b->variant) != 0 || a->param_count != b->param_count)
        return false;
    for (size_t i = 0; i < a->param_count; i++)
        if (strcmp(a->params[i].name, b->params[i].name) != 0 ||
            (strcmp(a->params[i].name, but) != 0 &&
             strcmp(a->params[i].value, b->params[i].value) != 0))
            return false;
    return true;
}

/* Room for one more note. When the list is full, the last one that weighs less gives way: what
 * makes the exit code 4 must not get lost behind remarks. */
static struct mlb_health *health_place(struct mlb_result *result, enum mlb_health_level level)
{
    if (result->health_count < MLB_HEALTH_MAX)
        return &result->health[result->health_count++];
    for (size_t i = MLB_HEALTH_MAX; i-- > 0;)
        if (result->health[i].level < level)
            return &result->health[i];
    return NULL;
}

void mlb_result_note(struct mlb_result *result, enum mlb_health_level level, const char *code,
                     const char *format, ...)
{
    struct mlb_health note = {.level = level};
    snprintf(note.code, sizeof note.code, "%s", code);
    va_list args;
    va_start(args, format);
    vsnprintf(note.text, sizeof note.text, format, args);
    va_end(args);

    for (size_t i = 0; i < result->health_count; i++) {
        const struct mlb_health *other = &result->health[i];
        if (other->level == level && strcmp(other->code, note.code) == 0 &&
            strcmp(other->text, note.text) == 0)
            return; /* every rank or case may find the same */
    }
    struct mlb_health *place = health_place(result, level);
    if (place)
        *place = note;
}

void mlb_result_fact(struct mlb_result *result, const char *name, const char *format, ...)
{
    struct mlb_fact *fact = NULL;
    for (size_t i = 0; i < result->fact_count && !fact; i++)
        if (strcmp(result->facts[i].name, name) == 0)
            fact = &result->facts[i];
    if (!fact && result->fact_count < MLB_FACTS_MAX)
        fact = &result->facts[result->fact_count++];
    if (!fact)
        return;
    snprintf(fact->name, sizeof fact->name, "%s", name);
    va_list args;
    va_start(args, format);
    vsnprintf(fact->value, sizeof fact->value, format, args);
    va_end(args);
}

/* Work of one step on one rank that counts for `kind`; 0 = does not apply. busbw = algbw x factor
 * (nccl-tests, doc/PERFORMANCE.md). */
double mlb_work_amount(const struct mlb_work *work, enum mlb_rate_kind kind)
{
    switch (kind) {
    case MLB_RATE_FLOP:
        return work->flop;
    case MLB_RATE_BYTES:
        return work->bytes;
    case MLB_RATE_BUS:
        return work->bytes * work->bus_factor;
    case MLB_RATE_KINDS:
        break;
    }
    return 0.0;
}

enum mlb_rate_kind mlb_work_rate_kind(const struct mlb_work *work)
{
    return work->flop > 0.0 ? MLB_RATE_FLOP : MLB_RATE_BYTES;
}

enum mlb_rate_kind mlb_row_rate_kind(const struct mlb_row *row)
{
    return mlb_work_rate_kind(&row->work);
}

bool mlb_row_verified(const struct mlb_row *row)
{
    return row->verified && mlb_verification_passed(&row->verification);
}

const char *mlb_work_unit(const struct mlb_work *work, enum mlb_rate_kind kind)
{
    return kind != MLB_RATE_FLOP ? "B/s" : work->operations ? "OP/s" : "FLOP/s";
}

struct mlb_rate mlb_work_rate(const struct mlb_work *work, const struct mlb_summary *time,
                              enum mlb_rate_kind kind)
{
    struct mlb_rate rate = {.unit = mlb_work_unit(work, kind)};
    double done = mlb_work_amount(work, kind);
    if (time->n == 0 || !(time->median > 0.0) || !(done > 0.0))
        return rate;

    rate.value = rate.low = rate.high = done / time->median * 1e9;
    if (time->interval.known && time->interval.low > 0.0) {
        rate.low = done / time->interval.high * 1e9;
        rate.high = done / time->interval.low * 1e9;
    }
    rate.known = isfinite(rate.value) && isfinite(rate.low) && isfinite(rate.high);
    return rate;
}

struct mlb_rate mlb_phase_rate(const struct mlb_row *row, const struct mlb_summary *time,
                               enum mlb_rate_kind kind)
{
    bool timed = row->status == MLB_ROW_MEASURED || row->status == MLB_ROW_UNTRUSTED;
    if (!timed)
        return (struct mlb_rate){.unit = mlb_work_unit(&row->work, kind)};
    return mlb_work_rate(&row->work, time, kind);
}

struct mlb_rate mlb_row_rate(const struct mlb_row *row, enum mlb_rate_kind kind)
{
    return mlb_phase_rate(row, &row->summary, kind);
}

struct mlb_energy mlb_work_energy(const struct mlb_work *work, const struct mlb_summary *time,
                                  const struct mlb_telemetry_window *window)
{
    struct mlb_energy energy = {.per =
                                    work->flop > 0.0 ? work->operations ? "op" : "flop" : "byte"};
    double units = work->flop > 0.0 ? work->flop : work->bytes, step_j = 0.0;
    bool own = work->bus_factor == 0.0 && !work->link; /* not of a link and its other end */
    if (!own || window->steps == 0 || !(units > 0.0))
        return energy;
    energy.estimated = !window->energy_j.known;
    if (window->energy_j.known)
        step_j = window->energy_j.value / (double)window->steps;
    else if (window->power_mean_w.known && time->n > 0)
        step_j = window->power_mean_w.value * time->median * 1e-9;
    energy.j = step_j / units;
    energy.known = isfinite(energy.j) && energy.j > 0.0;
    return energy;
}

/* For white noise of n samples the slope x n of Theil and Sen has about the standard deviation
 * sqrt(12/n), and the half width of the median's interval is 1.96 x 1.25 / sqrt(n): 1.4 to 1. Three
 * half widths are 2.1 standard deviations. */
bool mlb_summary_drifts(const struct mlb_summary *time)
{
    const double limit = 0.01;
    return time->interval.known && fabs(time->drift) > limit &&
           fabs(time->drift) > 3.0 * mlb_relative_half_width(time);
}
