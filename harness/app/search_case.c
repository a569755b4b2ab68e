/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/search_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/units.h"

/* A quick look: long enough to tell shapes apart by some per cent. */
static const struct mlb_measure quick = {.target = 0.05,
                                         .min_samples = 6,
                                         .max_samples = 50,
                                         .min_time_s = 0.02,
                                         .max_time_s = 0.1,
                                         .max_warmup_s = 0.05,
                                         .sample_time_s = 0.001};
static const struct mlb_measure careful = {.target = 0.01,
                                           .min_samples = 10,
                                           .max_samples = 200,
                                           .min_time_s = 0.2,
                                           .max_time_s = 1.0,
                                           .max_warmup_s = 0.5,
                                           .sample_time_s = 0.001};

#define STEPS_OF_A_LOOK 10.0  /* at least: to warm up, and six samples */
#define SHARE           0.125 /* of the time, that one look may take */

/* State of one search. */
struct looking {
    struct mlb_search_case *search;
    const struct mlb_option *rows[MLB_SEARCH_SIZES];
    double seconds, until_s, best_rate;
};

/* ------------------------------------------------------------------------------------- the sizes
 */

static uint64_t *size_in(const struct mlb_option *row, void *params)
{
    return (uint64_t *)(void *)((char *)params + row->offset);
}

/* `like` with these sizes; the caller frees item->params. MLB_E_CONFIG when the workload refuses
 * them. */
static enum mlb_status make_case(const struct looking *looking, const struct mlb_shape *shape,
                                 struct mlb_case *item, struct mlb_error *err)
{
    const struct mlb_case *like = looking->search->like;
    const struct mlb_workload *workload = like->workload;
    *item = *like;
    item->search = false;
    item->params = malloc(workload->params_bytes);
    if (!item->params)
        return mlb_fail(err, MLB_E_NOMEM, "search: out of memory");
    memcpy(item->params, like->params, workload->params_bytes);
    for (size_t i = 0; i < MLB_SEARCH_SIZES && looking->rows[i]; i++)
        *size_in(looking->rows[i], item->params) = shape->size[i];
    if (workload->resolve && workload->resolve(item->params, err) != MLB_OK)
        return mlb_fail_at(err, "--search: %s", workload->name);
    workload->label(item->params, item->label, sizeof item->label);
    return MLB_OK;
}

/* -------------------------------------------------------------------------------------- one look
 */

static double amount_of(const struct mlb_work *work)
{
    return work->flop > 0.0 ? work->flop : work->bytes;
}

/* mlb_row_rate gives none before verification. */
static double rate_of(const struct mlb_row *row)
{
    return row->sample_count ? amount_of(&row->work) / (1e-9 * row->summary.median) : 0.0;
}

/* At the best rate there was, would this take too much of the time? */
static bool too_long(const struct looking *looking, const struct mlb_case *item,
                     const struct mlb_ctx *ctx)
{
    struct mlb_work work = {0};
    if (!(looking->best_rate > 0.0) || !ctx->device)
        return false;
    item->workload->work(item->params, ctx, &work);
    double step_s = amount_of(&work) / looking->best_rate;
    return STEPS_OF_A_LOOK * step_s > SHARE * looking->seconds;
}

/* Rank 0's figures are everyone's. */
static enum mlb_status agree(struct mlb_comm *comm, double *rate, bool *over, struct mlb_error *err)
{
    double both[2] = {*rate, *over ? 1.0 : 0.0};
    if (comm->ops->broadcast(comm, both, sizeof both, 0, err) != MLB_OK)
        return err->status;
    *rate = both[0];
    *over = both[1] != 0.0;
    return MLB_OK;
}

/* A quick look does not verify: what it finds is not printed. A final one does. */
static enum mlb_status measure(const struct looking *looking, struct mlb_case *item, bool final,
                               double *rate, struct mlb_error *err)
{
    struct mlb_run run;
    struct mlb_row row = {0};
    item->measure = final ? careful : quick;
    if (mlb_session_run(looking->search->session, item, &run, err) != MLB_OK)
        return err->status;
    run.ctx.trial = !final;
    if (!final && too_long(looking, item, &run.ctx))
        return MLB_OK;
    enum mlb_status status = mlb_run_case(&run, item, &row, err);
    if (status == MLB_OK && row.status != MLB_ROW_FAILED)
        *rate = rate_of(&row);
    mlb_row_free(&row);
    return status;
}

