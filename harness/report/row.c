/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/row.h"

#include <math.h>
#include <string.h>

#include "harness/analysis/bound.h"
#include "harness/analysis/shares.h"
#include "harness/base/units.h"
#include "harness/report/network.h"

struct mlb_rate mlb_report_rate(const struct mlb_row *row, enum mlb_rate_kind kind)
{
    struct mlb_rate rate = mlb_row_rate(row, kind);
    rate.known = rate.known && mlb_row_verified(row);
    return rate;
}

static struct mlb_rate first_rate(const struct mlb_row *row)
{
    return mlb_report_rate(row, mlb_row_rate_kind(row));
}

/* ---------------------------------------------------------------------------------------- device
 */

void mlb_report_clock(const struct mlb_row *row, const struct mlb_telemetry_window *window,
                      char *to, size_t size)
{
    to[0] = '\0';
    double hz = mlb_bound_clock(window);
    if (row->has_telemetry && hz > 0.0 && strcmp(row->device, "cpu") != 0)
        mlb_format(to, size, "%.0f MHz", hz * 1e-6);
}

/* Three digits, and no power of ten where figures of real devices are. */
static void print_digits(double value, char *to, size_t size)
{
    if (!(value >= 1e-3 && value < 1e6)) {
        mlb_format(to, size, "%.3g", value);
        return;
    }
    int decimals = 2 - (int)floor(log10(value));
    mlb_format(to, size, "%.*f", decimals < 0 ? 0 : decimals, value);
}

void mlb_report_energy(const struct mlb_report *report, const struct mlb_row *row,
                       const struct mlb_summary *time, const struct mlb_telemetry_window *window,
                       char *to, size_t size)
{
    struct mlb_energy energy = mlb_work_energy(&row->work, time, window);
    char digits[32];
    to[0] = '\0';
    if (!energy.known || !first_rate(row).known || report->result->oversubscribed)
        return;
    print_digits(energy.j * (strcmp(energy.per, "byte") == 0 ? 1e9 : 1e12), digits, sizeof digits);
    mlb_format(to, size, "%s%s", energy.estimated ? "~" : "", digits);
}

/* ------------------------------------------------------------------------------------------ time
 */

struct time_unit {
    double ns;
    const char *name;
};

static const struct time_unit *time_unit_of(double ns)
{
    static const struct time_unit units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1.0, "ns"}};
    size_t i = 0;
    while (i < 3 && ns < units[i].ns)
        i++;
    return &units[i];
}

/* Digits behind the point: as many as it takes to tell the ends of the interval apart, at least two
 * and at most five digits in the whole number. Ends that are the same were told apart by no more
 * than the clock, a `tick`. */
static int decimals_for(double value, double width, double tick)
{
    int decade = (int)floor(log10(value));
    int least = decade > 0 ? 0 : 1 - decade, most = decade > 3 ? 0 : 4 - decade;
    int wanted = (int)ceil(-log10(width > 0.0 ? width : tick));
    return wanted < least ? least : wanted > most ? most : wanted;
}

static void print_time(const struct mlb_row *row, char *to, size_t size)
{
    const struct mlb_summary *time = &row->summary;
    char text[MLB_UNIT_TEXT];
    if (time->n == 0)
        return;
    if (!time->interval.known || !(time->median > 0.0)) {
        mlb_format(to, size, "%s", mlb_print_seconds(text, time->median * 1e-9));
        return;
    }
    const struct time_unit *unit = time_unit_of(time->median);
    double low = time->interval.low / unit->ns, high = time->interval.high / unit->ns;
    int decimals = decimals_for(time->median / unit->ns, high - low, 1.0 / unit->ns);
    mlb_format(to, size, "%.*f %s [%.*f, %.*f]", decimals, time->median / unit->ns, unit->name,
               decimals, low, decimals, high);
}

/* Of a collective a message this short waits, a longer one flows. */
static const double SHORT_BYTES = 65536.0;

bool mlb_report_is_short(const struct mlb_row *row)
{
    return row->work.bus_factor > 0.0 && row->work.bytes <= SHORT_BYTES;
}

