/* SPDX-License-Identifier: Apache-2.0 */
/* Warm up until steady, then sample until the stop rule holds. Inner part of run.c. */
#ifndef MLB_MEASURE_SAMPLE_H
#define MLB_MEASURE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/measure/run.h"

/* Nanoseconds per step over all ranks; owned. */
struct mlb_series {
    double *ns;
    size_t count, capacity;
};

/* Zero-initialise; mlb_samples_free. Both arrays hold nanoseconds per step, in the order taken. */
struct mlb_samples {
    double *across; /* one value per iteration over all ranks: max, or harmonic mean */
    double *own;    /* this rank's */
    size_t count, capacity;
    uint64_t steps; /* per sample */
    uint64_t warmup_discarded;
    bool warm;
    enum mlb_stop stop;
    struct mlb_telemetry_window window; /* from the first sample to the last of this rank */
    struct mlb_moved moved;             /* by the machine's ports meanwhile, during ... */
    uint64_t moved_steps;               /* ... this many steps */

    /* How steps are launched: "stream", "graph"; "" where the device knows no graphs. Why no graph
     * was tried; how much faster it was than the stream. */
    char launch[8], no_graph[96];
    struct mlb_maybe graph_gain;

    /* With --sustain: samples from rest; medians of blocks under lasting load; their windows. */
    struct mlb_series burst, blocks;
    struct mlb_telemetry_window burst_window, half_window[2];
    double sustained_s; /* timed, of all blocks */
};

void mlb_samples_free(struct mlb_samples *samples);

/* Collective. With `alone` the rank decides for itself and nothing is exchanged with others
 * (--solo); across == own then. */
enum mlb_status mlb_sample(struct mlb_run *run, const struct mlb_case *item,
                           const struct mlb_variant *variant, void *state, bool alone,
                           struct mlb_samples *samples, struct mlb_error *err);

/* Solo runs: all ranks' series become one of harmonic means, as long as the shortest. Collective.
 */
enum mlb_status mlb_samples_join(struct mlb_comm *comm, struct mlb_samples *samples,
                                 struct mlb_error *err);

/* The stop rule, pure. True when sampling is over, and why. `timed_s`: sum of the samples. */
bool mlb_sample_enough(const struct mlb_measure *measure, const double *across, size_t count,
                       double timed_s, enum mlb_stop *stop);

#endif
