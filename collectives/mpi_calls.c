/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of the data plane over MPI: collectives on host memory, done on return.
 *
 * MPI counts with an int. Sums of longer arrays are cut into several calls; moves of longer blocks
 * are one call with one element of a type as long as the block. */
#include "collectives/mpi_calls.h"

#include <limits.h>
#include <string.h>

#include "collectives/comm_mpi.h"
#include "harness/base/dtype.h"

/* One rank without MPI: its block is all there is. */
static bool is_alone(const struct mlb_mpi_channel *channel)
{
    return channel->data == MPI_COMM_NULL;
}

static enum mlb_status copy_block(const void *send, void *recv, size_t count, enum mlb_dtype dtype)
{
    if (send != recv)
        memcpy(recv, send, count * mlb_dtype_bytes(dtype));
    return MLB_OK;
}

static const char *at(const void *buffer, size_t index, enum mlb_dtype dtype)
{
    return (const char *)buffer + index * mlb_dtype_bytes(dtype);
}

static char *at_mine(const struct mlb_channel *base, void *buffer, size_t count,
                     enum mlb_dtype dtype)
{
    return (char *)buffer + (size_t)base->rank * count * mlb_dtype_bytes(dtype);
}

/* ------------------------------------------------------------------------------------------ sums
 */

struct reduction {
    MPI_Datatype type;
    MPI_Op op;
};

