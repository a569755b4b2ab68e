/* SPDX-License-Identifier: Apache-2.0 */
/* Started without a launcher, the program is a job of one rank that knows nothing of MPI. */
#include <mpi.h>

#include "collectives/channels.h"
#include "harness/base/clock.h"
#include "tests/check.h"

static void a_job_of_one_needs_no_launcher(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_comm *comm = NULL;
    double begin = mlb_clock_s();
    check_ok(mlb_comm_open(5.0, 0, &comm, &err), &err);
    check_true(mlb_clock_s() - begin < 0.05);
    check_text(comm->name, "self");
    check_i64(comm->rank, 0);
    check_i64(comm->size, 1);
    check_i64(comm->local_size, 1);
    check_i64(comm->nodes, 1);
    check_true(strlen(comm->host) > 0);
    int started = 1;
    MPI_Initialized(&started);
    check_i64(started, 0);
    double values[2] = {3.0, 4.0};
    int data = 5, all = 0;
    check_ok(comm->ops->all_max(comm, values, 2, &err), &err);
    check_ok(comm->ops->all_sum(comm, values, 2, &err), &err);
    check_close(values[1], 4.0, 0);
    check_ok(comm->ops->gather(comm, &data, sizeof data, &all, 0, &err), &err);
    check_i64(all, 5);
    check_ok(comm->ops->broadcast(comm, &data, sizeof data, 0, &err), &err);
    check_i64(data, 5);
    check_ok(comm->ops->barrier(comm, &err), &err);
    check_ok(comm->ops->line_up(comm, &err), &err);
    comm->ops->watch(comm, "nothing", 1.0);
    comm->ops->progress(comm);
    comm->ops->unwatch(comm);
    mlb_comm_close(comm);
    mlb_comm_close(NULL);
}

static void a_sum_over_one_rank_is_a_copy(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_comm *comm = NULL;
    struct mlb_channel *channel = NULL;
    float send[3] = {1, 2, 3}, recv[3] = {0};
    char version[64];
    check_ok(mlb_comm_open(5.0, 0, &comm, &err), &err);
    check_ok(mlb_channel_mpi.open(comm, NULL, &channel, &err), &err);
    check_ok(channel->ops->all_reduce(channel, send, recv, 3, MLB_F32, &err), &err);
    check_close(recv[2], 3.0, 0);
    check_ok(channel->ops->all_reduce(channel, send, send, 3, MLB_F32, &err), &err);
    check_close(send[2], 3.0, 0);
    channel->ops->version(version, sizeof version);
    check_contains(version, "MPI");
    channel->ops->close(channel);
    mlb_channel_mpi.close(NULL);
    mlb_comm_close(comm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_of_one_needs_no_launcher),
        cmocka_unit_test(a_sum_over_one_rank_is_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
