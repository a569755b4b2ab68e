/* SPDX-License-Identifier: Apache-2.0 */
/* A job of one rank, without MPI. It has a watchdog too: a GPU can hang all alone. */
#include "collectives/comm_mpi.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct self {
    struct mlb_comm comm; /* first */
    struct mlb_board board;
    struct mlb_watchdog *watchdog;
};

static struct self *self_of(struct mlb_comm *comm)
{
    return (struct self *)comm;
}

static enum mlb_status barrier(struct mlb_comm *comm, struct mlb_error *err)
{
    (void)comm, (void)err;
    return MLB_OK;
}

static enum mlb_status broadcast(struct mlb_comm *comm, void *data, size_t bytes, int root,
                                 struct mlb_error *err)
{
    (void)comm, (void)data, (void)bytes, (void)root, (void)err;
    return MLB_OK;
}

static enum mlb_status gather(struct mlb_comm *comm, const void *mine, size_t bytes, void *all,
                              int root, struct mlb_error *err)
{
    (void)comm, (void)root, (void)err;
    if (bytes > 0)
        memmove(all, mine, bytes);
    return MLB_OK;
}

static enum mlb_status reduce(struct mlb_comm *comm, double *values, size_t count,
                              struct mlb_error *err)
{
    (void)comm, (void)values, (void)count, (void)err;
    return MLB_OK;
}

static void progress(struct mlb_comm *comm)
{
    mlb_watchdog_progress(self_of(comm)->watchdog);
}

static void watch(struct mlb_comm *comm, const char *what, double deadline_s)
{
    mlb_watchdog_watch(self_of(comm)->watchdog, what, deadline_s);
}

static void unwatch(struct mlb_comm *comm)
{
    mlb_watchdog_unwatch(self_of(comm)->watchdog);
}

static void at_deadline(struct mlb_comm *comm, void (*stop)(void *user), void *user)
{
    mlb_watchdog_at_deadline(self_of(comm)->watchdog, stop, user);
}

static __attribute__((noreturn)) void end_job(struct mlb_comm *comm, int exit_code)
{
    (void)comm;
    _exit(exit_code);
}

const struct mlb_comm_ops mlb_comm_self_ops = {
    .barrier = barrier,
    .broadcast = broadcast,
    .gather = gather,
    .all_max = reduce,
    .all_sum = reduce,
    .line_up = barrier,
    .progress = progress,
    .watch = watch,
    .unwatch = unwatch,
    .at_deadline = at_deadline,
    .abort = end_job,
};

enum mlb_status mlb_comm_open_self(double deadline_s, struct mlb_comm **comm, struct mlb_error *err)
{
    struct self *self = calloc(1, sizeof *self);
    *comm = NULL;
    if (!self)
        return mlb_fail(err, MLB_E_NOMEM, "communicator: out of memory");
    self->comm = (struct mlb_comm){.ops = &mlb_comm_self_ops,
                                   .name = "self",
                                   .size = 1,
                                   .local_size = 1,
                                   .least_local_size = 1,
                                   .nodes = 1,
                                   .deadline_s = deadline_s,
                                   .state = self};
    gethostname(self->comm.host, sizeof self->comm.host - 1);
    enum mlb_status status = mlb_board_open_private(&self->board, 0, err);
    if (status == MLB_OK) {
        const struct mlb_watchdog_how how = {.board = &self->board,
                                             .log = {MLB_LOG_ERROR, STDERR_FILENO, -1},
                                             .nodes = 1,
                                             .host = self->comm.host};
        status = mlb_watchdog_open(&how, &self->watchdog, err);
    }
    if (status != MLB_OK) {
        mlb_comm_close_self(&self->comm);
        return status;
    }
    *comm = &self->comm;
    return MLB_OK;
}

void mlb_comm_close_self(struct mlb_comm *comm)
{
    struct self *self = self_of(comm);
    mlb_watchdog_close(self->watchdog);
    mlb_board_close(&self->board);
    free(self);
}
