/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/metric.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#define LARGE_DIM     2048u
#define LARGE_MESSAGE ((double)(16 << 20)) /* bytes; from here on bandwidth is what counts */

/* ------------------------------------------------------------------------------------- classes */

/* Amounts: 10^21 FLOP is about a day of 16 GPUs; 1 TB/s for an hour moves 3600 TB. */
static const struct work {
    enum mlb_work_class work_class;
    const char *workload, *kind, *per;
    double amount;
    bool typed, together;
} works[] = {
    {MLB_WORK_GEMM_LAYER, "gemm", "layers", "10^21 FLOP", 1e21, true, false},
    {MLB_WORK_GEMM_LARGE, "gemm", "large", "10^21 FLOP", 1e21, true, false},
    {MLB_WORK_GEMM_SMALL, "gemm", "small", "10^21 FLOP", 1e21, true, false},
    {MLB_WORK_ATTENTION, "attention", "", "10^21 FLOP", 1e21, true, false},
    {MLB_WORK_MEMORY, "memory", "", "TB/s-hour", 3600e12, false, false},
    {MLB_WORK_ALL_REDUCE, "all_reduce", "", "PB reduced", 1e15, false, true},
    {MLB_WORK_REDUCE_SCATTER, "reduce_scatter", "", "PB reduced", 1e15, false, true},
    {MLB_WORK_ALL_GATHER, "all_gather", "", "PB exchanged", 1e15, false, true},
    {MLB_WORK_ALLTOALL, "alltoall", "", "PB exchanged", 1e15, false, true},
};

static uint64_t dim(const struct mlb_case_name *name, const char *param)
{
    uint64_t value = 0;
    return mlb_parse_count(mlb_case_param(name, param), &value) ? value : 0;
}

static enum mlb_work_class gemm_class(const struct mlb_case_name *name)
{
    const char *model = mlb_case_param(name, "model");
    if (model[0] && strcmp(model, "none") != 0)
        return MLB_WORK_GEMM_LAYER;
    bool large =
        dim(name, "m") >= LARGE_DIM && dim(name, "n") >= LARGE_DIM && dim(name, "k") >= LARGE_DIM;
    return large ? MLB_WORK_GEMM_LARGE : MLB_WORK_GEMM_SMALL;
}

static bool is_large_collective(const struct mlb_digest_row *row)
{
    const char *scope = mlb_case_param(row->name, "scope");
    return row->work.bus_factor > 0.0 && row->work.bytes >= LARGE_MESSAGE &&
           (!scope[0] || strcmp(scope, "all") == 0);
}

/* A case that names its variant or that was searched is a study of its own: what a job gets is the
 * library's best one. Ids: "gemm[cuda,dtype=...", but "gemm[cuda,wgmma,dtype=...". */
static bool is_plain(const struct mlb_case_name *name)
{
    const char *device_end = strchr(name->id, ',');
    if (!device_end)
        return true;
    size_t word = strcspn(device_end + 1, ",=]");
    return device_end[1 + word] == '=';
}

enum mlb_work_class mlb_work_class(const struct mlb_digest_row *row)
{
    const char *workload = row->name->workload;
    if (!is_plain(row->name))
        return MLB_WORK_NONE;
    if (strcmp(workload, "gemm") == 0)
        return gemm_class(row->name);
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (strcmp(workload, works[i].workload) == 0)
            return !works[i].together || is_large_collective(row) ? works[i].work_class
                                                                  : MLB_WORK_NONE;
    return MLB_WORK_NONE;
}

/* ------------------------------------------------------------------------------------- metrics */

/* "all_reduce 2x8": machines x ranks on each. */
static void name_collective(struct mlb_metric *metric, const char *workload)
{
    int nodes = metric->nodes > 0 ? metric->nodes : 1, each = metric->ranks / nodes;
    if (each * nodes == metric->ranks)
        mlb_format(metric->name, sizeof metric->name, "%s %dx%d", workload, nodes, each);
    else
        mlb_format(metric->name, sizeof metric->name, "%s %d ranks on %d", workload, metric->ranks,
                   nodes);
}

