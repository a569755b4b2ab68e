/* SPDX-License-Identifier: Apache-2.0 */
/* One case of a scripted workload on a scripted device, measured by the loop. */
#ifndef MLB_TESTS_BENCH_H
#define MLB_TESTS_BENCH_H

#include "harness/measure/run.h"
#include "tests/fake/fake_comm.h"
#include "tests/fake/fake_device.h"
#include "tests/fake/fake_workloads.h"

struct bench {
    struct fake_script script;
    struct fake_comm comm;
    struct mlb_run run;
    struct mlb_plan plan;
    struct mlb_case *item;
    struct mlb_row row;
    struct mlb_error err;
};

/* Steps take the next of the durations, the last one repeats; one step a sample. */
void bench_begin(struct bench *b, const char *workload, const double *step_ns, size_t count);
/* The parameters of the case, to change before it is measured. */
struct fake_params *bench_params(struct bench *b);
enum mlb_status bench_measure(struct bench *b);
/* Checks that nothing leaked. */
void bench_end(struct bench *b);

#endif
