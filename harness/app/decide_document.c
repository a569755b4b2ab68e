/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/decide_document.h"

#include <math.h>
#include <string.h>

#include "harness/app/paths.h"
#include "harness/base/units.h"

/* Everything that the tables are made of. */
struct told {
    const struct mlb_decision *decision;
    const struct mlb_matrix *matrix;
    const struct mlb_evidence *evidence;
    struct mlb_standing standings[MLB_DECIDE_OPTIONS];
    struct mlb_decide_judgement judgement;
    bool measured; /* some score is */
    struct mlb_document *document;
};

enum { POINTS = 32 };

/* Two decimals at most: "131", "4.5", "128.37". */
static const char *points(char to[POINTS], double value)
{
    mlb_format(to, POINTS, "%.2f", value);
    char *end = to + strlen(to);
    while (end[-1] == '0')
        end--;
    end -= end[-1] == '.';
    *end = '\0';
    return to;
}

static const char *name_of(const struct told *told, size_t option)
{
    return told->decision->options[option].name;
}

/* ----------------------------------------------------------------------------------------- head */

/* Who is named beside the first: its equals, else all that stand near it. */
static bool is_leader(const struct told *told, const struct mlb_standing *standing)
{
    return told->judgement.verdict == MLB_DECIDE_TIE ? standing->rank == 1
                                                     : told->judgement.near[standing->option];
}

/* "GCP 131 and AWS 129" */
static void add_leaders(const struct told *told, struct mlb_text *to)
{
    char number[POINTS];
    size_t left = 0;
    for (size_t i = 0; i < told->matrix->options; i++)
        left += is_leader(told, &told->standings[i]);
    for (size_t i = 0; i < told->matrix->options; i++) {
        const struct mlb_standing *standing = &told->standings[i];
        if (!is_leader(told, standing))
            continue;
        left--;
        mlb_text_addf(to, "%s %s%s", name_of(told, standing->option),
                      points(number, standing->total),
                      left > 1 ? ", "
                      : left   ? " and "
                               : "");
    }
}

static void add_reason(const struct told *told, struct mlb_text *to)
{
    const struct mlb_decide_judgement *judgement = &told->judgement;
    char number[POINTS];
    if (judgement->turning_count == 0) {
        mlb_text_add(to, "; the intervals of what was measured overlap");
        return;
    }
    mlb_text_addf(to, "; one point on '%s' (weight %s) turns it",
                  told->decision->dimensions[judgement->turning].name,
                  points(number, told->matrix->weight[judgement->turning]));
    size_t others = told->matrix->dimensions - 1, turning = judgement->turning_count - 1;
    if (turning > 0 && turning == others)
        mlb_text_add(to, ", or on any other");
    else if (turning > 0)
        mlb_text_addf(to, ", or on %zu of the %zu others", turning, others);
}

static void add_verdict(const struct told *told)
{
    static const char *const words[] = {"first", "a near tie", "an exact tie"};
    struct mlb_text text = {0};
    char maximum[POINTS], behind[POINTS];
    const struct mlb_standing *second = &told->standings[1];
    enum mlb_decide_verdict verdict = told->judgement.verdict;
    add_leaders(told, &text);
    mlb_text_addf(&text, " of %s: %s",
                  points(maximum, told->standings[0].total / told->standings[0].share),
                  words[verdict]);
    if (verdict == MLB_DECIDE_CLEAR)
        mlb_text_addf(&text, ", %s before %s; no point on one score turns it",
                      points(behind, second->behind), name_of(told, second->option));
    else if (verdict == MLB_DECIDE_NEAR_TIE)
        add_reason(told, &text);
    mlb_document_text(told->document, "verdict", NULL, "%s", mlb_decide_verdict_names[verdict]);
    mlb_document_text(told->document, "verdict_text", "verdict", "%s", mlb_text_get(&text));
    mlb_document_text(told->document, "first", NULL, "%s",
                      name_of(told, told->standings[0].option));
    mlb_document_real(told->document, "margin", NULL, second->behind, "%s", "");
    mlb_document_real(told->document, "maximum", NULL,
                      told->standings[0].total / told->standings[0].share, "%s", "");
    mlb_text_free(&text);
}

