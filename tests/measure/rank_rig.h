/* SPDX-License-Identifier: Apache-2.0 */
/* A job of ranks that differ: each is a thread with a device of its own and a clock that only steps
 * move. The reductions are real ones. */
#ifndef MLB_TESTS_RANK_RIG_H
#define MLB_TESTS_RANK_RIG_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/measure/run.h"

enum { RANKS = 3 };

struct hub {
    pthread_barrier_t barrier;
    const void *given[RANKS];
    size_t sizes[RANKS];
    const char *calls[RANKS];
    bool mixed; /* ranks met in different calls, or with different sizes */
};

struct rank {
    struct mlb_comm comm;
    struct mlb_device device;
    struct hub *hub;
    /* The script. */
    double step_ns;
    int unable;                   /* variants at the front of the list that this rank cannot do */
    int wrong_at;                 /* the element that is wrong, 0 = none */
    int checks;                   /* elements that are verified */
    int fails_at, interrupted_at; /* step; 0 = never */
    /* What came of it. */
    double now_ns, marks[MLB_MARKS];
    int steps, lines, signs;
    const char *used;
    volatile sig_atomic_t flag;
    struct mlb_run run;
    const struct mlb_case *item;
    struct mlb_row row;
    struct mlb_error err;
    enum mlb_status status;
};

struct job {
    struct hub hub;
    struct mlb_plan plan;
    struct mlb_case *item;
    struct mlb_channel channel;
    struct rank ranks[RANKS];
};

extern const struct mlb_workload rig_alone, rig_together; /* the latter is a collective */

void rig_begin(struct job *job, const struct mlb_workload *workload);
/* `work` on every rank, each in a thread; returns when all are done. */
void rig_start(struct job *job, void *(*work)(void *rank));
/* The case on all ranks; rank 0's row. All have come to the same status. */
const struct mlb_row *rig_go(struct job *job);
void rig_end(struct job *job);

#endif
