/* SPDX-License-Identifier: Apache-2.0 */
/* What a test of overlap puts in the place of a GPU: a device whose streams have clocks of their
 * own that only work moves, a GEMM and a collective that take as long as the script says. Or a
 * device without streams, on the real clock, where work sleeps. */
#ifndef MLB_TESTS_OVERLAP_RIG_H
#define MLB_TESTS_OVERLAP_RIG_H

#include <pthread.h>
#include <stdatomic.h>

#include "harness/measure/workload.h"
#include "tests/fake/threads_comm.h"

enum { RIG_RANKS = 3 };

struct rig {
    /* The script of one rank. */
    double gemm_ns, collective_ns;
    double beside;     /* a collective that begins while a GEMM runs takes so many times longer */
    bool gemm_wrong;   /* its verification finds a wrong element */
    bool gemm_blind;   /* ... or looks at nothing */
    bool gemm_refuses; /* the setup of its best variant */
    int wrong_bucket;  /* the collective's call that spoils its result, from 1; 0 = none */
    int fail_at;       /* the n-th call of the device fails, from 1; 0 = never */
    /* What came of it. */
    atomic_int calls; /* of both threads */
    int open_devices, blocks, gemm_setups, gemm_teardowns, gemm_steps, collectives;
    struct stream *last; /* device that was opened */
    atomic_bool strayed; /* the GEMM ran on the thread of the collective, or the other way round */
    pthread_t main;
};
/* One a rank: a backend has no argument to pass it through; a device's index is its rank. */
extern struct rig rigs[RIG_RANKS];

void rig_reset(void);

extern const struct mlb_backend rig_streams, rig_threads;

/* The workload under test, on one rank: params are key, value, ..., NULL. */
struct rig_case {
    struct mlb_ctx ctx;
    struct mlb_device *device;
    struct mlb_channel *real;
    struct mlb_channel channel; /* the rank's, with the script's time */
    const struct mlb_variant *variant;
    void *params, *state;
    struct mlb_error err;
};

/* Opens the rank's device and makes params and state. Status of resolve. */
enum mlb_status rig_open(struct rig_case *rc, struct threads_rank *rank,
                         const struct mlb_backend *backend, const char *const *settings);
/* check, setup, verify and `steps` steps, up to the first that fails. */
enum mlb_status rig_run(struct rig_case *rc, int steps, struct mlb_verification *verification);
/* As the harness does it: teardown, twice, whatever came before. */
void rig_close(struct rig_case *rc);

#endif
