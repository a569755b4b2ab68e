/* SPDX-License-Identifier: Apache-2.0 */
/* What the user sees at the end of a run, at most 110 columns wide. */
#include <string.h>

#include "harness/report/fits.h"
#include "harness/report/network.h"
#include "harness/report/pairs.h"
#include "harness/report/printers.h"
#include "harness/report/row.h"
#include "harness/report/survey.h"
#include "harness/report/wrap.h"

enum { WIDTH = 110, INDENT = 2, GAP = 2, HEADING = 11 };

/* Words stay whole, so that paths and ids can be copied. */
static void add_wrapped(struct mlb_text *to, size_t column, size_t indent, const char *text)
{
    mlb_wrap_add(to, column, text, (struct mlb_wrap){.width = WIDTH, .indent = indent});
}

/* "machine    text", further lines under the text. */
static void add_entry(struct mlb_text *to, const char *heading, const char *text)
{
    mlb_text_addf(to, "%-*s", HEADING, heading);
    add_wrapped(to, HEADING, HEADING, text);
}

/* ---------------------------------------------------------------------------------------- header
 */

static void add_header(struct mlb_text *to, const struct mlb_result *result)
{
    char text[512];
    mlb_text_addf(to, "%s %s%s%s%s   suite %s   %s\n", result->program, result->version,
                  result->git[0] ? " (" : "", result->git, result->git[0] ? ")" : "", result->suite,
                  result->started_utc);
    add_entry(to, "machine", result->host_kind);
    if (mlb_provider_text(&result->provider, text, sizeof text))
        add_entry(to, "provider", text);
    if (mlb_report_device_text(result, text, sizeof text))
        add_entry(to, "device", text);
    if (mlb_report_job_text(result, text, sizeof text))
        add_entry(to, "job", text);
    if (mlb_report_network_text(result, text, sizeof text))
        add_entry(to, "network", text);
    mlb_format(text, sizeof text, "%s, seed %llu", result->data, (unsigned long long)result->seed);
    add_entry(to, "data", text);
    if (mlb_report_precision_text(result, text, sizeof text))
        add_entry(to, "precision", text);
    if (!result->complete)
        add_entry(to, "INCOMPLETE", "the run ended before every case of the suite had its row");
}

/* ----------------------------------------------------------------------------------------- table
 */

struct table {
    const struct mlb_report *report;
    const char *workload;
    const struct mlb_row *first; /* of its rows */
    size_t width[MLB_CELLS];     /* 0 = the column is not shown */
    char same[MLB_CELLS][128];   /* what all rows have in a column; "" = they differ */
    const char *library;         /* the same */
};

static bool in_table(const struct table *table, const struct mlb_row *row)
{
    return row->status != MLB_ROW_SKIPPED && strcmp(row->workload, table->workload) == 0;
}

/* Widths of the columns, and what all rows of the table have in common. */
static void measure_table(struct table *table)
{
    const struct mlb_result *result = table->report->result;
    bool first = true;
    for (size_t i = 0; i < result->row_count; i++) {
        struct mlb_cells cells;
        if (!in_table(table, &result->rows[i]))
            continue;
        mlb_report_cells(table->report, &result->rows[i], &cells);
        table->first = first ? &result->rows[i] : table->first;
        for (int c = 0; c < MLB_CELLS; c++) {
            size_t columns = mlb_text_columns(cells.text[c]);
            table->width[c] = columns > table->width[c] ? columns : table->width[c];
            if (first)
                memcpy(table->same[c], cells.text[c], sizeof cells.text[c]);
            else if (strcmp(table->same[c], cells.text[c]) != 0)
                table->same[c][0] = '\0';
        }
        const char *library = result->rows[i].library;
        table->library = first || strcmp(table->library, library) == 0 ? library : "";
        first = false;
    }
    for (int c = 0; c < MLB_CELLS && table->first; c++) {
        size_t title = strlen(mlb_report_cell_title((enum mlb_cell)c, table->first));
        if (table->width[c] && table->width[c] < title)
            table->width[c] = title;
    }
}

static size_t table_width(const struct table *table)
{
    size_t width = INDENT - GAP;
    for (int c = 0; c < MLB_CELLS; c++)
        width += table->width[c] ? table->width[c] + GAP : 0;
    return width;
}

