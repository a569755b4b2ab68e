/* SPDX-License-Identifier: Apache-2.0 */
/* Run by mpirun with 3 ranks: what the ranks of a NCCL channel have to agree on, with a library in
 * NCCL's place (fake_nccl.c). `nccl_ranks hang` hangs in a call on the rank 1 and is ended. */
#include <unistd.h>

#include "collectives/channels.h"
#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "tests/check.h"

enum { RANKS = 3 };

struct job {
    struct mlb_comm *comm;
    struct mlb_device device;
    struct mlb_channel *channel;
    struct mlb_error err;
};

static void *stream(struct mlb_device *device)
{
    (void)device;
    return (void *)0x51;
}

static enum mlb_status sync_device(struct mlb_device *device, double deadline_s,
                                   struct mlb_error *err)
{
    (void)device, (void)deadline_s, (void)err;
    return MLB_OK;
}

static const struct mlb_backend backend = {.kind = "cuda", .stream = stream, .sync = sync_device};

/* With words of FAKE_NCCL for `rank` and others for the rest. */
static enum mlb_status open_job(struct job *job, int rank, const char *its, const char *others)
{
    static const char *const unset[] = {"NCCL_HOSTID", "NCCL_SOCKET_IFNAME",
                                        "NCCL_MULTI_RANK_GPU_ENABLE"};
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        unsetenv(unset[i]);
    setenv("FAKE_NCCL", job->comm->rank == rank ? its : others, 1);
    setenv("FAKE_NCCL_CALLS", "", 1);
    job->err = (struct mlb_error){0};
    job->device = (struct mlb_device){.backend = &backend};
    mlb_format(job->device.info.uuid, sizeof job->device.info.uuid, "GPU-%d", job->comm->rank);
    return mlb_channel_nccl.open(job->comm, &job->device, &job->channel, &job->err);
}

static void close_job(struct job *job)
{
    mlb_channel_nccl.close(job->channel);
    job->channel = NULL;
}

static void different_versions_are_refused(void **state)
{
    struct job *job = *state;
    if (job->comm->rank == 1)
        setenv("FAKE_NCCL_VERSION", "22703", 1);
    check_fails(open_job(job, 0, "", ""), MLB_E_CONFIG, &job->err,
                "NCCL 2.28.9 on rank 0, NCCL 2.27.3 on rank 1");
    check_text(getenv("FAKE_NCCL_CALLS"), "");
    unsetenv("FAKE_NCCL_VERSION");
}

static void a_rank_whose_library_will_not_do_is_named(void **state)
{
    struct job *job = *state;
    check_fails(open_job(job, 2, "too_old", ""), MLB_E_UNSUPPORTED, &job->err,
                job->comm->rank == 2 ? "NCCL 2.16.5" : "rank 2: NCCL 2.16.5");
    check_text(getenv("FAKE_NCCL_CALLS"), "");
}

/* The others have started: they do not wait for the one that has not. */
static void a_start_that_fails_on_one_rank_is_aborted_on_all(void **state)
{
    struct job *job = *state;
    check_fails(open_job(job, 1, "no_init", ""), MLB_E_COMM, &job->err, "Duplicate GPU detected");
    check_text(getenv("FAKE_NCCL_CALLS"), job->comm->rank == 1 ? "init " : "init abort ");
    check_fails(open_job(job, 1, "stuck", ""), MLB_E_TIMEOUT, &job->err,
                "start of the communicator was not done within");
    check_contains(job->err.text, job->comm->rank == 1 ? "" : "rank 1: ");
    check_text(getenv("FAKE_NCCL_CALLS"), "init abort ");
}

/* A rank that finalizes waits for the others, and one whose call failed does not come to it. */
static void a_failure_of_one_rank_ends_with_abort_on_all(void **state)
{
    struct job *job = *state;
    float one = 1.0f, sum = 0.0f;
    check_ok(open_job(job, 0, "", ""), &job->err);
    setenv("FAKE_NCCL", job->comm->rank == 1 ? "no_call" : "", 1);
    enum mlb_status status =
        mlb_channel_nccl.all_reduce(job->channel, &one, &sum, 1, MLB_F32, &job->err);
    check_i64(status, job->comm->rank == 1 ? MLB_E_COMM : MLB_OK);
    setenv("FAKE_NCCL_CALLS", "", 1);
    close_job(job);
    check_text(getenv("FAKE_NCCL_CALLS"), "abort+ abort ");
}

