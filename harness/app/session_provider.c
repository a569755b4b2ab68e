/* SPDX-License-Identifier: Apache-2.0 */
/* Whose machines these are: asked by each machine's first rank while devices open, known when the
 * head of the record is written. */
#include <stdlib.h>
#include <string.h>

#include "harness/app/guess.h"
#include "harness/app/mixed.h"
#include "harness/app/session.h"

/* What a rank knows of its machine; nothing unless it is the machine's first. */
struct seat {
    int node;
    bool first;
    struct mlb_provider provider;
};

enum mlb_status mlb_session_ask_provider(struct mlb_session *session, struct mlb_error *err)
{
    const struct mlb_provider_query query = {.root = "",
                                             .name = session->options->provider,
                                             .instance = session->options->instance,
                                             .log = &session->log};
    enum mlb_status status = MLB_OK;
    if (session->comm->local_rank == 0)
        status = mlb_provider_begin(&query, &session->provider, err);
    return mlb_session_agree(session, status, err);
}

/* After the fabric was read: what nothing says may follow from the hardware. */
static void guess(const struct mlb_session *session, struct mlb_provider *provider)
{
    const struct mlb_station *best = &session->stations[0];
    struct mlb_topology_counts counts;
    mlb_topology_counts(session->topology, &counts);
    struct mlb_fingerprint print = {
        .gpu = "", .cpu = counts.cpu_model, .fabric = &session->fabric, .present = counts.gpus};
    if (best->device && strcmp(best->kind, "cpu") != 0) {
        print.gpu = best->device->info.name;
        print.gpus = best->count;
    }
    mlb_guess_instance(&print, &session->log, provider);
}

static void judge(const struct seat *seats, const struct mlb_comm *comm,
                  struct mlb_provider *machines, struct mlb_result *result)
{
    for (int i = 0; i < comm->size; i++)
        if (seats[i].first && seats[i].node < comm->nodes)
            machines[seats[i].node] = seats[i].provider;
    mlb_mixed_judge(machines, (size_t)comm->nodes, result);
}

enum mlb_status mlb_session_provider(struct mlb_session *session, struct mlb_result *result,
                                     struct mlb_error *err)
{
    struct mlb_comm *comm = session->comm;
    struct seat mine = {.node = comm->node, .first = session->provider != NULL};
    struct seat *seats = calloc(comm->rank == 0 ? (size_t)comm->size : 1, sizeof *seats);
    struct mlb_provider *machines = calloc((size_t)comm->nodes, sizeof *machines);
    enum mlb_status status = MLB_OK;
    mlb_provider_end(session->provider, &mine.provider);
    session->provider = NULL;
    if (mine.first)
        guess(session, &mine.provider);
    if (!seats || !machines)
        status = mlb_fail(err, MLB_E_NOMEM, "providers of %d ranks: out of memory", comm->size);
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = comm->ops->gather(comm, &mine, sizeof mine, seats, 0, err);
    if (status == MLB_OK && comm->rank == 0) {
        judge(seats, comm, machines, result);
        mlb_mixed_common(machines, (size_t)comm->nodes, &result->provider);
    }
    free(machines);
    free(seats);
    return status;
}
