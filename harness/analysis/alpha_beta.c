/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/alpha_beta.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/measure/stats.h"

/* t(S) = alpha + slope x S. */
struct line {
    double alpha, slope;
    double cost; /* sum of relative distances */
};

static double distance(const struct line *line, const struct mlb_size_time *point, double time_s)
{
    return fabs(line->alpha + line->slope * point->bytes - time_s) / time_s;
}

/* ------------------------------------------------------------------------------------- one line
 *
 * The line of least absolute relative distances. Absolute, not squared: one size that was disturbed
 * does not bend the line (Koenker and Bassett, "Regression quantiles", Econometrica 1978).
 * Relative: a sweep spans nine decades of time, and the small sizes are to count as the large ones
 * do. Such a line goes through two of its points (their theorem 3.1), so with a few dozen points
 * all pairs are tried, which needs no iteration and no tuning. A term below 0 has no meaning: lines
 * at that border go through one point and have the other term alone. */

struct candidates {
    const struct mlb_size_time *points;
    const double *time_s; /* of each point: as measured, or as resampled */
    size_t n;
};

static void consider(const struct candidates *all, double alpha, double slope, struct line *best)
{
    struct line line = {alpha, slope, 0.0};
    if (!(alpha >= 0.0) || !(slope >= 0.0))
        return;
    for (size_t i = 0; i < all->n && line.cost < best->cost; i++)
        line.cost += distance(&line, &all->points[i], all->time_s[i]);
    if (line.cost < best->cost)
        *best = line;
}

static struct line best_line(const struct candidates *all)
{
    struct line best = {0.0, 0.0, INFINITY};
    for (size_t i = 0; i < all->n; i++) {
        double bytes = all->points[i].bytes, time_s = all->time_s[i];
        consider(all, time_s, 0.0, &best);
        consider(all, 0.0, time_s / bytes, &best);
        for (size_t j = i + 1; j < all->n; j++) {
            double slope = (all->time_s[j] - time_s) / (all->points[j].bytes - bytes);
            consider(all, time_s - slope * bytes, slope, &best);
        }
    }
    return best;
}

/* --------------------------------------------------------------------------------------- regimes
 */

/* One regime's range of points and its line. */
struct segment {
    size_t first, n;
    struct line line;
    double worst;
    size_t stray, worst_at; /* indices of points; stray = n of all: none */
    bool good;
};

/* One point may be off where there are ten or more, with others on both sides of it. */
static void judge(const struct mlb_size_time *points, size_t total, struct segment *segment)
{
    size_t end = segment->first + segment->n;
    double next = 0.0;
    segment->worst = 0.0;
    segment->stray = total;
    for (size_t i = segment->first; i < end; i++) {
        double far = distance(&segment->line, &points[i], points[i].time_s);
        if (far >= segment->worst) {
            next = segment->worst;
            segment->worst = far;
            segment->worst_at = i;
        } else if (far > next) {
            next = far;
        }
    }
    bool inside = segment->worst_at > segment->first && segment->worst_at + 1 < end;
    if (segment->worst > MLB_ALPHA_BETA_FAR && segment->n >= 10 && inside) {
        segment->stray = segment->worst_at;
        segment->worst = next;
    }
    segment->good = segment->worst <= MLB_ALPHA_BETA_FAR;
}

static struct segment segment_of(const struct mlb_size_time *points, size_t total, size_t first,
                                 size_t n)
{
    double time_s[MLB_ALPHA_BETA_SIZES];
    for (size_t i = 0; i < n; i++)
        time_s[i] = points[first + i].time_s;
    struct candidates all = {points + first, time_s, n};
    struct segment segment = {.first = first, .n = n, .line = best_line(&all)};
    judge(points, total, &segment);
    return segment;
}

/* What can be said of the points from one on, with so many segments at most. */
struct plan {
    size_t covered, count;
    double cost;
    size_t first, n; /* the first segment; n = 0: none */
};

/* Rather all points than few segments, and rather few segments than near lines. */
static bool is_better(const struct plan *a, const struct plan *b)
{
    if (a->covered != b->covered)
        return a->covered > b->covered;
    return a->count != b->count ? a->count < b->count : a->cost < b->cost;
}

struct planner {
    const struct mlb_size_time *points;
    size_t n;
    /* By the first point, and the number of segments allowed. */
    struct plan best[MLB_ALPHA_BETA_SIZES + 1][MLB_ALPHA_BETA_REGIMES + 1];
};

/* With the segment that begins at `first` and is good, as the first one. */
static void consider_segment(struct planner *all, const struct segment *segment)
{
    size_t first = segment->first, next = first + segment->n;
    for (size_t allowed = 1; allowed <= MLB_ALPHA_BETA_REGIMES; allowed++) {
        const struct plan *rest = &all->best[next][allowed - 1];
        struct plan plan = {rest->covered + segment->n, rest->count + 1,
                            rest->cost + segment->line.cost, first, segment->n};
        if (is_better(&plan, &all->best[first][allowed]))
            all->best[first][allowed] = plan;
    }
}

