/* SPDX-License-Identifier: Apache-2.0 */
/* CONTRACT: the ranks of a job. Two planes, both implemented in collectives/:
 *
 *   control  `struct mlb_comm`: agree, gather, tell. Host memory, small, every wait has a deadline,
 *            waiting ranks sleep and leave their core to others.
 *   data     `struct mlb_channel`: what is measured and what training steps use: collectives over
 *            device buffers, enqueued on the device's stream (MPI on host memory, NCCL on GPUs).
 *
 * Without MPI, or in unit tests, a job of one rank is served by comm_self.c. */
#ifndef MLB_MEASURE_COMM_H
#define MLB_MEASURE_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/dtype.h"
#include "harness/base/status.h"
#include "harness/device/device.h"
#include "harness/measure/details.h"

#define MLB_HOST_NAME 64

struct mlb_comm_ops;

struct mlb_comm {
    const struct mlb_comm_ops *ops;
    const char *name;           /* "mpi", "self" */
    char library[96];           /* "Open MPI 4.1.4"; "" for self */
    int rank, size;             /* of the job */
    int local_rank, local_size; /* of this machine */
    int least_local_size;       /* of all machines; smaller than others where they are unequal */
    int node, nodes;            /* this rank's machine, number of machines */
    int slots;                  /* ranks the launcher had room for; 0 = unknown */
    bool aside;                 /* no seat for this rank: only mlb_comm_close is left for it */
    int aside_ranks;            /* how many ranks of the launch stand aside */
    char host[MLB_HOST_NAME];   /* for messages only, never in a record */
    double deadline_s;          /* of every control wait */
    void *state;                /* of the implementation */
};

/* Control plane. Collective over all ranks, called in the same order by all. A wait that passes the
 * deadline gives MLB_E_TIMEOUT and names the ranks that did not come ("rank 3 on node7 did not come
 * to 'gather' within 30 s"). */
struct mlb_comm_ops {
    enum mlb_status (*barrier)(struct mlb_comm *comm, struct mlb_error *err);
    enum mlb_status (*broadcast)(struct mlb_comm *comm, void *data, size_t bytes, int root,
                                 struct mlb_error *err);
    /* `all` has size x bytes on root, is ignored elsewhere. */
    enum mlb_status (*gather)(struct mlb_comm *comm, const void *mine, size_t bytes, void *all,
                              int root, struct mlb_error *err);
    /* Elementwise over ranks, result on every rank, in place. */
    enum mlb_status (*all_max)(struct mlb_comm *comm, double *values, size_t count,
                               struct mlb_error *err);
    enum mlb_status (*all_sum)(struct mlb_comm *comm, double *values, size_t count,
                               struct mlb_error *err);
    /* All ranks leave within microseconds of each other: spins, only right before a timed step. */
    enum mlb_status (*line_up)(struct mlb_comm *comm, struct mlb_error *err);
    /* A sign of life and of progress, read by the watchdog of this machine: nanoseconds to do. */
    void (*progress)(struct mlb_comm *comm);
    /* Watch a stretch of work that may hang (a collective, a device): if it is not ended by
     * unwatch() within `deadline_s`, the watchdog says which ranks stand behind and ends the job
     * with exit code 3. `what` must stay valid until unwatch(). */
    void (*watch)(struct mlb_comm *comm, const char *what, double deadline_s);
    void (*unwatch)(struct mlb_comm *comm);
    /* `stop` ends what this rank waits for within a library. It is called once, on a thread of its
     * own, when a watched stretch has passed its deadline for good and before the job is ended; 5 s
     * later the job is ended all the same. NULL takes it back. Optional. */
    void (*at_deadline)(struct mlb_comm *comm, void (*stop)(void *user), void *user);
    /* Ends the whole job now with this exit code. Does not return. */
    void (*abort)(struct mlb_comm *comm, int exit_code) __attribute__((noreturn));
};

/* Start: reads the launcher's environment, opens MPI (only when this is part of a job or MPI is in
 * the build). One per process; `deadline_s` bounds the start too. Defined in collectives/.
 *
 * `seats`: devices of this machine, 0 = no limit. A launcher that nobody told a number starts a
 * rank for each of its slots, which are cores: where those are more than the seats, ranks beyond
 * them stand aside and are not counted in `size`. When a number was asked for, it is kept. */
enum mlb_status mlb_comm_open(double deadline_s, int seats, struct mlb_comm **comm,
                              struct mlb_error *err);
/* Collective; finalizes MPI. Ranks that stand aside sleep in it until the others are done. NULL is
 * fine. */
void mlb_comm_close(struct mlb_comm *comm);

