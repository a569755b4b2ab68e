/* SPDX-License-Identifier: Apache-2.0 */
/* Where a network's rate gets lost on its way into a training step: what a machine sends over its
 * NICs when hosts send, when GPUs do, when one rail adds up, when all rails are busy, when all GPUs
 * add up, and when they compute meanwhile. Derived from the rows of one record. Pure. */
#ifndef MLB_ANALYSIS_LOSS_BUDGET_H
#define MLB_ANALYSIS_LOSS_BUDGET_H

#include "harness/measure/result.h"

enum { MLB_LOSS_STEPS = 6 };

struct mlb_loss_step {
    const char *name;
    bool applies;               /* a job of hosts has no wire of GPUs */
    const char *how;            /* "nccl sendrecv, one rank a machine" */
    const struct mlb_row *row;  /* the fastest that measured it; NULL = none did */
    double network_bytes_per_s; /* out of one machine */
    bool at_least;              /* the algorithm is not known: it may be more */
    double of_line;             /* of the NICs it uses: of one rail its share; 0 = not known */
    double
        of_before; /* a rail's rate, of that in the step before this that was measured; 0 = none */
};

/* How many of the steps were measured; less than two are no budget. */
size_t mlb_loss_budget(const struct mlb_result *result, struct mlb_loss_step steps[MLB_LOSS_STEPS]);

#endif