/* From the last point to the first: a point is left out, or begins a segment. */
static void plan_all(struct planner *all)
{
    for (size_t first = all->n; first-- > 0;) {
        memcpy(all->best[first], all->best[first + 1], sizeof all->best[first]);
        for (size_t n = MLB_ALPHA_BETA_FEWEST; first + n <= all->n; n++) {
            struct segment segment = segment_of(all->points, all->n, first, n);
            if (segment.good)
                consider_segment(all, &segment);
        }
    }
}

/* ------------------------------------------------------------------------------------- intervals
 *
 * Percentile bootstrap over the samples of each size: right for fitted parameters, which are smooth
 * in the data (Davison and Hinkley, "Bootstrap methods and their application", 1997). It says what
 * chance within this run does to the numbers, not what another run would give. */

enum { RESAMPLES = 999 };
static const double TAIL = 0.025;
static const uint64_t SEED = 0x616c70686162ULL;

/* The median of a resample is one of the samples: the one at the place that the median of as many
 * uniform numbers has, which is normal(1/2, 1/(4n)) but for terms of 1/n^2. */
static double resampled_median(const struct mlb_size_time *point, uint64_t index)
{
    double n = (double)point->count;
    double place = n * (0.5 + 0.5 * (double)mlb_rng_normal(SEED, index) / sqrt(n));
    size_t at = place <= 0.0 ? 0 : (size_t)place;
    return point->sorted_s[at < point->count ? at : point->count - 1];
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void set_interval(struct mlb_fitted *fitted, double *values)
{
    qsort(values, RESAMPLES, sizeof *values, compare_doubles);
    fitted->low = mlb_quantile_sorted(values, RESAMPLES, TAIL);
    fitted->high = mlb_quantile_sorted(values, RESAMPLES, 1.0 - TAIL);
    fitted->interval = fitted->known && isfinite(fitted->low) && isfinite(fitted->high);
}

static void add_intervals(const struct mlb_size_time *points, const struct segment *segment,
                          double factor, struct mlb_regime *regime)
{
    double alphas[RESAMPLES], betas[RESAMPLES], time_s[MLB_ALPHA_BETA_SIZES];
    const struct mlb_size_time *mine = points + segment->first;
    for (size_t i = 0; i < segment->n; i++)
        if (!mine[i].sorted_s || mine[i].count < 2)
            return;
    struct candidates all = {mine, time_s, segment->n};
    for (size_t r = 0; r < RESAMPLES; r++) {
        for (size_t i = 0; i < segment->n; i++)
            time_s[i] = resampled_median(&mine[i], r * MLB_ALPHA_BETA_SIZES + i);
        struct line line = best_line(&all);
        alphas[r] = line.alpha;
        betas[r] = factor / line.slope;
    }
    set_interval(&regime->alpha_s, alphas);
    set_interval(&regime->beta_bytes_per_s, betas);
}

/* ------------------------------------------------------------------------------------------- fit
 */

static struct mlb_regime regime_of(const struct mlb_size_time *points, size_t total,
                                   const struct segment *segment, double factor)
{
    const struct line *line = &segment->line;
    double from = points[segment->first].bytes;
    double to = points[segment->first + segment->n - 1].bytes;
    double short_s = line->alpha + line->slope * from, long_s = line->alpha + line->slope * to;
    struct mlb_regime regime = {
        .from_bytes = from, .to_bytes = to, .sizes = segment->n, .worst = segment->worst};
    if (segment->stray < total)
        regime.stray_bytes = points[segment->stray].bytes;
    regime.alpha_s.known = line->alpha >= MLB_ALPHA_BETA_FAR * short_s;
    regime.alpha_s.value = line->alpha;
    regime.beta_bytes_per_s.known = line->slope * to >= MLB_ALPHA_BETA_FAR * long_s;
    regime.beta_bytes_per_s.value = factor / line->slope;
    add_intervals(points, segment, factor, &regime);
    return regime;
}

static void set_regimes(const struct planner *all, double factor, struct mlb_alpha_beta *fit)
{
    const struct plan *plan = &all->best[0][MLB_ALPHA_BETA_REGIMES];
    fit->off = all->n - plan->covered;
    for (size_t left = MLB_ALPHA_BETA_REGIMES; plan->n > 0 && left > 0; left--) {
        struct segment segment = segment_of(all->points, all->n, plan->first, plan->n);
        fit->regimes[fit->count++] = regime_of(all->points, all->n, &segment, factor);
        plan = &all->best[plan->first + plan->n][left - 1];
    }
}

void mlb_alpha_beta_fit(const struct mlb_size_time *points, size_t n, double factor,
                        struct mlb_alpha_beta *fit)
{
    struct planner all = {.points = points, .n = n};
    memset(fit, 0, sizeof *fit);
    fit->off = n;
    if (n < MLB_ALPHA_BETA_FEWEST || n > MLB_ALPHA_BETA_SIZES)
        return;
    plan_all(&all);
    if (2 * all.best[0][MLB_ALPHA_BETA_REGIMES].covered >= n) {
        set_regimes(&all, factor, fit);
        return;
    }
    struct segment whole = segment_of(points, n, 0, n);
    fit->worst = distance(&whole.line, &points[whole.worst_at], points[whole.worst_at].time_s);
    fit->worst_bytes = points[whole.worst_at].bytes;
}
