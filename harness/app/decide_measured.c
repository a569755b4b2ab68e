/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured, as the table and the notes of `mlbench decide`. */
#include <string.h>

#include "harness/app/decide_document.h"
#include "harness/base/units.h"

static const struct mlb_column columns[] = {
    {"dimension", "dimension", MLB_COLUMN_BOTH, false, true},
    {"option", "option", MLB_COLUMN_BOTH, false, true},
    {"value", "value", MLB_COLUMN_BOTH, true, false},
    {"interval", "interval", MLB_COLUMN_PEOPLE, false, false},
    {"low", "", MLB_COLUMN_MACHINE, true, false},
    {"high", "", MLB_COLUMN_MACHINE, true, false},
    {"unit", "", MLB_COLUMN_MACHINE, false, false},
    {"score", "score", MLB_COLUMN_BOTH, true, false},
    {"launches_text", "launches", MLB_COLUMN_PEOPLE, false, false},
    {"launches", "", MLB_COLUMN_MACHINE, true, false},
    {"interval_of", "", MLB_COLUMN_MACHINE, false, false},
    {"measured", "measured on", MLB_COLUMN_BOTH, false, true},
    {"work", "", MLB_COLUMN_MACHINE, false, true},
    {"price", "", MLB_COLUMN_MACHINE, false, true},
    {"price_stale", "", MLB_COLUMN_MACHINE, false, false},
    {NULL}};

/* Rates with a prefix, dollars with three digits and more. */
static const char *print_value(char to[MLB_UNIT_TEXT], double value, const char *unit)
{
    if (unit[0] != '$')
        return mlb_print_rate(to, value, unit);
    mlb_format(to, MLB_UNIT_TEXT, value < 0.1 ? "$%.3g" : value < 100.0 ? "$%.2f" : "$%.0f", value);
    return to;
}

/* "[776, 781]" where the three have one unit, else each with its own. */
static void add_interval(struct mlb_sheet *sheet, const struct mlb_evidence_item *item,
                         const char *unit)
{
    char value[MLB_UNIT_TEXT], low[MLB_UNIT_TEXT], high[MLB_UNIT_TEXT];
    const char *end = strchr(print_value(value, item->value, unit), ' ');
    char *low_end = strchr(print_value(low, item->low, unit), ' ');
    char *high_end = strchr(print_value(high, item->high, unit), ' ');
    if (end && low_end && high_end && strcmp(end, low_end) == 0 && strcmp(end, high_end) == 0)
        *low_end = *high_end = '\0';
    if (item->low < item->high)
        mlb_sheet_text(sheet, "[%s, %s]", low, high);
    else
        mlb_sheet_blank(sheet);
}

/* "3, range": launches, and what the interval is of. */
static void add_launches(struct mlb_sheet *sheet, const struct mlb_evidence_item *item)
{
    bool within = strcmp(item->covers, "one_launch") == 0;
    mlb_sheet_text(sheet, "%zu, %s", item->launches, within ? "within" : item->covers);
    mlb_sheet_real(sheet, (double)item->launches, "%s", "");
    mlb_sheet_text(sheet, "%s", item->covers);
}

static void add_row(struct mlb_sheet *sheet, const struct mlb_decision *decision,
                    const struct mlb_evidence *evidence, size_t d, size_t option)
{
    const struct mlb_evidence_item *item = &evidence->items[d][option];
    const char *unit = evidence->unit[d];
    char value[MLB_UNIT_TEXT];
    bool cost = item->price[0] != '\0';
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", decision->dimensions[d].name);
    mlb_sheet_text(sheet, "%s", decision->options[option].name);
    mlb_sheet_real(sheet, item->value, "%s%s", print_value(value, item->value, unit),
                   item->stale ? " old" : "");
    add_interval(sheet, item, unit);
    mlb_sheet_real(sheet, item->low, "%s", "");
    mlb_sheet_real(sheet, item->high, "%s", "");
    mlb_sheet_text(sheet, "%s", unit);
    double score = decision->matrix.score[d][option].value;
    mlb_sheet_real(sheet, score, "%.2f", score);
    add_launches(sheet, item);
    mlb_sheet_text(sheet, "%s", item->measured);
    mlb_sheet_text(sheet, "%s", evidence->metric[d]);
    mlb_sheet_text(sheet, "%s", item->price);
    if (cost)
        mlb_sheet_bool(sheet, item->stale, "");
    else
        mlb_sheet_blank(sheet);
}

