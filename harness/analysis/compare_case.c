/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/compare_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/welch.h"
#include "harness/base/text.h"

/* --------------------------------------------------------------------------------------- metric
 */

/* Of messages up to here the time is looked at, from there on the rate; a rate counts in the family
 * from the second size on, where bandwidth decides and not latency. */
static const double SHORT_BYTES = 65536.0, LONG_BYTES = 1048576.0;

static enum mlb_compare_class class_of(const struct mlb_work *work)
{
    bool message = work->bus_factor > 0.0 || work->link;
    if (message && work->bytes > SHORT_BYTES)
        return work->bytes < LONG_BYTES ? MLB_COMPARE_MIDDLE : MLB_COMPARE_TRANSFER;
    if (message)
        return MLB_COMPARE_LATENCY;
    if (work->flop > 0.0 || work->bytes > 0.0)
        return MLB_COMPARE_COMPUTE;
    return work->ranks > 0 ? MLB_COMPARE_STEP : MLB_COMPARE_LATENCY;
}

static double margin_of(enum mlb_compare_class class_)
{
    static const double margins[] = {[MLB_COMPARE_COMPUTE] = 0.02,
                                     [MLB_COMPARE_STEP] = 0.02,
                                     [MLB_COMPARE_TRANSFER] = 0.03,
                                     [MLB_COMPARE_MIDDLE] = 0.03,
                                     [MLB_COMPARE_LATENCY] = 0.05};
    return margins[class_];
}

static bool is_time(enum mlb_compare_class class_)
{
    return class_ == MLB_COMPARE_STEP || class_ == MLB_COMPARE_LATENCY;
}

/* Collectives by the bandwidth of the bus. */
static enum mlb_rate_kind kind_of(const struct mlb_work *work)
{
    enum mlb_rate_kind kind = mlb_work_rate_kind(work);
    return kind == MLB_RATE_BYTES && work->bus_factor > 0.0 ? MLB_RATE_BUS : kind;
}

/* Work of a step in the line's unit times seconds; 1 where the time itself is looked at. */
static double amount_of(const struct mlb_work *work, enum mlb_compare_class class_)
{
    return is_time(class_) ? 1.0 : mlb_work_amount(work, kind_of(work));
}

static const char *unit_of(const struct mlb_work *work, enum mlb_compare_class class_)
{
    return is_time(class_) ? "s" : mlb_work_unit(work, kind_of(work));
}

/* ---------------------------------------------------------------------------------------- bench
 */

bool mlb_compare_bench_init(struct mlb_compare_bench *bench, size_t base, size_t other)
{
    const size_t launches[MLB_SIDES] = {base, other};
    size_t most = base > other ? base : other;
    *bench = (struct mlb_compare_bench){.scratch = calloc(most + 1, sizeof *bench->scratch)};
    bool done = bench->scratch != NULL;
    for (int s = 0; s < MLB_SIDES; s++) {
        bench->values[s] = calloc(launches[s] + 1, sizeof **bench->values);
        bench->sum[s] = calloc(launches[s] + 1, sizeof **bench->sum);
        bench->members[s] = calloc(launches[s] + 1, sizeof **bench->members);
        done = done && bench->values[s] && bench->sum[s] && bench->members[s];
    }
    return done;
}

void mlb_compare_bench_free(struct mlb_compare_bench *bench)
{
    for (int s = 0; s < MLB_SIDES; s++) {
        free(bench->values[s]);
        free(bench->sum[s]);
        free(bench->members[s]);
    }
    free(bench->scratch);
    mlb_rank_null_free(&bench->null);
}

/* ----------------------------------------------------------------------------------------- rows
 */

bool mlb_compare_has_value(const struct mlb_digest_row *row)
{
    return row && row->status == MLB_ROW_MEASURED && row->verified && row->time.n > 0 &&
           row->time.median > 0.0 && isfinite(row->time.median);
}

static const struct mlb_digest_row *first_with_value(const struct mlb_compare_rows *rows, int side)
{
    for (size_t l = 0; l < rows->launches[side]; l++)
        if (mlb_compare_has_value(rows->rows[side][l]))
            return rows->rows[side][l];
    return NULL;
}

static void count_left_out(const struct mlb_compare_rows *rows, int side,
                           struct mlb_compare_side *to)
{
    for (size_t l = 0; l < rows->launches[side]; l++) {
        const struct mlb_digest_row *row = rows->rows[side][l];
        if (!row || row->status == MLB_ROW_SKIPPED || mlb_compare_has_value(row))
            continue;
        bool unverified = row->status == MLB_ROW_MEASURED && !row->verified;
        *(unverified ? &to->unverified : &to->failed) += 1;
    }
}

