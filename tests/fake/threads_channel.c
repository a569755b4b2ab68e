/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane between threads: everyone meets, copies what it gets out of the others' memory,
 * and meets again. Sums are made in the order of the ranks, in double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/threads_inner.h"

static struct threads_channel *channel_of(struct mlb_channel *channel)
{
    return (struct threads_channel *)channel;
}

static const struct mlb_channel_ops channel_ops;

static struct threads_channel *make(struct threads_rank_state *rank, struct threads_group *group,
                                    int me)
{
    struct threads_channel *channel = threads_must(calloc(1, sizeof *channel));
    channel->channel = (struct mlb_channel){.ops = &channel_ops,
                                            .comm = &rank->comm,
                                            .device = &rank->device,
                                            .rank = me,
                                            .size = group->size};
    channel->group = group;
    channel->owner = rank;
    channel->next = rank->channels;
    rank->channels = channel;
    return channel;
}

struct mlb_channel *threads_channel_open(struct threads_rank_state *rank)
{
    return &make(rank, rank->team->everyone, rank->comm.rank)->channel;
}

static void close_channel(struct mlb_channel *base)
{
    if (!base)
        return;
    struct threads_channel *channel = channel_of(base);
    struct threads_channel **link = &channel->owner->channels;
    while (*link != channel)
        link = &(*link)->next;
    *link = channel->next;
    free(channel);
}

int threads_channels_close(struct threads_rank_state *rank)
{
    int open = 0;
    for (; rank->channels; open++)
        close_channel(&rank->channels->channel);
    return open - 1;
}

/* ---------------------------------------------------------------------------------- collectives */

static const struct threads_offer *offer_of(const struct threads_call *call, int rank)
{
    return &call->group->members[rank].offer;
}

static const char *block_of(const void *memory, const struct threads_call *call, int index)
{
    return (const char *)memory + (size_t)index * call->bytes;
}

/* The sum of block `index` of all ranks' send. */
static void add_up(const struct threads_call *call, int index, void *sums)
{
    for (size_t i = 0; i < call->count; i++) {
        double sum = 0.0;
        for (int rank = 0; rank < call->size; rank++)
            sum +=
                mlb_dtype_load(call->dtype, block_of(offer_of(call, rank)->send, call, index), i);
        mlb_dtype_store(call->dtype, sums, i, sum);
    }
}

static void copy_block(const struct threads_call *call, void *to, const void *from)
{
    if (to != from && call->bytes > 0)
        memcpy(to, from, call->bytes);
}

/* Block i of the result is what rank i has in block `index` of its send. */
static void collect(const struct threads_call *call, int index)
{
    for (int rank = 0; rank < call->size; rank++)
        copy_block(call, (char *)call->recv + (size_t)rank * call->bytes,
                   block_of(offer_of(call, rank)->send, call, index));
}

static void take_sum(const struct threads_call *call, void *sums)
{
    add_up(call, 0, sums);
}

static void take_sum_of_mine(const struct threads_call *call, void *sums)
{
    add_up(call, call->me, sums);
}

static void take_sum_on_root(const struct threads_call *call, void *sums)
{
    if (call->me == call->root)
        add_up(call, 0, sums);
}

static void take_all(const struct threads_call *call, void *sums)
{
    (void)sums;
    collect(call, 0);
}

static void take_all_of_mine(const struct threads_call *call, void *sums)
{
    (void)sums;
    collect(call, call->me);
}

static void take_all_on_root(const struct threads_call *call, void *sums)
{
    (void)sums;
    if (call->me == call->root)
        collect(call, 0);
}

static void take_from_root(const struct threads_call *call, void *sums)
{
    (void)sums;
    copy_block(call, call->recv, offer_of(call, call->root)->send);
}

static void take_mine_from_root(const struct threads_call *call, void *sums)
{
    (void)sums;
    copy_block(call, call->recv, block_of(offer_of(call, call->root)->send, call, call->me));
}

static double two_sweeps(double n)
{
    return 2.0 * (n - 1.0) / n;
}

