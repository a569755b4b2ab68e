/* SPDX-License-Identifier: Apache-2.0 */
/* Run by mpirun with any number of ranks: the control plane, the data plane and the
 * collectives as workloads, checked on every rank. */
#include "collectives/channels.h"

#include <string.h>

#include "collectives/exact.h"
#include "harness/base/clock.h"
#include "harness/base/rng.h"
#include "tests/check.h"

/* No GEMM: of the collectives, overlap alone needs one, and it has a test of its own. */
const struct mlb_workload *const mlb_kernel_workloads[] = {NULL};

/* One communicator a process: MPI starts once. */
struct job {
    struct mlb_comm *comm;
    struct mlb_device *device;
    struct mlb_channel *channel;
};

static struct job *job_of(void **state)
{
    return *state;
}

/* --------------------------------------------------------------------------------- control plane
 */

static void knows_the_job(void **state)
{
    struct mlb_comm *comm = job_of(state)->comm;
    check_text(comm->name, "mpi");
    check_i64(comm->size, atoi(getenv("OMPI_COMM_WORLD_SIZE")));
    check_i64(comm->rank, atoi(getenv("OMPI_COMM_WORLD_RANK")));
    check_i64(comm->local_rank, atoi(getenv("OMPI_COMM_WORLD_LOCAL_RANK")));
    /* The tests of several machines have the same number of ranks on each, in blocks. */
    const char *text = getenv("MLB_TEST_NODES");
    int nodes = text ? atoi(text) : 1;
    check_i64(comm->nodes, nodes);
    check_i64(comm->local_size, comm->size / nodes);
    check_i64(comm->node, comm->rank / comm->local_size);
    check_true(comm->slots > 0);
    check_true(strlen(comm->host) > 0);
    check_contains(comm->library, "Open MPI ");
    check_true(!strchr(comm->library, ','));
}

static void reductions_give_every_rank_the_same(void **state)
{
    struct mlb_comm *comm = job_of(state)->comm;
    struct mlb_error err = {0};
    double n = comm->size;
    double most[3] = {comm->rank, -comm->rank, 7.0};
    check_ok(comm->ops->all_max(comm, most, 3, &err), &err);
    check_close(most[0], n - 1, 0);
    check_close(most[1], 0.0, 0);
    check_close(most[2], 7.0, 0);
    double sum[2] = {comm->rank + 1, 0.1};
    check_ok(comm->ops->all_sum(comm, sum, 2, &err), &err);
    check_close(sum[0], n * (n + 1) / 2, 0);
    double expected = 0.1;
    for (int i = 1; i < comm->size; i++)
        expected += 0.1;
    check_close(sum[1], expected, 0);
    check_ok(comm->ops->all_sum(comm, NULL, 0, &err), &err);
}

static void broadcast_and_gather_with_any_root(void **state)
{
    struct mlb_comm *comm = job_of(state)->comm;
    struct mlb_error err = {0};
    /* From one byte to more than MPI sends eagerly. */
    static const size_t sizes[] = {1, 8, 500, 70000, 1000000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t bytes = sizes[s];
        unsigned char *data = test_malloc(bytes);
        unsigned char *all = test_malloc(bytes * (size_t)comm->size);
        for (int root = 0; root<comm->size; root += comm->size> 1 ? comm->size - 1 : 1) {
            memset(data, comm->rank == root ? 40 + root : 0, bytes);
            check_ok(comm->ops->broadcast(comm, data, bytes, root, &err), &err);
            check_i64(data[0], 40 + root);
            check_i64(data[bytes - 1], 40 + root);
            memset(data, comm->rank + 1, bytes);
            memset(all, 0, bytes * (size_t)comm->size);
            check_ok(comm->ops->gather(comm, data, bytes, all, root, &err), &err);
            for (int rank = 0; rank < comm->size && comm->rank == root; rank++)
                check_i64(all[(size_t)(rank + 1) * bytes - 1], rank + 1);
        }
        test_free(data);
        test_free(all);
    }
}