static void describe(struct mlb_metric *metric, const struct mlb_digest_row *row,
                     const struct work *work)
{
    bool precise = strcmp(mlb_case_param(row->name, "accumulate"), "precise") == 0;
    metric->work_class = work->work_class;
    metric->per = work->per;
    metric->amount = work->amount;
    metric->together = work->together;
    metric->operations = row->work.operations;
    if (work->typed)
        mlb_format(metric->dtype, sizeof metric->dtype, "%s%s", mlb_case_param(row->name, "dtype"),
                   precise ? " precise" : "");
    if (metric->operations)
        metric->per = "10^21 OP";
    if (work->together) {
        metric->ranks = row->work.ranks;
        metric->nodes = row->work.nodes;
        name_collective(metric, work->workload);
        return;
    }
    mlb_format(metric->name, sizeof metric->name, "%s%s%s%s%s", work->workload,
               metric->dtype[0] ? " " : "", metric->dtype, work->kind[0] ? " " : "", work->kind);
}

/* Never of one that is not measured and right, nor of the host's CPU beside GPUs that are paid. */
static bool is_result(const struct mlb_digest *digest, const struct mlb_digest_row *row)
{
    double work = mlb_work_amount(&row->work, mlb_work_rate_kind(&row->work));
    return row->status == MLB_ROW_MEASURED && row->verified && work > 0.0 && row->time.n > 0 &&
           row->time.median > 0.0 && strcmp(row->name->device, digest->device_kind) == 0;
}

static bool describe_row(struct mlb_metric *metric, const struct mlb_digest *digest,
                         const struct mlb_digest_row *row)
{
    *metric = (struct mlb_metric){0};
    enum mlb_work_class work_class = is_result(digest, row) ? mlb_work_class(row) : MLB_WORK_NONE;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (works[i].work_class == work_class)
            describe(metric, row, &works[i]);
    return work_class != MLB_WORK_NONE;
}

static bool same_metric(const struct mlb_metric *a, const struct mlb_metric *b)
{
    return a->work_class == b->work_class && a->ranks == b->ranks && a->nodes == b->nodes &&
           strcmp(a->dtype, b->dtype) == 0;
}

static size_t index_of(const struct mlb_metrics *metrics, const struct mlb_metric *metric)
{
    size_t at = 0;
    while (at < metrics->count && !same_metric(&metrics->items[at], metric))
        at++;
    return at;
}

size_t mlb_metrics_at(const struct mlb_metrics *metrics, const struct mlb_digest *digest,
                      const struct mlb_digest_row *row)
{
    struct mlb_metric metric;
    return describe_row(&metric, digest, row) ? index_of(metrics, &metric) : metrics->count;
}

/* The same id and the same formula: of another formula it would be other work. */
static bool same_case(const struct mlb_digest_row *a, const struct mlb_digest_row *b)
{
    return a->name == b->name && strcmp(a->formula, b->formula) == 0;
}

size_t mlb_metric_case(const struct mlb_metric *metric, const struct mlb_digest_row *row)
{
    size_t i = 0;
    while (i < metric->case_count && !same_case(metric->cases[i], row))
        i++;
    return i;
}

/* -------------------------------------------------------------- which cases all have in common */

/* How many of the measured have a metric or a case; they are met in order. */
struct owners {
    size_t count, last; /* last: index + 1 */
    uint64_t who;       /* the same for the same ones */
};

struct finder {
    struct mlb_metrics *metrics;
    struct owners *of_metric, **of_case; /* parallel to the metrics and to their cases */
    const char *only;
};

static void owned_by(struct owners *owners, size_t measured)
{
    if (owners->last == measured + 1)
        return;
    owners->count++;
    owners->last = measured + 1;
    owners->who ^= mlb_rng_bits(0, measured);
}

/* One more item at the end; arrays grow at powers of two. False when out of memory. */
static bool grow(void **array, size_t count, size_t size)
{
    if (count & (count - 1)) /* room is left */
        return true;
    void *grown = realloc(*array, (count ? 2 * count : 1) * size);
    if (grown)
        *array = grown;
    return grown != NULL;
}

static bool add_metric(struct finder *finder, const struct mlb_metric *metric)
{
    struct mlb_metrics *metrics = finder->metrics;
    if (!grow((void **)&metrics->items, metrics->count, sizeof *metrics->items) ||
        !grow((void **)&finder->of_metric, metrics->count, sizeof *finder->of_metric) ||
        !grow((void **)&finder->of_case, metrics->count, sizeof *finder->of_case))
        return false;
    metrics->items[metrics->count] = *metric;
    finder->of_metric[metrics->count] = (struct owners){0};
    finder->of_case[metrics->count] = NULL;
    metrics->count++;
    return true;
}

static bool add_case(struct finder *finder, size_t at, const struct mlb_digest_row *row)
{
    struct mlb_metric *metric = &finder->metrics->items[at];
    if (!grow((void **)&metric->cases, metric->case_count, sizeof *metric->cases) ||
        !grow((void **)&finder->of_case[at], metric->case_count, sizeof **finder->of_case))
        return false;
    finder->of_case[at][metric->case_count] = (struct owners){0};
    metric->cases[metric->case_count++] = row;
    return true;
}

