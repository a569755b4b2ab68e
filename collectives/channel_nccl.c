/* SPDX-License-Identifier: Apache-2.0 */
/* Data plane over NCCL: collectives on GPU buffers, enqueued on the device's stream.
 *
 * Each channel has two communicators of the same ranks. One does not block: the start, connections
 * and un-timed calls go through it, and each is polled against a deadline. Its twin blocks and
 * takes the timed calls: a communicator that does not block starts a thread for each collective,
 * which would be timed as NCCL's. docs/decisions/0007-nccl-that-ends.md has the facts.
 *
 * NCCL's environment is the user's. What is set here is for looking on (nccl_log.c,
 * nccl_profiler.c), and for ranks that share a GPU (nccl_sharing.c). */
#include <stdlib.h>
#include <string.h>

#include "collectives/channels.h"
#include "collectives/nccl_channel.h"
#include "collectives/nccl_part.h"
#include "collectives/nccl_sharing.h"
#include "harness/base/clock.h"

#define START_S_PER_RANK 0.05 /* bootstrap of large jobs: on top of the deadline of a wait */
#define IDLE_S           1.0  /* what is still enqueued at the end is done by then, or never */
#define TURN_S           4.0  /* for the rank's thread to leave NCCL, before its end is forced */

static struct mlb_nccl_channel *channel_of(struct mlb_channel *channel)
{
    return (struct mlb_nccl_channel *)channel;
}

/* ------------------------------------------------------------------------------- whose turn it is
 */

bool mlb_nccl_enter(struct mlb_nccl_job *job, struct mlb_error *err)
{
    int free_now = MLB_NCCL_FREE;
    if (atomic_compare_exchange_strong(&job->turn, &free_now, MLB_NCCL_CALLING))
        return true;
    mlb_fail(err, MLB_E_TIMEOUT, "nccl: a deadline passed and all communicators were aborted");
    return false;
}

void mlb_nccl_leave(struct mlb_nccl_job *job)
{
    atomic_store(&job->turn, MLB_NCCL_FREE);
}

static void abort_channel(struct mlb_nccl_channel *channel)
{
    const struct mlb_nccl_functions *call = &channel->job->nccl.call;
    if (channel->direct)
        call->comm_abort(channel->direct);
    if (channel->polled)
        call->comm_abort(channel->polled);
    channel->direct = channel->polled = NULL;
}

/* On the watchdog's thread: kernels that wait for a rank that does not come end, on this rank; the
 * watchdogs of the others do the same. NCCL allows it while no thread is within NCCL; one that does
 * not come out again is left there. */
static void stop_job(void *user)
{
    struct mlb_nccl_job *job = user;
    double begin_s = mlb_clock_s();
    int free_now = MLB_NCCL_FREE;
    while (!atomic_compare_exchange_strong(&job->turn, &free_now, MLB_NCCL_ABORTED)) {
        if (mlb_clock_s() - begin_s > TURN_S)
            return;
        free_now = MLB_NCCL_FREE;
        mlb_sleep_s(0.01);
    }
    for (struct mlb_nccl_channel *channel = job->channels; channel; channel = channel->next)
        abort_channel(channel);
}

/* ---------------------------------------------------------------------------------- communicators
 */

static struct mlb_nccl_config config_of(bool blocking)
{
    return (struct mlb_nccl_config){
        .size = sizeof(struct mlb_nccl_config),
        .magic = MLB_NCCL_CONFIG_MAGIC,
        .version = MLB_NCCL_OLDEST,
        .blocking = blocking,
        .cga_cluster_size = MLB_NCCL_UNSET,
        .min_ctas = MLB_NCCL_UNSET,
        .max_ctas = MLB_NCCL_UNSET,
        .net_name = NULL,
        .split_share = 1, /* the twin uses the connections, and is aborted with it */
    };
}

static double limit_of(const struct mlb_comm *comm)
{
    return comm->deadline_s + START_S_PER_RANK * comm->size;
}

/* Ranks that are done wait for one that is still within NCCL, until its own limit ends that. */
static enum mlb_status agree_late(struct mlb_comm *comm, enum mlb_status status,
                                  struct mlb_error *err)
{
    double usual_s = comm->deadline_s;
    comm->deadline_s += limit_of(comm);
    status = mlb_comm_agree(comm, status, err);
    comm->deadline_s = usual_s;
    return status;
}

