/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench compare BASE... -- NEW...: two selections of records, the judge, a document, a gate. */
#include <stdio.h>
#include <string.h>

#include "harness/app/commands.h"
#include "harness/app/selection.h"
#include "harness/report/comparison.h"
#include "harness/report/report.h"

struct sides {
    const char *const *words[MLB_SIDES];
    size_t count[MLB_SIDES];
};

/* What stands behind "--" is not looked at for options. */
static enum mlb_status check_words(const struct mlb_options *options, struct mlb_error *err)
{
    for (size_t i = options->side; i < options->word_count; i++)
        if (options->words[i][0] == '-')
            return mlb_fail(err, MLB_E_USAGE,
                            "compare: '%s' stands behind the '--' between the sides; options go "
                            "before it: mlbench compare %s BASE... -- NEW...",
                            options->words[i], options->words[i]);
    return MLB_OK;
}

/* Two words alone are a side each. */
static enum mlb_status split(const struct mlb_options *options, struct sides *sides,
                             struct mlb_error *err)
{
    size_t base = options->side;
    if (base == options->word_count && base == 2)
        base = 1;
    if (base == 0 || base == options->word_count)
        return mlb_fail(err, MLB_E_USAGE,
                        "compare: needs records on both sides of '--': mlbench compare before/ -- "
                        "after/, mlbench compare provider=aws -- provider=gcp");
    *sides =
        (struct sides){{options->words, options->words + base}, {base, options->word_count - base}};
    return MLB_OK;
}

static enum mlb_status read_sides(const struct mlb_options *options, const struct sides *sides,
                                  struct mlb_selection selections[MLB_SIDES], struct mlb_error *err)
{
    const struct mlb_log log = {
        .level = options->quiet ? MLB_LOG_ERROR : MLB_LOG_INFO, .stream_fd = 2, .rank = -1};
    for (int s = 0; s < MLB_SIDES; s++)
        if (mlb_selection_read(&selections[s], sides->words[s], sides->count[s], options->records,
                               &log, err) != MLB_OK)
            return mlb_fail_at(err, s == MLB_BASE ? "base" : "new");
    return mlb_selection_disjoint(&selections[MLB_BASE], &selections[MLB_NEW], err);
}

static enum mlb_status print(const struct mlb_options *options,
                             const struct mlb_comparison_view *view, struct mlb_error *err)
{
    const char *format = mlb_printer_names[options->format];
    struct mlb_document *document = mlb_report_comparison(view);
    struct mlb_text text = {0};
    enum mlb_status status =
        document ? mlb_document_print(document, format, &text, err)
                 : mlb_fail(err, MLB_E_NOMEM, "compare: out of memory for its tables");
    if (status == MLB_OK)
        status = mlb_print(mlb_text_get(&text), err);
    mlb_text_free(&text);
    mlb_document_free(document);
    return status;
}

static const struct mlb_compare_line *slowest(const struct mlb_comparison *comparison)
{
    const struct mlb_compare_line *worst = NULL;
    for (size_t i = 0; i < comparison->line_count; i++) {
        const struct mlb_compare_line *line = &comparison->lines[i];
        if (line->verdict == MLB_COMPARE_WORSE &&
            (!worst || line->gain.estimate < worst->gain.estimate))
            worst = line;
    }
    return worst;
}

static enum mlb_status pass_gate(const struct mlb_comparison *comparison, struct mlb_error *err)
{
    const struct mlb_compare_line *worst = slowest(comparison);
    size_t slower = comparison->count[MLB_COMPARE_WORSE];
    size_t unsure = comparison->count[MLB_COMPARE_UNSURE];
    size_t missing = comparison->missing_primary + comparison->nowhere;
    char name[160], change[64];
    if (worst)
        return mlb_fail(err, MLB_E_SLOWER, "gate: %zu case%s slower; most: %s, %s %%", slower,
                        slower == 1 ? " is" : "s are",
                        mlb_comparison_case(worst, name, sizeof name),
                        mlb_comparison_change(mlb_compare_change(worst), change, sizeof change));
    if (unsure || missing)
        return mlb_fail(err, MLB_E_NO_VERDICT,
                        "gate: %zu case%s unsure, %zu missing, failed or not comparable", unsure,
                        unsure == 1 ? " is" : "s are", missing);
    if (comparison->tested + comparison->undecidable == 0)
        return mlb_fail(err, MLB_E_NO_VERDICT, "gate: no case was judged; --all judges all");
    return MLB_OK;
}

static enum mlb_status judge(const struct mlb_options *options,
                             const struct mlb_comparison *comparison, struct mlb_error *err)
{
    size_t refused = comparison->count[MLB_COMPARE_REFUSED];
    size_t missing = comparison->count[MLB_COMPARE_MISSING];
    if (comparison->line_count == refused + missing)
        return mlb_fail(err, MLB_E_NO_VERDICT,
                        "compare: no case was measured on both sides%s%s (%zu on one side only, "
                        "%zu not comparable)",
                        options->only[0] ? " that matches --only " : "", options->only, missing,
                        refused);
    return options->gate ? pass_gate(comparison, err) : MLB_OK;
}

static void join(const struct sides *sides, int side, struct mlb_text *to)
{
    for (size_t i = 0; i < sides->count[side]; i++)
        mlb_text_addf(to, "%s%s", i ? " " : "", sides->words[side][i]);
}

static enum mlb_status compare_selections(const struct mlb_options *options,
                                          const struct sides *sides,
                                          const struct mlb_selection selections[MLB_SIDES],
                                          struct mlb_error *err)
{
    const struct mlb_compare_choice choice = {.alpha = options->alpha,
                                              .margin = options->margin,
                                              .all = options->all,
                                              .only = options->only};
    struct mlb_comparison comparison;
    if (mlb_compare(&selections[MLB_BASE].digests, &selections[MLB_NEW].digests, &choice,
                    &comparison, err) != MLB_OK)
        return err->status;
    const char *format = mlb_printer_names[options->format];
    struct mlb_text words[MLB_SIDES] = {0};
    for (int s = 0; s < MLB_SIDES; s++)
        join(sides, s, &words[s]);
    const struct mlb_comparison_view view = {
        .comparison = &comparison,
        .choice = &choice,
        .launches = {selections[MLB_BASE].digests.count, selections[MLB_NEW].digests.count},
        .words = {mlb_text_get(&words[MLB_BASE]), mlb_text_get(&words[MLB_NEW])},
        .sort = (enum mlb_comparison_sort)options->sort,
        .people = strcmp(format, "text") == 0 || strcmp(format, "markdown") == 0};
    enum mlb_status status = print(options, &view, err);
    if (status == MLB_OK)
        status = judge(options, &comparison, err);
    for (int s = 0; s < MLB_SIDES; s++)
        mlb_text_free(&words[s]);
    mlb_comparison_free(&comparison);
    return status;
}

enum mlb_status mlb_cmd_compare(const struct mlb_options *options, struct mlb_error *err)
{
    struct mlb_selection selections[MLB_SIDES] = {0};
    struct sides sides = {0};
    enum mlb_status status = check_words(options, err);
    if (status == MLB_OK)
        status = split(options, &sides, err);
    if (status == MLB_OK)
        status = read_sides(options, &sides, selections, err);
    if (status == MLB_OK)
        status = compare_selections(options, &sides, selections, err);
    for (int s = 0; s < MLB_SIDES; s++)
        mlb_selection_free(&selections[s]);
    return status;
}
