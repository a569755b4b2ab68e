/* SPDX-License-Identifier: Apache-2.0 */
/* How steps are launched, when a GPU's clock is steady, what --sustain adds: on a scripted device.
 */
#include "tests/check.h"

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/device/meter.h"
#include "tests/measure/bench.h"

static void begin_gpu(struct bench *b, const double *step_ns, size_t count)
{
    bench_begin(b, "alpha", step_ns, count);
    mlb_format(b->run.ctx.device->info.kind, sizeof b->run.ctx.device->info.kind, "cuda");
    b->item->measure.sample_time_s = 1e-3;
    b->item->measure.max_warmup_s = 5;
}

/* ---------------------------------------------------------------------------------------- launch
 */

static const double short_step[] = {2.5e4}; /* 400 of them are a sample of 10 ms */

static void a_graph_counts_when_it_is_faster(void **state)
{
    static const struct {
        double speedup;
        size_t rotation;
        const char *launch;
        uint64_t steps; /* of a sample: whole turns of the operands */
    } cases[] = {{1.25, 1, "graph", 400},  {1.25, 7, "graph", 399}, {1.25, 900, "graph", 900},
                 {1.01, 1, "stream", 400}, {0.9, 1, "stream", 400}, {1.01, 7, "stream", 399}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        begin_gpu(&b, short_step, 1);
        fake_device.graph_speedup = cases[i].speedup;
        b.script.rotation = cases[i].rotation;
        check_ok(bench_measure(&b), &b.err);
        check_text(b.row.launch, cases[i].launch);
        check_text(b.row.no_graph, "");
        check_true(b.row.graph_gain.known);
        check_close(b.row.graph_gain.value, cases[i].speedup - 1.0, 1e-9);
        check_u64(b.row.steps_per_sample, cases[i].steps);
        bool graph = strcmp(cases[i].launch, "graph") == 0;
        check_close(b.row.summary.median, graph ? 2.5e4 / cases[i].speedup : 2.5e4, 1e-6);
        check_true((fake_device.graph_launches > 8) == graph);
        bench_end(&b);
    }
}

static void what_cannot_be_a_graph_says_why(void **state)
{
    (void)state;
    struct bench b;
    begin_gpu(&b, short_step, 1);
    check_ok(bench_measure(&b), &b.err);
    check_text(b.row.launch, "stream");
    check_text(b.row.no_graph, "fake: no graphs today");
    check_true(!b.row.graph_gain.known);
    bench_end(&b);

    begin_gpu(&b, short_step, 1);
    fake_device.graph_speedup = 2;
    fake_device.graph_spoiled = true;
    check_ok(bench_measure(&b), &b.err);
    check_i64(b.row.status, MLB_ROW_MEASURED);
    check_text(b.row.no_graph, "fake: a step waited for the device");
    check_close(b.row.summary.median, 2.5e4, 1e-9);
    bench_end(&b);

    begin_gpu(&b, short_step, 1);
    fake_device.graph_speedup = 2;
    b.script.rotation = 2000;
    check_ok(bench_measure(&b), &b.err);
    check_contains(b.row.no_graph, "over 1000 steps");
    bench_end(&b);

    begin_gpu(&b, short_step, 1);
    fake_device.graph_speedup = 2;
    b.item->measure.sample_time_s = 0;
    check_ok(bench_measure(&b), &b.err);
    check_text(b.row.no_graph, "a sample is a single step");
    bench_end(&b);
}

/* A workload that measures launching would lose what it measures. */
static void launching_itself_is_never_a_graph(void **state)
{
    (void)state;
    struct bench b;
    begin_gpu(&b, short_step, 1);
    struct mlb_workload launching = *b.item->workload;
    launching.as_launched = true;
    b.item->workload = &launching;
    fake_device.graph_speedup = 2;
    check_ok(bench_measure(&b), &b.err);
    check_text(b.row.launch, "stream");
    check_text(b.row.no_graph, "launching is a part of what is measured");
    check_u64(fake_device.graph_launches, 0);
    bench_end(&b);
}

static void all_ranks_or_none(void **state)
{
    (void)state;
    struct bench b;
    begin_gpu(&b, short_step, 1);
    fake_comm_init(&b.comm, 3);
    fake_device.graph_speedup = 1.5;
    check_ok(bench_measure(&b), &b.err);
    check_text(b.row.launch, "graph");
    check_close(b.row.graph_gain.value, 0.5, 1e-9);
    bench_end(&b);
}

/* ----------------------------------------------------------------------------------------- clock
 */

struct falling {
    struct mlb_meter base;
    double hz, factor, floor_hz;
};