static void a_twin_is_used_by_all_ranks_or_none(void **state)
{
    struct job *job = *state;
    struct mlb_details details = {0};
    float one = 1.0f, sum = 0.0f;
    if (job->comm->rank == 2)
        setenv("NCCL_COMM_BLOCKING", "0", 1);
    check_ok(open_job(job, 0, "", ""), &job->err);
    check_ok(mlb_channel_nccl.all_reduce(job->channel, &one, &sum, 1, MLB_F32, &job->err),
             &job->err);
    check_text(getenv("FAKE_NCCL_CALLS"), "init sum ");
    mlb_channel_nccl.details(job->channel, &details);
    check_true(mlb_detail_find(&details, "launch_mode") != NULL);
    unsetenv("NCCL_COMM_BLOCKING");
    close_job(job);
    /* Destroyed, not aborted: it shares the flag that ends kernels with the other. */
    check_ok(open_job(job, 1, "no_twin", ""), &job->err);
    check_text(getenv("FAKE_NCCL_CALLS"),
               job->comm->rank == 1 ? "init split0+ " : "init split0+ destroy+ ");
    close_job(job);
}

/* Ranks 0 and 2 are one part; rank 1 is in none. */
static void a_part_is_started_by_its_ranks(void **state)
{
    struct job *job = *state;
    struct mlb_channel *part = NULL;
    bool in = job->comm->rank != 1;
    check_ok(open_job(job, 0, "", ""), &job->err);
    setenv("FAKE_NCCL_CALLS", "", 1);
    check_ok(mlb_channel_nccl.split(job->channel, in ? 5 : -1, &part, &job->err), &job->err);
    check_true((part != NULL) == in);
    check_text(getenv("FAKE_NCCL_CALLS"), in ? "init split0+ " : "");
    if (in) {
        check_i64(part->size, 2);
        check_i64(part->rank, job->comm->rank / 2);
    }
    mlb_channel_nccl.close(part);
    setenv("FAKE_NCCL", job->comm->rank == 2 ? "no_init" : "", 1);
    check_fails(mlb_channel_nccl.split(job->channel, in ? 0 : -1, &part, &job->err), MLB_E_COMM,
                &job->err, "start of the communicator");
    check_true(part == NULL);
    close_job(job);
}

static void ranks_that_share_a_gpu_are_hosts_of_their_own(void **state)
{
    struct job *job = *state;
    char host[32];
    check_ok(open_job(job, 0, "", ""), &job->err);
    check_true(!job->channel->shared_device);
    check_true(!getenv("NCCL_HOSTID"));
    close_job(job);
    /* Rank 0 has its own, 1 and 2 share one. */
    job->device = (struct mlb_device){.backend = &backend};
    mlb_format(job->device.info.uuid, sizeof job->device.info.uuid, "GPU-%d", job->comm->rank > 0);
    setenv("NCCL_SOCKET_IFNAME", "eth9", 1);
    check_ok(mlb_channel_nccl.open(job->comm, &job->device, &job->channel, &job->err), &job->err);
    check_true(job->channel->shared_device);
    mlb_format(host, sizeof host, "mlbench-%d", job->comm->rank);
    check_text(getenv("NCCL_HOSTID"), host);
    check_text(getenv("NCCL_SOCKET_IFNAME"), "eth9"); /* the user's */
    check_text(getenv("NCCL_MNNVL_ENABLE"), "0");
    close_job(job);
    setenv("FAKE_NCCL_VERSION", "23007", 1);
    unsetenv("NCCL_HOSTID");
    check_ok(mlb_channel_nccl.open(job->comm, &job->device, &job->channel, &job->err), &job->err);
    check_text(getenv("NCCL_MULTI_RANK_GPU_ENABLE"), "1");
    check_true(!getenv("NCCL_HOSTID"));
    close_job(job);
    unsetenv("FAKE_NCCL_VERSION");
}

/* What rank 0's row says; `part` false: this rank takes no part in the call. */
static void observe(struct job *job, bool part, struct mlb_details *details)
{
    float one = 1.0f, sum = 0.0f;
    *details = (struct mlb_details){0};
    if (part) {
        mlb_channel_nccl.observe(job->channel);
        check_ok(mlb_channel_nccl.all_reduce(job->channel, &one, &sum, 1, MLB_F32, &job->err),
                 &job->err);
    }
    check_ok(mlb_channel_nccl.observed(job->channel, part ? job->channel : NULL, &job->err),
             &job->err);
    mlb_channel_nccl.details(job->channel, details);
}

