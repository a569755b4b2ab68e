/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/sample.h"

#include <math.h>

#include "harness/base/clock.h"
#include "harness/measure/sampler.h"

enum { FEWEST = 6, SHORT_FEWEST = 20, LATENCY_FEWEST = 100 };

/* Two windows in a row whose medians agree to STEADY are steady. A GPU's clock needs longer to
 * settle than a CPU's caches do. */
static const double STEADY = 0.01, WINDOW_CPU_S = 0.02, WINDOW_GPU_S = 0.5;
enum { WINDOW_MIN = 3, WINDOW_MAX = 2000 };

/* A sample on a GPU begins with the way of the first launch to the device and follows a wait in
 * which the device rests: some 10 us and some 50 us, which would be percents of a sample of 1 ms.
 */
static const double SAMPLE_GPU_S = 10e-3;

/* --------------------------------------------------------------------------------------- warm-up
 */

static double window_s(const struct mlb_sampler *s)
{
    return mlb_sampler_on_cpu(s) ? WINDOW_CPU_S : WINDOW_GPU_S;
}

/* One call waits for the slowest rank to come; from the second on, ranks that are early run ahead.
 * nccl-tests too takes 20 calls in a row; where 20 are long, as many as end soon, but never one,
 * unless two came near the deadline of a sample. */
enum { PIPELINED = 20, PIPELINED_FEWEST = 2 };
static const double PIPELINED_S = 0.1;

static bool pipelined(const struct mlb_sampler *s)
{
    const struct mlb_workload *workload = s->item->workload;
    return workload->collective && workload->pipelined && workload->pipelined(s->item->params);
}

/* A collective's single calls: their times are latencies. */
static bool isolated(const struct mlb_sampler *s)
{
    return s->item->workload->collective && !pipelined(s);
}

static uint64_t fewest_steps(const struct mlb_sampler *s, double step_s)
{
    if (!pipelined(s) || PIPELINED_FEWEST * step_s > 0.25 * s->run->deadline_s)
        return 1;
    return mlb_sampler_fit(PIPELINED_S, step_s, PIPELINED_FEWEST, PIPELINED);
}

static uint64_t steps_of_a_sample(const struct mlb_sampler *s, double step_s)
{
    double asked_s = s->item->measure.sample_time_s;
    uint64_t least = fewest_steps(s, step_s);
    if (isolated(s) || asked_s == 0.0)
        return least;
    return mlb_sampler_fit(mlb_sampler_on_cpu(s) ? asked_s : fmax(asked_s, SAMPLE_GPU_S), step_s,
                           least, 1000000);
}

/* What two windows are compared by. */
struct state_of_window {
    double time_ns;  /* 0 = there is none to compare with */
    double clock_hz; /* 0 = not known */
};

static bool agree(double before, double now)
{
    return fabs(now - before) <= STEADY * before;
}

static bool is_steady(struct state_of_window before, struct state_of_window now)
{
    bool clocks = before.clock_hz > 0.0 && now.clock_hz > 0.0;
    return before.time_ns > 0.0 && agree(before.time_ns, now.time_ns) &&
           (!clocks || agree(before.clock_hz, now.clock_hz));
}

static struct mlb_decision decide_warmup(struct mlb_sampler *s, struct state_of_window before,
                                         struct state_of_window now, double began_s)
{
    const struct mlb_measure *measure = &s->item->measure;
    struct mlb_decision d = {.steps = s->steps_set ? s->steps : 1};
    double step_s = now.time_ns * 1e-9;
    d.warm = is_steady(before, now);
    d.stop =
        d.warm || mlb_clock_s() - began_s >= measure->max_warmup_s || mlb_sampler_budget_gone(s);
    /* A GPU's clock settles under the load that is timed. */
    if (!s->steps_set && (d.stop || !mlb_sampler_on_cpu(s)))
        d.steps = steps_of_a_sample(s, step_s);
    d.next = mlb_sampler_fit(window_s(s), step_s * (double)d.steps,
                             step_s > MLB_LONG_S ? 1 : WINDOW_MIN, WINDOW_MAX);
    return d;
}

/* A window of samples, and where it leaves time and clock. */
static enum mlb_status take_window(struct mlb_sampler *s, struct mlb_samples *samples, uint64_t n,
                                   struct state_of_window *now, struct mlb_error *err)
{
    struct mlb_telemetry_window window = {0};
    if (!mlb_sampler_on_cpu(s))
        mlb_sampler_begin_window(s);
    if (mlb_sampler_chunk(s, samples, n, err) != MLB_OK)
        return err->status;
    if (!mlb_sampler_on_cpu(s))
        mlb_sampler_end_window(s, &window);
    now->time_ns = mlb_median(samples->across, samples->count);
    now->clock_hz = mlb_telemetry_clock(&window);
    samples->warmup_discarded += samples->count;
    samples->count = 0;
    return MLB_OK;
}

