/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/collectives/fake_nccl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REMOTE_ERROR  6
#define INVALID_USAGE 5
#define BUSY_POLLS    5
#define PIECES        64

int ncclGetVersion(int *version);
int ncclGetUniqueId(struct mlb_nccl_id *id);
int ncclCommInitRankConfig(struct mlb_nccl_comm **comm, int ranks, struct mlb_nccl_id id, int rank,
                           struct mlb_nccl_config *config);
int ncclCommSplit(struct mlb_nccl_comm *comm, int color, int key, struct mlb_nccl_comm **part,
                  struct mlb_nccl_config *config);
int ncclCommFinalize(struct mlb_nccl_comm *comm);
int ncclCommDestroy(struct mlb_nccl_comm *comm);
int ncclCommAbort(struct mlb_nccl_comm *comm);
int ncclCommGetAsyncError(struct mlb_nccl_comm *comm, int *result);
const char *ncclGetErrorString(int result);
const char *ncclGetLastError(struct mlb_nccl_comm *comm);
int ncclGroupStart(void);
int ncclGroupEnd(void);
int ncclGroupSimulateEnd(struct mlb_nccl_sim_info *info);
mlb_nccl_sum_function ncclAllReduce, ncclReduceScatter;
mlb_nccl_rooted_sum_function ncclReduce;
mlb_nccl_move_function ncclAllGather, ncclAlltoAll;
mlb_nccl_rooted_move_function ncclBroadcast, ncclGather, ncclScatter;
int ncclSend(const void *from, size_t count, int type, int peer, struct mlb_nccl_comm *comm,
             void *stream);
int ncclRecv(void *to, size_t count, int type, int peer, struct mlb_nccl_comm *comm, void *stream);

/* A group under way, as a thread of NCCL keeps one. */
static struct {
    int depth;
    struct mlb_nccl_comm *comm; /* of the calls in it */
    const void *sent[PIECES];   /* to this rank itself, in order */
    void *received[PIECES];
    size_t bytes[PIECES], sends, receives;
} group;

/* ---------------------------------------------------------------------------------- for the tests
 */

bool fake_behaves(const char *how)
{
    const char *set = getenv("FAKE_NCCL");
    const char *found = set ? strstr(set, how) : NULL;
    char end = found ? found[strlen(how)] : 0;
    return found && (found == set || found[-1] == ' ') && (end == 0 || end == ' ');
}

void fake_note(const char *format, ...)
{
    char calls[1024], call[64];
    const char *before = getenv("FAKE_NCCL_CALLS");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call, sizeof call, format, arguments);
    va_end(arguments);
    snprintf(calls, sizeof calls, "%.900s%s ", before ? before : "", call);
    setenv("FAKE_NCCL_CALLS", calls, 1);
}

static const char *mark(const struct mlb_nccl_comm *comm)
{
    return comm->blocking ? "+" : "";
}

/* What a call that has work to do returns: at once and busy, or when it is done. */
static int begin(struct mlb_nccl_comm *comm)
{
    comm->busy = comm->blocking ? 0 : BUSY_POLLS;
    return comm->blocking ? MLB_NCCL_SUCCESS : MLB_NCCL_IN_PROGRESS;
}

/* ---------------------------------------------------------------------------------- communicators
 */

int ncclGetVersion(int *version)
{
    const char *set = getenv("FAKE_NCCL_VERSION");
    *version = set ? atoi(set) : fake_behaves("too_old") ? 21605 : 22809;
    return MLB_NCCL_SUCCESS;
}

int ncclGetUniqueId(struct mlb_nccl_id *id)
{
    memset(id->internal, 0x33, sizeof id->internal);
    return fake_behaves("no_id") ? INVALID_USAGE : MLB_NCCL_SUCCESS;
}

static struct mlb_nccl_comm *make(int rank, int ranks, const struct mlb_nccl_config *config)
{
    struct mlb_nccl_comm *comm = calloc(1, sizeof *comm);
    const char *asked = getenv("NCCL_COMM_BLOCKING");
    if (!comm)
        abort();
    comm->blocking = asked ? strcmp(asked, "0") != 0 : config->blocking == 1;
    comm->rank = rank;
    comm->ranks = ranks;
    return comm;
}

static void hand_over(struct mlb_nccl_comm *comm)
{
    if (comm->part_to)
        *comm->part_to = comm->part;
    comm->part_to = NULL;
    comm->part = NULL;
}

int ncclCommInitRankConfig(struct mlb_nccl_comm **comm, int ranks, struct mlb_nccl_id id, int rank,
                           struct mlb_nccl_config *config)
{
    bool good = id.internal[127] == 0x33 && config->size == sizeof *config &&
                config->magic == MLB_NCCL_CONFIG_MAGIC && config->split_share == 1;
    fake_note("init");
    if (!good || rank < 0 || rank >= ranks || fake_behaves("no_init"))
        return INVALID_USAGE;
    *comm = make(rank, ranks, config);
    (*comm)->whole = true;
    fake_start_evidence(*comm);
    return begin(*comm);
}