static enum mlb_status start(struct mlb_nccl_channel *channel, const struct mlb_nccl_id *id,
                             struct mlb_error *err)
{
    const struct mlb_nccl *nccl = &channel->job->nccl;
    const struct mlb_channel *base = &channel->channel;
    struct mlb_comm *comm = base->comm;
    struct mlb_nccl_config config = config_of(false);
    double limit_s = limit_of(comm);
    comm->ops->watch(comm, "the start of NCCL (NCCL_DEBUG=INFO tells more)", limit_s);
    int code =
        nccl->call.comm_init_rank_config(&channel->polled, base->size, *id, base->rank, &config);
    enum mlb_status status =
        mlb_nccl_settle(nccl, channel->polled, code, limit_s, "start of the communicator", err);
    comm->ops->unwatch(comm);
    return status;
}

static bool is_sound(const struct mlb_nccl_job *job, struct mlb_nccl_comm *comm)
{
    int state = MLB_NCCL_SUCCESS;
    return job->nccl.call.comm_get_async_error(comm, &state) == MLB_NCCL_SUCCESS &&
           state == MLB_NCCL_SUCCESS;
}

/* Without a twin the one that does not block does all. With NCCL_COMM_BLOCKING=0 none would block,
 * so none is made. */
static bool may_have_twin(void)
{
    const char *blocking = getenv("NCCL_COMM_BLOCKING");
    return !blocking || strcmp(blocking, "0") != 0;
}

/* A split is a call of the communicator that is split, which does not block. It returns "success"
 * while it is under way (src/init.cc, 2.18 to 2.28), so that one is asked in any case; what is made
 * is there once it is no longer busy. */
static enum mlb_status split_polled(struct mlb_nccl_channel *channel, struct mlb_error *err)
{
    const struct mlb_nccl *nccl = &channel->job->nccl;
    struct mlb_comm *comm = channel->channel.comm;
    struct mlb_nccl_config config = config_of(true);
    double limit_s = limit_of(comm);
    comm->ops->watch(comm, "a split of NCCL's communicator", limit_s);
    int code =
        nccl->call.comm_split(channel->polled, 0, channel->channel.rank, &channel->direct, &config);
    if (code == MLB_NCCL_SUCCESS)
        code = MLB_NCCL_IN_PROGRESS;
    enum mlb_status status =
        mlb_nccl_settle(nccl, channel->polled, code, limit_s, "split of a communicator", err);
    comm->ops->unwatch(comm);
    if (status == MLB_OK && !channel->direct)
        status = mlb_fail(err, MLB_E_COMM, "nccl: split of a communicator: it made none");
    return status;
}

/* A library that cannot make one is no failure as long as the communicator lives. */
static enum mlb_status make_twin(struct mlb_nccl_channel *channel, struct mlb_error *err)
{
    enum mlb_status status = split_polled(channel, err);
    if (status == MLB_OK || status == MLB_E_TIMEOUT || !is_sound(channel->job, channel->polled))
        return status;
    channel->direct = NULL;
    *err = (struct mlb_error){0};
    return MLB_OK;
}

/* Not aborted: its twin would be with it. */
static void drop_twin(struct mlb_nccl_channel *channel)
{
    if (channel->direct)
        channel->job->nccl.call.comm_destroy(channel->direct);
    channel->direct = NULL;
}

/* Collective over the job; NULL: this rank is in no channel. All have a twin, or none uses it: a
 * rank that wants none is heard before others wait for it. */
static enum mlb_status make_twins(struct mlb_comm *comm, struct mlb_nccl_channel *channel,
                                  struct mlb_error *err)
{
    double missing = may_have_twin() ? 0.0 : 1.0;
    if (comm->ops->all_max(comm, &missing, 1, err) != MLB_OK || missing > 0.0)
        return err->status;
    enum mlb_status status = channel ? make_twin(channel, err) : MLB_OK;
    missing = channel && !channel->direct ? 1.0 : 0.0;
    if (agree_late(comm, status, err) != MLB_OK ||
        comm->ops->all_max(comm, &missing, 1, err) != MLB_OK)
        return err->status;
    if (channel && missing > 0.0)
        drop_twin(channel);
    return MLB_OK;
}

/* Collective over the job; NULL as above. On all ranks or on none. */
static enum mlb_status start_both(struct mlb_nccl_job *job, struct mlb_comm *comm,
                                  struct mlb_nccl_channel *channel, const struct mlb_nccl_id *id,
                                  struct mlb_error *err)
{
    if (!mlb_nccl_enter(job, err))
        return err->status;
    enum mlb_status status = agree_late(comm, channel ? start(channel, id, err) : MLB_OK, err);
    mlb_nccl_log_hide(job->log);
    if (status == MLB_OK)
        status = make_twins(comm, channel, err);
    mlb_nccl_leave(job);
    return status;
}

