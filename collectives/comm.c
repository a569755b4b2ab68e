/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the job's communicator: MPI when a launcher started this process, else a job of one rank,
 * which needs no MPI and starts in no time. */
#include "harness/measure/comm.h"

#include <stdlib.h>

#include "collectives/comm_mpi.h"
#include "collectives/launcher.h"

enum mlb_status mlb_comm_open(double deadline_s, int seats, struct mlb_comm **comm,
                              struct mlb_error *err)
{
    struct mlb_launcher launcher = mlb_launcher_read(getenv);
    *comm = NULL;
    if (!launcher.present)
        return mlb_comm_open_self(deadline_s, comm, err);
    return mlb_comm_open_mpi(&launcher, deadline_s, launcher.by_slots ? seats : 0, comm, err);
}

void mlb_comm_close(struct mlb_comm *comm)
{
    if (comm && comm->ops == &mlb_comm_mpi_ops)
        mlb_comm_close_mpi(comm);
    else if (comm)
        mlb_comm_close_self(comm);
}
