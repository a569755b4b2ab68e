/* SPDX-License-Identifier: Apache-2.0 */
/* The measuring loop on several ranks that differ: each is a thread with a device of its own and a
 * clock that only steps move. The reductions are real ones. */
#include "tests/check.h"

#include <pthread.h>
#include <stdlib.h>

#include "harness/base/text.h"
#include "harness/measure/run.h"
#include "harness/measure/sample.h"

enum { RANKS = 3 };

/* ------------------------------------------------------------------------------------- the ranks
 */

struct hub {
    pthread_barrier_t barrier;
    const void *given[RANKS];
    size_t sizes[RANKS];
    const char *calls[RANKS];
    bool mixed; /* ranks met in different calls, or with different sizes */
};

struct rank {
    struct mlb_comm comm;
    struct mlb_device device;
    struct hub *hub;
    /* The script. */
    double step_ns;
    int unable;                   /* variants at the front of the list that this rank cannot do */
    int wrong_at;                 /* the element that is wrong, 0 = none */
    int checks;                   /* elements that are verified */
    int fails_at, interrupted_at; /* step; 0 = never */
    /* What came of it. */
    double now_ns, marks[MLB_MARKS];
    int steps, lines;
    const char *used;
    volatile sig_atomic_t flag;
    struct mlb_run run;
    const struct mlb_case *item;
    struct mlb_row row;
    struct mlb_error err;
    enum mlb_status status;
};

/* All ranks show what they have; every one reads what it wants before any goes on. */
static void meet(struct rank *rank, const char *call, const void *mine, size_t bytes)
{
    struct hub *hub = rank->hub;
    int me = rank->comm.rank;
    hub->given[me] = mine;
    hub->sizes[me] = bytes;
    hub->calls[me] = call;
    pthread_barrier_wait(&hub->barrier);
    if (me == 0)
        for (int i = 1; i < RANKS; i++)
            hub->mixed |= strcmp(hub->calls[i], call) != 0 || hub->sizes[i] != bytes;
}

static void part(struct rank *rank)
{
    pthread_barrier_wait(&rank->hub->barrier);
}

static struct rank *rank_of(struct mlb_comm *comm)
{
    return (struct rank *)comm;
}

static enum mlb_status barrier(struct mlb_comm *comm, struct mlb_error *err)
{
    (void)err;
    meet(rank_of(comm), "barrier", NULL, 0);
    part(rank_of(comm));
    return MLB_OK;
}

static enum mlb_status line_up(struct mlb_comm *comm, struct mlb_error *err)
{
    rank_of(comm)->lines++;
    return barrier(comm, err);
}

static enum mlb_status broadcast(struct mlb_comm *comm, void *data, size_t bytes, int root,
                                 struct mlb_error *err)
{
    struct rank *rank = rank_of(comm);
    (void)err;
    meet(rank, "broadcast", data, bytes);
    if (comm->rank != root)
        memcpy(data, rank->hub->given[root], bytes);
    part(rank);
    return MLB_OK;
}

static enum mlb_status gather(struct mlb_comm *comm, const void *mine, size_t bytes, void *all,
                              int root, struct mlb_error *err)
{
    struct rank *rank = rank_of(comm);
    (void)err;
    meet(rank, "gather", mine, bytes);
    for (int i = 0; i < RANKS && comm->rank == root; i++)
        memcpy((char *)all + (size_t)i * bytes, rank->hub->given[i], bytes);
    part(rank);
    return MLB_OK;
}

static enum mlb_status combine(struct mlb_comm *comm, double *values, size_t count, bool sum)
{
    struct rank *rank = rank_of(comm);
    double *all = calloc(count + 1, sizeof *all);
    meet(rank, sum ? "sum" : "max", values, count);
    for (size_t i = 0; i < count; i++)
        for (int r = 0; r < RANKS; r++) {
            double one = ((const double *)rank->hub->given[r])[i];
            all[i] = r == 0 ? one : sum ? all[i] + one : fmax(all[i], one);
        }
    part(rank);
    memcpy(values, all, count * sizeof *all);
    free(all);
    return MLB_OK;
}

static enum mlb_status all_max(struct mlb_comm *comm, double *values, size_t count,
                               struct mlb_error *err)
{
    (void)err;
    return combine(comm, values, count, false);
}

