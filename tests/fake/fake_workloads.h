/* SPDX-License-Identifier: Apache-2.0 */
/* A registry of scripted workloads, linked in the place of kernels/registry.c and
 * collectives/registry.c: the harness is tested with no kernel and no MPI.
 *
 *   "alpha"  on "fake" and "cpu": each step takes the next duration of the script; parameters size,
 *            kind and bytes; `fault` says what goes wrong.
 *   "gather" is collective, for 2 ranks or more; of kind "fancy" it is pipelined. */
#ifndef MLB_TESTS_FAKE_WORKLOADS_H
#define MLB_TESTS_FAKE_WORKLOADS_H

#include "harness/measure/workload.h"

enum fake_fault {
    FAKE_FINE,
    FAKE_WRONG,       /* verification finds a wrong element */
    FAKE_UNVERIFIED,  /* verification checks nothing */
    FAKE_UNSUPPORTED, /* check refuses */
    FAKE_NO_MEMORY,   /* setup runs out of memory */
    FAKE_SETUP_FAILS, /* setup meets a device error */
    FAKE_REFUSED,     /* setup of the best variant finds that it cannot do the case */
    FAKE_STEP_FAILS,  /* the 30th step does */
    FAKE_LOST         /* the 30th step meets a communication error: the job cannot go on */
};

struct fake_params {
    uint64_t size, bytes;
    int kind, fault;
};

/* What the workload saw; the test's, passed through fake_script. */
struct fake_script {
    const double *step_ns; /* durations, one a step; the last one repeats */
    size_t count;
    size_t rotation;                                       /* of the operands; 0 = 1 */
    size_t steps, setups, teardowns, verifies;             /* counted */
    double tune_s;                                         /* as setup was given it */
    void (*advance)(struct mlb_device *device, double ns); /* lets time pass on the device */
};

/* Where alpha finds its script: set by a test before it runs a case. */
extern struct fake_script *fake_script;

#endif
