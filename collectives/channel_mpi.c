/* SPDX-License-Identifier: Apache-2.0 */
/* Data plane over MPI: open, split, close, and which operation is which call. */
#include "collectives/mpi_calls.h"

#include <stdlib.h>

#include "collectives/channels.h"
#include "collectives/comm_mpi.h"
#include "collectives/half_sum.h"

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
    struct mlb_mpi_channel *channel = mlb_mpi_channel_of(base);
    if (channel->sum_bf16 != MPI_OP_NULL)
        MPI_Op_free(&channel->sum_bf16);
    if (channel->sum_f16 != MPI_OP_NULL)
        MPI_Op_free(&channel->sum_f16);
    if (channel->part && channel->data != MPI_COMM_NULL)
        MPI_Comm_free(&channel->data);
    free(channel);
}

/* A channel over `data`, of which it is the owner when `part`. MPI_COMM_NULL: one rank, no MPI. */
static enum mlb_status make(const struct mlb_channel *like, MPI_Comm data, bool part,
                            struct mlb_channel **made, struct mlb_error *err)
{
    struct mlb_mpi_channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        return mlb_fail(err, MLB_E_NOMEM, "mpi channel: out of memory");
    channel->channel = *like;
    channel->data = data;
    channel->part = part;
    channel->sum_bf16 = channel->sum_f16 = MPI_OP_NULL;
    channel->block = MLB_MPI_BLOCK;
    int code = MPI_SUCCESS;
    if (data != MPI_COMM_NULL) {
        code = MPI_Op_create(add_bf16, 1, &channel->sum_bf16);
        if (code == MPI_SUCCESS)
            code = MPI_Op_create(add_f16, 1, &channel->sum_f16);
        if (code == MPI_SUCCESS)
            code = MPI_Comm_rank(data, &channel->channel.rank);
        if (code == MPI_SUCCESS)
            code = MPI_Comm_size(data, &channel->channel.size);
    }
    if (code != MPI_SUCCESS) {
        close_channel(&channel->channel);
        return mlb_mpi_status(code, err, "make the sum of 16-bit floats");
    }
    *made = &channel->channel;
    return MLB_OK;
}

static enum mlb_status open_channel(struct mlb_comm *comm, struct mlb_device *device,
                                    struct mlb_channel **opened, struct mlb_error *err)
{
    const struct mlb_channel like = {
        .ops = &mlb_channel_mpi, .comm = comm, .device = device, .size = 1};
    bool mpi = comm->ops == &mlb_comm_mpi_ops;
    *opened = NULL;
    return make(&like, mpi ? mlb_mpi_of(comm)->data : MPI_COMM_NULL, false, opened, err);
}

static enum mlb_status split(struct mlb_channel *base, int color, struct mlb_channel **part,
                             struct mlb_error *err)
{
    MPI_Comm parent = mlb_mpi_channel_of(base)->data, data = MPI_COMM_NULL;
    *part = NULL;
    if (parent != MPI_COMM_NULL) {
        int code = MPI_Comm_split(parent, color < 0 ? MPI_UNDEFINED : color, base->rank, &data);
        if (code != MPI_SUCCESS)
            return mlb_mpi_status(code, err, "split %d ranks", base->size);
    }
    if (color < 0)
        return MLB_OK;
    enum mlb_status status = make(base, data, true, part, err);
    if (status != MLB_OK && data != MPI_COMM_NULL)
        MPI_Comm_free(&data);
    return status;
}

void mlb_channel_mpi_set_block(struct mlb_channel *channel, size_t elements)
{
    mlb_mpi_channel_of(channel)->block = elements;
}

const struct mlb_channel_ops mlb_channel_mpi = {
    .name = "mpi",
    .device_kind = "cpu",
    .version = version,
    .open = open_channel,
    .close = close_channel,
    .split = split,
    .all_reduce = mlb_mpi_all_reduce,
    .reduce_scatter = mlb_mpi_reduce_scatter,
    .reduce = mlb_mpi_reduce,
    .all_gather = mlb_mpi_all_gather,
    .alltoall = mlb_mpi_alltoall,
    .broadcast = mlb_mpi_broadcast,
    .gather = mlb_mpi_gather,
    .scatter = mlb_mpi_scatter,
    .sendrecv = mlb_mpi_sendrecv,
};
