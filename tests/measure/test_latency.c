/* SPDX-License-Identifier: Apache-2.0 */
/* How a collective is sampled: single calls after a meeting, with percentiles; or in a row. */
#include "tests/check.h"

#include "harness/base/text.h"
#include "tests/measure/bench.h"

enum { SCRIPT = 8192 };

static struct mlb_channel channel;

static void begin(struct bench *b, const double *step_ns, size_t count)
{
    bench_begin(b, "gather", step_ns, count);
    fake_comm_init(&b->comm, 2);
    b->run.ctx.channel = &channel;
    b->item->measure.min_time_s = 0;
}

/* Of 1,000 calls, in any order, the slow ones are one in twenty and one in fifty: p95 and p99 fall
 * between them. */
static void test_percentiles_of_single_calls(void **state)
{
    (void)state;
    static double script[SCRIPT];
    struct bench b;
    for (size_t i = 0; i < SCRIPT; i++)
        script[i] = i % 50 == 7 ? 80e3 : i % 20 == 3 ? 30e3 : 10e3;
    begin(&b, script, SCRIPT);
    b.item->measure.min_samples = 1000;
    check_ok(bench_measure(&b), &b.err);
    check_u64(b.row.steps_per_sample, 1);
    check_true(b.row.sample_count >= 1000);
    check_close(b.row.summary.median, 10e3, 0);
    check_true(b.row.p95_ns.known && b.row.p99_ns.known);
    check_close(b.row.p95_ns.value, 30e3, 0);
    check_close(b.row.p99_ns.value, 80e3, 0);
    check_u64(b.comm.line_ups, b.script.steps); /* all ranks meet before each */
    bench_end(&b);
}

/* Precise after twenty calls; but the 99th of a hundred is asked for. Calls that take long are not
 * repeated for it. */
static void test_short_calls_are_many(void **state)
{
    (void)state;
    static const struct {
        double ns;
        uint64_t least, most;
        bool p95, p99;
    } cases[] = {
        {10e3, 100, 10000, true, true}, {999e3, 100, 120, true, true}, {5e6, 10, 19, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        begin(&b, &cases[i].ns, 1);
        check_ok(bench_measure(&b), &b.err);
        check_true(b.row.sample_count >= cases[i].least && b.row.sample_count <= cases[i].most);
        check_i64(b.row.p95_ns.known, cases[i].p95);
        check_i64(b.row.p99_ns.known, cases[i].p99);
        bench_end(&b);
    }
}

/* A limit on samples is kept. */
static void test_limit_of_samples(void **state)
{
    (void)state;
    static const double quick[] = {10e3};
    struct bench b;
    begin(&b, quick, 1);
    b.item->measure.max_samples = 60;
    check_ok(bench_measure(&b), &b.err);
    check_u64(b.row.sample_count, 60);
    check_true(b.row.p95_ns.known && !b.row.p99_ns.known);
    bench_end(&b);
}

/* In a row: one meeting for each sample, which lasts as long as was asked for, holds twenty calls
 * where these are short enough, and never one unless two come near the deadline. A mean has no
 * percentiles. */
static void test_calls_in_a_row(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        double ns, sample_time_s;
        uint64_t steps;
    } cases[] = {{"cpu", 1.7e3, 1e-3, 588},  {"cpu", 1e6, 1e-3, 20},  {"cpu", 1e6, 0.0, 20},
                 {"cpu", 20e6, 1e-3, 5},     {"cpu", 300e6, 1e-3, 2}, {"cpu", 4e9, 1e-3, 1},
                 {"cuda", 1.1e4, 1e-3, 909}, {"cuda", 4e6, 1e-3, 20}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        begin(&b, &cases[i].ns, 1);
        bench_params(&b)->kind = 1;
        b.run.deadline_s = 25;
        mlb_format(b.run.ctx.device->info.kind, sizeof b.run.ctx.device->info.kind, "%s",
                   cases[i].kind);
        b.item->measure.sample_time_s = cases[i].sample_time_s;
        check_ok(bench_measure(&b), &b.err);
        check_u64(b.row.steps_per_sample, cases[i].steps);
        check_close(b.row.summary.median, cases[i].ns, 1e-9);
        check_true(!b.row.p95_ns.known && !b.row.p99_ns.known);
        check_true(b.comm.line_ups < b.script.steps || cases[i].steps == 1);
        bench_end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_percentiles_of_single_calls),
                                       cmocka_unit_test(test_short_calls_are_many),
                                       cmocka_unit_test(test_limit_of_samples),
                                       cmocka_unit_test(test_calls_in_a_row)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
