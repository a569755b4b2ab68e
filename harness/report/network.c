/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/network.h"

#include <string.h>

#include "harness/analysis/nic_spread.h"
#include "harness/analysis/nics.h"
#include "harness/analysis/shares.h"
#include "harness/analysis/wire_row.h"
#include "harness/base/units.h"

static const char *name_of(enum mlb_wire_line line)
{
    return line == MLB_WIRE_NICS ? "NICs" : "NVLink";
}

/* "261 GB/s", "258..489 GB/s", "0.97..1.2 GB/s": the unit once where both have the same. */
static void print_range(double low, double high, char *to, size_t size)
{
    char first[MLB_UNIT_TEXT], last[MLB_UNIT_TEXT];
    mlb_print_rate(first, low, "B/s");
    mlb_print_rate(last, high, "B/s");
    const char *unit = strchr(last, ' ');
    size_t digits = strcspn(first, " ");
    bool same_unit = unit && strcmp(first + digits, unit) == 0;
    if (strcmp(first, last) == 0)
        mlb_format(to, size, "%s", last);
    else
        mlb_format(to, size, "%.*s..%s", same_unit ? (int)digits : (int)strlen(first), first, last);
}

/* "65 %", "65..122 %" */
static void print_shares(double low, double high, char *to, size_t size)
{
    char first[MLB_UNIT_TEXT], last[MLB_UNIT_TEXT];
    mlb_print_percent(first, low);
    mlb_print_percent(last, high);
    if (strcmp(first, last) == 0)
        mlb_format(to, size, "%s", last);
    else
        mlb_format(to, size, "%.*s..%s", (int)strcspn(first, " "), first, last);
}

/* ------------------------------------------------------------------------------------------ cells
 */

static void print_share(double share, char *to, size_t size)
{
    char text[MLB_UNIT_TEXT];
    if (share > 0.0)
        mlb_format(to, size, "%s", mlb_print_percent(text, share));
}

void mlb_report_wire_cells(const struct mlb_report *report, const struct mlb_row *row,
                           struct mlb_cells *cells)
{
    const size_t size = sizeof cells->text[0];
    if (!(row->work.bus_factor > 0.0))
        return;
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    struct mlb_wire wire = mlb_wire_of_row(report->result, row);
    mlb_wire_algorithm_name(group.algorithm, cells->text[MLB_CELL_ALGORITHM], size);
    if (wire.known)
        print_range(wire.low, wire.high, cells->text[MLB_CELL_WIRE], size);
    if (wire.known && wire.line_bytes_per_s > 0.0 && !mlb_report_is_short(row)) {
        char shares[64];
        print_shares(wire.low / wire.line_bytes_per_s, wire.high / wire.line_bytes_per_s, shares,
                     sizeof shares);
        mlb_format(cells->text[MLB_CELL_LINE], size, "%s %s", shares, name_of(wire.line));
    }
    print_share(mlb_share_of_published(report->result, report->expectations, row),
                cells->text[MLB_CELL_BEST], size);
}

void mlb_report_wire_line(const struct mlb_result *result, const struct mlb_row *row,
                          const struct mlb_cells *cells, struct mlb_text *to)
{
    struct mlb_wire wire = mlb_wire_of_row(result, row);
    const char *bound = cells->text[MLB_CELL_BOUND], *best = cells->text[MLB_CELL_BEST];
    char line[MLB_UNIT_TEXT];
    if (cells->text[MLB_CELL_WIRE][0])
        mlb_text_addf(to, ", wire %s", cells->text[MLB_CELL_WIRE]);
    if (cells->text[MLB_CELL_LINE][0]) {
        int share = (int)(strrchr(cells->text[MLB_CELL_LINE], ' ') - cells->text[MLB_CELL_LINE]);
        mlb_text_addf(to, " = %.*s of %s %s", share, cells->text[MLB_CELL_LINE],
                      mlb_print_rate(line, wire.line_bytes_per_s, "B/s"), name_of(wire.line));
    }
    if (bound[0])
        mlb_text_addf(to, "  %s of bound", bound);
    if (best[0])
        mlb_text_addf(to, "%s%s of best published", bound[0] ? ", " : "  ", best);
}

