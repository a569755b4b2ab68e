/* SPDX-License-Identifier: Apache-2.0 */
/* A library in NCCL's place: host memory, one rank. The variable FAKE_NCCL says how it behaves;
 * what was called is written to the variable FAKE_NCCL_CALLS, which outlives the library.
 * NCCL_COMM_BLOCKING=0 makes a communicator non-blocking, as in NCCL, whatever was asked for. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectives/nccl_abi.h"

#define REMOTE_ERROR  6
#define INVALID_USAGE 5
#define BUSY_POLLS    5

struct mlb_nccl_comm {
    int busy; /* polls until the state is success */
    bool blocking;
};

int ncclGetVersion(int *version);
int ncclGetUniqueId(struct mlb_nccl_id *id);
int ncclCommInitRankConfig(struct mlb_nccl_comm **comm, int ranks, struct mlb_nccl_id id, int rank,
                           struct mlb_nccl_config *config);
int ncclCommFinalize(struct mlb_nccl_comm *comm);
int ncclCommDestroy(struct mlb_nccl_comm *comm);
int ncclCommAbort(struct mlb_nccl_comm *comm);
int ncclCommGetAsyncError(struct mlb_nccl_comm *comm, int *result);
int ncclAllReduce(const void *send, void *recv, size_t count, int type, int op,
                  struct mlb_nccl_comm *comm, void *stream);
const char *ncclGetErrorString(int result);
const char *ncclGetLastError(struct mlb_nccl_comm *comm);

static bool behaves(const char *how)
{
    const char *set = getenv("FAKE_NCCL");
    return set && strcmp(set, how) == 0;
}

/* What a call that has work to do returns: at once and busy, or when it is done. */
static int begin(struct mlb_nccl_comm *comm)
{
    comm->busy = comm->blocking ? 0 : BUSY_POLLS;
    return comm->blocking ? MLB_NCCL_SUCCESS : MLB_NCCL_IN_PROGRESS;
}

static void note(const char *call)
{
    char calls[512];
    const char *before = getenv("FAKE_NCCL_CALLS");
    snprintf(calls, sizeof calls, "%.400s%s ", before ? before : "", call);
    setenv("FAKE_NCCL_CALLS", calls, 1);
}

int ncclGetVersion(int *version)
{
    *version = behaves("old") ? 21605 : 22809;
    return MLB_NCCL_SUCCESS;
}

int ncclGetUniqueId(struct mlb_nccl_id *id)
{
    memset(id->internal, 0x33, sizeof id->internal);
    return behaves("no_id") ? INVALID_USAGE : MLB_NCCL_SUCCESS;
}

int ncclCommInitRankConfig(struct mlb_nccl_comm **comm, int ranks, struct mlb_nccl_id id, int rank,
                           struct mlb_nccl_config *config)
{
    static struct mlb_nccl_comm only;
    bool good = ranks == 1 && rank == 0 && id.internal[127] == 0x33 && config->blocking == 1 &&
                config->size == sizeof *config && config->magic == MLB_NCCL_CONFIG_MAGIC;
    note("init");
    if (!good || behaves("no_init"))
        return INVALID_USAGE;
    const char *asked = getenv("NCCL_COMM_BLOCKING");
    only.blocking = !(asked && strcmp(asked, "0") == 0);
    *comm = &only;
    return begin(&only);
}

int ncclCommFinalize(struct mlb_nccl_comm *comm)
{
    note("finalize");
    return begin(comm);
}

int ncclCommDestroy(struct mlb_nccl_comm *comm)
{
    note(comm->busy ? "destroy-busy" : "destroy");
    return MLB_NCCL_SUCCESS;
}

int ncclCommAbort(struct mlb_nccl_comm *comm)
{
    (void)comm;
    note("abort");
    return MLB_NCCL_SUCCESS;
}

int ncclCommGetAsyncError(struct mlb_nccl_comm *comm, int *result)
{
    bool stuck =
        behaves("stuck") || (behaves("stuck_end") && strstr(getenv("FAKE_NCCL_CALLS"), "finalize"));
    if (comm->busy > 0 && !stuck)
        comm->busy--;
    *result = comm->busy > 0 ? MLB_NCCL_IN_PROGRESS : MLB_NCCL_SUCCESS;
    if (behaves("lost"))
        *result = REMOTE_ERROR;
    return MLB_NCCL_SUCCESS;
}

int ncclAllReduce(const void *send, void *recv, size_t count, int type, int op,
                  struct mlb_nccl_comm *comm, void *stream)
{
    if (comm->busy > 0 || op != MLB_NCCL_SUM || type != MLB_NCCL_FLOAT32 ||
        stream != (void *)0x51 || behaves("no_sum"))
        return INVALID_USAGE;
    note("sum");
    memmove(recv, send, count * sizeof(float));
    return begin(comm);
}

const char *ncclGetErrorString(int result)
{
    return result == REMOTE_ERROR ? "remote process exited or there was a network error"
                                  : "invalid usage";
}

const char *ncclGetLastError(struct mlb_nccl_comm *comm)
{
    (void)comm;
    return behaves("no_init") ? "Duplicate GPU detected" : "";
}
