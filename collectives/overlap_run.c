/* SPDX-License-Identifier: Apache-2.0 */
/* Running the two sides alone and at once.
 *
 * On a GPU both are streams of one device. The GEMM's stream begins when the collective's has
 * reached the mark of the start, and the mark of the end waits for both: no time of the host is in
 * it. The host gives the first GEMM, then the collective, then the other GEMMs, so that neither has
 * to wait for the launches of all of the other. A GEMM that fills the SMs lets the collective's
 * kernels wait for the first that is free, as in training: it is in the collective's time.
 *
 * On a CPU the collective is done on return, so the GEMM has a thread of its own. Start and end are
 * the host's; the wake-up of that thread is in them, alone and beside alike. */
#include "collectives/overlap.h"

/* Marks of the case's device, of which the sampler has the first ones, and of the GEMM's own. */
enum { START = MLB_MARKS - 4, END, COLLECTIVE_BEGIN, COLLECTIVE_END };
enum { GEMM_BEGIN, GEMM_END };

static const double CLOSE_S = 5.0; /* for what a failed step may have left under way */

bool mlb_overlap_has_streams(const struct mlb_device *device)
{
    return device->backend->wait_for != NULL;
}

/* -------------------------------------------------------------------------------- open and close
 */

/* Does `work` where the second device may be used, and waits for it. */
static enum mlb_status at_gemm(struct mlb_overlap *overlap, mlb_lane_work *work, void *user,
                               struct mlb_error *err)
{
    if (!overlap->lane)
        return work(user, err);
    mlb_lane_start(overlap->lane, work, user);
    return mlb_lane_finish(overlap->lane, err);
}

static enum mlb_status open_gemm(void *user, struct mlb_error *err)
{
    struct mlb_overlap *overlap = user;
    const struct mlb_backend *backend = overlap->device->backend;
    enum mlb_status status = backend->open(overlap->device->info.index, overlap->gemm.ctx.threads,
                                           &overlap->second, err);
    if (status != MLB_OK)
        return status;
    overlap->gemm.ctx.device = overlap->second;
    if ((status = mlb_overlap_side_choose(&overlap->gemm, NULL, err)) == MLB_OK)
        status = mlb_overlap_side_setup(&overlap->gemm, 1, err);
    return status == MLB_OK ? mlb_sync(overlap->second, overlap->gemm.ctx.comm->deadline_s, err)
                            : status;
}

enum mlb_status mlb_overlap_open(struct mlb_overlap *overlap, struct mlb_error *err)
{
    if (!mlb_overlap_has_streams(overlap->device) && mlb_lane_open(&overlap->lane, err) != MLB_OK)
        return err->status;
    return at_gemm(overlap, open_gemm, overlap, err);
}

/* A collective that hangs would let the GEMM's memory wait for it when it is freed: the second
 * stream finds out first that it is stuck, and leaves what it has to the end of the process. */
static void settle(struct mlb_overlap *overlap)
{
    struct mlb_error ignored = {0};
    if (mlb_overlap_has_streams(overlap->device) &&
        overlap->second->backend->wait_for(overlap->second, overlap->device, &ignored) == MLB_OK)
        mlb_sync(overlap->second, CLOSE_S, &ignored);
}

static enum mlb_status close_gemm(void *user, struct mlb_error *err)
{
    struct mlb_overlap *overlap = user;
    (void)err;
    if (overlap->second)
        settle(overlap);
    mlb_overlap_side_free(&overlap->gemm);
    if (overlap->second)
        overlap->second->backend->close(overlap->second);
    overlap->second = NULL;
    return MLB_OK;
}

void mlb_overlap_close(struct mlb_overlap *overlap)
{
    at_gemm(overlap, close_gemm, overlap, NULL);
    mlb_lane_close(overlap->lane);
    overlap->lane = NULL;
}

struct verifying {
    struct mlb_overlap_side *gemm;
    struct mlb_verification *verification;
};

static enum mlb_status verify_gemm(void *user, struct mlb_error *err)
{
    struct verifying *verifying = user;
    return mlb_overlap_side_verify(verifying->gemm, 0, verifying->verification, err);
}

