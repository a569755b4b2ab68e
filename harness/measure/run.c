/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/measure/row_ports.h"
#include "harness/measure/sample.h"

/* A status that a row can carry; the others end the job. */
static bool row_can_say(enum mlb_status status)
{
    return status != MLB_E_COMM && status != MLB_E_TIMEOUT && status != MLB_E_INTERRUPTED &&
           status != MLB_E_INTERNAL;
}

static void end_row(struct mlb_row *row, enum mlb_row_status status, const char *reason)
{
    row->status = status;
    mlb_format(row->reason, sizeof row->reason, "%s", reason);
}

static enum mlb_row_status status_for(enum mlb_status status)
{
    return status == MLB_E_UNSUPPORTED || status == MLB_E_NOMEM ? MLB_ROW_SKIPPED : MLB_ROW_FAILED;
}

static void begin_row(const struct mlb_case *item, struct mlb_row *row)
{
    memset(row, 0, sizeof *row);
    mlb_format(row->id, sizeof row->id, "%s", item->id);
    mlb_format(row->workload, sizeof row->workload, "%s", item->workload->name);
    mlb_format(row->label, sizeof row->label, "%s", item->label);
    mlb_format(row->device, sizeof row->device, "%s", item->device);
    mlb_format(row->variant, sizeof row->variant, "%s", item->variant);
    row->target = item->measure.target;
    mlb_utc_now(row->started_utc);
    const struct mlb_option *param = item->workload->params;
    for (; param->name && row->param_count < MLB_PARAMS; param++) {
        struct mlb_text value = {0};
        struct mlb_param *slot = &row->params[row->param_count++];
        mlb_option_print(param, item->params, &value);
        mlb_format(slot->name, sizeof slot->name, "%s", param->name);
        mlb_format(slot->value, sizeof slot->value, "%s", mlb_text_get(&value));
        mlb_text_free(&value);
    }
}

/* ------------------------------------------------------------------------------ choice of variant
 */

static bool fits(const struct mlb_variant *variant, const struct mlb_case *item)
{
    return strcmp(variant->device, item->device) == 0 &&
           (!item->variant[0] || strcmp(variant->name, item->variant) == 0);
}

static enum mlb_status ask(const struct mlb_run *run, const struct mlb_case *item,
                           const struct mlb_variant *variant, struct mlb_error *err)
{
    return variant->check ? variant->check(item->params, &run->ctx, err) : MLB_OK;
}

/* The first variant at or after `from` that can do the case on this rank; index, or past the end.
 */
static size_t first_able(const struct mlb_run *run, const struct mlb_case *item, size_t from,
                         struct mlb_error *err)
{
    const struct mlb_variant *variants = item->workload->variants;
    size_t i = from;
    for (; variants[i].name; i++) {
        struct mlb_error why = {0};
        if (!fits(&variants[i], item))
            continue;
        if (ask(run, item, &variants[i], &why) == MLB_OK)
            return i;
        if (err->status == MLB_OK) /* the best variant's reason is the one to tell */
            *err = why;
    }
    return i;
}

/* The best variant at or after `from` that every rank can do: all go on from the highest index any
 * of them stands at. */
static enum mlb_status choose(const struct mlb_run *run, const struct mlb_case *item, size_t from,
                              const struct mlb_variant **chosen, struct mlb_error *err)
{
    struct mlb_comm *comm = run->ctx.comm;
    struct mlb_error why = {0};
    size_t index = from;
    for (;;) {
        index = first_able(run, item, index, &why);
        double bounds[2] = {(double)index, -(double)index}; /* max and -min */
        if (comm->ops->all_max(comm, bounds, 2, err) != MLB_OK)
            return err->status;
        index = (size_t)bounds[0];
        if (bounds[0] == -bounds[1])
            break;
    }
    *chosen = &item->workload->variants[index];
    if ((*chosen)->name)
        return MLB_OK;
    *err = why; /* not every rank has one: the lowest that has speaks for all */
    if (mlb_comm_agree(comm, why.status, err) != MLB_OK)
        return err->status;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "no variant%s%s of %s for device '%s'",
                    item->variant[0] ? " " : "", item->variant, item->workload->name, item->device);
}