static enum mlb_status choose(const struct mlb_mpi_channel *channel, enum mlb_dtype dtype,
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

static int next_block(const struct mlb_mpi_channel *channel, size_t left)
{
    return (int)(left < channel->block ? left : channel->block);
}

enum mlb_status mlb_mpi_all_reduce(struct mlb_channel *base, const void *send, void *recv,
                                   size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    struct mlb_mpi_channel *channel = mlb_mpi_channel_of(base);
    struct reduction reduction = {MPI_DATATYPE_NULL, MPI_OP_NULL};
    enum mlb_status status = choose(channel, dtype, &reduction, err);
    if (status != MLB_OK || is_alone(channel))
        return status != MLB_OK ? status : copy_block(send, recv, count, dtype);
    for (size_t first = 0; first < count; first += channel->block) {
        int block = next_block(channel, count - first);
        const void *from = send == recv ? MPI_IN_PLACE : at(send, first, dtype);
        int code = MPI_Allreduce(from, (void *)at(recv, first, dtype), block, reduction.type,
                                 reduction.op, channel->data);
        if (code != MPI_SUCCESS)
            return mlb_mpi_status(code, err, "MPI_Allreduce of %d x %s", block,
                                  mlb_dtype_name(dtype));
    }
    return MLB_OK;
}

enum mlb_status mlb_mpi_reduce(struct mlb_channel *base, const void *send, void *recv, size_t count,
                               enum mlb_dtype dtype, int root, struct mlb_error *err)
{
    struct mlb_mpi_channel *channel = mlb_mpi_channel_of(base);
    struct reduction reduction = {MPI_DATATYPE_NULL, MPI_OP_NULL};
    enum mlb_status status = choose(channel, dtype, &reduction, err);
    if (status != MLB_OK || is_alone(channel))
        return status != MLB_OK ? status : copy_block(send, recv, count, dtype);
    bool in_place = send == recv && base->rank == root;
    for (size_t first = 0; first < count; first += channel->block) {
        int block = next_block(channel, count - first);
        const void *from = in_place ? MPI_IN_PLACE : at(send, first, dtype);
        void *to = base->rank == root ? (void *)at(recv, first, dtype) : NULL;
        int code = MPI_Reduce(from, to, block, reduction.type, reduction.op, root, channel->data);
        if (code != MPI_SUCCESS)
            return mlb_mpi_status(code, err, "MPI_Reduce of %d x %s", block, mlb_dtype_name(dtype));
    }
    return MLB_OK;
}

/* The parts of long arrays do not lie side by side: each rank's is reduced to it by itself. */
static enum mlb_status scatter_long(struct mlb_channel *base, const void *send, void *recv,
                                    size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    for (int root = 0; root < base->size && status == MLB_OK; root++) {
        const char *part = at(send, (size_t)root * count, dtype);
        status = mlb_mpi_reduce(base, part, recv, count, dtype, root, err);
    }
    return status;
}

/* MPI leaves the result of a call in place at the front; this contract wants it at the rank's own
 * part. */
enum mlb_status mlb_mpi_reduce_scatter(struct mlb_channel *base, const void *send, void *recv,
                                       size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    struct mlb_mpi_channel *channel = mlb_mpi_channel_of(base);
    struct reduction reduction = {MPI_DATATYPE_NULL, MPI_OP_NULL};
    enum mlb_status status = choose(channel, dtype, &reduction, err);
    if (status != MLB_OK || is_alone(channel))
        return status != MLB_OK ? status : copy_block(send, recv, count, dtype);
    if (count > channel->block)
        return scatter_long(base, send, recv, count, dtype, err);
    void *front = (char *)recv - (size_t)base->rank * count * mlb_dtype_bytes(dtype);
    bool in_place = send == front;
    int code = MPI_Reduce_scatter_block(in_place ? MPI_IN_PLACE : send, in_place ? front : recv,
                                        (int)count, reduction.type, reduction.op, channel->data);
    if (in_place && base->rank > 0 && code == MPI_SUCCESS)
        memcpy(recv, front, count * mlb_dtype_bytes(dtype));
    return mlb_mpi_status(code, err, "MPI_Reduce_scatter_block of %zu x %s", count,
                          mlb_dtype_name(dtype));
}

/* ----------------------------------------------------------------------------------------- moves
 */

/* A block as MPI counts it. */
struct block {
    MPI_Datatype type;
    int count;
    bool made; /* the type is this block's own */
};

/* `bytes` of INT_MAX and more: whole pieces and a rest, as one type. */
static int make_long(size_t bytes, size_t piece, MPI_Datatype *type)
{
    MPI_Datatype parts[2] = {MPI_DATATYPE_NULL, MPI_BYTE};
    size_t whole = bytes / piece;
    const int lengths[2] = {(int)whole, (int)(bytes % piece)};
    const MPI_Aint places[2] = {0, (MPI_Aint)(whole * piece)};
    int code = MPI_Type_contiguous((int)piece, MPI_BYTE, &parts[0]);
    if (code == MPI_SUCCESS)
        code = MPI_Type_create_struct(2, lengths, places, parts, type);
    if (code == MPI_SUCCESS)
        code = MPI_Type_commit(type);
    if (parts[0] != MPI_DATATYPE_NULL)
        MPI_Type_free(&parts[0]);
    return code;
}

static enum mlb_status open_block(const struct mlb_mpi_channel *channel, size_t count,
                                  enum mlb_dtype dtype, struct block *block, struct mlb_error *err)
{
    size_t element = mlb_dtype_bytes(dtype);
    if (element == 0)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "mpi: elements of %s are no whole bytes",
                        mlb_dtype_name(dtype));
    if (count <= channel->block && count * element <= INT_MAX) {
        *block = (struct block){.type = MPI_BYTE, .count = (int)(count * element)};
        return MLB_OK;
    }
    *block = (struct block){.count = 1, .made = true};
    size_t piece =
        channel->block * element < MLB_MPI_BLOCK ? channel->block * element : MLB_MPI_BLOCK;
    int code = make_long(count * element, piece, &block->type);
    return mlb_mpi_status(code, err, "make a type of %zu x %s", count, mlb_dtype_name(dtype));
}

/* Frees the block; the status of the call. */
static enum mlb_status close_block(struct block *block, int code, const char *call, size_t count,
                                   enum mlb_dtype dtype, struct mlb_error *err)
{
    if (block->made)
        MPI_Type_free(&block->type);
    return mlb_mpi_status(code, err, "%s of %zu x %s", call, count, mlb_dtype_name(dtype));
}

enum mlb_status mlb_mpi_all_gather(struct mlb_channel *base, const void *send, void *recv,
                                   size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    struct mlb_mpi_channel *channel = mlb_mpi_channel_of(base);
    struct block b;
    if (is_alone(channel))
        return copy_block(send, recv, count, dtype);
    if (open_block(channel, count, dtype, &b, err) != MLB_OK)
        return err->status;
    bool in_place = send == at_mine(base, recv, count, dtype);
    int code = MPI_Allgather(in_place ? MPI_IN_PLACE : send, b.count, b.type, recv, b.count, b.type,
                             channel->data);
    return close_block(&b, code, "MPI_Allgather", count, dtype, err);
}

