/* SPDX-License-Identifier: Apache-2.0 */
/* What the launcher's environment says about the job, before MPI is opened: is this process one of
 * a job, and how large is the job said to be? */
#ifndef MLB_COLLECTIVES_LAUNCHER_H
#define MLB_COLLECTIVES_LAUNCHER_H

#include <stdbool.h>

#include "harness/base/status.h"

struct mlb_launcher {
    bool present;        /* started by mpirun, srun or another MPI launcher */
    int size;            /* ranks as the environment tells; 0 = it does not */
    const char *says_so; /* name of the variable that `size` comes from */
    bool by_slots; /* it starts a rank for each slot when nobody asks for a number: mpirun does, and
                    * srun does not */
    int rank;      /* as the environment tells, for messages before MPI is there; 0 else */
};

/* `lookup` is getenv, or a table in tests. */
struct mlb_launcher mlb_launcher_read(char *(*lookup)(const char *name));

/* MPI counts `mpi_size` ranks. A launcher that started N processes of which MPI sees only one each
 * is wired to another MPI: every process would measure alone and call itself rank 0 of 1. */
enum mlb_status mlb_launcher_check(const struct mlb_launcher *launcher, int mpi_size,
                                   struct mlb_error *err);

#endif
