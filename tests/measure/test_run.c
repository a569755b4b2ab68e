/* SPDX-License-Identifier: Apache-2.0 */
/* The measuring loop on a scripted device: no kernel, no MPI, no real time but the warm-up's limit.
 */
#include "tests/check.h"

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/measure/sample.h"
#include "tests/measure/bench.h"

static const double steady[] = {2e6};

static void test_precise(void **state)
{
    (void)state;
    struct bench b;
    bench_begin(&b, "alpha", steady, 1);
    check_ok(bench_measure(&b), &b.err);
    check_i64(b.row.status, MLB_ROW_MEASURED);
    check_i64(b.row.stop, MLB_STOP_PRECISION);
    check_true(b.row.warm && b.row.warmup_discarded > 0);
    check_close(b.row.summary.median, 2e6, 0);
    check_true(b.row.sample_count >= 150); /* min-time of 0.3 s in steps of 2 ms */
    check_u64(b.row.rank_count, 1);
    check_close(b.row.rank_median_ns[0], 2e6, 0);
    check_text(b.row.variant, "best");
    check_close(b.script.tune_s, b.item->measure.max_time_s, 0);
    check_text(b.row.formula, "fake.size");
    check_true(b.row.work.formula == b.row.formula);
    check_text(b.row.params[2].value, "plain");
    check_i64(b.row.across, MLB_ACROSS_HARMONIC_MEAN);
    check_u64(b.row.details.count, 2); /* asked for once the timing was over */
    check_text(mlb_detail_find(&b.row.details, "algorithm")->text, "number 7");
    check_close(mlb_detail_find(&b.row.details, "steps")->number, (double)b.script.steps, 0);
    bench_end(&b);
}

/* Times of 1 and 3 ms in turn: the interval of the median stays wide for ever. */
static void test_limits(void **state)
{
    (void)state;
    double noise[4096];
    struct bench b;
    for (size_t i = 0; i < 4096; i++)
        noise[i] = (i * 2654435761u >> 7) % 2 ? 1e6 : 3e6;
    bench_begin(&b, "alpha", noise, 4096);
    b.item->measure.max_time_s = 0.2;
    check_ok(bench_measure(&b), &b.err);
    check_i64(b.row.stop, MLB_STOP_TIME);
    check_i64(b.row.status, MLB_ROW_MEASURED);
    double timed = 0;
    for (size_t i = 0; i < b.row.sample_count; i++)
        timed += b.row.time_ns[i];
    check_true(timed >= 0.2e9 && timed < 0.25e9);
    bench_end(&b);
    bench_begin(&b, "alpha", noise, 4096);
    b.item->measure.max_samples = 33;
    check_ok(bench_measure(&b), &b.err);
    check_i64(b.row.stop, MLB_STOP_SAMPLES);
    check_u64(b.row.sample_count, 33);
    bench_end(&b);
}

/* A clock that rises for 60 steps: none of them is in the record. */
static void test_warm_up(void **state)
{
    (void)state;
    double ramp[61];
    struct bench b;
    for (size_t i = 0; i < 61; i++)
        ramp[i] = 20e6 - 0.3e6 * (double)i;
    bench_begin(&b, "alpha", ramp, 61);
    b.item->measure.max_warmup_s = 5;
    check_ok(bench_measure(&b), &b.err);
    check_true(b.row.warm);
    check_close(b.row.summary.max, 2e6, 0);
    check_true(b.row.warmup_discarded >= 60);
    bench_end(&b);
}

static void test_never_warm(void **state)
{
    (void)state;
    double ramp[100000];
    struct bench b;
    for (size_t i = 0; i < 100000; i++)
        ramp[i] = 1e6 * (1.0 + 0.05 * (double)i);
    bench_begin(&b, "alpha", ramp, 100000);
    b.item->measure.max_warmup_s = 0.0;
    check_ok(bench_measure(&b), &b.err);
    check_true(!b.row.warm);
    check_true(b.row.summary.drift > 0.05);
    bench_end(&b);
}