enum mlb_status mlb_mpi_alltoall(struct mlb_channel *base, const void *send, void *recv,
                                 size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    struct mlb_mpi_channel *channel = mlb_mpi_channel_of(base);
    struct block b;
    if (is_alone(channel))
        return copy_block(send, recv, count, dtype);
    if (open_block(channel, count, dtype, &b, err) != MLB_OK)
        return err->status;
    int code = MPI_Alltoall(send, b.count, b.type, recv, b.count, b.type, channel->data);
    return close_block(&b, code, "MPI_Alltoall", count, dtype, err);
}

/* MPI knows a broadcast in place alone: the root's copy is made beside it. */
enum mlb_status mlb_mpi_broadcast(struct mlb_channel *base, const void *send, void *recv,
                                  size_t count, enum mlb_dtype dtype, int root,
                                  struct mlb_error *err)
{
    struct mlb_mpi_channel *channel = mlb_mpi_channel_of(base);
    struct block b;
    if (is_alone(channel))
        return copy_block(send, recv, count, dtype);
    if (open_block(channel, count, dtype, &b, err) != MLB_OK)
        return err->status;
    bool is_root = base->rank == root;
    int code = MPI_Bcast(is_root ? (void *)send : recv, b.count, b.type, root, channel->data);
    if (is_root)
        copy_block(send, recv, count, dtype);
    return close_block(&b, code, "MPI_Bcast", count, dtype, err);
}

enum mlb_status mlb_mpi_gather(struct mlb_channel *base, const void *send, void *recv, size_t count,
                               enum mlb_dtype dtype, int root, struct mlb_error *err)
{
    struct mlb_mpi_channel *channel = mlb_mpi_channel_of(base);
    struct block b;
    if (is_alone(channel))
        return copy_block(send, recv, count, dtype);
    if (open_block(channel, count, dtype, &b, err) != MLB_OK)
        return err->status;
    bool in_place = base->rank == root && send == at_mine(base, recv, count, dtype);
    int code = MPI_Gather(in_place ? MPI_IN_PLACE : send, b.count, b.type, recv, b.count, b.type,
                          root, channel->data);
    return close_block(&b, code, "MPI_Gather", count, dtype, err);
}

enum mlb_status mlb_mpi_scatter(struct mlb_channel *base, const void *send, void *recv,
                                size_t count, enum mlb_dtype dtype, int root, struct mlb_error *err)
{
    struct mlb_mpi_channel *channel = mlb_mpi_channel_of(base);
    struct block b;
    if (is_alone(channel))
        return copy_block(send, recv, count, dtype);
    if (open_block(channel, count, dtype, &b, err) != MLB_OK)
        return err->status;
    bool in_place = base->rank == root && recv == at(send, (size_t)root * count, dtype);
    int code = MPI_Scatter(send, b.count, b.type, in_place ? MPI_IN_PLACE : recv, b.count, b.type,
                           root, channel->data);
    return close_block(&b, code, "MPI_Scatter", count, dtype, err);
}

enum mlb_status mlb_mpi_sendrecv(struct mlb_channel *base, const void *send, int to, void *recv,
                                 int from, size_t count, enum mlb_dtype dtype,
                                 struct mlb_error *err)
{
    struct mlb_mpi_channel *channel = mlb_mpi_channel_of(base);
    const int tag = 1;
    struct block b;
    if (is_alone(channel))
        return to == 0 && from == 0 ? copy_block(send, recv, count, dtype) : MLB_OK;
    if (open_block(channel, count, dtype, &b, err) != MLB_OK)
        return err->status;
    int code =
        MPI_Sendrecv(send, b.count, b.type, to < 0 ? MPI_PROC_NULL : to, tag, recv, b.count, b.type,
                     from < 0 ? MPI_PROC_NULL : from, tag, channel->data, MPI_STATUS_IGNORE);
    return close_block(&b, code, "MPI_Sendrecv", count, dtype, err);
}
