/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/nccl_part.h"

#include <stdlib.h>

struct member {
    int color;
    struct mlb_nccl_id id; /* a leader's: the first rank of its color */
};

static enum mlb_status gather_on_all(struct mlb_comm *comm, const struct member *mine,
                                     struct member *all, struct mlb_error *err)
{
    enum mlb_status status = comm->ops->gather(comm, mine, sizeof *mine, all, 0, err);
    if (status == MLB_OK)
        status = comm->ops->broadcast(comm, all, (size_t)comm->size * sizeof *all, 0, err);
    return status;
}

/* In the order of the job. The rank of the job that leads the part. */
static int take_place(struct mlb_channel *part, const struct mlb_comm *comm,
                      const struct member *members)
{
    int leader = comm->rank;
    part->rank = part->size = 0;
    for (int rank = comm->size - 1; rank >= 0; rank--) {
        if (members[rank].color != members[comm->rank].color)
            continue;
        leader = rank;
        part->rank += rank < comm->rank;
        part->size++;
    }
    return leader;
}

static enum mlb_status agree(const struct mlb_nccl *nccl, struct mlb_comm *comm, int color,
                             struct mlb_channel *part, struct member *members,
                             struct mlb_nccl_id *id, struct mlb_error *err)
{
    struct member mine = {.color = color};
    enum mlb_status status = gather_on_all(comm, &mine, members, err);
    if (status != MLB_OK)
        return status;
    int leader = part ? take_place(part, comm, members) : -1;
    int code = leader == comm->rank ? nccl->call.get_unique_id(&mine.id) : MLB_NCCL_SUCCESS;
    if (code != MLB_NCCL_SUCCESS)
        status = mlb_nccl_fail(nccl, NULL, code, err, "make an id for %d ranks", part->size);
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = gather_on_all(comm, &mine, members, err);
    if (status == MLB_OK && part)
        *id = members[leader].id;
    return status;
}

enum mlb_status mlb_nccl_agree_on_part(const struct mlb_nccl *nccl, struct mlb_comm *comm,
                                       int color, struct mlb_channel *part, struct mlb_nccl_id *id,
                                       struct mlb_error *err)
{
    size_t ranks = (size_t)comm->size;
    struct member *members = calloc(ranks, sizeof *members);
    enum mlb_status status = MLB_OK;
    if (!members)
        status = mlb_fail(err, MLB_E_NOMEM, "parts of %zu ranks: out of memory", ranks);
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = agree(nccl, comm, color, part, members, id, err);
    free(members);
    return status;
}
