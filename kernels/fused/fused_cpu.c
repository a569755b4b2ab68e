/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fused/fused_cpu.h"

static mlb_rows_loop *best(const struct mlb_rows_ways *ways)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return ways->avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return ways->avx2;
#endif
    return ways->plain;
}

/* The first part's share is the first of a static schedule, as pages were touched first. */
static size_t begin_of(size_t part, size_t parts, size_t rows)
{
    size_t each = rows / parts, rest = rows % parts;
    return part * each + (part < rest ? part : rest);
}

/* Stores past the caches are ordered by a fence only. */
static void fence(void)
{
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

void mlb_rows_run(const struct mlb_rows_ways *ways, const void *args, size_t rows, size_t parts,
                  int threads)
{
    mlb_rows_loop *loop = best(ways);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t part = 0; part < parts; part++) {
        loop(args, part, begin_of(part, parts, rows), begin_of(part + 1, parts, rows));
        fence();
    }
}
