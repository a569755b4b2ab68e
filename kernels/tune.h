/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing the fastest of a library's candidates by timing them, within a budget. The caller times,
 * with mlb_tune_launches where the candidates are launched on a device. */
#ifndef MLB_KERNELS_TUNE_H
#define MLB_KERNELS_TUNE_H

#include <stddef.h>

#include "harness/base/status.h"
#include "harness/measure/workload.h"

#define MLB_TUNE_CANDIDATES 32u

struct mlb_tune {
    size_t count;    /* of candidates, best guess first; at most MLB_TUNE_CANDIDATES */
    double budget_s; /* of timed work; the first candidate is timed whatever it takes */
    /* Run candidate `index` `runs` times back to back; *ns = time of one run. MLB_E_UNSUPPORTED,
     * MLB_E_NOMEM or MLB_E_DEVICE: this candidate cannot run and is left out; any other error ends
     * the tuning. */
    enum mlb_status (*time)(void *user, size_t index, unsigned runs, double *ns,
                            struct mlb_error *err);
    void *user;
};

struct mlb_tune_result {
    size_t tested;    /* candidates that ran */
    size_t finalists; /* of the second stage; 1 = there was none */
    size_t chosen;
    double first_ns, chosen_ns; /* of candidate 0 (what a framework gets; infinite when it
                                 * cannot run) and of the chosen one */
};

/* The status of the first candidate that failed when none ran. */
enum mlb_status mlb_tune(const struct mlb_tune *tune, struct mlb_tune_result *result,
                         struct mlb_error *err);

/* `most_s`, or less where the case is to be short. */
double mlb_tune_budget(const struct mlb_ctx *ctx, double most_s);

/* Time of one of `runs` launches in a row, between two marks of the device. */
enum mlb_status mlb_tune_launches(const struct mlb_ctx *ctx, unsigned runs,
                                  enum mlb_status (*launch)(void *user, struct mlb_error *err),
                                  void *user, double *ns, struct mlb_error *err);

#endif
