/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "harness/app/paths.h"
#include "harness/app/places.h"
#include "harness/app/same_build.h"
#include "harness/app/suite.h"
#include "harness/app/unequal.h"
#include "harness/base/clock.h"
#include "harness/base/version.h"
#include "harness/system/environment.h"

enum mlb_status mlb_session_agree(struct mlb_session *session, enum mlb_status mine,
                                  struct mlb_error *err)
{
    struct mlb_comm *comm = session->comm;
    struct mlb_error ignored = {0};
    enum mlb_status status = mlb_comm_agree(comm, mine, err);
    if (status == MLB_OK)
        return MLB_OK;
    const struct mlb_log log = {MLB_LOG_ERROR, session->log.stream_fd, -1};
    if (comm->rank == 0)
        mlb_log(&log, MLB_LOG_ERROR, "%s", err->text);
    err->text[0] = '\0';
    comm->ops->barrier(comm, &ignored);
    return status;
}

/* --------------------------------------------------------------------------------------- devices
 */

static enum mlb_status count_devices(struct mlb_session *session, struct mlb_error *err)
{
    for (size_t i = 0; mlb_backends[i] && i < MLB_KINDS; i++) {
        struct mlb_station *station = &session->stations[session->station_count++];
        mlb_format(station->kind, sizeof station->kind, "%s", mlb_backends[i]->kind);
        if (mlb_backend_check(mlb_backends[i], err) != MLB_OK ||
            mlb_backends[i]->count(&station->count, station->absent, sizeof station->absent, err) !=
                MLB_OK)
            return err->status;
    }
    return MLB_OK;
}

static int gpus_here(const struct mlb_session *session)
{
    const struct mlb_station *best = &session->stations[0];
    return strcmp(best->kind, "cpu") != 0 ? best->count : 0;
}

static enum mlb_status open_station(struct mlb_session *session, struct mlb_station *station,
                                    int threads, struct mlb_error *err)
{
    const struct mlb_backend *backend = mlb_backend_find(station->kind);
    if (station->count == 0)
        return MLB_OK;
    int index = strcmp(station->kind, "cpu") == 0 ? session->comm->local_rank % station->count
                                                  : session->gpu;
    if (backend->open(index, threads, &station->device, err) != MLB_OK)
        return err->status;
    return mlb_telemetry_open(station->device, &station->telemetry, err);
}

/* CPU threads of this rank. Ranks of GPUs on one NUMA node are bound to the same cores: together
 * they use each core once. */
static int threads_of(const struct mlb_session *session)
{
    const struct mlb_binding *binding = &session->binding;
    int share = binding->machine_cores / session->comm->local_size;
    if (session->options->threads)
        return (int)session->options->threads;
    if (gpus_here(session) == 0 || share > binding->cores)
        share = binding->cores;
    return share > 0 ? share : 1;
}

/* Bind first: the CPU backend's threads are made within the binding. The GPU is opened before,
 * since its PCI id decides the binding; CUDA's own threads do no work that is measured. */
static enum mlb_status open_devices(struct mlb_session *session, struct mlb_error *err)
{
    const struct mlb_comm *comm = session->comm;
    const char *pci_id = "";
    struct mlb_station *cpu = NULL;
    for (size_t i = 0; i < session->station_count; i++) {
        struct mlb_station *station = &session->stations[i];
        if (strcmp(station->kind, "cpu") == 0) {
            cpu = station;
        } else {
            if (open_station(session, station, 0, err) != MLB_OK)
                return err->status;
            if (station->device && !pci_id[0])
                pci_id = station->device->info.pci_id;
        }
    }
    if (mlb_topology_bind(session->topology, comm->local_rank, comm->local_size, pci_id,
                          &session->binding, err) != MLB_OK)
        return err->status;
    int threads = threads_of(session);
    return cpu ? open_station(session, cpu, threads, err) : MLB_OK;
}

/* One rank a GPU, or a core where there is no GPU. */
static enum mlb_status check_seats(struct mlb_session *session, struct mlb_error *err)
{
    struct mlb_topology_counts counts;
    const struct mlb_comm *comm = session->comm;
    int gpus = gpus_here(session);
    mlb_topology_counts(session->topology, &counts);
    int cores = counts.this_machine && counts.cores > 0 ? counts.cores : comm->local_size;
    int seats = gpus ? gpus : cores;
    bool fits = gpus ? session->sharing == 1 : comm->local_size <= cores;
    if (fits || session->options->oversubscribe)
        return MLB_OK;
    return mlb_fail(err, MLB_E_USAGE,
                    "%d ranks on a node that has %d %s: start %d ranks a node (mpirun -n %d, or "
                    "--map-by ppr:%d:node), or allow it with --oversubscribe",
                    comm->local_size, seats, gpus ? "GPUs" : "cores", seats, seats * comm->nodes,
                    seats);
}

