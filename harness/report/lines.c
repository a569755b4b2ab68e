/* SPDX-License-Identifier: Apache-2.0 */
/* The lines about the whole record that text and Markdown share. */
#include <stdio.h>
#include <string.h>

#include "harness/analysis/cost.h"
#include "harness/analysis/shares.h"
#include "harness/base/units.h"
#include "harness/report/row.h"

static bool is_cpu(const struct mlb_device_info *device)
{
    return strcmp(device->kind, "cpu") == 0;
}

/* Appends ", what" (or " (what" the first time). */
static void add_detail(char *to, size_t size, bool *any, const char *what)
{
    size_t length = strlen(to);
    mlb_format(to + length, size - length, "%s%s", *any ? ", " : " (", what);
    *any = true;
}

bool mlb_report_device_text(const struct mlb_result *result, char *to, size_t size)
{
    const struct mlb_device_info *device = &result->device;
    char part[80], unit[MLB_UNIT_TEXT];
    bool any = false;
    if (!device->name[0])
        return false;
    if (!is_cpu(device) && result->device_count > 1)
        mlb_format(to, size, "%d x %s", result->device_count, device->name);
    else
        mlb_format(to, size, "%s", device->name);
    if (device->units) {
        mlb_format(part, sizeof part, is_cpu(device) ? "%u core%s a rank" : "%u SM%s",
                   device->units, device->units == 1 ? "" : "s");
        add_detail(to, size, &any, part);
    }
    if (device->last_cache_bytes) {
        mlb_format(part, sizeof part, "%s of %s", mlb_print_bytes(unit, device->last_cache_bytes),
                   is_cpu(device) ? "L3" : "L2");
        add_detail(to, size, &any, part);
    }
    if (device->memory_bytes) {
        mlb_format(part, sizeof part, "%s of memory", mlb_print_bytes(unit, device->memory_bytes));
        add_detail(to, size, &any, part);
    }
    size_t length = strlen(to);
    mlb_format(to + length, size - length, "%s", any ? ")" : "");
    return true;
}

bool mlb_report_job_text(const struct mlb_result *result, char *to, size_t size)
{
    const char *together = result->ranks == 1 ? ""
                           : result->solo     ? ", one after the other"
                                              : ", measuring together; 'rate' is one rank's";
    bool unequal = false;
    for (size_t i = 0; i < result->health_count; i++)
        unequal = unequal || strcmp(result->health[i].code, "unequal") == 0;
    mlb_format(to, size, "%d rank%s on %d machine%s%s%s%s", result->ranks,
               result->ranks == 1 ? "" : "s", result->nodes, result->nodes == 1 ? "" : "s",
               together, result->oversubscribed ? "; OVERSUBSCRIBED: ranks may share a device" : "",
               unequal ? "; UNEQUAL ranks: see health" : "");
    return result->ranks > 0;
}

/* The target of the first row that was timed: a suite has one, but for cases that set their own. */
bool mlb_report_precision_text(const struct mlb_result *result, char *to, size_t size)
{
    const struct mlb_row *first = NULL;
    size_t timed = 0, reached = 0;
    for (size_t i = 0; i < result->row_count; i++) {
        const struct mlb_row *row = &result->rows[i];
        bool counts = row->status == MLB_ROW_MEASURED && row->summary.n > 0;
        timed += counts;
        reached += counts && mlb_relative_half_width(&row->summary) <= row->target;
        if (counts && !first)
            first = row;
    }
    if (!first)
        return false;
    char target[MLB_UNIT_TEXT];
    mlb_format(to, size,
               "95 %% interval of the median within %s to either side: reached by %zu of %zu rows",
               mlb_print_percent(target, first->target), reached, timed);
    return true;
}

/* What the two percentages are of. */
bool mlb_report_peak_text(const struct mlb_report *report, char *to, size_t size)
{
    const struct mlb_result *result = report->result;
    const char *source = NULL, *clock = "", *bus = "";
    for (size_t i = 0; i < result->row_count; i++) {
        const struct mlb_row *row = &result->rows[i];
        if (!source && mlb_share_of_datasheet(result, report->peaks, row) > 0.0)
            source = mlb_peak_of_row(report->peaks, &result->device, row).source;
        if (row->work.bus_factor > 0.0 ||
            !(mlb_share_of_bound(result, row, &row->summary, &row->telemetry) > 0.0))
            continue;
        if (row->work.flop > 0.0)
            clock = "; at clock: of SMs x operations a clock x the clock that was measured";
        else
            bus = "; of bus: of 2 x memory clock x bus width";
    }
    mlb_format(to, size, "%s: %s%s%s", result->device.name, source ? source : "no datasheet's peak",
               clock, bus);
    return source || clock[0] || bus[0];
}