/* No rank leaves before the last has come: the late one tells when it came. */
static void barriers_hold(void **state)
{
    struct mlb_comm *comm = job_of(state)->comm;
    struct mlb_error err = {0};
    for (int late = 0; late < 2; late++) {
        for (int kind = 0; kind < 2; kind++) {
            int64_t came = 0;
            if (comm->rank == late) {
                mlb_sleep_s(0.03);
                came = mlb_clock_ns();
            }
            check_ok(kind ? comm->ops->line_up(comm, &err) : comm->ops->barrier(comm, &err), &err);
            int64_t left = mlb_clock_ns();
            check_ok(comm->ops->broadcast(comm, &came, sizeof came, late, &err), &err);
            check_true(left >= came);
        }
    }
}

static void many_operations_stay_in_order(void **state)
{
    struct mlb_comm *comm = job_of(state)->comm;
    struct mlb_error err = {0};
    for (int i = 0; i < 200; i++) {
        double values[1] = {i * (comm->rank == i % comm->size ? 1.0 : 0.0)};
        check_ok(comm->ops->all_sum(comm, values, 1, &err), &err);
        check_close(values[0], i, 0);
        if (i % 10 == 0)
            check_ok(comm->ops->line_up(comm, &err), &err);
    }
}

static void agreement_tells_the_lowest_failure(void **state)
{
    struct mlb_comm *comm = job_of(state)->comm;
    struct mlb_error err = {0};
    check_ok(mlb_comm_agree(comm, MLB_OK, &err), &err);
    enum mlb_status mine = MLB_OK;
    if (comm->rank > 0)
        mine = mlb_fail(&err, MLB_E_DEVICE, "gpu %d is on fire", comm->rank);
    check_fails(mlb_comm_agree(comm, mine, &err), MLB_E_DEVICE, &err, "gpu 1 is on fire");
}

static void watching_and_progress_do_no_harm(void **state)
{
    struct mlb_comm *comm = job_of(state)->comm;
    struct mlb_error err = {0};
    comm->ops->watch(comm, "a short stretch", 5.0);
    comm->ops->watch(comm, "a stretch within", 4.0);
    comm->ops->progress(comm);
    comm->ops->unwatch(comm);
    comm->ops->unwatch(comm);
    comm->ops->unwatch(comm);
    check_ok(comm->ops->barrier(comm, &err), &err);
}

/* ------------------------------------------------------------------------------------ data plane
 */

static const enum mlb_dtype dtypes[] = {MLB_F32, MLB_BF16, MLB_F16, MLB_F64, MLB_S32};
static const size_t counts[] = {0, 1, 3, 1001, 65537, 300007};

/* One sum, every element looked at. `block` cuts the array as INT_MAX cuts a large one. */
static void check_sum(const struct job *job, enum mlb_dtype dtype, size_t count, bool in_place,
                      size_t block)
{
    struct mlb_error err = {0};
    struct mlb_exact exact;
    struct mlb_verification result = {0};
    size_t bytes = (count + 1) * mlb_dtype_bytes(dtype);
    unsigned char *send = test_calloc(1, bytes), *recv = in_place ? send : test_calloc(1, bytes);
    memset(recv, 0x5a, bytes);
    check_ok(mlb_exact_open(&exact, 42, job->comm->size, dtype, &err), &err);
    check_ok(mlb_exact_fill(&exact, job->device, send, count, job->comm->rank, 1, &err), &err);
    mlb_channel_mpi_set_block(job->channel, block);
    check_ok(job->channel->ops->all_reduce(job->channel, send, recv, count, dtype, &err), &err);
    const struct mlb_exact_part sum = {MLB_EXACT_SUM, 0};
    check_ok(mlb_exact_check(&exact, sum, job->device, recv, count, "recv", 1, &result, &err),
             &err);
    check_u64(result.checked, count);
    check_text(result.first_wrong, "");
    check_u64(result.wrong, 0);
    check_i64(recv[bytes - 1], 0x5a); /* nothing is written behind the end */
    if (recv != send)
        test_free(recv);
    test_free(send);
}