/* Too wide: what is the same in all rows moves to the heading, column by column; algbw, which is
 * busbw by a factor, goes. */
static void narrow_table(struct table *table)
{
    static const enum mlb_cell order[] = {MLB_CELL_VARIANT, MLB_CELL_DEVICE, MLB_CELL_VERDICT,
                                          MLB_CELL_ALGORITHM};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (table_width(table) > WIDTH && table->same[order[i]][0])
            table->width[order[i]] = 0;
    if (table_width(table) > WIDTH && table->width[MLB_CELL_BUS]) {
        table->width[MLB_CELL_RATE] = 0;
        table->same[MLB_CELL_RATE][0] = '\0';
    }
}

static void add_heading(struct mlb_text *to, const struct table *table)
{
    const char *before = "  ";
    mlb_text_addf(to, "\n%s", table->workload);
    for (int c = 0; c < MLB_CELLS; c++) {
        if (table->width[c] || !table->same[c][0])
            continue;
        mlb_text_addf(to, "%s%s", before, table->same[c]);
        before = ", ";
    }
    if (table->library[0])
        mlb_text_addf(to, "%s%s", before, table->library);
    mlb_text_add(to, "\n");
}

static void add_cell(struct mlb_text *to, const struct table *table, enum mlb_cell cell,
                     const char *text)
{
    size_t columns = mlb_text_columns(text), width = table->width[cell];
    int pad = width > columns ? (int)(width - columns) : 0;
    if (mlb_report_cell_is_number(cell))
        mlb_text_addf(to, "%*s%s", pad, "", text);
    else
        mlb_text_addf(to, "%s%*s", text, pad, "");
}

/* One line. A label that leaves no room for the rest has a line of its own. */
static void add_line(struct mlb_text *to, const struct table *table, const char (*cells)[128])
{
    size_t room = WIDTH - (table_width(table) - table->width[MLB_CELL_LABEL]);
    bool alone = table_width(table) > WIDTH && mlb_text_columns(cells[MLB_CELL_LABEL]) > room;
    struct table narrow = *table;
    if (table_width(table) > WIDTH)
        narrow.width[MLB_CELL_LABEL] = room;
    for (int c = 0; c < MLB_CELLS; c++) {
        if (!narrow.width[c])
            continue;
        mlb_text_addf(to, "%*s", c == 0 ? INDENT : GAP, "");
        add_cell(to, &narrow, (enum mlb_cell)c, cells[c]);
        if (c == MLB_CELL_LABEL && alone)
            mlb_text_addf(to, "\n%*s", INDENT + (int)room, "");
    }
    mlb_text_trim(to);
    mlb_text_add(to, "\n");
}

static void add_titles(struct mlb_text *to, const struct table *table)
{
    char titles[MLB_CELLS][128] = {{0}};
    for (int c = 0; c < MLB_CELLS; c++)
        mlb_format(titles[c], sizeof titles[c], "%s",
                   mlb_report_cell_title((enum mlb_cell)c, table->first));
    add_line(to, table, (const char(*)[128])titles);
}

/* A line under its row: "    ^ the reason". */
static void add_under(struct mlb_text *to, const char *mark, const char *text)
{
    mlb_text_addf(to, "    %s ", mark);
    add_wrapped(to, 6, 6, text);
}

static void add_notes(struct mlb_text *to, const struct mlb_report *report,
                      const struct mlb_row *row)
{
    static const char *const marks[MLB_NOTES] = {"^", "^", "=", "^", "=", "."};
    for (int i = 0; i < MLB_NOTES; i++) {
        struct mlb_text note = {0};
        bool wanted = i != MLB_NOTE_DETAILS || report->verbose;
        if (wanted && mlb_report_note(report, row, (enum mlb_note)i, &note))
            add_under(to, marks[i], mlb_text_get(&note));
        to->failed = to->failed || note.failed;
        mlb_text_free(&note);
    }
}

