/* SPDX-License-Identifier: Apache-2.0 */
/* Scores from records: which dimension of a decision is measured by what, and how well it is known.
 */
#ifndef MLB_APP_DECIDE_EVIDENCE_H
#define MLB_APP_DECIDE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/app/decision.h"
#include "harness/app/options.h"
#include "harness/base/status.h"

/* Of one option in one dimension. */
struct mlb_evidence_item {
    bool known;
    double value, low, high; /* in the dimension's unit */
    size_t launches;
    const char *covers; /* what the interval is of: "one_launch", "range", "launches", "none" */
    char measured[128]; /* what was measured: "aws p5.48xlarge x2" */
    size_t sick;        /* of the launches, with a health note of that level */
    char price[96];     /* of a cost: "$55.04/h, on_demand, 2026-08-11" */
    bool stale;         /* that price is older than MLB_PRICE_STALE_DAYS */
};

struct mlb_evidence {
    size_t records;  /* that belong to an option and count */
    size_t others;   /* that belong to none */
    size_t left_out; /* ranks took turns or shared a device, or other data than "normal" */
    bool filled[MLB_DECIDE_DIMENSIONS];      /* its scores are measured, of two options or more */
    char metric[MLB_DECIDE_DIMENSIONS][96];  /* "gemm bf16 layers, 12 cases" */
    const char *unit[MLB_DECIDE_DIMENSIONS]; /* "FLOP/s of a GPU" */
    bool less_is_better[MLB_DECIDE_DIMENSIONS];
    struct mlb_evidence_item items[MLB_DECIDE_DIMENSIONS][MLB_DECIDE_OPTIONS];
};

/* Reads the records that the words behind the file mean. An option's are those of its provider,
 * service, instance and nodes. Errors of the selection and of the catalog. */
enum mlb_status mlb_evidence_gather(struct mlb_evidence *evidence,
                                    const struct mlb_decision *decision,
                                    const struct mlb_options *options, struct mlb_error *err);

/* What was measured becomes scores: the best option of a dimension has 5, the others 5 x their part
 * of it, 1 at least (mlb_decide_score). That takes two measured options; of fewer, and for an
 * option that was not measured, the file's score counts. MLB_E_NO_VERDICT, with what to measure,
 * where there is neither. */
enum mlb_status mlb_evidence_fill(struct mlb_evidence *evidence, struct mlb_decision *decision,
                                  struct mlb_error *err);

#endif
