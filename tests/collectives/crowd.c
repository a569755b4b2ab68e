/* SPDX-License-Identifier: Apache-2.0 */
/* Run by mpirun with many more ranks than cores: the control plane stays right and gets done. Rank
 * 0 prints how long. */
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/clock.h"
#include "harness/measure/comm.h"

#define ROUNDS 10

static enum mlb_status one_round(struct mlb_comm *comm, int *all, struct mlb_error *err)
{
    double values[2] = {comm->rank, 1.0};
    int mine = comm->rank * 3, told = comm->rank == 0 ? 77 : 0;
    enum mlb_status status = comm->ops->barrier(comm, err);
    if (status == MLB_OK)
        status = comm->ops->all_sum(comm, values, 2, err);
    if (status == MLB_OK)
        status = comm->ops->gather(comm, &mine, sizeof mine, all, 0, err);
    if (status == MLB_OK)
        status = comm->ops->broadcast(comm, &told, sizeof told, 0, err);
    if (status == MLB_OK)
        status = comm->ops->line_up(comm, err);
    if (status != MLB_OK)
        return status;
    double n = comm->size;
    bool right = values[0] == n * (n - 1) / 2 && values[1] == n && told == 77;
    for (int rank = 0; comm->rank == 0 && rank < comm->size; rank++)
        right = right && all[rank] == rank * 3;
    return right ? MLB_OK : mlb_fail(err, MLB_E_WRONG, "wrong values on rank %d", comm->rank);
}

int main(void)
{
    struct mlb_error err = {0};
    struct mlb_comm *comm = NULL;
    double begin_s = mlb_clock_s();
    enum mlb_status status = mlb_comm_open(60.0, 0, &comm, &err);
    double opened_s = mlb_clock_s();
    int *all = status == MLB_OK ? calloc((size_t)comm->size, sizeof *all) : NULL;
    for (int i = 0; status == MLB_OK && all && i < ROUNDS; i++)
        status = one_round(comm, all, &err);
    if (status != MLB_OK)
        fprintf(stderr, "%s\n", err.text);
    else if (comm->rank == 0)
        printf("%d ranks: start %.2f s, %d rounds of 5 operations %.2f s\n", comm->size,
               opened_s - begin_s, ROUNDS, mlb_clock_s() - opened_s);
    free(all);
    mlb_comm_close(comm);
    return mlb_status_exit_code(status);
}
