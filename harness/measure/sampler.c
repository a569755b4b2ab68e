/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/sampler.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"

/* Ranks talk to each other between chunks of samples. A chunk lasts about CHUNK_S, so that talk
 * costs little and a decision is never far away; at least CHUNK_MIN samples, since looking at the
 * interval after every sample makes it too short too often (Hoefler & Belli 2015, rule on adaptive
 * stopping). */
static const double CHUNK_S = 0.02;
enum { CHUNK_MIN = 10, CHUNK_MAX = 500 };

void mlb_samples_free(struct mlb_samples *samples)
{
    free(samples->across);
    free(samples->own);
    free(samples->burst.ns);
    free(samples->blocks.ns);
    memset(samples, 0, sizeof *samples);
}

static enum mlb_status grow(struct mlb_samples *samples, size_t capacity, struct mlb_error *err)
{
    double *across = realloc(samples->across, capacity * sizeof *across);
    if (across)
        samples->across = across;
    double *own = realloc(samples->own, capacity * sizeof *own);
    if (own)
        samples->own = own;
    if (!across || !own)
        return mlb_fail(err, MLB_E_NOMEM, "%zu samples: out of memory", capacity);
    samples->capacity = capacity;
    return MLB_OK;
}

/* Room for `more` samples, on every rank or on none: all need it at the same time. */
static enum mlb_status reserve(struct mlb_sampler *s, struct mlb_samples *samples, size_t more,
                               struct mlb_error *err)
{
    size_t need = samples->count + more;
    if (need <= samples->capacity)
        return MLB_OK;
    size_t twice = 2 * samples->capacity;
    enum mlb_status status = grow(samples, need > twice ? need : twice, err);
    return s->alone ? status : mlb_comm_agree(s->run->ctx.comm, status, err);
}

static enum mlb_status do_steps(struct mlb_sampler *s, struct mlb_error *err)
{
    struct mlb_device *device = s->run->ctx.device;
    enum mlb_status status = MLB_OK;
    s->window_steps += s->steps;
    if (s->graph) {
        for (uint64_t i = 0; i < s->steps / s->graph_steps && status == MLB_OK; i++)
            status = device->backend->launch_graph(device, s->graph, err);
        return status;
    }
    for (uint64_t i = 0; i < s->steps && status == MLB_OK; i++)
        status = s->variant->step(s->state, &s->run->ctx, err);
    return status;
}

/* One sample: `steps` steps between two marks, as nanoseconds per step. */
static enum mlb_status take_unwatched(struct mlb_sampler *s, double *ns, struct mlb_error *err)
{
    struct mlb_device *device = s->run->ctx.device;
    struct mlb_comm *comm = s->run->ctx.comm;
    const struct mlb_backend *backend = device->backend;
    enum mlb_status status = MLB_OK;
    if (mlb_workload_is_joint(s->item->workload) &&
        (status = comm->ops->line_up(comm, err)) != MLB_OK)
        return status;
    if ((status = backend->mark(device, 0, err)) != MLB_OK ||
        (status = do_steps(s, err)) != MLB_OK || (status = backend->mark(device, 1, err)) != MLB_OK)
        return status;
    if (s->run->telemetry) /* before the wait: a GPU still works then, and does not rest for it */
        mlb_telemetry_poll(s->run->telemetry);
    if ((status = backend->sync(device, s->run->deadline_s, err)) != MLB_OK &&
        s->item->workload->collective)
        mlb_channel_explain(s->run->ctx.channel, err);
    if (status != MLB_OK || (status = backend->elapsed(device, 0, 1, ns, err)) != MLB_OK)
        return status;
    *ns /= (double)s->steps;
    comm->ops->progress(comm);
    return MLB_OK;
}

/* The deadline is each sample's: many slow ones in a row are no hang. */
static enum mlb_status take(struct mlb_sampler *s, double *ns, struct mlb_error *err)
{
    struct mlb_comm *comm = s->run->ctx.comm;
    comm->ops->watch(comm, s->run->title, s->run->deadline_s);
    enum mlb_status status = take_unwatched(s, ns, err);
    comm->ops->unwatch(comm);
    return status;
}

static bool interrupted(const struct mlb_sampler *s)
{
    return s->run->interrupted && *s->run->interrupted;
}

/* own[0..n-1] of every rank to one series that all ranks see; `failed` of any rank is seen by all.
 */
