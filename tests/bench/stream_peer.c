/* SPDX-License-Identifier: Apache-2.0 */
/* Our triad beside a bare STREAM-style loop: same size, type and threads, measured in turns in one
 * process, so that both see the same machine. Prints, for each variant, our rate over the bare
 * loop's: of the best times, and the median over the rounds; fails when that is below 0.97 for one.
 * `stores` is the like for like; a bare loop built by gcc has no non-temporal stores. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/measure/stats.h"
#include "kernels/memory/memory.h"
#include "tests/bench/stream_bare.h"

#define ROUNDS    21
#define DISCARDED 1 /* STREAM leaves out its first pass too */
#define LEAST     0.97
#define VARIANTS  4

struct series {
    const struct mlb_variant *variant; /* NULL: the bare loop */
    struct mlb_memory state;
    double times_s[ROUNDS];
};

static double best(const double *values, size_t n)
{
    double least = values[0];
    for (size_t i = 1; i < n; i++)
        least = values[i] < least ? values[i] : least;
    return least;
}

static double rate(double seconds)
{
    return 3.0 * (double)(STREAM_BARE_COUNT * sizeof(double)) / seconds;
}

static void once(struct series *s, const struct mlb_ctx *ctx, size_t round)
{
    struct mlb_error err = {0};
    double start = mlb_clock_s();
    if (s->variant)
        s->variant->step(&s->state, ctx, &err);
    else
        stream_bare_triad();
    s->times_s[round] = mlb_clock_s() - start;
}

/* The median over the rounds of bare time / our time, which drops what disturbs a few rounds. */
static double report(const struct series *s, const struct series *bare)
{
    const size_t n = ROUNDS - DISCARDED;
    const double *times = s->times_s + DISCARDED, *others = bare->times_s + DISCARDED;
    double ratios[ROUNDS];
    for (size_t i = 0; i < n; i++)
        ratios[i] = others[i] / times[i];
    double ratio = mlb_median(ratios, n);
    printf("%-12s best %6.2f GB/s  median %6.2f GB/s  ours/bare: best %.3f  median %.3f\n",
           s->variant ? s->variant->name : "bare loop", rate(best(times, n)) / 1e9,
           rate(mlb_median(times, n)) / 1e9, best(others, n) / best(times, n), ratio);
    return ratio;
}

static size_t make_series(const struct mlb_memory_params *params, const struct mlb_ctx *ctx,
                          struct series *all, struct mlb_error *err)
{
    size_t count = 1;
    const struct mlb_variant *v = mlb_memory.variants;
    for (; v->name && count < VARIANTS; v++) {
        if (strcmp(v->device, "cpu") != 0 || v->check(params, ctx, err) != MLB_OK)
            continue;
        all[count].variant = v;
        if (v->setup(&all[count++].state, params, ctx, err) != MLB_OK)
            return 0;
    }
    return count;
}

static int compare(const struct mlb_ctx *ctx, struct series *all, size_t count)
{
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++)
            once(&all[i], ctx, round);
    printf("triad f64, 3 x %zu MiB, %d threads, %d rounds in turns; a[7] = %g\n",
           STREAM_BARE_COUNT * sizeof(double) >> 20, ctx->threads, ROUNDS, stream_bare_sample(7));
    report(&all[0], &all[0]);
    double least = INFINITY;
    for (size_t i = 1; i < count; i++) {
        double ratio = report(&all[i], &all[0]);
        least = ratio < least ? ratio : least;
    }
    printf("%s: at least %.3f of the bare loop (%.2f is asked)\n", least >= LEAST ? "good" : "SLOW",
           least, LEAST);
    return least >= LEAST ? 0 : 1;
}

int main(void)
{
    struct mlb_error err = {0};
    struct mlb_device *device = NULL;
    static struct series all[1 + VARIANTS];
    if (mlb_backend_cpu.open(0, 0, &device, &err) != MLB_OK) {
        fprintf(stderr, "stream_peer: %s\n", err.text);
        return 3;
    }
    struct mlb_ctx ctx = {
        .device = device, .data = MLB_DATA_NORMAL, .threads = omp_get_max_threads()};
    struct mlb_memory_params params = {
        .op = MLB_MEMORY_TRIAD, .dtype = MLB_F64, .bytes = STREAM_BARE_COUNT * sizeof(double)};
    stream_bare_fill();
    size_t count = make_series(&params, &ctx, all, &err);
    int code = 3;
    if (count > 1)
        code = compare(&ctx, all, count);
    else
        fprintf(stderr, "stream_peer: %s\n", err.text);
    for (size_t i = 1; i <= VARIANTS; i++)
        mlb_memory_teardown(&all[i].state, &ctx);
    mlb_backend_cpu.close(device);
    return code;
}
