/* SPDX-License-Identifier: Apache-2.0 */
/* GitHub-flavoured Markdown: for an issue, a pull request or a wiki. */
#include <stdlib.h>
#include <string.h>

#include "harness/report/fits.h"
#include "harness/report/network.h"
#include "harness/report/printers.h"
#include "harness/report/row.h"
#include "harness/report/survey.h"

void mlb_markdown_escape(struct mlb_text *to, const char *text)
{
    for (; *text; text++) {
        bool blank = *text == '\n' || *text == '\r';
        mlb_text_addf(to, strchr("\\|`*_<>[]", *text) ? "\\%c" : "%c", blank ? ' ' : *text);
    }
}

static void add_item(struct mlb_text *to, const char *bold, const char *text)
{
    mlb_text_addf(to, "- **%s** ", bold);
    mlb_markdown_escape(to, text);
    mlb_text_add(to, "\n");
}

static void add_header(struct mlb_text *to, const struct mlb_result *result)
{
    char text[512];
    mlb_text_addf(to, "## %s %s: ", result->program, result->version);
    mlb_format(text, sizeof text, "%s, suite %s", result->host_kind, result->suite);
    mlb_markdown_escape(to, text);
    mlb_text_add(to, "\n\n");
    add_item(to, "started", result->started_utc);
    if (mlb_provider_text(&result->provider, text, sizeof text))
        add_item(to, "provider", text);
    if (mlb_report_device_text(result, text, sizeof text))
        add_item(to, "device", text);
    if (mlb_report_job_text(result, text, sizeof text))
        add_item(to, "job", text);
    if (mlb_report_network_text(result, text, sizeof text))
        add_item(to, "network", text);
    mlb_format(text, sizeof text, "%s, seed %llu", result->data, (unsigned long long)result->seed);
    add_item(to, "data", text);
    if (mlb_report_precision_text(result, text, sizeof text))
        add_item(to, "precision", text);
    if (!result->complete)
        add_item(to, "INCOMPLETE", "the run ended before every case of the suite had its row");
}

static bool in_table(const struct mlb_row *row, const char *workload)
{
    return row->status != MLB_ROW_SKIPPED && strcmp(row->workload, workload) == 0;
}

/* Which columns some row of the table has something in; its first row, NULL = it has none. */
static const struct mlb_row *find_columns(const struct mlb_report *report, const char *workload,
                                          bool *shown)
{
    const struct mlb_result *result = report->result;
    const struct mlb_row *first = NULL;
    for (size_t i = 0; i < result->row_count; i++) {
        struct mlb_cells cells;
        if (!in_table(&result->rows[i], workload))
            continue;
        mlb_report_cells(report, &result->rows[i], &cells);
        for (int c = 0; c < MLB_CELLS; c++)
            shown[c] = shown[c] || cells.text[c][0];
        first = first ? first : &result->rows[i];
    }
    return first;
}

static void add_titles(struct mlb_text *to, const struct mlb_row *first, const bool *shown)
{
    for (int c = 0; c < MLB_CELLS; c++)
        if (shown[c])
            mlb_text_addf(to, "| %s ", mlb_report_cell_title((enum mlb_cell)c, first));
    mlb_text_add(to, "|\n");
    for (int c = 0; c < MLB_CELLS; c++)
        if (shown[c])
            mlb_text_add(to, mlb_report_cell_is_number((enum mlb_cell)c) ? "| ---: " : "| --- ");
    mlb_text_add(to, "|\n");
}

static void add_row(struct mlb_text *to, const struct mlb_report *report, const struct mlb_row *row,
                    const bool *shown)
{
    struct mlb_cells cells;
    mlb_report_cells(report, row, &cells);
    for (int c = 0; c < MLB_CELLS; c++) {
        if (!shown[c])
            continue;
        mlb_text_add(to, "| ");
        mlb_markdown_escape(to, cells.text[c]);
        if (c == MLB_CELL_VERDICT && row->reason[0]) {
            mlb_text_add(to, ": ");
            mlb_markdown_escape(to, row->reason);
        }
        mlb_text_add(to, " ");
    }
    mlb_text_add(to, "|\n");
}

static void add_notes_of(struct mlb_text *to, const struct mlb_report *report,
                         const struct mlb_row *row, bool *any)
{
    static const char *const names[MLB_NOTES] = {"launch", "drift",   "sustain",
                                                 "wire",   "overlap", "details"};
    for (int i = 0; i < MLB_NOTES; i++) {
        struct mlb_text note = {0}, line = {0};
        if (mlb_report_note(report, row, (enum mlb_note)i, &note)) {
            mlb_text_add(to, *any ? "" : "\n");
            mlb_text_addf(&line, "%s: %s", row->label, mlb_text_get(&note));
            add_item(to, names[i], mlb_text_get(&line));
            *any = true;
        }
        to->failed = to->failed || note.failed || line.failed;
        mlb_text_free(&note);
        mlb_text_free(&line);
    }
}