/* All ranks have one color in the tests. As NCCL does: "success" while the parent is still busy,
 * and what is made is there afterwards. */
int ncclCommSplit(struct mlb_nccl_comm *comm, int color, int key, struct mlb_nccl_comm **part,
                  struct mlb_nccl_config *config)
{
    fake_note("split%d%s", color, config->blocking == 1 ? "+" : "");
    if (comm->busy > 0 || key != comm->rank || config->magic != MLB_NCCL_CONFIG_MAGIC ||
        fake_behaves("no_twin"))
        return INVALID_USAGE;
    *part = NULL;
    comm->part = make(comm->rank, comm->ranks, config);
    comm->part_to = part;
    if (begin(comm) == MLB_NCCL_SUCCESS)
        hand_over(comm);
    return MLB_NCCL_SUCCESS;
}

int ncclCommFinalize(struct mlb_nccl_comm *comm)
{
    fake_note("finalize%s", mark(comm));
    return begin(comm);
}

static void end(struct mlb_nccl_comm *comm)
{
    if (comm->whole)
        fake_end_evidence();
    free(comm->part);
    free(comm);
}

int ncclCommDestroy(struct mlb_nccl_comm *comm)
{
    fake_note("destroy%s%s", mark(comm), comm->busy ? "-busy" : "");
    end(comm);
    return MLB_NCCL_SUCCESS;
}

int ncclCommAbort(struct mlb_nccl_comm *comm)
{
    fake_note("abort%s", mark(comm));
    if (fake_behaves("loud"))
        fprintf(stderr, "rank %d aborts%s\n", comm->rank, mark(comm));
    end(comm);
    return MLB_NCCL_SUCCESS;
}

int ncclCommGetAsyncError(struct mlb_nccl_comm *comm, int *result)
{
    const char *calls = getenv("FAKE_NCCL_CALLS");
    bool stuck = fake_behaves("stuck") ||
                 (fake_behaves("stuck_end") && strstr(calls, "finalize")) ||
                 (fake_behaves("stuck_split") && strstr(calls, "split"));
    if (comm->busy > 0 && !stuck)
        comm->busy--;
    *result = comm->busy > 0 ? MLB_NCCL_IN_PROGRESS : MLB_NCCL_SUCCESS;
    if (comm->busy == 0)
        hand_over(comm);
    if (fake_behaves("lost"))
        *result = REMOTE_ERROR;
    return MLB_NCCL_SUCCESS;
}

const char *ncclGetErrorString(int result)
{
    return result == REMOTE_ERROR ? "remote process exited or there was a network error"
                                  : "invalid usage";
}

const char *ncclGetLastError(struct mlb_nccl_comm *comm)
{
    (void)comm;
    return fake_behaves("no_init") ? "Duplicate GPU detected" : "";
}

/* ---------------------------------------------------------------------------------------- groups
 */

int ncclGroupStart(void)
{
    if (group.depth++ == 0)
        group.sends = group.receives = 0, group.comm = NULL;
    return MLB_NCCL_SUCCESS;
}

int ncclGroupEnd(void)
{
    if (--group.depth > 0 || !group.comm)
        return MLB_NCCL_SUCCESS;
    if (group.sends != group.receives)
        return INVALID_USAGE;
    for (size_t i = 0; i < group.sends; i++)
        memmove(group.received[i], group.sent[i], group.bytes[i]);
    fake_note("end%s", mark(group.comm));
    fake_show_kernel("SendRecv", NULL, 0);
    return begin(group.comm);
}

#ifndef FAKE_OLD
/* A group of a communicator that does not block is launched for all that (NCCL's group.cc). */
int ncclGroupSimulateEnd(struct mlb_nccl_sim_info *info)
{
    group.depth--;
    if (!group.comm->blocking) {
        fake_note("launched-by-simulation");
        return begin(group.comm);
    }
    fake_note("simulated");
    if (info->magic != MLB_NCCL_SIM_MAGIC || info->size != sizeof *info)
        return INVALID_USAGE;
    info->estimated_us = 12.5f;
    return MLB_NCCL_SUCCESS;
}
#endif

/* ------------------------------------------------------------------------------------ collectives
 */

static size_t type_bytes(int type)
{
    static const size_t bytes[] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2};
    return type >= 0 && type < 10 ? bytes[type] : 0;
}

struct fake_call {
    const char *name, *function;
    const char *algorithm; /* NULL: sends and receives */
    struct mlb_nccl_comm *comm;
    void *stream;
};

/* False: not now. In a group a call only says what is to be done; alone it is a group of one. */
static bool enter(const struct fake_call *call)
{
    if (call->comm->busy > 0 || call->stream != (void *)0x51 || fake_behaves("no_call"))
        return false;
    fake_note("%s%s", call->name, mark(call->comm));
    if (group.depth > 0)
        group.comm = call->comm;
    return true;
}

