/* SPDX-License-Identifier: Apache-2.0 */
/* What a record says before its first row: the build, the machine, the job. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "harness/app/machine_price.h"
#include "harness/app/paths.h"
#include "harness/app/session.h"
#include "harness/app/unequal.h"
#include "harness/base/clock.h"
#include "harness/base/version.h"
#include "harness/system/environment.h"

static void add_fact(void *user, const char *name, const char *value)
{
    mlb_result_fact(user, name, "%s", value);
}

static void random_hex(char *to, size_t bytes)
{
    unsigned char raw[16] = {0};
    if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
        memcpy(raw, &(int64_t){mlb_clock_ns()}, sizeof(int64_t));
    for (size_t i = 0; i < bytes && i < sizeof raw; i++)
        snprintf(to + 2 * i, 3, "%02x", raw[i]);
}

/* "8x-nvidia-h200" for GPUs, "cpu-2c-intel-r-xeon-r-processor" without. */
static void name_host(const struct mlb_session *session, struct mlb_result *result)
{
    struct mlb_topology_counts counts;
    char slug[40];
    mlb_topology_counts(session->topology, &counts);
    mlb_slug(result->device.name, slug, sizeof slug);
    if (strcmp(result->device.kind, "cpu") == 0)
        mlb_format(result->host_kind, sizeof result->host_kind, "%dx-cpu-%dc-%s", result->nodes,
                   counts.cores, slug);
    else
        mlb_format(result->host_kind, sizeof result->host_kind, "%dx-%s", result->device_count,
                   slug);
}

/* The lowest rank's warning about its binding speaks for all; how many have one is said. */
static enum mlb_status note_binding(struct mlb_session *session, struct mlb_result *result,
                                    struct mlb_error *err)
{
    struct mlb_comm *comm = session->comm;
    char warning[sizeof session->binding.warning];
    double warned = session->binding.warning[0] ? 1.0 : 0.0;
    double first = warned > 0.0 ? -(double)comm->rank : -1e9;
    if (comm->ops->all_sum(comm, &warned, 1, err) != MLB_OK ||
        comm->ops->all_max(comm, &first, 1, err) != MLB_OK)
        return err->status;
    if (warned == 0.0)
        return MLB_OK;
    memcpy(warning, session->binding.warning, sizeof warning);
    if (comm->ops->broadcast(comm, warning, sizeof warning, (int)-first, err) != MLB_OK)
        return err->status;
    mlb_result_note(result, MLB_HEALTH_WARN, "binding", "rank %d%s: %s", (int)-first,
                    warned > 1.0 ? " and others" : "", warning);
    return MLB_OK;
}

/* Machines and ranks that are not alike. A rank without a GPU among others keeps all GPUs idle. */
static enum mlb_status note_unequal(struct mlb_session *session, struct mlb_result *result,
                                    struct mlb_error *err)
{
    struct mlb_seat mine = {.node = session->comm->node};
    int ranks = session->comm->local_size, cores = session->binding.machine_cores;
    mlb_format(mine.has[MLB_LIKE_RANKS], sizeof mine.has[0], "%d rank%s on its machine", ranks,
               ranks == 1 ? "" : "s");
    mlb_format(mine.has[MLB_LIKE_CORES], sizeof mine.has[0], "%d cores", cores);
    for (size_t i = 0; i < session->station_count; i++) {
        const struct mlb_station *station = &session->stations[i];
        bool cpu = strcmp(station->kind, "cpu") == 0;
        if (station->lacking)
            mlb_result_note(result, MLB_HEALTH_SICK, "device_missing", "%s: %s", station->kind,
                            station->absent);
        else if (station->device)
            mlb_format(mine.has[cpu ? MLB_LIKE_CPU : MLB_LIKE_GPU], sizeof mine.has[0], "%s",
                       station->device->info.name);
    }
    return mlb_unequal_note(session->comm, &mine, result, err);
}

static void describe_device(const struct mlb_session *session, struct mlb_result *result)
{
    for (size_t i = 0; i < session->station_count; i++) {
        const struct mlb_station *station = &session->stations[i];
        if (station->device && mlb_session_usable(session, station->kind)) {
            result->device = station->device->info;
            result->device_count =
                strcmp(station->kind, "cpu") == 0 ? session->comm->nodes : session->comm->size;
            return;
        }
    }
}

static void describe_build(const struct mlb_session *session, struct mlb_result *result)
{
    mlb_format(result->program, sizeof result->program, "mlbench");
    mlb_format(result->version, sizeof result->version, "%s", mlb_build.version);
    mlb_format(result->git, sizeof result->git, "%s", mlb_build.git);
    mlb_environment_facts(add_fact, result);
    if (session->comm->library[0])
        mlb_result_fact(result, "mpi", "%s", session->comm->library);
    mlb_result_fact(result, "binding", "%d cores of %d, by %s", session->binding.cores,
                    session->binding.machine_cores,
                    session->binding.by == MLB_BOUND_BY_LAUNCHER  ? "the launcher"
                    : session->binding.by == MLB_BOUND_BY_MLBENCH ? "mlbench"
                                                                  : "nobody");
}

enum mlb_status mlb_session_head(struct mlb_session *session, const struct mlb_plan *plan,
                                 struct mlb_result *result, struct mlb_error *err)
{
    const struct mlb_options *options = session->options;
    const struct mlb_comm *comm = session->comm;
    struct mlb_text words = {0};
    result->schema = MLB_RESULT_SCHEMA;
    mlb_utc_now(result->started_utc);
    random_hex(result->run_id, 16);
    mlb_format(result->suite, sizeof result->suite, "%s", plan->name);
    mlb_format(result->suite_hash, sizeof result->suite_hash, "%s", plan->hash);
    mlb_options_print_plan(options, &words);
    bool fits = mlb_format(result->options, sizeof result->options, "%s", mlb_text_get(&words));
    mlb_text_free(&words);
    if (!fits)
        return mlb_fail(err, MLB_E_USAGE,
                        "command line: over %zu characters decide what is measured, too many for "
                        "--resume to keep: write a suite file",
                        sizeof result->options - 1);
    result->seed = options->seed;
    mlb_format(result->data, sizeof result->data, "%s", mlb_data_names[options->data]);
    result->ranks = comm->size;
    result->nodes = comm->nodes;
    result->ranks_per_node = comm->local_size;
    result->solo = options->solo;
    result->oversubscribed = options->oversubscribe;
    describe_device(session, result);
    describe_build(session, result);
    name_host(session, result);
    if (options->price_per_hour > 0.0) {
        result->price_per_hour = options->price_per_hour * comm->nodes;
        mlb_format(result->price_source, sizeof result->price_source, "--price-per-hour %.6g%s",
                   options->price_per_hour, comm->nodes > 1 ? " a node" : "");
    }
    result->topology = mlb_topology_to_json(session->topology);
    if (note_unequal(session, result, err) != MLB_OK ||
        note_binding(session, result, err) != MLB_OK)
        return err->status;
    if (mlb_session_fabric(session, result, err) != MLB_OK)
        return err->status;
    if (mlb_session_provider(session, result, err) != MLB_OK)
        return err->status;
    return mlb_session_price(session, &result->provider, result, err);
}
