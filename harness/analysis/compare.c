/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/compare_parts.h"
#include "harness/analysis/multiple.h"

const char *const mlb_compare_verdict_names[] = {
    "worse", "better", "unsure", "small", "same", "not_judged", "refused", "missing", NULL};

/* ---------------------------------------------------------------------------------------- cases
 */

/* One case of any record: its row in each launch, those of the base first. */
struct found {
    const struct mlb_case_name *name;
    const struct mlb_digest_row **rows; /* owned; a launch each */
    bool has_value, tried;              /* in some launch */
};

struct cases {
    struct found *items;
    size_t count, capacity, launches;
};

static void cases_free(struct cases *cases)
{
    for (size_t i = 0; i < cases->count; i++)
        free(cases->items[i].rows);
    free(cases->items);
}

static bool is_case(const struct found *found, const struct mlb_case_name *name)
{
    return found->name == name || strcmp(found->name->id, name->id) == 0;
}

/* Records of one suite have their cases in one order, so the next one is mostly the one; else the
 * first that fits. cases->count when there is none. */
static size_t find_case(const struct cases *cases, const struct mlb_case_name *name, size_t guess)
{
    if (guess < cases->count && is_case(&cases->items[guess], name))
        return guess;
    size_t i = 0;
    while (i < cases->count && !is_case(&cases->items[i], name))
        i++;
    return i;
}

static bool add_case(struct cases *cases, const struct mlb_case_name *name)
{
    if (cases->count == cases->capacity) {
        size_t capacity = cases->capacity ? 2 * cases->capacity : 64;
        struct found *items = realloc(cases->items, capacity * sizeof *items);
        if (!items)
            return false;
        cases->items = items;
        cases->capacity = capacity;
    }
    struct found *found = &cases->items[cases->count];
    *found = (struct found){.name = name, .rows = calloc(cases->launches, sizeof *found->rows)};
    cases->count += found->rows != NULL;
    return found->rows != NULL;
}

static bool wanted(const struct mlb_case_name *name, const char *only)
{
    return !only || !only[0] || mlb_glob_match(only, name->id) || mlb_glob_match(only, name->label);
}

static bool add_record(struct cases *cases, const struct mlb_digest *digest, size_t launch,
                       const char *only)
{
    size_t at = 0;
    for (size_t r = 0; r < digest->row_count; r++) {
        const struct mlb_digest_row *row = &digest->rows[r];
        if (!wanted(row->name, only))
            continue;
        at = find_case(cases, row->name, at);
        if (at == cases->count && !add_case(cases, row->name))
            return false;
        cases->items[at].rows[launch] = row;
        cases->items[at].has_value |= mlb_compare_has_value(row);
        cases->items[at].tried |= row->status != MLB_ROW_SKIPPED;
        at++;
    }
    return true;
}