/* A GPU whose clock falls each time it is asked. */
static void falling_read(struct mlb_meter *meter, struct mlb_reading *reading)
{
    struct falling *falling = (struct falling *)meter;
    reading->clock_hz = (struct mlb_maybe){true, falling->hz};
    reading->power_w = (struct mlb_maybe){true, 500.0};
    double next = falling->hz * falling->factor;
    falling->hz = next > falling->floor_hz ? next : falling->floor_hz;
}

static void no_count(struct mlb_meter *meter, struct mlb_counters *counters)
{
    (void)meter, (void)counters;
}

static void no_close(struct mlb_meter *meter)
{
    (void)meter;
}

static struct falling falling_clock(double factor, double floor_hz)
{
    return (struct falling){
        .base = {.source = "test", .read = falling_read, .count = no_count, .close = no_close},
        .hz = 1.98e9,
        .factor = factor,
        .floor_hz = floor_hz};
}

/* Times that agree are not enough while the clock is on its way. */
static void the_clock_is_steady_first(void **state)
{
    static const struct {
        double floor_hz;
        uint64_t windows; /* of 50 samples of 10 ms */
    } cases[] = {{1.98e9, 2}, {1.7e9, 6}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct falling clock = falling_clock(0.97, cases[i].floor_hz);
        struct bench b;
        begin_gpu(&b, short_step, 1);
        check_ok(mlb_telemetry_open_meter(&clock.base, &b.run.telemetry, &b.err), &b.err);
        check_ok(bench_measure(&b), &b.err);
        check_true(b.row.warm);
        check_u64(b.row.warmup_discarded, 1 + 50 * cases[i].windows);
        mlb_telemetry_close(b.run.telemetry);
        bench_end(&b);
    }
}

/* What a mean rate is a part of: the mean of all ranks' clocks. */
static void clocks_of_all_ranks(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 3; ranks += 2) {
        struct falling clock = falling_clock(1.0, 1.98e9);
        struct bench b;
        begin_gpu(&b, short_step, 1);
        fake_comm_init(&b.comm, ranks);
        check_ok(mlb_telemetry_open_meter(&clock.base, &b.run.telemetry, &b.err), &b.err);
        check_ok(bench_measure(&b), &b.err);
        check_true(b.row.telemetry.clock_ranks_mean_hz.known == (ranks > 1));
        if (ranks > 1)
            check_close(b.row.telemetry.clock_ranks_mean_hz.value, 1.98e9, 1e-12);
        mlb_telemetry_close(b.run.telemetry);
        bench_end(&b);
    }
}

/* ---------------------------------------------------------------------------------------- energy
 */

/* Too short for an energy counter: power x time, and said so. Ranks that share a device don't know
 * what each of them took. */
static void energy_of_a_step(void **state)
{
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        struct falling clock = falling_clock(1.0, 1.98e9);
        struct bench b;
        begin_gpu(&b, short_step, 1);
        b.run.shared_device = shared;
        check_ok(mlb_telemetry_open_meter(&clock.base, &b.run.telemetry, &b.err), &b.err);
        check_ok(bench_measure(&b), &b.err);
        struct mlb_energy energy = mlb_work_energy(&b.row.work, &b.row.summary, &b.row.telemetry);
        check_true(energy.known == !shared);
        if (energy.known) {
            check_u64(b.row.telemetry.steps, b.row.sample_count * b.row.steps_per_sample);
            check_true(energy.estimated);
            check_text(energy.per, "flop");
            check_close(energy.j, 500.0 * 2.5e-5 / 16.0, 1e-9);
        }
        mlb_telemetry_close(b.run.telemetry);
        bench_end(&b);
    }
}

/* --------------------------------------------------------------------------------------- sustain
 */

/* 1 ms a step at first, 1.25 ms for good: none of it is in the other. */
static void burst_and_sustained_are_apart(void **state)
{
    enum { FAST = 2400 };
    double times[FAST + 1];
    struct falling clock = falling_clock(0.995, 1.2e9);
    struct bench b;
    (void)state;
    for (size_t i = 0; i <= FAST; i++)
        times[i] = i < FAST ? 1e6 : 1.25e6;
    begin_gpu(&b, times, FAST + 1);
    b.item->measure.sustain_s = 6;
    check_ok(mlb_telemetry_open_meter(&clock.base, &b.run.telemetry, &b.err), &b.err);
    double began_s = mlb_clock_s();
    check_ok(bench_measure(&b), &b.err);
    check_true(mlb_clock_s() - began_s >= 1.5); /* a rest before the burst: real time */
    const struct mlb_sustain *sustain = &b.row.sustain;
    check_true(b.row.has_sustain);
    check_close(sustain->burst.median, 1e6, 1e-9);
    check_close((double)sustain->burst.n * 10e-3, 1.0, 1e-9); /* samples of 10 steps */
    check_close(sustain->duration_s, 6.0, 0.02);
    check_u64(sustain->block_count, 12);
    check_close(sustain->sustained.median, 1.25e6, 1e-9);
    check_u64(sustain->sustained.n, 6);
    check_true(sustain->sustained.interval.known);
    check_true(sustain->window.steps > 2000 && sustain->burst_window.steps == 1000);
    check_true(sustain->clock_first_hz.value > sustain->clock_last_hz.value);
    for (size_t i = 0; i < b.row.sample_count; i++)
        check_true(b.row.time_ns[i] < 1.26e6);
    mlb_telemetry_close(b.run.telemetry);
    bench_end(&b);
}

