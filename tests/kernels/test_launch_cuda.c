/* SPDX-License-Identifier: Apache-2.0 */
/* Launches over the fake CUDA runtime. No GPU needed. */
#include "kernels/launch/launch.h"
#include "kernels/launch/launch_cuda.h"
#include "tests/device/fake_cudart.h"
#include "tests/kernels/case_rig.h"

/* The kernel, and how often it was launched outside of graphs. */
static uint64_t ticks;

int mlb_launch_tick(void *stream, uint64_t *counter)
{
    (void)stream;
    if (!fake_cudart_launch(counter))
        return 0;
    ticks++;
    if (counter && !fake_cudart.lazy)
        *counter += 1;
    return fake_cudart.broken ? 700 : 0;
}

static const struct mlb_launch_params cases[] = {
    {MLB_LAUNCH_KERNEL, MLB_ROUND_TRIP, 1}, {MLB_LAUNCH_KERNEL, MLB_BACK_TO_BACK, 1},
    {MLB_LAUNCH_GRAPH, MLB_ROUND_TRIP, 1},  {MLB_LAUNCH_GRAPH, MLB_BACK_TO_BACK, 100},
    {MLB_LAUNCH_H2D, MLB_ROUND_TRIP, 1},    {MLB_LAUNCH_D2H, MLB_BACK_TO_BACK, 1},
};

static void open_fake(struct case_rig *rig)
{
    fake_cudart = (struct fake_cudart){0};
    ticks = 0;
    open_case_rig(rig, &mlb_backend_cuda, MLB_DATA_NORMAL);
}

static void close_fake(struct case_rig *rig)
{
    close_case_rig(rig);
    check_i64(fake_cudart.memory, 0);
    check_i64(fake_cudart.pinned, 0);
    check_i64(fake_cudart.graphs, 0);
}

static void test_launches_pass(void **state)
{
    struct case_rig rig;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mlb_details details = {0};
        open_fake(&rig);
        check_case(&rig, &mlb_launch, &cases[i], &details);
        check_u64(ticks, cases[i].op == MLB_LAUNCH_KERNEL  ? 103
                         : cases[i].op == MLB_LAUNCH_GRAPH ? 1 /* loads its code */
                                                           : 0);
        check_true((mlb_detail_find(&details, "kernels_per_launch") != NULL) ==
                   (cases[i].op == MLB_LAUNCH_GRAPH));
        close_fake(&rig);
    }
}

static void test_launches_that_do_nothing_are_caught(void **state)
{
    static const struct {
        struct mlb_launch_params params;
        const char *text;
    } rows[] = {
        {{MLB_LAUNCH_KERNEL, MLB_ROUND_TRIP, 1},
         "kernels that ran in 100 launches, thread 0: is 0, should be"},
        {{MLB_LAUNCH_H2D, MLB_ROUND_TRIP, 1}, "the word copied h2d: is "},
        {{MLB_LAUNCH_D2H, MLB_BACK_TO_BACK, 1}, "the word copied d2h: is "},
    };
    struct case_rig rig;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_details details = {0};
        open_fake(&rig);
        fake_cudart.lazy = true;
        struct mlb_verification found =
            run_whole_case(&rig, &mlb_launch, &rows[i].params, &details);
        check_u64(found.wrong, 1);
        check_contains(found.first_wrong, rows[i].text);
        close_fake(&rig);
    }
}

/* One kernel of a graph that is lost. */
static enum mlb_status one_less(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_launch *launch = state;
    enum mlb_status status = mlb_launch_cuda_step(state, ctx, err);
    *launch->words -= launch->counting;
    return status;
}

static void test_a_lost_kernel_is_caught(void **state)
{
    const struct mlb_launch_params params = {MLB_LAUNCH_GRAPH, MLB_BACK_TO_BACK, 10};
    struct mlb_variant bad = mlb_launch.variants[0];
    struct mlb_launch launch = {0};
    struct mlb_details details = {0};
    struct case_rig rig;
    (void)state;
    bad.step = one_less;
    open_fake(&rig);
    check_ok(bad.setup(&launch, &params, &rig.ctx, &rig.err), &rig.err);
    struct mlb_verification found =
        finish_case(&rig, &mlb_launch, &bad, &launch, &params, &details);
    check_contains(found.first_wrong, "is 900, should be 1000");
    check_u64(*launch.words, 900); /* what is timed does not count */
    bad.teardown(&launch, &rig.ctx);
    close_fake(&rig);
}

static void test_a_round_trip_waits(void **state)
{
    struct case_rig rig;
    struct mlb_launch launch = {0};
    const struct mlb_variant *variant = mlb_launch.variants;
    struct mlb_launch_params params = {MLB_LAUNCH_KERNEL, MLB_BACK_TO_BACK, 1};
    (void)state;
    open_fake(&rig);
    check_ok(variant->setup(&launch, &params, &rig.ctx, &rig.err), &rig.err);
    fake_cudart.busy_queries = 5;
    check_ok(variant->step(&launch, &rig.ctx, &rig.err), &rig.err);
    check_i64(fake_cudart.busy_queries, 5); /* nobody asked */
    launch.mode = MLB_ROUND_TRIP;
    check_ok(variant->step(&launch, &rig.ctx, &rig.err), &rig.err);
    check_true(fake_cudart.busy_queries < 0);
    launch.wait_s = 1e-3;
    fake_cudart.busy_queries = 1 << 30;
    check_fails(variant->step(&launch, &rig.ctx, &rig.err), MLB_E_TIMEOUT, &rig.err, "still works");
    void *word = launch.words, *host = launch.host;
    variant->teardown(&launch, &rig.ctx); /* would wait for ever if it freed */
    check_i64(fake_cudart.frees, 0);
    close_case_rig(&rig);
    free(word);
    free(host);
}

static void test_a_gpu_that_is_lost(void **state)
{
    struct case_rig rig;
    struct mlb_launch launch = {0};
    const struct mlb_variant *variant = mlb_launch.variants;
    struct mlb_launch_params params = {MLB_LAUNCH_GRAPH, MLB_ROUND_TRIP, 2};
    (void)state;
    open_fake(&rig);
    check_ok(variant->setup(&launch, &params, &rig.ctx, &rig.err), &rig.err);
    fake_cudart.broken = true;
    check_fails(variant->step(&launch, &rig.ctx, &rig.err), MLB_E_DEVICE, &rig.err,
                "launch a graph on device 0: ");
    variant->teardown(&launch, &rig.ctx);
    check_fails(variant->setup(&launch, &params, &rig.ctx, &rig.err), MLB_E_DEVICE, &rig.err,
                "device 0");
    variant->teardown(&launch, &rig.ctx);
    close_fake(&rig);
}

static void test_blocking_launches_are_refused(void **state)
{
    struct mlb_error err = {0};
    (void)state;
    setenv("CUDA_LAUNCH_BLOCKING", "1", 1);
    check_fails(mlb_launch.variants->check(&cases[0], NULL, &err), MLB_E_UNSUPPORTED, &err,
                "CUDA_LAUNCH_BLOCKING is set");
    unsetenv("CUDA_LAUNCH_BLOCKING");
    check_ok(mlb_launch.variants->check(&cases[0], NULL, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_launches_pass),
        cmocka_unit_test(test_launches_that_do_nothing_are_caught),
        cmocka_unit_test(test_a_lost_kernel_is_caught),
        cmocka_unit_test(test_a_round_trip_waits),
        cmocka_unit_test(test_a_gpu_that_is_lost),
        cmocka_unit_test(test_blocking_launches_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