static void add_stability(const struct told *told)
{
    struct mlb_stability stability =
        mlb_decide_stability(told->matrix, MLB_DECIDE_DRAWS, MLB_DECIDE_SEED);
    struct mlb_document *document = told->document;
    mlb_document_real(document, "stays_first_scores", NULL, stability.scores, "%s", "");
    mlb_document_real(document, "stays_first_weights", NULL, stability.weights, "%s", "");
    mlb_document_real(document, "draws", NULL, (double)stability.draws, "%s", "");
    mlb_document_real(document, "seed", NULL, (double)stability.seed, "%s", "");
    mlb_document_text(document, "stability_text", "sure",
                      "%s stays first in %.1f %% of %d draws with every given score within +-1%s, "
                      "in %.1f %% with every weight within +-1 (seed %d)",
                      name_of(told, told->standings[0].option), 100.0 * stability.scores,
                      MLB_DECIDE_DRAWS,
                      told->measured ? " and measured ones within their "
                                       "intervals"
                                     : "",
                      100.0 * stability.weights, MLB_DECIDE_SEED);
}

/* One weight or one score that makes another option first. */
struct change {
    struct mlb_turn turn;
    double now;
    size_t dimension, option; /* option = their number: it is the weight */
};

static void keep_smaller(struct change *kept, struct change change)
{
    bool turns = change.turn.kind == MLB_TURN_FIRST;
    bool smaller = fabs(change.turn.at - change.now) < fabs(kept->turn.at - kept->now);
    if (turns && (kept->turn.kind != MLB_TURN_FIRST || smaller))
        *kept = change;
}

/* Of all but what was measured. */
static struct change smallest_change(const struct mlb_matrix *matrix)
{
    struct change smallest = {.turn = {.kind = MLB_TURN_NEVER}};
    for (size_t d = 0; d < matrix->dimensions; d++) {
        keep_smaller(&smallest, (struct change){mlb_decide_turn_weight(matrix, d),
                                                matrix->weight[d], d, matrix->options});
        for (size_t i = 0; i < matrix->options; i++)
            if (!matrix->score[d][i].measured)
                keep_smaller(&smallest, (struct change){mlb_decide_turn_score(matrix, d, i),
                                                        matrix->score[d][i].value, d, i});
    }
    return smallest;
}

/* "the weight of 'cost' above 4", "AWS's score for 'compute' below 4.6" */
static void add_change(const struct told *told, const struct change *change, struct mlb_text *to)
{
    char at[POINTS];
    bool weight = change->option == told->matrix->options;
    mlb_text_addf(to, "%s%s '%s' %s %s", weight ? "the weight" : name_of(told, change->option),
                  weight ? " of" : "'s score for",
                  told->decision->dimensions[change->dimension].name,
                  change->turn.up ? "above" : "below", points(at, change->turn.at));
}

static void add_smallest_change(const struct told *told)
{
    const struct change change = smallest_change(told->matrix);
    const char *rival = name_of(told, change.turn.rival);
    struct mlb_text text = {0};
    char now[POINTS];
    bool turns = change.turn.kind == MLB_TURN_FIRST;
    if (turns)
        add_change(told, &change, &text);
    if (!turns)
        mlb_text_add(&text, "no change of one weight or one score alone");
    else if (told->judgement.verdict == MLB_DECIDE_TIE)
        mlb_text_addf(&text, ", however little, puts %s first", rival);
    else
        mlb_text_addf(&text, " instead of %s (then %s is first); no single change is smaller",
                      points(now, change.now), rival);
    mlb_document_text(told->document, "smallest_change_text", "turned by", "%s",
                      mlb_text_get(&text));
    if (turns)
        mlb_document_real(told->document, "smallest_change", NULL,
                          fabs(change.turn.at - change.now), "%s", "");
    mlb_text_free(&text);
}

/* -------------------------------------------------------------------------------------- options */

static const struct mlb_column option_columns[] = {
    {"rank", "#", MLB_COLUMN_BOTH, true, false},
    {"option", "option", MLB_COLUMN_BOTH, false, true},
    {"total", "total", MLB_COLUMN_BOTH, true, false},
    {"interval", "by intervals", MLB_COLUMN_PEOPLE, false, false},
    {"total_low", "", MLB_COLUMN_MACHINE, true, false},
    {"total_high", "", MLB_COLUMN_MACHINE, true, false},
    {"share", "of all", MLB_COLUMN_BOTH, true, false},
    {"behind", "behind", MLB_COLUMN_BOTH, true, false},
    {NULL}};

