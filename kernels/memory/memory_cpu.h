/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU variants share: how the arrays are split over threads. */
#ifndef MLB_KERNELS_MEMORY_CPU_H
#define MLB_KERNELS_MEMORY_CPU_H

#include <stddef.h>

#include "kernels/memory/memory.h"

/* One thread's part of a step: `bytes` of each array, a multiple of MLB_MEMORY_LINE. */
typedef void mlb_memory_loop(void *a, const void *b, const void *c, size_t bytes);

/* Run `loop` over all of the arrays with `threads` threads, each with one range of whole lines. */
void mlb_memory_run_loop(const struct mlb_memory *memory, mlb_memory_loop *loop, int threads);

#endif
