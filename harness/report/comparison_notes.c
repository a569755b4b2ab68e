/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/comparison_notes.h"

#include <math.h>
#include <string.h>

#include "harness/base/units.h"

/* ----------------------------------------------------------------------------------------- head
 */

static void add_counts(struct mlb_document *document, const struct mlb_comparison *comparison)
{
    static const char *const words[] = {"slower",         "faster",     "unsure",  "small change",
                                        "shown the same", "not judged", "refused", "missing"};
    struct mlb_text text = {0};
    for (int v = 0; v < MLB_COMPARE_VERDICTS; v++) {
        char key[32];
        mlb_format(key, sizeof key, "count_%s", mlb_compare_verdict_names[v]);
        mlb_document_real(document, key, NULL, (double)comparison->count[v], "%s", "");
        if (comparison->count[v] || v <= MLB_COMPARE_BETTER)
            mlb_text_addf(&text, "%s%zu %s", text.length ? ", " : "", comparison->count[v],
                          words[v]);
    }
    mlb_document_text(document, "summary", "cases", "%s", mlb_text_get(&text));
    mlb_text_free(&text);
}

static void add_mean(struct mlb_document *document, const struct mlb_compare_mean *mean)
{
    if (mean->cases == 0)
        return;
    char interval[48] = "";
    if (mean->known)
        mlb_format(interval, sizeof interval, " [%.3f, %.3f]", mean->low, mean->high);
    mlb_document_real(document, "geomean_ratio", "geometric mean", mean->ratio,
                      "%.3f%s of the base's speed over %zu case%s%s", mean->ratio, interval,
                      mean->cases, mean->cases == 1 ? "" : "s",
                      mean->known ? " (bootstrap, seed 1)" : "");
    mlb_document_real(document, "geomean_low", NULL, mean->known ? mean->low : NAN, "%s", "");
    mlb_document_real(document, "geomean_high", NULL, mean->known ? mean->high : NAN, "%s", "");
    mlb_document_real(document, "geomean_cases", NULL, (double)mean->cases, "%s", "");
    mlb_document_real(document, "seed", NULL, (double)mean->seed, "%s", "");
}

static void add_side(struct mlb_document *document, const struct mlb_comparison_view *view,
                     int side)
{
    static const char *const keys[][2] = {{"base_machine", "base_records"},
                                          {"new_machine", "new_records"}};
    static const char *const titles[] = {"base", "new"};
    mlb_document_text(document, titles[side], titles[side], "%s", view->words[side]);
    mlb_document_text(document, keys[side][0], NULL, "%s", view->comparison->side[side]);
    mlb_document_real(document, keys[side][1], NULL, (double)view->launches[side], "%s", "");
}

void mlb_comparison_head(struct mlb_document *document, const struct mlb_comparison_view *view)
{
    const struct mlb_comparison *comparison = view->comparison;
    for (int side = 0; side < MLB_SIDES; side++)
        add_side(document, view, side);
    add_counts(document, comparison);
    add_mean(document, &comparison->mean);
    mlb_document_real(document, "tested", NULL, (double)comparison->tested, "%s", "");
    mlb_document_real(document, "undecidable", NULL, (double)comparison->undecidable, "%s", "");
    mlb_document_real(document, "launches_needed", NULL, (double)comparison->needed, "%s", "");
    mlb_document_real(document, "alpha", NULL, view->choice->alpha, "%s", "");
    char left[48] = "";
    if (comparison->undecidable)
        mlb_format(left, sizeof left, ", %zu undecidable left out", comparison->undecidable);
    mlb_document_text(document, "method", "test",
                      "one launch (a record) = one value a case, its median; Mann-Whitney, Holm "
                      "over m = %zu%s, alpha %g; change: Hodges-Lehmann",
                      comparison->tested, left, view->choice->alpha);
}

/* ------------------------------------------------------------------------------------- the lines
 */

static bool is_first_with_reason(const struct mlb_comparison *comparison, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(comparison->lines[i].reason, comparison->lines[index].reason) == 0)
            return false;
    return comparison->lines[index].reason[0] != '\0';
}

/* One sentence a reason, with the first of its cases. */
static void add_reasons(struct mlb_sheet *sheet, const struct mlb_comparison *comparison)
{
    for (size_t i = 0; i < comparison->line_count; i++) {
        const struct mlb_compare_line *line = &comparison->lines[i];
        if (!is_first_with_reason(comparison, i))
            continue;
        size_t count = 0;
        for (size_t j = i; j < comparison->line_count; j++)
            count += strcmp(comparison->lines[j].reason, line->reason) == 0;
        char name[160], others[48] = "";
        if (count > 1)
            mlb_format(others, sizeof others, " and %zu more", count - 1);
        mlb_sheet_note(sheet, "%s: %s: %s%s",
                       line->verdict == MLB_COMPARE_REFUSED ? "refused" : "missing", line->reason,
                       mlb_comparison_case(line, name, sizeof name), others);
    }
}

