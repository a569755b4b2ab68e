/* SPDX-License-Identifier: Apache-2.0 */
/* Names and refusals of launches; needs no GPU and no CUDA. */
#include "kernels/launch/launch.h"
#include "tests/kernels/case_rig.h"

static void test_names(void **state)
{
    static const struct {
        struct mlb_launch_params params;
        const char *label;
    } rows[] = {
        {{MLB_LAUNCH_KERNEL, MLB_ROUND_TRIP, 1}, "kernel round trip"},
        {{MLB_LAUNCH_KERNEL, MLB_BACK_TO_BACK, 1}, "kernel back to back"},
        {{MLB_LAUNCH_GRAPH, MLB_BACK_TO_BACK, 100}, "graph of 100 back to back"},
        {{MLB_LAUNCH_H2D, MLB_ROUND_TRIP, 1}, "copy of 8 B h2d round trip"},
        {{MLB_LAUNCH_D2H, MLB_ROUND_TRIP, 1}, "copy of 8 B d2h round trip"},
    };
    struct mlb_ctx ctx = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_work work = {0};
        char label[96];
        mlb_launch.label(&rows[i].params, label, sizeof label);
        check_text(label, rows[i].label);
        mlb_launch.work(&rows[i].params, &ctx, &work);
        check_text(work.formula, "launch.1");
        check_close(work.flop + work.bytes + work.bus_factor, 0, 0);
    }
}

static void test_only_graphs_have_nodes(void **state)
{
    struct mlb_error err = {0};
    struct mlb_launch_params params = {MLB_LAUNCH_KERNEL, MLB_ROUND_TRIP, 5};
    (void)state;
    check_fails(mlb_launch.resolve(&params, &err), MLB_E_CONFIG, &err,
                "nodes = 5: op = graph has several kernels, op = kernel has not");
    params.op = MLB_LAUNCH_GRAPH;
    check_ok(mlb_launch.resolve(&params, &err), &err);
}

/* ----------------------------------------------------------------------------------- on the CPU */

static const struct mlb_variant *on_cpu(void)
{
    const struct mlb_variant *v = mlb_launch.variants;
    while (strcmp(v->device, "cpu") != 0)
        v++;
    return v;
}

static enum mlb_status without_a_thread(void *state, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    struct mlb_ctx fewer = *ctx;
    fewer.threads--;
    return mlb_launch_cpu_step(state, &fewer, err);
}

static void test_a_parallel_region(void **state)
{
    const struct mlb_launch_params params = {MLB_LAUNCH_KERNEL, MLB_ROUND_TRIP, 1};
    struct mlb_variant variant = *on_cpu();
    struct mlb_launch launch = {0};
    struct mlb_details details = {0};
    struct case_rig rig;
    (void)state;
    open_case_rig(&rig, &mlb_backend_cpu, MLB_DATA_NORMAL);
    check_ok(variant.check(&params, &rig.ctx, &rig.err), &rig.err);
    check_ok(variant.setup(&launch, &params, &rig.ctx, &rig.err), &rig.err);
    struct mlb_verification found =
        finish_case(&rig, &mlb_launch, &variant, &launch, &params, &details);
    check_true(mlb_verification_passed(&found));
    check_u64(found.checked, 2); /* threads */
    variant.step = without_a_thread;
    found = finish_case(&rig, &mlb_launch, &variant, &launch, &params, &details);
    check_contains(found.first_wrong, "thread 1: is 0, should be 100");
    variant.teardown(&launch, &rig.ctx);
    close_case_rig(&rig);
}

static void test_a_cpu_has_no_queue(void **state)
{
    static const struct mlb_launch_params refused[] = {
        {MLB_LAUNCH_GRAPH, MLB_ROUND_TRIP, 2},
        {MLB_LAUNCH_KERNEL, MLB_BACK_TO_BACK, 1},
        {MLB_LAUNCH_H2D, MLB_ROUND_TRIP, 1},
    };
    struct mlb_error err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        check_fails(on_cpu()->check(&refused[i], NULL, &err), MLB_E_UNSUPPORTED, &err,
                    "a CPU has no queue");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_only_graphs_have_nodes),
        cmocka_unit_test(test_a_parallel_region),
        cmocka_unit_test(test_a_cpu_has_no_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