static const char *gpu_of(const struct mlb_session *session)
{
    const struct mlb_station *best = &session->stations[0];
    return gpus_here(session) && best->device ? best->device->info.uuid : "";
}

/* A kind counts when every rank has a device of it: cases run on all ranks or on none. */
static enum mlb_status list_kinds(struct mlb_session *session, struct mlb_error *err)
{
    char text[MLB_ROW_REASON];
    size_t count = 0;
    for (size_t i = 0; i < session->station_count; i++) {
        struct mlb_station *station = &session->stations[i];
        if (mlb_unequal_lack(session->comm, &session->log, station->device != NULL, station->absent,
                             text, sizeof text, err) != MLB_OK)
            return err->status;
        station->lacking = text[0] != '\0';
        if (station->lacking)
            mlb_format(station->absent, sizeof station->absent, "%s", text);
        else if (station->device)
            session->kinds[count++] = station->kind;
    }
    session->kinds[count] = NULL;
    return MLB_OK;
}

enum mlb_status mlb_session_join(struct mlb_session *session, const struct mlb_options *options,
                                 const volatile sig_atomic_t *interrupted, struct mlb_error *err)
{
    session->options = options;
    session->interrupted = interrupted;
    session->log = (struct mlb_log){options->quiet     ? MLB_LOG_ERROR
                                    : options->verbose ? MLB_LOG_DEBUG
                                                       : MLB_LOG_INFO,
                                    2, -1};
    if (count_devices(session, err) != MLB_OK)
        return err->status;
    int seats = options->oversubscribe ? 0 : gpus_here(session);
    if (mlb_comm_open(options->timeout_s, seats, &session->comm, err) != MLB_OK)
        return err->status;
    if (session->comm->aside)
        return MLB_OK;
    if (session->comm->aside_ranks && session->comm->rank == 0)
        mlb_log(&session->log, MLB_LOG_INFO,
                "%d ranks measure, one a GPU; %d find none and stand aside (mpirun -n %d starts "
                "only those that are needed)",
                session->comm->size, session->comm->aside_ranks, session->comm->size);
    session->log.rank = session->comm->size > 1 ? session->comm->rank : -1;
    return mlb_session_agree(session, mlb_same_build(session->comm, options, err), err);
}

/* GPUs are chosen by what all ranks see, before any is opened. */
static enum mlb_status choose_gpu(struct mlb_session *session, struct mlb_error *err)
{
    const struct mlb_backend *backend = mlb_backend_find(session->stations[0].kind);
    return mlb_places_take(session->comm, backend, gpus_here(session), &session->gpu, err);
}

enum mlb_status mlb_session_open(struct mlb_session *session, struct mlb_error *err)
{
    if (choose_gpu(session, err) != MLB_OK)
        return err->status;
    enum mlb_status status = mlb_topology_open(&session->topology, err);
    if (status == MLB_OK)
        status = open_devices(session, err);
    if (mlb_session_agree(session, status, err) != MLB_OK ||
        mlb_places_ask(session->comm, gpu_of(session), &session->sharing, err) != MLB_OK)
        return err->status;
    status = check_seats(session, err);
    if (mlb_session_agree(session, status, err) != MLB_OK)
        return err->status;
    if (session->stations[0].telemetry)
        mlb_telemetry_expect(session->stations[0].telemetry, (unsigned)session->sharing);
    return list_kinds(session, err);
}

void mlb_session_close(struct mlb_session *session)
{
    for (size_t i = 0; i < session->station_count; i++) {
        struct mlb_station *station = &session->stations[i];
        if (station->channel)
            station->channel->ops->close(station->channel);
        mlb_telemetry_close(station->telemetry);
        if (station->device)
            station->device->backend->close(station->device);
    }
    mlb_provider_end(session->provider, NULL);
    mlb_ports_close(session->ports);
    mlb_topology_close(session->topology);
    mlb_comm_close(session->comm);
    memset(session, 0, sizeof *session);
}

/* ------------------------------------------------------------------------------------------ plan
 */

