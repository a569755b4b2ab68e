/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the CUDA backend share. */
#ifndef MLB_DEVICE_CUDA_INNER_H
#define MLB_DEVICE_CUDA_INNER_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "harness/device/cuda_device.h"

struct mlb_cuda_device {
    struct mlb_device base;
    cudaStream_t stream;
    cudaEvent_t marks[MLB_MARKS];
    cudaEvent_t given; /* what another stream waits for; NULL until one does */
    void *cycles; /* two counts of struct mlb_cuda_cycles, MLB_CUDA_SMS each; NULL until needed */
    /* A sync ran into its deadline: cudaFree and the like would wait for ever. Everything is left
     * to the end of the process then. */
    bool stuck;
};

/* cuda_cycles.c */
enum mlb_status mlb_cuda_count_cycles(struct mlb_device *device, int which, struct mlb_error *err);
enum mlb_status mlb_cuda_clock_between(struct mlb_device *device, double *hz,
                                       struct mlb_error *err);

/* cuda_graph.c */
enum mlb_status mlb_cuda_begin_graph(struct mlb_device *device, struct mlb_error *err);
enum mlb_status mlb_cuda_end_graph(struct mlb_device *device, void **graph, struct mlb_error *err);
enum mlb_status mlb_cuda_launch_graph(struct mlb_device *device, void *graph,
                                      struct mlb_error *err);
void mlb_cuda_free_graph(struct mlb_device *device, void *graph);

#endif