static double the_others(double n)
{
    return n - 1.0;
}

static double whole(double n)
{
    return n > 1.0 ? 1.0 : 0.0;
}

/* What this rank does in a collective while the memory of all others stands still. A sum is made
 * in scratch, which becomes recv when nobody reads any more. */
struct rule {
    const char *name;
    void (*take)(const struct threads_call *call, void *sums);
    enum { MOVES, SUMS, SUMS_ON_ROOT } kind;
    enum threads_pattern pattern;
    double (*ring_blocks)(double n); /* that go over each link of a ring */
};

static enum mlb_status check_type(const struct rule *rule, enum mlb_dtype dtype,
                                  struct mlb_error *err)
{
    bool can_add = dtype == MLB_F64 || dtype == MLB_F32 || dtype == MLB_BF16 || dtype == MLB_F16 ||
                   dtype == MLB_S32;
    if (rule->kind == MOVES || can_add)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "threads: no sum of %s", mlb_dtype_name(dtype));
}

static void pass_time(const struct rule *rule, const struct threads_call *call)
{
    struct threads_rank_state *rank = call->channel->owner;
    if (!rank->team->job.transfer_s)
        return;
    double blocks = rule->ring_blocks ? rule->ring_blocks(call->size) : 0.0;
    double seconds = threads_pattern_s(call, rule->pattern, blocks);
    threads_pass_until(rank, call->group->met_ns + llround(seconds * 1e9));
}

static enum mlb_status run(const struct rule *rule, const struct threads_call *call,
                           struct mlb_error *err)
{
    struct threads_rank_state *rank = call->channel->owner;
    const struct threads_offer offer = {
        .what = rule->name, .bytes = call->bytes, .send = call->send, .recv = call->recv};
    bool adds = rule->kind == SUMS || (rule->kind == SUMS_ON_ROOT && call->me == call->root);
    enum mlb_status status = check_type(rule, call->dtype, err);
    if (status != MLB_OK)
        return status;
    void *sums = adds ? threads_must(malloc(call->bytes + 1)) : NULL;
    status = threads_meet(rank, call->group, call->me, &offer, err);
    if (status == MLB_OK) {
        rule->take(call, sums);
        pass_time(rule, call);
        status = threads_part(rank, call->group, call->me, err);
    }
    if (status == MLB_OK && adds)
        copy_block(call, call->recv, sums);
    free(sums);
    return status;
}

static struct threads_call call_of(struct mlb_channel *base, const void *send, void *recv,
                                   size_t count, enum mlb_dtype dtype, int root)
{
    struct threads_channel *channel = channel_of(base);
    return (struct threads_call){.channel = channel,
                                 .group = channel->group,
                                 .me = base->rank,
                                 .size = base->size,
                                 .send = send,
                                 .recv = recv,
                                 .count = count,
                                 .bytes = count * mlb_dtype_bytes(dtype),
                                 .dtype = dtype,
                                 .root = root};
}

