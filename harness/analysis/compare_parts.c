/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/compare_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/base/text.h"

/* ----------------------------------------------------------------------------------------- jobs
 */

struct job {
    char data[24], ranks[16], nodes[16], ranks_per_node[16];
    const char *solo, *oversubscribed;
};

static struct job job_of(const struct mlb_digest *digest)
{
    struct job job = {.solo = digest->solo ? "one after the other" : "together",
                      .oversubscribed = digest->oversubscribed ? "yes" : "no"};
    mlb_format(job.data, sizeof job.data, "%s", digest->data);
    mlb_format(job.ranks, sizeof job.ranks, "%d", digest->ranks);
    mlb_format(job.nodes, sizeof job.nodes, "%d", digest->nodes);
    mlb_format(job.ranks_per_node, sizeof job.ranks_per_node, "%d", digest->ranks_per_node);
    return job;
}

static enum mlb_status compare_job(const struct mlb_digest *first, const struct mlb_digest *digest,
                                   struct mlb_error *err)
{
    struct job a = job_of(first), b = job_of(digest);
    const struct {
        const char *what, *first, *other, *hint;
    } parts[] = {{"data", a.data, b.data, ""},
                 {"machines", a.nodes, b.nodes, "; nodes=N chooses those of N machines"},
                 {"ranks", a.ranks, b.ranks, ""},
                 {"ranks a machine", a.ranks_per_node, b.ranks_per_node, ""},
                 {"ranks measured compute", a.solo, b.solo, ""},
                 {"more ranks than devices or cores", a.oversubscribed, b.oversubscribed, ""}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].first, parts[i].other) != 0)
            return mlb_fail(err, MLB_E_NO_VERDICT,
                            "these launches are not of one job: %s: %s in %s, %s in %s%s",
                            parts[i].what, parts[i].first, first->path, parts[i].other,
                            digest->path, parts[i].hint);
    return MLB_OK;
}

enum mlb_status mlb_compare_jobs(const struct mlb_digests *base, const struct mlb_digests *other,
                                 struct mlb_error *err)
{
    if (base->count == 0 || other->count == 0)
        return mlb_fail(err, MLB_E_NO_VERDICT, "a side without a record compares with nothing");
    for (size_t i = 1; i < base->count + other->count; i++) {
        const struct mlb_digest *digest =
            i < base->count ? &base->items[i] : &other->items[i - base->count];
        if (compare_job(&base->items[0], digest, err) != MLB_OK)
            return err->status;
    }
    return MLB_OK;
}

/* --------------------------------------------------------------------------------------- values
 */

enum { VALUES = 16 };

struct values { /* different ones, as met */
    size_t count;
    char text[VALUES][96];
};

static void add_value(struct values *values, const char *text)
{
    char cut[sizeof values->text[0]];
    if (!text[0])
        return;
    mlb_format(cut, sizeof cut, "%s", text);
    for (size_t i = 0; i < values->count && i < VALUES; i++)
        if (strcmp(values->text[i], cut) == 0)
            return;
    if (values->count < VALUES)
        memcpy(values->text[values->count], cut, sizeof cut);
    values->count++; /* past the last one kept, at least so many */
}

static bool same_values(const struct values *a, const struct values *b)
{
    if (a->count != b->count)
        return false;
    struct values both = *a;
    for (size_t i = 0; i < b->count && i < VALUES; i++)
        add_value(&both, b->text[i]);
    return both.count == a->count;
}

static void join(const struct values *values, char *to, size_t size)
{
    struct mlb_text text = {0};
    const size_t shown = 3;
    for (size_t i = 0; i < values->count && i < shown; i++)
        mlb_text_addf(&text, "%s%s", i ? ", " : "", values->text[i]);
    if (values->count > shown)
        mlb_text_addf(&text, " and %zu more", values->count - shown);
    mlb_format(to, size, "%s", values->count ? mlb_text_get(&text) : "not known");
    mlb_text_free(&text);
}

static bool same_difference(const struct mlb_difference *a, const struct mlb_difference *b)
{
    return strcmp(a->what, b->what) == 0 && strcmp(a->side[MLB_BASE], b->side[MLB_BASE]) == 0 &&
           strcmp(a->side[MLB_NEW], b->side[MLB_NEW]) == 0;
}

/* Each once; what is one and the same value everywhere is no difference. */
static bool push(struct mlb_comparison *comparison, const char *what,
                 const struct values values[MLB_SIDES])
{
    bool same = same_values(&values[MLB_BASE], &values[MLB_NEW]);
    if (same && values[MLB_BASE].count <= 1)
        return true;
    struct mlb_difference made = {.same = same};
    mlb_format(made.what, sizeof made.what, "%s", what);
    for (int s = 0; s < MLB_SIDES; s++) {
        join(&values[s], made.side[s], sizeof made.side[s]);
        made.values[s] = values[s].count;
    }
    for (size_t i = 0; i < comparison->difference_count; i++)
        if (same_difference(&comparison->differences[i], &made))
            return true;
    struct mlb_difference *more =
        realloc(comparison->differences, (comparison->difference_count + 1) * sizeof *more);
    if (!more)
        return false;
    comparison->differences = more;
    more[comparison->difference_count++] = made;
    return true;
}

