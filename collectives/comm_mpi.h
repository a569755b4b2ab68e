/* SPDX-License-Identifier: Apache-2.0 */
/* The MPI communicator from the inside: for the files of this folder only. */
#ifndef MLB_COLLECTIVES_COMM_MPI_H
#define MLB_COLLECTIVES_COMM_MPI_H

#include <mpi.h>

#include "collectives/board.h"
#include "collectives/causes.h"
#include "collectives/launcher.h"
#include "collectives/watchdog.h"
#include "harness/base/text.h"
#include "harness/measure/comm.h"

struct mlb_mpi {
    struct mlb_comm comm; /* first, so that a comm of these ops is cast back */
    MPI_Comm job;         /* ranks that have a seat; MPI_COMM_WORLD when all do */
    MPI_Comm control;     /* all ranks, for the control plane alone */
    MPI_Comm data;        /* all ranks, for what is measured */
    MPI_Comm node;        /* ranks of this machine */
    MPI_Comm leaders;     /* local rank 0 of every machine; MPI_COMM_NULL on the others */
    struct mlb_board board;
    bool shared_board; /* false: no shared memory, the board is this rank's alone */
    struct mlb_watchdog *watchdog;
    struct mlb_causes causes;
    bool crowded; /* more ranks than cores on this machine */
    uint64_t line_ups;
    char (*hosts)[MLB_HOST_NAME]; /* of every rank */

    MPI_Request *requests; /* one a rank */
    int *finished;         /* one a rank, for MPI_Testsome */
    char *scratch;         /* grows, see control.c */
    size_t scratch_bytes;

    struct mlb_error broken; /* the first failure; every later operation repeats it */
};

extern const struct mlb_comm_ops mlb_comm_mpi_ops;
extern const struct mlb_comm_ops mlb_comm_self_ops;

static inline struct mlb_mpi *mlb_mpi_of(struct mlb_comm *comm)
{
    return (struct mlb_mpi *)comm;
}

/* MPI's code becomes a status here and nowhere else: "mpi: WHAT: text of the code". */
enum mlb_status mlb_mpi_status(int code, struct mlb_error *err, const char *what, ...)
    __attribute__((format(printf, 3, 4)));

/* "Open MPI v4.1.4, package: ..." -> "Open MPI 4.1.4"; "MPICH Version:      4.0" -> "MPICH 4.0". */
void mlb_mpi_short_version(const char *text, char *to, size_t size);

enum mlb_status mlb_comm_open_mpi(const struct mlb_launcher *launcher, double deadline_s, int seats,
                                  struct mlb_comm **comm, struct mlb_error *err);
void mlb_comm_close_mpi(struct mlb_comm *comm);
enum mlb_status mlb_comm_open_self(double deadline_s, struct mlb_comm **comm,
                                   struct mlb_error *err);
void mlb_comm_close_self(struct mlb_comm *comm);

/* control.c */
enum mlb_status mlb_control_barrier(struct mlb_comm *comm, struct mlb_error *err);
enum mlb_status mlb_control_broadcast(struct mlb_comm *comm, void *data, size_t bytes, int root,
                                      struct mlb_error *err);
enum mlb_status mlb_control_gather(struct mlb_comm *comm, const void *mine, size_t bytes, void *all,
                                   int root, struct mlb_error *err);
enum mlb_status mlb_control_all_max(struct mlb_comm *comm, double *values, size_t count,
                                    struct mlb_error *err);
enum mlb_status mlb_control_all_sum(struct mlb_comm *comm, double *values, size_t count,
                                    struct mlb_error *err);
/* line_up.c */
enum mlb_status mlb_line_up(struct mlb_comm *comm, struct mlb_error *err);

/* "rank 3 on node7", with what ails its process when that is known. */
void mlb_mpi_name_rank(const struct mlb_mpi *mpi, int rank, struct mlb_text *names);

/* A wait for others failed: adds what this machine knows of the reason to `err`. */
void mlb_mpi_add_causes(const struct mlb_mpi *mpi, struct mlb_error *err);

/* Remember a failure: the ranks no longer agree on what comes next. Returns err->status. */
enum mlb_status mlb_mpi_break(struct mlb_mpi *mpi, const struct mlb_error *err);

#endif
