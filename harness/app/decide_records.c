/* SPDX-License-Identifier: Apache-2.0 */
/* Scores of a decision from records: times and costs as `mlbench cost` has them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "harness/analysis/unit_cost.h"
#include "harness/app/decide_evidence.h"
#include "harness/app/prices.h"
#include "harness/app/selection.h"
#include "harness/base/date.h"
#include "harness/base/text.h"

struct records {
    const struct mlb_decision *decision;
    struct mlb_selection selection;
    struct mlb_catalog *catalog;
    struct mlb_digests mine; /* copies of those that belong to an option; the selection owns more */
    struct mlb_offers offers;
    struct mlb_unit_times times;
};

/* ------------------------------------------------------------------------- whose record it is */

/* "Standard_ND96isr_H100_v5" and "nd96isr_h100_v5" are one entry of the catalog. */
static bool same_instance(const struct mlb_catalog *catalog, const char *provider, const char *a,
                          const char *b)
{
    const struct mlb_instance *listed = mlb_catalog_instance(catalog, provider, a);
    return strcasecmp(a, b) == 0 ||
           (listed && listed == mlb_catalog_instance(catalog, provider, b));
}

static bool belongs(const struct mlb_catalog *catalog, const struct mlb_decision_option *option,
                    const struct mlb_provider *provider, int nodes)
{
    if (!option->provider[0] && !option->instance[0])
        return false;
    return (!option->provider[0] || strcasecmp(option->provider, provider->name) == 0) &&
           (!option->service[0] || strcasecmp(option->service, provider->service) == 0) &&
           (!option->instance[0] ||
            same_instance(catalog, provider->name, option->instance, provider->instance)) &&
           (option->nodes == 0 || option->nodes == nodes);
}

static bool is_mine(const struct records *records, const struct mlb_digest *digest)
{
    for (size_t i = 0; i < records->decision->matrix.options; i++)
        if (belongs(records->catalog, &records->decision->options[i], &digest->provider,
                    digest->nodes))
            return true;
    return false;
}

/* Only these, since what is compared are the cases that all of them have. */
static enum mlb_status keep_mine(struct records *records, struct mlb_error *err)
{
    const struct mlb_digests *all = &records->selection.digests;
    records->mine.items = calloc(all->count + 1, sizeof *records->mine.items);
    if (!records->mine.items)
        return mlb_fail(err, MLB_E_NOMEM, "decide: out of memory");
    for (size_t i = 0; i < all->count; i++)
        if (is_mine(records, &all->items[i]))
            records->mine.items[records->mine.count++] = all->items[i];
    return MLB_OK;
}

/* ------------------------------------------------------------------------------------- reading */

static enum mlb_status read_all(struct records *records, const struct mlb_options *options,
                                struct mlb_error *err)
{
    const struct mlb_log log = {options->quiet ? MLB_LOG_ERROR : MLB_LOG_INFO, STDERR_FILENO, -1};
    struct mlb_offer_choice choice = {.region = "", .today = mlb_date_today()};
    struct mlb_metrics metrics = {0};
    for (size_t d = 0; d < records->decision->matrix.dimensions; d++)
        choice.ways[records->decision->dimensions[d].purchase] = true;
    for (size_t i = 0; i < records->decision->matrix.options; i++)
        choice.ways[records->decision->options[i].purchase] = true;
    if (mlb_prices_open(&records->catalog, options, err) != MLB_OK ||
        mlb_selection_read(&records->selection, options->words + 1, options->word_count - 1,
                           options->records, &log, err) != MLB_OK ||
        keep_mine(records, err) != MLB_OK ||
        mlb_offers_build(&records->offers, &records->mine, records->catalog, &choice, err) !=
            MLB_OK ||
        mlb_metrics_find(&metrics, &records->offers, options->only, err) != MLB_OK)
        return err->status;
    return mlb_unit_times_build(&records->times, &records->offers, &metrics, err);
}

static void close_all(struct records *records)
{
    mlb_unit_times_free(&records->times);
    mlb_offers_free(&records->offers);
    free(records->mine.items);
    mlb_selection_free(&records->selection);
    mlb_catalog_close(records->catalog);
}

