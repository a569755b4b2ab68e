/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"

/* Ranks talk to each other between chunks of samples. A chunk lasts about CHUNK_S, so that talk
 * costs little and a decision is never far away; at least CHUNK_MIN samples, since looking at the
 * interval after every sample makes it too short too often (Hoefler & Belli 2015, rule on adaptive
 * stopping). */
static const double CHUNK_S = 0.02;
enum { CHUNK_MIN = 10, CHUNK_MAX = 500, FEWEST = 6, SHORT_FEWEST = 20 };
/* Steps under SHORT_S need more samples and one untimed step a chunk; after each one over LONG_S
 * ranks ask whether to go on. */
static const double SHORT_S = 1e-3, LONG_S = 0.5;

/* Two windows in a row whose medians agree to STEADY are steady. A GPU's clock needs longer to
 * settle than a CPU's caches do. */
static const double STEADY = 0.01, WINDOW_CPU_S = 0.02, WINDOW_GPU_S = 0.25;
enum { WINDOW_MIN = 3, WINDOW_MAX = 2000 };

/* A sample on a GPU begins with the way of the first launch to the device and follows a wait in
 * which the device rests: some 10 us and some 50 us, which would be percents of a sample of 1 ms.
 */
static const double SAMPLE_GPU_S = 10e-3;

struct sampler {
    struct mlb_run *run;
    const struct mlb_case *item;
    const struct mlb_variant *variant;
    void *state;
    bool alone;
    uint64_t steps;
    double sample_s; /* about how long one sample takes now */
    double timed_s;  /* sum of what was timed */
};

/* Rank 0's decision, the same for all ranks. */
struct decision {
    bool stop;
    enum mlb_stop why;
    bool warm;
    uint64_t next;  /* samples to take in the next chunk */
    uint64_t steps; /* steps of each */
};

