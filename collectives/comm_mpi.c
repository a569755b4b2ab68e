/* SPDX-License-Identifier: Apache-2.0 */
/* The job over MPI: opening, who and where the ranks are, closing. */
#include "collectives/comm_mpi.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectives/patience.h"
#include "harness/base/text.h"

enum mlb_status mlb_mpi_status(int code, struct mlb_error *err, const char *what, ...)
{
    if (code == MPI_SUCCESS)
        return MLB_OK;
    char text[MPI_MAX_ERROR_STRING] = "", place[256];
    int length = 0;
    MPI_Error_string(code, text, &length);
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(place, sizeof place, what, arguments);
    va_end(arguments);
    return mlb_fail(err, MLB_E_COMM, "mpi: %s: %s", place, text);
}

void mlb_mpi_add_causes(const struct mlb_mpi *mpi, struct mlb_error *err)
{
    struct mlb_text causes = {0};
    char before[MLB_ERROR_TEXT];
    if (mpi->comm.nodes == 1)
        return;
    mlb_causes_add(&mpi->causes, &causes);
    if (err && causes.length > 0) {
        mlb_format(before, sizeof before, "%s", err->text);
        mlb_format(err->text, sizeof err->text, "%s%s", before, mlb_text_get(&causes));
    }
    mlb_text_free(&causes);
}

enum mlb_status mlb_mpi_break(struct mlb_mpi *mpi, const struct mlb_error *err)
{
    if (err)
        mpi->broken = *err;
    else
        mlb_fail(&mpi->broken, MLB_E_COMM, "an earlier exchange between ranks failed");
    return mpi->broken.status;
}

void mlb_mpi_name_rank(const struct mlb_mpi *mpi, int rank, struct mlb_text *names)
{
    const struct mlb_board_slot *slot = mlb_board_find(&mpi->board, rank);
    enum mlb_board_life life = slot ? mlb_board_life(slot) : MLB_LIFE_RUNS;
    mlb_text_addf(names, "rank %d on %s", rank, mpi->hosts[rank]);
    if (life != MLB_LIFE_RUNS)
        mlb_text_addf(names, " (%s)", mlb_board_life_text(life));
}

/* ------------------------------------------------------------------------------------ the start */

/* Watches the start itself, in which ranks may wait for one another within MPI: a board and a
 * watchdog of this process alone. */
struct guard {
    struct mlb_board board;
    struct mlb_watchdog *watchdog;
};

static enum mlb_status guard_open(struct guard *guard, int rank, const struct mlb_mpi *mpi,
                                  struct mlb_error *err)
{
    enum mlb_status status = mlb_board_open_private(&guard->board, rank, err);
    if (status != MLB_OK)
        return status;
    const struct mlb_watchdog_how how = {.board = &guard->board,
                                         .log = {MLB_LOG_ERROR, STDERR_FILENO, -1},
                                         .nodes = 1,
                                         .host = mpi->comm.host,
                                         .add_cause = mlb_causes_add,
                                         .causes = &mpi->causes};
    status = mlb_watchdog_open(&how, &guard->watchdog, err);
    if (status == MLB_OK)
        mlb_watchdog_watch(guard->watchdog, "the start of MPI", mpi->comm.deadline_s);
    return status;
}

static void guard_close(struct guard *guard)
{
    mlb_watchdog_close(guard->watchdog);
    mlb_board_close(&guard->board);
}

void mlb_mpi_short_version(const char *text, char *to, size_t size)
{
    size_t length = 0;
    for (const char *at = text; *at && *at != ',' && *at != '\n' && length + 1 < size; at++) {
        if (at[0] == 'v' && isdigit((unsigned char)at[1]))
            continue;
        if (strncmp(at, "Version:", 8) == 0) {
            at += 7;
            continue;
        }
        if (isspace((unsigned char)*at) && length > 0 && to[length - 1] == ' ')
            continue;
        to[length++] = isspace((unsigned char)*at) ? ' ' : *at;
    }
    to[length] = 0;
}