/* --------------------------------------------------------------------------- what is taken of it
 */

/* Of an option's jobs the one with most launches of the metric, of these the largest; NULL = none.
 */
static const struct mlb_measured *measured_of(const struct records *records, size_t option,
                                              size_t metric)
{
    const struct mlb_measured *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < records->offers.measured_count; i++) {
        const struct mlb_measured *measured = &records->offers.measured[i];
        size_t n = mlb_unit_spread(&records->times, measured, metric)->n;
        bool mine = belongs(records->catalog, &records->decision->options[option],
                            &measured->launches[0]->provider, measured->nodes);
        if (!mine || n == 0 || n < most || (n == most && best && measured->ranks <= best->ranks))
            continue;
        best = measured;
        most = n;
    }
    return best;
}

static bool fits(enum mlb_decision_measure measure, enum mlb_work_class work_class)
{
    switch (measure) {
    case MLB_DECIDE_COMPUTE:
    case MLB_DECIDE_COST:
        return work_class <= MLB_WORK_GEMM_SMALL;
    case MLB_DECIDE_ATTENTION:
        return work_class == MLB_WORK_ATTENTION;
    case MLB_DECIDE_MEMORY:
        return work_class == MLB_WORK_MEMORY;
    case MLB_DECIDE_INTERCONNECT:
        return work_class == MLB_WORK_ALL_REDUCE;
    case MLB_DECIDE_GIVEN:
        break;
    }
    return false;
}

static size_t options_with(const struct records *records, size_t metric)
{
    size_t count = 0;
    for (size_t i = 0; i < records->decision->matrix.options; i++)
        count += measured_of(records, i, metric) != NULL;
    return count;
}

/* That which more options have; then more ranks, layers before large and small products, bf16
 * before other types. */
static bool is_better(const struct records *records, size_t a, size_t b)
{
    const struct mlb_metric *x = &records->times.metrics.items[a];
    const struct mlb_metric *y = &records->times.metrics.items[b];
    size_t of_x = options_with(records, a), of_y = options_with(records, b);
    if (of_x != of_y)
        return of_x > of_y;
    if (x->ranks != y->ranks)
        return x->ranks > y->ranks;
    if (x->work_class != y->work_class)
        return x->work_class < y->work_class;
    return mlb_metric_type_rank(x->dtype) < mlb_metric_type_rank(y->dtype);
}

/* The metric of a dimension; their number = there is none. */
static size_t choose_metric(const struct records *records, enum mlb_decision_measure measure)
{
    const struct mlb_metrics *metrics = &records->times.metrics;
    size_t best = metrics->count;
    for (size_t m = 0; m < metrics->count; m++)
        if (fits(measure, metrics->items[m].work_class) &&
            (best == metrics->count || is_better(records, m, best)))
            best = m;
    return best;
}

/* ---------------------------------------------------------------------------------------- items */

static struct mlb_evidence_item item_of(const struct mlb_measured *measured,
                                        const struct mlb_spread *spread)
{
    struct mlb_evidence_item item = {.known = true,
                                     .launches = spread->n,
                                     .covers = mlb_interval_of_names[spread->of],
                                     .sick = measured->sick};
    mlb_format(item.measured, sizeof item.measured, "%s", measured->name);
    return item;
}

/* Of one GPU, or of all ranks together: amount / (seconds x workers). */
static struct mlb_evidence_item rate_item(const struct records *records,
                                          const struct mlb_measured *measured, size_t metric)
{
    const struct mlb_metric *work = &records->times.metrics.items[metric];
    const struct mlb_spread *spread = mlb_unit_spread(&records->times, measured, metric);
    struct mlb_evidence_item item = item_of(measured, spread);
    double amount = work->amount / mlb_unit_workers(measured, work);
    item.value = amount / spread->value;
    item.low = amount / spread->high;
    item.high = amount / spread->low;
    return item;
}