/* ------------------------------------------------------------------------------------- refusals
 */

/* The same case has the same work everywhere but where the machine chose the size. */
static bool size_is_chosen(const struct mlb_case_name *name)
{
    const char *bytes = mlb_case_param(name, "bytes");
    return strcmp(bytes, "0") == 0 || strcmp(bytes, "auto") == 0;
}

static bool same_work(const struct mlb_work *a, const struct mlb_work *b, bool sized)
{
    return a->operations == b->operations && a->link == b->link && a->ranks == b->ranks &&
           a->nodes == b->nodes && a->bus_factor == b->bus_factor &&
           (sized || (a->flop == b->flop && a->bytes == b->bytes));
}

/* False with the reason when `row` is other work than `first`. */
static bool is_like(const struct mlb_digest_row *first, const struct mlb_digest_row *row,
                    struct mlb_compare_line *line)
{
    if (strcmp(first->formula, row->formula) != 0) {
        mlb_format(line->reason, sizeof line->reason, "formula %s against %s", first->formula,
                   row->formula);
        return false;
    }
    if (same_work(&first->work, &row->work, size_is_chosen(line->name)))
        return true;
    const struct mlb_work *a = &first->work, *b = &row->work;
    mlb_format(line->reason, sizeof line->reason,
               "work of a step: %.6g FLOP, %.6g bytes, %d ranks on %d machines against %.6g FLOP, "
               "%.6g bytes, %d on %d",
               a->flop, a->bytes, a->ranks, a->nodes, b->flop, b->bytes, b->ranks, b->nodes);
    return false;
}

static bool all_like(const struct mlb_compare_rows *rows, const struct mlb_digest_row *first,
                     struct mlb_compare_line *line)
{
    for (int s = 0; s < MLB_SIDES; s++)
        for (size_t l = 0; l < rows->launches[s]; l++)
            if (mlb_compare_has_value(rows->rows[s][l]) && !is_like(first, rows->rows[s][l], line))
                return false;
    return true;
}

static void say_missing(const struct mlb_compare_side sides[MLB_SIDES],
                        struct mlb_compare_line *line)
{
    static const char *const names[] = {[MLB_BASE] = "the base", [MLB_NEW] = "the new side"};
    int side = sides[MLB_BASE].launches ? MLB_NEW : MLB_BASE;
    size_t failed = sides[side].failed, unverified = sides[side].unverified;
    const char *what = failed && unverified ? "failed, not to be trusted or not verified"
                       : failed             ? "failed or not to be trusted"
                       : unverified         ? "not verified"
                                            : "not measured";
    line->verdict = MLB_COMPARE_MISSING;
    mlb_format(line->reason, sizeof line->reason, "%s on %s", what, names[side]);
}

/* --------------------------------------------------------------------------------------- values
 */

static double median_of(double *values, size_t n)
{
    mlb_sort(values, n);
    return mlb_quantile_sorted(values, n, 0.5);
}

static double clock_of(struct mlb_compare_bench *bench, const struct mlb_compare_rows *rows,
                       int side)
{
    size_t n = 0;
    for (size_t l = 0; l < rows->launches[side]; l++) {
        const struct mlb_digest_row *row = rows->rows[side][l];
        if (mlb_compare_has_value(row) && row->clock_hz.known)
            bench->scratch[n++] = row->clock_hz.value;
    }
    return n > 0 ? median_of(bench->scratch, n) : 0.0;
}

/* ln of steps or of work per second, sorted. */
static void take_values(struct mlb_compare_bench *bench, const struct mlb_compare_rows *rows,
                        int side, struct mlb_compare_line *line)
{
    size_t n = 0;
    for (size_t l = 0; l < rows->launches[side]; l++) {
        const struct mlb_digest_row *row = rows->rows[side][l];
        if (mlb_compare_has_value(row))
            bench->values[side][n++] =
                log(amount_of(&row->work, line->class_)) - log(row->time.median) + log(1e9);
    }
    mlb_sort(bench->values[side], n);
    line->side[side].launches = n;
}

static void summarise(struct mlb_compare_bench *bench, int side, struct mlb_compare_line *line)
{
    const double *speeds = bench->values[side];
    struct mlb_compare_side *to = &line->side[side];
    size_t n = to->launches;
    bool time = is_time(line->class_);
    for (size_t i = 0; i < n; i++)
        bench->scratch[i] = time ? exp(-speeds[n - 1 - i]) : exp(speeds[i]);
    const size_t quarters = 4;
    to->median = mlb_quantile_sorted(bench->scratch, n, 0.5);
    to->interval = mlb_median_interval(bench->scratch, n, 0.95);
    to->spread = n < quarters ? NAN
                              : (mlb_quantile_sorted(bench->scratch, n, 0.75) -
                                 mlb_quantile_sorted(bench->scratch, n, 0.25)) /
                                    to->median;
}

