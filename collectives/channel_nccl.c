/* SPDX-License-Identifier: Apache-2.0 */
/* Data plane over NCCL: collectives on GPU buffers, enqueued on the device's stream.
 *
 * The communicator is blocking: a non-blocking one starts a thread for each collective, tens of
 * microseconds that would be timed as NCCL's. What may wait for other ranks within NCCL (start,
 * end, and the first collective, which connects) is watched by the watchdog instead. NCCL's own
 * environment variables are the user's: none is set here, and with NCCL_COMM_BLOCKING=0 calls
 * return "in progress" and are polled against a deadline. */
#include "collectives/channels.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "collectives/nccl_abi.h"
#include "collectives/patience.h"
#include "harness/base/text.h"
#include "harness/device/dynlib.h"

#define START_S_PER_RANK 0.05 /* bootstrap of large jobs: on top of the deadline of a wait */

struct channel {
    struct mlb_channel channel; /* first */
    struct mlb_dynlib library;
    struct mlb_nccl_functions call;
    struct mlb_nccl_comm *comm;
    bool failed; /* only abort is allowed any more */
};

static const char *const sonames[] = {"libnccl.so.2", NULL};

static const struct mlb_symbol symbols[] = {
    {"ncclGetVersion", offsetof(struct mlb_nccl_functions, get_version), false},
    {"ncclGetUniqueId", offsetof(struct mlb_nccl_functions, get_unique_id), false},
    {"ncclCommInitRankConfig", offsetof(struct mlb_nccl_functions, comm_init_rank_config), false},
    {"ncclCommFinalize", offsetof(struct mlb_nccl_functions, comm_finalize), false},
    {"ncclCommDestroy", offsetof(struct mlb_nccl_functions, comm_destroy), false},
    {"ncclCommAbort", offsetof(struct mlb_nccl_functions, comm_abort), false},
    {"ncclCommGetAsyncError", offsetof(struct mlb_nccl_functions, comm_get_async_error), false},
    {"ncclAllReduce", offsetof(struct mlb_nccl_functions, all_reduce), false},
    {"ncclGetErrorString", offsetof(struct mlb_nccl_functions, get_error_string), false},
    {"ncclGetLastError", offsetof(struct mlb_nccl_functions, get_last_error), false},
    {0},
};

static const struct mlb_library library = {
    .name = "NCCL",
    .sonames = sonames,
    .symbols = symbols,
    .advice = "install libnccl2 (NVIDIA's package repository) or pip's nvidia-nccl and put its "
              "folder into LD_LIBRARY_PATH",
};

static struct channel *channel_of(struct mlb_channel *channel)
{
    return (struct channel *)channel;
}

/* NCCL's code becomes a status here and nowhere else. Its last warning says what the code does not
 * ("Duplicate GPU detected : rank 1 and rank 0 both on CUDA device 1b000"). */
static __attribute__((format(printf, 4, 5))) enum mlb_status
fail(struct channel *channel, int code, struct mlb_error *err, const char *what, ...)
{
    char place[160];
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(place, sizeof place, what, arguments);
    va_end(arguments);
    const char *last = channel->call.get_last_error(channel->comm);
    channel->failed = true;
    return mlb_fail(err, MLB_E_COMM, "nccl: %s: %s%s%.400s", place,
                    channel->call.get_error_string(code), last && *last ? ": " : "",
                    last ? last : "");
}

/* Until the communicator is no longer busy with what it was asked for. */
static enum mlb_status settle(struct channel *channel, int code, double deadline_s,
                              const char *what, struct mlb_error *err)
{
    struct mlb_patience patience = {0};
    while (code == MLB_NCCL_IN_PROGRESS) {
        int asked = channel->call.comm_get_async_error(channel->comm, &code);
        if (asked != MLB_NCCL_SUCCESS)
            return fail(channel, asked, err, "%s", what);
        if (code == MLB_NCCL_IN_PROGRESS && !mlb_patience_wait(&patience, deadline_s)) {
            channel->failed = true;
            return mlb_fail(err, MLB_E_TIMEOUT,
                            "nccl: %s was not done within %.3g s: a rank did not come, or its "
                            "network does not reach the others (NCCL_DEBUG=INFO tells more)",
                            what, deadline_s);
        }
    }
    return code == MLB_NCCL_SUCCESS ? MLB_OK : fail(channel, code, err, "%s", what);
}

static void version_text(int code, char *to, size_t size)
{
    mlb_format(to, size, "NCCL %d.%d.%d", code / 10000, code / 100 % 100, code % 100);
}

static void version(char *to, size_t size)
{
    struct mlb_dynlib opened = {0};
    struct mlb_nccl_functions call;
    struct mlb_error ignored = {0};
    int code = 0;
    to[0] = 0;
    if (mlb_dynlib_open(&opened, &library, NULL, &call, &ignored) != MLB_OK)
        return;
    if (call.get_version(&code) == MLB_NCCL_SUCCESS)
        version_text(code, to, size);
    mlb_dynlib_close(&opened);
}

/* ---------------------------------------------------------------------------------- open, close */

