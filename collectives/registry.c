/* SPDX-License-Identifier: Apache-2.0 */
/* What this folder offers: a line a collective, a line a library. */
#include "collectives/channels.h"

#include <stddef.h>

const struct mlb_workload *const mlb_collective_workloads[] = {
    &mlb_all_reduce,
    &mlb_all_gather,
    &mlb_reduce_scatter,
    &mlb_alltoall,
    &mlb_sendrecv,
    &mlb_broadcast,
    &mlb_reduce,
    &mlb_gather,
    &mlb_scatter,
    &mlb_overlap,
    NULL,
};

const struct mlb_channel_ops *const mlb_channels[] = {
    &mlb_channel_nccl,
    &mlb_channel_mpi,
    NULL,
};
