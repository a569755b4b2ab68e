/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/units.h"
#include "harness/report/comparison_notes.h"

const char *const mlb_comparison_sort_names[] = {"record", "change", "name", NULL};

/* ---------------------------------------------------------------------------------------- texts
 */

const char *mlb_comparison_case(const struct mlb_compare_line *line, char *to, size_t size)
{
    mlb_format(to, size, "%s %s", line->name->workload, line->name->label);
    return to;
}

/* In percent; what rounds to nothing has no sign. */
static void add_percent(struct mlb_text *to, int decimals, double fraction)
{
    char text[64];
    double half_digit = 0.5 * pow(10.0, -decimals);
    mlb_format(text, sizeof text, "%+.*f", decimals, 100.0 * fraction);
    mlb_text_add(to, fabs(100.0 * fraction) < half_digit ? text + 1 : text);
}

const char *mlb_comparison_change(struct mlb_change change, char *to, size_t size)
{
    struct mlb_text text = {0};
    double half = change.known ? 50.0 * (change.high - change.low) : 1.0;
    int decimals = half < 0.1 ? 2 : half < 10.0 ? 1 : 0;
    add_percent(&text, decimals, change.estimate);
    if (change.known) {
        mlb_text_add(&text, " [");
        add_percent(&text, decimals, change.low);
        mlb_text_add(&text, ", ");
        add_percent(&text, decimals, change.high);
        mlb_text_add(&text, "]");
    }
    mlb_format(to, size, "%s", mlb_text_get(&text));
    mlb_text_free(&text);
    return to;
}

static const char *value_text(double value, const char *unit, char *to)
{
    return strcmp(unit, "s") == 0 ? mlb_print_seconds(to, value) : mlb_print_rate(to, value, unit);
}

/* Without its unit where the base has the same one. */
static const char *after_base(const char *base, const char *text, char *to)
{
    const char *a = strchr(base, ' '), *b = strchr(text, ' ');
    bool same = a && b && strcmp(a, b) == 0;
    mlb_format(to, MLB_UNIT_TEXT, "%.*s", (int)(same ? b - text : (ptrdiff_t)strlen(text)), text);
    return to;
}

/* Never 0: a p is a share of what can happen, and something did. */
static const char *p_text(double p, char *to, size_t size)
{
    if (isnan(p))
        mlb_format(to, size, "%s", "");
    else if (p < 0.001)
        mlb_format(to, size, "<.001");
    else if (p >= 0.9995)
        mlb_format(to, size, "1");
    else {
        mlb_format(to, size, "%.3f", p);
        memmove(to, to + 1, strlen(to)); /* ".004" */
    }
    return to;
}

static const char *verdict_text(const struct mlb_compare_line *line, char *to, size_t size)
{
    static const char *const words[] = {"slower", "faster",     "unsure",  "small",
                                        "same",   "not judged", "refused", "missing"};
    const char *how = line->verdict > MLB_COMPARE_BETTER ? ""
                      : line->clear                      ? ", clear"
                                                         : ", likely";
    mlb_format(to, size, "%s%s", words[line->verdict], how);
    const size_t countable = 999;
    if (line->verdict == MLB_COMPARE_UNSURE) /* without a spread, only the least is known */
        mlb_format(to, size, "unsure: %s%zu%s more", line->more_launches > countable ? ">" : "",
                   line->more_launches > countable ? countable : line->more_launches,
                   line->gain90.known ? "" : "+");
    return to;
}

/* ---------------------------------------------------------------------------------------- lines
 */

