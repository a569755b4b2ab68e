/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/measure/rank_rig.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "tests/check.h"
#include "tests/fake/threads_comm.h"

/* ------------------------------------------------------------------------------------ the device
 */

static struct rank *rank_with(struct mlb_device *device)
{
    return (struct rank *)(void *)((char *)device - offsetof(struct rank, device));
}

static struct rank *rank_on(const struct mlb_ctx *ctx)
{
    return rank_with(ctx->device);
}

static enum mlb_status mark(struct mlb_device *device, int index, struct mlb_error *err)
{
    (void)err;
    rank_with(device)->marks[index] = rank_with(device)->now_ns;
    return MLB_OK;
}

static enum mlb_status elapsed(struct mlb_device *device, int from, int to, double *ns,
                               struct mlb_error *err)
{
    (void)err;
    *ns = rank_with(device)->marks[to] - rank_with(device)->marks[from];
    return MLB_OK;
}

static enum mlb_status sync_device(struct mlb_device *device, double deadline_s,
                                   struct mlb_error *err)
{
    (void)device, (void)deadline_s, (void)err;
    return MLB_OK;
}

static const struct mlb_backend backend = {
    .kind = "cpu", .mark = mark, .elapsed = elapsed, .sync = sync_device};

/* ---------------------------------------------------------------------------------- the workload
 */

static const struct mlb_option no_params[] = {{0}};

static enum mlb_status able(const void *params, const struct mlb_ctx *ctx, int index,
                            struct mlb_error *err)
{
    (void)params;
    if (index < rank_on(ctx)->unable)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "variant %d needs another machine", index);
    return MLB_OK;
}

static enum mlb_status check_best(const void *params, const struct mlb_ctx *ctx,
                                  struct mlb_error *err)
{
    return able(params, ctx, 0, err);
}

static enum mlb_status check_second(const void *params, const struct mlb_ctx *ctx,
                                    struct mlb_error *err)
{
    return able(params, ctx, 1, err);
}

static enum mlb_status check_plain(const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    return able(params, ctx, 2, err);
}

static enum mlb_status setup(void *state, const void *params, const struct mlb_ctx *ctx,
                             struct mlb_error *err)
{
    (void)state, (void)params, (void)ctx, (void)err;
    return MLB_OK;
}

static void teardown(void *state, const struct mlb_ctx *ctx)
{
    (void)state, (void)ctx;
}

static enum mlb_status step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct rank *rank = rank_on(ctx);
    (void)state;
    rank->now_ns += rank->step_ns;
    rank->steps++;
    if (rank->steps == rank->interrupted_at)
        rank->flag = 1;
    if (rank->steps == rank->fails_at)
        return mlb_fail(err, MLB_E_DEVICE, "step %d failed", rank->steps);
    return MLB_OK;
}

static enum mlb_status verify(const struct mlb_variant *variant, void *state, const void *params,
                              const struct mlb_ctx *ctx, struct mlb_verification *verification,
                              struct mlb_error *err)
{
    struct rank *rank = rank_on(ctx);
    (void)state, (void)params, (void)err;
    rank->used = variant->name;
    for (int i = 1; i <= rank->checks; i++)
        mlb_verify_element(verification, i == rank->wrong_at ? 9.0 : 1.0 + 0.1 * ctx->comm->rank,
                           1.0, 1.0, "y[%d]", i);
    return MLB_OK;
}

static void label(const void *params, char *to, size_t size)
{
    (void)params;
    mlb_format(to, size, "scripted");
}

static void label_here(const void *params, const struct mlb_ctx *ctx, char *to, size_t size)
{
    (void)params;
    mlb_format(to, size, "scripted on %d ranks", ctx->comm->size);
}

static void library(char *to, size_t size)
{
    mlb_format(to, size, "oneScript 1.2");
}

static void work(const void *params, const struct mlb_ctx *ctx, struct mlb_work *amount)
{
    (void)params, (void)ctx;
    *amount = (struct mlb_work){.formula = "script.one", .flop = 1e6};
}

#define VARIANT(text, checks)                                                                      \
    {                                                                                              \
        .name = text, .device = "cpu", .check = checks, .library = library, .setup = setup,        \
        .step = step, .teardown = teardown                                                         \
    }
static const struct mlb_variant variants[] = {VARIANT("best", check_best),
                                              VARIANT("second", check_second),
                                              VARIANT("plain", check_plain),
                                              {0}};

#define WORKLOAD(text, together)                                                                   \
    {                                                                                              \
        .name = text, .params = no_params, .collective = together, .label = label,                 \
        .label_here = label_here, .work = work, .verify = verify, .variants = variants             \
    }
const struct mlb_workload rig_alone = WORKLOAD("alone", false);
const struct mlb_workload rig_together = WORKLOAD("together", true);

const struct mlb_workload *const mlb_kernel_workloads[] = {&rig_alone, NULL};
const struct mlb_workload *const mlb_collective_workloads[] = {&rig_together, NULL};

/* ------------------------------------------------------------------------------------- a job */

void rig_begin(struct job *job, const struct mlb_workload *workload)
{
    struct mlb_error err = {0};
    memset(job, 0, sizeof *job);
    check_ok(mlb_plan_add(&job->plan, workload, &job->item, &err), &err);
    mlb_format(job->item->device, sizeof job->item->device, "cpu");
    job->item->measure.sample_time_s = 1e-3;
    job->item->measure.min_time_s = 0.01;
    for (int i = 0; i < RANKS; i++) {
        struct rank *rank = &job->ranks[i];
        *rank = (struct rank){.checks = 4, .step_ns = 1e5, .item = job->item};
        rank->device = (struct mlb_device){.backend = &backend, .info = {.kind = "cpu"}};
        rank->run = (struct mlb_run){
            .ctx = {.device = &rank->device}, .deadline_s = 1, .interrupted = &rank->flag};
        rank->run.ctx.channel = workload->collective ? &job->channel : NULL;
    }
}

static void run_rank(struct rank *rank)
{
    rank->status = mlb_run_case(&rank->run, rank->item, &rank->row, &rank->err);
}

struct start {
    struct job *job;
    void (*work)(struct rank *rank);
};

static void begin_rank(struct threads_rank *thread, void *user)
{
    const struct start *start = user;
    struct rank *rank = &start->job->ranks[thread->comm->rank];
    rank->comm = rank->run.ctx.comm = thread->comm;
    start->work(rank);
    rank->lines = threads_counts(thread->comm).line_ups;
    rank->signs = threads_counts(thread->comm).signs;
    rank->deadline_s = thread->comm->deadline_s;
}

void rig_start(struct job *job, void (*work_of)(struct rank *rank))
{
    struct start start = {job, work_of};
    const struct threads_job how = {.ranks = RANKS, .deadline_s = 7};
    threads_run(&how, begin_rank, &start, NULL);
}

const struct mlb_row *rig_go(struct job *job)
{
    rig_start(job, run_rank);
    for (int i = 0; i < RANKS; i++) {
        check_i64(job->ranks[i].status, job->ranks[0].status);
        check_i64(job->ranks[i].row.status, job->ranks[0].row.status);
        check_close(job->ranks[i].deadline_s, 7, 0);
    }
    return &job->ranks[0].row;
}

void rig_end(struct job *job)
{
    for (int i = 0; i < RANKS; i++)
        mlb_row_free(&job->ranks[i].row);
    mlb_plan_free(&job->plan);
}
