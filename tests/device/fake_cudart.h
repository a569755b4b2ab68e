/* SPDX-License-Identifier: Apache-2.0 */
/* The CUDA runtime as cuda.c and kernels/ call it, on host memory, and with what surprises in the
 * real one: a stream that still works leaves "not ready" behind as the last error, and a fault
 * stays. */
#ifndef MLB_TESTS_FAKE_CUDART_H
#define MLB_TESTS_FAKE_CUDART_H

#include <stdbool.h>
#include <stdint.h>

/* A test changes and reads it. */
struct fake_cudart {
    int devices;      /* 0 is 1 */
    int busy_queries; /* cudaStreamQuery says "not ready" so many times */
    bool no_memory;   /* cudaMalloc fails */
    bool no_pinning;  /* cudaHostRegister and cudaMallocHost fail */
    bool no_peers;    /* no device may access another */
    bool broken;      /* every call fails with cudaErrorIllegalAddress */
    int copies_left;  /* 0 = no limit; after so many asynchronous copies it is `broken` */
    bool lazy;        /* asynchronous copies from device to device, or pinned, do nothing */
    float busy_ms;    /* of work since the last event was recorded: fake launchers add theirs */
    float copy_ms;    /* that a copy on a device adds */
    float elapsed_ms; /* between the last two events; 0 is told as 1.5 */
    int last_error;
    int current; /* device */
    int frees;   /* calls of cudaFree, cudaEventDestroy and cudaStreamDestroy */
    int resets;  /* calls of cudaDeviceReset */
    int waits;   /* calls of cudaStreamWaitEvent */
    /* What is there now; all 0 at the end, or something leaked. */
    int memory, pinned, streams, events, opened_peers, graphs;
    bool capturing, spoiled;   /* spoiled: something waited meanwhile, and there will be no graph */
    int launched_nodes;        /* of all graphs that were launched */
    uint64_t timer_ns, cycles; /* what every SM counts next */
    void *captured; /* argument of the kernels that a stream captures; see fake_cudart_launch */
    int captured_count;
};
extern struct fake_cudart fake_cudart;

/* What a launch of a kernel does in a fake launcher: true when it is to be carried out now, false
 * when a stream captures it for a graph, which adds `captured_count` to the uint64_t at `counter`
 * when it is launched. */
bool fake_cudart_launch(void *counter);

#endif