void mlb_samples_free(struct mlb_samples *samples)
{
    free(samples->across);
    free(samples->own);
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
static enum mlb_status reserve(struct sampler *s, struct mlb_samples *samples, size_t more,
                               struct mlb_error *err)
{
    size_t need = samples->count + more;
    if (need <= samples->capacity)
        return MLB_OK;
    size_t twice = 2 * samples->capacity;
    enum mlb_status status = grow(samples, need > twice ? need : twice, err);
    return s->alone ? status : mlb_comm_agree(s->run->ctx.comm, status, err);
}

/* One sample: `steps` steps between two marks, as nanoseconds per step. */
static enum mlb_status take_unwatched(struct sampler *s, double *ns, struct mlb_error *err)
{
    struct mlb_device *device = s->run->ctx.device;
    struct mlb_comm *comm = s->run->ctx.comm;
    const struct mlb_backend *backend = device->backend;
    enum mlb_status status = MLB_OK;
    if (s->item->workload->collective && (status = comm->ops->line_up(comm, err)) != MLB_OK)
        return status;
    if ((status = backend->mark(device, 0, err)) != MLB_OK)
        return status;
    for (uint64_t i = 0; i < s->steps && status == MLB_OK; i++)
        status = s->variant->step(s->state, &s->run->ctx, err);
    if (status != MLB_OK || (status = backend->mark(device, 1, err)) != MLB_OK)
        return status;
    if (s->run->telemetry) /* before the wait: a GPU still works then, and does not rest for it */
        mlb_telemetry_poll(s->run->telemetry);
    if ((status = backend->sync(device, s->run->deadline_s, err)) != MLB_OK ||
        (status = backend->elapsed(device, 0, 1, ns, err)) != MLB_OK)
        return status;
    *ns /= (double)s->steps;
    comm->ops->progress(comm);
    return MLB_OK;
}

/* The deadline is each sample's: many slow ones in a row are no hang. */
static enum mlb_status take(struct sampler *s, double *ns, struct mlb_error *err)
{
    struct mlb_comm *comm = s->run->ctx.comm;
    comm->ops->watch(comm, s->item->label, s->run->deadline_s);
    enum mlb_status status = take_unwatched(s, ns, err);
    comm->ops->unwatch(comm);
    return status;
}

static bool interrupted(const struct sampler *s)
{
    return s->run->interrupted && *s->run->interrupted;
}

/* own[0..n-1] of every rank to one series that all ranks see; `failed` of any rank is seen by all.
 */
static enum mlb_status reduce(struct sampler *s, const double *own, double *across, size_t n,
                              double *failed, struct mlb_error *err)
{
    struct mlb_comm *comm = s->run->ctx.comm;
    memcpy(across, own, n * sizeof *own);
    if (s->alone || comm->size == 1)
        return MLB_OK;
    bool max = s->item->workload->collective;
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
static enum mlb_status chunk(struct sampler *s, struct mlb_samples *samples, uint64_t n,
                             struct mlb_error *err)
{
    struct mlb_comm *comm = s->run->ctx.comm;
    enum mlb_status status = reserve(s, samples, n + 1, err); /* one more: the flag of reduce() */
    if (status != MLB_OK)
        return status;
    double *own = samples->own + samples->count, ignored = 0.0;
    if (s->sample_s < SHORT_S)
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

static enum mlb_status share(struct sampler *s, struct decision *decision, struct mlb_error *err)
{
    struct mlb_comm *comm = s->run->ctx.comm;
    if (s->alone || comm->size == 1)
        return MLB_OK;
    return comm->ops->broadcast(comm, decision, sizeof *decision, 0, err);
}

static uint64_t fit(double seconds, double each_s, uint64_t least, uint64_t most)
{
    double n = each_s > 0.0 ? seconds / each_s : (double)most;
    return n <= (double)least ? least : n >= (double)most ? most : (uint64_t)n;
}

static bool budget_gone(const struct sampler *s)
{
    return s->run->stop_at_s > 0.0 && mlb_clock_s() >= s->run->stop_at_s;
}

/* --------------------------------------------------------------------------------------- warm-up
 */

static bool on_cpu(const struct sampler *s)
{
    return strcmp(s->run->ctx.device->info.kind, "cpu") == 0;
}

static double window_s(const struct sampler *s)
{
    return on_cpu(s) ? WINDOW_CPU_S : WINDOW_GPU_S;
}

static uint64_t steps_of_a_sample(const struct sampler *s, double step_s)
{
    double asked_s = s->item->measure.sample_time_s;
    if (s->item->workload->collective || asked_s == 0.0)
        return 1;
    return fit(on_cpu(s) ? asked_s : fmax(asked_s, SAMPLE_GPU_S), step_s, 1, 1000000);
}

static struct decision decide_warmup(struct sampler *s, double before, double now, double began_s)
{
    const struct mlb_measure *measure = &s->item->measure;
    struct decision d = {.steps = 1};
    double step_s = now * 1e-9;
    d.warm = before > 0.0 && fabs(now - before) <= STEADY * before;
    d.stop = d.warm || mlb_clock_s() - began_s >= measure->max_warmup_s || budget_gone(s);
    if (d.stop || !on_cpu(s)) /* a GPU's clock settles under the load that is timed */
        d.steps = steps_of_a_sample(s, step_s);
    d.next =
        fit(window_s(s), step_s * (double)d.steps, step_s > LONG_S ? 1 : WINDOW_MIN, WINDOW_MAX);
    return d;
}

/* Windows of untimed-for-the-record samples until two in a row agree. The first is a single step.
 */
static enum mlb_status warm_up(struct sampler *s, struct mlb_samples *samples,
                               struct mlb_error *err)
{
    double began_s = mlb_clock_s(), before = 0.0;
    bool first = true;
    struct decision d = {.next = 1, .steps = 1};
    s->steps = 1;
    s->sample_s = SHORT_S;
    do {
        if (chunk(s, samples, d.next, err) != MLB_OK)
            return err->status;
        double now = mlb_median(samples->across, samples->count);
        d = decide_warmup(s, before, now, began_s);
        before = first ? 0.0 : now;
        first = false;
        samples->warmup_discarded += samples->count;
        samples->count = 0;
        if (share(s, &d, err) != MLB_OK)
            return err->status;
        s->sample_s *= (double)d.steps / (double)s->steps;
        s->steps = d.steps;
    } while (!d.stop);
    samples->warm = d.warm;
    samples->steps = s->steps;
    s->timed_s = 0.0;
    return MLB_OK;
}

/* -------------------------------------------------------------------------------------- sampling
 */

bool mlb_sample_enough(const struct mlb_measure *measure, const double *across, size_t count,
                       double timed_s, enum mlb_stop *stop)
{
    struct mlb_summary summary;
    if (!mlb_summarise(across, count, 0.95, &summary))
        return false;
    uint64_t fewest = measure->min_samples;
    if (summary.median * 1e-9 < SHORT_S && fewest < SHORT_FEWEST)
        fewest = SHORT_FEWEST;
    if (fewest > measure->max_samples)
        fewest = measure->max_samples;
    bool precise = mlb_relative_half_width(&summary) <= measure->target;
    *stop = MLB_STOP_PRECISION;
    if (count >= fewest && timed_s >= measure->min_time_s && precise)
        return true;
    *stop = MLB_STOP_SAMPLES;
    if (count >= measure->max_samples)
        return true;
    /* Without FEWEST samples there is no interval: four times the limit is spent to get one. */
    *stop = MLB_STOP_TIME;
    return timed_s >= measure->max_time_s &&
           (count >= FEWEST || timed_s >= 4.0 * measure->max_time_s);
}

static struct decision decide(struct sampler *s, const struct mlb_samples *samples)
{
    const struct mlb_measure *measure = &s->item->measure;
    struct decision d = {.steps = s->steps};
    if (samples->count > 0) {
        d.stop = mlb_sample_enough(measure, samples->across, samples->count, s->timed_s, &d.why);
        if (!d.stop && budget_gone(s)) {
            d.stop = true;
            d.why = MLB_STOP_BUDGET;
        }
    }
    double left_s = fmax(measure->max_time_s - s->timed_s, 0.0);
    uint64_t left = measure->max_samples - samples->count;
    uint64_t room =
        fit(left_s, s->sample_s, samples->count < FEWEST ? FEWEST - samples->count : 1, CHUNK_MAX);
    d.next = fit(CHUNK_S, s->sample_s, CHUNK_MIN, CHUNK_MAX);
    d.next = d.next > room ? room : d.next;
    d.next = d.next > left ? left : d.next;
    if (s->sample_s > LONG_S)
        d.next = 1;
    if (s->run->tick)
        s->run->tick(s->run->user, fmin(s->timed_s / measure->max_time_s, 1.0));
    return d;
}

enum mlb_status mlb_sample(struct mlb_run *run, const struct mlb_case *item,
                           const struct mlb_variant *variant, void *state, bool alone,
                           struct mlb_samples *samples, struct mlb_error *err)
{
    struct sampler s = {
        .run = run, .item = item, .variant = variant, .state = state, .alone = alone};
    if (warm_up(&s, samples, err) != MLB_OK)
        return err->status;
    if (run->telemetry)
        mlb_telemetry_begin(run->telemetry);
    for (;;) {
        struct decision d = decide(&s, samples);
        if (share(&s, &d, err) != MLB_OK)
            return err->status;
        samples->stop = d.why;
        if (d.stop)
            break;
        if (chunk(&s, samples, d.next, err) != MLB_OK)
            return err->status;
    }
    if (run->telemetry)
        mlb_telemetry_end(run->telemetry, &samples->window);
    return MLB_OK;
}

enum mlb_status mlb_samples_join(struct mlb_comm *comm, struct mlb_samples *samples,
                                 struct mlb_error *err)
{
    double fewest = -(double)samples->count; /* min over ranks as a max */
    if (comm->ops->all_max(comm, &fewest, 1, err) != MLB_OK)
        return err->status;
    samples->count = (size_t)-fewest;
    for (size_t i = 0; i < samples->count; i++)
        samples->across[i] = 1.0 / samples->own[i];
    if (comm->ops->all_sum(comm, samples->across, samples->count, err) != MLB_OK)
        return err->status;
    for (size_t i = 0; i < samples->count; i++)
        samples->across[i] = (double)comm->size / samples->across[i];
    return MLB_OK;
}