static void add_interval(struct mlb_sheet *sheet, double low, double high)
{
    char a[POINTS], b[POINTS];
    if (high - low < 0.005)
        mlb_sheet_blank(sheet);
    else
        mlb_sheet_text(sheet, "[%s, %s]", points(a, low), points(b, high));
}

static void add_options(const struct told *told)
{
    struct mlb_sheet *sheet =
        mlb_document_sheet(told->document, "options", "Options", option_columns);
    char number[POINTS];
    for (size_t i = 0; i < told->matrix->options; i++) {
        const struct mlb_standing *standing = &told->standings[i];
        mlb_sheet_row(sheet);
        mlb_sheet_real(sheet, (double)standing->rank, "%zu", standing->rank);
        mlb_sheet_text(sheet, "%s", name_of(told, standing->option));
        mlb_sheet_real(sheet, standing->total, "%s", points(number, standing->total));
        add_interval(sheet, standing->low, standing->high);
        mlb_sheet_real(sheet, standing->low, "%s", "");
        mlb_sheet_real(sheet, standing->high, "%s", "");
        mlb_sheet_real(sheet, standing->share, "%.1f %%", 100.0 * standing->share);
        mlb_sheet_real(sheet, standing->behind, "%s",
                       standing->behind > 0.0 ? points(number, standing->behind) : "");
    }
}

/* --------------------------------------------------------------------------------------- scores */

static bool is_used(const struct mlb_decide_columns *columns, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(columns->keys[i], key) == 0)
            return true;
    return false;
}

/* Keys for machines from names for people: "score_aws"; "score_2" where the name has no letter of
 * ASCII, or where another one reads the same. */
static void name_columns(const struct mlb_decision *decision, struct mlb_decide_columns *columns)
{
    for (size_t i = 0; i < decision->matrix.options; i++) {
        char slug[64], *key = columns->keys[i];
        mlb_slug(decision->options[i].name, slug, sizeof slug);
        for (char *at = slug; *at; at++)
            *at = *at == '-' ? '_' : *at;
        mlb_format(key, sizeof columns->keys[i], "score_%s", slug);
        if (!slug[0] || is_used(columns, i, key))
            mlb_format(key, sizeof columns->keys[i], "score_%zu", i + 1);
    }
}

static void build_columns(const struct mlb_decision *decision, struct mlb_decide_columns *columns)
{
    size_t options = decision->matrix.options;
    name_columns(decision, columns);
    columns->scores[0] = columns->turns[0] =
        (struct mlb_column){"dimension", "dimension", MLB_COLUMN_BOTH, false, true};
    columns->scores[1] = (struct mlb_column){"weight", "weight", MLB_COLUMN_BOTH, true, false};
    for (size_t i = 0; i < options; i++)
        columns->scores[2 + i] = columns->turns[1 + i] = (struct mlb_column){
            columns->keys[i], decision->options[i].name, MLB_COLUMN_BOTH, true, false};
    columns->scores[2 + options] =
        (struct mlb_column){"turn_weight", "turns with weight", MLB_COLUMN_BOTH, true, false};
    columns->scores[3 + options] =
        (struct mlb_column){"turn", "to", MLB_COLUMN_PEOPLE, false, true};
    columns->scores[4 + options] =
        (struct mlb_column){"turn_when", "", MLB_COLUMN_MACHINE, false, false};
    columns->scores[5 + options] =
        (struct mlb_column){"turn_first", "", MLB_COLUMN_MACHINE, false, false};
}

/* "< 2", "> 4.5", "= 1: a tie", "never". */
static void add_turn(struct mlb_sheet *sheet, struct mlb_turn turn)
{
    char number[POINTS];
    points(number, turn.at);
    if (turn.kind == MLB_TURN_NEVER)
        mlb_sheet_real(sheet, NAN, "%s", "never");
    else
        mlb_sheet_real(sheet, turn.at, "%s %s",
                       turn.kind == MLB_TURN_TIE ? "="
                       : turn.up                 ? ">"
                                                 : "<",
                       number);
}