/* ---------------------------------------------------------------------------------------- the end
 */

static bool device_is_idle(const struct mlb_nccl_channel *channel)
{
    struct mlb_error ignored = {0};
    return mlb_sync(channel->channel.device, IDLE_S, &ignored) == MLB_OK;
}

/* Only what is sound is finalized: that waits for other ranks. */
static bool finalize(struct mlb_nccl_channel *channel, struct mlb_nccl_comm *of)
{
    struct mlb_nccl *nccl = &channel->job->nccl;
    struct mlb_error ignored = {0};
    if (!of)
        return true;
    return is_sound(channel->job, of) &&
           mlb_nccl_settle(nccl, of, nccl->call.comm_finalize(of),
                           channel->channel.comm->deadline_s, "end of a communicator",
                           &ignored) == MLB_OK;
}

/* The twin first: it is a part of the other. */
static void end_channel(struct mlb_nccl_channel *channel, bool sound)
{
    const struct mlb_nccl_functions *call = &channel->job->nccl.call;
    struct mlb_comm *comm = channel->channel.comm;
    /* Longer than the limit of one finalize, after which it is aborted. */
    comm->ops->watch(comm, "the end of NCCL", 3.0 * comm->deadline_s + IDLE_S);
    if (sound && finalize(channel, channel->direct) && finalize(channel, channel->polled)) {
        if (channel->direct)
            call->comm_destroy(channel->direct);
        if (channel->polled)
            call->comm_destroy(channel->polled);
    } else {
        channel->job->failed = true;
        abort_channel(channel);
    }
    comm->ops->unwatch(comm);
}

static void leave_list(struct mlb_nccl_channel *channel)
{
    struct mlb_nccl_channel **at = &channel->job->channels;
    while (*at && *at != channel)
        at = &(*at)->next;
    if (*at)
        *at = channel->next;
}

/* Aborted on all ranks, or on none: a rank that finalizes waits for the others. Those whose control
 * plane does not answer are in no state to finalize. */
static bool all_are_sound(struct mlb_comm *comm, bool sound)
{
    struct mlb_error ignored = {0};
    double bad = sound ? 0.0 : 1.0;
    return comm->ops->all_max(comm, &bad, 1, &ignored) == MLB_OK && bad == 0.0;
}

static void close_job(struct mlb_nccl_job *job, struct mlb_comm *comm)
{
    if (comm->ops->at_deadline)
        comm->ops->at_deadline(comm, NULL, NULL);
    mlb_nccl_log_close(job->log);
    mlb_dynlib_close(&job->nccl.dynlib);
    free(job);
}

static void close_channel(struct mlb_channel *base)
{
    struct mlb_nccl_channel *channel = base ? channel_of(base) : NULL;
    if (!channel)
        return;
    struct mlb_nccl_job *job = channel->job;
    struct mlb_error ignored = {0};
    bool sound = !job->failed && device_is_idle(channel);
    if (channel->opened)
        sound = all_are_sound(base->comm, sound);
    if (mlb_nccl_enter(job, &ignored)) {
        end_channel(channel, sound);
        leave_list(channel);
        mlb_nccl_leave(job);
    }
    if (channel->owns_job)
        close_job(job, base->comm);
    free(channel);
}

/* ---------------------------------------------------------------------------------- open and split
 */

static struct mlb_nccl_channel *new_channel(struct mlb_nccl_job *job, struct mlb_comm *comm,
                                            struct mlb_device *device)
{
    struct mlb_nccl_channel *channel = job ? calloc(1, sizeof *channel) : NULL;
    if (!channel)
        return NULL;
    channel->channel = (struct mlb_channel){.ops = &mlb_channel_nccl,
                                            .comm = comm,
                                            .device = device,
                                            .rank = comm->rank,
                                            .size = comm->size};
    channel->job = job;
    channel->next = job->channels;
    job->channels = channel;
    return channel;
}

/* What every rank has to know before anybody waits for others within NCCL. */
static enum mlb_status prepare(struct mlb_nccl_channel *channel, struct mlb_nccl_id *id,
                               struct mlb_error *err)
{
    struct mlb_nccl_job *job = channel->job;
    struct mlb_comm *comm = channel->channel.comm;
    bool shared = false;
    if (mlb_nccl_agree_on_version(&job->nccl, comm, err) != MLB_OK ||
        mlb_nccl_ask_sharing(comm, channel->channel.device, &shared, err) != MLB_OK)
        return err->status;
    channel->channel.shared_device = shared;
    if (shared)
        mlb_nccl_allow_sharing(comm, job->nccl.version);
    mlb_nccl_profiler_offer();
    job->log = mlb_nccl_log_open();
    int code = comm->rank == 0 ? job->nccl.call.get_unique_id(id) : MLB_NCCL_SUCCESS;
    enum mlb_status status = MLB_OK;
    if (code != MLB_NCCL_SUCCESS)
        status = mlb_nccl_fail(&job->nccl, NULL, code, err, "make an id for %d ranks", comm->size);
    if (mlb_comm_agree(comm, status, err) != MLB_OK)
        return err->status;
    return comm->ops->broadcast(comm, id, sizeof *id, 0, err);
}