static int split_communicators(struct mlb_mpi *mpi)
{
    struct mlb_comm *comm = &mpi->comm;
    int code = MPI_Comm_dup(mpi->job, &mpi->control);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_dup(mpi->job, &mpi->data);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_split_type(mpi->control, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL,
                                   &mpi->node);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_rank(mpi->node, &comm->local_rank);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_size(mpi->node, &comm->local_size);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_split(mpi->control, comm->local_rank == 0 ? 0 : MPI_UNDEFINED, comm->rank,
                              &mpi->leaders);
    return code;
}

/* Machines are numbered in the order of their lowest ranks. */
static int number_nodes(struct mlb_mpi *mpi)
{
    struct mlb_comm *comm = &mpi->comm;
    int both[2] = {0, 0}; /* node, nodes */
    int code = MPI_SUCCESS;
    if (mpi->leaders != MPI_COMM_NULL) {
        code = MPI_Comm_rank(mpi->leaders, &both[0]);
        if (code == MPI_SUCCESS)
            code = MPI_Comm_size(mpi->leaders, &both[1]);
    }
    if (code == MPI_SUCCESS)
        code = MPI_Bcast(both, 2, MPI_INT, 0, mpi->node);
    comm->node = both[0];
    comm->nodes = both[1];
    if (code == MPI_SUCCESS)
        code = MPI_Allreduce(&comm->local_size, &comm->least_local_size, 1, MPI_INT, MPI_MIN,
                             mpi->control);
    if (code == MPI_SUCCESS)
        code = MPI_Allgather(comm->host, MLB_HOST_NAME, MPI_CHAR, mpi->hosts, MLB_HOST_NAME,
                             MPI_CHAR, mpi->control);
    return code;
}

static void read_slots(struct mlb_comm *comm)
{
    int *slots = NULL, known = 0;
    if (MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_UNIVERSE_SIZE, (void *)&slots, &known) ==
            MPI_SUCCESS &&
        known && slots && *slots > 0)
        comm->slots = *slots;
}