static enum mlb_status reduce(struct mlb_sampler *s, const double *own, double *across, size_t n,
                              double *failed, struct mlb_error *err)
{
    struct mlb_comm *comm = s->run->ctx.comm;
    memcpy(across, own, n * sizeof *own);
    if (s->alone || comm->size == 1)
        return MLB_OK;
    bool max = mlb_workload_is_joint(s->item->workload);
    for (size_t i = 0; i < n && !max; i++)
        across[i] = 1.0 / own[i];
    across[n] = *failed;
    enum mlb_status status = max ? comm->ops->all_max(comm, across, n + 1, err)
                                 : comm->ops->all_sum(comm, across, n + 1, err);
    *failed = across[n];
    for (size_t i = 0; i < n && !max; i++)
        across[i] = (double)comm->size / across[i];
    return status;
}

/* Take n samples on every rank and append them. A rank that fails in the middle gives up the rest
 * of its chunk, and all ranks leave with its error; so they do when one of them was interrupted. */
enum mlb_status mlb_sampler_chunk(struct mlb_sampler *s, struct mlb_samples *samples, uint64_t n,
                                  struct mlb_error *err)
{
    struct mlb_comm *comm = s->run->ctx.comm;
    enum mlb_status status = reserve(s, samples, n + 1, err); /* one more: the flag of reduce() */
    if (status != MLB_OK)
        return status;
    double *own = samples->own + samples->count, ignored = 0.0;
    if (s->sample_s < MLB_SHORT_S)
        status = take(s, &ignored, err);
    for (uint64_t i = 0; i < n && status == MLB_OK; i++)
        status = take(s, &own[i], err);
    if (status == MLB_OK && interrupted(s))
        status = mlb_fail(err, MLB_E_INTERRUPTED, "interrupted");
    double failed = status == MLB_OK ? 0.0 : 1.0;
    if (status != MLB_OK)
        for (uint64_t i = 0; i < n; i++)
            own[i] = 1.0;
    struct mlb_error trouble = {0};
    if (reduce(s, own, samples->across + samples->count, n, &failed, &trouble) != MLB_OK)
        return mlb_fail(err, trouble.status, "%s", trouble.text);
    if (failed > 0.0)
        return s->alone ? status : mlb_comm_agree(comm, status, err);
    for (uint64_t i = 0; i < n; i++)
        s->timed_s += samples->across[samples->count + i] * (double)s->steps * 1e-9;
    s->sample_s = mlb_median(samples->across + samples->count, n) * (double)s->steps * 1e-9;
    samples->count += n;
    return MLB_OK;
}

enum mlb_status mlb_sampler_share(struct mlb_sampler *s, struct mlb_decision *decision,
                                  struct mlb_error *err)
{
    struct mlb_comm *comm = s->run->ctx.comm;
    if (s->alone || comm->size == 1)
        return MLB_OK;
    return comm->ops->broadcast(comm, decision, sizeof *decision, 0, err);
}

uint64_t mlb_sampler_fit(double seconds, double each_s, uint64_t least, uint64_t most)
{
    double n = each_s > 0.0 ? seconds / each_s : (double)most;
    return n <= (double)least ? least : n >= (double)most ? most : (uint64_t)n;
}

bool mlb_sampler_budget_gone(const struct mlb_sampler *s)
{
    return s->run->stop_at_s > 0.0 && mlb_clock_s() >= s->run->stop_at_s;
}

uint64_t mlb_sampler_chunk_size(const struct mlb_sampler *s)
{
    return s->sample_s > MLB_LONG_S ? 1
                                    : mlb_sampler_fit(CHUNK_S, s->sample_s, CHUNK_MIN, CHUNK_MAX);
}

bool mlb_sampler_on_cpu(const struct mlb_sampler *s)
{
    return strcmp(s->run->ctx.device->info.kind, "cpu") == 0;
}

void mlb_sampler_begin_window(struct mlb_sampler *s)
{
    s->window_steps = 0;
    if (s->run->telemetry)
        mlb_telemetry_begin(s->run->telemetry);
}

void mlb_sampler_end_window(struct mlb_sampler *s, struct mlb_telemetry_window *window)
{
    if (!s->run->telemetry)
        return;
    mlb_telemetry_end(s->run->telemetry, window);
    window->steps = s->run->shared_device ? 0 : s->window_steps;
}