/* ------------------------------------------------------------------------------------------ rows
 */

/* Names of the workloads that were skipped for the reason of row `index`, each once. */
static void list_workloads(const struct mlb_result *result, size_t index, char *to, size_t size)
{
    to[0] = '\0';
    for (size_t i = index; i < result->row_count; i++) {
        const struct mlb_row *row = &result->rows[i];
        bool same =
            row->status == MLB_ROW_SKIPPED && strcmp(row->reason, result->rows[index].reason) == 0;
        bool named = false;
        for (size_t j = index; j < i && same && !named; j++)
            named = result->rows[j].status == MLB_ROW_SKIPPED &&
                    strcmp(result->rows[j].reason, row->reason) == 0 &&
                    strcmp(result->rows[j].workload, row->workload) == 0;
        size_t length = strlen(to);
        if (same && !named)
            mlb_format(to + length, size - length, "%s%s", length ? ", " : "", row->workload);
    }
}

void mlb_report_skip_text(const struct mlb_result *result, size_t index, char *to, size_t size)
{
    const char *reason = result->rows[index].reason;
    size_t count = mlb_report_count(result, MLB_ROW_SKIPPED, NULL, reason);
    char names[160];
    list_workloads(result, index, names, sizeof names);
    mlb_format(to, size, "%zu row%s (%s): %s", count, count == 1 ? "" : "s", names, reason);
}

/* Same kind of work: prices of these are comparable, so the lowest one speaks for all. */
static bool same_work(const struct mlb_row *a, const struct mlb_row *b)
{
    return strcmp(a->workload, b->workload) == 0 && strcmp(a->device, b->device) == 0 &&
           strcmp(mlb_row_param(a, "dtype"), mlb_row_param(b, "dtype")) == 0;
}

static bool is_cheapest(const struct mlb_result *result, size_t index, struct mlb_cost cost)
{
    for (size_t i = 0; i < result->row_count; i++) {
        struct mlb_cost other = mlb_cost_of_row(result, &result->rows[i]);
        if (i == index || !other.known || !same_work(&result->rows[i], &result->rows[index]))
            continue;
        if (other.dollars < cost.dollars || (other.dollars == cost.dollars && i < index))
            return false;
    }
    return true;
}

bool mlb_report_cost_text(const struct mlb_result *result, size_t index, char *to, size_t size)
{
    const struct mlb_row *row = &result->rows[index];
    struct mlb_cost cost = mlb_cost_of_row(result, row);
    if (!cost.known || !is_cheapest(result, index, cost))
        return false;
    char middle[MLB_UNIT_TEXT], low[MLB_UNIT_TEXT], high[MLB_UNIT_TEXT];
    mlb_print_dollars(middle, cost.dollars);
    mlb_print_dollars(low, cost.low);
    mlb_print_dollars(high, cost.high);
    bool wide = strcmp(low, high) != 0; /* the digits shown tell the ends apart */
    mlb_format(to, size, "%s%s%s%s%s%s per %s (%s %s)", middle, wide ? " [" : "", wide ? low : "",
               wide ? ", " : "", wide ? high : "", wide ? "]" : "", cost.per, row->workload,
               row->label);
    return true;
}

bool mlb_report_spent_text(const struct mlb_result *result, char *to, size_t size)
{
    char took[MLB_UNIT_TEXT], spent[MLB_UNIT_TEXT], hour[MLB_UNIT_TEXT];
    mlb_print_seconds(took, result->wall_s);
    if (!(result->price_per_hour > 0.0)) {
        mlb_format(to, size, "not known: the run took %s; --price-per-hour makes it dollars", took);
        return true;
    }
    mlb_print_dollars(spent, mlb_cost_of_time(result, result->wall_s));
    mlb_print_dollars(hour, result->price_per_hour);
    mlb_format(to, size, "%s for this run of %s, at %s per hour%s%s%s", spent, took, hour,
               result->price_source[0] ? " (" : "", result->price_source,
               result->price_source[0] ? ")" : "");
    return true;
}

/* No evidence is not a pass. */
const char *mlb_report_no_notes_text(const struct mlb_result *result)
{
    return result->links || mlb_report_count(result, MLB_ROW_MEASURED, NULL, NULL)
               ? "nothing found against this machine"
               : "not known: no row was measured";
}

const char *mlb_report_health_level(enum mlb_health_level level)
{
    return level == MLB_HEALTH_SICK ? "SICK" : level == MLB_HEALTH_WARN ? "warn" : "note";
}