static const char *detail(const struct mlb_details *details, const char *name)
{
    const struct mlb_detail *found = mlb_detail_find(details, name);
    return found ? found->text : "";
}

static void one_rank_without_gdr_is_named_on_all(void **state)
{
    struct job *job = *state;
    struct mlb_details details;
    setenv("FAKE_NCCL_STAGED_RANK", "1", 1);
    check_ok(open_job(job, 0, "ib", "ib"), &job->err);
    observe(job, true, &details);
    check_text(detail(&details, "network"), "IB");
    check_text(detail(&details, "gdr_send"), "on");
    check_text(detail(&details, "gdr_recv"), "off");
    check_close(mlb_detail_find(&details, "gdr_recv_off_rank")->number, 1.0, 0);
    check_true(!mlb_detail_find(&details, "gdr_send_off_rank"));
    check_close(mlb_detail_find(&details, "network_sent_bytes")->number, RANKS * 5096.0, 0);
    check_close(mlb_detail_find(&details, "network_rank_most_bytes")->number, 5096.0, 0);
    close_job(job);
    unsetenv("FAKE_NCCL_STAGED_RANK");
}

static void one_rank_on_another_network_is_named(void **state)
{
    struct job *job = *state;
    struct mlb_details details;
    check_ok(open_job(job, 2, "socket", "ib"), &job->err);
    observe(job, true, &details);
    check_text(detail(&details, "network"), "Socket on rank 2, IB on rank 0");
    check_text(detail(&details, "gdr_send"), "off");
    check_close(mlb_detail_find(&details, "gdr_send_off_rank")->number, 2.0, 0);
    close_job(job);
}

static void a_rank_that_takes_no_part_hides_nothing(void **state)
{
    struct job *job = *state;
    struct mlb_details details;
    check_ok(open_job(job, 1, "", "ib"), &job->err);
    observe(job, job->comm->rank != 1, &details);
    if (job->comm->rank != 1) {
        check_text(detail(&details, "network"), "IB");
        check_text(detail(&details, "algorithm"), "ring");
        check_text(detail(&details, "network_source"), "profiler and log");
    }
    close_job(job);
}

/* Rank 1 stays in a watched stretch that the others have long left. */
static int hang(struct job *job)
{
    if (open_job(job, 0, "loud", "loud") != MLB_OK)
        return 9;
    job->comm->ops->watch(job->comm, "all_gather 1 GiB bf16", 1.0);
    if (job->comm->rank == 1)
        mlb_sleep_s(60.0);
    job->comm->ops->progress(job->comm);
    mlb_sleep_s(60.0);
    return 9;
}

int main(int argc, char **argv)
{
    struct job job = {0};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(different_versions_are_refused, &job),
        cmocka_unit_test_prestate(a_rank_whose_library_will_not_do_is_named, &job),
        cmocka_unit_test_prestate(a_start_that_fails_on_one_rank_is_aborted_on_all, &job),
        cmocka_unit_test_prestate(a_failure_of_one_rank_ends_with_abort_on_all, &job),
        cmocka_unit_test_prestate(a_twin_is_used_by_all_ranks_or_none, &job),
        cmocka_unit_test_prestate(a_part_is_started_by_its_ranks, &job),
        cmocka_unit_test_prestate(ranks_that_share_a_gpu_are_hosts_of_their_own, &job),
        cmocka_unit_test_prestate(one_rank_without_gdr_is_named_on_all, &job),
        cmocka_unit_test_prestate(one_rank_on_another_network_is_named, &job),
        cmocka_unit_test_prestate(a_rank_that_takes_no_part_hides_nothing, &job),
    };
    if (mlb_comm_open(30.0, 0, &job.comm, &job.err) != MLB_OK) {
        fprintf(stderr, "%s\n", job.err.text);
        return 1;
    }
    job.comm->deadline_s = 2.0;
    if (argc > 1 && strcmp(argv[1], "hang") == 0)
        return hang(&job);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    mlb_comm_close(job.comm);
    return failed;
}