enum mlb_status mlb_overlap_verify_gemm(struct mlb_overlap *overlap,
                                        struct mlb_verification *verification,
                                        struct mlb_error *err)
{
    struct verifying verifying = {&overlap->gemm, verification};
    return at_gemm(overlap, verify_gemm, &verifying, err);
}

/* ------------------------------------------------------------------------------------------ steps
 */

static enum mlb_status mark(struct mlb_device *device, int which, struct mlb_error *err)
{
    return device->backend->mark(device, which, err);
}

/* The first GEMM, from the mark of its beginning. */
static enum mlb_status first_gemm(struct mlb_overlap *overlap, struct mlb_error *err)
{
    enum mlb_status status = mark(overlap->second, GEMM_BEGIN, err);
    return status == MLB_OK ? mlb_overlap_side_step(&overlap->gemm, err) : status;
}

static enum mlb_status other_gemms(struct mlb_overlap *overlap, struct mlb_error *err)
{
    enum mlb_status status = MLB_OK;
    for (uint64_t i = 1; i < overlap->gemms && status == MLB_OK; i++)
        status = mlb_overlap_side_step(&overlap->gemm, err);
    return status == MLB_OK ? mark(overlap->second, GEMM_END, err) : status;
}

static enum mlb_status all_gemms(void *user, struct mlb_error *err)
{
    enum mlb_status status = first_gemm(user, err);
    return status == MLB_OK ? other_gemms(user, err) : status;
}

static enum mlb_status begin_gemms(struct mlb_overlap *overlap, struct mlb_error *err)
{
    struct mlb_device *second = overlap->second;
    if (overlap->lane) {
        mlb_lane_start(overlap->lane, all_gemms, overlap);
        return MLB_OK;
    }
    enum mlb_status status = second->backend->wait_for(second, overlap->device, err);
    return status == MLB_OK ? first_gemm(overlap, err) : status;
}

static enum mlb_status end_gemms(struct mlb_overlap *overlap, struct mlb_error *err)
{
    if (overlap->lane)
        return mlb_lane_finish(overlap->lane, err);
    enum mlb_status status = other_gemms(overlap, err);
    return status == MLB_OK
               ? overlap->device->backend->wait_for(overlap->device, overlap->second, err)
               : status;
}

static enum mlb_status do_collective(struct mlb_overlap *overlap, struct mlb_error *err)
{
    enum mlb_status status = mark(overlap->device, COLLECTIVE_BEGIN, err);
    if (status == MLB_OK)
        status = mlb_overlap_side_step(&overlap->collective, err);
    return status == MLB_OK ? mark(overlap->device, COLLECTIVE_END, err) : status;
}

/* A thread that was started is waited for, whatever became of the collective. */
enum mlb_status mlb_overlap_step(struct mlb_overlap *overlap, enum mlb_overlap_run run,
                                 struct mlb_error *err)
{
    struct mlb_error late = {0};
    enum mlb_status status = mark(overlap->device, START, err);
    if (status != MLB_OK)
        return status;
    if (run & MLB_RUN_GEMM)
        status = begin_gemms(overlap, err);
    if (status == MLB_OK && run & MLB_RUN_COLLECTIVE)
        status = do_collective(overlap, err);
    if (run & MLB_RUN_GEMM && (status == MLB_OK || overlap->lane) &&
        end_gemms(overlap, &late) != MLB_OK && status == MLB_OK) {
        *err = late;
        return late.status;
    }
    return status == MLB_OK ? mark(overlap->device, END, err) : status;
}

enum mlb_status mlb_overlap_spans(const struct mlb_overlap *overlap, enum mlb_overlap_run run,
                                  struct mlb_overlap_span *span, struct mlb_error *err)
{
    const struct mlb_backend *backend = overlap->device->backend;
    *span = (struct mlb_overlap_span){0};
    enum mlb_status status = backend->elapsed(overlap->device, START, END, &span->whole, err);
    if (status == MLB_OK && run & MLB_RUN_GEMM)
        status = backend->elapsed(overlap->second, GEMM_BEGIN, GEMM_END, &span->gemm, err);
    if (status == MLB_OK && run & MLB_RUN_COLLECTIVE)
        status = backend->elapsed(overlap->device, COLLECTIVE_BEGIN, COLLECTIVE_END,
                                  &span->collective, err);
    return status;
}
