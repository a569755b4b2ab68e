/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the collectives as the planner sees them: parameters, label, work. What it
 * computes is checked over several ranks in ranks.c. */
#include "collectives/channels.h"

#include "tests/check.h"

const struct mlb_workload *const mlb_kernel_workloads[] = {NULL};

struct made {
    void *params;
    struct mlb_error err;
};

struct wanted {
    const char *bytes, *dtype, *in_place, *mode, *scope, *model;
};

static enum mlb_status make(struct made *made, const struct mlb_workload *workload,
                            const struct wanted *wanted)
{
    const char *const names[] = {"bytes", "dtype", "in_place", "mode", "scope", "model"};
    const char *const values[] = {wanted->bytes, wanted->dtype, wanted->in_place,
                                  wanted->mode,  wanted->scope, wanted->model};
    *made = (struct made){.params = test_calloc(1, workload->params_bytes)};
    check_ok(mlb_workload_params(workload, made->params, &made->err), &made->err);
    for (int i = 0; i < 6; i++)
        if (values[i])
            check_ok(mlb_option_set(mlb_option_find(workload->params, names[i]), made->params,
                                    values[i], &made->err),
                     &made->err);
    return workload->resolve(made->params, &made->err);
}

static const struct {
    struct wanted wanted;
    const char *label;
    double message;
} good[] = {
    {{0}, "1 MiB f32", 1048576},
    {{.bytes = "1GiB", .dtype = "bf16", .in_place = "false", .mode = "pipelined"},
     "1 GiB bf16 pipelined",
     1073741824},
    {{.bytes = "8", .dtype = "f64", .in_place = "true"}, "8 B f64 in place", 8},
    {{.bytes = "4", .dtype = "s32", .scope = "rails"}, "4 B s32 rails", 4},
    {{.dtype = "bf16", .model = "llama3-8b"}, "416 MiB bf16 llama3-8b", 2 * 218112000.0},
    {{.model = "llama3-70b"}, "3.19 GiB f32 llama3-70b", 4 * 855654400.0},
};

static void parameters_make_labels_and_work(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct made made;
        struct mlb_comm comm = {.size = 16, .nodes = 2};
        const struct mlb_ctx ctx = {.comm = &comm};
        struct mlb_work work;
        char label[96];
        check_ok(make(&made, &mlb_all_reduce, &good[i].wanted), &made.err);
        mlb_all_reduce.label(made.params, label, sizeof label);
        check_text(label, good[i].label);
        mlb_all_reduce.work(made.params, &ctx, &work);
        check_close(work.bytes, good[i].message, 0);
        check_close(work.flop, 0.0, 0);
        check_text(work.formula, "all_reduce.busbw.2(n-1)/n");
        check_true(mlb_all_reduce.pipelined(made.params) == (i == 1));
        test_free(made.params);
    }
}

static void work_of(const struct mlb_workload *workload, const struct wanted *wanted,
                    struct mlb_comm *comm, struct mlb_work *work, char *label, size_t size)
{
    struct made made;
    const struct mlb_ctx ctx = {.comm = comm};
    check_ok(make(&made, workload, wanted), &made.err);
    workload->work(made.params, &ctx, work);
    workload->label_here(made.params, &ctx, label, size);
    test_free(made.params);
}

/* Factors that nccl-tests prints busbw with, and what it divides by: bytes asked for, floored to
 * whole elements in each of the blocks of 12 ranks where there is one for each. */