static bool collect(struct cases *cases, const struct mlb_digests *base,
                    const struct mlb_digests *other, const char *only)
{
    cases->launches = base->count + other->count;
    for (size_t i = 0; i < cases->launches; i++) {
        bool of_base = i < base->count;
        const struct mlb_digest *digest =
            of_base ? &base->items[i] : &other->items[i - base->count];
        if (!add_record(cases, digest, i, only))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------- verdicts
 */

static struct mlb_change relative(struct mlb_change log_ratio)
{
    return (struct mlb_change){log_ratio.known, expm1(log_ratio.estimate), expm1(log_ratio.low),
                               expm1(log_ratio.high)};
}

struct mlb_change mlb_compare_change(const struct mlb_compare_line *line)
{
    struct mlb_change gain = line->gain;
    if (strcmp(line->unit, "s") == 0)
        gain = (struct mlb_change){gain.known, -gain.estimate, -gain.high, -gain.low};
    return relative(gain);
}

/* Holm's first step needs a p of alpha / m, and with more launches those that are undecidable now
 * are of the family too. */
static double strictest(const struct mlb_comparison *comparison, double alpha)
{
    size_t family = comparison->tested + comparison->undecidable;
    return alpha / (double)(family ? family : 1);
}

static size_t launches_needed(double alpha)
{
    size_t n = 1;
    while (mlb_rank_smallest_p(n, n) > alpha)
        n++;
    return n;
}

/* How much narrower the interval has to become, as a part of its width. Either for the gain to be
 * significant in the family, z(alpha/2) standard errors, of which the half width at 90 % is
 * z(0.05); or for the interval to lie within the margin: the nearer of the two. */
static double narrower(const struct mlb_compare_line *line, double alpha)
{
    double gain = fabs(line->gain90.estimate), left = log1p(line->margin) - gain;
    double half = (line->gain90.high - line->gain90.low) / 2.0;
    double significant = gain * mlb_normal_z(0.05) / mlb_normal_z(alpha / 2.0);
    return line->gain90.known ? fmin(1.0, fmax(significant, left) / half) : 1.0;
}

/* An interval's width goes with sqrt(1/n + 1/m). */
static size_t more_launches(const struct mlb_compare_line *line, double alpha)
{
    double n = (double)line->side[MLB_BASE].launches, m = (double)line->side[MLB_NEW].launches;
    double part = narrower(line, alpha), target = (1.0 / n + 1.0 / m) * part * part;
    const size_t most = 9999;
    size_t k = 1;
    while (k < most && (1.0 / (n + (double)k) + 1.0 / (m + (double)k) > target ||
                        mlb_rank_smallest_p((size_t)n + k, (size_t)m + k) > alpha))
        k++;
    return k;
}

/* Of launches too few to have a spread nothing tells whether both sides spread alike; where they do
 * not, their interval misses the truth twice as often as it should. */
static bool lies_within(const struct mlb_compare_line *line, double margin)
{
    bool spreads = !isnan(line->side[MLB_BASE].spread) && !isnan(line->side[MLB_NEW].spread);
    return spreads && line->gain90.known && line->gain90.low > -margin &&
           line->gain90.high < margin;
}

static void judge(struct mlb_compare_line *line, double alpha, double strict)
{
    double gain = line->gain.estimate, margin = log1p(line->margin);
    if (line->p_adjusted < alpha && fabs(gain) >= margin) {
        line->verdict = gain < 0.0 ? MLB_COMPARE_WORSE : MLB_COMPARE_BETTER;
        line->clear = line->gain.known &&
                      (gain < 0.0 ? line->gain.high <= -margin : line->gain.low >= margin);
    } else if (line->p_adjusted < alpha) {
        line->verdict = MLB_COMPARE_SMALL;
    } else if (lies_within(line, margin)) {
        line->verdict = MLB_COMPARE_SAME;
    } else {
        line->more_launches = more_launches(line, strict);
    }
}

static bool to_be_judged(const struct mlb_compare_line *line)
{
    return line->verdict == MLB_COMPARE_UNSURE;
}

static bool judge_family(struct mlb_comparison *comparison, double alpha)
{
    double *p = malloc((comparison->line_count + 1) * sizeof *p);
    for (size_t i = 0; p && i < comparison->line_count; i++) {
        const struct mlb_compare_line *line = &comparison->lines[i];
        p[i] = to_be_judged(line) ? line->p : NAN;
        comparison->tested += to_be_judged(line) && !isnan(line->p);
        comparison->undecidable += to_be_judged(line) && isnan(line->p);
    }
    bool done = p && mlb_holm(p, comparison->line_count, p);
    double strict = strictest(comparison, alpha);
    comparison->needed = launches_needed(strict);
    for (size_t i = 0; done && i < comparison->line_count; i++) {
        struct mlb_compare_line *line = &comparison->lines[i];
        line->p_adjusted = p[i];
        if (to_be_judged(line))
            judge(line, alpha, strict);
        comparison->count[line->verdict]++;
        comparison->missing_primary += line->primary && line->verdict >= MLB_COMPARE_REFUSED;
    }
    free(p);
    return done;
}

/* ------------------------------------------------------------------------------------------ all
 */

static bool compare_cases(struct mlb_comparison *comparison, const struct cases *cases,
                          const size_t launches[MLB_SIDES], const struct mlb_compare_choice *choice,
                          struct mlb_compare_bench *bench)
{
    comparison->lines = calloc(cases->count + 1, sizeof *comparison->lines);
    if (!comparison->lines)
        return false;
    for (size_t i = 0; i < cases->count; i++) {
        const struct found *found = &cases->items[i];
        const struct mlb_compare_rows rows = {{found->rows, found->rows + launches[MLB_BASE]},
                                              {launches[MLB_BASE], launches[MLB_NEW]}};
        struct mlb_compare_line *line = &comparison->lines[comparison->line_count];
        comparison->nowhere += found->tried && !found->has_value;
        if (!found->has_value)
            continue;
        line->name = found->name;
        comparison->line_count++;
        if (!mlb_compare_case(bench, &rows, choice, line))
            return false;
        if (line->verdict < MLB_COMPARE_REFUSED && !mlb_compare_case_differences(comparison, &rows))
            return false;
    }
    return true;
}

static bool compare_all(struct mlb_comparison *comparison, const struct mlb_digests *base,
                        const struct mlb_digests *other, const struct mlb_compare_choice *choice,
                        struct mlb_compare_bench *bench)
{
    const size_t launches[MLB_SIDES] = {base->count, other->count};
    struct cases cases = {0};
    bench->alpha = choice->alpha;
    bool done = collect(&cases, base, other, choice->only) &&
                mlb_compare_differences(comparison, base, other) &&
                compare_cases(comparison, &cases, launches, choice, bench) &&
                judge_family(comparison, choice->alpha) &&
                mlb_compare_mean_of(comparison, bench, launches) && mlb_compare_clocks(comparison);
    cases_free(&cases);
    return done;
}

enum mlb_status mlb_compare(const struct mlb_digests *base, const struct mlb_digests *other,
                            const struct mlb_compare_choice *choice,
                            struct mlb_comparison *comparison, struct mlb_error *err)
{
    struct mlb_compare_bench bench;
    *comparison = (struct mlb_comparison){0};
    if (mlb_compare_jobs(base, other, err) != MLB_OK)
        return err->status;
    mlb_compare_name_sides(comparison, base, other);
    bool done = mlb_compare_bench_init(&bench, base->count, other->count) &&
                compare_all(comparison, base, other, choice, &bench);
    mlb_compare_bench_free(&bench);
    if (done)
        return MLB_OK;
    mlb_comparison_free(comparison);
    return mlb_fail(err, MLB_E_NOMEM, "compare: out of memory for %zu records",
                    base->count + other->count);
}

void mlb_comparison_free(struct mlb_comparison *comparison)
{
    free(comparison->lines);
    free(comparison->differences);
    *comparison = (struct mlb_comparison){0};
}
