/* SPDX-License-Identifier: Apache-2.0 */
/* The job of threads_comm.h from the inside: for the files threads_*.c only.
 *
 * One lock for the whole job; each rank sleeps on a condition of its own, so that only those wake
 * up who have something to do. */
#ifndef MLB_TESTS_THREADS_INNER_H
#define MLB_TESTS_THREADS_INNER_H

#include <pthread.h>

#include "tests/fake/threads_comm.h"

/* What a rank brings to a meeting; the others read it until they have met once more. */
struct threads_offer {
    const char *what; /* the operation, the same for all */
    size_t bytes;     /* the same for all */
    const void *send;
    void *recv;
    int number; /* root or color: the operation's own */
};

/* A message under way from one member to another. */
struct threads_parcel {
    bool waits; /* to be taken */
    int to;
    const void *data;
    size_t bytes;
    uint64_t turn;
    int64_t sent_ns, end_ns;
};

struct threads_member {
    int rank;         /* of the job */
    uint64_t arrived; /* meetings this member came to */
    struct threads_offer offer;
    struct threads_parcel parcel;
};

/* Ranks that meet: all of the job, or those of a part of a channel. */
struct threads_group {
    struct threads_group *next; /* of the job's list */
    int size, here;
    uint64_t meetings; /* that are over */
    int64_t met_ns;    /* when the last member came to the last of them */
    struct threads_member members[];
};

struct threads_channel;

struct threads_rank_state {
    struct mlb_comm comm; /* first */
    struct mlb_device device;
    int64_t marks_ns[MLB_MARKS];
    struct threads_rank given;
    struct threads_team *team;
    pthread_t thread;
    pthread_cond_t wake;
    int64_t now_ns; /* virtual time; others read it only while this rank sleeps in a meeting */
    uint64_t sent;  /* transfers */
    struct threads_channel *channels; /* not closed yet; the job's is the last of the list */
    struct threads_counts counts;
    struct threads_end end;
};

struct threads_team {
    struct threads_job job;
    pthread_mutex_t lock;
    struct threads_group *groups, *everyone;
    struct mlb_error broken; /* the first failure; every later operation repeats it */
    void (*body)(struct threads_rank *rank, void *user);
    void *user;
    struct threads_rank_state ranks[];
};

/* The contract hands out some of them as const: what is asked of them then changes nothing. */
static inline struct threads_rank_state *threads_state_of(const struct mlb_comm *comm)
{
    return (struct threads_rank_state *)(void *)(uintptr_t)comm;
}

/* threads_comm.c */
void *threads_must(void *memory); /* out of memory ends the test */
struct threads_group *threads_group_make(struct threads_team *team, int size);
/* All members come with an offer, and leave when the last one has come. */
enum mlb_status threads_meet(struct threads_rank_state *rank, struct threads_group *group, int me,
                             const struct threads_offer *offer, struct mlb_error *err);
/* The second half of an operation: from here on nobody reads the offers any more. */
enum mlb_status threads_part(struct threads_rank_state *rank, struct threads_group *group, int me,
                             struct mlb_error *err);

struct threads_wait {
    struct threads_group *group;
    bool (*is_over)(const struct threads_wait *wait);
    int me, peer;     /* members; a peer that is waited for, -1 for all */
    uint64_t meeting; /* that all are waited for at */
    const char *what; /* the operation */
};
/* Until it is over, or the job broken; past the deadline those who are missing are named. With the
 * lock held. */
enum mlb_status threads_sleep(struct threads_rank_state *rank, const struct threads_wait *wait,
                              struct mlb_error *err);
/* A failure of all ranks, from now on. With the lock held. Returns the status of `err`. */
enum mlb_status threads_break(struct threads_team *team, const struct mlb_error *err);

int64_t threads_now_ns(const struct threads_rank_state *rank);
void threads_pass_until(struct threads_rank_state *rank, int64_t ns);

struct threads_channel {
    struct mlb_channel channel; /* first */
    struct threads_group *group;
    struct threads_rank_state *owner;
    struct threads_channel *next; /* of the owner's */
};

/* One collective under way. Pointers as the contract of the channel has them. */
struct threads_call {
    struct threads_channel *channel;
    struct threads_group *group;
    int me, size;
    const void *send;
    void *recv;
    size_t count, bytes; /* of one rank's block */
    enum mlb_dtype dtype;
    int root;
};

/* threads_links.c: the links that a collective uses. Around a ring, each carries so many blocks;
 * between the root and the others, or from every rank to every other, a block after the other. */
enum threads_pattern { THREADS_RING, THREADS_FAN_IN, THREADS_FAN_OUT, THREADS_ALL_FANS };
double threads_pattern_s(const struct threads_call *call, enum threads_pattern pattern,
                         double ring_blocks);

/* threads_channel.c */
struct mlb_channel *threads_channel_open(struct threads_rank_state *rank); /* of all ranks */
/* All that this rank still has open; how many of them came from split(). */
int threads_channels_close(struct threads_rank_state *rank);

/* threads_device.c */
extern const struct mlb_backend threads_backend;

#endif