static void print_p99(const struct mlb_row *row, char *to, size_t size)
{
    char text[MLB_UNIT_TEXT];
    if (row->p99_ns.known && mlb_report_is_short(row))
        mlb_format(to, size, "%s", mlb_print_seconds(text, row->p99_ns.value * 1e-9));
}

/* ----------------------------------------------------------------------------------------- cells
 */

static void print_rate(struct mlb_rate rate, char *to, size_t size)
{
    char text[MLB_UNIT_TEXT];
    if (rate.known)
        mlb_format(to, size, "%s", mlb_print_rate(text, rate.value, rate.unit));
}

static const char *verdict_of(const struct mlb_row *row)
{
    switch (row->status) {
    case MLB_ROW_MEASURED:
        return row->verified && mlb_verification_passed(&row->verification) ? "verified"
                                                                            : "NOT VERIFIED";
    case MLB_ROW_SKIPPED:
        return "skipped";
    case MLB_ROW_UNTRUSTED:
        return "UNTRUSTED";
    case MLB_ROW_FAILED:
        break;
    }
    return "FAILED";
}

void mlb_report_cells(const struct mlb_report *report, const struct mlb_row *row,
                      struct mlb_cells *cells)
{
    memset(cells, 0, sizeof *cells);
    const size_t size = sizeof cells->text[0];
    char text[MLB_UNIT_TEXT];
    mlb_format(cells->text[MLB_CELL_LABEL], size, "%s", row->label);
    mlb_format(cells->text[MLB_CELL_DEVICE], size, "%s", row->device);
    mlb_format(cells->text[MLB_CELL_VARIANT], size, "%s", row->variant);
    mlb_format(cells->text[MLB_CELL_VERDICT], size, "%s", verdict_of(row));
    if (row->status == MLB_ROW_SKIPPED || row->status == MLB_ROW_FAILED)
        return;
    if (row->summary.n)
        mlb_format(cells->text[MLB_CELL_SAMPLES], size, "%zu", row->summary.n);
    print_time(row, cells->text[MLB_CELL_TIME], size);
    print_p99(row, cells->text[MLB_CELL_P99], size);
    print_rate(first_rate(row), cells->text[MLB_CELL_RATE], size);
    print_rate(mlb_report_rate(row, MLB_RATE_BUS), cells->text[MLB_CELL_BUS], size);
    double share = mlb_share_of_datasheet(report->result, report->peaks, row);
    if (share > 0.0)
        mlb_format(cells->text[MLB_CELL_SHARE], size, "%s", mlb_print_percent(text, share));
    share = mlb_share_of_bound(report->result, row, &row->summary, &row->telemetry);
    if (share > 0.0 && !mlb_report_is_short(row))
        mlb_format(cells->text[MLB_CELL_BOUND], size, "%s", mlb_print_percent(text, share));
    share = mlb_share_of_copy(report->result, row);
    if (share > 0.0)
        mlb_format(cells->text[MLB_CELL_COPY], size, "%s", mlb_print_percent(text, share));
    mlb_report_wire_cells(report, row, cells);
    mlb_report_clock(row, &row->telemetry, cells->text[MLB_CELL_CLOCK], size);
    mlb_report_energy(report, row, &row->summary, &row->telemetry, cells->text[MLB_CELL_ENERGY],
                      size);
}

const char *mlb_report_cell_title(enum mlb_cell cell, const struct mlb_row *first)
{
    static const char *const titles[MLB_CELLS] = {
        [MLB_CELL_LABEL] = "case",      [MLB_CELL_DEVICE] = "device",
        [MLB_CELL_VARIANT] = "variant", [MLB_CELL_ALGORITHM] = "algorithm",
        [MLB_CELL_SAMPLES] = "n",       [MLB_CELL_TIME] = "time [95 % interval]",
        [MLB_CELL_P99] = "p99",         [MLB_CELL_RATE] = "rate",
        [MLB_CELL_BUS] = "busbw",       [MLB_CELL_WIRE] = "wire",
        [MLB_CELL_LINE] = "of links",   [MLB_CELL_SHARE] = "of peak",
        [MLB_CELL_BOUND] = "of bus",    [MLB_CELL_BEST] = "of best",
        [MLB_CELL_COPY] = "of copy",    [MLB_CELL_CLOCK] = "clock",
        [MLB_CELL_ENERGY] = "J/GB",     [MLB_CELL_VERDICT] = "result"};
    bool computes = first->work.flop > 0.0;
    bool collective = first->work.bus_factor > 0.0;
    if (cell == MLB_CELL_RATE && collective)
        return "algbw";
    if (cell == MLB_CELL_RATE && first->work.ranks > 1)
        return "rate of all"; /* ranks make one checkpoint together */
    if (cell == MLB_CELL_BOUND && collective)
        return "of bound";
    if (cell == MLB_CELL_BOUND && computes)
        return "at clock";
    if (cell == MLB_CELL_ENERGY && computes)
        return first->work.operations ? "J/TOP" : "J/TFLOP";
    return titles[cell];
}

