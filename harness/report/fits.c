/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/fits.h"

#include <stdlib.h>
#include <string.h>

#include "harness/analysis/sweep.h"
#include "harness/base/units.h"

enum { INDENT = 2, GAP = 2 };

const char *const mlb_fit_titles[MLB_FIT_CELLS] = {"sweep", "sizes", "alpha [95 % interval]",
                                                   "beta [95 % interval]", "worst"};
const char mlb_fit_legend[] = "time = alpha + factor x bytes / beta, by range of sizes: "
                              "cost of any call, busbw of its long ones";

static struct mlb_fit_line *add_line(struct mlb_fit_lines *all)
{
    struct mlb_fit_line *grown = realloc(all->lines, (all->count + 1) * sizeof *grown);
    if (!grown) {
        all->failed = true;
        return NULL;
    }
    all->lines = grown;
    grown[all->count] = (struct mlb_fit_line){0};
    return &grown[all->count++];
}

/* ----------------------------------------------------------------------------------------- cells
 */

/* "all_reduce f32 in place": a label begins with the size that was asked for and may end with the
 * one that could be had, "1000 B f64 (960 B)"; neither is a part of the sweep. */
static void print_sweep(const struct mlb_row *row, char *to, size_t size)
{
    uint64_t bytes = 0;
    char text[MLB_UNIT_TEXT];
    const char *rest = row->label;
    if (mlb_parse_bytes(mlb_row_param(row, "bytes"), &bytes)) {
        size_t length = strlen(mlb_print_bytes(text, bytes));
        if (strncmp(rest, text, length) == 0 && rest[length] == ' ')
            rest += length + 1;
    }
    const char *had = strstr(rest, " (");
    int length = (int)(had ? (size_t)(had - rest) : strlen(rest));
    mlb_format(to, size, "%s %.*s %s", row->workload, length, rest, row->variant);
}

static void print_sizes(double from, double last, size_t count, double stray, char *to, size_t size)
{
    char low[MLB_UNIT_TEXT], high[MLB_UNIT_TEXT], off[MLB_UNIT_TEXT];
    mlb_format(to, size, "%s to %s (%zu)%s%s", mlb_print_bytes(low, (uint64_t)from),
               mlb_print_bytes(high, (uint64_t)last), count, stray > 0.0 ? " but " : "",
               stray > 0.0 ? mlb_print_bytes(off, (uint64_t)stray) : "");
}

/* "12.3 us [12.1, 12.6]"; the unit at each end where it is another one. */
static void print_interval(const char *value, char *low, char *high, char *to, size_t size)
{
    const char *unit = strchr(value, ' ');
    char *of_low = strchr(low, ' '), *of_high = strchr(high, ' ');
    if (unit && of_low && of_high && strcmp(of_low, unit) == 0 && strcmp(of_high, unit) == 0)
        *of_low = *of_high = '\0';
    mlb_format(to, size, "%s [%s, %s]", value, low, high);
}

static void print_alpha(const struct mlb_fitted *alpha, char *to, size_t size)
{
    char value[MLB_UNIT_TEXT], low[MLB_UNIT_TEXT], high[MLB_UNIT_TEXT];
    mlb_print_seconds(value, alpha->value);
    mlb_print_seconds(low, alpha->low);
    mlb_print_seconds(high, alpha->high);
    if (alpha->known && alpha->interval)
        print_interval(value, low, high, to, size);
    else
        mlb_format(to, size, "%s", alpha->known ? value : "too small to tell");
}

static void print_beta(const struct mlb_fitted *beta, char *to, size_t size)
{
    char value[MLB_UNIT_TEXT], low[MLB_UNIT_TEXT], high[MLB_UNIT_TEXT];
    if (!beta->known) {
        mlb_format(to, size, "%s", "too short to tell");
        return;
    }
    mlb_print_rate(value, beta->value, "B/s");
    if (!beta->interval) {
        mlb_format(to, size, "%s", value);
        return;
    }
    mlb_print_rate(low, beta->low, "B/s");
    mlb_print_rate(high, beta->high, "B/s");
    print_interval(value, low, high, to, size);
}

static void add_regime(struct mlb_fit_lines *all, const char *name, const struct mlb_regime *regime)
{
    struct mlb_fit_line *line = add_line(all);
    char text[MLB_UNIT_TEXT];
    const size_t size = sizeof line->text[0];
    if (!line)
        return;
    mlb_format(line->text[MLB_FIT_SWEEP], size, "%s", name);
    print_sizes(regime->from_bytes, regime->to_bytes, regime->sizes, regime->stray_bytes,
                line->text[MLB_FIT_SIZES], size);
    print_alpha(&regime->alpha_s, line->text[MLB_FIT_ALPHA], size);
    print_beta(&regime->beta_bytes_per_s, line->text[MLB_FIT_BETA], size);
    mlb_format(line->text[MLB_FIT_WORST], size, "%s",
               regime->worst < 1e-3 ? "< 0.1 %" : mlb_print_percent(text, regime->worst));
}