static enum mlb_status read_suite(const struct mlb_options *options, char **text, size_t *length,
                                  char *name, struct mlb_error *err)
{
    char path[MLB_PATH];
    if (options->word_count) {
        mlb_format(name, MLB_PATH, "custom");
        if (options->suite_given)
            return mlb_fail(err, MLB_E_USAGE,
                            "--suite and workloads on the command line: one of the two");
        if (mlb_suite_from_words(options->words, options->word_count, text, err) != MLB_OK)
            return err->status;
        *length = strlen(*text);
        return MLB_OK;
    }
    if (mlb_suite_path(options->suite, path, err) != MLB_OK)
        return err->status;
    mlb_format(name, MLB_PATH, "%s", path);
    return mlb_file_read(path, MLB_SUITE_LIMIT, text, length, err);
}

/* Rank 0's bytes to all ranks; *text becomes owned by the caller on every rank. */
static enum mlb_status share_text(struct mlb_session *session, char **text, size_t *length,
                                  struct mlb_error *err)
{
    struct mlb_comm *comm = session->comm;
    uint64_t bytes = *length;
    if (comm->ops->broadcast(comm, &bytes, sizeof bytes, 0, err) != MLB_OK)
        return err->status;
    enum mlb_status status = MLB_OK;
    if (comm->rank != 0 && !(*text = calloc(1, (size_t)bytes + 1)))
        status = mlb_fail(err, MLB_E_NOMEM, "suite of %" PRIu64 " bytes: out of memory", bytes);
    if (mlb_session_agree(session, status, err) != MLB_OK)
        return err->status;
    *length = (size_t)bytes;
    return comm->ops->broadcast(comm, *text, (size_t)bytes, 0, err);
}

/* "configs/suites/quick.jsonc" -> "quick". */
static void plan_name(const char *path, char *to, size_t size)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    mlb_format(to, size, "%.*s", (int)strcspn(base, "."), base);
}

static enum mlb_status build(struct mlb_session *session, const char *path, const char *text,
                             size_t length, struct mlb_plan *plan, struct mlb_error *err)
{
    struct mlb_json json = {0};
    char name[64];
    plan_name(path, name, sizeof name);
    const char *shown = session->options->word_count ? "command line" : path;
    enum mlb_status status = mlb_json_parse(&json, shown, text, length, err);
    if (status == MLB_OK)
        status = mlb_suite_build(&json, name, plan, err);
    if (status == MLB_OK && session->options->search)
        status = mlb_suite_search(plan, err);
    if (status == MLB_OK)
        status = mlb_plan_finish(plan, session->kinds, err);
    if (status == MLB_OK)
        status = mlb_suite_override(plan, session->options, err);
    if (status == MLB_OK)
        status = mlb_plan_refresh(plan, err);
    mlb_json_close(&json);
    return status;
}

enum mlb_status mlb_session_plan(struct mlb_session *session, struct mlb_plan *plan,
                                 struct mlb_error *err)
{
    char *text = NULL, path[MLB_PATH] = "";
    size_t length = 0;
    enum mlb_status status = mlb_check_store(session->options->checkpoint_folder, err);
    if (session->comm->rank == 0 && status == MLB_OK)
        status = read_suite(session->options, &text, &length, path, err);
    if ((status = mlb_session_agree(session, status, err)) == MLB_OK)
        status = share_text(session, &text, &length, err);
    if (status == MLB_OK)
        status = session->comm->ops->broadcast(session->comm, path, sizeof path, 0, err);
    if (status == MLB_OK)
        status = mlb_session_agree(session, build(session, path, text, length, plan, err), err);
    free(text);
    return status;
}

/* ------------------------------------------------------------------------------------- one case */

static struct mlb_station *find_station(struct mlb_session *session, const char *kind)
{
    for (size_t i = 0; i < session->station_count; i++)
        if (strcmp(session->stations[i].kind, kind) == 0)
            return &session->stations[i];
    return NULL;
}

bool mlb_session_usable(const struct mlb_session *session, const char *kind)
{
    for (size_t i = 0; session->kinds[i]; i++)
        if (strcmp(session->kinds[i], kind) == 0)
            return true;
    return false;
}

static enum mlb_status open_channel(struct mlb_session *session, struct mlb_station *station,
                                    struct mlb_error *err)
{
    const struct mlb_channel_ops *ops = NULL;
    for (size_t i = 0; mlb_channels[i]; i++)
        if (strcmp(mlb_channels[i]->device_kind, station->kind) == 0)
            ops = mlb_channels[i];
    station->channel_tried = true;
    if (!ops)
        return MLB_OK;
    struct mlb_error why = {0};
    enum mlb_status status = ops->open(session->comm, station->device, &station->channel, &why);
    status = mlb_comm_agree(session->comm, status, &why);
    if (status == MLB_OK)
        return MLB_OK;
    if (station->channel)
        ops->close(station->channel);
    station->channel = NULL;
    mlb_format(station->no_channel, sizeof station->no_channel, "%.300s", why.text);
    station->channel_status = status;
    return status == MLB_E_TIMEOUT ? mlb_fail(err, status, "%s", why.text) : MLB_OK;
}

