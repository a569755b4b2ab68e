/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of the data plane over MPI: for channel_mpi.c only. Contracts in
 * harness/measure/comm.h. */
#ifndef MLB_COLLECTIVES_MPI_CALLS_H
#define MLB_COLLECTIVES_MPI_CALLS_H

#include <mpi.h>
#include <stdbool.h>

#include "harness/measure/comm.h"

/* MPI counts with an int; a power of two keeps every block aligned. */
#define MLB_MPI_BLOCK ((size_t)1 << 30)

struct mlb_mpi_channel {
    struct mlb_channel channel; /* first */
    MPI_Comm data;              /* MPI_COMM_NULL in a job of one rank without MPI */
    bool part;                  /* `data` is this channel's own */
    MPI_Op sum_bf16, sum_f16;
    size_t block; /* most elements that one call counts */
};

static inline struct mlb_mpi_channel *mlb_mpi_channel_of(struct mlb_channel *channel)
{
    return (struct mlb_mpi_channel *)channel;
}

mlb_collective mlb_mpi_all_reduce, mlb_mpi_reduce_scatter, mlb_mpi_all_gather, mlb_mpi_alltoall;
mlb_rooted_collective mlb_mpi_reduce, mlb_mpi_broadcast, mlb_mpi_gather, mlb_mpi_scatter;
enum mlb_status mlb_mpi_sendrecv(struct mlb_channel *base, const void *send, int to, void *recv,
                                 int from, size_t count, enum mlb_dtype dtype,
                                 struct mlb_error *err);

#endif