/* Agree on a status: every rank gets the worst one; the text of the lowest rank that failed is told
 * to all, prefixed with "rank N: " when it came from another. For the ends of phases that may fail
 * on one rank only. Defined in measure/agree.c. */
enum mlb_status mlb_comm_agree(struct mlb_comm *comm, enum mlb_status mine, struct mlb_error *err);

/* ------------------------------------------------------------------------------------- data plane
 */

struct mlb_channel_ops;

struct mlb_channel {
    const struct mlb_channel_ops *ops;
    struct mlb_comm *comm; /* of the whole job: deadlines, the watchdog */
    struct mlb_device *device;
    int rank, size;     /* among the ranks of this channel */
    bool shared_device; /* ranks of the job share a device: results are right, times say nothing */
};

/* One collective. `count` is in elements of ONE rank's block, n = channel->size; what a buffer
 * holds stands beside each operation. Enqueued on the device's stream (MPI: done on return). `send`
 * and `recv` do not overlap but in place. */
typedef enum mlb_status mlb_collective(struct mlb_channel *channel, const void *send, void *recv,
                                       size_t count, enum mlb_dtype dtype, struct mlb_error *err);
/* The same with a root: a rank of the channel. */
typedef enum mlb_status mlb_rooted_collective(struct mlb_channel *channel, const void *send,
                                              void *recv, size_t count, enum mlb_dtype dtype,
                                              int root, struct mlb_error *err);

/* One row per library. Table `mlb_channels` in collectives/registry.c. */
struct mlb_channel_ops {
    const char *name;        /* "mpi", "nccl" */
    const char *device_kind; /* "cpu", "cuda" */

    /* Version of the library that is loaded: "Open MPI 4.1.4", "NCCL 2.28.9"; "" when it is not
     * there. Required. */
    void (*version)(char *to, size_t size);
    /* Collective over comm. MLB_E_UNSUPPORTED with the reason when the library is not there. */
    enum mlb_status (*open)(struct mlb_comm *comm, struct mlb_device *device,
                            struct mlb_channel **channel, struct mlb_error *err);
    void (*close)(struct mlb_channel *channel); /* NULL is fine */
    /* Collective over the channel: ranks of one color >= 0 get a channel of their own, in the order
     * of their ranks; those of a color < 0 get NULL. Closed before its parent. */
    enum mlb_status (*split)(struct mlb_channel *channel, int color, struct mlb_channel **part,
                             struct mlb_error *err);

    /* Sums over ranks: f64, f32, bf16, f16, s32. */
    mlb_collective *all_reduce;     /* count -> count; in place: send == recv */
    mlb_collective *reduce_scatter; /* n x count -> count; in place: recv == send + rank * count */
    mlb_rooted_collective *reduce;  /* count -> count on the root; in place: send == recv */
    /* Moves: any type of whole bytes. */
    mlb_collective *all_gather; /* count -> n x count; in place: send == recv + rank * count */
    mlb_collective *alltoall;   /* n x count -> n x count; never in place */
    mlb_rooted_collective *broadcast; /* count on the root -> count; in place: send == recv */
    mlb_rooted_collective *gather;    /* count -> n x count on the root; in place as all_gather */
    mlb_rooted_collective *scatter; /* n x count on the root -> count; in place as reduce_scatter */
    /* count to rank `to` while count come from rank `from`; < 0: nobody. Never in place. */
    enum mlb_status (*sendrecv)(struct mlb_channel *channel, const void *send, int to, void *recv,
                                int from, size_t count, enum mlb_dtype dtype,
                                struct mlb_error *err);

    /* The calls after observe are un-timed: the library may take a slower, safer way and notes how
     * they are done. Optional, with observed. */
    void (*observe)(struct mlb_channel *channel);
    /* They are over, and the device is done with them: timed calls follow. Collective over the job:
     * `all` is its channel, `mine` the one that observes, NULL on a rank that takes no part. What
     * the ranks saw is joined for details(). */
    enum mlb_status (*observed)(struct mlb_channel *all, struct mlb_channel *mine,
                                struct mlb_error *err);
    /* How the last collective of this channel was done, as far as the library tells: "algorithm",
     * "protocol", "channels", "network", "predicted_ns". Optional. */
    void (*details)(const struct mlb_channel *channel, struct mlb_details *details);
    /* After a wait for the device that passed its deadline: what the library has noticed by itself,
     * e.g. a lost connection, is added to the text of *err. `all` is the job's. Optional. */
    void (*explain)(struct mlb_channel *all, struct mlb_error *err);
};

/* What the library of `all` has noticed, when *err is a deadline that passed. NULL is fine. */
void mlb_channel_explain(struct mlb_channel *all, struct mlb_error *err);

extern const struct mlb_channel_ops *const mlb_channels[]; /* NULL-terminated */

#endif