/* Why this case cannot be done here at all; NULL when it can be tried. Same answer on all ranks. */
static const char *hopeless(const struct mlb_run *run, const struct mlb_case *item, char *text,
                            size_t size)
{
    const struct mlb_workload *workload = item->workload;
    if (workload->collective && run->ctx.comm->size < workload->min_ranks) {
        mlb_format(text, size, "needs %d ranks or more, this job has %d", workload->min_ranks,
                   run->ctx.comm->size);
        return text;
    }
    if (!run->ctx.device)
        return run->absent ? run->absent : "no such device";
    if (workload->collective && !run->ctx.channel)
        return run->no_channel ? run->no_channel : "no library for collectives on this device";
    return NULL;
}

/* -------------------------------------------------------------------------------- verification */

/* Rank 0's row gets the sums of the counts, the worst ratio, and the first wrong element of the
 * lowest rank that has one. Every rank learns whether all passed. */
static enum mlb_status join_verification(struct mlb_comm *comm, const struct mlb_verification *mine,
                                         struct mlb_row *row, bool *passed, struct mlb_error *err)
{
    double counts[3] = {(double)mine->checked, (double)mine->wrong,
                        mlb_verification_passed(mine) ? 0.0 : 1.0};
    double worst = mine->worst_ratio, first = mine->wrong ? -(double)comm->rank : -1e9;
    double most[2] = {worst, first};
    if (comm->ops->all_sum(comm, counts, 3, err) != MLB_OK ||
        comm->ops->all_max(comm, most, 2, err) != MLB_OK)
        return err->status;
    struct mlb_verification joined = *mine;
    int from = counts[1] > 0.0 ? (int)-most[1] : 0;
    if (comm->ops->broadcast(comm, joined.first_wrong, sizeof joined.first_wrong, from, err) !=
        MLB_OK)
        return err->status;
    joined.idle = false;
    joined.checked = (uint64_t)counts[0];
    joined.wrong = (uint64_t)counts[1];
    joined.worst_ratio = most[0];
    *passed = counts[2] == 0.0 && joined.checked > 0;
    row->verified = *passed || joined.wrong; /* a rank that checked nothing is no evidence */
    row->verification = joined;
    mlb_format(row->verification_method, sizeof row->verification_method, "%s",
               mine->method ? mine->method : "");
    row->verification.method = row->verification_method;
    if (!*passed && joined.wrong)
        mlb_format(row->reason, sizeof row->reason, "wrong result%s%.0d: %llu of %llu: %s",
                   from ? " on rank " : "", from, (unsigned long long)joined.wrong,
                   (unsigned long long)joined.checked, joined.first_wrong);
    else if (!*passed)
        mlb_format(row->reason, sizeof row->reason, "nothing was verified on a rank");
    return MLB_OK;
}

static enum mlb_status verify(struct mlb_run *run, const struct mlb_case *item,
                              const struct mlb_variant *variant, void *state, struct mlb_row *row,
                              bool *passed, struct mlb_error *err)
{
    struct mlb_verification mine = {0};
    struct mlb_comm *comm = run->ctx.comm;
    comm->ops->watch(comm, run->title, 10.0 * run->deadline_s);
    enum mlb_status status =
        item->workload->verify(variant, state, item->params, &run->ctx, &mine, err);
    comm->ops->unwatch(comm);
    *passed = false;
    if (status == MLB_OK && run->interrupted && *run->interrupted)
        status = mlb_fail(err, MLB_E_INTERRUPTED, "interrupted");
    if (mlb_comm_agree(comm, status, err) != MLB_OK)
        return err->status;
    return join_verification(comm, &mine, row, passed, err);
}

/* ------------------------------------------------------------------------------------- timing */

/* --solo: one rank after the other; the waiting ones sleep. What the budget leaves is shared out
 * evenly among those that have not had their turn. */
static enum mlb_status sample_in_turn(struct mlb_run *run, const struct mlb_case *item,
                                      const struct mlb_variant *variant, void *state,
                                      struct mlb_samples *samples, struct mlb_error *err)
{
    struct mlb_comm *comm = run->ctx.comm;
    double usual_s = comm->deadline_s, stop_at_s = run->stop_at_s;
    enum mlb_status status = MLB_OK;
    /* Another's turn: at most 4 x max_time_s for six samples, and each phase may end one step late.
     */
    comm->deadline_s += 4.0 * item->measure.max_time_s + 2.0 * item->measure.max_warmup_s +
                        2.0 * run->deadline_s +
                        2.0 * item->measure.sustain_s; /* rest and burst are a part of it */
    for (int rank = 0; rank < comm->size && status == MLB_OK; rank++) {
        if (rank == comm->rank) {
            double now_s = mlb_clock_s();
            if (stop_at_s > 0.0)
                run->stop_at_s = now_s + (stop_at_s - now_s) / (double)(comm->size - rank);
            status = mlb_sample(run, item, variant, state, true, samples, err);
        }
        status = mlb_comm_agree(comm, status, err);
    }
    comm->deadline_s = usual_s;
    run->stop_at_s = stop_at_s;
    return status == MLB_OK ? mlb_samples_join(comm, samples, err) : status;
}