/* ---------------------------------------------------------------------------------- differences
 */

static void machine_of(const struct mlb_digest *digest, char *to, size_t size)
{
    const struct mlb_provider *p = &digest->provider;
    bool inferred = p->method == MLB_PROVIDER_INFERRED;
    if (p->name[0] || p->instance[0])
        mlb_format(to, size, "%s%s%s%s", p->name, p->name[0] && p->instance[0] ? " " : "",
                   p->instance, inferred ? " (inferred)" : "");
    else
        mlb_format(to, size, "%s", digest->host_kind);
}

static void region_of(const struct mlb_digest *digest, char *to, size_t size)
{
    mlb_format(to, size, "%s", digest->provider.region);
}

static void device_of(const struct mlb_digest *digest, char *to, size_t size)
{
    mlb_format(to, size, "%d x %s", digest->device_count, digest->device);
}

static void program_of(const struct mlb_digest *digest, char *to, size_t size)
{
    mlb_format(to, size, "%s%s%s", digest->version, digest->git[0] ? " " : "", digest->git);
}

static const struct {
    const char *what;
    void (*text)(const struct mlb_digest *digest, char *to, size_t size);
} aspects[] = {
    {"machine", machine_of}, {"region", region_of}, {"device", device_of}, {"mlbench", program_of}};

static bool compare_aspects(struct mlb_comparison *comparison,
                            const struct mlb_digests *const sides[MLB_SIDES])
{
    for (size_t i = 0; i < sizeof aspects / sizeof *aspects; i++) {
        struct values values[MLB_SIDES] = {0};
        for (int s = 0; s < MLB_SIDES; s++)
            for (size_t d = 0; d < sides[s]->count; d++) {
                char text[96];
                aspects[i].text(&sides[s]->items[d], text, sizeof text);
                add_value(&values[s], text);
            }
        if (!push(comparison, aspects[i].what, values))
            return false;
    }
    return true;
}

/* A variable that a record does not list was not set; of other facts it is not known. */
static const char *fact_of(const struct mlb_digest *digest, const char *name)
{
    const char *value = mlb_digest_fact(digest, name);
    return !value[0] && strncmp(name, "env.", 4) == 0 ? "not set" : value;
}

static bool compare_fact(struct mlb_comparison *comparison, const char *name,
                         const struct mlb_digests *const sides[MLB_SIDES])
{
    struct values values[MLB_SIDES] = {0};
    for (int s = 0; s < MLB_SIDES; s++) {
        const char *last = "";
        for (size_t d = 0; d < sides[s]->count; d++) {
            const char *value = fact_of(&sides[s]->items[d], name);
            if (value != last) /* texts are kept once */
                add_value(&values[s], value);
            last = value;
        }
    }
    return push(comparison, name, values);
}

struct names {
    const char *items[2 * MLB_FACTS_MAX];
    size_t count;
};

static void add_names(struct names *names, const struct mlb_digest *digest)
{
    for (size_t f = 0; f < digest->fact_count; f++) {
        size_t i = 0;
        while (i < names->count && strcmp(names->items[i], digest->facts[f]->name) != 0)
            i++;
        if (i == names->count && i < sizeof names->items / sizeof *names->items)
            names->items[names->count++] = digest->facts[f]->name;
    }
}

bool mlb_compare_differences(struct mlb_comparison *comparison, const struct mlb_digests *base,
                             const struct mlb_digests *other)
{
    const struct mlb_digests *const sides[MLB_SIDES] = {base, other};
    struct names names = {0};
    bool done = compare_aspects(comparison, sides);
    for (int s = 0; s < MLB_SIDES; s++)
        for (size_t d = 0; d < sides[s]->count; d++)
            add_names(&names, &sides[s]->items[d]);
    for (size_t i = 0; done && i < names.count; i++)
        done = compare_fact(comparison, names.items[i], sides);
    return done;
}

bool mlb_compare_case_differences(struct mlb_comparison *comparison,
                                  const struct mlb_compare_rows *rows)
{
    struct values values[MLB_SIDES] = {0};
    const char *workload = "";
    for (int s = 0; s < MLB_SIDES; s++) {
        const char *variant = "", *library = "";
        for (size_t l = 0; l < rows->launches[s]; l++) {
            const struct mlb_digest_row *row = rows->rows[s][l];
            if (!mlb_compare_has_value(row) || (row->variant == variant && row->library == library))
                continue;
            char text[96];
            variant = row->variant;
            library = row->library;
            workload = row->name->workload;
            mlb_format(text, sizeof text, "%s%s%s%s", variant, library[0] ? " (" : "", library,
                       library[0] ? ")" : "");
            add_value(&values[s], text);
        }
    }
    char what[64];
    mlb_format(what, sizeof what, "%s by", workload);
    return push(comparison, what, values);
}