/* Times that grow by a tenth over the load of six seconds: a tenth in six seconds is 100 %/min. */
static void drift_of_a_long_load(void **state)
{
    enum { STEPS = 8192 };
    static double times[STEPS];
    struct bench b;
    (void)state;
    for (size_t i = 0; i < STEPS; i++)
        times[i] = i < 3000 ? 1e6 : 1e6 * (1.0 + 0.1 * (double)(i - 3000) / 6000.0);
    begin_gpu(&b, times, STEPS);
    b.item->measure.sustain_s = 6;
    check_ok(bench_measure(&b), &b.err);
    check_true(b.row.sustain.drift_per_min > 0.5 && b.row.sustain.drift_per_min < 1.1);
    bench_end(&b);
}

static void a_budget_ends_the_load(void **state)
{
    (void)state;
    struct bench b;
    begin_gpu(&b, short_step, 1);
    b.item->measure.sustain_s = 0.8;
    b.run.stop_at_s = 1e-9; /* long ago */
    check_ok(bench_measure(&b), &b.err);
    check_true(b.row.has_sustain);
    check_true(b.row.sustain.duration_s < 0.5);
    bench_end(&b);
}

/* Both ranks take their turns; their series become one. */
static void one_rank_after_the_other(void **state)
{
    (void)state;
    struct bench b;
    begin_gpu(&b, short_step, 1);
    fake_comm_init(&b.comm, 2);
    b.run.solo = true;
    b.item->measure.sustain_s = 0.8;
    check_ok(bench_measure(&b), &b.err);
    check_close(b.row.sustain.burst.median, 2.5e4, 1e-9);
    check_close(b.row.sustain.sustained.median, 2.5e4, 1e-9);
    bench_end(&b);
}

/* ---------------------------------------------------------------------------------------- faults
 */

/* A GPU that falls off the bus, at any call of any phase: the row fails with its reason, nothing is
 * kept, and the job can go on. */
static void a_device_is_lost_at_any_moment(void **state)
{
    uint64_t failed = 0;
    (void)state;
    for (uint64_t at = 1; at < 4000; at += at / 3 + 1) {
        struct bench b;
        begin_gpu(&b, short_step, 1);
        b.item->measure.sustain_s = 0.2;
        fake_device.graph_speedup = 1.5;
        fake_device.fail_call = FAKE_CALL_ANY;
        fake_device.fail_at = at + 1; /* the first call opened the device */
        check_ok(bench_measure(&b), &b.err);
        if (b.row.status == MLB_ROW_FAILED) {
            check_contains(b.row.reason, "fails as the test says");
            check_true(!b.row.has_sustain && b.row.sample_count == 0);
            failed++;
        }
        bench_end(&b);
    }
    check_true(failed > 10);
}

/* A device that needs service says so: it is more than a failed row. */
static void a_sick_device_is_told(void **state)
{
    (void)state;
    for (int sick = 0; sick < 2; sick++) {
        struct bench b;
        begin_gpu(&b, short_step, 1);
        fake_device.fail_call = FAKE_CALL_SYNC;
        fake_device.fail_at = 5;
        fake_device.fail_status = sick ? MLB_E_UNHEALTHY : MLB_E_DEVICE;
        check_ok(bench_measure(&b), &b.err);
        check_i64(b.row.status, MLB_ROW_FAILED);
        check_true(b.run.unhealthy == sick);
        bench_end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_graph_counts_when_it_is_faster),
                                       cmocka_unit_test(what_cannot_be_a_graph_says_why),
                                       cmocka_unit_test(launching_itself_is_never_a_graph),
                                       cmocka_unit_test(all_ranks_or_none),
                                       cmocka_unit_test(the_clock_is_steady_first),
                                       cmocka_unit_test(clocks_of_all_ranks),
                                       cmocka_unit_test(energy_of_a_step),
                                       cmocka_unit_test(burst_and_sustained_are_apart),
                                       cmocka_unit_test(drift_of_a_long_load),
                                       cmocka_unit_test(a_budget_ends_the_load),
                                       cmocka_unit_test(one_rank_after_the_other),
                                       cmocka_unit_test(a_device_is_lost_at_any_moment),
                                       cmocka_unit_test(a_sick_device_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