/* ------------------------------------------------------------------------------------------ notes
 */

static void add_difference(const struct mlb_result *result, const struct mlb_row *row,
                           enum mlb_wire_witness witness, struct mlb_text *to)
{
    static const char *const who[] = {"the machine's ports counted",
                                      "the library counted a machine"};
    static const char *const says[MLB_WIRE_WITNESSES][MLB_WIRE_MORE + 1] = {
        {[MLB_WIRE_SLOW_PORTS] = ", most of it over slower ports than the fast ones",
         [MLB_WIRE_ELSEWHERE] = ": the rest went another way, or one that no counter sees",
         [MLB_WIRE_MORE] = ": others sent too, or the collective more than it needs"},
        {[MLB_WIRE_ELSEWHERE] = ": its algorithm sends less than that",
         [MLB_WIRE_MORE] = ": its algorithm sends more than that"}};
    struct mlb_wire_check check = mlb_wire_check_row(result, row, witness);
    char counted[MLB_UNIT_TEXT], expected[MLB_UNIT_TEXT];
    const char *means = says[witness][check.verdict];
    if (!means)
        return;
    double most = check.verdict == MLB_WIRE_MORE ? check.expected_high : check.expected_low;
    mlb_print_bytes(counted, (uint64_t)check.counted);
    mlb_print_bytes(expected, (uint64_t)most);
    mlb_text_addf(to, "%s%s %s a step where the formula says %s%s", to->length ? "; " : "",
                  who[witness], counted, expected, means);
}

static void add_spread(const struct mlb_result *result, const struct mlb_row *row,
                       struct mlb_text *to)
{
    struct mlb_nic_spread spread = mlb_nic_spread_of_row(result, row);
    char share[MLB_UNIT_TEXT];
    if (spread.idle)
        mlb_text_addf(to,
                      "%s%zu of %zu NICs moved less than half of an even share, %s the least: "
                      "%s of one",
                      to->length ? "; " : "", spread.idle, spread.ports, spread.least,
                      mlb_print_percent(share, spread.least_share));
}

bool mlb_report_wire_note(const struct mlb_result *result, const struct mlb_row *row,
                          struct mlb_text *to)
{
    add_difference(result, row, MLB_WIRE_PORTS, to);
    add_difference(result, row, MLB_WIRE_LIBRARY, to);
    add_spread(result, row, to);
    return to->length > 0;
}

/* ------------------------------------------------------------------------------------------ lines
 */

/* The first row of a kind of link that something is a part of; NULL = none is. */
static const struct mlb_row *first_on(const struct mlb_result *result, enum mlb_wire_line line)
{
    for (size_t i = 0; i < result->row_count; i++) {
        struct mlb_wire wire = mlb_wire_of_row(result, &result->rows[i]);
        if (wire.known && wire.line == line && wire.line_bytes_per_s > 0.0)
            return &result->rows[i];
    }
    return NULL;
}

/* Some row's algorithm is not known. */
static bool has_unknown(const struct mlb_result *result)
{
    for (size_t i = 0; i < result->row_count; i++) {
        struct mlb_wire wire = mlb_wire_of_row(result, &result->rows[i]);
        if (wire.known && (wire.counted || wire.low < wire.high))
            return true;
    }
    return false;
}

/* Between agreeing and no evidence a reader has to know which. */
static size_t count_agreeing(const struct mlb_result *result, enum mlb_wire_witness witness)
{
    size_t count = 0;
    for (size_t i = 0; i < result->row_count; i++)
        count += mlb_wire_check_row(result, &result->rows[i], witness).verdict == MLB_WIRE_AGREES;
    return count;
}

