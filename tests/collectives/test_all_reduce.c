/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the all_reduce workload as the planner sees it: parameters, label, work. What it
 * computes is checked over several ranks in ranks.c. */
#include "collectives/channels.h"

#include "tests/check.h"

struct made {
    void *params;
    struct mlb_error err;
};

static enum mlb_status make(struct made *made, const char *bytes, const char *dtype,
                            const char *in_place)
{
    const struct mlb_workload *workload = &mlb_all_reduce;
    const char *const names[] = {"bytes", "dtype", "in_place"};
    const char *const values[] = {bytes, dtype, in_place};
    *made = (struct made){.params = test_calloc(1, workload->params_bytes)};
    check_ok(mlb_option_defaults(workload->params, made->params, &made->err), &made->err);
    for (int i = 0; i < 3; i++)
        if (values[i])
            check_ok(mlb_option_set(mlb_option_find(workload->params, names[i]), made->params,
                                    values[i], &made->err),
                     &made->err);
    return workload->resolve(made->params, &made->err);
}

static const struct {
    const char *bytes, *dtype, *in_place, *label;
    double message;
} good[] = {
    {NULL, NULL, NULL, "1 MiB f32", 1048576},
    {"1GiB", "bf16", "false", "1 GiB bf16", 1073741824},
    {"8", "f64", "true", "8 B f64 in place", 8},
    {"4", "s32", "false", "4 B s32", 4},
};

static void parameters_make_labels_and_work(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct made made;
        struct mlb_comm comm = {.size = 16};
        const struct mlb_ctx ctx = {.comm = &comm};
        struct mlb_work work;
        char label[96];
        check_ok(make(&made, good[i].bytes, good[i].dtype, good[i].in_place), &made.err);
        mlb_all_reduce.label(made.params, label, sizeof label);
        check_text(label, good[i].label);
        mlb_all_reduce.work(made.params, &ctx, &work);
        check_close(work.bytes, good[i].message, 0);
        check_close(work.flop, 0.0, 0);
        check_text(work.formula, "all_reduce.busbw.2(n-1)/n");
        test_free(made.params);
    }
}

/* The factors that nccl-tests prints busbw with. */
static void the_bus_factor_is_that_of_nccl_tests(void **state)
{
    (void)state;
    static const struct {
        int ranks;
        double factor;
    } rows[] = {{2, 1.0}, {3, 4.0 / 3}, {4, 1.5}, {8, 1.75}, {16, 1.875}, {1024, 1.998046875}};
    struct made made;
    check_ok(make(&made, NULL, NULL, NULL), &made.err);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_comm comm = {.size = rows[i].ranks};
        const struct mlb_ctx ctx = {.comm = &comm};
        struct mlb_work work;
        mlb_all_reduce.work(made.params, &ctx, &work);
        check_close(work.bus_factor, rows[i].factor, 1e-15);
    }
    test_free(made.params);
}

static void broken_elements_are_refused(void **state)
{
    (void)state;
    struct made made;
    check_fails(make(&made, "10", "f32", NULL), MLB_E_CONFIG, &made.err,
                "bytes = 10 is not a whole number of f32 elements of 4 bytes");
    test_free(made.params);
    check_fails(make(&made, "1", "bf16", NULL), MLB_E_CONFIG, &made.err, "bf16");
    test_free(made.params);
}

static void memory_is_looked_at_first(void **state)
{
    (void)state;
    struct made made;
    struct mlb_ctx ctx = {.memory_bytes = 3 << 20};
    const struct mlb_variant *variant = mlb_all_reduce.variants;
    check_ok(make(&made, "2MiB", "f32", "false"), &made.err);
    check_fails(variant->check(made.params, &ctx, &made.err), MLB_E_UNSUPPORTED, &made.err,
                "needs 4 MiB on each rank, 3 MiB are free");
    test_free(made.params);
    check_ok(make(&made, "2MiB", "f32", "true"), &made.err);
    check_ok(variant->check(made.params, &ctx, &made.err), &made.err);
    test_free(made.params);
}

static void the_row_is_whole(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    check_true(mlb_collective_workloads[0] == &mlb_all_reduce);
    check_true(mlb_all_reduce.collective);
    check_i64(mlb_all_reduce.min_ranks, 2);
    for (const struct mlb_variant *v = mlb_all_reduce.variants; v->name; v++) {
        bool has_channel = false;
        for (size_t i = 0; mlb_channels[i]; i++)
            has_channel |= strcmp(mlb_channels[i]->name, v->name) == 0 &&
                           strcmp(mlb_channels[i]->device_kind, v->device) == 0;
        check_true(has_channel);
        check_true(v->setup && v->step && v->teardown);
    }
    check_ok(err.status, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_make_labels_and_work),
        cmocka_unit_test(the_bus_factor_is_that_of_nccl_tests),
        cmocka_unit_test(broken_elements_are_refused),
        cmocka_unit_test(memory_is_looked_at_first),
        cmocka_unit_test(the_row_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