static void sums_are_exact(void **state)
{
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (int in_place = 0; in_place < 2; in_place++)
                check_sum(job_of(state), dtypes[d], counts[c], in_place, (size_t)1 << 30);
}

static void large_counts_are_cut(void **state)
{
    static const size_t blocks[] = {1, 7, 100, 101, 4096};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++)
        for (int in_place = 0; in_place < 2; in_place++)
            check_sum(job_of(state), MLB_BF16, 101, in_place, blocks[b]);
    mlb_channel_mpi_set_block(job_of(state)->channel, (size_t)1 << 30);
}

static void other_types_are_refused(void **state)
{
    struct mlb_channel *channel = job_of(state)->channel;
    struct mlb_error err = {0};
    int8_t value = 1;
    check_fails(channel->ops->all_reduce(channel, &value, &value, 1, MLB_S8, &err),
                MLB_E_UNSUPPORTED, &err, "no sum of s8");
}

/* -------------------------------------------------------------------------------------- workload
 */

/* A channel between the workload and MPI that spoils one element on one rank, and looks at what the
 * last call left. */
struct spoiler {
    struct mlb_channel channel; /* first */
    struct mlb_channel *real;
    int rank; /* -1: none */
    size_t index;
    double last; /* recv[index] */
    bool idle;   /* does nothing */
    bool observed;
    int calls_observed, joined;
};

static enum mlb_status spoil(struct mlb_channel *channel, const void *send, void *recv,
                             size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    struct spoiler *spoiler = (struct spoiler *)channel;
    spoiler->calls_observed += spoiler->observed;
    if (spoiler->idle)
        return MLB_OK;
    enum mlb_status status =
        spoiler->real->ops->all_reduce(spoiler->real, send, recv, count, dtype, err);
    double is = mlb_dtype_load(dtype, recv, spoiler->index);
    spoiler->last = is;
    if (channel->comm->rank == spoiler->rank)
        mlb_dtype_store(dtype, recv, spoiler->index, is + (is == 0.0 ? 1.0 : is));
    return status;
}

static void observe(struct mlb_channel *channel)
{
    ((struct spoiler *)channel)->observed = true;
}

static enum mlb_status observed(struct mlb_channel *all, struct mlb_channel *mine,
                                struct mlb_error *err)
{
    struct spoiler *spoiler = (struct spoiler *)mine;
    spoiler->observed = false;
    spoiler->joined++;
    return all->comm->ops->barrier(all->comm, err);
}

static const struct mlb_channel_ops spoiling = {
    .name = "spoiler", .all_reduce = spoil, .observe = observe, .observed = observed};

static struct spoiler make_spoiler(const struct job *job)
{
    struct mlb_channel channel = *job->channel;
    channel.ops = &spoiling;
    return (struct spoiler){.channel = channel, .real = job->channel, .rank = -1};
}

struct wanted {
    const char *bytes, *dtype, *in_place, *scope;
};

/* check -> setup -> verify -> step -> teardown, as the harness does it; but verified twice, first
 * undisturbed (`trouble` does its part then), so that what is right in recv may be left from
 * before. */
