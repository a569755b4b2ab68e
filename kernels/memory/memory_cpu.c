/* SPDX-License-Identifier: Apache-2.0 */
/* Plain loops with ordinary stores. Compiled for several instruction sets; the loader takes the
 * best. This file is built without replacing loops by memcpy and memset (see CMakeLists.txt): the
 * libc's use non-temporal stores above a size of its own choice. */
#include "kernels/memory/memory_cpu.h"

#include <omp.h>

/* ThreadSanitizer's hook at a function's entry does not work yet when the loader asks for a clone.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define CLONES
#endif

#define LOOP_ELEMENT         double
#define LOOP_VECTOR          double
#define LOOP_STORE(to, from) (*(to) = (from))
#define LOOP_END()           ((void)0)
#define LOOP_NAME(op)        op##_f64
#define LOOP_TARGET          CLONES
#include "kernels/memory/loops.inc"

#define LOOP_ELEMENT         float
#define LOOP_VECTOR          float
#define LOOP_STORE(to, from) (*(to) = (from))
#define LOOP_END()           ((void)0)
#define LOOP_NAME(op)        op##_f32
#define LOOP_TARGET          CLONES
#include "kernels/memory/loops.inc"

/* Independent sums, so that the latency of an addition is hidden behind the others. */
#define LANES 32u

static double add_up(const double *values, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

CLONES static double read_f64(const double *b, size_t n)
{
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] += b[i + lane];
    return add_up(lanes, LANES) + add_up(b + i, n - i);
}

CLONES static double read_f32(const float *b, size_t n)
{
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] += (double)b[i + lane];
    for (; i < n; i++)
        lanes[0] += (double)b[i];
    return add_up(lanes, LANES);
}

/* ------------------------------------------------------------------------------------ over threads
 */

struct range {
    size_t first, bytes;
};

/* Whole cache lines, the same split as the first touch of a static schedule. */
static struct range range_of(size_t bytes, size_t thread, size_t threads)
{
    size_t lines = bytes / MLB_MEMORY_LINE, each = lines / threads, rest = lines % threads;
    size_t first = thread * each + (thread < rest ? thread : rest);
    size_t count = each + (thread < rest ? 1 : 0);
    return (struct range){first * MLB_MEMORY_LINE, count * MLB_MEMORY_LINE};
}

static void *at(void *array, size_t byte)
{
    return array ? (char *)array + byte : NULL;
}

void mlb_memory_run_loop(const struct mlb_memory *memory, mlb_memory_loop *loop, int threads)
{
#pragma omp parallel num_threads(threads)
    {
        struct range range =
            range_of(memory->bytes, (size_t)omp_get_thread_num(), (size_t)omp_get_num_threads());
        loop(at(memory->a, range.first), at(memory->b, range.first), at(memory->c, range.first),
             range.bytes);
    }
}

/* Each thread's sum has a cache line of its own. */
#define SUM_STRIDE (MLB_MEMORY_LINE / sizeof(double))

static void run_read(const struct mlb_memory *memory, int threads)
{
#pragma omp parallel num_threads(threads)
    {
        size_t thread = (size_t)omp_get_thread_num();
        struct range range = range_of(memory->bytes, thread, (size_t)omp_get_num_threads());
        const void *b = at(memory->b, range.first);
        memory->sums[thread * SUM_STRIDE] = memory->dtype == MLB_F64
                                                ? read_f64(b, range.bytes / sizeof(double))
                                                : read_f32(b, range.bytes / sizeof(float));
    }
}

/* --------------------------------------------------------------------------------------------
 * hooks */

enum mlb_status mlb_memory_cpu_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    return mlb_memory_setup(state, params, ctx, (size_t)ctx->threads * SUM_STRIDE, err);
}

enum mlb_status mlb_memory_cpu_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct mlb_memory *memory = state;
    (void)err;
    if (memory->op == MLB_MEMORY_READ)
        run_read(memory, ctx->threads);
    else
        mlb_memory_run_loop(
            memory, memory->dtype == MLB_F64 ? loops_f64[memory->op] : loops_f32[memory->op],
            ctx->threads);
    return MLB_OK;
}
