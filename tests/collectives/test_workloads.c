/* SPDX-License-Identifier: Apache-2.0 */
/* All collectives in all their forms on ranks that are threads: each result is verified, and a
 * verification that is worth its name finds one wrong element and a call that does nothing. The
 * same over MPI, with its own operations: ranks.c. */
#include "tests/check.h"

#include "collectives/channels.h"
#include "tests/fake/threads_comm.h"

const struct mlb_workload *const mlb_kernel_workloads[] = {NULL};

static const struct mlb_workload *const workloads[] = {
    &mlb_all_reduce, &mlb_all_gather, &mlb_reduce_scatter, &mlb_alltoall, &mlb_sendrecv,
    &mlb_broadcast,  &mlb_reduce,     &mlb_gather,         &mlb_scatter};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

/* ------------------------------------------------------------------- a channel that goes wrong */

enum fault { NONE, ONE_WRONG, IDLE };

struct faulty {
    struct mlb_channel channel; /* first */
    struct mlb_channel *real;
    enum fault fault;
    int rank;     /* of the job: whose element is wrong */
    size_t index; /* which */
};

static struct faulty *faulty_of(struct mlb_channel *channel)
{
    return (struct faulty *)channel;
}

/* What the rank is left with: its result or, where it has none, what it sent. */
static enum mlb_status spoil(struct faulty *faulty, void *result, enum mlb_dtype dtype,
                             enum mlb_status status)
{
    if (status != MLB_OK || faulty->fault != ONE_WRONG ||
        faulty->channel.comm->rank != faulty->rank)
        return status;
    double is = mlb_dtype_load(dtype, result, faulty->index);
    mlb_dtype_store(dtype, result, faulty->index, is == 0.0 ? 1.0 : -is);
    return status;
}

#define COLLECTIVE(name)                                                                           \
    static enum mlb_status name(struct mlb_channel *channel, const void *send, void *recv,         \
                                size_t count, enum mlb_dtype dtype, struct mlb_error *err)         \
    {                                                                                              \
        struct faulty *f = faulty_of(channel);                                                     \
        return f->fault == IDLE                                                                    \
                   ? MLB_OK                                                                        \
                   : spoil(f, recv, dtype,                                                         \
                           f->real->ops->name(f->real, send, recv, count, dtype, err));            \
    }
#define ROOTED(name, on_root)                                                                      \
    static enum mlb_status name(struct mlb_channel *channel, const void *send, void *recv,         \
                                size_t count, enum mlb_dtype dtype, int root,                      \
                                struct mlb_error *err)                                             \
    {                                                                                              \
        struct faulty *f = faulty_of(channel);                                                     \
        void *left = (on_root) && channel->rank != root ? (void *)(uintptr_t)send : recv;          \
        return f->fault == IDLE                                                                    \
                   ? MLB_OK                                                                        \
                   : spoil(f, left, dtype,                                                         \
                           f->real->ops->name(f->real, send, recv, count, dtype, root, err));      \
    }

COLLECTIVE(all_reduce)
COLLECTIVE(all_gather)
COLLECTIVE(reduce_scatter)
COLLECTIVE(alltoall)
ROOTED(broadcast, false)
ROOTED(scatter, false)
ROOTED(reduce, true)
ROOTED(gather, true)

static enum mlb_status sendrecv(struct mlb_channel *channel, const void *send, int to, void *recv,
                                int from, size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    struct faulty *f = faulty_of(channel);
    return f->fault == IDLE
               ? MLB_OK
               : spoil(f, recv, dtype,
                       f->real->ops->sendrecv(f->real, send, to, recv, from, count, dtype, err));
}

static const struct mlb_channel_ops faulty_ops = {.name = "faulty",
                                                  .all_reduce = all_reduce,
                                                  .all_gather = all_gather,
                                                  .reduce_scatter = reduce_scatter,
                                                  .alltoall = alltoall,
                                                  .broadcast = broadcast,
                                                  .scatter = scatter,
                                                  .reduce = reduce,
                                                  .gather = gather,
                                                  .sendrecv = sendrecv};

/* ------------------------------------------------------------------------------------- one case */

struct wanted {
    const char *bytes, *dtype, *in_place, *scope;
};

/* What there is of the case: false for one that cannot be. */
static bool make_params(const struct mlb_workload *workload, const struct wanted *wanted,
                        const struct mlb_ctx *ctx, void *params)
{
    static const char *const keys[] = {"bytes", "dtype", "in_place", "scope"};
    const char *const values[] = {wanted->bytes, wanted->dtype, wanted->in_place, wanted->scope};
    struct mlb_error err = {0};
    check_ok(mlb_workload_params(workload, params, &err), &err);
    for (int i = 0; i < 4; i++)
        check_ok(
            mlb_option_set(mlb_option_find(workload->params, keys[i]), params, values[i], &err),
            &err);
    return workload->resolve(params, &err) == MLB_OK &&
           workload->variants[1].check(params, ctx, &err) == MLB_OK;
}

