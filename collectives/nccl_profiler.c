/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/nccl_profiler.h"

#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "collectives/nccl_profiler_abi.h"

#define EVENTS                                                                                     \
    (MLB_NCCL_EVENT_COLL | MLB_NCCL_EVENT_P2P | MLB_NCCL_EVENT_PROXY_OP | MLB_NCCL_EVENT_PROXY_STEP)

/* The one object of the project that is neither const nor somebody's argument: NCCL finds a plugin
 * by its name in the process and hands it nothing of ours. */
static struct {
    pthread_mutex_t mutex; /* of `profile` */
    struct mlb_nccl_profile profile;
    atomic_bool on;
    atomic_int communicators;
    int *_Atomic mask; /* NCCL's own word, one for all communicators; NULL while there is none */
} plugin = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* NCCL reads its word with atomic loads of its own. */
static void set_mask(int events)
{
    int *mask = atomic_load(&plugin.mask);
    if (mask)
        __atomic_store_n(mask, events, __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------------------------------- our side */

void mlb_nccl_profiler_offer(void)
{
    setenv("NCCL_PROFILER_PLUGIN", "STATIC_PLUGIN", 0);
}

void mlb_nccl_profiler_begin(void)
{
    pthread_mutex_lock(&plugin.mutex);
    plugin.profile = (struct mlb_nccl_profile){0};
    pthread_mutex_unlock(&plugin.mutex);
    atomic_store(&plugin.on, true);
    set_mask(EVENTS);
}

void mlb_nccl_profiler_end(struct mlb_nccl_profile *profile)
{
    set_mask(0);
    atomic_store(&plugin.on, false);
    pthread_mutex_lock(&plugin.mutex);
    *profile = plugin.profile;
    pthread_mutex_unlock(&plugin.mutex);
    profile->loaded = atomic_load(&plugin.mask) != NULL;
}

/* ------------------------------------------------------------------------------------ NCCL's side
 */

static void copy_small(char *to, size_t size, const char *from)
{
    size_t length = from ? strnlen(from, size - 1) : 0;
    for (size_t i = 0; i < length; i++)
        to[i] = (char)tolower((unsigned char)from[i]);
    to[length] = 0;
}

/* Several kernels in one group: the last counts, and they are alike. */
static void note_coll(const struct mlb_nccl_coll_v4 *coll)
{
    struct mlb_nccl_profile *profile = &plugin.profile;
    size_t length = coll->function ? strnlen(coll->function, sizeof profile->function - 1) : 0;
    if (length > 0)
        memcpy(profile->function, coll->function, length);
    profile->function[length] = 0;
    copy_small(profile->algorithm, sizeof profile->algorithm, coll->algorithm);
    copy_small(profile->protocol, sizeof profile->protocol, coll->protocol);
    profile->channels = coll->channels;
    profile->warps = coll->warps;
}

static void note_p2p(unsigned channels)
{
    struct mlb_nccl_profile *profile = &plugin.profile;
    copy_small(profile->algorithm, sizeof profile->algorithm, "p2p");
    profile->channels = channels > profile->channels ? channels : profile->channels;
}

static struct mlb_nccl_coll_v4 coll_of_v2(const struct mlb_nccl_coll_v2 *coll)
{
    return (struct mlb_nccl_coll_v4){.function = coll->function,
                                     .channels = coll->channels,
                                     .warps = coll->warps,
                                     .algorithm = coll->algorithm,
                                     .protocol = coll->protocol};
}

static void note(int version, uint64_t type, const struct mlb_nccl_descriptor *descriptor)
{
    struct mlb_nccl_coll_v4 coll;
    switch (type) {
    case MLB_NCCL_EVENT_COLL:
        coll = version >= 4   ? descriptor->of.coll_v4
               : version == 3 ? descriptor->of.coll_v3.rest
                              : coll_of_v2(&descriptor->of.coll_v2);
        note_coll(&coll);
        break;
    case MLB_NCCL_EVENT_P2P:
        note_p2p(version >= 4 ? descriptor->of.p2p_v4.channels : 0);
        break;
    case MLB_NCCL_EVENT_PROXY_OP:
        plugin.profile.network_ops++;
        break;
    default:
        break;
    }
}

/* Events within an event are only told when that one was given a handle: any will do. The context
 * and the parent are of no use here, and may be those of another process whose network card is
 * shared. */
static int start_event(int version, void **handle, const struct mlb_nccl_descriptor *descriptor)
{
    *handle = NULL;
    if (!atomic_load(&plugin.on))
        return 0;
    uint64_t type = version >= 5 ? descriptor->type.wide : descriptor->type.narrow;
    pthread_mutex_lock(&plugin.mutex);
    plugin.profile.bytes_known = version >= 4;
    note(version, type, descriptor);
    pthread_mutex_unlock(&plugin.mutex);
    *handle = &plugin;
    return 0;
}

/* A version's states have their own meaning; the bytes of a step are told from v4 on. */
static int record_bytes(void *handle, int state, const union mlb_nccl_state_arguments *arguments)
{
    if (!handle || !arguments || !atomic_load(&plugin.on))
        return 0;
    pthread_mutex_lock(&plugin.mutex);
    if (state == MLB_NCCL_SEND_WAIT)
        plugin.profile.sent_bytes += arguments->step_bytes;
    else if (state == MLB_NCCL_RECV_FLUSH_WAIT)
        plugin.profile.received_bytes += arguments->step_bytes;
    pthread_mutex_unlock(&plugin.mutex);
    return 0;
}

static int record_nothing(void *handle, int state, const union mlb_nccl_state_arguments *arguments)
{
    (void)handle, (void)state, (void)arguments;
    return 0;
}

static int stop_event(void *handle)
{
    (void)handle;
    return 0;
}

static int finalize(void *context)
{
    (void)context;
    if (atomic_fetch_sub(&plugin.communicators, 1) == 1)
        atomic_store(&plugin.mask, NULL);
    return 0;
}

/* Called for each communicator, so also while the events of another are noted. */
static int start(void **context, int *mask)
{
    *context = &plugin;
    atomic_fetch_add(&plugin.communicators, 1);
    atomic_store(&plugin.mask, mask);
    set_mask(atomic_load(&plugin.on) ? EVENTS : 0);
    return 0;
}

static int init_v5(void **context, uint64_t comm_id, int *mask, const char *comm_name, int nodes,
                   int ranks, int rank, void *log)
{
    (void)comm_id, (void)comm_name, (void)nodes, (void)ranks, (void)rank, (void)log;
    return start(context, mask);
}

static int init_v4(void **context, int *mask, const char *comm_name, uint64_t comm_hash, int nodes,
                   int ranks, int rank, void *log)
{
    (void)comm_name, (void)comm_hash, (void)nodes, (void)ranks, (void)rank, (void)log;
    return start(context, mask);
}

static int start_v5(void *context, void **handle, const struct mlb_nccl_descriptor *descriptor)
{
    (void)context;
    return start_event(5, handle, descriptor);
}

static int start_v4(void *context, void **handle, const struct mlb_nccl_descriptor *descriptor)
{
    (void)context;
    return start_event(4, handle, descriptor);
}

static int start_v3(void *context, void **handle, const struct mlb_nccl_descriptor *descriptor)
{
    (void)context;
    return start_event(3, handle, descriptor);
}

static int start_v2(void *context, void **handle, const struct mlb_nccl_descriptor *descriptor)
{
    (void)context;
    return start_event(2, handle, descriptor);
}

const struct mlb_nccl_profiler_v5 ncclProfiler_v5 = {"mlbench",  init_v5,      start_v5,
                                                     stop_event, record_bytes, finalize};
const struct mlb_nccl_profiler_v4 ncclProfiler_v4 = {"mlbench",  init_v4,      start_v4,
                                                     stop_event, record_bytes, finalize};
const struct mlb_nccl_profiler_v3 ncclProfiler_v3 = {"mlbench",  start,          start_v3,
                                                     stop_event, record_nothing, finalize};
const struct mlb_nccl_profiler_v3 ncclProfiler_v2 = {"mlbench",  start,          start_v2,
                                                     stop_event, record_nothing, finalize};
