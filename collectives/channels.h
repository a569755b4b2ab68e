/* SPDX-License-Identifier: Apache-2.0 */
/* The channels of this folder; the table mlb_channels in registry.c lists them. */
#ifndef MLB_COLLECTIVES_CHANNELS_H
#define MLB_COLLECTIVES_CHANNELS_H

#include "harness/measure/comm.h"
#include "harness/measure/workload.h"

extern const struct mlb_channel_ops mlb_channel_mpi;
extern const struct mlb_channel_ops mlb_channel_nccl;

/* For tests: the most elements that one MPI call gets; larger arrays are cut. */
void mlb_channel_mpi_set_block(struct mlb_channel *channel, size_t elements);

extern const struct mlb_workload mlb_all_reduce, mlb_all_gather, mlb_reduce_scatter, mlb_alltoall,
    mlb_sendrecv, mlb_broadcast, mlb_reduce, mlb_gather, mlb_scatter, mlb_overlap;

#endif