/* A hook of the channel a line. */
#define COLLECTIVE(hook, ...)                                                                      \
    static enum mlb_status hook(struct mlb_channel *channel, const void *send, void *recv,         \
                                size_t count, enum mlb_dtype dtype, struct mlb_error *err)         \
    {                                                                                              \
        static const struct rule rule = {#hook, __VA_ARGS__};                                      \
        const struct threads_call call = call_of(channel, send, recv, count, dtype, -1);           \
        return run(&rule, &call, err);                                                             \
    }
#define ROOTED(hook, ...)                                                                          \
    static enum mlb_status hook(struct mlb_channel *channel, const void *send, void *recv,         \
                                size_t count, enum mlb_dtype dtype, int root,                      \
                                struct mlb_error *err)                                             \
    {                                                                                              \
        static const struct rule rule = {#hook, __VA_ARGS__};                                      \
        const struct threads_call call = call_of(channel, send, recv, count, dtype, root);         \
        return run(&rule, &call, err);                                                             \
    }

COLLECTIVE(all_reduce, take_sum, SUMS, THREADS_RING, two_sweeps)
COLLECTIVE(reduce_scatter, take_sum_of_mine, SUMS, THREADS_RING, the_others)
COLLECTIVE(all_gather, take_all, MOVES, THREADS_RING, the_others)
COLLECTIVE(alltoall, take_all_of_mine, MOVES, THREADS_ALL_FANS, NULL)
ROOTED(broadcast, take_from_root, MOVES, THREADS_RING, whole)
ROOTED(reduce, take_sum_on_root, SUMS_ON_ROOT, THREADS_RING, whole)
ROOTED(gather, take_all_on_root, MOVES, THREADS_FAN_IN, NULL)
ROOTED(scatter, take_mine_from_root, MOVES, THREADS_FAN_OUT, NULL)

/* --------------------------------------------------------------------------------------- sendrecv
 */

static bool was_taken(const struct threads_wait *wait)
{
    return !wait->group->members[wait->me].parcel.waits;
}

static bool has_come(const struct threads_wait *wait)
{
    const struct threads_parcel *parcel = &wait->group->members[wait->peer].parcel;
    return parcel->waits && parcel->to == wait->me;
}

static void wake(const struct threads_call *call, int member)
{
    struct threads_team *team = call->channel->owner->team;
    pthread_cond_signal(&team->ranks[call->group->members[member].rank].wake);
}

static struct threads_wait wait_for(const struct threads_call *call, int peer,
                                    bool (*is_over)(const struct threads_wait *wait))
{
    return (struct threads_wait){
        .group = call->group, .is_over = is_over, .me = call->me, .peer = peer, .what = "sendrecv"};
}

static void post(const struct threads_call *call, int to)
{
    struct threads_rank_state *rank = call->channel->owner;
    call->group->members[call->me].parcel =
        (struct threads_parcel){.waits = true,
                                .to = to,
                                .turn = rank->sent++,
                                .data = call->send,
                                .bytes = call->bytes,
                                .sent_ns = threads_now_ns(rank)};
    wake(call, to);
}

/* With the lock held; begins when both are there. */
static enum mlb_status take(const struct threads_call *call, int from, int64_t came_ns,
                            int64_t *end_ns, struct mlb_error *err)
{
    const struct threads_wait wait = wait_for(call, from, has_come);
    struct threads_rank_state *rank = call->channel->owner;
    const struct threads_job *job = &rank->team->job;
    struct threads_member *sender = &call->group->members[from];
    struct threads_parcel *parcel = &sender->parcel;
    enum mlb_status status = threads_sleep(rank, &wait, err);
    if (status != MLB_OK)
        return status;
    if (parcel->bytes != call->bytes)
        return mlb_fail(err, MLB_E_INTERNAL, "sendrecv: rank %d sends %zu bytes, rank %d takes %zu",
                        sender->rank, parcel->bytes, rank->comm.rank, call->bytes);
    if (call->bytes > 0)
        memcpy(call->recv, parcel->data, call->bytes);
    double seconds = job->transfer_s ? job->transfer_s(job->links, sender->rank, rank->comm.rank,
                                                       call->bytes, parcel->turn)
                                     : 0.0;
    *end_ns = (parcel->sent_ns > came_ns ? parcel->sent_ns : came_ns) + llround(seconds * 1e9);
    parcel->end_ns = *end_ns;
    parcel->waits = false;
    wake(call, from);
    return MLB_OK;
}

static enum mlb_status exchange(const struct threads_call *call, int to, int from, int64_t *end_ns,
                                struct mlb_error *err)
{
    struct threads_rank_state *rank = call->channel->owner;
    int64_t came_ns = threads_now_ns(rank), taken_ns = came_ns;
    const struct threads_wait sent = wait_for(call, to, was_taken);
    enum mlb_status status = MLB_OK;
    *end_ns = came_ns;
    if (to >= 0)
        post(call, to);
    if (from >= 0)
        status = take(call, from, came_ns, end_ns, err);
    if (status == MLB_OK && to >= 0) {
        status = threads_sleep(rank, &sent, err);
        taken_ns = call->group->members[call->me].parcel.end_ns;
    }
    *end_ns = taken_ns > *end_ns ? taken_ns : *end_ns;
    return status == MLB_OK ? MLB_OK : threads_break(rank->team, err);
}

static enum mlb_status sendrecv(struct mlb_channel *channel, const void *send, int to, void *recv,
                                int from, size_t count, enum mlb_dtype dtype, struct mlb_error *err)
{
    const struct threads_call call = call_of(channel, send, recv, count, dtype, -1);
    struct threads_rank_state *rank = call.channel->owner;
    int64_t end_ns = 0;
    pthread_mutex_lock(&rank->team->lock);
    enum mlb_status status = exchange(&call, to, from, &end_ns, err);
    pthread_mutex_unlock(&rank->team->lock);
    if (status == MLB_OK)
        threads_pass_until(rank, end_ns);
    return status;
}

/* ------------------------------------------------------------------------------------------ parts
 */

/* The first member of each color makes the group of it. */
static struct threads_group *group_of_color(const struct threads_call *call, int color)
{
    struct threads_team *team = call->channel->owner->team;
    int members = 0;
    for (int i = 0; i < call->size; i++)
        members += offer_of(call, i)->number == color;
    pthread_mutex_lock(&team->lock);
    struct threads_group *part = threads_group_make(team, members);
    for (int i = call->size - 1; i >= 0; i--)
        if (offer_of(call, i)->number == color)
            part->members[--members].rank = call->group->members[i].rank;
    pthread_mutex_unlock(&team->lock);
    return part;
}

static int first_of_color(const struct threads_call *call, int color)
{
    int first = 0;
    while (offer_of(call, first)->number != color)
        first++;
    return first;
}

static int place_in(const struct threads_group *group, int rank)
{
    int place = 0;
    while (group->members[place].rank != rank)
        place++;
    return place;
}

static enum mlb_status split(struct mlb_channel *base, int color, struct mlb_channel **part,
                             struct mlb_error *err)
{
    struct threads_group *group = NULL;
    const struct threads_call call = call_of(base, NULL, NULL, 0, MLB_F32, -1);
    struct threads_rank_state *rank = call.channel->owner;
    const struct threads_offer offer = {.what = "split", .recv = &group, .number = color};
    *part = NULL;
    enum mlb_status status = threads_meet(rank, call.group, call.me, &offer, err);
    int first = status == MLB_OK ? first_of_color(&call, color) : 0;
    if (status == MLB_OK && color >= 0 && first == call.me)
        group = group_of_color(&call, color);
    if (status == MLB_OK)
        status = threads_part(rank, call.group, call.me, err);
    if (status == MLB_OK && color >= 0) {
        struct threads_group *shared = *(struct threads_group **)offer_of(&call, first)->recv;
        *part = &make(rank, shared, place_in(shared, rank->comm.rank))->channel;
    }
    return status == MLB_OK ? threads_part(rank, call.group, call.me, err) : status;
}

/* ------------------------------------------------------------------------------------ the library
 */

static void version(char *to, size_t size)
{
    if (size > 0)
        to[0] = '\0';
}

/* The job has opened it: a second one would meet in the same places. */
static enum mlb_status open_channel(struct mlb_comm *comm, struct mlb_device *device,
                                    struct mlb_channel **channel, struct mlb_error *err)
{
    (void)comm, (void)device;
    *channel = NULL;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "threads: a rank has the one channel it was given");
}

static const struct mlb_channel_ops channel_ops = {
    .name = "threads",
    .device_kind = "cpu",
    .version = version,
    .open = open_channel,
    .close = close_channel,
    .split = split,
    .all_reduce = all_reduce,
    .reduce_scatter = reduce_scatter,
    .reduce = reduce,
    .all_gather = all_gather,
    .alltoall = alltoall,
    .broadcast = broadcast,
    .gather = gather,
    .scatter = scatter,
    .sendrecv = sendrecv,
};