static const struct mlb_column case_columns[] = {
    {"case", "case", MLB_COLUMN_BOTH, false, true},
    {"id", "", MLB_COLUMN_MACHINE, false, false},
    {"unit", "", MLB_COLUMN_MACHINE, false, false},
    {"primary", "", MLB_COLUMN_MACHINE, false, false},
    {"base", "base", MLB_COLUMN_BOTH, true, false},
    {"base_low", "", MLB_COLUMN_MACHINE, true, false},
    {"base_high", "", MLB_COLUMN_MACHINE, true, false},
    {"base_launches", "", MLB_COLUMN_MACHINE, true, false},
    {"base_spread_fraction", "", MLB_COLUMN_MACHINE, true, false},
    {"base_clock_hz", "", MLB_COLUMN_MACHINE, true, false},
    {"new", "new", MLB_COLUMN_BOTH, true, false},
    {"new_low", "", MLB_COLUMN_MACHINE, true, false},
    {"new_high", "", MLB_COLUMN_MACHINE, true, false},
    {"new_launches", "", MLB_COLUMN_MACHINE, true, false},
    {"new_spread_fraction", "", MLB_COLUMN_MACHINE, true, false},
    {"new_clock_hz", "", MLB_COLUMN_MACHINE, true, false},
    {"change_fraction", "change, % [95 %]", MLB_COLUMN_BOTH, false, false},
    {"change_low", "", MLB_COLUMN_MACHINE, true, false},
    {"change_high", "", MLB_COLUMN_MACHINE, true, false},
    {"margin_fraction", "", MLB_COLUMN_MACHINE, true, false},
    {"test", "", MLB_COLUMN_MACHINE, false, false},
    {"p", "", MLB_COLUMN_MACHINE, true, false},
    {"p_adjusted", "p", MLB_COLUMN_BOTH, true, false},
    {"verdict", "", MLB_COLUMN_MACHINE, false, false},
    {"clear", "", MLB_COLUMN_MACHINE, false, false},
    {"verdict_text", "verdict", MLB_COLUMN_PEOPLE, false, false},
    {"more_launches", "", MLB_COLUMN_MACHINE, true, false},
    {"reason", "", MLB_COLUMN_MACHINE, false, false},
    {NULL}};

static void add_side(struct mlb_sheet *sheet, const struct mlb_compare_side *side, const char *text)
{
    bool known = side->launches > 0;
    mlb_sheet_real(sheet, known ? side->median : NAN, "%s", known ? text : "");
    mlb_sheet_real(sheet, known && side->interval.known ? side->interval.low : NAN, "%s", "");
    mlb_sheet_real(sheet, known && side->interval.known ? side->interval.high : NAN, "%s", "");
    mlb_sheet_real(sheet, (double)side->launches, "%s", "");
    mlb_sheet_real(sheet, known ? side->spread : NAN, "%s", "");
    mlb_sheet_real(sheet, side->clock_hz > 0.0 ? side->clock_hz : NAN, "%s", "");
}

static void add_change(struct mlb_sheet *sheet, const struct mlb_compare_line *line)
{
    struct mlb_change change = mlb_compare_change(line);
    bool compared = line->verdict < MLB_COMPARE_REFUSED, interval = compared && change.known;
    char text[64] = "";
    if (compared)
        mlb_comparison_change(change, text, sizeof text);
    mlb_sheet_real(sheet, compared ? change.estimate : NAN, "%s", text);
    mlb_sheet_real(sheet, interval ? change.low : NAN, "%s", "");
    mlb_sheet_real(sheet, interval ? change.high : NAN, "%s", "");
    mlb_sheet_real(sheet, line->margin, "%s", "");
}

static void add_verdict(struct mlb_sheet *sheet, const struct mlb_compare_line *line)
{
    char text[48];
    bool decided = line->verdict == MLB_COMPARE_WORSE || line->verdict == MLB_COMPARE_BETTER;
    bool unsure = line->verdict == MLB_COMPARE_UNSURE;
    mlb_sheet_text(sheet, "%s",
                   isnan(line->p)        ? ""
                   : line->unlike_spread ? "mann_whitney_and_welch"
                                         : "mann_whitney");
    mlb_sheet_real(sheet, line->p, "%s", "");
    mlb_sheet_real(sheet, line->p_adjusted, "%s", p_text(line->p_adjusted, text, sizeof text));
    mlb_sheet_text(sheet, "%s", mlb_compare_verdict_names[line->verdict]);
    if (decided)
        mlb_sheet_bool(sheet, line->clear, "");
    else
        mlb_sheet_blank(sheet);
    mlb_sheet_text(sheet, "%s", verdict_text(line, text, sizeof text));
    mlb_sheet_real(sheet, unsure ? (double)line->more_launches : NAN, "%s", "");
    mlb_sheet_text(sheet, "%s", line->reason);
}