static enum mlb_status gather_medians(struct mlb_comm *comm, const struct mlb_samples *samples,
                                      struct mlb_row *row, struct mlb_error *err)
{
    double mine = mlb_median(samples->own, samples->count), *all = NULL;
    if (comm->rank == 0) {
        all = calloc((size_t)comm->size, sizeof *all);
        if (!all)
            return mlb_fail(err, MLB_E_NOMEM, "medians of %d ranks: out of memory", comm->size);
    }
    if (comm->ops->gather(comm, &mine, sizeof mine, all, 0, err) != MLB_OK) {
        free(all);
        return err->status;
    }
    row->rank_median_ns = all;
    row->rank_count = all ? (size_t)comm->size : 0;
    return MLB_OK;
}

/* A rate is the mean of the ranks', so what it is a part of needs the mean of their clocks. */
static enum mlb_status join_clocks(struct mlb_comm *comm, struct mlb_samples *samples,
                                   struct mlb_error *err)
{
    struct mlb_telemetry_window *windows[] = {&samples->window, &samples->burst_window,
                                              &samples->half_window[1]};
    double sums[6];
    if (comm->size == 1)
        return MLB_OK;
    for (size_t i = 0; i < 3; i++) {
        sums[2 * i] = mlb_telemetry_clock(windows[i]);
        sums[2 * i + 1] = sums[2 * i] > 0.0 ? 1.0 : 0.0;
    }
    if (comm->ops->all_sum(comm, sums, 6, err) != MLB_OK)
        return err->status;
    for (size_t i = 0; i < 3; i++)
        if (sums[2 * i + 1] == (double)comm->size)
            windows[i]->clock_ranks_mean_hz =
                (struct mlb_maybe){true, sums[2 * i] / (double)comm->size};
    return MLB_OK;
}

/* All ranks' windows: rank 0's figures, the first verdict that is not clean. */
static enum mlb_status join_telemetry(struct mlb_run *run, struct mlb_samples *samples,
                                      struct mlb_row *row, struct mlb_error *err)
{
    struct mlb_comm *comm = run->ctx.comm;
    struct mlb_telemetry_window *window = &row->telemetry;
    if (join_clocks(comm, samples, err) != MLB_OK)
        return err->status;
    *window = samples->window;
    row->has_telemetry = run->telemetry != NULL;
    double first = window->verdict[0] ? -(double)comm->rank : -1e9;
    if (comm->ops->all_max(comm, &first, 1, err) != MLB_OK)
        return err->status;
    if (first == -1e9)
        return MLB_OK;
    if (comm->ops->broadcast(comm, window->verdict, sizeof window->verdict, (int)-first, err) !=
        MLB_OK)
        return err->status;
    mlb_format(row->reason, sizeof row->reason, "rank %d: %s", (int)-first, window->verdict);
    row->status = MLB_ROW_UNTRUSTED;
    return MLB_OK;
}

/* To the picosecond: no clock tells more. */
static void round_times(double *ns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ns[i] = round(ns[i] * 1e3) / 1e3;
}

/* The first half's verdict and clock join the window of the second. */
static void take_sustain(struct mlb_row *row, struct mlb_samples *samples)
{
    struct mlb_sustain *sustain = &row->sustain;
    struct mlb_summary all;
    row->has_sustain = samples->burst.count > 0 && samples->blocks.count > 0;
    if (!row->has_sustain)
        return;
    round_times(samples->burst.ns, samples->burst.count);
    round_times(samples->blocks.ns, samples->blocks.count);
    sustain->duration_s = samples->sustained_s;
    mlb_summarise(samples->burst.ns, samples->burst.count, 0.95, &sustain->burst);
    sustain->burst_window = samples->burst_window;
    sustain->block_ns = samples->blocks.ns;
    sustain->block_count = samples->blocks.count;
    samples->blocks.ns = NULL;
    size_t first = sustain->block_count / 2;
    mlb_summarise(sustain->block_ns + first, sustain->block_count - first, 0.95,
                  &sustain->sustained);
    mlb_summarise(sustain->block_ns, sustain->block_count, 0.95, &all);
    sustain->drift_per_min =
        sustain->duration_s > 0.0 ? all.drift / sustain->duration_s * 60.0 : 0.0;
    sustain->window = samples->half_window[1];
    sustain->clock_first_hz = samples->half_window[0].clock_first_hz;
    sustain->clock_last_hz = samples->half_window[1].clock_last_hz;
    if (!sustain->window.verdict[0])
        mlb_format(sustain->window.verdict, sizeof sustain->window.verdict, "%s",
                   samples->half_window[0].verdict);
}