static void add_table(struct mlb_text *to, const struct mlb_report *report, const char *workload)
{
    const struct mlb_result *result = report->result;
    struct table table = {.report = report, .workload = workload, .library = ""};
    measure_table(&table);
    if (!table.width[MLB_CELL_LABEL])
        return; /* every row was skipped */
    narrow_table(&table);
    add_heading(to, &table);
    add_titles(to, &table);
    for (size_t i = 0; i < result->row_count; i++) {
        const struct mlb_row *row = &result->rows[i];
        struct mlb_cells cells;
        if (!in_table(&table, row))
            continue;
        mlb_report_cells(report, row, &cells);
        add_line(to, &table, (const char(*)[128])cells.text);
        if (row->reason[0])
            add_under(to, "^", row->reason);
        add_notes(to, report, row);
    }
}

/* ------------------------------------------------------------------------------------------- end
 */

static void add_skipped(struct mlb_text *to, const struct mlb_result *result)
{
    const char *heading = "skipped";
    for (size_t i = 0; i < result->row_count; i++) {
        char text[640];
        if (!mlb_report_is_first_skip(result, i))
            continue;
        mlb_report_skip_text(result, i, text, sizeof text);
        add_entry(to, heading, text);
        heading = "";
    }
}

static void add_health(struct mlb_text *to, const struct mlb_result *result)
{
    if (!result->health_count)
        add_entry(to, "health", mlb_report_no_notes_text(result));
    for (size_t i = 0; i < result->health_count; i++) {
        const struct mlb_health *note = &result->health[i];
        char text[400];
        mlb_format(text, sizeof text, "%s  %s: %s", mlb_report_health_level(note->level),
                   note->code, note->text);
        add_entry(to, i ? "" : "health", text);
    }
}

static void add_cost(struct mlb_text *to, const struct mlb_result *result)
{
    const char *heading = "cost";
    char text[512];
    for (size_t i = 0; i < result->row_count; i++) {
        if (!mlb_report_cost_text(result, i, text, sizeof text))
            continue;
        add_entry(to, heading, text);
        heading = "";
    }
    if (mlb_report_spent_text(result, text, sizeof text))
        add_entry(to, heading, text);
}

/* What asks for attention, counted: a long table must not hide it. */
static void add_verdict(struct mlb_text *to, const struct mlb_result *result)
{
    char text[200];
    size_t failed = mlb_report_count(result, MLB_ROW_FAILED, NULL, NULL);
    size_t untrusted = mlb_report_count(result, MLB_ROW_UNTRUSTED, NULL, NULL);
    size_t measured = mlb_report_count(result, MLB_ROW_MEASURED, NULL, NULL);
    size_t skipped = mlb_report_count(result, MLB_ROW_SKIPPED, NULL, NULL);
    mlb_format(text, sizeof text, "%zu measured, %zu skipped, %zu %s, %zu %s", measured, skipped,
               untrusted, untrusted ? "UNTRUSTED" : "untrusted", failed,
               failed ? "FAILED" : "failed");
    add_entry(to, "rows", text);
}

enum mlb_status mlb_print_text(const struct mlb_report *report, struct mlb_text *to,
                               struct mlb_error *err)
{
    const struct mlb_result *result = report->result;
    char text[1024];
    add_header(to, result);
    for (size_t i = 0; i < result->row_count; i++)
        if (mlb_report_is_first(result, i))
            add_table(to, report, result->rows[i].workload);
    mlb_report_pairs(result, to);
    mlb_report_fits_text(result, WIDTH, to);
    mlb_report_hierarchy(result, to);
    mlb_report_loss_budget(result, to);
    mlb_report_survey(result, to);
    mlb_text_add(to, "\n");
    if (result->row_count > 0 || !result->links)
        add_verdict(to, result);
    add_skipped(to, result);
    if (mlb_report_peak_text(report, text, sizeof text))
        add_entry(to, "peak", text);
    if (mlb_report_links_text(result, text, sizeof text))
        add_entry(to, "links", text);
    if (mlb_report_model_text(result, text, sizeof text))
        add_entry(to, "model", text);
    if (mlb_report_published_text(report, text, sizeof text))
        add_entry(to, "best", text);
    add_health(to, result);
    add_cost(to, result);
    if (report->record_path && report->record_path[0])
        add_entry(to, "record", report->record_path);
    return mlb_print_end(to, err);
}
