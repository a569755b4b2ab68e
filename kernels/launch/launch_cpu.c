/* SPDX-License-Identifier: Apache-2.0 */
/* A CPU's counterpart of a launch: a parallel region of all its threads, which every kernel of this
 * program and of a framework begins and ends with. */
#include <omp.h>

#include "kernels/launch/launch.h"

enum mlb_status mlb_launch_cpu_check(const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    const struct mlb_launch_params *p = params;
    (void)ctx;
    if (p->op == MLB_LAUNCH_KERNEL && p->mode == MLB_ROUND_TRIP)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED,
                    "a CPU has no queue to launch into: op = kernel with mode = round-trip, a "
                    "parallel region, is all there is");
}

/* How many threads a region really has: OMP_THREAD_LIMIT may give fewer than are asked for. */
static size_t team(int threads)
{
    size_t count = 1;
    (void)threads; /* a build without OpenMP's loops asks for none */
#pragma omp parallel num_threads(threads)
    {
#pragma omp single
        count = (size_t)omp_get_num_threads();
    }
    return count;
}

enum mlb_status mlb_launch_cpu_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    struct mlb_launch *launch = state;
    void *words = NULL;
    (void)params;
    launch->op = MLB_LAUNCH_KERNEL;
    launch->mode = MLB_ROUND_TRIP;
    launch->nodes = 1;
    launch->lanes = team(ctx->threads);
    enum mlb_status status =
        mlb_alloc(ctx->device, launch->lanes * MLB_LAUNCH_LINE, "launch.words", &words, err);
    launch->words = words;
    return status;
}

enum mlb_status mlb_launch_cpu_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct mlb_launch *launch = state;
    (void)err;
#pragma omp parallel num_threads(ctx->threads)
    {
        if (launch->counting)
            launch->words[(size_t)omp_get_thread_num() * MLB_LAUNCH_LINE_WORDS] += 1;
    }
    return MLB_OK;
}

void mlb_launch_cpu_teardown(void *state, const struct mlb_ctx *ctx)
{
    struct mlb_launch *launch = state;
    mlb_free(ctx->device, launch->words);
    *launch = (struct mlb_launch){0};
}
