/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/tune.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define SINGLES    5u   /* of each candidate in the first stage; their median counts */
#define NEAR       1.15 /* slower than this times the best leaves after the first stage */
#define FINALISTS  4u
#define ROUNDS     3u     /* of the finalists in turn: heat of one falls on all alike */
#define SLICE_RUNS 20000u /* launches of 3 us each, the shortest there are, in a slice */

struct tuning {
    const struct mlb_tune *tune;
    double ns[MLB_TUNE_CANDIDATES]; /* INFINITY: not tested or cannot run */
    double best_ns;
    double spent_s;
};

static int ascending(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

static enum mlb_status time_runs(struct tuning *tuning, size_t index, unsigned runs, double *ns,
                                 struct mlb_error *err)
{
    enum mlb_status status = tuning->tune->time(tuning->tune->user, index, runs, ns, err);
    if (status == MLB_OK)
        tuning->spent_s += 1e-9 * *ns * runs;
    return status;
}

/* Median of single runs. The first run loads the kernel's code and is not looked at; when the
 * second is hopeless or time is short, it stands for all. */
static enum mlb_status rank(struct tuning *tuning, size_t index, double until_s,
                            struct mlb_error *err)
{
    double singles[SINGLES], cold_ns, warm_ns;
    size_t count = 0;
    if (time_runs(tuning, index, 1, &cold_ns, err) != MLB_OK ||
        time_runs(tuning, index, 1, &warm_ns, err) != MLB_OK)
        return err->status;
    if (warm_ns < 2.0 * tuning->best_ns)
        while (count < SINGLES && tuning->spent_s + 1e-9 * warm_ns <= until_s) {
            if (time_runs(tuning, index, 1, &singles[count], err) != MLB_OK)
                return err->status;
            count++;
        }
    tuning->ns[index] = count ? median(singles, count) : warm_ns;
    if (tuning->ns[index] < tuning->best_ns)
        tuning->best_ns = tuning->ns[index];
    return MLB_OK;
}

/* Errors of one candidate's own. A device that has broken down fails the others too, and then none
 * has run. */
static bool only_this_one(enum mlb_status status)
{
    return status == MLB_E_UNSUPPORTED || status == MLB_E_NOMEM || status == MLB_E_DEVICE;
}

static enum mlb_status rank_all(struct tuning *tuning, struct mlb_tune_result *result,
                                struct mlb_error *err)
{
    const struct mlb_tune *tune = tuning->tune;
    struct mlb_error first = {0};
    for (size_t i = 0; i < tune->count; i++) {
        if (result->tested && tuning->spent_s > tune->budget_s / 2.0)
            break;
        struct mlb_error why = {0};
        enum mlb_status status = rank(tuning, i, tune->budget_s / 2.0, &why);
        if (status == MLB_OK)
            result->tested++;
        else if (first.status == MLB_OK)
            first = why;
        if (status != MLB_OK && !only_this_one(status))
            return mlb_fail(err, status, "%s", why.text);
    }
    if (result->tested)
        return MLB_OK;
    return first.status == MLB_OK
               ? mlb_fail(err, MLB_E_UNSUPPORTED, "tuning: there is no candidate")
               : mlb_fail(err, first.status, "%s", first.text);
}

/* The fastest that are near the best, fastest first; candidate 0 is always among them, so that what
 * a framework would get is known as well as the choice. */
static size_t choose_finalists(const struct tuning *tuning, size_t *finalists)
{
    bool taken[MLB_TUNE_CANDIDATES] = {false};
    size_t chosen = 0;
    while (chosen < FINALISTS) {
        size_t next = tuning->tune->count;
        for (size_t i = 0; i < tuning->tune->count; i++)
            if (!taken[i] && tuning->ns[i] <= NEAR * tuning->best_ns &&
                (next == tuning->tune->count || tuning->ns[i] < tuning->ns[next]))
                next = i;
        if (next == tuning->tune->count)
            break;
        taken[next] = true;
        finalists[chosen++] = next;
    }
    if (!taken[0] && isfinite(tuning->ns[0]))
        finalists[chosen < FINALISTS ? chosen++ : chosen - 1] = 0;
    return chosen;
}

static enum mlb_status play_off(struct tuning *tuning, const size_t *finalists, size_t count,
                                struct mlb_error *err)
{
    double times[FINALISTS][ROUNDS];
    double slice_s = tuning->tune->budget_s / 2.0 / (double)(count * ROUNDS);
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++) {
            double fit = slice_s / (1e-9 * tuning->ns[finalists[i]] + 1e-9);
            unsigned runs = fit < 1.0 ? 1u : fit > SLICE_RUNS ? SLICE_RUNS : (unsigned)fit;
            if (time_runs(tuning, finalists[i], runs, &times[i][round], err) != MLB_OK)
                return err->status;
        }
    for (size_t i = 0; i < count; i++)
        tuning->ns[finalists[i]] = median(times[i], ROUNDS);
    return MLB_OK;
}

enum mlb_status mlb_tune(const struct mlb_tune *tune, struct mlb_tune_result *result,
                         struct mlb_error *err)
{
    struct tuning tuning = {.tune = tune, .best_ns = INFINITY};
    size_t finalists[FINALISTS];
    *result = (struct mlb_tune_result){0};
    for (size_t i = 0; i < MLB_TUNE_CANDIDATES; i++)
        tuning.ns[i] = INFINITY;
    if (rank_all(&tuning, result, err) != MLB_OK)
        return err->status;
    size_t count = choose_finalists(&tuning, finalists);
    if (count > 1 && play_off(&tuning, finalists, count, err) != MLB_OK)
        return err->status;
    result->finalists = count;
    result->chosen = finalists[0];
    for (size_t i = 1; i < count; i++)
        if (tuning.ns[finalists[i]] < tuning.ns[result->chosen])
            result->chosen = finalists[i];
    result->first_ns = tuning.ns[0];
    result->chosen_ns = tuning.ns[result->chosen];
    return MLB_OK;
}

double mlb_tune_budget(const struct mlb_ctx *ctx, double most_s)
{
    return ctx->tune_s > 0.0 && ctx->tune_s < most_s ? ctx->tune_s : most_s;
}

enum mlb_status mlb_tune_launches(const struct mlb_ctx *ctx, unsigned runs,
                                  enum mlb_status (*launch)(void *user, struct mlb_error *err),
                                  void *user, double *ns, struct mlb_error *err)
{
    struct mlb_device *device = ctx->device;
    double all_ns = 0.0;
    enum mlb_status status = device->backend->mark(device, 0, err);
    for (unsigned i = 0; i < runs && status == MLB_OK; i++)
        status = launch(user, err);
    if (status == MLB_OK)
        status = device->backend->mark(device, 1, err);
    if (status == MLB_OK)
        status = mlb_sync(device, 10.0 * ctx->comm->deadline_s, err);
    if (status == MLB_OK)
        status = device->backend->elapsed(device, 0, 1, &all_ns, err);
    *ns = all_ns / runs;
    return status;
}
