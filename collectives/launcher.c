/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/launcher.h"

#include <stddef.h>
#include <stdlib.h>

/* In this order: the nearest launcher wins (mpirun inside a Slurm step leaves both sets).
 * SLURM_NTASKS and SLURM_PROCID alone prove nothing, a batch script has them too: the step's own
 * count is there only under srun. */
enum {
    MPIRUN,
    PMI,  /* Hydra, srun --mpi=pmi2 */
    PMIX, /* srun --mpi=pmix, prterun */
    SRUN, /* without a PMI */
};
static const struct {
    const char *presence, *size, *rank;
} launchers[] = {
    [MPIRUN] = {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
    [PMI] = {"PMI_RANK", "PMI_SIZE", "PMI_RANK"},
    [PMIX] = {"PMIX_RANK", "SLURM_STEP_NUM_TASKS", "PMIX_RANK"},
    [SRUN] = {"SLURM_STEP_NUM_TASKS", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
};

static int whole(const char *text)
{
    long value = text ? strtol(text, NULL, 10) : 0;
    return value > 0 && value <= 1 << 24 ? (int)value : 0;
}

struct mlb_launcher mlb_launcher_read(char *(*lookup)(const char *name))
{
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        if (!lookup(launchers[i].presence))
            continue;
        int size = whole(lookup(launchers[i].size));
        if (launchers[i].presence == launchers[i].size && size < 2 && i > 0)
            continue; /* a Slurm step of one task: nothing to join */
        return (struct mlb_launcher){.present = true,
                                     .size = size,
                                     .says_so = size ? launchers[i].size : NULL,
                                     .by_slots = i == MPIRUN || (i == PMIX && size == 0),
                                     .rank = whole(lookup(launchers[i].rank))};
    }
    return (struct mlb_launcher){0};
}

enum mlb_status mlb_launcher_check(const struct mlb_launcher *launcher, int mpi_size,
                                   struct mlb_error *err)
{
    if (mpi_size > 1 || launcher->size < 2)
        return MLB_OK;
    return mlb_fail(err, MLB_E_COMM,
                    "the launcher started %d ranks (%s=%d), but MPI counts 1: launcher and MPI "
                    "library do not fit; use the mpirun of the Open MPI that mlbench is built "
                    "with, or srun --mpi=pmix",
                    launcher->size, launcher->says_so, launcher->size);
}