/* A clock that moved explains what moved with it; under a hundredth it is not worth a line. */
bool mlb_compare_clocks(struct mlb_comparison *comparison)
{
    double *clocks = malloc((comparison->line_count + 1) * sizeof *clocks), median[MLB_SIDES] = {0};
    struct values values[MLB_SIDES] = {0};
    if (!clocks)
        return false;
    size_t n = 0;
    for (int s = 0; s < MLB_SIDES; s++) {
        n = 0;
        for (size_t i = 0; i < comparison->line_count; i++) {
            const struct mlb_compare_line *line = &comparison->lines[i];
            if (line->side[MLB_BASE].clock_hz > 0.0 && line->side[MLB_NEW].clock_hz > 0.0)
                clocks[n++] = line->side[s].clock_hz;
        }
        char text[32];
        median[s] = mlb_median(clocks, n);
        mlb_format(text, sizeof text, "%.0f MHz", median[s] * 1e-6);
        add_value(&values[s], text);
    }
    free(clocks);
    if (n == 0 || !(fabs(median[MLB_NEW] / median[MLB_BASE] - 1.0) > 0.01))
        return true;
    return push(comparison, "clock under load (median of the cases)", values);
}

void mlb_compare_name_sides(struct mlb_comparison *comparison, const struct mlb_digests *base,
                            const struct mlb_digests *other)
{
    const struct mlb_digests *const sides[MLB_SIDES] = {base, other};
    for (int s = 0; s < MLB_SIDES; s++) {
        struct values values = {0};
        for (size_t d = 0; d < sides[s]->count; d++) {
            char text[96];
            machine_of(&sides[s]->items[d], text, sizeof text);
            add_value(&values, text);
        }
        join(&values, comparison->side[s], sizeof comparison->side[s]);
        comparison->machines[s] = values.count;
    }
}

/* ----------------------------------------------------------------------------------------- mean
 */

enum { RESAMPLES = 9999, FEWEST = 6 };

static double mean_of(const double *values, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

static double resampled_mean(const double *values, size_t n, uint64_t seed, uint64_t *at)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += values[(mlb_rng_bits(seed, (*at)++) >> 32) * n >> 32];
    return sum / (double)n;
}

/* A launch's mean of ln(speed) over its cases, against the cases' centres; returns how many. */
static size_t launch_means(const struct mlb_compare_bench *bench, int side, size_t launches,
                           double *to)
{
    size_t n = 0;
    for (size_t l = 0; l < launches; l++)
        if (bench->members[side][l] > 0)
            to[n++] = bench->sum[side][l] / (double)bench->members[side][l];
    return n;
}

/* Percentile bootstrap; launches are drawn, each side's on its own, with all of their cases
 * together (Efron & Tibshirani 1993, 8 and 13). The mean of logs is smooth, so that it may be
 * bootstrapped; a median is not. */
static bool bootstrap(struct mlb_compare_mean *mean, double *const values[MLB_SIDES],
                      const size_t n[MLB_SIDES])
{
    double *drawn = malloc(RESAMPLES * sizeof *drawn);
    uint64_t at = 0;
    if (!drawn)
        return false;
    for (size_t i = 0; i < RESAMPLES; i++) {
        double base = resampled_mean(values[MLB_BASE], n[MLB_BASE], mean->seed, &at);
        drawn[i] = resampled_mean(values[MLB_NEW], n[MLB_NEW], mean->seed, &at) - base;
    }
    mlb_sort(drawn, RESAMPLES);
    mean->known = true;
    mean->low = exp(mlb_quantile_sorted(drawn, RESAMPLES, 0.025));
    mean->high = exp(mlb_quantile_sorted(drawn, RESAMPLES, 0.975));
    free(drawn);
    return true;
}

static size_t family_size(const struct mlb_comparison *comparison)
{
    size_t count = 0;
    for (size_t i = 0; i < comparison->line_count; i++)
        count += comparison->lines[i].primary && comparison->lines[i].verdict < MLB_COMPARE_REFUSED;
    return count;
}

bool mlb_compare_mean_of(struct mlb_comparison *comparison, const struct mlb_compare_bench *bench,
                         const size_t launches[MLB_SIDES])
{
    struct mlb_compare_mean *mean = &comparison->mean;
    double *values[MLB_SIDES] = {0};
    size_t n[MLB_SIDES] = {0};
    mean->cases = family_size(comparison);
    mean->seed = 1;
    bool done = true;
    for (int s = 0; s < MLB_SIDES; s++) {
        values[s] = malloc((launches[s] + 1) * sizeof *values[s]);
        done = done && values[s];
        n[s] = values[s] ? launch_means(bench, s, launches[s], values[s]) : 0;
    }
    if (done && mean->cases) {
        mean->ratio =
            exp(mean_of(values[MLB_NEW], n[MLB_NEW]) - mean_of(values[MLB_BASE], n[MLB_BASE]));
        if (n[MLB_BASE] >= FEWEST && n[MLB_NEW] >= FEWEST)
            done = bootstrap(mean, values, n);
    }
    for (int s = 0; s < MLB_SIDES; s++)
        free(values[s]);
    return done;
}