static void run_workload(const struct mlb_workload *workload, const struct job *job,
                         struct spoiler *spoiler, const struct wanted *wanted,
                         struct mlb_verification *verification)
{
    const struct mlb_variant *variant = &workload->variants[1];
    struct mlb_error err = {0};
    struct mlb_ctx ctx = {.device = job->device,
                          .comm = job->comm,
                          .channel = spoiler ? &spoiler->channel : job->channel,
                          .seed = 7,
                          .threads = 1,
                          .memory_bytes = 1 << 30};
    void *params = test_calloc(1, workload->params_bytes);
    void *memory = test_calloc(1, workload->state_bytes);
    const char *const names[] = {"bytes", "dtype", "in_place", "scope"};
    const char *const values[] = {wanted->bytes, wanted->dtype, wanted->in_place, wanted->scope};
    struct spoiler trouble = spoiler ? *spoiler : (struct spoiler){0};
    check_ok(mlb_workload_params(workload, params, &err), &err);
    for (int i = 0; i < 4; i++)
        if (values[i])
            check_ok(mlb_option_set(mlb_option_find(workload->params, names[i]), params, values[i],
                                    &err),
                     &err);
    check_ok(workload->resolve(params, &err), &err);
    check_text(variant->name, "mpi");
    check_ok(variant->check(params, &ctx, &err), &err);
    if (spoiler) {
        spoiler->rank = -1;
        spoiler->idle = false;
    }
    check_ok(variant->setup(memory, params, &ctx, &err), &err);
    struct mlb_verification first = {0};
    check_ok(workload->verify(variant, memory, params, &ctx, &first, &err), &err);
    check_text(first.first_wrong, "");
    check_true(mlb_verification_passed(&first));
    if (spoiler)
        *spoiler = trouble;
    check_ok(workload->verify(variant, memory, params, &ctx, verification, &err), &err);
    for (int i = 0; i < (spoiler ? 30 : 2); i++)
        check_ok(variant->step(memory, &ctx, &err), &err);
    variant->teardown(memory, &ctx);
    variant->teardown(memory, &ctx);
    test_free(memory);
    test_free(params);
}

static bool takes(const struct mlb_workload *workload, const struct wanted *wanted)
{
    bool never = workload == &mlb_alltoall || workload == &mlb_sendrecv;
    return workload != &mlb_overlap && (!never || strcmp(wanted->in_place, "true") != 0);
}

/* All collectives; and again with the blocks of MPI's calls so short that every kind of cut is
 * made.
 */
static void the_workloads_verify(void **state)
{
    static const struct {
        struct wanted wanted;
        size_t block;
    } cases[] = {
        {{"4", "f32", "false", NULL}, 1 << 30},     {{"65536", "bf16", "false", NULL}, 1 << 30},
        {{"65536", "f16", "true", NULL}, 1 << 30},  {{"1MiB", "f32", "true", NULL}, 1 << 30},
        {{"10004", "s32", "false", NULL}, 1 << 30}, {{"8008", "f64", "true", NULL}, 1 << 30},
        {{"9MiB", "bf16", "false", NULL}, 1 << 30}, {{"10004", "s32", "false", NULL}, 1000},
        {{"10004", "bf16", "true", NULL}, 100},
    };
    const struct job *job = job_of(state);
    for (size_t w = 0; mlb_collective_workloads[w]; w++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct mlb_verification verification = {0};
            if (!takes(mlb_collective_workloads[w], &cases[i].wanted))
                continue;
            mlb_channel_mpi_set_block(job->channel, cases[i].block);
            run_workload(mlb_collective_workloads[w], job, NULL, &cases[i].wanted, &verification);
            check_true(mlb_verification_passed(&verification));
            check_true(!verification.idle);
        }
    mlb_channel_mpi_set_block(job->channel, (size_t)1 << 30);
}

/* Groups of ranks, where the job has them: on each machine, and over machines. */
static void groups_verify(void **state)
{
    const struct job *job = job_of(state);
    static const char *const scopes[] = {"node", "rail", "rails"};
    for (int i = 0; i < 3; i++) {
        bool over_machines = i > 0;
        if (over_machines ? job->comm->nodes < 2 : job->comm->local_size < 2)
            continue;
        for (size_t w = 0; mlb_collective_workloads[w]; w++) {
            const struct wanted wanted = {"10000", "f32", "false", scopes[i]};
            struct mlb_verification verification = {0};
            if (!takes(mlb_collective_workloads[w], &wanted))
                continue;
            run_workload(mlb_collective_workloads[w], job, NULL, &wanted, &verification);
            check_true(mlb_verification_passed(&verification));
            check_true(verification.idle == (i == 1 && job->comm->local_rank > 0));
        }
    }
}