static void add_spreads(struct mlb_sheet *sheet, const struct mlb_comparison *comparison)
{
    size_t count = 0;
    const struct mlb_compare_line *widest = NULL;
    for (size_t i = 0; i < comparison->line_count; i++) {
        const struct mlb_compare_line *line = &comparison->lines[i];
        if (!line->unlike_spread || !line->primary)
            continue;
        count++;
        if (!widest || fmax(line->side[MLB_BASE].spread, line->side[MLB_NEW].spread) >
                           fmax(widest->side[MLB_BASE].spread, widest->side[MLB_NEW].spread))
            widest = line;
    }
    if (!widest)
        return;
    char name[160], base[MLB_UNIT_TEXT], other[MLB_UNIT_TEXT];
    mlb_sheet_note(sheet,
                   "launches spread unlike on the two sides in %zu case%s, most in %s: "
                   "interquartile range %s and %s; p is the larger one of Mann-Whitney's and "
                   "Welch's there",
                   count, count == 1 ? "" : "s", mlb_comparison_case(widest, name, sizeof name),
                   mlb_print_percent(base, widest->side[MLB_BASE].spread),
                   mlb_print_percent(other, widest->side[MLB_NEW].spread));
}

static void add_left_out(struct mlb_sheet *sheet, const struct mlb_comparison *comparison, int side)
{
    size_t values = 0, cases = 0;
    for (size_t i = 0; i < comparison->line_count; i++) {
        const struct mlb_compare_side *of = &comparison->lines[i].side[side];
        values += of->launches ? of->failed + of->unverified : 0;
        cases += of->launches && of->failed + of->unverified > 0;
    }
    if (values)
        mlb_sheet_note(sheet,
                       "%s: %zu value%s of %zu case%s left out: failed, not to be trusted or not "
                       "verified",
                       side == MLB_BASE ? "base" : "new", values, values == 1 ? "" : "s", cases,
                       cases == 1 ? "" : "s");
}

void mlb_comparison_line_notes(struct mlb_sheet *sheet, const struct mlb_comparison_view *view)
{
    const struct mlb_comparison *comparison = view->comparison;
    add_reasons(sheet, comparison);
    for (int s = 0; s < MLB_SIDES; s++)
        add_left_out(sheet, comparison, s);
    if (comparison->nowhere)
        mlb_sheet_note(sheet, "%zu case%s failed in all launches of both sides and %s no line",
                       comparison->nowhere, comparison->nowhere == 1 ? "" : "s",
                       comparison->nowhere == 1 ? "has" : "have");
    add_spreads(sheet, comparison);
    if (comparison->count[MLB_COMPARE_SHOWN])
        mlb_sheet_note(sheet, "not judged: messages under 1 MiB and launches; --all judges them");
}

/* ------------------------------------------------------------------------------- about all of it
 */

/* "aws p5.48xlarge, aws p5en.48xlarge" under one name would be an average of two things. */
static void add_mixtures(struct mlb_document *document, const struct mlb_comparison *comparison)
{
    for (int s = 0; s < MLB_SIDES; s++) {
        struct mlb_text text = {0};
        for (size_t i = 0; i < comparison->difference_count; i++) {
            const struct mlb_difference *difference = &comparison->differences[i];
            if (difference->values[s] > 1)
                mlb_text_addf(&text, "%s%s (%zu)", text.length ? ", " : "", difference->what,
                              difference->values[s]);
        }
        if (text.length)
            mlb_document_note(document, s == MLB_BASE ? "mixed_base" : "mixed_new",
                              "%s mixes launches that are unlike in %s.",
                              s == MLB_BASE ? "The base" : "The new side", mlb_text_get(&text));
        mlb_text_free(&text);
    }
}

static void add_want_of_launches(struct mlb_document *document,
                                 const struct mlb_comparison_view *view)
{
    const struct mlb_comparison *comparison = view->comparison;
    size_t fewest = view->launches[MLB_BASE] < view->launches[MLB_NEW] ? view->launches[MLB_BASE]
                                                                       : view->launches[MLB_NEW];
    size_t judged = comparison->tested + comparison->undecidable;
    if (judged == 0 || fewest >= comparison->needed)
        return;
    mlb_document_note(document, "launches",
                      "%zu launch%s on a side cannot show a change%s: with %zu case%s judged "
                      "together it takes at least %zu a side.",
                      fewest, fewest == 1 ? "" : "es",
                      fewest == 1 ? ", since nothing tells how much launches differ" : "", judged,
                      judged == 1 ? "" : "s", comparison->needed);
}

void mlb_comparison_notes(struct mlb_document *document, const struct mlb_comparison_view *view)
{
    char margin[MLB_UNIT_TEXT], own[64];
    mlb_format(own, sizeof own, "the margin (%s)", mlb_print_percent(margin, view->choice->margin));
    add_mixtures(document, view->comparison);
    add_want_of_launches(document, view);
    mlb_document_note(
        document, "verdicts",
        "slower, faster: p below %g and by at least %s; clear: so is the whole "
        "interval. small: p below %g, but by less. same: shown to lie within it. "
        "unsure: none of these; about so many more launches a side would tell. A change "
        "is one of the rate, or of the time where that is shown.",
        view->choice->alpha,
        view->choice->margin > 0.0 ? own : "the margin (2 %, of messages 3 %, of latencies 5 %)",
        view->choice->alpha);
}
