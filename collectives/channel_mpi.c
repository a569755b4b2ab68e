/* SPDX-License-Identifier: Apache-2.0 */
/* Data plane over MPI: collectives on host memory, done on return. */
#include "collectives/channels.h"

#include <stdlib.h>
#include <string.h>

#include "collectives/comm_mpi.h"
#include "collectives/half_sum.h"
#include "harness/base/text.h"

/* MPI counts with an int; a power of two keeps every block aligned. */
#define BLOCK_ELEMENTS ((size_t)1 << 30)

struct channel {
    struct mlb_channel channel; /* first */
    MPI_Comm data;              /* borrowed from the communicator; unused in a job of one rank */
    MPI_Op sum_bf16, sum_f16;
    size_t block;
};

static struct channel *channel_of(struct mlb_channel *channel)
{
    return (struct channel *)channel;
}

/* MPI_User_function fixes these types. */
static void add_bf16(void *from, void *into, int *count, MPI_Datatype *type)
{
    (void)type;
    mlb_sum_bf16(into, from, (size_t)*count);
}

static void add_f16(void *from, void *into, int *count, MPI_Datatype *type)
{
    (void)type;
    mlb_sum_f16(into, from, (size_t)*count);
}

static void version(char *to, size_t size)
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(text, &length);
    mlb_mpi_short_version(text, to, size);
}

static void close_channel(struct mlb_channel *base)
{
    if (!base)
        return;
    struct channel *channel = channel_of(base);
    if (channel->sum_bf16 != MPI_OP_NULL)
        MPI_Op_free(&channel->sum_bf16);
    if (channel->sum_f16 != MPI_OP_NULL)
        MPI_Op_free(&channel->sum_f16);
    free(channel);
}

static enum mlb_status open_channel(struct mlb_comm *comm, struct mlb_device *device,
                                    struct mlb_channel **opened, struct mlb_error *err)
{
    *opened = NULL;
    struct channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        return mlb_fail(err, MLB_E_NOMEM, "mpi channel: out of memory");
    channel->channel =
        (struct mlb_channel){.ops = &mlb_channel_mpi, .comm = comm, .device = device};
    channel->data = MPI_COMM_NULL;
    channel->sum_bf16 = channel->sum_f16 = MPI_OP_NULL;
    channel->block = BLOCK_ELEMENTS;
    if (comm->ops == &mlb_comm_mpi_ops) {
        channel->data = mlb_mpi_of(comm)->data;
        int code = MPI_Op_create(add_bf16, 1, &channel->sum_bf16);
        if (code == MPI_SUCCESS)
            code = MPI_Op_create(add_f16, 1, &channel->sum_f16);
        if (code != MPI_SUCCESS) {
            close_channel(&channel->channel);
            return mlb_mpi_status(code, err, "make the sum of 16-bit floats");
        }
    }
    *opened = &channel->channel;
    return MLB_OK;
}

struct reduction {
    MPI_Datatype type;
    MPI_Op op;
};

static enum mlb_status choose(const struct channel *channel, enum mlb_dtype dtype,
                              struct reduction *reduction, struct mlb_error *err)
{
    switch (dtype) {
    case MLB_F64:
        *reduction = (struct reduction){MPI_DOUBLE, MPI_SUM};
        return MLB_OK;
    case MLB_F32:
        *reduction = (struct reduction){MPI_FLOAT, MPI_SUM};
        return MLB_OK;
    case MLB_S32:
        *reduction = (struct reduction){MPI_INT32_T, MPI_SUM};
        return MLB_OK;
    case MLB_BF16:
        *reduction = (struct reduction){MPI_UINT16_T, channel->sum_bf16};
        return MLB_OK;
    case MLB_F16:
        *reduction = (struct reduction){MPI_UINT16_T, channel->sum_f16};
        return MLB_OK;
    default:
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "mpi: no sum of %s; f64, f32, bf16, f16 and s32 are",
                        mlb_dtype_name(dtype));
    }
}

static enum mlb_status all_reduce(struct mlb_channel *base, const void *send, void *recv,
                                  size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    struct channel *channel = channel_of(base);
    struct reduction reduction = {MPI_DATATYPE_NULL, MPI_OP_NULL};
    enum mlb_status status = choose(channel, dtype, &reduction, err);
    if (status != MLB_OK)
        return status;
    size_t element = mlb_dtype_bytes(dtype);
    if (channel->data == MPI_COMM_NULL) { /* one rank: the sum is a copy */
        if (send != recv)
            memcpy(recv, send, count * element);
        return MLB_OK;
    }
    for (size_t first = 0; first < count; first += channel->block) {
        size_t left = count - first;
        int block = (int)(left < channel->block ? left : channel->block);
        const char *from = (const char *)send + first * element;
        char *to = (char *)recv + first * element;
        int code = MPI_Allreduce(send == recv ? MPI_IN_PLACE : (const void *)from, to, block,
                                 reduction.type, reduction.op, channel->data);
        if (code != MPI_SUCCESS)
            return mlb_mpi_status(code, err, "MPI_Allreduce of %d x %s", block,
                                  mlb_dtype_name(dtype));
    }
    return MLB_OK;
}

void mlb_channel_mpi_set_block(struct mlb_channel *channel, size_t elements)
{
    channel_of(channel)->block = elements;
}

const struct mlb_channel_ops mlb_channel_mpi = {
    .name = "mpi",
    .device_kind = "cpu",
    .version = version,
    .open = open_channel,
    .close = close_channel,
    .all_reduce = all_reduce,
};