static enum mlb_status open_communicators(struct mlb_nccl_channel *channel, struct mlb_error *err)
{
    struct mlb_comm *comm = channel->channel.comm;
    struct mlb_nccl_job *job = channel->job;
    struct mlb_nccl_id id = {0};
    if (prepare(channel, &id, err) != MLB_OK)
        return err->status;
    if (comm->ops->at_deadline)
        comm->ops->at_deadline(comm, stop_job, job);
    return start_both(job, comm, channel, &id, err);
}

static enum mlb_status open_channel(struct mlb_comm *comm, struct mlb_device *device,
                                    struct mlb_channel **opened, struct mlb_error *err)
{
    *opened = NULL;
    struct mlb_nccl_job *job = calloc(1, sizeof *job);
    struct mlb_nccl_channel *channel = new_channel(job, comm, device);
    enum mlb_status status = channel ? mlb_nccl_load(&job->nccl, err)
                                     : mlb_fail(err, MLB_E_NOMEM, "nccl channel: out of memory");
    status = mlb_comm_agree(comm, status, err);
    if (!channel) {
        free(job);
        return status;
    }
    channel->owns_job = true;
    if (status == MLB_OK)
        status = open_communicators(channel, err);
    if (status != MLB_OK) { /* on all ranks: none waits for another any more */
        job->failed = true;
        close_channel(&channel->channel);
        return status;
    }
    channel->opened = true;
    *opened = &channel->channel;
    return MLB_OK;
}

/* A part is started as a job of its ranks would be. As a split of the whole it would have no more
 * channels and no larger chunks than the whole, and share multicast buffers of another shape. */
static enum mlb_status open_part(struct mlb_nccl_channel *whole, struct mlb_nccl_channel *part,
                                 int color, struct mlb_error *err)
{
    struct mlb_comm *comm = whole->channel.comm;
    struct mlb_nccl_id id;
    enum mlb_status status = MLB_OK;
    if (color >= 0 && !part)
        status = mlb_fail(err, MLB_E_NOMEM, "nccl channel: out of memory");
    if (mlb_comm_agree(comm, status, err) != MLB_OK ||
        mlb_nccl_agree_on_part(&whole->job->nccl, comm, color, part ? &part->channel : NULL, &id,
                               err) != MLB_OK)
        return err->status;
    status = start_both(whole->job, comm, part, &id, err);
    whole->job->failed = whole->job->failed || status != MLB_OK;
    return status;
}

/* Of the job's channel alone. */
static enum mlb_status split(struct mlb_channel *base, int color, struct mlb_channel **opened,
                             struct mlb_error *err)
{
    struct mlb_nccl_channel *whole = channel_of(base), *part = NULL;
    *opened = NULL;
    if (!whole->owns_job)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "nccl: a part is not split again");
    if (color >= 0)
        part = new_channel(whole->job, base->comm, base->device);
    enum mlb_status status = open_part(whole, part, color, err);
    if (status != MLB_OK) {
        close_channel(part ? &part->channel : NULL);
        return status;
    }
    if (part)
        part->channel.shared_device = base->shared_device;
    *opened = part ? &part->channel : NULL;
    return MLB_OK;
}

const struct mlb_channel_ops mlb_channel_nccl = {
    .name = "nccl",
    .device_kind = "cuda",
    .version = mlb_nccl_installed,
    .open = open_channel,
    .close = close_channel,
    .split = split,
    .all_reduce = mlb_nccl_all_reduce,
    .reduce_scatter = mlb_nccl_reduce_scatter,
    .reduce = mlb_nccl_reduce,
    .all_gather = mlb_nccl_all_gather,
    .alltoall = mlb_nccl_alltoall,
    .broadcast = mlb_nccl_broadcast,
    .gather = mlb_nccl_gather,
    .scatter = mlb_nccl_scatter,
    .sendrecv = mlb_nccl_sendrecv,
    .observe = mlb_nccl_observe,
    .observed = mlb_nccl_observed,
    .details = mlb_nccl_details,
    .explain = mlb_nccl_explain,
};