/* What the figures are of: the work, and the prices. */
static void add_notes(struct mlb_sheet *sheet, const struct mlb_decision *decision,
                      const struct mlb_evidence *evidence, size_t d)
{
    bool cost = evidence->less_is_better[d];
    mlb_sheet_note(sheet, "%s: %s%s%s%s", decision->dimensions[d].name, evidence->metric[d],
                   cost ? "; " : "", cost ? evidence->unit[d] : "",
                   cost ? " at the median price" : "");
    for (size_t i = 0; i < decision->matrix.options; i++)
        if (evidence->items[d][i].price[0])
            mlb_sheet_note(sheet, "%s: %s", decision->options[i].name, evidence->items[d][i].price);
}

void mlb_decide_measured_sheet(struct mlb_document *document, const struct mlb_decision *decision,
                               const struct mlb_evidence *evidence)
{
    struct mlb_sheet *sheet = NULL;
    for (size_t d = 0; d < decision->matrix.dimensions; d++) {
        if (!evidence->filled[d])
            continue;
        if (!sheet)
            sheet =
                mlb_document_sheet(document, "measured",
                                   "Measured: the best has 5, the others in proportion", columns);
        for (size_t i = 0; i < decision->matrix.options; i++)
            if (evidence->items[d][i].known)
                add_row(sheet, decision, evidence, d, i);
        add_notes(sheet, decision, evidence, d);
    }
}

/* ---------------------------------------------------------------------------------------- notes */

static void count_items(const struct mlb_decision *decision, const struct mlb_evidence *evidence,
                        size_t *stale, size_t *within, size_t *sick)
{
    for (size_t d = 0; d < decision->matrix.dimensions; d++)
        for (size_t i = 0; i < decision->matrix.options && evidence->filled[d]; i++) {
            const struct mlb_evidence_item *item = &evidence->items[d][i];
            *stale += item->stale;
            *within += item->known && item->launches == 1;
            *sick += item->known && item->sick > 0;
        }
}

void mlb_decide_measured_notes(struct mlb_document *document, const struct mlb_decision *decision,
                               const struct mlb_evidence *evidence)
{
    size_t stale = 0, within = 0, sick = 0;
    count_items(decision, evidence, &stale, &within, &sick);
    if (evidence->others)
        mlb_document_note(document, "no_option", "%zu of %zu records belong%s to no option",
                          evidence->others,
                          evidence->others + evidence->left_out + evidence->records,
                          evidence->others == 1 ? "s" : "");
    if (evidence->left_out)
        mlb_document_note(document, "left_out",
                          "%zu record%s left out: ranks took turns or shared a device, or other "
                          "data than normal",
                          evidence->left_out, evidence->left_out == 1 ? " is" : "s are");
    if (within)
        mlb_document_note(document, "one_launch",
                          "%zu measured score%s of one launch: the interval is within it and tells "
                          "nothing of how launches differ",
                          within, within == 1 ? " is" : "s are");
    if (stale)
        mlb_document_note(document, "stale_price",
                          "%zu cost%s at a price that is older than %d days (\"old\")", stale,
                          stale == 1 ? " is" : "s are", MLB_PRICE_STALE_DAYS);
    if (sick)
        mlb_document_note(document, "sick",
                          "%zu measured score%s of launches with a health note: see their records",
                          sick, sick == 1 ? " is" : "s are");
}