static void one_wrong_element_is_caught_on_its_rank(void **state)
{
    const struct job *job = job_of(state);
    static const struct wanted wanted = {"40000", "bf16", "false", NULL};
    for (int rank = 0; rank < job->comm->size; rank++) {
        struct spoiler spoiler = make_spoiler(job);
        struct mlb_verification verification = {0};
        spoiler.rank = rank;
        spoiler.index = 19999;
        run_workload(&mlb_all_reduce, job, &spoiler, &wanted, &verification);
        check_u64(verification.checked, 20000);
        check_u64(verification.wrong, job->comm->rank == rank);
        check_contains(verification.first_wrong, job->comm->rank == rank ? "recv[19999]" : "");
    }
}

/* The call that is verified, and no timed one. */
static void one_call_of_a_case_is_observed(void **state)
{
    const struct job *job = job_of(state);
    static const struct wanted wanted = {"4000", "f32", "false", NULL};
    struct spoiler spy = make_spoiler(job);
    struct mlb_verification verification = {0};
    run_workload(&mlb_all_reduce, job, &spy, &wanted, &verification);
    check_i64(spy.joined, 1); /* what the first of two verifications did was undone */
    check_i64(spy.calls_observed, 1);
    check_true(!spy.observed);
}

static void a_call_that_does_nothing_is_caught(void **state)
{
    const struct job *job = job_of(state);
    static const struct wanted cases[] = {{"40000", "f32", "false", NULL},
                                          {"40000", "f32", "true", NULL}};
    for (size_t i = 0; i < 2; i++) {
        struct spoiler spoiler = make_spoiler(job);
        struct mlb_verification verification = {0};
        spoiler.idle = true;
        run_workload(&mlb_all_reduce, job, &spoiler, &cases[i], &verification);
        check_true(!mlb_verification_passed(&verification));
        check_true(verification.wrong > verification.checked / 2);
    }
}

/* The data of timed steps is neither all the same when it need not be, nor grows beyond its type.
 */
static void timed_data_stays_in_range(void **state)
{
    const struct job *job = job_of(state);
    static const struct wanted cases[] = {{"40000", "f16", "true", NULL},
                                          {"40000", "f16", "false", NULL}};
    for (size_t i = 0; i < 2; i++) {
        struct spoiler spy = make_spoiler(job);
        struct mlb_verification verification = {0};
        spy.index = 1234;
        run_workload(&mlb_all_reduce, job, &spy, &cases[i], &verification);
        check_true(isfinite(spy.last));
        check_true((spy.last != 0.0) == (i == 1));
    }
}

static int open_job(void **state)
{
    static struct job job;
    struct mlb_error err = {0};
    *state = &job;
    if (mlb_comm_open(20.0, 0, &job.comm, &err) != MLB_OK ||
        mlb_backend_cpu.open(0, 1, &job.device, &err) != MLB_OK ||
        mlb_channel_mpi.open(job.comm, job.device, &job.channel, &err) != MLB_OK) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int close_job(void **state)
{
    struct job *job = job_of(state);
    mlb_channel_mpi.close(job->channel);
    mlb_backend_cpu.close(job->device);
    mlb_comm_close(job->comm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_job),
        cmocka_unit_test(reductions_give_every_rank_the_same),
        cmocka_unit_test(broadcast_and_gather_with_any_root),
        cmocka_unit_test(barriers_hold),
        cmocka_unit_test(many_operations_stay_in_order),
        cmocka_unit_test(agreement_tells_the_lowest_failure),
        cmocka_unit_test(watching_and_progress_do_no_harm),
        cmocka_unit_test(sums_are_exact),
        cmocka_unit_test(large_counts_are_cut),
        cmocka_unit_test(other_types_are_refused),
        cmocka_unit_test(the_workloads_verify),
        cmocka_unit_test(groups_verify),
        cmocka_unit_test(one_wrong_element_is_caught_on_its_rank),
        cmocka_unit_test(one_call_of_a_case_is_observed),
        cmocka_unit_test(a_call_that_does_nothing_is_caught),
        cmocka_unit_test(timed_data_stays_in_range),
    };
    return cmocka_run_group_tests(tests, open_job, close_job);
}
