/* SPDX-License-Identifier: Apache-2.0 */
/* Taking samples in chunks, the same on all ranks. Inner part of sample.c, launch.c and sustain.c.
 */
#ifndef MLB_MEASURE_SAMPLER_H
#define MLB_MEASURE_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/measure/run.h"
#include "harness/measure/sample.h"

struct mlb_sampler {
    struct mlb_run *run;
    const struct mlb_case *item;
    const struct mlb_variant *variant;
    void *state;
    bool alone;
    uint64_t steps;        /* of a sample */
    bool steps_set;        /* they stay as they are */
    void *graph;           /* of `graph_steps` steps, which divide `steps`; NULL = one by one */
    uint64_t graph_steps;  /* 0 = none */
    double sample_s;       /* about how long one sample takes now */
    double timed_s;        /* sum of what was timed */
    uint64_t window_steps; /* since telemetry's window began, timed or not */
};

/* Rank 0's decision, the same for all ranks. */
struct mlb_decision {
    bool stop;
    enum mlb_stop why;
    bool warm;
    uint64_t next;  /* samples to take in the next chunk */
    uint64_t steps; /* steps of each */
};

/* Samples shorter than this get one more that is not recorded before each chunk, and steps that are
 * need more samples. Ranks ask each other after each step over MLB_LONG_S. */
#define MLB_SHORT_S 1e-3
#define MLB_LONG_S  0.5

/* Take n samples on every rank and append them. Collective, as the others here, unless alone. */
enum mlb_status mlb_sampler_chunk(struct mlb_sampler *s, struct mlb_samples *samples, uint64_t n,
                                  struct mlb_error *err);
enum mlb_status mlb_sampler_share(struct mlb_sampler *s, struct mlb_decision *decision,
                                  struct mlb_error *err);
/* A chunk of samples that fills about `seconds`. */
uint64_t mlb_sampler_fit(double seconds, double each_s, uint64_t least, uint64_t most);
uint64_t mlb_sampler_chunk_size(const struct mlb_sampler *s);
bool mlb_sampler_budget_gone(const struct mlb_sampler *s);
bool mlb_sampler_on_cpu(const struct mlb_sampler *s);
/* Telemetry's window of this rank; nothing without telemetry. */
void mlb_sampler_begin_window(struct mlb_sampler *s);
void mlb_sampler_end_window(struct mlb_sampler *s, struct mlb_telemetry_window *window);

/* Windows of samples that are not recorded until two in a row agree in time and, on a GPU, in
 * clock. sample.c */
enum mlb_status mlb_sampler_settle(struct mlb_sampler *s, struct mlb_samples *samples,
                                   struct mlb_error *err);

/* launch.c: are the steps faster as a graph? Then s->graph is set, to be freed by
 * mlb_sampler_drop_graph, and samples->launch says so. */
enum mlb_status mlb_sampler_choose_launch(struct mlb_sampler *s, struct mlb_samples *samples,
                                          struct mlb_error *err);
void mlb_sampler_drop_graph(struct mlb_sampler *s);

/* sustain.c: from rest, and then for long. */
enum mlb_status mlb_sampler_burst(struct mlb_sampler *s, struct mlb_samples *samples,
                                  struct mlb_error *err);
enum mlb_status mlb_sampler_sustain(struct mlb_sampler *s, struct mlb_samples *samples,
                                    struct mlb_error *err);

#endif