static void add_line(struct mlb_sheet *sheet, const struct mlb_compare_line *line)
{
    char name[160], base[MLB_UNIT_TEXT], other[MLB_UNIT_TEXT], cut[MLB_UNIT_TEXT];
    const struct mlb_compare_side *sides = line->side;
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", mlb_comparison_case(line, name, sizeof name));
    mlb_sheet_text(sheet, "%s", line->name->id);
    mlb_sheet_text(sheet, "%s", line->unit);
    mlb_sheet_bool(sheet, line->primary, "");
    value_text(sides[MLB_BASE].median, line->unit, base);
    value_text(sides[MLB_NEW].median, line->unit, other);
    if (!sides[MLB_BASE].launches)
        base[0] = '\0';
    add_side(sheet, &sides[MLB_BASE], base);
    add_side(sheet, &sides[MLB_NEW], after_base(base, other, cut));
    add_change(sheet, line);
    add_verdict(sheet, line);
}

/* ---------------------------------------------------------------------------------------- order
 */

/* What was judged, then what is only shown, then what was not compared. */
static int part_of(const struct mlb_compare_line *line)
{
    return line->verdict >= MLB_COMPARE_REFUSED ? 2 : line->verdict == MLB_COMPARE_SHOWN ? 1 : 0;
}

static int by_record(const void *a, const void *b)
{
    const struct mlb_compare_line *x = *(const struct mlb_compare_line *const *)a;
    const struct mlb_compare_line *y = *(const struct mlb_compare_line *const *)b;
    int parts = part_of(x) - part_of(y);
    return parts ? parts : (x > y) - (x < y);
}

/* What lost most comes first. */
static int by_change(const void *a, const void *b)
{
    const struct mlb_compare_line *x = *(const struct mlb_compare_line *const *)a;
    const struct mlb_compare_line *y = *(const struct mlb_compare_line *const *)b;
    int parts = part_of(x) - part_of(y);
    int gains = (x->gain.estimate > y->gain.estimate) - (x->gain.estimate < y->gain.estimate);
    return parts ? parts : gains ? gains : by_record(a, b);
}

static int by_name(const void *a, const void *b)
{
    const struct mlb_compare_line *x = *(const struct mlb_compare_line *const *)a;
    const struct mlb_compare_line *y = *(const struct mlb_compare_line *const *)b;
    int parts = part_of(x) - part_of(y), names = strcmp(x->name->id, y->name->id);
    return parts ? parts : names;
}

/* The caller frees; NULL when out of memory. */
static const struct mlb_compare_line **in_order(const struct mlb_comparison *comparison,
                                                enum mlb_comparison_sort sort)
{
    static int (*const orders[])(const void *, const void *) = {by_record, by_change, by_name};
    const struct mlb_compare_line **lines = calloc(comparison->line_count + 1, sizeof *lines);
    for (size_t i = 0; lines && i < comparison->line_count; i++)
        lines[i] = &comparison->lines[i];
    if (lines)
        qsort(lines, comparison->line_count, sizeof *lines, orders[sort]);
    return lines;
}

/* -------------------------------------------------------------------------------------- medians
 */

static const struct mlb_column median_columns[] = {
    {"case", "case", MLB_COLUMN_PEOPLE, false, true},
    {"n_base", "n", MLB_COLUMN_PEOPLE, true, false},
    {"base", "base", MLB_COLUMN_PEOPLE, true, false},
    {"base_half", "95 %", MLB_COLUMN_PEOPLE, true, false},
    {"n_new", "n", MLB_COLUMN_PEOPLE, true, false},
    {"new", "new", MLB_COLUMN_PEOPLE, true, false},
    {"new_half", "95 %", MLB_COLUMN_PEOPLE, true, false},
    {"clocks", "MHz", MLB_COLUMN_PEOPLE, false, false},
    {NULL}};