/* At which weight, then who: for people, and in three parts for machines. */
static void add_weight_turn(const struct told *told, struct mlb_sheet *sheet, struct mlb_turn turn)
{
    bool never = turn.kind == MLB_TURN_NEVER, tie = turn.kind == MLB_TURN_TIE;
    const char *rival = never ? "" : name_of(told, turn.rival);
    add_turn(sheet, turn);
    mlb_sheet_text(sheet, "%s%s", tie ? "ties with " : "", rival);
    mlb_sheet_text(sheet, "%s", never ? "never" : tie ? "tie" : turn.up ? "above" : "below");
    mlb_sheet_text(sheet, "%s", rival);
}

static void add_scores(const struct told *told, const struct mlb_decide_columns *columns)
{
    struct mlb_sheet *sheet = mlb_document_sheet(told->document, "scores",
                                                 "Scores, and the weight at which another "
                                                 "option is first",
                                                 columns->scores);
    char number[POINTS];
    for (size_t d = 0; d < told->matrix->dimensions; d++) {
        double weight = told->matrix->weight[d];
        mlb_sheet_row(sheet);
        mlb_sheet_text(sheet, "%s", told->decision->dimensions[d].name);
        mlb_sheet_real(sheet, weight, "%s", points(number, weight));
        for (size_t i = 0; i < told->matrix->options; i++) {
            const struct mlb_score *score = &told->matrix->score[d][i];
            mlb_sheet_real(sheet, score->value, "%s%s", points(number, score->value),
                           score->measured ? "*" : "");
        }
        add_weight_turn(told, sheet, mlb_decide_turn_weight(told->matrix, d));
    }
    if (told->measured)
        mlb_sheet_note(sheet, "* measured, see below");
}

/* Dimensions that records could have filled, and did not. */
static void add_unmeasured(const struct told *told)
{
    struct mlb_text names = {0};
    for (size_t d = 0; d < told->matrix->dimensions; d++) {
        const struct mlb_decision_dimension *dimension = &told->decision->dimensions[d];
        if (dimension->measure != MLB_DECIDE_GIVEN && !told->evidence->filled[d])
            mlb_text_addf(&names, "%s%s", names.length ? ", " : "", dimension->name);
    }
    if (names.length)
        mlb_document_note(told->document, "not_measured",
                          "Not measured of two options, so that the file's scores count: %s "
                          "(mlbench decide FILE RECORDS)",
                          mlb_text_get(&names));
    mlb_text_free(&names);
}

static void add_turns(const struct told *told, const struct mlb_decide_columns *columns)
{
    struct mlb_sheet *sheet =
        mlb_document_sheet(told->document, "turns",
                           "Scores at which another option is first, each alone", columns->turns);
    for (size_t d = 0; d < told->matrix->dimensions; d++) {
        mlb_sheet_row(sheet);
        mlb_sheet_text(sheet, "%s", told->decision->dimensions[d].name);
        for (size_t i = 0; i < told->matrix->options; i++)
            add_turn(sheet, mlb_decide_turn_score(told->matrix, d, i));
    }
    mlb_sheet_note(sheet, "= at the end of the range the two are equal, no more; never: not within "
                          "1 to 5");
}

struct mlb_document *mlb_decide_document(const struct mlb_decision *decision,
                                         const struct mlb_evidence *evidence, const char *path,
                                         struct mlb_decide_columns *columns)
{
    struct told told = {.decision = decision,
                        .matrix = &decision->matrix,
                        .evidence = evidence,
                        .judgement = mlb_decide_judge(&decision->matrix)};
    mlb_decide_rank(told.matrix, told.standings);
    for (size_t d = 0; d < told.matrix->dimensions; d++)
        told.measured = told.measured || evidence->filled[d];
    told.document =
        mlb_document_new("decide", "Decision: %s", decision->title[0] ? decision->title : path);
    *columns = (struct mlb_decide_columns){0};
    build_columns(decision, columns);
    mlb_document_text(told.document, "file", NULL, "%s", path);
    add_verdict(&told);
    add_smallest_change(&told);
    add_stability(&told);
    add_options(&told);
    add_scores(&told, columns);
    add_turns(&told, columns);
    mlb_decide_measured_sheet(told.document, decision, evidence);
    mlb_decide_measured_notes(told.document, decision, evidence);
    add_unmeasured(&told);
    return told.document;
}
