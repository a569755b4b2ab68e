/* SPDX-License-Identifier: Apache-2.0 */
/* What a unit of work is, of rows of unlike records: rows of one class make a metric, and only the
 * cases that all have count, so that nobody is judged by other work. */
#ifndef MLB_ANALYSIS_METRIC_H
#define MLB_ANALYSIS_METRIC_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/analysis/offer.h"
#include "harness/base/status.h"

/* By the arithmetic of the case, the same on every machine. A training step spends its time in the
 * products of layers and in attention; the other classes tell why. */
enum mlb_work_class {
    MLB_WORK_GEMM_LAYER, /* of a model's layer */
    MLB_WORK_GEMM_LARGE, /* of m, n and k each is 2048 or more */
    MLB_WORK_GEMM_SMALL, /* smaller or skinny: launching and memory count too */
    MLB_WORK_ATTENTION,
    MLB_WORK_MEMORY,     /* workload memory */
    MLB_WORK_ALL_REDUCE, /* of 16 MiB or more among all ranks, as the other collectives */
    MLB_WORK_REDUCE_SCATTER,
    MLB_WORK_ALL_GATHER,
    MLB_WORK_ALLTOALL,
    MLB_WORK_CLASSES,
    MLB_WORK_NONE = MLB_WORK_CLASSES /* no unit of it is sold */
};
enum mlb_work_class mlb_work_class(const struct mlb_digest_row *row);

struct mlb_metric {
    enum mlb_work_class work_class;
    char dtype[24];   /* "bf16", "e4m3 precise"; "" = no matter */
    int ranks, nodes; /* of a collective, which is another one among others; else 0 */
    char name[80];    /* "gemm bf16 layers", "all_reduce 2x8" */
    const char *per;  /* "10^21 FLOP", "PB reduced", "TB/s-hour" */
    double amount;    /* FLOP or bytes in such a unit */
    bool together;    /* all ranks do one piece of work, not one each */
    bool operations;  /* FLOP are integer operations */
    const struct mlb_digest_row **cases; /* owned; one row stands for all of its case */
    size_t case_count;
    size_t measured_count; /* that have it */
    size_t uncommon;       /* other cases, that only some have */
};

struct mlb_metrics {
    struct mlb_metric *items; /* by class, then as met */
    size_t count;
    size_t apart; /* metrics given up: those that have one have no case of it in common */
};

/* `only` NULL or "" = all; else a pattern that a case's id or label has to match. */
enum mlb_status mlb_metrics_find(struct mlb_metrics *metrics, const struct mlb_offers *offers,
                                 const char *only, struct mlb_error *err);
void mlb_metrics_free(struct mlb_metrics *metrics); /* zeroed is fine; leaves it zeroed */

/* Which metric counts `row`: measured, verified, of the job's own device; metrics->count = none. */
size_t mlb_metrics_at(const struct mlb_metrics *metrics, const struct mlb_digest *digest,
                      const struct mlb_digest_row *row);
/* Of metric.cases, the one that `row` is of; case_count when it is of none. */
size_t mlb_metric_case(const struct mlb_metric *metric, const struct mlb_digest_row *row);

/* How much a type says about training; the lower, the more: bf16, f16, tf32, f32, the rest. */
size_t mlb_metric_type_rank(const char *dtype);

#endif