static void take_samples(struct mlb_row *row, struct mlb_samples *samples, bool joint)
{
    row->across = joint ? MLB_ACROSS_MAX : MLB_ACROSS_HARMONIC_MEAN;
    row->steps_per_sample = samples->steps;
    row->warmup_discarded = samples->warmup_discarded;
    row->warm = samples->warm;
    row->stop = samples->stop;
    row->time_ns = samples->across;
    row->sample_count = samples->count;
    samples->across = NULL;
    round_times(row->time_ns, row->sample_count);
    mlb_format(row->launch, sizeof row->launch, "%s", samples->launch);
    mlb_format(row->no_graph, sizeof row->no_graph, "%s", samples->no_graph);
    row->graph_gain = samples->graph_gain;
    take_sustain(row, samples);
}

static enum mlb_status time_case(struct mlb_run *run, const struct mlb_case *item,
                                 const struct mlb_variant *variant, void *state,
                                 struct mlb_row *row, struct mlb_error *err)
{
    struct mlb_samples samples = {0};
    bool joint = mlb_workload_is_joint(item->workload);
    bool solo = run->solo && !joint && run->ctx.comm->size > 1;
    enum mlb_status status = solo ? sample_in_turn(run, item, variant, state, &samples, err)
                                  : mlb_sample(run, item, variant, state, false, &samples, err);
    if (status == MLB_OK)
        status = join_telemetry(run, &samples, row, err);
    if (status == MLB_OK)
        status = gather_medians(run->ctx.comm, &samples, row, err);
    if (status == MLB_OK)
        status = mlb_row_take_ports(row, &samples.moved, samples.moved_steps, err);
    if (status == MLB_OK) {
        take_samples(row, &samples, joint);
        mlb_row_summarise(row);
        if (!row->summary.interval.known && row->status == MLB_ROW_MEASURED) {
            row->status = MLB_ROW_UNTRUSTED;
            mlb_format(row->reason, sizeof row->reason,
                       "%zu sample%s in the time there was: no interval (6 are needed)",
                       row->sample_count, row->sample_count == 1 ? "" : "s");
        }
        if (run->ctx.channel && run->ctx.channel->shared_device) {
            row->status = MLB_ROW_UNTRUSTED;
            mlb_format(row->reason, sizeof row->reason, "ranks share a GPU: correctness only");
        }
    }
    mlb_samples_free(&samples);
    return status;
}

/* ---------------------------------------------------------------------------------------- a case
 */

static enum mlb_status set_up(struct mlb_run *run, const struct mlb_case *item,
                              const struct mlb_variant *variant, void *state, struct mlb_error *err)
{
    struct mlb_comm *comm = run->ctx.comm;
    enum mlb_status status = state ? MLB_OK
                                   : mlb_fail(err, MLB_E_NOMEM, "%zu bytes of state: out of memory",
                                              item->workload->state_bytes);
    comm->ops->watch(comm, run->title, 10.0 * run->deadline_s);
    if (status == MLB_OK)
        status = variant->setup(state, item->params, &run->ctx, err);
    if (status == MLB_OK)
        status = mlb_sync(run->ctx.device, 10.0 * run->deadline_s, err);
    comm->ops->unwatch(comm);
    return mlb_comm_agree(comm, status, err);
}

/* Setup, verification, timing. Errors that a row can carry come back as a status too; the caller
 * turns them into the row's. */
