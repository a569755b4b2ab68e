/* SPDX-License-Identifier: Apache-2.0 */
/* overlap: what it times, verifies and refuses, on ranks that are threads. */
#include "tests/check.h"

#include "collectives/channels.h"
#include "tests/collectives/overlap_rig.h"

static const char *const plain[] = {"bytes", "4KiB", "m", "8", "n", "8", "k", "8", NULL};

/* ---------------------------------------------------------------------------------- parameters */

static void sets(void *params, const char *const *settings)
{
    struct mlb_error err = {0};
    check_ok(mlb_workload_params(&mlb_overlap, params, &err), &err);
    for (; *settings; settings += 2)
        check_ok(mlb_option_set(mlb_option_find(mlb_overlap.params, settings[0]), params,
                                settings[1], &err),
                 &err);
}

static void cases_have_labels(void **state)
{
    (void)state;
    static const struct {
        const char *settings[9];
        const char *label;
    } rows[] = {
        {{NULL}, "all_reduce 25 MiB bf16 beside gemm bf16 4096x4096x4096"},
        {{"collective", "reduce_scatter", "bytes", "100MiB", "bucket", "25MiB", "gemms", "3"},
         "reduce_scatter 100 MiB bf16 in 4 x 25 MiB beside 3 x gemm bf16 4096x4096x4096"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void *params = test_calloc(1, mlb_overlap.params_bytes);
        char label[128];
        sets(params, rows[i].settings);
        mlb_overlap.label(params, label, sizeof label);
        check_text(label, rows[i].label);
        test_free(params);
    }
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *settings[5];
        const char *why;
    } rows[] = {
        {{"bytes", "10MiB", "bucket", "4MiB"},
         "bytes = 10485760 is not a whole number of buckets of 4194304 bytes"},
        {{"bytes", "4MiB", "bucket", "2KiB"}, "or of more than 1024"},
        {{"bytes", "15"}, "all_reduce: bytes = 15 is not a whole number of bf16 elements"},
        {{"gemm_dtype", "tf32"}, "tf32"}, /* that the GEMM in its place does not know */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_error err = {0};
        void *params = test_calloc(1, mlb_overlap.params_bytes);
        sets(params, rows[i].settings);
        check_true(mlb_overlap.resolve(params, &err) != MLB_OK);
        check_contains(err.text, rows[i].why);
        test_free(params);
    }
}

/* ------------------------------------------------------------------------------------------ times
 */

static double number(const struct mlb_details *details, const char *name)
{
    const struct mlb_detail *detail = mlb_detail_find(details, name);
    check_true(detail != NULL && detail->is_number);
    return detail->number;
}

struct expected {
    const char *const *settings;
    double gemms, gemm, collective, collective_beside, both, exposed; /* ns */
};

/* Every rank tells the slowest rank's times. */
static void times_are_right(struct threads_rank *rank, void *user)
{
    const struct expected *should = user;
    struct rig_case rc;
    struct mlb_verification verification;
    struct mlb_details is = {0};
    double step_ns = 0.0;
    check_ok(rig_open(&rc, rank, &rig_streams, should->settings), &rc.err);
    check_ok(rig_run(&rc, 1, &verification), &rc.err);
    check_true(mlb_verification_passed(&verification));
    rc.variant->details(rc.state, rc.params, &is);
    check_close(number(&is, "gemms"), should->gemms, 0);
    check_close(number(&is, "gemm_alone_ns"), should->gemm, 1e-9);
    check_close(number(&is, "gemm_beside_ns"), should->gemm, 1e-9);
    check_close(number(&is, "gemm_slowdown"), 1.0, 1e-9);
    check_close(number(&is, "collective_alone_ns"), should->collective, 1e-9);
    check_close(number(&is, "collective_beside_ns"), should->collective_beside, 1e-9);
    check_close(number(&is, "collective_slowdown"), should->collective_beside / should->collective,
                1e-9);
    check_close(number(&is, "both_ns"), should->both, 1e-9);
    check_close(number(&is, "exposed_ns"), should->exposed, 1e-9);
    check_close(number(&is, "hidden_share"), 1.0 - should->exposed / should->collective, 1e-9);
    check_true(mlb_detail_find(&is, "gemm_threads") == NULL);
    check_text(mlb_detail_find(&is, "algorithm")->text, "ring");
    /* What the sampler sees: marks around a step that has a rank's own time. */
    check_ok(rc.device->backend->mark(rc.device, 0, &rc.err), &rc.err);
    check_ok(rc.variant->step(rc.state, &rc.ctx, &rc.err), &rc.err);
    check_ok(rc.device->backend->mark(rc.device, 1, &rc.err), &rc.err);
    check_ok(rc.device->backend->elapsed(rc.device, 0, 1, &step_ns, &rc.err), &rc.err);
    if (rank->comm->rank == RIG_RANKS - 1)
        check_close(step_ns, should->both, 1e-9);
    rig_close(&rc);
}