/* Deviations from the middle of both sides: a launch in which a case is missing lends its other
 * cases' to the mean, whatever their size. */
static void add_to_mean(struct mlb_compare_bench *bench, const struct mlb_compare_rows *rows,
                        const struct mlb_compare_line *line)
{
    double centre = 0.0;
    for (int s = 0; s < MLB_SIDES; s++)
        centre += mlb_quantile_sorted(bench->values[s], line->side[s].launches, 0.5) / MLB_SIDES;
    for (int s = 0; s < MLB_SIDES; s++)
        for (size_t l = 0; l < rows->launches[s]; l++) {
            const struct mlb_digest_row *row = rows->rows[s][l];
            if (!mlb_compare_has_value(row))
                continue;
            bench->sum[s][l] += log(amount_of(&row->work, line->class_)) - log(row->time.median) +
                                log(1e9) - centre;
            bench->members[s][l]++;
        }
}

static struct mlb_change change_of(struct mlb_shift shift)
{
    return (struct mlb_change){shift.known, shift.estimate, shift.low, shift.high};
}

/* Of an interquartile range that is this many times the other one's. */
static const double UNLIKE_SPREAD = 2.0;

/* A rank test asks whether one side's values tend to be larger, and takes it for granted that they
 * would spread alike otherwise. Where one side is tight and the other one wide, a handful of wide
 * values come to lie on one side of all tight ones by luck, at a p that is far too small. */
static bool spreads_are_unlike(const struct mlb_compare_line *line)
{
    double base = line->side[MLB_BASE].spread, other = line->side[MLB_NEW].spread;
    return fmax(base, other) > UNLIKE_SPREAD * fmin(base, other); /* NaN: not known to be */
}

static bool test(struct mlb_compare_bench *bench, struct mlb_compare_line *line)
{
    size_t n = line->side[MLB_BASE].launches, m = line->side[MLB_NEW].launches;
    struct mlb_rank_test test;
    if (bench->null.n != n || bench->null.m != m) {
        mlb_rank_null_free(&bench->null);
        if (!mlb_rank_null_init(&bench->null, n, m))
            return false;
    }
    const double *base = bench->values[MLB_BASE], *other = bench->values[MLB_NEW];
    if (!mlb_rank_test(&bench->null, base, other, &test))
        return false;
    line->unlike_spread = spreads_are_unlike(line);
    double p = test.two_sided;
    if (line->unlike_spread)
        p = fmax(p, mlb_welch_p(base, n, other, m));
    line->p = mlb_rank_smallest_p(n, m) <= bench->alpha ? p : NAN;
    line->gain = change_of(mlb_rank_shift(&bench->null, base, other, 0.95));
    line->gain90 = change_of(mlb_rank_shift(&bench->null, base, other, 0.90));
    return true;
}

bool mlb_compare_case(struct mlb_compare_bench *bench, const struct mlb_compare_rows *rows,
                      const struct mlb_compare_choice *choice, struct mlb_compare_line *line)
{
    const struct mlb_digest_row *first = first_with_value(rows, MLB_BASE);
    if (!first)
        first = first_with_value(rows, MLB_NEW);
    line->p = line->p_adjusted = NAN;
    line->class_ = class_of(&first->work);
    line->unit = unit_of(&first->work, line->class_);
    line->margin = choice->margin > 0.0 ? choice->margin : margin_of(line->class_);
    line->primary = choice->all || line->class_ == MLB_COMPARE_COMPUTE ||
                    line->class_ == MLB_COMPARE_STEP || line->class_ == MLB_COMPARE_TRANSFER;
    line->verdict = MLB_COMPARE_REFUSED;
    for (int s = 0; s < MLB_SIDES; s++)
        count_left_out(rows, s, &line->side[s]);
    if (!all_like(rows, first, line))
        return true;
    for (int s = 0; s < MLB_SIDES; s++) {
        take_values(bench, rows, s, line);
        if (line->side[s].launches)
            summarise(bench, s, line);
        line->side[s].clock_hz = clock_of(bench, rows, s);
    }
    if (!line->side[MLB_BASE].launches || !line->side[MLB_NEW].launches) {
        say_missing(line->side, line);
        return true;
    }
    line->verdict = line->primary ? MLB_COMPARE_UNSURE : MLB_COMPARE_SHOWN;
    if (line->primary)
        add_to_mean(bench, rows, line);
    return test(bench, line);
}