static bool is_wanted(const struct finder *finder, const struct mlb_case_name *name)
{
    return !finder->only || !finder->only[0] || mlb_glob_match(finder->only, name->id) ||
           mlb_glob_match(finder->only, name->label);
}

static bool meet(struct finder *finder, size_t measured, const struct mlb_digest *digest,
                 const struct mlb_digest_row *row)
{
    struct mlb_metric metric;
    if (!describe_row(&metric, digest, row) || !is_wanted(finder, row->name))
        return true;
    size_t at = index_of(finder->metrics, &metric);
    if (at == finder->metrics->count && !add_metric(finder, &metric))
        return false;
    size_t which = mlb_metric_case(&finder->metrics->items[at], row);
    if (which == finder->metrics->items[at].case_count && !add_case(finder, at, row))
        return false;
    owned_by(&finder->of_metric[at], measured);
    owned_by(&finder->of_case[at][which], measured);
    return true;
}

static bool meet_all(struct finder *finder, const struct mlb_offers *offers)
{
    for (size_t m = 0; m < offers->measured_count; m++)
        for (size_t l = 0; l < offers->measured[m].launch_count; l++) {
            const struct mlb_digest *digest = offers->measured[m].launches[l];
            for (size_t r = 0; r < digest->row_count; r++)
                if (!meet(finder, m, digest, &digest->rows[r]))
                    return false;
        }
    return true;
}

/* The first of the cases that most have. */
static size_t most_common(const struct mlb_metric *metric, const struct owners *of_case)
{
    size_t best = 0;
    for (size_t i = 1; i < metric->case_count; i++)
        best = of_case[i].count > of_case[best].count ? i : best;
    return best;
}

/* Those that all have, else those of the most who have the same: another suite's cases do not take
 * the metric from all. Of two who have none in common nothing is left. */
static void keep_common(struct mlb_metric *metric, size_t owners, const struct owners *of_case)
{
    size_t kept = 0, most = most_common(metric, of_case);
    for (size_t i = 0; i < metric->case_count; i++)
        if (of_case[most].who == of_case[i].who && (of_case[most].count > 1 || owners == 1))
            metric->cases[kept++] = metric->cases[i];
    metric->measured_count = of_case[most].count;
    metric->uncommon = metric->case_count - kept;
    metric->case_count = kept;
}

static void keep_metrics(struct mlb_metrics *metrics)
{
    size_t kept = 0;
    for (size_t i = 0; i < metrics->count; i++)
        if (metrics->items[i].case_count)
            metrics->items[kept++] = metrics->items[i];
        else
            free(metrics->items[i].cases);
    metrics->apart = metrics->count - kept;
    metrics->count = kept;
}

static int by_class(const void *left, const void *right)
{
    const struct mlb_metric *a = left, *b = right;
    int order = (int)a->work_class - (int)b->work_class;
    if (order == 0)
        order = a->ranks - b->ranks;
    return order ? order : strcmp(a->dtype, b->dtype);
}

enum mlb_status mlb_metrics_find(struct mlb_metrics *metrics, const struct mlb_offers *offers,
                                 const char *only, struct mlb_error *err)
{
    *metrics = (struct mlb_metrics){0};
    struct finder finder = {.metrics = metrics, .only = only};
    bool ok = meet_all(&finder, offers);
    for (size_t i = 0; i < metrics->count; i++) {
        if (ok)
            keep_common(&metrics->items[i], finder.of_metric[i].count, finder.of_case[i]);
        free(finder.of_case[i]);
    }
    free(finder.of_case);
    free(finder.of_metric);
    if (!ok) {
        mlb_metrics_free(metrics);
        return mlb_fail(err, MLB_E_NOMEM, "metrics: out of memory");
    }
    keep_metrics(metrics);
    if (metrics->count)
        qsort(metrics->items, metrics->count, sizeof *metrics->items, by_class);
    return MLB_OK;
}

void mlb_metrics_free(struct mlb_metrics *metrics)
{
    for (size_t i = 0; i < metrics->count; i++)
        free(metrics->items[i].cases);
    free(metrics->items);
    *metrics = (struct mlb_metrics){0};
}

size_t mlb_metric_type_rank(const char *dtype)
{
    static const char *const usual[] = {"bf16", "f16", "tf32", "f32"};
    size_t i = 0;
    while (i < sizeof usual / sizeof *usual && strcmp(usual[i], dtype) != 0)
        i++;
    return i;
}