static const struct mlb_offer *offer_of(const struct records *records,
                                        const struct mlb_measured *measured,
                                        enum mlb_purchase purchase)
{
    for (size_t i = 0; i < records->offers.count; i++)
        if (records->offers.items[i].measured == measured &&
            records->offers.items[i].purchase == purchase)
            return &records->offers.items[i];
    return NULL;
}

static struct mlb_evidence_item cost_item(const struct records *records,
                                          const struct mlb_measured *measured, size_t metric,
                                          enum mlb_purchase purchase)
{
    const struct mlb_offer *offer = offer_of(records, measured, purchase);
    if (!offer)
        return (struct mlb_evidence_item){0};
    struct mlb_spread cost = mlb_unit_cost(&records->times, offer, metric, 0);
    struct mlb_evidence_item item = item_of(measured, &cost);
    const char *as_of = offer->price.oldest ? offer->price.oldest->as_of : "";
    item.value = cost.value;
    item.low = cost.low;
    item.high = cost.high;
    item.stale = offer->price.stale;
    mlb_format(item.price, sizeof item.price, "$%.2f/h, %s, %s", offer->price.median,
               mlb_purchase_names[purchase],
               offer->told         ? "told by --price-per-hour"
               : offer->price.user ? "your own price"
                                   : as_of);
    return item;
}

static const char *unit_of(const struct mlb_metric *metric, enum mlb_decision_measure measure)
{
    if (measure == MLB_DECIDE_COST)
        return metric->operations ? "$ per 10^21 OP" : "$ per 10^21 FLOP";
    if (measure == MLB_DECIDE_COMPUTE || measure == MLB_DECIDE_ATTENTION)
        return metric->operations ? "OP/s" : "FLOP/s";
    return "B/s";
}

static bool has_gpus(const struct records *records, size_t metric)
{
    for (size_t i = 0; i < records->decision->matrix.options; i++) {
        const struct mlb_measured *measured = measured_of(records, i, metric);
        if (measured && measured->gpus == 0)
            return false;
    }
    return true;
}

static void gather_dimension(struct mlb_evidence *evidence, const struct records *records, size_t d)
{
    const struct mlb_decision_dimension *dimension = &records->decision->dimensions[d];
    size_t metric = choose_metric(records, dimension->measure);
    if (metric == records->times.metrics.count)
        return;
    const struct mlb_metric *work = &records->times.metrics.items[metric];
    evidence->less_is_better[d] = dimension->measure == MLB_DECIDE_COST;
    evidence->unit[d] = unit_of(work, dimension->measure);
    bool shared = !work->together && !evidence->less_is_better[d];
    mlb_format(evidence->metric[d], sizeof evidence->metric[d], "%s, %zu common case%s%s%s",
               work->name, work->case_count, work->case_count == 1 ? "" : "s",
               shared ? ", of one " : "",
               !shared                     ? ""
               : has_gpus(records, metric) ? "GPU"
                                           : "rank");
    for (size_t i = 0; i < records->decision->matrix.options; i++) {
        const struct mlb_decision_option *option = &records->decision->options[i];
        const struct mlb_measured *measured = measured_of(records, i, metric);
        if (measured)
            evidence->items[d][i] =
                evidence->less_is_better[d]
                    ? cost_item(records, measured, metric,
                                option->buys ? option->purchase : dimension->purchase)
                    : rate_item(records, measured, metric);
    }
}

enum mlb_status mlb_evidence_gather(struct mlb_evidence *evidence,
                                    const struct mlb_decision *decision,
                                    const struct mlb_options *options, struct mlb_error *err)
{
    struct records records = {.decision = decision};
    enum mlb_status status = read_all(&records, options, err);
    if (status == MLB_OK) {
        const struct mlb_offers *offers = &records.offers;
        evidence->left_out =
            offers->solo + offers->oversubscribed + offers->unlike_data + offers->on_cpu;
        evidence->records = records.mine.count - evidence->left_out;
        evidence->others = records.selection.digests.count - records.mine.count;
        for (size_t d = 0; d < decision->matrix.dimensions; d++)
            if (decision->dimensions[d].measure != MLB_DECIDE_GIVEN)
                gather_dimension(evidence, &records, d);
    }
    close_all(&records);
    return status;
}
