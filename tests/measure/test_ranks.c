/* SPDX-License-Identifier: Apache-2.0 */
/* The measuring loop on several ranks that differ. */
#include "tests/check.h"

#include <stdlib.h>

#include "harness/device/meter.h"
#include "harness/measure/sample.h"
#include "tests/measure/rank_rig.h"

/* Steps of 100, 200 and 400 us: the harmonic mean, so that work / time is the mean rate. */
static void test_independent(void **state)
{
    (void)state;
    struct job job;
    rig_begin(&job, &rig_alone);
    for (int i = 0; i < RANKS; i++)
        job.ranks[i].step_ns = 1e5 * (1 << i);
    const struct mlb_row *row = rig_go(&job);
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
    rig_end(&job);
}

/* The slowest rank's time; one step a sample, each lined up. */
static void test_collective(void **state)
{
    (void)state;
    struct job job;
    rig_begin(&job, &rig_together);
    job.ranks[1].step_ns = 1.5e5;
    const struct mlb_row *row = rig_go(&job);
    check_i64(row->status, MLB_ROW_MEASURED);
    check_i64(row->across, MLB_ACROSS_MAX);
    check_close(row->summary.median, 1.5e5, 0);
    check_u64(row->steps_per_sample, 1);
    check_close(row->rank_median_ns[2], 1e5, 0);
    for (int i = 0; i < RANKS; i++) {
        check_i64(job.ranks[i].lines, job.ranks[i].steps);
        check_i64(job.ranks[i].signs, job.ranks[i].steps);
    }
    rig_end(&job);
}

/* What ranks that share a GPU take together is verified, and its time is nobody's. */
static void test_shared_device(void **state)
{
    (void)state;
    struct job job;
    rig_begin(&job, &rig_together);
    job.channel.shared_device = true;
    const struct mlb_row *row = rig_go(&job);
    check_i64(row->status, MLB_ROW_UNTRUSTED);
    check_text(row->reason, "ranks share a GPU: correctness only");
    check_true(mlb_row_verified(row));
    rig_end(&job);
}

/* --solo: ranks have numbers of samples and of steps of their own. */
static void test_solo(void **state)
{
    (void)state;
    struct job job;
    rig_begin(&job, &rig_alone);
    for (int i = 0; i < RANKS; i++) {
        job.ranks[i].step_ns = 1e5 * (1 << i);
        job.ranks[i].run.solo = true;
    }
    job.item->measure.min_time_s = 0.2;
    const struct mlb_row *row = rig_go(&job);
    check_i64(row->status, MLB_ROW_MEASURED);
    check_close(row->summary.median, 171428.571, 0);
    check_u64(row->steps_per_sample, 10);
    check_true(job.ranks[0].steps > job.ranks[2].steps);
    rig_end(&job);
    rig_begin(&job, &rig_together); /* a collective is measured by all together all the same */
    for (int i = 0; i < RANKS; i++)
        job.ranks[i].run.solo = true;
    row = rig_go(&job);
    check_i64(row->across, MLB_ACROSS_MAX);
    check_true(job.ranks[0].lines > 0);
    rig_end(&job);
}

/* As long as the shortest series, whichever rank has it. */
static enum mlb_status join(struct rank *rank, size_t count, struct mlb_samples *samples)
{
    samples->own = calloc(count, sizeof(double));
    samples->across = calloc(count, sizeof(double));
    for (size_t i = 0; i < count; i++)
        samples->own[i] = 100.0 * (1 << rank->comm->rank);
    samples->count = samples->capacity = count;
    return mlb_samples_join(rank->comm, samples, &rank->err);
}

static void join_rank(struct rank *rank)
{
    struct mlb_samples samples = {0};
    rank->status = join(rank, rank->comm->rank == 1 ? 3 : 5, &samples);
    rank->steps = (int)samples.count;
    rank->now_ns = samples.across[2];
    mlb_samples_free(&samples);
}

static void test_join(void **state)
{
    (void)state;
    struct job job;
    rig_begin(&job, &rig_alone);
    rig_start(&job, join_rank);
    for (int i = 0; i < RANKS; i++) {
        check_i64(job.ranks[i].status, MLB_OK);
        check_i64(job.ranks[i].steps, 3);
        check_close(job.ranks[i].now_ns, 3.0 / (1 / 100.0 + 1 / 200.0 + 1 / 400.0), 1e-12);
    }
    rig_end(&job);
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
        rig_begin(&job, &rig_alone);
        for (int i = 0; i < RANKS; i++)
            job.ranks[i].unable = cases[c].unable[i];
        const struct mlb_row *row = rig_go(&job);
        check_text(row->variant, cases[c].variant);
        for (int i = 0; i < RANKS; i++)
            check_text(job.ranks[i].used, cases[c].variant);
        rig_end(&job);
    }
}