bool mlb_report_links_text(const struct mlb_result *result, char *to, size_t size)
{
    const struct mlb_row *network = first_on(result, MLB_WIRE_NICS);
    bool nvlink = first_on(result, MLB_WIRE_NVLINK) != NULL;
    struct mlb_nics nics = network ? mlb_nics_of(result, network) : (struct mlb_nics){0};
    struct mlb_text text = {0};
    char rate[MLB_UNIT_TEXT];
    if (network)
        mlb_text_addf(&text, "NICs: %s out of a machine by %zu port%s",
                      mlb_print_rate(rate, nics.line_bytes_per_s, "B/s"), nics.ports,
                      nics.ports == 1 ? "" : "s");
    if (nvlink)
        mlb_text_addf(&text, "%sNVLink: %s out of a GPU", network ? "; " : "",
                      mlb_print_rate(rate, mlb_nvlink_bytes_per_s(&result->device), "B/s"));
    if ((network || nvlink) && has_unknown(result))
        mlb_text_add(&text,
                     "; where the library did not tell its algorithm, what the ports counted, "
                     "or else a range");
    if (network)
        mlb_text_addf(&text,
                      "; of the bytes by formula the ports' counters agree in %zu rows, the "
                      "library's in %zu",
                      count_agreeing(result, MLB_WIRE_PORTS),
                      count_agreeing(result, MLB_WIRE_LIBRARY));
    mlb_format(to, size, "%s", mlb_text_get(&text));
    mlb_text_free(&text);
    return network || nvlink;
}

/* Measured over predicted; 0 = NCCL said nothing, or it is no result. */
static double over_model(const struct mlb_result *result, const struct mlb_row *row)
{
    const struct mlb_detail *predicted = mlb_detail_find(&row->details, "nccl_predicted_ns");
    bool known = predicted && predicted->is_number && predicted->number > 0.0 &&
                 row->work.bus_factor > 0.0 && mlb_row_verified(row) && !result->oversubscribed;
    return known ? row->summary.median / predicted->number : 0.0;
}

bool mlb_report_model_text(const struct mlb_result *result, char *to, size_t size)
{
    const struct mlb_row *slowest = NULL;
    double least = 0.0, most = 0.0;
    size_t rows = 0;
    for (size_t i = 0; i < result->row_count; i++) {
        double ratio = over_model(result, &result->rows[i]);
        if (!(ratio > 0.0))
            continue;
        least = rows++ == 0 || ratio < least ? ratio : least;
        slowest = ratio > most ? &result->rows[i] : slowest;
        most = ratio > most ? ratio : most;
    }
    if (rows == 0)
        return false;
    mlb_format(
        to, size,
        "times are %.2f to %.2f of what NCCL's own model predicts (%zu row%s, most in %s %s)",
        least, most, rows, rows == 1 ? "" : "s", slowest->workload, slowest->label);
    return true;
}

#define SERIES_MOST 8 /* named one by one: what a record's machines have */

/* A series' texts live once in the table. */
static bool is_new(const char **named, size_t *count, const char *system)
{
    for (size_t i = 0; i < *count; i++)
        if (named[i] == system)
            return false;
    if (*count == SERIES_MOST)
        return false;
    named[(*count)++] = system;
    return true;
}

bool mlb_report_published_text(const struct mlb_report *report, char *to, size_t size)
{
    const char *named[SERIES_MOST];
    size_t count = 0;
    to[0] = '\0';
    for (size_t i = 0; i < report->result->row_count; i++) {
        struct mlb_expectation best =
            mlb_published_of_row(report->result, report->expectations, &report->result->rows[i]);
        size_t length = strlen(to);
        if (best.known && is_new(named, &count, best.system))
            mlb_format(to + length, size - length, "%s%s (%s%s%s)", length ? "; " : "", best.system,
                       best.source, best.algorithm[0] ? ", by " : "", best.algorithm);
    }
    return count > 0;
}
