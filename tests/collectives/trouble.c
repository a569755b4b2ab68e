/* SPDX-License-Identifier: Apache-2.0 */
/* Run by mpirun, then trouble: `trouble SCENARIO RANK`. The rank of that number misbehaves; the
 * others go on until the job is ended for them. Prints to stderr what the control plane says. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "collectives/channels.h"
#include "harness/base/clock.h"

#define CONTROL_DEADLINE_S 3.0
#define WATCH_DEADLINE_S   2.0
#define COUNT              65536

struct job {
    struct mlb_comm *comm;
    struct mlb_device *device;
    struct mlb_channel *channel;
    bool bad; /* this rank misbehaves */
};

static enum mlb_status say(const struct job *job, const struct mlb_error *err)
{
    fprintf(stderr, "rank %d says: %s\n", job->comm->rank, err->text);
    return err->status;
}

/* In the middle of whatever runs then. */
static void send_myself_later(int signal_number)
{
    char command[64];
    snprintf(command, sizeof command, "(sleep 0.7; kill -%d %ld) &", signal_number, (long)getpid());
    if (system(command) != 0)
        fprintf(stderr, "cannot run: %s\n", command);
}

/* Collectives, each watched, until something ends them. */
static enum mlb_status reduce_for_ever(const struct job *job)
{
    static float send[COUNT], recv[COUNT];
    struct mlb_error err = {0};
    for (;;) {
        job->comm->ops->watch(job->comm, "all_reduce 256 KiB", WATCH_DEADLINE_S);
        if (job->channel->ops->all_reduce(job->channel, send, recv, COUNT, MLB_F32, &err) != MLB_OK)
            return say(job, &err);
        job->comm->ops->unwatch(job->comm);
        job->comm->ops->progress(job->comm);
    }
}

static enum mlb_status control_for_ever(const struct job *job)
{
    struct mlb_error err = {0};
    double value = 1.0;
    for (;;) {
        if (job->comm->ops->all_max(job->comm, &value, 1, &err) != MLB_OK ||
            job->comm->ops->line_up(job->comm, &err) != MLB_OK)
            return say(job, &err);
    }
}

static enum mlb_status stay_away(const struct job *job)
{
    struct mlb_error err = {0};
    double value = 1.0;
    if (job->bad)
        mlb_sleep_s(60);
    if (job->comm->ops->all_max(job->comm, &value, 1, &err) != MLB_OK) {
        say(job, &err);
        err.text[0] = 0;
        if (job->comm->ops->barrier(job->comm, &err) == MLB_OK)
            fprintf(stderr, "a broken job went on\n");
        return say(job, &err);
    }
    return MLB_OK;
}

/* Rank 0 comes late, but within the deadline, and then waits for the bad one longer than rank 1
 * would wait for a rank 0 that gives no sign. */
static enum mlb_status late_then_missing(const struct job *job)
{
    if (job->comm->rank == 0)
        mlb_sleep_s(0.8 * CONTROL_DEADLINE_S);
    return stay_away(job);
}

/* With the bad rank, all of its machine stay away. */
static enum mlb_status stay_away_with_neighbour(const struct job *job)
{
    struct job same = *job;
    same.bad = job->comm->node == 0;
    return stay_away(&same);
}

static enum mlb_status stay_away_from_line_up(const struct job *job)
{
    struct mlb_error err = {0};
    if (job->bad)
        mlb_sleep_s(60);
    return job->comm->ops->line_up(job->comm, &err) == MLB_OK ? MLB_OK : say(job, &err);
}

/* One rank hangs in work of its own, the others wait for it patiently enough to be outlived. */
static enum mlb_status hang_alone(const struct job *job)
{
    struct mlb_error err = {0};
    if (job->bad) {
        job->comm->ops->watch(job->comm, "gemm 8192", 1.0);
        mlb_sleep_s(60);
    }
    return job->comm->ops->barrier(job->comm, &err) == MLB_OK ? MLB_OK : say(job, &err);
}

/* The bad rank never enters the collective that the others are in. */
static enum mlb_status miss_the_collective(const struct job *job)
{
    if (job->bad)
        mlb_sleep_s(60);
    return reduce_for_ever(job);
}

static enum mlb_status stop_in_data(const struct job *job)
{
    if (job->bad)
        send_myself_later(SIGSTOP);
    return reduce_for_ever(job);
}

static enum mlb_status kill_in_data(const struct job *job)
{
    if (job->bad)
        send_myself_later(SIGKILL);
    return reduce_for_ever(job);
}

static enum mlb_status stop_in_control(const struct job *job)
{
    if (job->bad)
        send_myself_later(SIGSTOP);
    return control_for_ever(job);
}

static enum mlb_status kill_in_control(const struct job *job)
{
    if (job->bad)
        send_myself_later(SIGKILL);
    return control_for_ever(job);
}

static enum mlb_status abort_job(const struct job *job)
{
    if (job->bad)
        job->comm->ops->abort(job->comm, 4);
    return control_for_ever(job);
}

/* All goes well; one rank is slow, but within the deadlines. */
static enum mlb_status slow_but_fine(const struct job *job)
{
    struct mlb_error err = {0};
    if (job->bad)
        mlb_sleep_s(0.75 * CONTROL_DEADLINE_S);
    if (job->comm->ops->barrier(job->comm, &err) != MLB_OK)
        return say(job, &err);
    job->comm->ops->watch(job->comm, "a slow stretch", WATCH_DEADLINE_S);
    mlb_sleep_s(0.75 * WATCH_DEADLINE_S);
    job->comm->ops->unwatch(job->comm);
    return job->comm->ops->barrier(job->comm, &err) == MLB_OK ? MLB_OK : say(job, &err);
}

static const struct {
    const char *name;
    enum mlb_status (*run)(const struct job *job);
} scenarios[] = {
    {"stay_away", stay_away},
    {"stay_away_with_neighbour", stay_away_with_neighbour},
    {"late_then_missing", late_then_missing},
    {"stay_away_from_line_up", stay_away_from_line_up},
    {"miss_the_collective", miss_the_collective},
    {"hang_alone", hang_alone},
    {"stop_in_data", stop_in_data},
    {"kill_in_data", kill_in_data},
    {"stop_in_control", stop_in_control},
    {"kill_in_control", kill_in_control},
    {"abort", abort_job},
    {"slow_but_fine", slow_but_fine},
};

static enum mlb_status run(const char *name, int bad_rank)
{
    struct job job = {0};
    struct mlb_error err = {0};
    enum mlb_status status = mlb_comm_open(CONTROL_DEADLINE_S, 0, &job.comm, &err);
    if (status != MLB_OK) {
        fprintf(stderr, "start failed: %s\n", err.text);
        return status;
    }
    job.bad = job.comm->rank == bad_rank;
    if (mlb_channel_mpi.open(job.comm, NULL, &job.channel, &err) != MLB_OK)
        return say(&job, &err);
    status = MLB_E_USAGE;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        if (strcmp(scenarios[i].name, name) == 0)
            status = scenarios[i].run(&job);
    mlb_channel_mpi.close(job.channel);
    mlb_comm_close(job.comm);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: trouble SCENARIO RANK\n");
        return 2;
    }
    return mlb_status_exit_code(run(argv[1], atoi(argv[2])));
}