static enum mlb_status load(struct channel *channel, struct mlb_error *err)
{
    enum mlb_status status =
        mlb_dynlib_open(&channel->library, &library, NULL, &channel->call, err);
    if (status != MLB_OK)
        return status;
    int code = 0;
    int got = channel->call.get_version(&code);
    if (got == MLB_NCCL_SUCCESS && code >= MLB_NCCL_OLDEST)
        return MLB_OK;
    char text[32];
    version_text(code, text, sizeof text);
    return mlb_fail(err, MLB_E_UNSUPPORTED, "%s (%s) is too old: 2.18 or newer is needed", text,
                    channel->library.path);
}

static enum mlb_status start(struct channel *channel, struct mlb_nccl_id id, struct mlb_error *err)
{
    struct mlb_comm *comm = channel->channel.comm;
    struct mlb_nccl_config config = {
        .size = sizeof config,
        .magic = MLB_NCCL_CONFIG_MAGIC,
        .version = MLB_NCCL_OLDEST,
        .blocking = 1,
        .cga_cluster_size = MLB_NCCL_UNSET,
        .min_ctas = MLB_NCCL_UNSET,
        .max_ctas = MLB_NCCL_UNSET,
        .net_name = NULL,
        .split_share = MLB_NCCL_UNSET,
    };
    double limit_s = comm->deadline_s + START_S_PER_RANK * comm->size;
    comm->ops->watch(comm, "the start of NCCL (NCCL_DEBUG=INFO tells more)", limit_s);
    int code =
        channel->call.comm_init_rank_config(&channel->comm, comm->size, id, comm->rank, &config);
    enum mlb_status status = settle(channel, code, limit_s, "start of the communicator", err);
    comm->ops->unwatch(comm);
    return status;
}

/* A communicator in trouble is aborted, a sound one is finalized; both have a limit. */
static void end_communicator(struct channel *channel)
{
    struct mlb_comm *comm = channel->channel.comm;
    struct mlb_error ignored = {0};
    int state = MLB_NCCL_SUCCESS;
    if (!channel->comm)
        return;
    /* Longer than the limit of finalize alone, after which it is aborted. */
    comm->ops->watch(comm, "the end of NCCL", 2.0 * comm->deadline_s);
    if (!channel->failed &&
        (channel->call.comm_get_async_error(channel->comm, &state) != MLB_NCCL_SUCCESS ||
         state != MLB_NCCL_SUCCESS))
        channel->failed = true;
    if (!channel->failed)
        settle(channel, channel->call.comm_finalize(channel->comm), comm->deadline_s,
               "end of the communicator", &ignored);
    if (channel->failed)
        channel->call.comm_abort(channel->comm);
    else
        channel->call.comm_destroy(channel->comm);
    comm->ops->unwatch(comm);
}

static void close_channel(struct mlb_channel *base)
{
    if (!base)
        return;
    struct channel *channel = channel_of(base);
    end_communicator(channel);
    mlb_dynlib_close(&channel->library);
    free(channel);
}

static enum mlb_status open_channel(struct mlb_comm *comm, struct mlb_device *device,
                                    struct mlb_channel **opened, struct mlb_error *err)
{
    *opened = NULL;
    struct mlb_nccl_id id = {0};
    enum mlb_status status = MLB_OK;
    struct channel *channel = calloc(1, sizeof *channel);
    if (channel) {
        channel->channel = (struct mlb_channel){.ops = &mlb_channel_nccl,
                                                .comm = comm,
                                                .device = device,
                                                .rank = comm->rank,
                                                .size = comm->size};
        status = load(channel, err);
    } else {
        status = mlb_fail(err, MLB_E_NOMEM, "nccl channel: out of memory");
    }
    if (status == MLB_OK && comm->rank == 0) {
        int code = channel->call.get_unique_id(&id);
        if (code != MLB_NCCL_SUCCESS)
            status = fail(channel, code, err, "make an id for %d ranks", comm->size);
    }
    /* All have the library and the id, or nobody goes in. */
    status = mlb_comm_agree(comm, status, err);
    if (status == MLB_OK)
        status = comm->ops->broadcast(comm, &id, sizeof id, 0, err);
    if (status == MLB_OK)
        status = mlb_comm_agree(comm, start(channel, id, err), err);
    if (status != MLB_OK) {
        close_channel(channel ? &channel->channel : NULL);
        return status;
    }
    *opened = &channel->channel;
    return MLB_OK;
}

/* ------------------------------------------------------------------------------------ operations
 */

static int nccl_type(enum mlb_dtype dtype)
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
    default:
        return -1;
    }
}

static enum mlb_status all_reduce(struct mlb_channel *base, const void *send, void *recv,
                                  size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    struct channel *channel = channel_of(base);
    int type = nccl_type(dtype);
    if (type < 0)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "nccl: no sum of %s; f64, f32, bf16, f16 and s32 are",
                        mlb_dtype_name(dtype));
    void *stream = base->device->backend->stream(base->device);
    int code =
        channel->call.all_reduce(send, recv, count, type, MLB_NCCL_SUM, channel->comm, stream);
    if (code == MLB_NCCL_SUCCESS)
        return MLB_OK;
    if (code != MLB_NCCL_IN_PROGRESS)
        return fail(channel, code, err, "ncclAllReduce of %zu x %s", count, mlb_dtype_name(dtype));
    return settle(channel, code, base->comm->deadline_s, "ncclAllReduce", err);
}

const struct mlb_channel_ops mlb_channel_nccl = {
    .name = "nccl",
    .device_kind = "cuda",
    .version = version,
    .open = open_channel,
    .close = close_channel,
    .all_reduce = all_reduce,
};
