/* SPDX-License-Identifier: Apache-2.0 */
/* Several ranks on one GPU, which --oversubscribe allows: NCCL does collectives there too, through
 * its network, slowly and rightly. */
#ifndef MLB_COLLECTIVES_NCCL_SHARING_H
#define MLB_COLLECTIVES_NCCL_SHARING_H

#include <stdbool.h>

#include "harness/measure/comm.h"

/* Collective over the job: does any GPU have two ranks? The same answer on all. */
enum mlb_status mlb_nccl_ask_sharing(struct mlb_comm *comm, const struct mlb_device *device,
                                     bool *shared, struct mlb_error *err);

/* Sets NCCL's environment so that a NCCL of this version takes ranks that share a GPU, but for what
 * the user has set. Before NCCL's first call but ncclGetVersion. */
void mlb_nccl_allow_sharing(const struct mlb_comm *comm, int version);

#endif