static void test_variant_of_nobody(void **state)
{
    (void)state;
    struct job job;
    rig_begin(&job, &rig_alone);
    mlb_format(job.item->variant, sizeof job.item->variant, "best");
    job.ranks[2].unable = 1;
    const struct mlb_row *row = rig_go(&job);
    check_i64(row->status, MLB_ROW_SKIPPED);
    check_text(row->reason, "rank 2: variant 0 needs another machine");
    rig_end(&job);
    rig_begin(&job, &rig_alone);
    for (int i = 0; i < RANKS; i++)
        job.ranks[i].unable = 3;
    row = rig_go(&job);
    check_text(row->reason, "variant 0 needs another machine"); /* the best one's, not the last */
    rig_end(&job);
}

/* The reason is of the lowest rank that has one, the counts and the worst are of all. */
static void test_verification(void **state)
{
    (void)state;
    struct job job;
    rig_begin(&job, &rig_alone);
    const struct mlb_row *row = rig_go(&job);
    check_u64(row->verification.checked, 4 * RANKS);
    check_close(row->verification.worst_ratio, 0.2, 1e-12); /* of rank 2 */
    rig_end(&job);
    rig_begin(&job, &rig_alone);
    job.ranks[1].wrong_at = 3;
    job.ranks[2].wrong_at = 2;
    row = rig_go(&job);
    check_i64(row->status, MLB_ROW_FAILED);
    check_contains(row->reason, "wrong result on rank 1: 2 of 12: y[3]: is 9");
    check_true(row->verified && !mlb_verification_passed(&row->verification));
    check_u64(row->sample_count, 0);
    rig_end(&job);
    rig_begin(&job, &rig_alone);
    job.ranks[1].checks = 0;
    row = rig_go(&job);
    check_i64(row->status, MLB_ROW_FAILED);
    check_true(!row->verified);
    check_i64(job.ranks[0].steps, 0);
    rig_end(&job);
}

/* A rank that fails in the middle of a chunk, or is asked to end, takes all with it. */
static void test_one_leaves(void **state)
{
    (void)state;
    struct job job;
    rig_begin(&job, &rig_alone);
    job.ranks[1].fails_at = 400;
    const struct mlb_row *row = rig_go(&job);
    check_i64(row->status, MLB_ROW_FAILED);
    check_text(row->reason, "rank 1: step 400 failed");
    rig_end(&job);
    rig_begin(&job, &rig_alone);
    job.ranks[2].interrupted_at = 300;
    rig_go(&job);
    check_fails(job.ranks[0].status, MLB_E_INTERRUPTED, &job.ranks[0].err, "rank 2: interrupted");
    rig_end(&job);
    rig_begin(&job, &rig_together);
    job.ranks[1].flag = 1; /* before the first step */
    rig_go(&job);
    check_fails(job.ranks[0].status, MLB_E_INTERRUPTED, &job.ranks[0].err, "rank 1: interrupted");
    check_i64(job.ranks[0].steps, 0);
    rig_end(&job);
}

static void no_reading(struct mlb_meter *meter, struct mlb_reading *reading)
{
    (void)meter, (void)reading;
}

static void more_errors(struct mlb_meter *meter, struct mlb_counters *counters)
{
    meter->power_limit_w.value += 1.0; /* serves as the count */
    counters->ecc_uncorrected = (struct mlb_maybe){true, meter->power_limit_w.value};
}

static void keep_meter(struct mlb_meter *meter)
{
    (void)meter;
}

/* A window that is not clean on one rank spoils the row. */
static void test_telemetry(void **state)
{
    (void)state;
    struct job job;
    struct mlb_meter meter = {
        .source = "test", .read = no_reading, .count = more_errors, .close = keep_meter};
    struct mlb_error err = {0};
    rig_begin(&job, &rig_alone);
    check_ok(mlb_telemetry_open_meter(&meter, &job.ranks[1].run.telemetry, &err), &err);
    const struct mlb_row *row = rig_go(&job);
    check_i64(row->status, MLB_ROW_UNTRUSTED);
    check_text(row->reason, "rank 1: 1 uncorrectable memory errors appeared");
    check_text(row->telemetry.verdict, "1 uncorrectable memory errors appeared");
    mlb_telemetry_close(job.ranks[1].run.telemetry);
    rig_end(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_independent),
        cmocka_unit_test(test_collective),
        cmocka_unit_test(test_shared_device),
        cmocka_unit_test(test_solo),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_variant),
        cmocka_unit_test(test_variant_of_nobody),
        cmocka_unit_test(test_verification),
        cmocka_unit_test(test_one_leaves),
        cmocka_unit_test(test_telemetry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
