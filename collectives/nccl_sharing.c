/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/nccl_sharing.h"

#include <stdlib.h>
#include <string.h>

#include "collectives/nccl_abi.h"
#include "harness/base/text.h"

struct place {
    int node;
    char uuid[sizeof((struct mlb_device_info *)0)->uuid];
};

static bool any_twice(const struct place *places, int count)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i && places[i].uuid[0]; j++)
            if (places[i].node == places[j].node && strcmp(places[i].uuid, places[j].uuid) == 0)
                return true;
    return false;
}

enum mlb_status mlb_nccl_ask_sharing(struct mlb_comm *comm, const struct mlb_device *device,
                                     bool *shared, struct mlb_error *err)
{
    size_t ranks = (size_t)comm->size;
    struct place mine = {.node = comm->node};
    mlb_format(mine.uuid, sizeof mine.uuid, "%s", device->info.uuid);
    struct place *places = calloc(ranks, sizeof *places);
    enum mlb_status status =
        places ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "places of %zu ranks: out of memory", ranks);
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = comm->ops->gather(comm, &mine, sizeof mine, places, 0, err);
    if (status == MLB_OK)
        *shared = comm->rank == 0 && any_twice(places, comm->size);
    if (status == MLB_OK)
        status = comm->ops->broadcast(comm, shared, sizeof *shared, 0, err);
    free(places);
    return status;
}

/* Before 2.30 NCCL refuses two ranks of one host on one GPU, and takes them for ranks of two hosts
 * when each names a host of its own (src/init.cc and src/misc/utils.cc of 2.18 to 2.29). What
 * machines have in common is off then: NVLink between nodes, NVLink SHARP; a network card would
 * have to reach itself. Few thread blocks for each, since kernels of all ranks must run at the same
 * time. */
static const struct {
    const char *name, *value;
    bool one_machine; /* only where all ranks are on one */
} as_hosts[] = {
    {"NCCL_MNNVL_ENABLE", "0", false},  {"NCCL_NVLS_ENABLE", "0", false},
    {"NCCL_MAX_CTAS", "4", false},      {"NCCL_IB_DISABLE", "1", true},
    {"NCCL_SOCKET_IFNAME", "lo", true},
};

void mlb_nccl_allow_sharing(const struct mlb_comm *comm, int version)
{
    char name[32];
    if (version >= MLB_NCCL_MULTI_RANK) {
        setenv("NCCL_MULTI_RANK_GPU_ENABLE", "1", 0);
        return;
    }
    mlb_format(name, sizeof name, "mlbench-%d", comm->rank);
    setenv("NCCL_HOSTID", name, 0);
    for (size_t i = 0; i < sizeof as_hosts / sizeof *as_hosts; i++)
        if (!as_hosts[i].one_machine || comm->nodes == 1)
            setenv(as_hosts[i].name, as_hosts[i].value, 0);
}
