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
