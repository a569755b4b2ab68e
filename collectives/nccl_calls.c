/* SPDX-License-Identifier: Apache-2.0 */
/* The collectives over NCCL: one task each, put into a call or a group of calls. */
#include "collectives/nccl_channel.h"

enum op {
    ALL_REDUCE,
    REDUCE_SCATTER,
    REDUCE,
    ALL_GATHER,
    BROADCAST,
    ALLTOALL,
    GATHER,
    SCATTER,
    PAIR
};

static const struct {
    const char *name; /* as NCCL calls it */
    bool sums;
    bool modelled; /* NCCL's cost table knows it; sends and receives it does not */
} ops[] = {
    [ALL_REDUCE] = {"ncclAllReduce", true, true},
    [REDUCE_SCATTER] = {"ncclReduceScatter", true, true},
    [REDUCE] = {"ncclReduce", true, true},
    [ALL_GATHER] = {"ncclAllGather", false, true},
    [BROADCAST] = {"ncclBroadcast", false, true},
    [ALLTOALL] = {"ncclAlltoAll", false, false},
    [GATHER] = {"ncclGather", false, false},
    [SCATTER] = {"ncclScatter", false, false},
    [PAIR] = {"ncclSend and ncclRecv", false, false},
};

struct task {
    enum op op;
    const void *send;
    void *recv;
    size_t count; /* elements of one rank's block */
    enum mlb_dtype dtype;
    int root, to, from;
};

/* Where a task goes. */
struct way {
    const struct mlb_nccl_functions *call;
    struct mlb_nccl_comm *comm;
    void *stream;
    int type;
    int rank, ranks;
};

/* Sums need the type itself, moves one of its size. */
static int nccl_type(enum mlb_dtype dtype, bool sums)
{
    switch (dtype) {
    case MLB_F64:
        return MLB_NCCL_FLOAT64;
    case MLB_F32:
        return MLB_NCCL_FLOAT32;
    case MLB_BF16:
        return MLB_NCCL_BFLOAT16;
    case MLB_F16:
        return MLB_NCCL_FLOAT16;
    case MLB_S32:
        return MLB_NCCL_INT32;
    case MLB_TF32:
        return sums ? -1 : MLB_NCCL_FLOAT32;
    default:
        return sums ? -1 : MLB_NCCL_INT8;
    }
}

/* ------------------------------------------------------------- sends and receives in one group */

static const void *block(const struct task *task, const void *base, int rank)
{
    return (const char *)base + (size_t)rank * task->count * mlb_dtype_bytes(task->dtype);
}

static int send_to(const struct way *way, const struct task *task, const void *from, int rank)
{
    return way->call->send(from, task->count, way->type, rank, way->comm, way->stream);
}

static int recv_from(const struct way *way, const struct task *task, const void *to, int rank)
{
    return way->call->recv((void *)to, task->count, way->type, rank, way->comm, way->stream);
}

static bool is_bad(int code)
{
    return code != MLB_NCCL_SUCCESS && code != MLB_NCCL_IN_PROGRESS;
}

static int enqueue_alltoall(const struct way *way, const struct task *task)
{
    int code = MLB_NCCL_SUCCESS;
    for (int rank = 0; rank < way->ranks && !is_bad(code); rank++) {
        code = send_to(way, task, block(task, task->send, rank), rank);
        if (!is_bad(code))
            code = recv_from(way, task, block(task, task->recv, rank), rank);
    }
    return code;
}

/* In place, a root's own block lies where it belongs and is neither sent nor received. */
static int enqueue_gather(const struct way *way, const struct task *task)
{
    bool root = way->rank == task->root;
    bool in_place = root && block(task, task->recv, way->rank) == task->send;
    int code = in_place ? MLB_NCCL_SUCCESS : send_to(way, task, task->send, task->root);
    for (int rank = 0; root && rank < way->ranks && !is_bad(code); rank++)
        if (!in_place || rank != way->rank)
            code = recv_from(way, task, block(task, task->recv, rank), rank);
    return code;
}

static int enqueue_scatter(const struct way *way, const struct task *task)
{
    bool root = way->rank == task->root;
    bool in_place = root && block(task, task->send, way->rank) == task->recv;
    int code = in_place ? MLB_NCCL_SUCCESS : recv_from(way, task, task->recv, task->root);
    for (int rank = 0; root && rank < way->ranks && !is_bad(code); rank++)
        if (!in_place || rank != way->rank)
            code = send_to(way, task, block(task, task->send, rank), rank);
    return code;
}

