/* SPDX-License-Identifier: Apache-2.0 */
/* A channel over NCCL from within: what channel_nccl.c opens and nccl_calls.c calls. For the files
 * of this folder only. Why there are two communicators: docs/decisions/0007-nccl-that-ends.md. */
#ifndef MLB_COLLECTIVES_NCCL_CHANNEL_H
#define MLB_COLLECTIVES_NCCL_CHANNEL_H

#include <pthread.h>
#include <stdatomic.h>

#include "collectives/nccl_library.h"
#include "collectives/nccl_log.h"
#include "collectives/nccl_profiler.h"

struct mlb_nccl_channel;

/* Who may call NCCL: the rank's thread, unless the watchdog's has aborted all communicators. */
enum mlb_nccl_turn { MLB_NCCL_FREE, MLB_NCCL_CALLING, MLB_NCCL_ABORTED };

/* What the channels of a job share; the first one's own. */
struct mlb_nccl_job {
    struct mlb_nccl nccl;
    struct mlb_nccl_log *log; /* NULL: NCCL's log is not ours to read */
    struct mlb_nccl_log_facts logged;
    bool failed;                       /* a call did: only abort is allowed any more */
    _Atomic int turn;                  /* enum mlb_nccl_turn */
    struct mlb_nccl_channel *channels; /* all that are open, parts before what they are parts of */
};

/* What was seen of the last un-timed call; what may differ is joined over the ranks of the job. */
struct mlb_nccl_seen {
    struct mlb_nccl_profile profile; /* this rank's */
    bool profiled, logged;           /* known on every rank */
    double sent_bytes;               /* over the network: of all ranks ... */
    double sent_most_bytes;          /* ... and of the one with the most */
    bool crossed;                    /* a rank's transfer went over a network */
    char network[64];                /* "" = unknown */
    int staged_send, staged_recv;    /* lowest rank without GPUDirect RDMA; -1 = none */
    bool gdr_send, gdr_recv;         /* some rank with it */
    bool nvls_known, nvls;
    double predicted_ns; /* 0 = NCCL does not say */
};

struct mlb_nccl_channel {
    struct mlb_channel channel; /* first */
    struct mlb_nccl_job *job;
    struct mlb_nccl_channel *next; /* in job->channels */
    struct mlb_nccl_comm *polled;  /* does not block: start, connections, un-timed calls */
    struct mlb_nccl_comm *direct;  /* its twin that blocks: timed calls; NULL: `polled` does all */
    bool opened, owns_job;         /* the first one, once all ranks have it; the first one */
    bool observing;                /* calls are un-timed */
    bool grouped; /* the last call was made of sends and receives: this NCCL has no call for it */
    bool late;    /* a timed call returned "in progress" and was polled */
    struct mlb_nccl_seen seen;
};

/* To and from calls of NCCL. False, with the error, when the watchdog has aborted. */
bool mlb_nccl_enter(struct mlb_nccl_job *job, struct mlb_error *err);
void mlb_nccl_leave(struct mlb_nccl_job *job);

/* The nine of struct mlb_channel_ops. */
mlb_collective mlb_nccl_all_reduce, mlb_nccl_reduce_scatter, mlb_nccl_all_gather, mlb_nccl_alltoall;
mlb_rooted_collective mlb_nccl_reduce, mlb_nccl_broadcast, mlb_nccl_gather, mlb_nccl_scatter;
enum mlb_status mlb_nccl_sendrecv(struct mlb_channel *channel, const void *send, int to, void *recv,
                                  int from, size_t count, enum mlb_dtype dtype,
                                  struct mlb_error *err);

/* Evidence, in nccl_seen.c: the same hooks of struct mlb_channel_ops. */
void mlb_nccl_observe(struct mlb_channel *channel);
enum mlb_status mlb_nccl_observed(struct mlb_channel *all, struct mlb_channel *mine,
                                  struct mlb_error *err);
void mlb_nccl_details(const struct mlb_channel *channel, struct mlb_details *details);
void mlb_nccl_explain(struct mlb_channel *all, struct mlb_error *err);

#endif