static void add_median(struct mlb_sheet *sheet, const struct mlb_compare_side *side,
                       const char *text)
{
    const struct mlb_interval *interval = &side->interval;
    double half = (interval->high - interval->low) / 2.0 / side->median;
    char share[MLB_UNIT_TEXT];
    mlb_sheet_text(sheet, "%zu", side->launches);
    mlb_sheet_text(sheet, "%s", text);
    if (interval->known)
        mlb_sheet_text(sheet, "±%s", mlb_print_percent(share, half));
    else
        mlb_sheet_blank(sheet);
}

static void add_medians(struct mlb_sheet *sheet, const struct mlb_compare_line *line)
{
    char name[160], base[MLB_UNIT_TEXT], other[MLB_UNIT_TEXT], cut[MLB_UNIT_TEXT];
    double from = line->side[MLB_BASE].clock_hz, to = line->side[MLB_NEW].clock_hz;
    value_text(line->side[MLB_BASE].median, line->unit, base);
    value_text(line->side[MLB_NEW].median, line->unit, other);
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", mlb_comparison_case(line, name, sizeof name));
    add_median(sheet, &line->side[MLB_BASE], base);
    add_median(sheet, &line->side[MLB_NEW], after_base(base, other, cut));
    if (from > 0.0 && to > 0.0)
        mlb_sheet_text(sheet, "%.0f, %.0f", from * 1e-6, to * 1e-6);
    else
        mlb_sheet_blank(sheet);
}

/* ------------------------------------------------------------------------------------ all of it
 */

static const struct mlb_column difference_columns[] = {
    {"what", "what", MLB_COLUMN_BOTH, false, false},
    {"base", "base", MLB_COLUMN_BOTH, false, true},
    {"base_values", "", MLB_COLUMN_MACHINE, true, false},
    {"new", "new", MLB_COLUMN_BOTH, false, true},
    {"new_values", "", MLB_COLUMN_MACHINE, true, false},
    {NULL}};

static void add_differences(struct mlb_document *document, const struct mlb_comparison *comparison)
{
    struct mlb_sheet *sheet = mlb_document_sheet(document, "differences",
                                                 "Differs between the sides, and could explain "
                                                 "a change",
                                                 difference_columns);
    for (size_t i = 0; i < comparison->difference_count; i++) {
        const struct mlb_difference *difference = &comparison->differences[i];
        mlb_sheet_row(sheet);
        mlb_sheet_text(sheet, "%s", difference->what);
        for (int s = 0; s < MLB_SIDES; s++) {
            mlb_sheet_text(sheet, "%s", difference->side[s]);
            mlb_sheet_real(sheet, (double)difference->values[s], "%s", "");
        }
    }
}

static struct mlb_document *add_all(const struct mlb_comparison_view *view,
                                    const struct mlb_compare_line *const *lines)
{
    const struct mlb_comparison *comparison = view->comparison;
    struct mlb_document *document =
        mlb_document_new("compare", "%s (%zu launch%s) against the base %s (%zu launch%s)",
                         comparison->side[MLB_NEW], view->launches[MLB_NEW],
                         view->launches[MLB_NEW] == 1 ? "" : "es", comparison->side[MLB_BASE],
                         view->launches[MLB_BASE], view->launches[MLB_BASE] == 1 ? "" : "es");
    mlb_comparison_head(document, view);
    struct mlb_sheet *sheet = mlb_document_sheet(document, "cases", "", case_columns);
    for (size_t i = 0; i < comparison->line_count; i++)
        add_line(sheet, lines[i]);
    mlb_comparison_line_notes(sheet, view);
    if (view->people) {
        sheet = mlb_document_sheet(document, "medians",
                                   "Medians of the launches, and half their 95 % interval",
                                   median_columns);
        for (size_t i = 0; i < comparison->line_count; i++)
            if (lines[i]->verdict < MLB_COMPARE_REFUSED)
                add_medians(sheet, lines[i]);
    }
    add_differences(document, comparison);
    mlb_comparison_notes(document, view);
    return document;
}

struct mlb_document *mlb_report_comparison(const struct mlb_comparison_view *view)
{
    const struct mlb_compare_line **lines = in_order(view->comparison, view->sort);
    struct mlb_document *document = lines ? add_all(view, lines) : NULL;
    free(lines);
    return document;
}
