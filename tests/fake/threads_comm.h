/* SPDX-License-Identifier: Apache-2.0 */
/* A job whose ranks are threads of one process: the contract of harness/measure/comm.h without MPI
 * and without a network. All operations really move data between the ranks and their waits have
 * deadlines, so that code which talks to other ranks runs in a unit test, under sanitizers too.
 *
 *     static void body(struct threads_rank *rank, void *user) { ... rank->comm, rank->channel ... }
 *     struct threads_end ends[3];
 *     threads_run(&(struct threads_job){.ranks = 3}, body, user, ends);
 *
 * A check of tests/check.h that fails in a body prints itself and ends the process with a failure:
 * a thread cannot jump back into cmocka. */
#ifndef MLB_TESTS_THREADS_COMM_H
#define MLB_TESTS_THREADS_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/measure/comm.h"

struct threads_job {
    int ranks;
    int nodes;         /* the ranks in blocks, as even as they go; 0 = 1. Hosts "host0", "host1" */
    double deadline_s; /* of every wait, control plane and data plane; 0 = 10 */
    /* Time is a number that only transfers, threads_pass and waits for a later rank move: results
     * are the same on every machine. Otherwise it is the real clock, and a transfer sleeps. The
     * marks of the ranks' devices read it; deadlines are of the real clock either way. */
    bool virtual_time;
    /* How long `bytes` take over the link between two ranks of the job, in seconds. `turn` tells
     * the transfers of a link apart, so that it may vary and still give the same results again.
     * Called by several threads at once. NULL: what the copy itself takes (virtual: nothing). */
    double (*transfer_s)(void *links, int from, int to, size_t bytes, uint64_t turn);
    void *links;
};

/* What a body works with. The device has kind "cpu", host memory and the job's clock; the channel
 * has all ranks. All three belong to the job and are closed by it. */
struct threads_rank {
    struct mlb_comm *comm;
    struct mlb_device *device;
    struct mlb_channel *channel;
};

/* How a rank ended. */
struct threads_end {
    bool aborted; /* by comm->ops->abort: its thread ended there */
    int exit_code;
    int parts_left_open; /* channels from split() that were not closed; the job has freed them */
};

/* Runs `body` on a thread for each rank and returns when all have ended. `ends` has room for each
 * rank, or is NULL. */
void threads_run(const struct threads_job *job, void (*body)(struct threads_rank *rank, void *user),
                 void *user, struct threads_end *ends);

/* What a rank did so far that its results do not show. */
struct threads_counts {
    int line_ups, signs, watches, unwatches;
};
struct threads_counts threads_counts(const struct mlb_comm *comm);

/* The rank's clock, and work of its own that takes so long. */
double threads_now_s(const struct mlb_comm *comm);
void threads_pass(struct mlb_comm *comm, double seconds);

#endif
