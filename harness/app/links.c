/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/links.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/app/links_survey.h"
#include "harness/base/text.h"

/* How long one exchange lasts: long beside a start of NCCL; over TCP also beside the bucket of a
 * limited link, which lets some milliseconds of it pass at any rate. */
#define EXCHANGE_GPU_S 0.02
#define EXCHANGE_CPU_S 0.05
#define TRIES          3
#define MEMORY_SHARE   8 /* a part of what is free */

bool mlb_links_wanted(const struct mlb_session *session)
{
    const struct mlb_comm *comm = session->comm;
    bool gpus = session->kinds[0] && strcmp(session->kinds[0], "cpu") != 0;
    return !session->options->no_links && comm->size > 1 && (comm->nodes > 1 || gpus);
}

/* ---------------------------------------------------------------------------------------- places
 */

/* Names of drivers go into the record: printable ASCII, or '?'. */
static void clean(char *text)
{
    for (; *text; text++)
        if (!isprint((unsigned char)*text))
            *text = '?';
}

/* The network cards that are nearest to a GPU; of a rank without one, the only card there is. */
static void name_nics(const struct mlb_topology *topology, const char *pci_id, char *to,
                      size_t size)
{
    size_t gpu, count = mlb_topology_pci_count(topology), nics = 0;
    bool found = pci_id[0] && mlb_topology_find_pci(topology, pci_id, &gpu);
    enum mlb_distance nearest = MLB_ACROSS;
    for (size_t i = 0; i < count; i++) {
        bool nic = mlb_topology_pci(topology, i)->kind == MLB_PCI_NIC;
        nics += nic;
        if (nic && found && mlb_topology_distance(topology, gpu, i) < nearest)
            nearest = mlb_topology_distance(topology, gpu, i);
    }
    to[0] = '\0';
    for (size_t i = 0; i < count && (found || nics == 1); i++) {
        const struct mlb_pci *pci = mlb_topology_pci(topology, i);
        size_t length = strlen(to);
        if (pci->kind == MLB_PCI_NIC && pci->names[0] &&
            (!found || mlb_topology_distance(topology, gpu, i) == nearest))
            mlb_format(to + length, size - length, "%s%s", length ? "," : "", pci->names);
    }
    clean(to);
}

enum mlb_status mlb_links_places(struct mlb_session *session, struct mlb_result *result,
                                 struct mlb_error *err)
{
    struct mlb_comm *comm = session->comm;
    struct mlb_rank_place mine = {.machine = comm->node, .local = comm->local_rank};
    struct mlb_device *device =
        session->kinds[0] ? mlb_session_device(session, session->kinds[0]) : NULL;
    if (comm->size < 2)
        return MLB_OK;
    if (device) {
        mlb_format(mine.pci_id, sizeof mine.pci_id, "%s", device->info.pci_id);
        mlb_format(mine.uuid, sizeof mine.uuid, "%s", device->info.uuid);
    }
    name_nics(session->topology, mine.pci_id, mine.nic, sizeof mine.nic);
    struct mlb_rank_place *places = calloc((size_t)comm->size, sizeof *places);
    enum mlb_status status =
        places ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "places of ranks: out of memory");
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = comm->ops->gather(comm, &mine, sizeof mine, places, 0, err);
    if (status == MLB_OK && comm->rank == 0) {
        free(result->places);
        result->places = places;
        result->place_count = comm->size;
        return MLB_OK;
    }
    free(places);
    return status;
}

/* --------------------------------------------------------------------------------------- measure
 */

/* The least that any rank may take for its buffers. */
static enum mlb_status room(struct mlb_session *session, struct mlb_device *device, uint64_t *bytes,
                            struct mlb_error *err)
{
    struct mlb_comm *comm = session->comm;
    uint64_t free_bytes = 0, total = 0;
    bool cpu = strcmp(device->info.kind, "cpu") == 0;
    int sharing = cpu ? comm->local_size : session->sharing;
    enum mlb_status status = device->backend->memory(device, &free_bytes, &total, err);
    if (mlb_comm_agree(comm, status, err) != MLB_OK)
        return err->status;
    double least = -(double)free_bytes / MEMORY_SHARE / (sharing > 0 ? sharing : 1);
    if (comm->ops->all_max(comm, &least, 1, err) != MLB_OK)
        return err->status;
    *bytes = (uint64_t)-least;
    return MLB_OK;
}

