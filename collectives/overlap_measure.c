/* SPDX-License-Identifier: Apache-2.0 */
/* What overlap costs: each side alone and both at once, in turn, so that a clock that drifts is in
 * all of them. */
#include <math.h>

#include "collectives/overlap.h"
#include "harness/measure/stats.h"

enum { SIZING_RUNS = 3, LEAST_ROUNDS = 3, MOST_ROUNDS = 15, MOST_GEMMS = 1000 };
static const double BUDGET_S = 1.0, BUDGET_SHARE = 0.5;

/* The runs that take turns, and what is timed of each. */
enum { GEMM, COLLECTIVE, BOTH, RUNS };
static const enum mlb_overlap_run runs[RUNS] = {MLB_RUN_GEMM, MLB_RUN_COLLECTIVE, MLB_RUN_BOTH};

enum { WHOLE, OF_GEMM, OF_COLLECTIVE, PARTS };
struct rounds {
    double ns[PARTS][RUNS][MOST_ROUNDS];
};

/* One run as the sampler takes a sample: all ranks leave together, then wait for it. */
static enum mlb_status take_unwatched(struct mlb_overlap *overlap, const struct mlb_ctx *ctx,
                                      enum mlb_overlap_run run, struct mlb_overlap_span *span,
                                      struct mlb_error *err)
{
    struct mlb_comm *comm = ctx->comm;
    enum mlb_status status = comm->ops->line_up(comm, err);
    if (status == MLB_OK)
        status = mlb_overlap_step(overlap, run, err);
    if (status == MLB_OK)
        status = mlb_sync(ctx->device, comm->deadline_s, err);
    return status == MLB_OK ? mlb_overlap_spans(overlap, run, span, err) : status;
}

static enum mlb_status take(struct mlb_overlap *overlap, const struct mlb_ctx *ctx,
                            enum mlb_overlap_run run, struct mlb_overlap_span *span,
                            struct mlb_error *err)
{
    ctx->comm->ops->watch(ctx->comm, "overlap", ctx->comm->deadline_s);
    enum mlb_status status = take_unwatched(overlap, ctx, run, span, err);
    ctx->comm->ops->unwatch(ctx->comm);
    ctx->comm->ops->progress(ctx->comm);
    return status;
}

/* The first `kinds` of the runs in turn, `count` times; the slowest rank's times on all ranks. */
static enum mlb_status take_turns(struct mlb_overlap *overlap, const struct mlb_ctx *ctx, int kinds,
                                  int count, struct rounds *rounds, struct mlb_error *err)
{
    struct mlb_overlap_span span;
    enum mlb_status status = MLB_OK;
    *rounds = (struct rounds){0};
    for (int i = 0; i < count * kinds && status == MLB_OK; i++) {
        status = take(overlap, ctx, runs[i % kinds], &span, err);
        rounds->ns[WHOLE][i % kinds][i / kinds] = span.whole;
        rounds->ns[OF_GEMM][i % kinds][i / kinds] = span.gemm;
        rounds->ns[OF_COLLECTIVE][i % kinds][i / kinds] = span.collective;
    }
    status = mlb_comm_agree(ctx->comm, status, err);
    if (status != MLB_OK)
        return status;
    return ctx->comm->ops->all_max(ctx->comm, &rounds->ns[0][0][0],
                                   sizeof rounds->ns / sizeof(double), err);
}

static struct mlb_overlap_span medians(const struct rounds *rounds, int run, int count)
{
    size_t n = (size_t)count;
    return (struct mlb_overlap_span){.whole = mlb_median(rounds->ns[WHOLE][run], n),
                                     .gemm = mlb_median(rounds->ns[OF_GEMM][run], n),
                                     .collective = mlb_median(rounds->ns[OF_COLLECTIVE][run], n)};
}

/* GEMMs that last about as long as the collective: then a perfect overlap hides all of it, and a
 * slower side of either kind shows. */
static uint64_t fitting_gemms(double gemm_ns, double collective_ns)
{
    double gemms = gemm_ns > 0.0 ? round(collective_ns / gemm_ns) : 1.0;
    return gemms <= 1.0 ? 1 : gemms >= MOST_GEMMS ? MOST_GEMMS : (uint64_t)gemms;
}

/* Both sides warm, how many GEMMs, and how long a round lasts at most: both sides alone, and once
 * more one after the other. The same on all ranks. */
static enum mlb_status size_up(struct mlb_overlap *overlap, const struct mlb_ctx *ctx,
                               double *round_s, struct mlb_error *err)
{
    struct rounds rounds;
    bool free = overlap->gemms == 0;
    if (free)
        overlap->gemms = 1;
    enum mlb_status status = take_turns(overlap, ctx, BOTH, 1, &rounds, err);
    if (status == MLB_OK)
        status = take_turns(overlap, ctx, BOTH, SIZING_RUNS, &rounds, err);
    if (status != MLB_OK)
        return status;
    double gemm_ns = medians(&rounds, GEMM, SIZING_RUNS).gemm;
    double collective_ns = medians(&rounds, COLLECTIVE, SIZING_RUNS).collective;
    if (free) {
        overlap->gemms = fitting_gemms(gemm_ns, collective_ns);
        gemm_ns *= (double)overlap->gemms;
    }
    *round_s = 2.0 * (gemm_ns + collective_ns) * 1e-9;
    return MLB_OK;
}

static int fitting_rounds(const struct mlb_ctx *ctx, double round_s)
{
    double budget_s = ctx->tune_s > 0.0 ? fmin(BUDGET_S, BUDGET_SHARE * ctx->tune_s) : BUDGET_S;
    double rounds = round_s > 0.0 ? floor(budget_s / round_s) : MOST_ROUNDS;
    return rounds <= LEAST_ROUNDS  ? LEAST_ROUNDS
           : rounds >= MOST_ROUNDS ? MOST_ROUNDS
                                   : (int)rounds;
}

enum mlb_status mlb_overlap_measure(struct mlb_overlap *overlap, const struct mlb_ctx *ctx,
                                    struct mlb_error *err)
{
    struct rounds rounds;
    double round_s = 0.0;
    if (size_up(overlap, ctx, &round_s, err) != MLB_OK)
        return err->status;
    int count = fitting_rounds(ctx, round_s);
    enum mlb_status status = take_turns(overlap, ctx, RUNS, count, &rounds, err);
    if (status != MLB_OK)
        return status;
    overlap->gemm_alone = medians(&rounds, GEMM, count);
    overlap->collective_alone = medians(&rounds, COLLECTIVE, count);
    overlap->both = medians(&rounds, BOTH, count);
    overlap->measured = true;
    return MLB_OK;
}
