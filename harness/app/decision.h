/* SPDX-License-Identifier: Apache-2.0 */
/* The file of `mlbench decide`: dimensions with their weights, options with their scores.
 *
 *     { "title": "...",
 *       "dimensions": [{"name": "compute", "weight": 5, "measured": "compute"}, ...],
 *       "options": [{"name": "AWS", "provider": "aws", "instance": "p5.48xlarge",
 *                    "scores": {"compute": 5, ...}}, ...] } */
#ifndef MLB_APP_DECISION_H
#define MLB_APP_DECISION_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/analysis/decide.h"
#include "harness/base/json.h"
#include "harness/base/status.h"
#include "harness/catalog/catalog.h"

#define MLB_DECISION_LIMIT ((size_t)1 << 20) /* bytes of the file */

/* What fills a dimension from records. */
enum mlb_decision_measure {
    MLB_DECIDE_GIVEN, /* nothing: the file has the scores */
    MLB_DECIDE_COMPUTE,
    MLB_DECIDE_ATTENTION,
    MLB_DECIDE_MEMORY,
    MLB_DECIDE_INTERCONNECT,
    MLB_DECIDE_COST
};
extern const char *const mlb_decision_measures[]; /* "compute", ...: without the first one; NULL */

struct mlb_decision_dimension {
    const char *name, *about; /* about "" = nothing is said */
    enum mlb_decision_measure measure;
    enum mlb_purchase purchase; /* of MLB_DECIDE_COST */
};

struct mlb_decision_option {
    const char *name, *provider, *service, *instance; /* "" = any */
    int nodes;                                        /* 0 = any */
    bool buys; /* in a way of its own, instead of the one of a dimension of cost */
    enum mlb_purchase purchase;
};

struct mlb_decision {
    struct mlb_json json; /* owns the texts */
    const char *title;    /* "" = none */
    struct mlb_decision_dimension dimensions[MLB_DECIDE_DIMENSIONS];
    struct mlb_decision_option options[MLB_DECIDE_OPTIONS];
    struct mlb_matrix matrix;                              /* weights, and scores that are given */
    bool given[MLB_DECIDE_DIMENSIONS][MLB_DECIDE_OPTIONS]; /* the file has a score */
};

/* Strict: "FILE:LINE: what is wrong" (MLB_E_CONFIG), with the word that was likely meant. A score
 * is there for every dimension that no record fills. `decision` is big: not for the stack of a
 * thread.
 */
enum mlb_status mlb_decision_open(struct mlb_decision *decision, const char *path,
                                  struct mlb_error *err);
/* The same from memory; `name` stands for the file in messages. */
enum mlb_status mlb_decision_parse(struct mlb_decision *decision, const char *name,
                                   const char *text, size_t length, struct mlb_error *err);
void mlb_decision_close(struct mlb_decision *decision); /* zeroed is fine */

#endif
