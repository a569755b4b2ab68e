/* SPDX-License-Identifier: Apache-2.0 */
/* Tables over several rows of collectives: by scope, and what is lost from step to step. */
#include <string.h>

#include "harness/analysis/hierarchy.h"
#include "harness/analysis/loss_budget.h"
#include "harness/analysis/wire_row.h"
#include "harness/base/units.h"
#include "harness/report/network.h"

/* -------------------------------------------------------------------------------------- hierarchy
 */

enum { NAME = 22, SCOPE = 21 }; /* columns; in all at most 110 */

/* At least one blank behind it. */
static void pad(struct mlb_text *to, const char *text, size_t width)
{
    size_t columns = mlb_text_columns(text);
    mlb_text_addf(to, "%s%*s", text, columns < width ? (int)(width - columns) : 1, "");
}

/* A line must not end in blanks. */
static void end_line(struct mlb_text *to)
{
    mlb_text_trim(to);
    mlb_text_add(to, "\n");
}

/* "489 GB/s 65 % NICs"; "489 GB/s UNTRUSTED" */
static void add_scope(struct mlb_text *to, const struct mlb_result *result,
                      const struct mlb_row *row)
{
    char rate[MLB_UNIT_TEXT], cell[160] = "-";
    if (row) {
        struct mlb_report report = {.result = result};
        struct mlb_cells cells = {0};
        mlb_report_wire_cells(&report, row, &cells);
        mlb_format(cell, sizeof cell, "%s %s",
                   mlb_print_rate(rate, mlb_row_rate(row, MLB_RATE_BUS).value, "B/s"),
                   row->status == MLB_ROW_UNTRUSTED ? "UNTRUSTED" : cells.text[MLB_CELL_LINE]);
    }
    pad(to, cell, SCOPE);
}

/* What the row's sizes come from: a model, or bytes, as the row's label has them. `to`: room for a
 * number, MLB_UNIT_TEXT. */
static const char *size_of(const struct mlb_row *row, char *to)
{
    const char *model = mlb_row_param(row, "model"), *text = mlb_row_param(row, "bytes");
    uint64_t bytes = 0;
    if (model[0] && strcmp(model, "none") != 0)
        return model;
    return mlb_parse_bytes(text, &bytes) ? mlb_print_bytes(to, bytes) : text;
}

/* "all_reduce 1 GiB f32 in place pipelined" */
static void add_name(struct mlb_text *to, const struct mlb_row *row)
{
    char name[160], bytes[MLB_UNIT_TEXT];
    bool in_place = strcmp(mlb_row_param(row, "in_place"), "true") == 0;
    bool pipelined = strcmp(mlb_row_param(row, "mode"), "pipelined") == 0;
    mlb_format(name, sizeof name, "%s %s %s%s%s", row->workload, size_of(row, bytes),
               mlb_row_param(row, "dtype"), in_place ? " in place" : "",
               pipelined ? " pipelined" : "");
    mlb_text_add(to, "  ");
    pad(to, name, NAME);
    if (mlb_text_columns(name) >= NAME) {
        end_line(to);
        mlb_text_addf(to, "  %*s", NAME, "");
    }
}

void mlb_report_hierarchy(const struct mlb_result *result, struct mlb_text *to)
{
    bool any = false;
    for (size_t i = 0; i < result->row_count; i++) {
        struct mlb_hierarchy hierarchy;
        if (!mlb_hierarchy_at(result, i, &hierarchy))
            continue;
        if (!any) {
            mlb_text_add(
                to, "\nby scope: busbw, and its part of the links where their rate is known\n  ");
            pad(to, "", NAME);
            for (int scope = 0; scope < MLB_SCOPES; scope++)
                pad(to, mlb_scope_names[scope], SCOPE);
            end_line(to);
        }
        any = true;
        add_name(to, &result->rows[i]);
        for (int scope = 0; scope < MLB_SCOPES; scope++)
            add_scope(to, result, hierarchy.rows[scope]);
        end_line(to);
    }
}

/* ------------------------------------------------------------------------------------ loss budget
 */

enum { OF_NICS = 11, KEPT = 6 }; /* columns */

static void add_percent(struct mlb_text *to, double share, int width)
{
    char text[MLB_UNIT_TEXT];
    mlb_text_addf(to, "  %*s", width, share > 0.0 ? mlb_print_percent(text, share) : "");
}

/* Did the GPUs' memory meet the NICs, in both directions? "" where nobody could tell. */
static const char *gpudirect_of(const struct mlb_row *row)
{
    const struct mlb_detail *send = mlb_detail_find(&row->details, "gdr_send");
    const struct mlb_detail *recv = mlb_detail_find(&row->details, "gdr_recv");
    if (!send || !recv)
        return "";
    bool on = strcmp(send->text, "on") == 0 && strcmp(recv->text, "on") == 0;
    return on ? ", GPUDirect on" : ", GPUDirect off";
}

static void add_step(struct mlb_text *to, const struct mlb_loss_step *step)
{
    char rate[MLB_UNIT_TEXT], bytes[MLB_UNIT_TEXT];
    mlb_text_addf(to, "  %-10s  ", step->name);
    if (step->row) {
        mlb_text_addf(to, "%s%11s", step->at_least ? ">" : " ",
                      mlb_print_rate(rate, step->network_bytes_per_s, "B/s"));
        add_percent(to, step->of_line, OF_NICS);
        add_percent(to, step->of_before, KEPT);
        mlb_text_addf(to, "  %s, %s%s", step->how, size_of(step->row, bytes),
                      gpudirect_of(step->row));
    } else {
        mlb_text_addf(to, "%12s  %*s  %*s  %s", "-", OF_NICS, "", KEPT, "", step->how);
    }
    end_line(to);
}

void mlb_report_loss_budget(const struct mlb_result *result, struct mlb_text *to)
{
    struct mlb_loss_step steps[MLB_LOSS_STEPS];
    if (mlb_loss_budget(result, steps) < 2)
        return;
    mlb_text_add(to, "\nloss budget, out of one machine over its network; - was not measured\n");
    mlb_text_addf(to, "  %-10s  %12s  %*s  %*s\n", "step", "rate", OF_NICS, "of its NICs", KEPT,
                  "kept");
    for (size_t i = 0; i < MLB_LOSS_STEPS; i++)
        if (steps[i].applies)
            add_step(to, &steps[i]);
}