static void all_have_the_factors_of_nccl_tests(void **state)
{
    (void)state;
    static const struct {
        const struct mlb_workload *workload;
        double factor, bytes;
    } rows[] = {
        {&mlb_all_reduce, 22.0 / 12, 1000},
        {&mlb_all_gather, 11.0 / 12, 960},
        {&mlb_reduce_scatter, 11.0 / 12, 960},
        {&mlb_alltoall, 11.0 / 12, 960},
        {&mlb_gather, 11.0 / 12, 960},
        {&mlb_scatter, 11.0 / 12, 960},
        {&mlb_broadcast, 1, 1000},
        {&mlb_reduce, 1, 1000},
        {&mlb_sendrecv, 1, 1000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_comm comm = {.size = 12, .local_size = 4, .nodes = 3};
        struct wanted wanted = {.bytes = "1000", .dtype = "f64"};
        struct mlb_work work;
        char label[96];
        work_of(rows[i].workload, &wanted, &comm, &work, label, sizeof label);
        check_close(work.bus_factor, rows[i].factor, 1e-15);
        check_close(work.bytes, rows[i].bytes, 0);
        check_text(label, rows[i].bytes == 1000 ? "1000 B f64" : "1000 B f64 (960 B)");
        check_contains(work.formula, rows[i].workload->name);
        wanted.bytes = "8"; /* one element for each at least */
        work_of(rows[i].workload, &wanted, &comm, &work, label, sizeof label);
        check_close(work.bytes, rows[i].bytes == 1000 ? 8 : 96, 0);
    }
}

static void a_scope_is_a_part_of_the_ranks(void **state)
{
    (void)state;
    static const struct {
        const char *scope;
        int ranks, nodes;
    } rows[] = {{"all", 12, 3}, {"node", 4, 1}, {"rail", 3, 3}, {"rails", 3, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_comm comm = {.size = 12, .local_size = 4, .nodes = 3};
        const struct wanted wanted = {.scope = rows[i].scope};
        struct mlb_work work;
        char label[96];
        work_of(&mlb_all_gather, &wanted, &comm, &work, label, sizeof label);
        check_i64(work.ranks, rows[i].ranks);
        check_i64(work.nodes, rows[i].nodes);
    }
}

static void groups_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *scope;
        int nodes, least;
        const char *why;
    } rows[] = {
        {"node", 2, 1, "scope = node needs two ranks on every machine, one has 1"},
        {"rail", 1, 8, "scope = rail needs two machines, there is one"},
        {"rails", 1, 8, "scope = rails needs two machines, there is one"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made made;
        struct mlb_comm comm = {
            .size = 16, .local_size = 8, .nodes = rows[i].nodes, .least_local_size = rows[i].least};
        struct mlb_ctx ctx = {.comm = &comm, .memory_bytes = 1 << 30};
        const struct wanted wanted = {.scope = rows[i].scope};
        check_ok(make(&made, &mlb_alltoall, &wanted), &made.err);
        check_fails(mlb_alltoall.variants[0].check(made.params, &ctx, &made.err), MLB_E_UNSUPPORTED,
                    &made.err, rows[i].why);
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
    check_ok(make(&made, &mlb_all_reduce, &(struct wanted){0}), &made.err);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_comm comm = {.size = rows[i].ranks};
        const struct mlb_ctx ctx = {.comm = &comm};
        struct mlb_work work;
        mlb_all_reduce.work(made.params, &ctx, &work);
        check_close(work.bus_factor, rows[i].factor, 1e-15);
    }
    test_free(made.params);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        const struct mlb_workload *workload;
        struct wanted wanted;
        const char *why;
    } rows[] = {
        {&mlb_all_reduce,
         {.bytes = "10", .dtype = "f32"},
         "bytes = 10 is not a whole number of f32 elements of 4 bytes"},
        {&mlb_gather, {.bytes = "1", .dtype = "bf16"}, "bytes = 1 is not a whole number of bf16"},
        {&mlb_alltoall, {.in_place = "true"}, "in_place = true: it cannot be done"},
        {&mlb_sendrecv, {.in_place = "true"}, "in_place = true: it cannot be done"},
        {&mlb_all_gather, {.model = "deepseek-v3"}, "deepseek-v3: the size of its blocks is not"},
        {&mlb_all_gather,
         {.bytes = "1GiB", .model = "llama3-8b"},
         "model = llama3-8b sets bytes: leave it out"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made made;
        check_fails(make(&made, rows[i].workload, &rows[i].wanted), MLB_E_CONFIG, &made.err,
                    rows[i].why);
        test_free(made.params);
    }
}

static void memory_is_looked_at_first(void **state)
{
    (void)state;
    struct made made;
    struct mlb_comm comm = {.size = 4, .local_size = 4, .nodes = 1};
    struct mlb_ctx ctx = {.memory_bytes = 3 << 20, .comm = &comm};
    const struct wanted apart = {.bytes = "2MiB", .in_place = "false"},
                        in_place = {.bytes = "2MiB", .in_place = "true"};
    check_ok(make(&made, &mlb_all_reduce, &apart), &made.err);
    check_fails(mlb_all_reduce.variants->check(made.params, &ctx, &made.err), MLB_E_UNSUPPORTED,
                &made.err, "needs 4 MiB on each rank, 3 MiB are free");
    test_free(made.params);
    check_ok(make(&made, &mlb_all_reduce, &in_place), &made.err);
    check_ok(mlb_all_reduce.variants->check(made.params, &ctx, &made.err), &made.err);
    test_free(made.params);
    check_ok(make(&made, &mlb_all_gather, &apart), &made.err); /* a part, and all parts */
    check_ok(mlb_all_gather.variants->check(made.params, &ctx, &made.err), &made.err);
    test_free(made.params);
}

/* NCCL's own, for its connections: an eighth, of a large GPU 2 GiB. */
static void a_library_on_a_gpu_has_memory_too(void **state)
{
    (void)state;
    struct made made;
    struct mlb_comm comm = {.size = 4, .local_size = 4, .nodes = 1};
    struct mlb_device device = {.info = {.kind = "cuda"}};
    struct mlb_ctx ctx = {.memory_bytes = 4 << 20, .comm = &comm, .device = &device};
    const struct wanted apart = {.bytes = "2MiB", .in_place = "false"},
                        large = {.bytes = "31GiB", .in_place = "false"};
    check_ok(make(&made, &mlb_all_reduce, &apart), &made.err);
    check_fails(mlb_all_reduce.variants->check(made.params, &ctx, &made.err), MLB_E_UNSUPPORTED,
                &made.err, "needs 4 MiB on each rank, 3.5 MiB are free");
    test_free(made.params);
    ctx.memory_bytes = (uint64_t)64 << 30;
    check_ok(make(&made, &mlb_all_reduce, &large), &made.err);
    check_ok(mlb_all_reduce.variants->check(made.params, &ctx, &made.err), &made.err);
    test_free(made.params);
}

static void check_row(const struct mlb_workload *workload)
{
    struct mlb_error err = {0};
    check_ok(mlb_workload_check(workload, &err), &err);
    check_true(workload->collective && (workload->kind || workload == &mlb_overlap));
    check_i64(workload->min_ranks, 2);
    for (const struct mlb_variant *v = workload->variants; v->name; v++) {
        bool has_channel = false;
        for (size_t i = 0; mlb_channels[i]; i++)
            has_channel |= strcmp(mlb_channels[i]->name, v->name) == 0 &&
                           strcmp(mlb_channels[i]->device_kind, v->device) == 0;
        check_true(has_channel);
    }
}

static void the_rows_are_whole(void **state)
{
    (void)state;
    size_t count = 0;
    for (; mlb_collective_workloads[count]; count++)
        check_row(mlb_collective_workloads[count]);
    check_true(count >= 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_make_labels_and_work),
        cmocka_unit_test(all_have_the_factors_of_nccl_tests),
        cmocka_unit_test(the_bus_factor_is_that_of_nccl_tests),
        cmocka_unit_test(a_scope_is_a_part_of_the_ranks),
        cmocka_unit_test(groups_that_cannot_be_are_refused),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(memory_is_looked_at_first),
        cmocka_unit_test(a_library_on_a_gpu_has_memory_too),
        cmocka_unit_test(the_rows_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