static void check_nothing_left(void)
{
    for (int i = 0; i < RIG_RANKS; i++) {
        check_i64(rigs[i].open_devices, 0);
        check_i64(rigs[i].blocks, 0);
        check_i64(rigs[i].gemm_teardowns, rigs[i].gemm_setups);
        check_true(!rigs[i].strayed);
    }
}

/* A GEMM of 1 ms on the last rank, 0.5 ms on the others. */
static void exposed_time_is_what_the_gemms_do_not_cover(void **state)
{
    (void)state;
    static const char *const one[] = {"bytes", "4KiB", "m", "8", "n", "8", "gemms", "1", NULL};
    static const char *const cut[] = {"bytes", "4KiB", "bucket", "1KiB", "m", "8",
                                      "n",     "8",    "gemms",  "9",    NULL};
    static const struct {
        double collective_ns, beside;
        struct expected should;
    } rows[] = {
        /* As many GEMMs as last as long: all of it is hidden. */
        {3e6, 1.0, {plain, 3, 3e6, 3e6, 3e6, 3e6, 0}},
        {0.3e6, 1.0, {plain, 1, 1e6, 0.3e6, 0.3e6, 1e6, 0}},
        /* One GEMM covers a third, and half of it when the collective suffers. */
        {3e6, 1.0, {one, 1, 1e6, 3e6, 3e6, 3e6, 2e6}},
        {3e6, 1.5, {one, 1, 1e6, 3e6, 4.5e6, 4.5e6, 3.5e6}},
        /* Four calls of 3 ms. */
        {3e6, 1.0, {cut, 9, 9e6, 12e6, 12e6, 12e6, 3e6}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct expected should = rows[i].should;
        rig_reset();
        for (int r = 0; r < RIG_RANKS; r++) {
            rigs[r].gemm_ns = r == RIG_RANKS - 1 ? 1e6 : 0.5e6;
            rigs[r].collective_ns = rows[i].collective_ns;
            rigs[r].beside = rows[i].beside;
        }
        threads_run(&(struct threads_job){.ranks = RIG_RANKS}, times_are_right, &should, NULL);
        check_nothing_left();
    }
}

/* A device without streams: the GEMM has a thread of its own, which alone uses its device. */
static void runs_in_threads(struct threads_rank *rank, void *user)
{
    struct rig_case rc;
    struct mlb_verification verification;
    struct mlb_details is = {0};
    (void)user;
    check_ok(rig_open(&rc, rank, &rig_threads, plain), &rc.err);
    check_ok(rig_run(&rc, 2, &verification), &rc.err);
    check_true(mlb_verification_passed(&verification));
    rc.variant->details(rc.state, rc.params, &is);
    check_close(number(&is, "gemm_threads"), 3, 0);
    double gemm = number(&is, "gemm_alone_ns"), collective = number(&is, "collective_alone_ns");
    check_true(gemm >= 10e6 && collective >= 15e6);
    check_true(number(&is, "both_ns") >= fmax(gemm, collective) * 0.5);
    check_true(number(&is, "both_ns") < 0.9 * (gemm + collective));
    rig_close(&rc);
}

static void both_run_at_once_in_threads(void **state)
{
    (void)state;
    rig_reset();
    for (int i = 0; i < RIG_RANKS; i++) {
        rigs[i].gemm_ns = 10e6;
        rigs[i].collective_ns = 15e6;
    }
    threads_run(&(struct threads_job){.ranks = RIG_RANKS}, runs_in_threads, NULL, NULL);
    check_nothing_left();
}

/* ----------------------------------------------------------------------------------- what fails
 */

struct trouble {
    const char *wrong; /* what the rank that has it finds */
    int rank;
    enum mlb_status status;
};

static void finds_it(struct threads_rank *rank, void *user)
{
    static const char *const settings[] = {"bytes", "4KiB", "bucket", "1KiB", "m",
                                           "8",     "n",    "8",      NULL};
    const struct trouble *trouble = user;
    struct rig_case rc;
    struct mlb_verification verification;
    check_ok(rig_open(&rc, rank, &rig_streams, settings), &rc.err);
    enum mlb_status status = rig_run(&rc, 0, &verification);
    check_i64(status, trouble->status);
    if (status == MLB_OK && rank->comm->rank == trouble->rank) {
        check_u64(verification.wrong, 1);
        check_u64(verification.checked, 4 * 512 + 8 - (trouble->wrong[0] != 'C'));
        check_contains(verification.first_wrong, trouble->wrong);
    } else if (status == MLB_OK) {
        check_true(mlb_verification_passed(&verification));
    } else {
        check_contains(rc.err.text, trouble->wrong);
    }
    rig_close(&rc);
}

static void a_wrong_result_of_either_side_is_found(void **state)
{
    (void)state;
    struct trouble rows[] = {{"recv[0]", 1, MLB_OK},
                             {"C[7]", 2, MLB_OK},
                             {"gemm: nothing was verified", 0, MLB_E_NO_VERDICT}};
    for (int i = 0; i < 3; i++) {
        rig_reset();
        rigs[1].wrong_bucket = i == 0 ? 3 : 0;
        rigs[2].gemm_wrong = i == 1;
        rigs[0].gemm_blind = i == 2;
        threads_run(&(struct threads_job){.ranks = RIG_RANKS}, finds_it, &rows[i], NULL);
        check_nothing_left();
    }
}

static void takes_the_next_variant(struct threads_rank *rank, void *user)
{
    struct rig_case rc;
    struct mlb_verification verification;
    struct mlb_details is = {0};
    const struct mlb_backend *backend = user;
    check_ok(rig_open(&rc, rank, backend, plain), &rc.err);
    enum mlb_status status = rig_run(&rc, 1, &verification);
    if (backend == &rig_threads) {
        check_fails(status, MLB_E_UNSUPPORTED, &rc.err, "a plan that does not compile");
    } else {
        check_ok(status, &rc.err);
        rc.variant->details(rc.state, rc.params, &is);
        check_text(mlb_detail_find(&is, "gemm_variant")->text, "second");
    }
    rig_close(&rc);
}

static void a_gemm_that_refuses_leaves_it_to_the_next(void **state)
{
    (void)state;
    const struct mlb_backend *backends[] = {&rig_streams, &rig_threads};
    for (int i = 0; i < 2; i++) {
        rig_reset();
        for (int r = 0; r < RIG_RANKS; r++)
            rigs[r].gemm_refuses = true;
        threads_run(&(struct threads_job){.ranks = RIG_RANKS}, takes_the_next_variant,
                    (void *)(uintptr_t)backends[i], NULL);
        check_nothing_left();
    }
}

static void needs_memory(struct threads_rank *rank, void *user)
{
    static const char *const large[] = {"bytes", "1MiB", NULL};
    static const char *const both[] = {"bytes", "256KiB", "m", "1k", "n", "1k", NULL};
    struct rig_case rc;
    struct mlb_verification verification;
    (void)user;
    check_ok(rig_open(&rc, rank, &rig_streams, large), &rc.err);
    check_fails(rig_run(&rc, 1, &verification), MLB_E_UNSUPPORTED, &rc.err,
                "all_reduce: needs 2 MiB on each rank, 896 KiB are free");
    rig_close(&rc);
    check_ok(rig_open(&rc, rank, &rig_streams, both), &rc.err); /* 512 KiB are the collective's */
    check_fails(rig_run(&rc, 1, &verification), MLB_E_UNSUPPORTED, &rc.err,
                "gemm needs more than 524288 bytes");
    rig_close(&rc);
}

static void memory_is_looked_at_first(void **state)
{
    (void)state;
    rig_reset();
    threads_run(&(struct threads_job){.ranks = 2}, needs_memory, NULL, NULL);
    check_nothing_left();
}

struct failing {
    const struct mlb_backend *backend;
    bool failed;
};

static void fails_once(struct threads_rank *rank, void *user)
{
    struct failing *failing = user;
    struct rig_case rc;
    struct mlb_verification verification;
    check_ok(rig_open(&rc, rank, failing->backend, plain), &rc.err);
    rc.ctx.tune_s = 1e-9; /* as few rounds as there may be */
    enum mlb_status status = rig_run(&rc, 2, &verification);
    failing->failed = status != MLB_OK;
    if (failing->failed)
        check_fails(status, MLB_E_DEVICE, &rc.err, " failed");
    rigs[0].fail_at = 0;
    rig_close(&rc);
}

/* Each call of the device fails once: the error comes out, and nothing stays behind. */
static void every_failure_leaves_nothing_behind(void **state)
{
    (void)state;
    struct failing failing = {.failed = true};
    for (int kind = 0; kind < 2; kind++)
        for (int n = 1; n == 1 || failing.failed; n++) {
            rig_reset();
            rigs[0].gemm_ns = rigs[0].collective_ns = 1e3;
            rigs[0].fail_at = n;
            failing.backend = kind ? &rig_threads : &rig_streams;
            threads_run(&(struct threads_job){.ranks = 1}, fails_once, &failing, NULL);
            check_nothing_left();
            check_true(failing.failed || n > 100);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_have_labels),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(exposed_time_is_what_the_gemms_do_not_cover),
        cmocka_unit_test(both_run_at_once_in_threads),
        cmocka_unit_test(a_wrong_result_of_either_side_is_found),
        cmocka_unit_test(a_gemm_that_refuses_leaves_it_to_the_next),
        cmocka_unit_test(memory_is_looked_at_first),
        cmocka_unit_test(every_failure_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