/* The first window is a single step, unless their number is set. */
enum mlb_status mlb_sampler_settle(struct mlb_sampler *s, struct mlb_samples *samples,
                                   struct mlb_error *err)
{
    double began_s = mlb_clock_s();
    struct state_of_window before = {0};
    bool first = true;
    struct mlb_decision d = {.next = 1};
    do {
        struct state_of_window now;
        if (take_window(s, samples, d.next, &now, err) != MLB_OK)
            return err->status;
        d = decide_warmup(s, before, now, began_s);
        if (!first)
            before = now;
        first = false;
        if (mlb_sampler_share(s, &d, err) != MLB_OK)
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
    if (summary.median * 1e-9 < MLB_SHORT_S && fewest < SHORT_FEWEST)
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

/* What p99 needs, for calls that are short. */
static struct mlb_measure measure_of(const struct mlb_sampler *s)
{
    struct mlb_measure measure = s->item->measure;
    if (isolated(s) && s->sample_s < MLB_SHORT_S && measure.min_samples < LATENCY_FEWEST)
        measure.min_samples = LATENCY_FEWEST;
    return measure;
}

static struct mlb_decision decide(struct mlb_sampler *s, const struct mlb_samples *samples)
{
    const struct mlb_measure *measure = &s->item->measure;
    struct mlb_decision d = {.steps = s->steps};
    if (samples->count > 0) {
        struct mlb_measure rule = measure_of(s);
        d.stop = mlb_sample_enough(&rule, samples->across, samples->count, s->timed_s, &d.why);
        if (!d.stop && mlb_sampler_budget_gone(s)) {
            d.stop = true;
            d.why = MLB_STOP_BUDGET;
        }
    }
    double left_s = fmax(measure->max_time_s - s->timed_s, 0.0);
    uint64_t left = measure->max_samples - samples->count;
    uint64_t room =
        mlb_sampler_fit(left_s, s->sample_s, samples->count < FEWEST ? FEWEST - samples->count : 1,
                        mlb_sampler_chunk_size(s));
    d.next = mlb_sampler_chunk_size(s);
    d.next = d.next > room ? room : d.next;
    d.next = d.next > left ? left : d.next;
    if (s->run->tick)
        s->run->tick(s->run->user, fmin(s->timed_s / measure->max_time_s, 1.0));
    return d;
}

/* The headline: samples of a steady device until the stop rule holds. */
static enum mlb_status take_headline(struct mlb_sampler *s, struct mlb_samples *samples,
                                     struct mlb_error *err)
{
    struct mlb_ports *ports = s->item->workload->collective ? s->run->ports : NULL;
    mlb_ports_begin(ports);
    mlb_sampler_begin_window(s);
    for (;;) {
        struct mlb_decision d = decide(s, samples);
        if (mlb_sampler_share(s, &d, err) != MLB_OK)
            return err->status;
        samples->stop = d.why;
        if (d.stop)
            break;
        if (mlb_sampler_chunk(s, samples, d.next, err) != MLB_OK)
            return err->status;
    }
    mlb_sampler_end_window(s, &samples->window);
    mlb_ports_end(ports, &samples->moved);
    samples->moved_steps = s->window_steps;
    return MLB_OK;
}

static enum mlb_status take_all(struct mlb_sampler *s, struct mlb_samples *samples,
                                struct mlb_error *err)
{
    bool sustain = s->item->measure.sustain_s > 0.0;
    if (mlb_sampler_settle(s, samples, err) != MLB_OK ||
        mlb_sampler_choose_launch(s, samples, err) != MLB_OK)
        return err->status;
    s->steps_set = true;
    if (sustain && (mlb_sampler_burst(s, samples, err) != MLB_OK ||
                    mlb_sampler_settle(s, samples, err) != MLB_OK))
        return err->status;
    if (take_headline(s, samples, err) != MLB_OK)
        return err->status;
    return sustain ? mlb_sampler_sustain(s, samples, err) : MLB_OK;
}

enum mlb_status mlb_sample(struct mlb_run *run, const struct mlb_case *item,
                           const struct mlb_variant *variant, void *state, bool alone,
                           struct mlb_samples *samples, struct mlb_error *err)
{
    struct mlb_sampler s = {.run = run,
                            .item = item,
                            .variant = variant,
                            .state = state,
                            .alone = alone,
                            .steps = 1,
                            .sample_s = MLB_SHORT_S};
    enum mlb_status status = take_all(&s, samples, err);
    mlb_sampler_drop_graph(&s);
    return status;
}

/* One series of harmonic means of all ranks' series, as long as the shortest. */
static enum mlb_status join(struct mlb_comm *comm, const double *own, double *across, size_t *count,
                            struct mlb_error *err)
{
    double fewest = -(double)*count; /* min over ranks as a max */
    if (comm->ops->all_max(comm, &fewest, 1, err) != MLB_OK)
        return err->status;
    *count = (size_t)-fewest;
    for (size_t i = 0; i < *count; i++)
        across[i] = 1.0 / own[i];
    if (*count > 0 && comm->ops->all_sum(comm, across, *count, err) != MLB_OK)
        return err->status;
    for (size_t i = 0; i < *count; i++)
        across[i] = (double)comm->size / across[i];
    return MLB_OK;
}

enum mlb_status mlb_samples_join(struct mlb_comm *comm, struct mlb_samples *samples,
                                 struct mlb_error *err)
{
    if (join(comm, samples->own, samples->across, &samples->count, err) != MLB_OK ||
        join(comm, samples->burst.ns, samples->burst.ns, &samples->burst.count, err) != MLB_OK)
        return err->status;
    return join(comm, samples->blocks.ns, samples->blocks.ns, &samples->blocks.count, err);
}
