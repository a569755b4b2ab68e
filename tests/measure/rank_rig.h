/* SPDX-License-Identifier: Apache-2.0 */
/* A job of ranks that differ: each is a thread (tests/fake/threads_comm.h) with a device of its own
 * and a clock that only steps move. */
#ifndef MLB_TESTS_RANK_RIG_H
#define MLB_TESTS_RANK_RIG_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/measure/run.h"

enum { RANKS = 3 };

struct rank {
    struct mlb_device device;
    struct mlb_comm *comm; /* while it runs */
    /* The script. */
    double step_ns;
    int unable;                   /* variants at the front of the list that this rank cannot do */
    int wrong_at;                 /* the element that is wrong, 0 = none */
    int checks;                   /* elements that are verified */
    int fails_at, interrupted_at; /* step; 0 = never */
    /* What came of it. */
    double now_ns, marks[MLB_MARKS];
    int steps, lines, signs;
    double deadline_s; /* that the communicator was left with */
    const char *used;
    volatile sig_atomic_t flag;
    struct mlb_run run;
    const struct mlb_case *item;
    struct mlb_row row;
    struct mlb_error err;
    enum mlb_status status;
};

struct job {
    struct mlb_plan plan;
    struct mlb_case *item;
    struct mlb_channel channel;
    struct rank ranks[RANKS];
};

extern const struct mlb_workload rig_alone, rig_together; /* the latter is a collective */

void rig_begin(struct job *job, const struct mlb_workload *workload);
/* `work` on every rank, each in a thread; returns when all are done. */
void rig_start(struct job *job, void (*work)(struct rank *rank));
/* The case on all ranks; rank 0's row. All have come to the same status. */
const struct mlb_row *rig_go(struct job *job);
void rig_end(struct job *job);

#endif
