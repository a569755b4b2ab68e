/* SPDX-License-Identifier: Apache-2.0 */
/* The CUDA runtime as cuda.c calls it, on host memory, and with what surprises in the real one: a
 * stream that still works leaves "not ready" behind as the last error, and a fault stays. */
#ifndef MLB_TESTS_FAKE_CUDART_H
#define MLB_TESTS_FAKE_CUDART_H

#include <stdbool.h>

/* The one device; a test changes and reads it. */
struct fake_cudart {
    int busy_queries; /* cudaStreamQuery says "not ready" so many times */
    bool no_memory;   /* cudaMalloc fails */
    bool broken;      /* every call fails with cudaErrorIllegalAddress */
    int last_error;
    int frees; /* calls of cudaFree, cudaEventDestroy and cudaStreamDestroy */
};
extern struct fake_cudart fake_cudart;

#endif