bool mlb_report_cell_is_number(enum mlb_cell cell)
{
    return cell != MLB_CELL_LABEL && cell != MLB_CELL_DEVICE && cell != MLB_CELL_VARIANT &&
           cell != MLB_CELL_ALGORITHM && cell != MLB_CELL_TIME && cell != MLB_CELL_VERDICT;
}

/* ------------------------------------------------------------------------------------------ line
 */

static void add_part(struct mlb_text *to, const char *before, const char *part, const char *after)
{
    if (part[0])
        mlb_text_addf(to, "  %s%s%s", before, part, after);
}

void mlb_report_row_line(const struct mlb_report *report, const struct mlb_row *row,
                         struct mlb_text *to)
{
    struct mlb_cells cells;
    mlb_report_cells(report, row, &cells);
    bool collective = cells.text[MLB_CELL_BUS][0] != '\0';
    char bound[16], energy[16];
    mlb_format(bound, sizeof bound, " %s", mlb_report_cell_title(MLB_CELL_BOUND, row));
    mlb_format(energy, sizeof energy, " %s", mlb_report_cell_title(MLB_CELL_ENERGY, row));
    mlb_text_addf(to, "%s %s", row->workload, row->label);
    add_part(to, "", cells.text[MLB_CELL_DEVICE], "");
    add_part(to, "", cells.text[MLB_CELL_VARIANT], "");
    add_part(to, "", cells.text[MLB_CELL_ALGORITHM], "");
    add_part(to, "n=", cells.text[MLB_CELL_SAMPLES], "");
    add_part(to, "", cells.text[MLB_CELL_TIME], "");
    add_part(to, "p99 ", cells.text[MLB_CELL_P99], "");
    add_part(to, collective ? "algbw " : "", cells.text[MLB_CELL_RATE], "");
    add_part(to, "busbw ", cells.text[MLB_CELL_BUS], "");
    if (collective)
        mlb_report_wire_line(report->result, row, &cells, to);
    add_part(to, "", cells.text[MLB_CELL_SHARE], " of peak");
    if (!collective)
        add_part(to, "", cells.text[MLB_CELL_BOUND], bound);
    add_part(to, "", cells.text[MLB_CELL_CLOCK], "");
    add_part(to, "", cells.text[MLB_CELL_ENERGY], energy);
    add_part(to, "", cells.text[MLB_CELL_VERDICT], "");
    if (row->reason[0])
        mlb_text_addf(to, ": %s", row->reason);
}

/* ---------------------------------------------------------------------------------------- groups
 */

bool mlb_report_is_first(const struct mlb_result *result, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(result->rows[i].workload, result->rows[index].workload) == 0)
            return false;
    return true;
}

bool mlb_report_is_first_skip(const struct mlb_result *result, size_t index)
{
    const struct mlb_row *row = &result->rows[index];
    if (row->status != MLB_ROW_SKIPPED)
        return false;
    for (size_t i = 0; i < index; i++)
        if (result->rows[i].status == MLB_ROW_SKIPPED &&
            strcmp(result->rows[i].reason, row->reason) == 0)
            return false;
    return true;
}

size_t mlb_report_count(const struct mlb_result *result, enum mlb_row_status status,
                        const char *workload, const char *reason)
{
    size_t count = 0;
    for (size_t i = 0; i < result->row_count; i++) {
        const struct mlb_row *row = &result->rows[i];
        if (row->status == status && (!workload || strcmp(row->workload, workload) == 0) &&
            (!reason || strcmp(row->reason, reason) == 0))
            count++;
    }
    return count;
}