static enum mlb_status measure(struct mlb_run *run, const struct mlb_case *item,
                               const struct mlb_variant *variant, struct mlb_row *row,
                               struct mlb_error *err)
{
    size_t bytes = item->workload->state_bytes;
    void *state = calloc(1, bytes ? bytes : 1);
    bool passed = false;
    if (item->workload->label_here)
        item->workload->label_here(item->params, &run->ctx, row->label, sizeof row->label);
    item->workload->work(item->params, &run->ctx, &row->work);
    mlb_format(row->formula, sizeof row->formula, "%s", row->work.formula);
    row->work.formula = row->formula;
    enum mlb_status status = set_up(run, item, variant, state, err);
    if (run->ctx.trial) /* its row is compared with others like it, and kept by nobody */
        passed = true;
    else if (status == MLB_OK)
        status = verify(run, item, variant, state, row, &passed, err);
    if (status == MLB_OK && !passed)
        row->status = MLB_ROW_FAILED;
    else if (status == MLB_OK && !run->verify_only)
        status = time_case(run, item, variant, state, row, err);
    if (status == MLB_OK && variant->details)
        variant->details(state, item->params, &row->details);
    if (state)
        variant->teardown(state, &run->ctx);
    free(state);
    return status;
}

static enum mlb_status measure_as(struct mlb_run *run, const struct mlb_case *item,
                                  const struct mlb_variant *variant, struct mlb_row *row,
                                  struct mlb_error *err)
{
    mlb_format(row->variant, sizeof row->variant, "%s", variant->name);
    row->library[0] = '\0';
    if (variant->library)
        variant->library(row->library, sizeof row->library);
    return measure(run, item, variant, row, err);
}

/* A variant whose check passed may find in its setup that its library cannot do the case after all
 * (a plan that does not compile). The next one has its turn then, unless this one was asked for by
 * name; the row tells which was passed over. When none is left, the best one's reason stays. */
static enum mlb_status measure_with_next(struct mlb_run *run, const struct mlb_case *item,
                                         const struct mlb_variant *refused, struct mlb_row *row,
                                         struct mlb_error *err)
{
    const struct mlb_error first = *err;
    const char *best = refused->name;
    enum mlb_status status = MLB_E_UNSUPPORTED;
    while (status == MLB_E_UNSUPPORTED && !item->variant[0]) {
        const struct mlb_variant *next = NULL;
        size_t from = (size_t)(refused - item->workload->variants) + 1;
        *err = (struct mlb_error){0};
        status = choose(run, item, from, &next, err);
        if (status == MLB_OK)
            status = measure_as(run, item, next, row, err);
        if (status == MLB_OK)
            mlb_detail_text(&row->details, "passed_over", "%s: %s", best, first.text);
        if (!next || !next->name)
            break;
        refused = next;
    }
    if (status != MLB_E_UNSUPPORTED)
        return status;
    mlb_format(row->variant, sizeof row->variant, "%s", best);
    *err = first;
    return status;
}

static enum mlb_status run_case(struct mlb_run *run, const struct mlb_case *item,
                                struct mlb_row *row, struct mlb_error *err)
{
    const struct mlb_variant *variant = NULL;
    char text[MLB_ROW_REASON];
    const char *why = hopeless(run, item, text, sizeof text);
    if (why) {
        enum mlb_status cause = why == run->absent       ? run->absent_status
                                : why == run->no_channel ? run->no_channel_status
                                                         : MLB_OK;
        end_row(row, cause == MLB_OK ? MLB_ROW_SKIPPED : status_for(cause), why);
        return MLB_OK;
    }
    enum mlb_status status = choose(run, item, 0, &variant, err);
    if (status == MLB_OK)
        status = measure_as(run, item, variant, row, err);
    return status == MLB_E_UNSUPPORTED && variant->name
               ? measure_with_next(run, item, variant, row, err)
               : status;
}

enum mlb_status mlb_run_case(struct mlb_run *run, const struct mlb_case *item, struct mlb_row *row,
                             struct mlb_error *err)
{
    double began_s = mlb_clock_s();
    begin_row(item, row);
    mlb_format(run->title, sizeof run->title, "%s %s", item->workload->name, item->label);
    *err = (struct mlb_error){0};
    run->ctx.tune_s = item->measure.max_time_s;
    enum mlb_status status = run_case(run, item, row, err);
    row->wall_s = mlb_clock_s() - began_s;
    run->unhealthy = status == MLB_E_UNHEALTHY;
    if (status == MLB_OK)
        return MLB_OK;
    end_row(row, status_for(status), err->text);
    if (!row_can_say(status))
        return status;
    *err = (struct mlb_error){0};
    return MLB_OK;
}