static void add_refusal(struct mlb_fit_lines *all, const char *name, const struct mlb_sweep *sweep,
                        const struct mlb_alpha_beta *fit)
{
    struct mlb_fit_line *line = add_line(all);
    char text[MLB_UNIT_TEXT];
    const size_t size = sizeof line->text[0];
    if (!line)
        return;
    mlb_format(line->text[MLB_FIT_SWEEP], size, "%s", name);
    print_sizes(sweep->rows[0]->work.bytes, sweep->rows[sweep->count - 1]->work.bytes, sweep->count,
                0.0, line->text[MLB_FIT_SIZES], size);
    mlb_format(line->text[MLB_FIT_ALPHA], size, "%s", "no such line");
    mlb_format(line->text[MLB_FIT_BETA], size, "off most at %s",
               mlb_print_bytes(text, (uint64_t)fit->worst_bytes));
    mlb_format(line->text[MLB_FIT_WORST], size, "%s", mlb_print_percent(text, fit->worst));
}

/* The best of the sizes beyond the last line: where that is one of short messages, its beta is far
 * below what long ones get. */
static double best_beyond(const struct mlb_sweep *sweep, const struct mlb_regime *last)
{
    double best = 0.0;
    for (size_t i = 0; i < sweep->count; i++) {
        double rate = mlb_row_rate(sweep->rows[i], MLB_RATE_BUS).value;
        if (sweep->rows[i]->work.bytes > last->to_bytes && rate > best)
            best = rate;
    }
    return best;
}

static void add_others(struct mlb_fit_lines *all, const struct mlb_sweep *sweep,
                       const struct mlb_alpha_beta *fit)
{
    struct mlb_fit_line *line = add_line(all);
    const size_t size = sizeof line->text[0];
    double best = best_beyond(sweep, &fit->regimes[fit->count - 1]);
    char rate[MLB_UNIT_TEXT];
    if (!line)
        return;
    mlb_format(line->text[MLB_FIT_SIZES], size, "%zu other%s", fit->off, fit->off == 1 ? "" : "s");
    if (best > 0.0)
        mlb_format(line->text[MLB_FIT_BETA], size, "busbw up to %s",
                   mlb_print_rate(rate, best, "B/s"));
    mlb_format(line->text[MLB_FIT_ALPHA], size, "%s", "on no such line");
}

static void add_sweep(struct mlb_fit_lines *all, const struct mlb_sweep *sweep)
{
    struct mlb_alpha_beta fit;
    char name[sizeof all->lines->text[0]];
    print_sweep(sweep->rows[0], name, sizeof name);
    if (!mlb_sweep_fit(sweep, &fit)) {
        all->failed = true;
        return;
    }
    if (fit.count == 0)
        add_refusal(all, name, sweep, &fit);
    for (size_t i = 0; i < fit.count; i++)
        add_regime(all, i ? "" : name, &fit.regimes[i]);
    if (fit.count && fit.off)
        add_others(all, sweep, &fit);
}

struct mlb_fit_lines mlb_report_fits(const struct mlb_result *result)
{
    struct mlb_fit_lines all = {0};
    struct mlb_sweep sweep;
    for (size_t i = 0; i < result->row_count; i++)
        if (mlb_sweep_at(result, i, &sweep))
            add_sweep(&all, &sweep);
    return all;
}

/* ------------------------------------------------------------------------------------------ text
 */

struct columns {
    size_t width[MLB_FIT_CELLS];
};

static struct columns columns_of(const struct mlb_fit_lines *all, size_t width)
{
    struct columns columns;
    size_t rest = INDENT;
    for (int c = MLB_FIT_CELLS - 1; c >= 0; c--) {
        columns.width[c] = strlen(mlb_fit_titles[c]);
        for (size_t i = 0; i < all->count; i++) {
            size_t needed = mlb_text_columns(all->lines[i].text[c]);
            columns.width[c] = needed > columns.width[c] ? needed : columns.width[c];
        }
        rest += c == MLB_FIT_SWEEP ? 0 : GAP + columns.width[c];
    }
    size_t room = width > rest ? width - rest : 0;
    if (columns.width[MLB_FIT_SWEEP] > room)
        columns.width[MLB_FIT_SWEEP] = room;
    return columns;
}

/* A name that leaves no room for the rest has a line of its own. */
static void add_cells(struct mlb_text *to, const struct columns *columns, const char *const *cells)
{
    mlb_text_addf(to, "%*s", INDENT, "");
    for (int c = 0; c < MLB_FIT_CELLS; c++) {
        size_t needed = mlb_text_columns(cells[c]);
        int pad = columns->width[c] > needed ? (int)(columns->width[c] - needed) : 0;
        if (needed > columns->width[c])
            mlb_text_addf(to, "%s\n%*s", cells[c], INDENT + (int)columns->width[c], "");
        else if (c == MLB_FIT_WORST)
            mlb_text_addf(to, "%*s%s", cells[c][0] ? pad : 0, "", cells[c]);
        else
            mlb_text_addf(to, "%s%*s", cells[c], pad, "");
        mlb_text_addf(to, "%*s", c == MLB_FIT_WORST ? 0 : GAP, "");
    }
    mlb_text_trim(to);
    mlb_text_add(to, "\n");
}

void mlb_report_fits_text(const struct mlb_result *result, size_t width, struct mlb_text *to)
{
    struct mlb_fit_lines all = mlb_report_fits(result);
    struct columns columns = columns_of(&all, width);
    if (all.count) {
        mlb_text_addf(to, "\nalpha-beta  %s\n", mlb_fit_legend);
        add_cells(to, &columns, mlb_fit_titles);
    }
    for (size_t i = 0; i < all.count; i++) {
        const char *cells[MLB_FIT_CELLS];
        for (int c = 0; c < MLB_FIT_CELLS; c++)
            cells[c] = all.lines[i].text[c];
        add_cells(to, &columns, cells);
    }
    to->failed = to->failed || all.failed;
    free(all.lines);
}
