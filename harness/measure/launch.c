/* SPDX-License-Identifier: Apache-2.0 */
/* A CPU that launches kernels one by one can be slower than the GPU that does them: then the time
 * of a step is the CPU's, and a training job that uses graphs gets more than the figure says. So
 * both ways are timed once, and the faster one counts. */
#include "harness/base/text.h"
#include "harness/measure/sampler.h"

/* A graph has to be faster by this share: less is what the two differ by anyhow. */
static const double GAIN = 0.02;
/* Samples of either way, in turn; and a step so long that no CPU is late with the next. */
enum { TRIALS = 7 };
static const double LONGEST_STEP_S = 0.02;
/* Steps in one graph: enough that launching it costs nothing, few enough to be made quickly. */
enum { MOST_STEPS = 1000 };

void mlb_sampler_drop_graph(struct mlb_sampler *s)
{
    struct mlb_device *device = s->run->ctx.device;
    if (s->graph)
        device->backend->free_graph(device, s->graph);
    s->graph = NULL;
}

static void say_why_not(struct mlb_samples *samples, const char *why)
{
    mlb_format(samples->no_graph, sizeof samples->no_graph, "%.*s",
               (int)sizeof samples->no_graph - 1, why);
}

/* Why no graph is tried; NULL when one is. The same on all ranks. */
static const char *hopeless(const struct mlb_sampler *s)
{
    double step_s = s->sample_s / (double)s->steps;
    if (s->item->workload->collective)
        return "a collective";
    if (s->item->workload->as_launched)
        return "launching is a part of what is measured";
    if (s->steps < 2)
        return "a sample is a single step";
    return step_s > LONGEST_STEP_S ? "a step is long" : NULL;
}

/* Steps of a graph: all of a sample, but whole turns of the operand sets, so that no replay finds
 * its operands in the cache. 0 = a turn is too long. */
static uint64_t steps_of_a_graph(const struct mlb_sampler *s)
{
    const struct mlb_workload *workload = s->item->workload;
    uint64_t turn = workload->rotation ? workload->rotation(s->state) : 1;
    uint64_t steps = s->steps < MOST_STEPS ? s->steps : MOST_STEPS;
    if (turn == 0 || turn > MOST_STEPS)
        return 0;
    return steps < turn ? turn : steps / turn * turn;
}

/* On this rank. A step that fails may have been hit by what a capture forbids; if it was the
 * device, the next sample tells. */
static enum mlb_status capture(struct mlb_sampler *s, struct mlb_error *why)
{
    struct mlb_device *device = s->run->ctx.device;
    struct mlb_error end = {0};
    s->graph_steps = steps_of_a_graph(s);
    if (s->graph_steps == 0)
        return mlb_fail(why, MLB_E_UNSUPPORTED, "a turn of the operands is over %d steps",
                        MOST_STEPS);
    if (device->backend->begin_graph(device, why) != MLB_OK)
        return why->status;
    enum mlb_status status = MLB_OK;
    for (uint64_t i = 0; i < s->graph_steps && status == MLB_OK; i++)
        status = s->variant->step(s->state, &s->run->ctx, why);
    enum mlb_status ended = device->backend->end_graph(device, &s->graph, &end);
    if (status == MLB_OK && ended != MLB_OK)
        return mlb_fail(why, ended, "%s", end.text);
    return status;
}

/* A graph on every rank or on none. */
static enum mlb_status capture_all(struct mlb_sampler *s, struct mlb_samples *samples,
                                   struct mlb_error *err)
{
    struct mlb_comm *comm = s->run->ctx.comm;
    struct mlb_error why = {0};
    double failed = capture(s, &why) == MLB_OK ? 0.0 : 1.0;
    if (failed > 0.0)
        say_why_not(samples, why.text);
    if (!s->alone && comm->size > 1 && comm->ops->all_max(comm, &failed, 1, err) != MLB_OK)
        return err->status;
    if (failed == 0.0)
        return MLB_OK;
    if (!samples->no_graph[0])
        say_why_not(samples, "not possible on another rank");
    mlb_sampler_drop_graph(s);
    return MLB_OK;
}

static enum mlb_status time_one(struct mlb_sampler *s, struct mlb_samples *samples, void *graph,
                                double *ns, struct mlb_error *err)
{
    s->graph = graph;
    samples->count = 0;
    if (mlb_sampler_chunk(s, samples, 1, err) == MLB_OK)
        *ns = samples->across[0];
    return err->status;
}

/* How much faster the graph is, over TRIALS pairs after one that is not counted: the first launch
 * of a graph carries it to the device. */
static enum mlb_status time_both(struct mlb_sampler *s, struct mlb_samples *samples, double *gain,
                                 struct mlb_error *err)
{
    void *graph = s->graph;
    double stream_ns[TRIALS + 1], graph_ns[TRIALS + 1];
    enum mlb_status status = MLB_OK;
    for (int i = 0; i <= TRIALS && status == MLB_OK; i++) {
        status = time_one(s, samples, NULL, &stream_ns[i], err);
        if (status == MLB_OK)
            status = time_one(s, samples, graph, &graph_ns[i], err);
    }
    s->graph = graph;
    samples->count = 0;
    samples->warmup_discarded += 2 * (TRIALS + 1);
    *gain = mlb_median(stream_ns + 1, TRIALS) / mlb_median(graph_ns + 1, TRIALS) - 1.0;
    return status;
}

enum mlb_status mlb_sampler_choose_launch(struct mlb_sampler *s, struct mlb_samples *samples,
                                          struct mlb_error *err)
{
    if (!s->run->ctx.device->backend->begin_graph)
        return MLB_OK;
    mlb_format(samples->launch, sizeof samples->launch, "stream");
    const char *why = hopeless(s);
    if (why) {
        say_why_not(samples, why);
        return MLB_OK;
    }
    if (capture_all(s, samples, err) != MLB_OK || !s->graph)
        return err->status;
    uint64_t steps = s->steps;
    uint64_t launches = (steps + s->graph_steps / 2) / s->graph_steps;
    s->steps = (launches ? launches : 1) * s->graph_steps;
    s->sample_s *= (double)s->steps / (double)steps;
    double gain = 0.0;
    if (time_both(s, samples, &gain, err) != MLB_OK)
        return err->status;
    struct mlb_decision d = {.stop = gain > GAIN};
    if (mlb_sampler_share(s, &d, err) != MLB_OK)
        return err->status;
    samples->graph_gain = (struct mlb_maybe){true, gain};
    if (d.stop)
        mlb_format(samples->launch, sizeof samples->launch, "graph");
    else
        mlb_sampler_drop_graph(s);
    samples->steps = s->steps;
    s->timed_s = 0.0;
    return MLB_OK;
}