/* Between ranks of a CPU lies shared memory, whose rate tells of caches and neighbours: it is shown
 * and nobody is judged by it. */
static enum mlb_status measure(struct mlb_session *session, struct mlb_channel *channel,
                               struct mlb_links **links, struct mlb_error *err)
{
    struct mlb_survey_how how = {.comm = session->comm,
                                 .channel = channel,
                                 .device = channel->device,
                                 .seed = session->options->seed,
                                 .tries = TRIES};
    bool cpu = strcmp(channel->ops->device_kind, "cpu") == 0;
    how.exchange_s = cpu ? EXCHANGE_CPU_S : EXCHANGE_GPU_S;
    if (room(session, how.device, &how.memory_bytes, err) != MLB_OK ||
        mlb_links_measure(&how, !cpu, links, err) != MLB_OK)
        return err->status;
    if (*links) {
        mlb_format((*links)->device, sizeof(*links)->device, "%s", channel->ops->device_kind);
        channel->ops->version((*links)->library, sizeof(*links)->library);
        clean((*links)->library);
    }
    return MLB_OK;
}

/* -------------------------------------------------------------------------------------- the end */

static void say_host(const struct mlb_session *session, const struct mlb_result *result,
                     const char (*hosts)[MLB_HOST_NAME], int machine)
{
    for (int rank = 0; rank < result->place_count; rank++) {
        if (result->places[rank].machine != machine)
            continue;
        mlb_log(&session->log, MLB_LOG_WARN, "links: machine %d is %s", machine, hosts[rank]);
        return;
    }
}

/* The user's eyes may see the names; the record does not. */
static enum mlb_status say_hosts(struct mlb_session *session, const struct mlb_result *result,
                                 struct mlb_error *err)
{
    struct mlb_comm *comm = session->comm;
    char(*hosts)[MLB_HOST_NAME] = calloc((size_t)comm->size, sizeof *hosts);
    enum mlb_status status =
        hosts ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "hosts of ranks: out of memory");
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = comm->ops->gather(comm, comm->host, MLB_HOST_NAME, hosts, 0, err);
    for (size_t i = 0; status == MLB_OK && result->links && i < result->links->sick_count; i++) {
        const struct mlb_sick *sick = &result->links->sick[i];
        if (!sick->confirmed)
            continue;
        say_host(session, result, (const char(*)[MLB_HOST_NAME])hosts, sick->machine);
        if (sick->kind == MLB_SICK_LINK)
            say_host(session, result, (const char(*)[MLB_HOST_NAME])hosts, sick->other);
    }
    free(hosts);
    return status;
}

enum mlb_status mlb_links_survey(struct mlb_session *session, struct mlb_result *result,
                                 struct mlb_error *err)
{
    const char *why, *asked = session->options->device;
    const char *kind = asked[0] ? asked : session->kinds[0];
    struct mlb_channel *channel;
    if (!kind || session->comm->size < 2)
        return MLB_OK;
    if (strcmp(kind, "cpu") != 0 && session->options->oversubscribe) {
        mlb_result_note(result, MLB_HEALTH_NOTE, "no_links",
                        "links were not surveyed: with --oversubscribe ranks may share a GPU");
        return MLB_OK;
    }
    if (mlb_session_channel(session, kind, &channel, &why, err) != MLB_OK)
        return err->status;
    if (!channel) {
        mlb_result_note(result, MLB_HEALTH_NOTE, "no_links", "links were not surveyed: %.200s",
                        why);
        return MLB_OK;
    }
    if (measure(session, channel, &result->links, err) != MLB_OK)
        return err->status;
    return say_hosts(session, result, err);
}