static int enqueue_pair(const struct way *way, const struct task *task)
{
    int code = MLB_NCCL_SUCCESS;
    if (task->to >= 0)
        code = send_to(way, task, task->send, task->to);
    if (task->from >= 0 && !is_bad(code))
        code = recv_from(way, task, task->recv, task->from);
    return code;
}

static int enqueue_pieces(const struct way *way, const struct task *task)
{
    switch (task->op) {
    case ALLTOALL:
        return enqueue_alltoall(way, task);
    case GATHER:
        return enqueue_gather(way, task);
    case SCATTER:
        return enqueue_scatter(way, task);
    default:
        return enqueue_pair(way, task);
    }
}

static int in_group(const struct way *way, const struct task *task)
{
    int code = way->call->group_start();
    if (code != MLB_NCCL_SUCCESS)
        return code;
    code = enqueue_pieces(way, task);
    int ended = way->call->group_end();
    return is_bad(code) ? code : ended;
}

/* -------------------------------------------------------------------------------------- one task
 */

/* NCCL has calls for all but the last from 2.28.3 on. */
static bool has_call(const struct mlb_nccl_functions *call, enum op op)
{
    switch (op) {
    case ALLTOALL:
        return call->alltoall != NULL;
    case GATHER:
        return call->gather != NULL;
    case SCATTER:
        return call->scatter != NULL;
    default:
        return op != PAIR;
    }
}

static int enqueue(const struct way *way, const struct task *task)
{
    const struct mlb_nccl_functions *call = way->call;
    const void *send = task->send;
    void *recv = task->recv;
    size_t count = task->count;
    if (!has_call(call, task->op))
        return in_group(way, task);
    switch (task->op) {
    case ALL_REDUCE:
        return call->all_reduce(send, recv, count, way->type, MLB_NCCL_SUM, way->comm, way->stream);
    case REDUCE_SCATTER:
        return call->reduce_scatter(send, recv, count, way->type, MLB_NCCL_SUM, way->comm,
                                    way->stream);
    case REDUCE:
        return call->reduce(send, recv, count, way->type, MLB_NCCL_SUM, task->root, way->comm,
                            way->stream);
    case ALL_GATHER:
        return call->all_gather(send, recv, count, way->type, way->comm, way->stream);
    case BROADCAST:
        return call->broadcast(send, recv, count, way->type, task->root, way->comm, way->stream);
    case ALLTOALL:
        return call->alltoall(send, recv, count, way->type, way->comm, way->stream);
    case GATHER:
        return call->gather(send, recv, count, way->type, task->root, way->comm, way->stream);
    default:
        return call->scatter(send, recv, count, way->type, task->root, way->comm, way->stream);
    }
}

/* What NCCL's own model gives for the task, without doing it. Not on a communicator that does not
 * block: there the end of the simulation is the end of a real group (src/group.cc, 2.22 to 2.28).
 */
static void predict(struct mlb_nccl_channel *channel, const struct task *task, struct way way)
{
    struct mlb_nccl_sim_info info = {
        .size = sizeof info, .magic = MLB_NCCL_SIM_MAGIC, .version = 22200, .estimated_us = -1.0f};
    channel->seen.predicted_ns = 0.0;
    way.comm = channel->direct;
    if (!way.comm || !way.call->group_simulate_end || !ops[task->op].modelled ||
        way.call->group_start() != MLB_NCCL_SUCCESS)
        return;
    int code = enqueue(&way, task);
    int ended = way.call->group_simulate_end(&info);
    if (code == MLB_NCCL_SUCCESS && ended == MLB_NCCL_SUCCESS && info.estimated_us > 0.0f)
        channel->seen.predicted_ns = 1e3 * (double)info.estimated_us;
}

static enum mlb_status finish(struct mlb_nccl_channel *channel, const struct way *way,
                              const struct task *task, int code, struct mlb_error *err)
{
    const struct mlb_nccl *nccl = &channel->job->nccl;
    const char *name = ops[task->op].name;
    if (code == MLB_NCCL_SUCCESS)
        return MLB_OK;
    enum mlb_status status =
        code == MLB_NCCL_IN_PROGRESS
            ? mlb_nccl_settle(nccl, way->comm, code, channel->channel.comm->deadline_s, name, err)
            : mlb_nccl_fail(nccl, way->comm, code, err, "%s of %zu x %s", name, task->count,
                            mlb_dtype_name(task->dtype));
    channel->job->failed = channel->job->failed || status != MLB_OK;
    channel->late = channel->late || !channel->observing;
    return status;
}

