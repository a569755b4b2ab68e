/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to make a device do something small: a kernel, a graph of kernels, a copy of 8
 * bytes. It bounds how short the kernels of a training step may be. */
#ifndef MLB_KERNELS_LAUNCH_LAUNCH_H
#define MLB_KERNELS_LAUNCH_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/measure/workload.h"

enum mlb_launch_op {
    MLB_LAUNCH_KERNEL, /* one block of one thread that has nothing to do; a CPU: all its threads */
    MLB_LAUNCH_GRAPH,  /* a graph of such kernels, one after the other */
    MLB_LAUNCH_H2D,    /* 8 bytes from page-locked host memory */
    MLB_LAUNCH_D2H     /* and back */
};

enum mlb_launch_mode {
    MLB_ROUND_TRIP,  /* the host waits until it is done before the next one */
    MLB_BACK_TO_BACK /* enqueued as fast as the queue takes them */
};

struct mlb_launch_params {
    int op;         /* enum mlb_launch_op */
    int mode;       /* enum mlb_launch_mode */
    uint64_t nodes; /* kernels of a graph; 1 for the others */
};

#define MLB_LAUNCH_LINE       64u /* bytes: counters of two threads never share a cache line */
#define MLB_LAUNCH_LINE_WORDS (MLB_LAUNCH_LINE / sizeof(uint64_t))

/* Zeroed by the harness. Kernels count themselves while `counting`, which verification wants; what
 * is timed is the same kernel told not to. A graph holds its kernels' arguments, so there are two.
 */
struct mlb_launch {
    enum mlb_launch_op op;
    enum mlb_launch_mode mode;
    uint64_t nodes;
    bool counting;
    uint64_t *words; /* on the device, [lanes] lines: counters; the first is the end of a copy */
    size_t lanes;    /* threads of a kernel */
    uint64_t *host;  /* page-locked: the other end of a copy */
    void *graphs[2]; /* cudaGraphExec_t: [0] does nothing, [1] counts */
    double wait_s;   /* deadline of a round trip */
};

/* launch_cpu.c */
enum mlb_status mlb_launch_cpu_check(const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err);
enum mlb_status mlb_launch_cpu_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err);
enum mlb_status mlb_launch_cpu_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err);
void mlb_launch_cpu_teardown(void *state, const struct mlb_ctx *ctx);

/* launch_cuda.c, launch_cuda_absent.c */
enum mlb_status mlb_launch_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err);
enum mlb_status mlb_launch_cuda_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err);
enum mlb_status mlb_launch_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err);
void mlb_launch_cuda_teardown(void *state, const struct mlb_ctx *ctx);

extern const struct mlb_workload mlb_launch;

#endif
