/* SPDX-License-Identifier: Apache-2.0 */
/* The measuring loop: from a case to a row. Collective over ctx->comm: every rank calls it with the
 * same case and gets the same status; only rank 0's row is complete. */
#ifndef MLB_MEASURE_RUN_H
#define MLB_MEASURE_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/measure/plan.h"
#include "harness/measure/result.h"
#include "harness/measure/workload.h"
#include "harness/system/ports.h"

struct mlb_run {
    struct mlb_ctx ctx; /* of the case's device; ctx.device NULL: see `absent` */
    const char *absent; /* why there is no such device; ends up as the row's reason ... */
    enum mlb_status absent_status;     /* ... and what it is, if it was there: the row fails then */
    const char *no_channel;            /* why ctx.channel is NULL, for collective workloads ... */
    enum mlb_status no_channel_status; /* ... and what it is: MLB_E_UNSUPPORTED skips the row */
    struct mlb_telemetry *telemetry;   /* may be NULL */
    struct mlb_ports *ports;           /* rank 0's machine's; NULL elsewhere */
    bool solo;                         /* ranks measure one after the other */
    bool shared_device;                /* with other ranks: its energy is not this rank's alone */
    bool verify_only;                  /* no timing: `mlbench verify` */
    double deadline_s;                 /* of one step, a sync or a wait on another rank */
    double stop_at_s;                  /* mlb_clock_s() at which the budget ends; 0 = none */
    /* Called on rank 0 now and then with the fraction of this case's time limit gone. Optional. */
    void (*tick)(void *user, double fraction);
    void *user;
    char title[128]; /* out: "all_gather 1 GiB bf16", what the watchdog says a rank is doing */
    bool unhealthy;  /* out: a device said that it needs service; the row's reason says which */
    const volatile sig_atomic_t *interrupted; /* set by a signal handler; may be NULL */
};

/* Always MLB_OK for what a row can say (skipped, failed, untrusted). Another status means that the
 * job cannot go on (a rank is gone, a deadline passed, interrupted); the row then says so too. */
enum mlb_status mlb_run_case(struct mlb_run *run, const struct mlb_case *item, struct mlb_row *row,
                             struct mlb_error *err);

#endif