/* As the harness does it, but verified twice: what is right may be left from the first time. */
static bool verify_case(struct threads_rank *rank, const struct mlb_workload *workload,
                        const struct wanted *wanted, struct faulty *faulty,
                        struct mlb_verification *second)
{
    const struct mlb_variant *variant = &workload->variants[1];
    enum fault fault = faulty->fault;
    struct mlb_ctx ctx = {.device = rank->device,
                          .comm = rank->comm,
                          .channel = fault == NONE ? rank->channel : &faulty->channel,
                          .seed = 7,
                          .threads = 1,
                          .memory_bytes = 1 << 20};
    struct mlb_verification first = {0};
    struct mlb_error err = {0};
    void *params = calloc(1, workload->params_bytes), *state = calloc(1, workload->state_bytes);
    bool can = make_params(workload, wanted, &ctx, params);
    *second = (struct mlb_verification){0};
    if (can) {
        check_ok(variant->setup(state, params, &ctx, &err), &err);
        faulty->fault = NONE;
        check_ok(workload->verify(variant, state, params, &ctx, &first, &err), &err);
        check_text(first.first_wrong, "");
        check_true(mlb_verification_passed(&first));
        faulty->fault = fault;
        check_ok(workload->verify(variant, state, params, &ctx, second, &err), &err);
        check_u64(second->checked, first.checked);
        check_ok(variant->step(state, &ctx, &err), &err);
        variant->teardown(state, &ctx);
    }
    free(state);
    free(params);
    return can;
}

static struct faulty make_faulty(struct threads_rank *rank, enum fault fault)
{
    struct faulty faulty = {.channel = *rank->channel, .real = rank->channel, .fault = fault};
    faulty.channel.ops = &faulty_ops;
    return faulty;
}

/* ------------------------------------------------------------------------------------ the tests */

static const char *const bools[] = {"false", "true"};

static void verifies_all(struct threads_rank *rank, void *user)
{
    static const char *const dtypes[] = {"f32", "bf16", "f16", "f64", "s32"};
    static const char *const scopes[] = {"all", "node", "rail", "rails"};
    struct faulty none = make_faulty(rank, NONE);
    int done = 0;
    for (int w = 0; w < WORKLOADS; w++)
        for (int i = 0; i < 5 * 2 * 4; i++) {
            const struct wanted wanted = {"1000", dtypes[i / 8], bools[i / 4 % 2], scopes[i % 4]};
            struct mlb_verification is;
            if (!verify_case(rank, workloads[w], &wanted, &none, &is))
                continue;
            bool aside = i % 4 == 2
                             ? rank->comm->local_rank > 0
                             : i % 4 == 3 && rank->comm->local_rank >= rank->comm->least_local_size;
            check_true(is.idle == aside);
            check_true(mlb_verification_passed(&is) && (is.checked > 0) == !aside);
            done++;
        }
    if (rank->comm->rank == 0)
        *(int *)user = done;
}

/* Ranks on two machines, even and uneven; alltoall and sendrecv are never in place. */
static void every_form_verifies(void **state)
{
    (void)state;
    for (int ranks = 4; ranks <= 5; ranks++) {
        struct threads_end ends[5];
        int done = 0;
        threads_run(&(struct threads_job){.ranks = ranks, .nodes = 2}, verifies_all, &done, ends);
        check_i64(done, 9 * 40 - 2 * 20);
        for (int i = 0; i < ranks; i++)
            check_i64(ends[i].parts_left_open, 0);
    }
}

static void finds_one_wrong(struct threads_rank *rank, void *user)
{
    (void)user;
    for (int i = 0; i < WORKLOADS * 2 * rank->comm->size; i++) {
        const struct wanted wanted = {"1000", "bf16", bools[i % 2], "all"};
        struct faulty faulty = make_faulty(rank, ONE_WRONG);
        struct mlb_verification is;
        faulty.rank = i / 2 % rank->comm->size;
        faulty.index = 77;
        if (!verify_case(rank, workloads[i / 2 / rank->comm->size], &wanted, &faulty, &is))
            continue;
        check_u64(is.wrong, rank->comm->rank == faulty.rank);
        check_contains(is.first_wrong, is.wrong ? "[77]" : "");
    }
}

static void one_wrong_element_is_found_on_its_rank(void **state)
{
    (void)state;
    threads_run(&(struct threads_job){.ranks = 3}, finds_one_wrong, NULL, NULL);
}

static void finds_nothing_done(struct threads_rank *rank, void *user)
{
    struct mlb_error err = {0};
    (void)user;
    for (int i = 0; i < WORKLOADS * 2; i++) {
        const struct wanted wanted = {"1000", "f32", bools[i % 2], "all"};
        struct faulty faulty = make_faulty(rank, IDLE);
        struct mlb_verification is;
        if (!verify_case(rank, workloads[i / 2], &wanted, &faulty, &is))
            continue;
        double wrong = (double)is.wrong, checked = (double)is.checked;
        check_ok(rank->comm->ops->all_max(rank->comm, &wrong, 1, &err), &err);
        check_ok(rank->comm->ops->all_max(rank->comm, &checked, 1, &err), &err);
        check_true(wrong >= checked / 2);
    }
}

static void a_call_that_does_nothing_is_found(void **state)
{
    (void)state;
    threads_run(&(struct threads_job){.ranks = 3}, finds_nothing_done, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_verifies),
        cmocka_unit_test(one_wrong_element_is_found_on_its_rank),
        cmocka_unit_test(a_call_that_does_nothing_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