/* Sizes that the workload refuses have no rate. */
static enum mlb_status try_shape(const struct looking *looking, const struct mlb_shape *shape,
                                 bool final, double *rate, struct mlb_error *err)
{
    const struct mlb_search_case *search = looking->search;
    struct mlb_case item;
    struct mlb_error why = {0};
    enum mlb_status status = make_case(looking, shape, &item, &why);
    if (status == MLB_OK)
        mlb_progress_case(search->progress, item.label);
    if (status == MLB_OK)
        status = measure(looking, &item, final, rate, &why);
    free(item.params);
    if (status == MLB_OK || status == MLB_E_CONFIG)
        return MLB_OK;
    *err = why;
    return status;
}

static enum mlb_status look(void *user, const struct mlb_shape *shape, bool final, double *rate,
                            bool *over, struct mlb_error *err)
{
    struct looking *looking = user;
    *rate = 0.0;
    if (try_shape(looking, shape, final, rate, err) != MLB_OK)
        return err->status;
    *over = mlb_clock_s() > looking->until_s;
    if (agree(looking->search->session->comm, rate, over, err) != MLB_OK)
        return err->status;
    if (*rate > looking->best_rate)
        looking->best_rate = *rate;
    return MLB_OK;
}

/* -------------------------------------------------------------------------------------- a search
 */

static enum mlb_status take(const struct looking *looking, const struct mlb_shape *start,
                            struct mlb_error *err)
{
    struct mlb_search_case *search = looking->search;
    const struct mlb_search_found *found = &search->found;
    struct mlb_case second = {0};
    const struct mlb_shape *shape = found->best_rate > 0.0 ? &found->best : start;
    if (make_case(looking, shape, &search->best, err) != MLB_OK)
        return err->status;
    if (!(found->second_rate > 0.0))
        return MLB_OK;
    if (make_case(looking, &found->second, &second, err) == MLB_OK)
        mlb_format(search->runner_up, sizeof search->runner_up, "%.63s", second.label);
    free(second.params);
    return err->status;
}

/* Some cases have sizes that cannot be changed: a model's. */
static enum mlb_status check_sizes(const struct looking *looking, const struct mlb_shape *start,
                                   struct mlb_error *err)
{
    struct mlb_shape twice = *start;
    struct mlb_case item;
    for (size_t i = 0; i < MLB_SEARCH_SIZES; i++)
        twice.size[i] *= 2;
    enum mlb_status status = make_case(looking, &twice, &item, err);
    free(item.params);
    return status;
}

enum mlb_status mlb_search_case(struct mlb_search_case *search, struct mlb_error *err)
{
    const struct mlb_workload *workload = search->like->workload;
    double began_s = mlb_clock_s(), seconds = search->session->options->search_time_s;
    if (search->stop_at_s > 0.0) /* half is left to measure what is found */
        seconds = fmin(seconds, 0.5 * (search->stop_at_s - began_s));
    /* Rank 0's clock is everyone's: what takes too long must be left out by all. */
    struct mlb_comm *comm = search->session->comm;
    if (comm->ops->broadcast(comm, &seconds, sizeof seconds, 0, err) != MLB_OK)
        return err->status;
    struct looking looking = {.search = search, .seconds = seconds, .until_s = began_s + seconds};
    struct mlb_search order = {.look = look, .user = &looking};
    for (; order.sizes < MLB_SEARCH_SIZES && workload->search[order.sizes]; order.sizes++) {
        const struct mlb_option *row =
            mlb_option_find(workload->params, workload->search[order.sizes]);
        looking.rows[order.sizes] = row;
        order.start.size[order.sizes] = *size_in(row, search->like->params);
    }
    enum mlb_status status = check_sizes(&looking, &order.start, err);
    if (status == MLB_OK)
        status = mlb_search(&order, &search->found, err);
    if (status == MLB_OK)
        status = take(&looking, &order.start, err);
    search->spent_s = mlb_clock_s() - began_s;
    search->done = status == MLB_OK;
    return status;
}

void mlb_search_details(const struct mlb_search_case *search, struct mlb_details *details)
{
    const struct mlb_search_found *found = &search->found;
    if (!search->done)
        return;
    mlb_detail_number(details, "search_shapes_measured", (double)found->tried);
    mlb_detail_number(details, "search_shapes_left_out", (double)found->left_out);
    mlb_detail_text(details, "search_ended_by", "%s", found->complete ? "the search" : "the time");
    mlb_detail_number(details, "search_s", search->spent_s);
    if (!(found->second_rate > 0.0))
        return;
    mlb_detail_text(details, "search_runner_up", "%s", search->runner_up);
    mlb_detail_number(details, "search_runner_up_per_s", found->second_rate);
}
