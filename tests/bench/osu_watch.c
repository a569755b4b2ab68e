/* SPDX-License-Identifier: Apache-2.0 */
/* What a benchmark that only prints means cannot tell: a library for LD_PRELOAD that times each
 * MPI_Allreduce, MPI_Allgather and MPI_Alltoall of the program by MPI's profiling interface, and
 * prints at the end, for each size, the median over calls of the slowest rank:
 *
 *   watch SIZE MEDIAN_US CALLS
 *
 * SIZE is the size of what one rank gives (of alltoall, to one other): the "size" of the OSU
 * benchmarks. Calls of less than LEAST bytes are the program's own business. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/measure/stats.h"

enum { LEAST = 1024, MOST_CALLS = 1 << 20 };

struct call {
    int bytes;
    double seconds;
};

/* An interposed function has no argument for it. */
static struct call calls[MOST_CALLS];
static int call_count;

static void note(int count, MPI_Datatype type, double began_s)
{
    double seconds = MPI_Wtime() - began_s;
    int element = 0;
    PMPI_Type_size(type, &element);
    if (count * element >= LEAST && call_count < MOST_CALLS)
        calls[call_count++] = (struct call){count * element, seconds};
}

int MPI_Allreduce(const void *send, void *recv, int count, MPI_Datatype type, MPI_Op op,
                  MPI_Comm comm)
{
    double began_s = MPI_Wtime();
    int code = PMPI_Allreduce(send, recv, count, type, op, comm);
    note(count, type, began_s);
    return code;
}

int MPI_Allgather(const void *send, int count, MPI_Datatype type, void *recv, int recv_count,
                  MPI_Datatype recv_type, MPI_Comm comm)
{
    double began_s = MPI_Wtime();
    int code = PMPI_Allgather(send, count, type, recv, recv_count, recv_type, comm);
    note(count, type, began_s);
    return code;
}

int MPI_Alltoall(const void *send, int count, MPI_Datatype type, void *recv, int recv_count,
                 MPI_Datatype recv_type, MPI_Comm comm)
{
    double began_s = MPI_Wtime();
    int code = PMPI_Alltoall(send, count, type, recv, recv_count, recv_type, comm);
    note(count, type, began_s);
    return code;
}

static void print_size(const double *slowest, int first, int end)
{
    printf("watch %d %.3f %d\n", calls[first].bytes,
           1e6 * mlb_median(slowest + first, (size_t)(end - first)), end - first);
}

int MPI_Finalize(void)
{
    int rank = 0;
    double *slowest = malloc((size_t)(call_count + 1) * sizeof *slowest);
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int i = 0; slowest && i < call_count; i++)
        slowest[i] = calls[i].seconds;
    if (slowest)
        PMPI_Allreduce(MPI_IN_PLACE, slowest, call_count, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    for (int i = 0, end; slowest && rank == 0 && i < call_count; i = end) {
        for (end = i; end < call_count && calls[end].bytes == calls[i].bytes; end++)
            ;
        print_size(slowest, i, end);
    }
    fflush(stdout);
    free(slowest);
    return PMPI_Finalize();
}
