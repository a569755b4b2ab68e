/* SPDX-License-Identifier: Apache-2.0 */
/* Names and refusals of launches; needs no GPU and no CUDA. */
#include "kernels/launch/launch.h"
#include "tests/check.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_only_graphs_have_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