static enum mlb_status all_sum(struct mlb_comm *comm, double *values, size_t count,
                               struct mlb_error *err)
{
    (void)err;
    return combine(comm, values, count, true);
}

static void nothing(struct mlb_comm *comm)
{
    (void)comm;
}

static void watch(struct mlb_comm *comm, const char *what, double deadline_s)
{
    (void)comm, (void)what, (void)deadline_s;
}

static void __attribute__((noreturn)) end_job(struct mlb_comm *comm, int exit_code)
{
    (void)comm;
    exit(exit_code);
}

static const struct mlb_comm_ops ops = {.barrier = barrier,
                                        .broadcast = broadcast,
                                        .gather = gather,
                                        .all_max = all_max,
                                        .all_sum = all_sum,
                                        .line_up = line_up,
                                        .progress = nothing,
                                        .watch = watch,
                                        .unwatch = nothing,
                                        .abort = end_job};

/* ------------------------------------------------------------------------------------ the device
 */

static struct rank *rank_on(const struct mlb_ctx *ctx)
{
    return rank_of(ctx->comm);
}

static struct rank *rank_with(struct mlb_device *device)
{
    return (struct rank *)(void *)((char *)device - offsetof(struct rank, device));
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
static const struct mlb_variant variants[] = {
    VARIANT("best", check_best), VARIANT("second", check_second), VARIANT("plain", NULL), {0}};

#define WORKLOAD(text, together)                                                                   \
    {                                                                                              \
        .name = text, .params = no_params, .collective = together, .label = label,                 \
        .label_here = label_here, .work = work, .verify = verify, .variants = variants             \
    }
static const struct mlb_workload alone = WORKLOAD("alone", false);
static const struct mlb_workload together = WORKLOAD("together", true);

const struct mlb_workload *const mlb_kernel_workloads[] = {&alone, NULL};
const struct mlb_workload *const mlb_collective_workloads[] = {&together, NULL};

/* ------------------------------------------------------------------------------------- a job */

struct job {
    struct hub hub;
    struct mlb_plan plan;
    struct mlb_case *item;
    struct mlb_channel channel;
    struct rank ranks[RANKS];
};

static void begin(struct job *job, const struct mlb_workload *workload)
{
    struct mlb_error err = {0};
    memset(job, 0, sizeof *job);
    pthread_barrier_init(&job->hub.barrier, NULL, RANKS);
    check_ok(mlb_plan_add(&job->plan, workload, &job->item, &err), &err);
    mlb_format(job->item->device, sizeof job->item->device, "cpu");
    job->item->measure.sample_time_s = 1e-3;
    job->item->measure.min_time_s = 0.01;
    for (int i = 0; i < RANKS; i++) {
        struct rank *rank = &job->ranks[i];
        *rank = (struct rank){.hub = &job->hub, .checks = 4, .step_ns = 1e5, .item = job->item};
        rank->comm = (struct mlb_comm){.ops = &ops, .rank = i, .size = RANKS, .deadline_s = 7};
        rank->device = (struct mlb_device){.backend = &backend, .info = {.kind = "cpu"}};
        rank->run = (struct mlb_run){.ctx = {.device = &rank->device, .comm = &rank->comm},
                                     .deadline_s = 1,
                                     .interrupted = &rank->flag};
        rank->run.ctx.channel = workload->collective ? &job->channel : NULL;
    }
}

static void *run_rank(void *argument)
{
    struct rank *rank = argument;
    rank->status = mlb_run_case(&rank->run, rank->item, &rank->row, &rank->err);
    return NULL;
}

/* Rank 0's row; all ranks came to the same status. */
static const struct mlb_row *go(struct job *job)
{
    pthread_t threads[RANKS];
    for (int i = 0; i < RANKS; i++)
        pthread_create(&threads[i], NULL, run_rank, &job->ranks[i]);
    for (int i = 0; i < RANKS; i++)
        pthread_join(threads[i], NULL);
    check_true(!job->hub.mixed);
    for (int i = 0; i < RANKS; i++) {
        check_i64(job->ranks[i].status, job->ranks[0].status);
        check_i64(job->ranks[i].row.status, job->ranks[0].row.status);
        check_close(job->ranks[i].comm.deadline_s, 7, 0);
    }
    return &job->ranks[0].row;
}

static void end(struct job *job)
{
    for (int i = 0; i < RANKS; i++)
        mlb_row_free(&job->ranks[i].row);
    mlb_plan_free(&job->plan);
    pthread_barrier_destroy(&job->hub.barrier);
}

/* ------------------------------------------------------------------------------------- tests */

/* Steps of 100, 200 and 400 us: the harmonic mean, so that work / time is the mean rate. */
static void test_independent(void **state)
{
    (void)state;
    struct job job;
    begin(&job, &alone);
    for (int i = 0; i < RANKS; i++)
        job.ranks[i].step_ns = 1e5 * (1 << i);
    const struct mlb_row *row = go(&job);
    check_i64(row->status, MLB_ROW_MEASURED);
    check_i64(row->across, MLB_ACROSS_HARMONIC_MEAN);
    check_close(row->summary.median, 171428.571, 0); /* rounded to the picosecond */
    struct mlb_rate rate = mlb_row_rate(row, MLB_RATE_FLOP);
    check_close(rate.value, (1e10 + 0.5e10 + 0.25e10) / 3, 1e-8);
    check_u64(row->steps_per_sample, 5); /* 1 ms of 171 us each */
    check_u64(row->rank_count, RANKS);
    for (int i = 0; i < RANKS; i++)
        check_close(row->rank_median_ns[i], 1e5 * (1 << i), 1e-12);
    check_text(row->label, "scripted on 3 ranks");
    check_text(row->library, "oneScript 1.2");
    check_close(row->target, 0.01, 0);
    check_true(row->wall_s > 0.0);
    check_i64(job.ranks[0].lines, 0);
    end(&job);
}

/* The slowest rank's time; one step a sample, each lined up. */
static void test_collective(void **state)
{
    (void)state;
    struct job job;
    begin(&job, &together);
    job.ranks[1].step_ns = 1.5e5;
    const struct mlb_row *row = go(&job);
    check_i64(row->status, MLB_ROW_MEASURED);
    check_i64(row->across, MLB_ACROSS_MAX);
    check_close(row->summary.median, 1.5e5, 0);
    check_u64(row->steps_per_sample, 1);
    check_close(row->rank_median_ns[2], 1e5, 0);
    for (int i = 0; i < RANKS; i++)
        check_i64(job.ranks[i].lines, job.ranks[i].steps);
    end(&job);
}

/* --solo: ranks have numbers of samples and of steps of their own. */
static void test_solo(void **state)
{
    (void)state;
    struct job job;
    begin(&job, &alone);
    for (int i = 0; i < RANKS; i++) {
        job.ranks[i].step_ns = 1e5 * (1 << i);
        job.ranks[i].run.solo = true;
    }
    job.item->measure.min_time_s = 0.2;
    const struct mlb_row *row = go(&job);
    check_i64(row->status, MLB_ROW_MEASURED);
    check_close(row->summary.median, 171428.571, 0);
    check_u64(row->steps_per_sample, 10);
    check_true(job.ranks[0].steps > job.ranks[2].steps);
    end(&job);
    begin(&job, &together); /* a collective is measured by all together all the same */
    for (int i = 0; i < RANKS; i++)
        job.ranks[i].run.solo = true;
    row = go(&job);
    check_i64(row->across, MLB_ACROSS_MAX);
    check_true(job.ranks[0].lines > 0);
    end(&job);
}

/* As long as the shortest series, whichever rank has it. */
static enum mlb_status join(struct rank *rank, size_t count, struct mlb_samples *samples)
{
    samples->own = calloc(count, sizeof(double));
    samples->across = calloc(count, sizeof(double));
    for (size_t i = 0; i < count; i++)
        samples->own[i] = 100.0 * (1 << rank->comm.rank);
    samples->count = samples->capacity = count;
    return mlb_samples_join(&rank->comm, samples, &rank->err);
}

static void *join_rank(void *argument)
{
    struct rank *rank = argument;
    struct mlb_samples samples = {0};
    rank->status = join(rank, rank->comm.rank == 1 ? 3 : 5, &samples);
    rank->steps = (int)samples.count;
    rank->now_ns = samples.across[2];
    mlb_samples_free(&samples);
    return NULL;
}

static void test_join(void **state)
{
    (void)state;
    struct job job;
    pthread_t threads[RANKS];
    begin(&job, &alone);
    for (int i = 0; i < RANKS; i++)
        pthread_create(&threads[i], NULL, join_rank, &job.ranks[i]);
    for (int i = 0; i < RANKS; i++) {
        pthread_join(threads[i], NULL);
        check_i64(job.ranks[i].status, MLB_OK);
        check_i64(job.ranks[i].steps, 3);
        check_close(job.ranks[i].now_ns, 3.0 / (1 / 100.0 + 1 / 200.0 + 1 / 400.0), 1e-12);
    }
    check_true(!job.hub.mixed);
    end(&job);
}

/* All take the best variant that all can do. */
static void test_variant(void **state)
{
    (void)state;
    static const struct {
        int unable[RANKS];
        const char *variant;
    } cases[] = {{{0, 0, 0}, "best"}, {{0, 1, 0}, "second"}, {{1, 0, 2}, "plain"}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct job job;
        begin(&job, &alone);
        for (int i = 0; i < RANKS; i++)
            job.ranks[i].unable = cases[c].unable[i];
        const struct mlb_row *row = go(&job);
        check_text(row->variant, cases[c].variant);
        for (int i = 0; i < RANKS; i++)
            check_text(job.ranks[i].used, cases[c].variant);
        end(&job);
    }
}

static void test_variant_of_nobody(void **state)
{
    (void)state;
    struct job job;
    begin(&job, &alone);
    mlb_format(job.item->variant, sizeof job.item->variant, "best");
    job.ranks[2].unable = 1;
    const struct mlb_row *row = go(&job);
    check_i64(row->status, MLB_ROW_SKIPPED);
    check_text(row->reason, "rank 2: variant 0 needs another machine");
    end(&job);
}

/* The reason is of the lowest rank that has one, the counts and the worst are of all. */
static void test_verification(void **state)
{
    (void)state;
    struct job job;
    begin(&job, &alone);
    const struct mlb_row *row = go(&job);
    check_u64(row->verification.checked, 4 * RANKS);
    check_close(row->verification.worst_ratio, 0.2, 1e-12); /* of rank 2 */
    end(&job);
    begin(&job, &alone);
    job.ranks[1].wrong_at = 3;
    job.ranks[2].wrong_at = 2;
    row = go(&job);
    check_i64(row->status, MLB_ROW_FAILED);
    check_contains(row->reason, "wrong result on rank 1: 2 of 12: y[3]: is 9");
    check_true(row->verified && !mlb_verification_passed(&row->verification));
    check_u64(row->sample_count, 0);
    end(&job);
    begin(&job, &alone);
    job.ranks[1].checks = 0;
    row = go(&job);
    check_i64(row->status, MLB_ROW_FAILED);
    check_true(!row->verified);
    check_i64(job.ranks[0].steps, 0);
    end(&job);
}

/* A rank that fails in the middle of a chunk, or is asked to end, takes all with it. */
static void test_one_leaves(void **state)
{
    (void)state;
    struct job job;
    begin(&job, &alone);
    job.ranks[1].fails_at = 400;
    const struct mlb_row *row = go(&job);
    check_i64(row->status, MLB_ROW_FAILED);
    check_text(row->reason, "rank 1: step 400 failed");
    end(&job);
    begin(&job, &alone);
    job.ranks[2].interrupted_at = 300;
    go(&job);
    check_fails(job.ranks[0].status, MLB_E_INTERRUPTED, &job.ranks[0].err, "rank 2: interrupted");
    end(&job);
    begin(&job, &together);
    job.ranks[1].flag = 1; /* before the first step */
    go(&job);
    check_fails(job.ranks[0].status, MLB_E_INTERRUPTED, &job.ranks[0].err, "rank 1: interrupted");
    check_i64(job.ranks[0].steps, 0);
    end(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_independent),  cmocka_unit_test(test_collective),
        cmocka_unit_test(test_solo),         cmocka_unit_test(test_join),
        cmocka_unit_test(test_variant),      cmocka_unit_test(test_variant_of_nobody),
        cmocka_unit_test(test_verification), cmocka_unit_test(test_one_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
