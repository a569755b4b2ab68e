/* SPDX-License-Identifier: Apache-2.0 */
/* Run by mpirun without a number of ranks on SLOTS slots, with one seat a machine: one rank is the
 * job, the others stand aside, asleep, until it is done.
 *
 * Usage: aside SEATS ASIDE. Exits with 0 when this rank finds what it should. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "harness/base/clock.h"
#include "harness/measure/comm.h"

#define BUSY_S 0.5

static double cpu_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* The job goes on for a while; its control plane knows nothing of those aside. */
static int take_part(struct mlb_comm *comm, int seats, int aside)
{
    struct mlb_error err = {0};
    double ranks = 1.0;
    if (comm->ops->all_sum(comm, &ranks, 1, &err) != MLB_OK)
        fprintf(stderr, "aside: %s\n", err.text);
    mlb_sleep_s(BUSY_S);
    bool right = comm->aside_ranks == aside && comm->rank < comm->size &&
                 fabs(ranks - comm->size) < 0.5 && (aside == 0 || comm->size == seats);
    printf("rank %d of %d: %s\n", comm->rank, comm->size, right ? "right" : "WRONG");
    mlb_comm_close(comm);
    return right ? 0 : 1;
}

static int stand_aside(struct mlb_comm *comm)
{
    double began_s = mlb_clock_s(), began_cpu_s = cpu_s();
    mlb_comm_close(comm);
    double waited_s = mlb_clock_s() - began_s, burnt_s = cpu_s() - began_cpu_s;
    bool right = waited_s > 0.5 * BUSY_S && burnt_s < 0.5 * waited_s;
    printf("aside for %.2f s, %.2f s of a core: %s\n", waited_s, burnt_s,
           right ? "right" : "WRONG");
    return right ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct mlb_comm *comm = NULL;
    struct mlb_error err = {0};
    if (argc != 3)
        return 2;
    int seats = atoi(argv[1]), aside = atoi(argv[2]);
    if (mlb_comm_open(20.0, seats, &comm, &err) != MLB_OK) {
        fprintf(stderr, "aside: %s\n", err.text);
        return 3;
    }
    return comm->aside ? stand_aside(comm) : take_part(comm, seats, aside);
}