/* Who has a seat. Nobody asked for a number of ranks when the launcher filled all its slots. */
static int split_seats(struct mlb_mpi *mpi, int seats, int world_size)
{
    struct mlb_comm *comm = &mpi->comm;
    MPI_Comm node = MPI_COMM_NULL;
    int place = 0, aside = 0;
    int code = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_rank(node, &place);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_free(&node);
    if (code != MPI_SUCCESS)
        return code;
    comm->aside = seats > 0 && place >= seats && comm->slots == world_size;
    aside = comm->aside;
    code = MPI_Allreduce(&aside, &comm->aside_ranks, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (code == MPI_SUCCESS && comm->aside_ranks > 0)
        code = MPI_Comm_split(MPI_COMM_WORLD, comm->aside, 0, &mpi->job);
    return code;
}

static enum mlb_status take_seat(struct mlb_mpi *mpi, const struct mlb_launcher *launcher,
                                 int seats, struct mlb_error *err)
{
    int size = 0;
    int code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (code != MPI_SUCCESS)
        return mlb_mpi_status(code, err, "ask for the number of ranks");
    if (mlb_launcher_check(launcher, size, err) != MLB_OK)
        return err->status;
    mpi->job = MPI_COMM_WORLD;
    read_slots(&mpi->comm);
    return mlb_mpi_status(split_seats(mpi, seats, size), err, "seat %d ranks", size);
}

/* Who am I: ranks, machines, communicators. */
static enum mlb_status identify(struct mlb_mpi *mpi, struct mlb_error *err)
{
    struct mlb_comm *comm = &mpi->comm;
    char library[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    int code = MPI_Get_library_version(library, &length);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_rank(mpi->job, &comm->rank);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_size(mpi->job, &comm->size);
    if (code != MPI_SUCCESS)
        return mlb_mpi_status(code, err, "ask for rank and size");
    mlb_mpi_short_version(library, comm->library, sizeof comm->library);
    size_t ranks = (size_t)comm->size;
    mpi->requests = calloc(ranks, sizeof *mpi->requests);
    mpi->finished = calloc(ranks, sizeof *mpi->finished);
    mpi->hosts = calloc(ranks, sizeof *mpi->hosts);
    if (!mpi->requests || !mpi->finished || !mpi->hosts)
        return mlb_fail(err, MLB_E_NOMEM, "communicator of %d ranks: out of memory", comm->size);
    code = split_communicators(mpi);
    if (code == MPI_SUCCESS)
        code = number_nodes(mpi);
    if (code != MPI_SUCCESS)
        return mlb_mpi_status(code, err, "make communicators of %d ranks", comm->size);
    mpi->crowded = comm->local_size > sysconf(_SC_NPROCESSORS_ONLN);
    return MLB_OK;
}

/* Shared memory with the ranks of this machine. Where there is none (no /dev/shm, a container a
 * rank) every rank has its own: the watchdog then speaks for itself alone. */
static enum mlb_status open_board(struct mlb_mpi *mpi, struct mlb_error *err)
{
    struct mlb_comm *comm = &mpi->comm;
    struct mlb_error why = {0};
    char name[MLB_BOARD_NAME] = "";
    int mine = 0, all = 0;
    if (comm->local_rank == 0)
        mine = mlb_board_create(&mpi->board, comm->local_size, name, &why) == MLB_OK;
    int code = MPI_Bcast(name, MLB_BOARD_NAME, MPI_CHAR, 0, mpi->node);
    if (code == MPI_SUCCESS && comm->local_rank > 0)
        mine = mlb_board_attach(&mpi->board, comm->local_size, name, &why) == MLB_OK;
    if (mine)
        mlb_board_join(&mpi->board, comm->local_rank, comm->rank);
    /* Over the whole job, so that line_up meets in the same way everywhere. */
    if (code == MPI_SUCCESS)
        code = MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, mpi->control);
    if (comm->local_rank == 0 && mine)
        mlb_board_unlink(name);
    if (code != MPI_SUCCESS)
        return mlb_mpi_status(code, err, "share memory between %d local ranks", comm->local_size);
    mpi->shared_board = all;
    if (all)
        return MLB_OK;
    mlb_board_close(&mpi->board);
    return mlb_board_open_private(&mpi->board, comm->rank, err);
}

static void end_by_mpi(void *user, int exit_code)
{
    (void)user;
    MPI_Abort(MPI_COMM_WORLD, exit_code);
}

static enum mlb_status start(struct mlb_mpi *mpi, const struct mlb_launcher *launcher, int seats,
                             struct mlb_error *err)
{
    int provided = MPI_THREAD_SINGLE;
    int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    if (code != MPI_SUCCESS)
        return mlb_fail(err, MLB_E_COMM, "mpi: cannot start (code %d)", code);
    enum mlb_status status = take_seat(mpi, launcher, seats, err);
    if (status != MLB_OK || mpi->comm.aside)
        return status;
    status = identify(mpi, err);
    if (status == MLB_OK)
        status = open_board(mpi, err);
    if (status != MLB_OK)
        return status;
    const struct mlb_watchdog_how how = {.board = &mpi->board,
                                         .log = {MLB_LOG_ERROR, STDERR_FILENO, -1},
                                         .nodes = mpi->comm.nodes,
                                         .host = mpi->comm.host,
                                         .end_job = end_by_mpi,
                                         .add_cause = mpi->comm.nodes > 1 ? mlb_causes_add : NULL,
                                         .causes = &mpi->causes};
    return mlb_watchdog_open(&how, &mpi->watchdog, err);
}

enum mlb_status mlb_comm_open_mpi(const struct mlb_launcher *launcher, double deadline_s, int seats,
                                  struct mlb_comm **comm, struct mlb_error *err)
{
    *comm = NULL;
    struct mlb_mpi *mpi = calloc(1, sizeof *mpi);
    if (!mpi)
        return mlb_fail(err, MLB_E_NOMEM, "communicator: out of memory");
    mpi->job = mpi->control = mpi->data = mpi->node = mpi->leaders = MPI_COMM_NULL;
    mpi->comm = (struct mlb_comm){
        .ops = &mlb_comm_mpi_ops, .name = "mpi", .deadline_s = deadline_s, .state = mpi};
    gethostname(mpi->comm.host, sizeof mpi->comm.host - 1);
    mlb_causes_open(&mpi->causes, mpi->comm.host);
    struct guard guard = {0};
    enum mlb_status status = guard_open(&guard, launcher->rank, mpi, err);
    if (status == MLB_OK)
        status = start(mpi, launcher, seats, err);
    guard_close(&guard);
    if (status == MLB_E_COMM) {
        mlb_mpi_add_causes(mpi, err);
        mlb_fail_at(err, "rank %d on %s", launcher->rank, mpi->comm.host);
    }
    atomic_store(&mpi->causes.started, true);
    if (status != MLB_OK) {
        /* Other ranks may be far ahead: nothing collective can be done any more. */
        mlb_mpi_break(mpi, err);
        mlb_comm_close_mpi(&mpi->comm);
        return status;
    }
    *comm = &mpi->comm;
    return MLB_OK;
}

/* -------------------------------------------------------------------------------------- the end */

static void free_communicator(MPI_Comm *communicator)
{
    if (*communicator != MPI_COMM_NULL)
        MPI_Comm_free(communicator);
}

/* Where those who stand aside sleep until the others are done: MPI's own waits would burn a core.
 */
static void meet_at_the_end(struct mlb_mpi *mpi)
{
    struct mlb_patience patience = {.crowded = true};
    MPI_Request request;
    int done = 0;
    if (mpi->comm.aside_ranks == 0 || MPI_Ibarrier(MPI_COMM_WORLD, &request) != MPI_SUCCESS)
        return;
    while (MPI_Test(&request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done)
        mlb_patience_wait(&patience, INFINITY); /* the watchdog of the others has the limit */
    MPI_Comm_free(&mpi->job);
}

/* After a failure MPI is left open: finalizing would wait for ranks that do not come. The launcher
 * ends the others when this process exits. */
void mlb_comm_close_mpi(struct mlb_comm *comm)
{
    struct mlb_mpi *mpi = mlb_mpi_of(comm);
    bool whole = mpi->broken.status == MLB_OK;
    if (whole) {
        if (!comm->aside)
            mlb_watchdog_watch(mpi->watchdog, "the end of MPI", comm->deadline_s);
        meet_at_the_end(mpi);
        free_communicator(&mpi->leaders);
        free_communicator(&mpi->node);
        free_communicator(&mpi->data);
        free_communicator(&mpi->control);
        MPI_Finalize();
        if (!comm->aside)
            mlb_watchdog_unwatch(mpi->watchdog);
    }
    mlb_watchdog_close(mpi->watchdog);
    mlb_board_close(&mpi->board);
    free(mpi->finished);
    free(mpi->hosts);
    if (whole) { /* else MPI may still hold requests that point here */
        free(mpi->requests);
        free(mpi->scratch);
    }
    free(mpi);
}

/* ------------------------------------------------------------------------------------- the table
 */

static void progress(struct mlb_comm *comm)
{
    mlb_watchdog_progress(mlb_mpi_of(comm)->watchdog);
}

static void watch(struct mlb_comm *comm, const char *what, double deadline_s)
{
    mlb_watchdog_watch(mlb_mpi_of(comm)->watchdog, what, deadline_s);
}

static void unwatch(struct mlb_comm *comm)
{
    mlb_watchdog_unwatch(mlb_mpi_of(comm)->watchdog);
}

static void at_deadline(struct mlb_comm *comm, void (*stop)(void *user), void *user)
{
    mlb_watchdog_at_deadline(mlb_mpi_of(comm)->watchdog, stop, user);
}

static __attribute__((noreturn)) void end_job(struct mlb_comm *comm, int exit_code)
{
    (void)comm;
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    _exit(exit_code);
}

const struct mlb_comm_ops mlb_comm_mpi_ops = {
    .barrier = mlb_control_barrier,
    .broadcast = mlb_control_broadcast,
    .gather = mlb_control_gather,
    .all_max = mlb_control_all_max,
    .all_sum = mlb_control_all_sum,
    .line_up = mlb_line_up,
    .progress = progress,
    .watch = watch,
    .unwatch = unwatch,
    .at_deadline = at_deadline,
    .abort = end_job,
};
