/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/launcher.h"

#include "tests/check.h"

/* NAME=VALUE pairs of the environment that a case pretends. */
static const char *const *pretended;

static char *lookup(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < 4 && pretended[i]; i++)
        if (strncmp(pretended[i], name, length) == 0 && pretended[i][length] == '=')
            return (char *)(uintptr_t)(pretended[i] + length + 1);
    return NULL;
}

static const struct {
    const char *what;
    const char *environment[4];
    bool present, by_slots;
    int size, rank;
} cases[] = {
    {"a shell", {"PATH=/bin"}, false, false, 0, 0},
    {"mpirun",
     {"OMPI_COMM_WORLD_SIZE=8", "OMPI_COMM_WORLD_RANK=3", "PMIX_RANK=3"},
     true,
     true,
     8,
     3},
    {"mpirun -n 1", {"OMPI_COMM_WORLD_SIZE=1", "OMPI_COMM_WORLD_RANK=0"}, true, true, 1, 0},
    {"mpirun in a Slurm step",
     {"OMPI_COMM_WORLD_SIZE=16", "SLURM_STEP_NUM_TASKS=2"},
     true,
     true,
     16,
     0},
    {"Hydra", {"PMI_RANK=1", "PMI_SIZE=4"}, true, false, 4, 1},
    {"srun --mpi=pmix", {"PMIX_RANK=2", "SLURM_STEP_NUM_TASKS=4"}, true, false, 4, 2},
    {"prterun", {"PMIX_RANK=2"}, true, true, 0, 2},
    {"srun without PMI", {"SLURM_STEP_NUM_TASKS=4", "SLURM_PROCID=3"}, true, false, 4, 3},
    {"srun -n 1", {"SLURM_STEP_NUM_TASKS=1", "SLURM_PROCID=0"}, false, false, 0, 0},
    {"a batch script", {"SLURM_NTASKS=16", "SLURM_PROCID=0"}, false, false, 0, 0},
    {"nonsense", {"OMPI_COMM_WORLD_SIZE=many"}, true, true, 0, 0},
};

static void reads_what_launchers_leave(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pretended = cases[i].environment;
        struct mlb_launcher launcher = mlb_launcher_read(lookup);
        if (launcher.present != cases[i].present)
            print_error("%s\n", cases[i].what);
        check_true(launcher.present == cases[i].present);
        check_true(launcher.by_slots == cases[i].by_slots);
        check_i64(launcher.size, cases[i].size);
        check_i64(launcher.rank, cases[i].rank);
    }
}

/* A launcher of another MPI makes every process rank 0 of 1: said, not measured. */
static void many_jobs_of_one_are_refused(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_launcher launcher = {.present = true, .size = 16, .says_so = "PMI_SIZE"};
    check_fails(mlb_launcher_check(&launcher, 1, &err), MLB_E_COMM, &err,
                "started 16 ranks (PMI_SIZE=16), but MPI counts 1");
    check_ok(mlb_launcher_check(&launcher, 16, &err), &err);
    launcher.size = 1;
    check_ok(mlb_launcher_check(&launcher, 1, &err), &err);
    launcher.size = 0;
    check_ok(mlb_launcher_check(&launcher, 1, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_launchers_leave),
        cmocka_unit_test(many_jobs_of_one_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