static int leave(const struct fake_call *call, void *to, const void *from, size_t count, int type)
{
    if (group.depth > 0)
        return MLB_NCCL_SUCCESS;
    if (to)
        memmove(to, from, count * type_bytes(type));
    fake_show_kernel(call->function, call->algorithm, count);
    return begin(call->comm);
}

static char *block(void *base, int rank, size_t count, int type)
{
    return (char *)base + (size_t)rank * count * type_bytes(type);
}

static int do_call(const struct fake_call *call, void *to, const void *from, size_t count, int type)
{
    return enter(call) ? leave(call, to, from, count, type) : INVALID_USAGE;
}

int ncclAllReduce(const void *send, void *recv, size_t count, int type, int op,
                  struct mlb_nccl_comm *comm, void *stream)
{
    const struct fake_call call = {"sum", "AllReduce", "RING", comm, stream};
    return op == MLB_NCCL_SUM ? do_call(&call, recv, send, count, type) : INVALID_USAGE;
}

int ncclReduceScatter(const void *send, void *recv, size_t count, int type, int op,
                      struct mlb_nccl_comm *comm, void *stream)
{
    const struct fake_call call = {"sum-part", "ReduceScatter", "RING", comm, stream};
    const void *mine = block((void *)send, comm->rank, count, type);
    return op == MLB_NCCL_SUM ? do_call(&call, recv, mine, count, type) : INVALID_USAGE;
}

int ncclReduce(const void *send, void *recv, size_t count, int type, int op, int root,
               struct mlb_nccl_comm *comm, void *stream)
{
    const struct fake_call call = {"sum-to", "Reduce", "RING", comm, stream};
    void *to = comm->rank == root ? recv : NULL;
    return op == MLB_NCCL_SUM ? do_call(&call, to, send, count, type) : INVALID_USAGE;
}

int ncclAllGather(const void *send, void *recv, size_t count, int type, struct mlb_nccl_comm *comm,
                  void *stream)
{
    const struct fake_call call = {"all", "AllGather", "NVLS", comm, stream};
    return do_call(&call, block(recv, comm->rank, count, type), send, count, type);
}

int ncclBroadcast(const void *send, void *recv, size_t count, int type, int root,
                  struct mlb_nccl_comm *comm, void *stream)
{
    const struct fake_call call = {"from", "Broadcast", "TREE", comm, stream};
    return do_call(&call, comm->rank == root ? recv : NULL, send, count, type);
}

#ifndef FAKE_OLD
int ncclAlltoAll(const void *send, void *recv, size_t count, int type, struct mlb_nccl_comm *comm,
                 void *stream)
{
    const struct fake_call call = {"a2a", "AlltoAll", NULL, comm, stream};
    return do_call(&call, block(recv, comm->rank, count, type),
                   block((void *)send, comm->rank, count, type), count, type);
}

int ncclGather(const void *send, void *recv, size_t count, int type, int root,
               struct mlb_nccl_comm *comm, void *stream)
{
    const struct fake_call call = {"gather", "Gather", NULL, comm, stream};
    void *to = comm->rank == root ? block(recv, root, count, type) : NULL;
    return do_call(&call, to, send, count, type);
}

int ncclScatter(const void *send, void *recv, size_t count, int type, int root,
                struct mlb_nccl_comm *comm, void *stream)
{
    const struct fake_call call = {"scatter", "Scatter", NULL, comm, stream};
    bool is_root = comm->rank == root;
    return do_call(&call, is_root ? recv : NULL,
                   is_root ? block((void *)send, root, count, type) : send, count, type);
}
#endif

/* Alone a send to oneself would wait for ever: only in groups here. */
static bool enter_piece(const char *what, int peer, struct mlb_nccl_comm *comm, void *stream)
{
    char name[32];
    snprintf(name, sizeof name, "%s%d", what, peer);
    const struct fake_call call = {name, "SendRecv", NULL, comm, stream};
    return group.depth > 0 && peer >= 0 && peer < comm->ranks && enter(&call);
}

int ncclSend(const void *from, size_t count, int type, int peer, struct mlb_nccl_comm *comm,
             void *stream)
{
    if (!enter_piece("s", peer, comm, stream))
        return INVALID_USAGE;
    if (peer == comm->rank) {
        group.bytes[group.sends] = count * type_bytes(type);
        group.sent[group.sends++] = from;
    }
    return MLB_NCCL_SUCCESS;
}

int ncclRecv(void *to, size_t count, int type, int peer, struct mlb_nccl_comm *comm, void *stream)
{
    (void)count, (void)type;
    if (!enter_piece("r", peer, comm, stream))
        return INVALID_USAGE;
    if (peer == comm->rank)
        group.received[group.receives++] = to;
    return MLB_NCCL_SUCCESS;
}
