/* SPDX-License-Identifier: Apache-2.0 */
/* A GEMM and a collective at the same time: what overlap.c sets up, overlap_run.c runs and
 * overlap_measure.c times. For the files of this folder only. */
#ifndef MLB_COLLECTIVES_OVERLAP_H
#define MLB_COLLECTIVES_OVERLAP_H

#include <stdbool.h>

#include "collectives/lane.h"
#include "collectives/overlap_side.h"

/* What runs in a step: bits. */
enum mlb_overlap_run { MLB_RUN_GEMM = 1, MLB_RUN_COLLECTIVE = 2, MLB_RUN_BOTH = 3 };

/* Nanoseconds of one run. `whole`: from the common start until all of it is done. */
struct mlb_overlap_span {
    double whole, gemm, collective;
};

struct mlb_overlap {
    struct mlb_overlap_side gemm, collective;
    struct mlb_device *device; /* of the collective: the case's, borrowed */
    struct mlb_device *second; /* of the GEMM: the same hardware, owned */
    /* The GEMM's thread where the device is synchronous: it opens `second` and alone uses it. NULL
     * where `second` is another stream. */
    struct mlb_lane *lane;
    uint64_t gemms; /* in a step, one after the other */
    bool measured;
    /* Of the three runs in turn: medians over rounds, each the slowest rank's. */
    struct mlb_overlap_span gemm_alone, collective_alone, both;
};

/* overlap_run.c */

bool mlb_overlap_has_streams(const struct mlb_device *device);
/* overlap->device and ->gemm are set: opens the second device and sets up the GEMM on it. */
enum mlb_status mlb_overlap_open(struct mlb_overlap *overlap, struct mlb_error *err);
/* Fine after an open that failed, and on a zeroed overlap. Frees the GEMM's side. */
void mlb_overlap_close(struct mlb_overlap *overlap);
enum mlb_status mlb_overlap_verify_gemm(struct mlb_overlap *overlap,
                                        struct mlb_verification *verification,
                                        struct mlb_error *err);
/* Begins together; is over when all of it is. Enqueued where the device has streams. */
enum mlb_status mlb_overlap_step(struct mlb_overlap *overlap, enum mlb_overlap_run run,
                                 struct mlb_error *err);
/* How long the last step took, once the device was synced. */
enum mlb_status mlb_overlap_spans(const struct mlb_overlap *overlap, enum mlb_overlap_run run,
                                  struct mlb_overlap_span *span, struct mlb_error *err);

/* overlap_measure.c: collective over ctx->comm. Chooses `gemms` where it is 0, so that they last
 * about as long as the collective, and fills in the times. */
enum mlb_status mlb_overlap_measure(struct mlb_overlap *overlap, const struct mlb_ctx *ctx,
                                    struct mlb_error *err);

#endif