/* A list under the table. */
static void add_notes(struct mlb_text *to, const struct mlb_report *report, const char *workload)
{
    bool any = false;
    for (size_t i = 0; i < report->result->row_count; i++)
        if (in_table(&report->result->rows[i], workload))
            add_notes_of(to, report, &report->result->rows[i], &any);
}

static void add_table(struct mlb_text *to, const struct mlb_report *report, const char *workload)
{
    const struct mlb_result *result = report->result;
    bool shown[MLB_CELLS] = {false};
    const struct mlb_row *first = find_columns(report, workload, shown);
    if (!first)
        return; /* every row was skipped */
    mlb_text_add(to, "\n### ");
    mlb_markdown_escape(to, workload);
    mlb_text_add(to, "\n\n");
    add_titles(to, first, shown);
    for (size_t i = 0; i < result->row_count; i++)
        if (in_table(&result->rows[i], workload))
            add_row(to, report, &result->rows[i], shown);
    add_notes(to, report, workload);
}

static void add_fits(struct mlb_text *to, const struct mlb_result *result)
{
    struct mlb_fit_lines all = mlb_report_fits(result);
    if (all.count) {
        mlb_text_addf(to, "\n### alpha-beta\n\n%s\n\n", mlb_fit_legend);
        for (int c = 0; c < MLB_FIT_CELLS; c++)
            mlb_text_addf(to, "| %s ", mlb_fit_titles[c]);
        mlb_text_add(to, "|\n| --- | --- | --- | --- | ---: |\n");
    }
    for (size_t i = 0; i < all.count; i++) {
        for (int c = 0; c < MLB_FIT_CELLS; c++) {
            mlb_text_add(to, "| ");
            mlb_markdown_escape(to, all.lines[i].text[c]);
            mlb_text_add(to, " ");
        }
        mlb_text_add(to, "|\n");
    }
    to->failed = to->failed || all.failed;
    free(all.lines);
}

/* Tables that are laid out as text. */
static void add_network(struct mlb_text *to, const struct mlb_result *result)
{
    struct mlb_text block = {0};
    mlb_report_survey(result, &block);
    mlb_report_hierarchy(result, &block);
    mlb_report_loss_budget(result, &block);
    if (block.length)
        mlb_text_addf(to, "\n```text%s```\n", block.data);
    to->failed = to->failed || block.failed;
    mlb_text_free(&block);
}

static void add_end(struct mlb_text *to, const struct mlb_report *report)
{
    const struct mlb_result *result = report->result;
    char text[1024];
    mlb_text_add(to, "\n");
    if (mlb_report_peak_text(report, text, sizeof text))
        add_item(to, "peak", text);
    if (mlb_report_links_text(result, text, sizeof text))
        add_item(to, "links", text);
    if (mlb_report_model_text(result, text, sizeof text))
        add_item(to, "model", text);
    if (mlb_report_published_text(report, text, sizeof text))
        add_item(to, "best", text);
    for (size_t i = 0; i < result->row_count; i++) {
        if (!mlb_report_is_first_skip(result, i))
            continue;
        mlb_report_skip_text(result, i, text, sizeof text);
        add_item(to, "skipped", text);
    }
    if (!result->health_count)
        add_item(to, "health", mlb_report_no_notes_text(result));
    for (size_t i = 0; i < result->health_count; i++) {
        const struct mlb_health *note = &result->health[i];
        mlb_format(text, sizeof text, "%s: %s", note->code, note->text);
        add_item(to, mlb_report_health_level(note->level), text);
    }
    for (size_t i = 0; i < result->row_count; i++)
        if (mlb_report_cost_text(result, i, text, sizeof text))
            add_item(to, "cost", text);
    if (mlb_report_spent_text(result, text, sizeof text))
        add_item(to, "cost", text);
    if (report->record_path && report->record_path[0])
        add_item(to, "record", report->record_path);
}

enum mlb_status mlb_print_markdown(const struct mlb_report *report, struct mlb_text *to,
                                   struct mlb_error *err)
{
    const struct mlb_result *result = report->result;
    add_header(to, result);
    for (size_t i = 0; i < result->row_count; i++)
        if (mlb_report_is_first(result, i))
            add_table(to, report, result->rows[i].workload);
    add_fits(to, result);
    add_network(to, result);
    add_end(to, report);
    return mlb_print_end(to, err);
}