static enum mlb_status perform(struct mlb_channel *base, const struct task *task,
                               struct mlb_error *err)
{
    struct mlb_nccl_channel *channel = (struct mlb_nccl_channel *)base;
    bool timed = !channel->observing && channel->direct;
    struct way way = {.call = &channel->job->nccl.call,
                      .comm = timed ? channel->direct : channel->polled,
                      .stream = base->device->backend->stream(base->device),
                      .type = nccl_type(task->dtype, ops[task->op].sums),
                      .rank = base->rank,
                      .ranks = base->size};
    if (way.type < 0)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "nccl: no sum of %s; f64, f32, bf16, f16 and s32 are",
                        mlb_dtype_name(task->dtype));
    if (channel->job->failed)
        return mlb_fail(err, MLB_E_COMM, "nccl: %s: a call before has failed", ops[task->op].name);
    if (!mlb_nccl_enter(channel->job, err))
        return err->status;
    enum mlb_status status = finish(channel, &way, task, enqueue(&way, task), err);
    channel->grouped = !has_call(way.call, task->op);
    if (status == MLB_OK && channel->observing)
        predict(channel, task, way);
    mlb_nccl_leave(channel->job);
    return status;
}

/* ------------------------------------------------------------------------------- the operations */

enum mlb_status mlb_nccl_all_reduce(struct mlb_channel *channel, const void *send, void *recv,
                                    size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    return perform(channel, &(struct task){ALL_REDUCE, send, recv, count, dtype, 0, 0, 0}, err);
}

enum mlb_status mlb_nccl_reduce_scatter(struct mlb_channel *channel, const void *send, void *recv,
                                        size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    return perform(channel, &(struct task){REDUCE_SCATTER, send, recv, count, dtype, 0, 0, 0}, err);
}

enum mlb_status mlb_nccl_all_gather(struct mlb_channel *channel, const void *send, void *recv,
                                    size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    return perform(channel, &(struct task){ALL_GATHER, send, recv, count, dtype, 0, 0, 0}, err);
}

enum mlb_status mlb_nccl_alltoall(struct mlb_channel *channel, const void *send, void *recv,
                                  size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    return perform(channel, &(struct task){ALLTOALL, send, recv, count, dtype, 0, 0, 0}, err);
}

enum mlb_status mlb_nccl_reduce(struct mlb_channel *channel, const void *send, void *recv,
                                size_t count, enum mlb_dtype dtype, int root, struct mlb_error *err)
{
    return perform(channel, &(struct task){REDUCE, send, recv, count, dtype, root, 0, 0}, err);
}

enum mlb_status mlb_nccl_broadcast(struct mlb_channel *channel, const void *send, void *recv,
                                   size_t count, enum mlb_dtype dtype, int root,
                                   struct mlb_error *err)
{
    return perform(channel, &(struct task){BROADCAST, send, recv, count, dtype, root, 0, 0}, err);
}

enum mlb_status mlb_nccl_gather(struct mlb_channel *channel, const void *send, void *recv,
                                size_t count, enum mlb_dtype dtype, int root, struct mlb_error *err)
{
    return perform(channel, &(struct task){GATHER, send, recv, count, dtype, root, 0, 0}, err);
}

enum mlb_status mlb_nccl_scatter(struct mlb_channel *channel, const void *send, void *recv,
                                 size_t count, enum mlb_dtype dtype, int root,
                                 struct mlb_error *err)
{
    return perform(channel, &(struct task){SCATTER, send, recv, count, dtype, root, 0, 0}, err);
}

enum mlb_status mlb_nccl_sendrecv(struct mlb_channel *channel, const void *send, int to, void *recv,
                                  int from, size_t count, enum mlb_dtype dtype,
                                  struct mlb_error *err)
{
    if (to < 0 && from < 0)
        return MLB_OK;
    return perform(channel, &(struct task){PAIR, send, recv, count, dtype, 0, to, from}, err);
}