static void test_steps_are_grouped(void **state)
{
    (void)state;
    static const double short_step[] = {2.5e4};
    static const struct {
        const char *kind;
        double sample_time_s;
        uint64_t steps;
    } cases[] = {{"cpu", 1e-3, 40},
                 {"cpu", 0, 1},
                 {"cuda", 1e-3, 400},
                 {"cuda", 0, 1},
                 {"cuda", 0.05, 2000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        bench_begin(&b, "alpha", short_step, 1);
        mlb_format(b.run.ctx.device->info.kind, sizeof b.run.ctx.device->info.kind, "%s",
                   cases[i].kind);
        b.item->measure.sample_time_s = cases[i].sample_time_s;
        check_ok(bench_measure(&b), &b.err);
        check_u64(b.row.steps_per_sample, cases[i].steps);
        check_close(b.row.summary.median, 2.5e4, 1e-12);
        bench_end(&b);
    }
}

/* What only setup finds out makes the next variant the row's, which tells; a variant that was asked
 * for by name is not replaced. */
static void test_a_variant_that_setup_refuses(void **state)
{
    (void)state;
    struct bench b;
    bench_begin(&b, "alpha", steady, 1);
    bench_params(&b)->fault = FAKE_REFUSED;
    check_ok(bench_measure(&b), &b.err);
    check_i64(b.row.status, MLB_ROW_MEASURED);
    check_text(b.row.variant, "second");
    check_text(mlb_detail_find(&b.row.details, "passed_over")->text,
               "best: alpha: no plan compiles");
    bench_end(&b);
    bench_begin(&b, "alpha", steady, 1);
    bench_params(&b)->fault = FAKE_REFUSED;
    mlb_format(b.item->variant, sizeof b.item->variant, "best");
    check_ok(bench_measure(&b), &b.err);
    check_i64(b.row.status, MLB_ROW_SKIPPED);
    check_text(b.row.variant, "best");
    check_text(b.row.reason, "alpha: no plan compiles");
    bench_end(&b);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        int fault;
        enum mlb_row_status status;
        bool verified; /* a verdict is there, good or bad */
        const char *reason;
    } cases[] = {
        {FAKE_WRONG, MLB_ROW_FAILED, true, "wrong result: 1 of 1: x[7]: is 2, should be 1"},
        {FAKE_UNVERIFIED, MLB_ROW_FAILED, false, "nothing was verified"},
        {FAKE_UNSUPPORTED, MLB_ROW_SKIPPED, false, "needs a device that is not made"},
        {FAKE_NO_MEMORY, MLB_ROW_SKIPPED, false, "12 GiB: out of memory"},
        {FAKE_SETUP_FAILS, MLB_ROW_FAILED, false, "on fire"},
        {FAKE_STEP_FAILS, MLB_ROW_FAILED, true, "step 30 failed"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        bench_begin(&b, "alpha", steady, 1);
        bench_params(&b)->fault = cases[i].fault;
        check_ok(bench_measure(&b), &b.err);
        check_i64(b.row.status, cases[i].status);
        check_contains(b.row.reason, cases[i].reason);
        check_u64(b.row.sample_count, 0);
        check_true(b.row.verified == cases[i].verified);
        bench_end(&b);
    }
}

/* What a row cannot say ends the job. */
static void test_lost(void **state)
{
    (void)state;
    struct bench b;
    bench_begin(&b, "alpha", steady, 1);
    bench_params(&b)->fault = FAKE_LOST;
    check_fails(bench_measure(&b), MLB_E_COMM, &b.err, "the others are gone");
    bench_end(&b);
    bench_begin(&b, "alpha", steady, 1);
    fake_device.hangs = true;
    check_true(bench_measure(&b) == MLB_E_TIMEOUT);
    bench_end(&b);
}

static void test_skipped(void **state)
{
    (void)state;
    struct bench b;
    bench_begin(&b, "gather", steady, 1);
    check_ok(bench_measure(&b), &b.err);
    check_i64(b.row.status, MLB_ROW_SKIPPED);
    check_text(b.row.reason, "needs 2 ranks or more, this job has 1");
    bench_end(&b);
    bench_begin(&b, "alpha", steady, 1);
    struct mlb_device *device = b.run.ctx.device;
    b.run.ctx.device = NULL;
    b.run.absent = "no driver";
    check_ok(bench_measure(&b), &b.err);
    check_i64(b.row.status, MLB_ROW_SKIPPED);
    check_text(b.row.reason, "no driver");
    mlb_row_free(&b.row);
    b.run.absent = "cuda: memory of device 0: unspecified launch failure";
    b.run.absent_status = MLB_E_DEVICE; /* it was there until a case broke it */
    check_ok(bench_measure(&b), &b.err);
    check_i64(b.row.status, MLB_ROW_FAILED);
    check_text(b.row.reason, b.run.absent);
    b.run.ctx.device = device;
    bench_end(&b);
    bench_begin(&b, "alpha", steady, 1);
    mlb_format(b.item->variant, sizeof b.item->variant, "odd");
    check_ok(bench_measure(&b), &b.err);
    check_contains(b.row.reason, "no variant odd of alpha for device 'fake'");
    bench_end(&b);
}

/* A library that is not there skips the row, one that is there and does not start fails it. */
static void test_no_channel(void **state)
{
    (void)state;
    static const struct {
        enum mlb_status status;
        enum mlb_row_status row;
    } cases[] = {{MLB_E_UNSUPPORTED, MLB_ROW_SKIPPED}, {MLB_E_COMM, MLB_ROW_FAILED}};
    for (size_t i = 0; i < 2; i++) {
        struct bench b;
        bench_begin(&b, "gather", steady, 1);
        fake_comm_init(&b.comm, 2);
        b.run.no_channel = "nccl: no interface";
        b.run.no_channel_status = cases[i].status;
        check_ok(bench_measure(&b), &b.err);
        check_i64(b.row.status, cases[i].row);
        check_text(b.row.reason, "nccl: no interface");
        bench_end(&b);
    }
}

/* A budget that is over gives what it has: without six samples there is no interval, and no trust.
 */
static void test_budget(void **state)
{
    (void)state;
    static const double slow[] = {1e9};
    struct bench b;
    bench_begin(&b, "alpha", slow, 1);
    b.run.stop_at_s = mlb_clock_s() - 1.0;
    check_ok(bench_measure(&b), &b.err);
    check_i64(b.row.stop, MLB_STOP_BUDGET);
    check_i64(b.row.status, MLB_ROW_UNTRUSTED);
    check_contains(b.row.reason, "no interval");
    bench_end(&b);
}

/* It ends the warm-up too. */
static void test_budget_in_warm_up(void **state)
{
    (void)state;
    double ramp[4096];
    struct bench b;
    for (size_t i = 0; i < 4096; i++)
        ramp[i] = 1e6 * (1.0 + 0.05 * (double)i);
    bench_begin(&b, "alpha", ramp, 4096);
    b.item->measure.max_warmup_s = 3600;
    b.run.stop_at_s = mlb_clock_s() - 1.0;
    check_ok(bench_measure(&b), &b.err);
    check_u64(b.row.warmup_discarded, 1);
    check_i64(b.row.stop, MLB_STOP_BUDGET);
    bench_end(&b);
}

/* Samples of 1 ms made of steps of 20 us: 50 ms of them; each chunk begins with a step that is not
 * timed when samples are short. */
static void test_time_of_grouped_steps(void **state)
{
    (void)state;
    static const double short_step[] = {2e4};
    static const struct {
        double sample_time_s;
        bool untimed;
    } cases[] = {{1.2e-3, false}, {0.4e-3, true}};
    for (size_t i = 0; i < 2; i++) {
        struct bench b;
        bench_begin(&b, "alpha", short_step, 1);
        b.item->measure.sample_time_s = cases[i].sample_time_s;
        b.item->measure.min_time_s = b.item->measure.max_time_s = 0.05;
        mlb_format(b.run.ctx.device->info.kind, sizeof b.run.ctx.device->info.kind, "cpu");
        check_ok(bench_measure(&b), &b.err);
        double timed_s = (double)(b.row.sample_count * b.row.steps_per_sample) * 2e-5;
        check_true(timed_s >= 0.05 && timed_s < 0.08);
        size_t recorded = b.row.sample_count * b.row.steps_per_sample;
        size_t warm_up = b.script.steps - recorded - b.row.warmup_discarded;
        check_true(cases[i].untimed ? warm_up >= 3 * b.row.steps_per_sample : warm_up < 50);
        bench_end(&b);
    }
}

/* A chunk is no longer than the time that is left, but for the six samples of an interval. */
static void test_slow_steps(void **state)
{
    (void)state;
    static const double slow[] = {0.4e9};
    struct bench b;
    bench_begin(&b, "alpha", slow, 1);
    b.item->measure.max_time_s = 1;
    check_ok(bench_measure(&b), &b.err);
    check_u64(b.row.sample_count, 6);
    check_i64(b.row.stop, MLB_STOP_TIME);
    bench_end(&b);
}

static void test_interrupted(void **state)
{
    (void)state;
    static volatile sig_atomic_t flag = 1;
    struct bench b;
    bench_begin(&b, "alpha", steady, 1);
    b.run.interrupted = &flag;
    check_fails(bench_measure(&b), MLB_E_INTERRUPTED, &b.err, "interrupted");
    bench_end(&b);
}

static void test_verify_only(void **state)
{
    (void)state;
    struct bench b;
    bench_begin(&b, "alpha", steady, 1);
    b.run.verify_only = true;
    check_ok(bench_measure(&b), &b.err);
    check_true(b.row.verified && mlb_verification_passed(&b.row.verification));
    check_u64(b.script.steps, 0);
    bench_end(&b);
}

/* Three ranks that do the same: counts add up, times stay, every rank has its median. */
static void test_ranks(void **state)
{
    (void)state;
    struct bench b;
    bench_begin(&b, "alpha", steady, 1);
    fake_comm_init(&b.comm, 3);
    check_ok(bench_measure(&b), &b.err);
    check_close(b.row.summary.median, 2e6, 1e-12);
    check_u64(b.row.rank_count, 3);
    check_u64(b.row.verification.checked, 3);
    bench_end(&b);
    bench_begin(&b, "alpha", steady, 1);
    fake_comm_init(&b.comm, 3);
    b.comm.broken = MLB_E_TIMEOUT;
    check_fails(bench_measure(&b), MLB_E_TIMEOUT, &b.err, "rank 1 did not come");
    bench_end(&b);
}

static enum mlb_status slow_all_max(struct mlb_comm *comm, double *values, size_t count,
                                    struct mlb_error *err)
{
    (void)comm, (void)values, (void)count, (void)err;
    mlb_sleep_s(0.3);
    return MLB_OK;
}

/* The other rank's turn is no part of this one's window. */
static void test_solo_window(void **state)
{
    (void)state;
    struct bench b;
    bench_begin(&b, "alpha", steady, 1);
    fake_comm_init(&b.comm, 2);
    struct mlb_comm_ops slow = *b.comm.comm.ops;
    slow.all_max = slow_all_max;
    b.comm.comm.ops = &slow;
    b.run.solo = true;
    check_ok(mlb_telemetry_open(NULL, &b.run.telemetry, &b.err), &b.err);
    check_ok(bench_measure(&b), &b.err);
    check_true(b.row.has_telemetry && b.row.telemetry.duration_s < 0.3);
    mlb_telemetry_close(b.run.telemetry);
    bench_end(&b);
}

/* Of two ranks the first leaves half of the budget to the second. */
static void test_solo_budget(void **state)
{
    enum { MOST = 1 << 21 }; /* more steps than there is time for: they never become steady */
    (void)state;
    double *noise = test_calloc(MOST, sizeof *noise);
    struct bench b;
    for (size_t i = 0; i < MOST; i++)
        noise[i] = (i * 2654435761u >> 7) % 2 ? 1e6 : 3e6;
    bench_begin(&b, "alpha", noise, MOST);
    fake_comm_init(&b.comm, 2);
    b.run.solo = true;
    b.item->measure.max_time_s = 1e5;
    b.item->measure.max_samples = 1u << 30;
    double began_s = mlb_clock_s();
    b.run.stop_at_s = began_s + 2.0;
    check_ok(bench_measure(&b), &b.err);
    check_i64(b.row.stop, MLB_STOP_BUDGET);
    check_true(mlb_clock_s() - began_s < 1.9);
    check_close(b.run.stop_at_s, began_s + 2.0, 0);
    bench_end(&b);
    test_free(noise);
}

/* Each sample has its own deadline, and long ones are asked about one by one, in the warm-up too.
 */
static void test_long_steps(void **state)
{
    (void)state;
    static const double slow[] = {20e9};
    struct bench b;
    bench_begin(&b, "alpha", slow, 1);
    b.item->measure.max_warmup_s = 5;
    check_ok(bench_measure(&b), &b.err);
    check_u64(b.row.warmup_discarded, 3);
    check_u64(b.comm.watches, b.script.steps + 2); /* setup and verification have one each */
    bench_end(&b);
}

static void test_stop_rule(void **state)
{
    (void)state;
    struct mlb_measure m = {
        .target = 0.01, .min_samples = 10, .max_samples = 100, .min_time_s = 0.1, .max_time_s = 1};
    double flat[100], wide[100];
    enum mlb_stop stop;
    for (size_t i = 0; i < 100; i++) {
        flat[i] = 1e7;
        wide[i] = i % 2 ? 1e7 : 2e7;
    }
    check_true(!mlb_sample_enough(&m, flat, 9, 0.2, &stop));   /* too few */
    check_true(!mlb_sample_enough(&m, flat, 10, 0.09, &stop)); /* too short */
    check_true(mlb_sample_enough(&m, flat, 10, 0.1, &stop) && stop == MLB_STOP_PRECISION);
    check_true(!mlb_sample_enough(&m, wide, 20, 0.9, &stop));
    check_true(mlb_sample_enough(&m, wide, 20, 1.0, &stop) && stop == MLB_STOP_TIME);
    check_true(!mlb_sample_enough(&m, flat, 5, 1.0, &stop)); /* no interval yet: up to four times */
    check_true(mlb_sample_enough(&m, flat, 5, 4.0, &stop) && stop == MLB_STOP_TIME);
    check_true(mlb_sample_enough(&m, wide, 100, 0.9, &stop) && stop == MLB_STOP_SAMPLES);
    m.max_samples = 8; /* fewer than the least: enough when precise */
    check_true(mlb_sample_enough(&m, flat, 8, 0.2, &stop) && stop == MLB_STOP_PRECISION);
    m.max_samples = 100;
    for (size_t i = 0; i < 100; i++)
        flat[i] = 1e4; /* 10 us: twenty are needed */
    check_true(!mlb_sample_enough(&m, flat, 19, 0.2, &stop));
    check_true(mlb_sample_enough(&m, flat, 20, 0.2, &stop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_precise),
                                       cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_warm_up),
                                       cmocka_unit_test(test_never_warm),
                                       cmocka_unit_test(test_steps_are_grouped),
                                       cmocka_unit_test(test_faults),
                                       cmocka_unit_test(test_a_variant_that_setup_refuses),
                                       cmocka_unit_test(test_lost),
                                       cmocka_unit_test(test_skipped),
                                       cmocka_unit_test(test_budget),
                                       cmocka_unit_test(test_budget_in_warm_up),
                                       cmocka_unit_test(test_time_of_grouped_steps),
                                       cmocka_unit_test(test_slow_steps),
                                       cmocka_unit_test(test_no_channel),
                                       cmocka_unit_test(test_interrupted),
                                       cmocka_unit_test(test_verify_only),
                                       cmocka_unit_test(test_ranks),
                                       cmocka_unit_test(test_solo_window),
                                       cmocka_unit_test(test_solo_budget),
                                       cmocka_unit_test(test_long_steps),
                                       cmocka_unit_test(test_stop_rule)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
