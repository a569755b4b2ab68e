/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/decide_evidence.h"

#include <math.h>

#include "harness/base/text.h"

/* More is better; costs turn round. */
struct rate {
    double value, low, high;
};

static struct rate rate_of(const struct mlb_evidence *evidence, size_t dimension, size_t option)
{
    const struct mlb_evidence_item *item = &evidence->items[dimension][option];
    if (evidence->less_is_better[dimension])
        return (struct rate){1.0 / item->value, 1.0 / item->high, 1.0 / item->low};
    return (struct rate){item->value, item->low, item->high};
}

static double best_of(const struct mlb_evidence *evidence, size_t dimension, size_t options)
{
    double best = 0.0;
    for (size_t i = 0; i < options; i++)
        if (evidence->items[dimension][i].known)
            best = fmax(best, rate_of(evidence, dimension, i).value);
    return best;
}

static void fill_dimension(struct mlb_evidence *evidence, struct mlb_matrix *matrix, size_t d)
{
    size_t known = 0;
    for (size_t i = 0; i < matrix->options; i++)
        known += evidence->items[d][i].known;
    evidence->filled[d] = known >= 2;
    double best = best_of(evidence, d, matrix->options);
    for (size_t i = 0; i < matrix->options && evidence->filled[d]; i++) {
        struct rate rate = rate_of(evidence, d, i);
        if (evidence->items[d][i].known)
            matrix->score[d][i] = mlb_decide_score(rate.value, rate.low, rate.high, best);
    }
}

static bool is_missing(const struct mlb_evidence *evidence, const struct mlb_decision *decision,
                       size_t d, size_t option)
{
    bool measured = evidence->filled[d] && evidence->items[d][option].known;
    return !measured && !decision->given[d][option];
}

struct gap {
    size_t count; /* scores that are missing */
    size_t dimension, option;
    bool alone; /* this one is measured, and no other option is */
};

/* The one that is told: the first that is not measured, else the first. */
static void add_gap(struct gap *gap, size_t dimension, size_t option, bool alone)
{
    if (gap->count++ == 0 || (gap->alone && !alone)) {
        gap->dimension = dimension;
        gap->option = option;
        gap->alone = alone;
    }
}

static enum mlb_status say_gap(const struct mlb_evidence *evidence,
                               const struct mlb_decision *decision, const struct gap *gap,
                               struct mlb_error *err)
{
    static const char *const how[] = {[MLB_DECIDE_COMPUTE] = "mlbench run gemm",
                                      [MLB_DECIDE_ATTENTION] = "mlbench run attention",
                                      [MLB_DECIDE_MEMORY] = "mlbench run memory",
                                      [MLB_DECIDE_INTERCONNECT] = "mpirun mlbench run all_reduce",
                                      [MLB_DECIDE_COST] = "mlbench run gemm, and a price: --price"};
    const struct mlb_decision_option *option = &decision->options[gap->option];
    const struct mlb_decision_dimension *dimension = &decision->dimensions[gap->dimension];
    const char *what = gap->alone                         ? "measure another option too"
                       : evidence->filled[gap->dimension] ? "measure it"
                                                          : "measure it and another option";
    char where[160] = "", more[48] = "";
    if (!gap->alone && (option->provider[0] || option->instance[0]))
        mlb_format(where, sizeof where, ", on %s%s%s", option->provider,
                   option->provider[0] && option->instance[0] ? " " : "", option->instance);
    if (gap->count > 1)
        mlb_format(more, sizeof more, "; %zu more score%s missing", gap->count - 1,
                   gap->count == 2 ? " is" : "s are");
    return mlb_fail(
        err, MLB_E_NO_VERDICT,
        "%s: '%s' has no score for '%s': %s (%s%s) and name the records (mlbench decide "
        "FILE RECORDS), or write a score into the file%s",
        decision->json.path, option->name, dimension->name, what, how[dimension->measure], where,
        more);
}

enum mlb_status mlb_evidence_fill(struct mlb_evidence *evidence, struct mlb_decision *decision,
                                  struct mlb_error *err)
{
    struct mlb_matrix *matrix = &decision->matrix;
    struct gap gap = {0};
    for (size_t d = 0; d < matrix->dimensions; d++) {
        fill_dimension(evidence, matrix, d);
        for (size_t i = 0; i < matrix->options; i++)
            if (is_missing(evidence, decision, d, i))
                add_gap(&gap, d, i, evidence->items[d][i].known);
    }
    return gap.count ? say_gap(evidence, decision, &gap, err) : MLB_OK;
}
