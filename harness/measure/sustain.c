/* SPDX-License-Identifier: Apache-2.0 */
/* What a device gives from rest, and what it goes on giving. A GPU from rest runs at its boost
 * clock until heat and its power limit have their say; a training job lives in the time after. The
 * two are taken apart and never make one figure. */
#include <math.h>
#include <stdlib.h>

#include "harness/base/clock.h"
#include "harness/measure/sampler.h"

/* Rest before the burst, and the burst itself; of a short --sustain at most the share. */
static const double REST_S = 5.0, BURST_S = 1.0, SHARE = 0.25;
/* Neighbours among the samples are alike, since a GPU's power loop moves its clock within tenths of
 * a second: an interval from them would be too narrow. Medians of blocks are less so. */
static const double BLOCK_S = 0.5;

static void rest(const struct mlb_sampler *s)
{
    const double slice_s = 0.05;
    double end_s = mlb_clock_s() + fmin(REST_S, SHARE * s->item->measure.sustain_s);
    while (mlb_clock_s() < end_s && !(s->run->interrupted && *s->run->interrupted))
        mlb_sleep_s(slice_s);
}

static enum mlb_status append(struct mlb_series *series, double value, struct mlb_error *err)
{
    if (series->count == series->capacity) {
        size_t capacity = series->capacity ? 2 * series->capacity : 64;
        double *ns = realloc(series->ns, capacity * sizeof *ns);
        if (!ns)
            return mlb_fail(err, MLB_E_NOMEM, "%zu blocks: out of memory", capacity);
        series->ns = ns;
        series->capacity = capacity;
    }
    series->ns[series->count++] = value;
    return MLB_OK;
}

/* Samples up to `limit_s` of timed work since s->timed_s was 0, or until rank 0's clock or budget
 * say stop, which makes *over true. */
static enum mlb_status take_until(struct mlb_sampler *s, struct mlb_samples *scratch,
                                  double limit_s, double end_s, bool *over, struct mlb_error *err)
{
    while (s->timed_s < limit_s && !*over) {
        struct mlb_decision d = {.stop = mlb_clock_s() >= end_s || mlb_sampler_budget_gone(s)};
        if (mlb_sampler_share(s, &d, err) != MLB_OK)
            return err->status;
        *over = d.stop && scratch->count > 0;
        if (*over)
            break;
        uint64_t fitting =
            mlb_sampler_fit(limit_s - s->timed_s, s->sample_s, 1, mlb_sampler_chunk_size(s));
        if (mlb_sampler_chunk(s, scratch, fitting, err) != MLB_OK)
            return err->status;
        if (s->run->tick)
            s->run->tick(s->run->user, 1.0);
    }
    return MLB_OK;
}

enum mlb_status mlb_sampler_burst(struct mlb_sampler *s, struct mlb_samples *samples,
                                  struct mlb_error *err)
{
    struct mlb_samples scratch = {0};
    double seconds = fmin(BURST_S, SHARE * s->item->measure.sustain_s);
    bool over = false;
    rest(s);
    s->timed_s = 0.0;
    mlb_sampler_begin_window(s);
    enum mlb_status status = take_until(s, &scratch, seconds, mlb_clock_s() + seconds, &over, err);
    if (status == MLB_OK)
        mlb_sampler_end_window(s, &samples->burst_window);
    for (size_t i = 0; i < scratch.count && status == MLB_OK; i++)
        status = append(&samples->burst, scratch.across[i], err);
    mlb_samples_free(&scratch);
    return status;
}

/* Medians of blocks for `seconds`. */
static enum mlb_status take_blocks(struct mlb_sampler *s, struct mlb_samples *samples,
                                   double seconds, struct mlb_telemetry_window *window,
                                   struct mlb_error *err)
{
    struct mlb_samples scratch = {0};
    double end_s = mlb_clock_s() + seconds, done_s = 0.0;
    enum mlb_status status = MLB_OK;
    bool over = false;
    mlb_sampler_begin_window(s);
    while (status == MLB_OK && !over && done_s < seconds) {
        scratch.count = 0;
        s->timed_s = 0.0;
        status = take_until(s, &scratch, fmin(BLOCK_S, seconds - done_s), end_s, &over, err);
        if (status == MLB_OK && scratch.count > 0)
            status = append(&samples->blocks, mlb_median(scratch.across, scratch.count), err);
        done_s += s->timed_s;
    }
    if (status == MLB_OK)
        mlb_sampler_end_window(s, window);
    samples->sustained_s += done_s;
    mlb_samples_free(&scratch);
    return status;
}

/* Two halves with a window each: the second is what the device gives for good. */
enum mlb_status mlb_sampler_sustain(struct mlb_sampler *s, struct mlb_samples *samples,
                                    struct mlb_error *err)
{
    double half_s = s->item->measure.sustain_s / 2.0;
    for (int half = 0; half < 2; half++)
        if (take_blocks(s, samples, half_s, &samples->half_window[half], err) != MLB_OK)
            return err->status;
    return MLB_OK;
}
