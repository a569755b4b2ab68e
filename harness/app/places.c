/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/places.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"

int mlb_places_shared(const struct mlb_place *places, size_t count, size_t rank)
{
    const struct mlb_place *mine = &places[rank];
    int shared = 0;
    if (!mine->uuid[0])
        return 1;
    for (size_t i = 0; i < count; i++)
        shared += places[i].node == mine->node && strcmp(places[i].uuid, mine->uuid) == 0;
    return shared;
}

enum mlb_status mlb_places_ask(struct mlb_comm *comm, const char *uuid, int *shared,
                               struct mlb_error *err)
{
    size_t ranks = (size_t)comm->size;
    struct mlb_place mine = {.node = comm->node};
    mlb_format(mine.uuid, sizeof mine.uuid, "%s", uuid);
    struct mlb_place *places = calloc(ranks, sizeof *places);
    enum mlb_status status =
        places ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "places of %zu ranks: out of memory", ranks);
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = comm->ops->gather(comm, &mine, sizeof mine, places, 0, err);
    if (status == MLB_OK)
        status = comm->ops->broadcast(comm, places, ranks * sizeof *places, 0, err);
    if (status == MLB_OK)
        *shared = mlb_places_shared(places, ranks, (size_t)comm->rank);
    free(places);
    return status;
}

/* ------------------------------------------------------------------------------------- choice
 */

struct choosing {
    const struct mlb_visible *visible;
    size_t count;
    int *choice;          /* -1 = none yet */
    unsigned char *tried; /* a rank was asked to move in this round */
};

/* The rank of this machine that has the GPU; `count` when it is free. */
static size_t owner_of(const struct choosing *all, int node, const char *uuid)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct mlb_visible *rank = &all->visible[i];
        if (all->choice[i] >= 0 && rank->node == node &&
            strcmp(rank->uuid[all->choice[i]], uuid) == 0)
            return i;
    }
    return all->count;
}

/* A GPU for the rank: a free one, or one whose owner can move to another. The ranks and GPUs of a
 * machine are a bipartite graph, and each success is an augmenting path, so the matching ends as
 * large as any (Berge, "Two theorems in graph theory", 1957). */
static bool give(const struct choosing *all, size_t rank)
{
    const struct mlb_visible *seen = &all->visible[rank];
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < seen->count; i++) {
            int index = (seen->local_rank + i) % seen->count;
            if (!seen->uuid[index][0])
                continue;
            size_t owner = owner_of(all, seen->node, seen->uuid[index]);
            bool is_free = owner == all->count;
            if (pass == 1 && !is_free && !all->tried[owner]) {
                all->tried[owner] = 1;
                is_free = give(all, owner);
            }
            if (is_free) {
                all->choice[rank] = index;
                return true;
            }
        }
    }
    return false;
}

void mlb_places_choose(const struct mlb_visible *visible, size_t count, int *choice,
                       unsigned char *scratch)
{
    const struct choosing all = {visible, count, choice, scratch};
    for (size_t i = 0; i < count; i++)
        choice[i] = -1;
    for (size_t i = 0; i < count; i++) {
        memset(scratch, 0, count);
        scratch[i] = 1;
        give(&all, i);
    }
    for (size_t i = 0; i < count; i++)
        if (choice[i] < 0 && visible[i].count > 0)
            choice[i] = visible[i].local_rank % visible[i].count;
}

static void look(const struct mlb_comm *comm, const struct mlb_backend *backend, int count,
                 struct mlb_visible *mine)
{
    mine->node = comm->node;
    mine->local_rank = comm->local_rank;
    mine->count = count < MLB_VISIBLE ? count : MLB_VISIBLE;
    for (int i = 0; i < mine->count; i++) {
        struct mlb_device_info info = {0};
        struct mlb_error ignored = {0};
        if (backend->identify && backend->identify(i, &info, &ignored) == MLB_OK)
            mlb_format(mine->uuid[i], sizeof mine->uuid[i], "%s", info.uuid);
    }
}

enum mlb_status mlb_places_take(struct mlb_comm *comm, const struct mlb_backend *backend, int count,
                                int *index, struct mlb_error *err)
{
    size_t ranks = (size_t)comm->size;
    struct mlb_visible *all = calloc(ranks, sizeof *all), mine = {0};
    int *choice = calloc(ranks, sizeof *choice);
    unsigned char *scratch = calloc(ranks, 1);
    enum mlb_status status = MLB_OK;
    if (!all || !choice || !scratch)
        status = mlb_fail(err, MLB_E_NOMEM, "GPUs of %zu ranks: out of memory", ranks);
    look(comm, backend, count, &mine);
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = comm->ops->gather(comm, &mine, sizeof mine, all, 0, err);
    if (status == MLB_OK && comm->rank == 0)
        mlb_places_choose(all, ranks, choice, scratch);
    if (status == MLB_OK)
        status = comm->ops->broadcast(comm, choice, ranks * sizeof *choice, 0, err);
    if (status == MLB_OK)
        *index = choice[comm->rank];
    free(scratch);
    free(choice);
    free(all);
    return status;
}