enum mlb_status mlb_session_channel(struct mlb_session *session, const char *kind,
                                    struct mlb_channel **channel, const char **why,
                                    struct mlb_error *err)
{
    struct mlb_station *station = find_station(session, kind);
    *channel = NULL;
    *why = "not every rank has a device of this kind";
    if (!station || !mlb_session_usable(session, kind))
        return MLB_OK;
    if (!station->channel_tried && open_channel(session, station, err) != MLB_OK)
        return err->status;
    *channel = station->channel;
    *why = station->no_channel[0] ? station->no_channel : "no library for this kind of device";
    return MLB_OK;
}

struct mlb_device *mlb_session_device(struct mlb_session *session, const char *kind)
{
    struct mlb_station *station = find_station(session, kind);
    return station ? station->device : NULL;
}

/* This rank's share of what is free: all ranks of the node take at the same time. Also the call
 * that shows whether a device lives: after a fault of a GPU all calls of its process fail. */
static enum mlb_status share_of_memory(const struct mlb_session *session,
                                       struct mlb_station *station, struct mlb_ctx *ctx,
                                       struct mlb_error *err)
{
    uint64_t free_bytes = 0, total = 0;
    bool cpu = strcmp(station->kind, "cpu") == 0;
    int sharing = cpu ? session->comm->local_size : session->sharing;
    enum mlb_status status =
        station->device->backend->memory(station->device, &free_bytes, &total, err);
    ctx->memory_bytes = free_bytes / (uint64_t)(sharing > 0 ? sharing : 1);
    ctx->cache_bytes = cpu ? session->binding.cache_bytes : station->device->info.last_cache_bytes;
    return status;
}

/* A device of some rank does not answer any more: its cases fail, the others go on. */
static enum mlb_status lose_device(struct mlb_station *station, struct mlb_run *run,
                                   const struct mlb_error *why, struct mlb_error *err)
{
    if (why->status == MLB_E_TIMEOUT || why->status == MLB_E_COMM)
        return mlb_fail(err, why->status, "%s", why->text);
    mlb_format(station->absent, sizeof station->absent, "%.300s", why->text);
    run->ctx.device = NULL;
    run->absent_status = why->status;
    return MLB_OK;
}

enum mlb_status mlb_session_run(struct mlb_session *session, const struct mlb_case *item,
                                struct mlb_run *run, struct mlb_error *err)
{
    const struct mlb_options *options = session->options;
    struct mlb_station *station = find_station(session, item->device);
    memset(run, 0, sizeof *run);
    run->ctx.comm = session->comm;
    run->ctx.data = (enum mlb_data)options->data;
    run->ctx.seed = options->seed;
    run->ctx.threads = threads_of(session);
    run->ctx.checkpoint_folder = options->checkpoint_folder;
    run->solo = options->solo;
    run->shared_device = session->sharing > 1;
    run->deadline_s = options->timeout_s;
    run->interrupted = session->interrupted;
    run->absent = station ? station->absent : "no such kind of device: cuda and cpu are known";
    if (!station || !mlb_session_usable(session, item->device))
        return MLB_OK;
    if (item->workload->collective && !station->channel_tried &&
        open_channel(session, station, err) != MLB_OK)
        return err->status;
    run->ctx.device = station->device;
    run->ctx.channel = station->channel;
    run->no_channel = station->no_channel[0] ? station->no_channel : NULL;
    run->no_channel_status = station->channel_status;
    run->telemetry = station->telemetry;
    run->ports = session->ports;
    struct mlb_error why = {0};
    enum mlb_status status = share_of_memory(session, station, &run->ctx, &why);
    if (mlb_comm_agree(session->comm, status, &why) != MLB_OK)
        return lose_device(station, run, &why, err);
    /* One measure of room for all ranks, so that sizes derived from it are the same everywhere. */
    double least[2] = {-(double)run->ctx.memory_bytes, -(double)run->ctx.cache_bytes};
    if (session->comm->ops->all_max(session->comm, least, 2, err) != MLB_OK)
        return err->status;
    run->ctx.memory_bytes = (uint64_t)-least[0];
    run->ctx.cache_bytes = (uint64_t)-least[1];
    return MLB_OK;
}
