/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/threads_comm.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "tests/fake/threads_inner.h"

enum { NAMED_RANKS = 4 }; /* missing ranks that a message names; the others are counted */

void *threads_must(void *memory)
{
    if (!memory) {
        fprintf(stderr, "threads: out of memory\n");
        abort();
    }
    return memory;
}

/* -------------------------------------------------------------------------------------- the clock
 */

int64_t threads_now_ns(const struct threads_rank_state *rank)
{
    return rank->team->job.virtual_time ? rank->now_ns : mlb_clock_ns();
}

void threads_pass_until(struct threads_rank_state *rank, int64_t ns)
{
    int64_t now_ns = threads_now_ns(rank);
    if (ns <= now_ns)
        return;
    if (rank->team->job.virtual_time)
        rank->now_ns = ns;
    else
        mlb_sleep_s((double)(ns - now_ns) * 1e-9);
}

double threads_now_s(const struct mlb_comm *comm)
{
    return (double)threads_now_ns(threads_state_of(comm)) * 1e-9;
}

void threads_pass(struct mlb_comm *comm, double seconds)
{
    struct threads_rank_state *rank = threads_state_of(comm);
    threads_pass_until(rank, threads_now_ns(rank) + llround(seconds * 1e9));
}

struct threads_counts threads_counts(const struct mlb_comm *comm)
{
    return threads_state_of(comm)->counts;
}

/* ------------------------------------------------------------------------------------ the meeting
 */

static void wake_members(struct threads_team *team, const struct threads_group *group)
{
    for (int i = 0; i < group->size; i++)
        pthread_cond_signal(&team->ranks[group->members[i].rank].wake);
}

enum mlb_status threads_break(struct threads_team *team, const struct mlb_error *err)
{
    if (team->broken.status == MLB_OK)
        team->broken = *err;
    for (int i = 0; i < team->job.ranks; i++)
        pthread_cond_signal(&team->ranks[i].wake);
    return err->status;
}

static enum mlb_status repeat_failure(const struct threads_team *team, struct mlb_error *err)
{
    if (err)
        *err = team->broken;
    return team->broken.status;
}

static bool is_missing(const struct threads_wait *wait, int member)
{
    return wait->peer >= 0 ? member == wait->peer
                           : wait->group->members[member].arrived < wait->meeting;
}

/* "rank 3 on host1 did not come to 'gather' within 3 s" */
static enum mlb_status fail_missing(struct threads_team *team, const struct threads_wait *wait)
{
    struct mlb_text names = {0};
    struct mlb_error err = {0};
    int missing = 0;
    for (int i = 0; i < wait->group->size; i++) {
        int rank = wait->group->members[i].rank;
        if (!is_missing(wait, i) || ++missing > NAMED_RANKS)
            continue;
        mlb_text_addf(&names, "%srank %d on %s", missing > 1 ? ", " : "", rank,
                      team->ranks[rank].comm.host);
    }
    if (missing > NAMED_RANKS)
        mlb_text_addf(&names, " and %d more", missing - NAMED_RANKS);
    mlb_fail(&err, MLB_E_TIMEOUT, "%s did not come to '%s' within %.3g s", mlb_text_get(&names),
             wait->what, team->job.deadline_s);
    mlb_text_free(&names);
    return threads_break(team, &err);
}

static struct timespec deadline_of(const struct threads_team *team)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    double whole = floor(team->job.deadline_s);
    at.tv_sec += (time_t)whole;
    at.tv_nsec += (long)((team->job.deadline_s - whole) * 1e9);
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

enum mlb_status threads_sleep(struct threads_rank_state *rank, const struct threads_wait *wait,
                              struct mlb_error *err)
{
    struct threads_team *team = rank->team;
    struct timespec until = deadline_of(team);
    while (team->broken.status == MLB_OK && !wait->is_over(wait))
        if (pthread_cond_timedwait(&rank->wake, &team->lock, &until) == ETIMEDOUT &&
            team->broken.status == MLB_OK && !wait->is_over(wait))
            fail_missing(team, wait);
    return wait->is_over(wait) ? MLB_OK : repeat_failure(team, err);
}

static bool meeting_is_over(const struct threads_wait *wait)
{
    return wait->group->meetings >= wait->meeting;
}

/* Ranks that call different operations, or the same one with different sizes, are a bug of theirs.
 */
static enum mlb_status check_offers(struct threads_team *team, const struct threads_group *group)
{
    const struct threads_member *first = &group->members[0];
    struct mlb_error err = {0};
    for (int i = 1; i < group->size; i++) {
        const struct threads_member *other = &group->members[i];
        if (strcmp(first->offer.what, other->offer.what) == 0 &&
            first->offer.bytes == other->offer.bytes)
            continue;
        mlb_fail(&err, MLB_E_INTERNAL,
                 "rank %d came to '%s' with %zu bytes, rank %d to '%s' with %zu", first->rank,
                 first->offer.what, first->offer.bytes, other->rank, other->offer.what,
                 other->offer.bytes);
        return threads_break(team, &err);
    }
    return MLB_OK;
}

static void begin_after_the_last(struct threads_team *team, struct threads_group *group)
{
    group->met_ns = INT64_MIN;
    for (int i = 0; i < group->size; i++) {
        int64_t ns = threads_now_ns(&team->ranks[group->members[i].rank]);
        group->met_ns = ns > group->met_ns ? ns : group->met_ns;
    }
}

/* With the lock held. */
static enum mlb_status arrive(struct threads_rank_state *rank, struct threads_group *group, int me,
                              struct mlb_error *err)
{
    struct threads_team *team = rank->team;
    if (team->broken.status != MLB_OK)
        return repeat_failure(team, err);
    const struct threads_wait wait = {.group = group,
                                      .is_over = meeting_is_over,
                                      .me = me,
                                      .peer = -1,
                                      .meeting = ++group->members[me].arrived,
                                      .what = group->members[me].offer.what};
    if (++group->here < group->size)
        return threads_sleep(rank, &wait, err);
    if (check_offers(team, group) != MLB_OK)
        return repeat_failure(team, err);
    begin_after_the_last(team, group);
    group->here = 0;
    group->meetings++;
    wake_members(team, group);
    return MLB_OK;
}

enum mlb_status threads_meet(struct threads_rank_state *rank, struct threads_group *group, int me,
                             const struct threads_offer *offer, struct mlb_error *err)
{
    pthread_mutex_lock(&rank->team->lock);
    group->members[me].offer = *offer;
    enum mlb_status status = arrive(rank, group, me, err);
    int64_t met_ns = group->met_ns;
    pthread_mutex_unlock(&rank->team->lock);
    if (status == MLB_OK)
        threads_pass_until(rank, met_ns);
    return status;
}

enum mlb_status threads_part(struct threads_rank_state *rank, struct threads_group *group, int me,
                             struct mlb_error *err)
{
    pthread_mutex_lock(&rank->team->lock);
    enum mlb_status status = arrive(rank, group, me, err);
    pthread_mutex_unlock(&rank->team->lock);
    return status;
}

/* ------------------------------------------------------------------------------ the control plane
 */

static enum mlb_status meet_all(struct mlb_comm *comm, const struct threads_offer *offer,
                                struct mlb_error *err)
{
    struct threads_rank_state *rank = threads_state_of(comm);
    return threads_meet(rank, rank->team->everyone, comm->rank, offer, err);
}

static enum mlb_status part_all(struct mlb_comm *comm, struct mlb_error *err)
{
    struct threads_rank_state *rank = threads_state_of(comm);
    return threads_part(rank, rank->team->everyone, comm->rank, err);
}

static const struct threads_offer *offer_of(const struct mlb_comm *comm, int rank)
{
    return &threads_state_of(comm)->team->everyone->members[rank].offer;
}

static enum mlb_status barrier(struct mlb_comm *comm, struct mlb_error *err)
{
    return meet_all(comm, &(struct threads_offer){.what = "barrier"}, err);
}

static enum mlb_status line_up(struct mlb_comm *comm, struct mlb_error *err)
{
    threads_state_of(comm)->counts.line_ups++;
    return meet_all(comm, &(struct threads_offer){.what = "line_up"}, err);
}

static enum mlb_status broadcast(struct mlb_comm *comm, void *data, size_t bytes, int root,
                                 struct mlb_error *err)
{
    const struct threads_offer offer = {.what = "broadcast", .bytes = bytes, .send = data};
    enum mlb_status status = meet_all(comm, &offer, err);
    if (status == MLB_OK && comm->rank != root && bytes > 0)
        memcpy(data, offer_of(comm, root)->send, bytes);
    return status == MLB_OK ? part_all(comm, err) : status;
}

static enum mlb_status gather(struct mlb_comm *comm, const void *mine, size_t bytes, void *all,
                              int root, struct mlb_error *err)
{
    const struct threads_offer offer = {.what = "gather", .bytes = bytes, .send = mine};
    enum mlb_status status = meet_all(comm, &offer, err);
    for (int i = 0; status == MLB_OK && comm->rank == root && bytes > 0 && i < comm->size; i++)
        memmove((char *)all + (size_t)i * bytes, offer_of(comm, i)->send, bytes);
    return status == MLB_OK ? part_all(comm, err) : status;
}

/* The ranks are taken in order, so that all get the same sum to the bit. */
static double combine(const struct mlb_comm *comm, size_t index, bool sum)
{
    double all = ((const double *)offer_of(comm, 0)->send)[index];
    for (int i = 1; i < comm->size; i++) {
        double one = ((const double *)offer_of(comm, i)->send)[index];
        all = sum ? all + one : fmax(all, one);
    }
    return all;
}

static enum mlb_status reduce(struct mlb_comm *comm, double *values, size_t count, bool sum,
                              struct mlb_error *err)
{
    size_t bytes = count * sizeof *values;
    const struct threads_offer offer = {
        .what = sum ? "all_sum" : "all_max", .bytes = bytes, .send = values};
    double *all = threads_must(calloc(count + 1, sizeof *all));
    enum mlb_status status = meet_all(comm, &offer, err);
    for (size_t i = 0; i < count && status == MLB_OK; i++)
        all[i] = combine(comm, i, sum);
    if (status == MLB_OK)
        status = part_all(comm, err);
    if (status == MLB_OK && count > 0)
        memcpy(values, all, bytes);
    free(all);
    return status;
}

static enum mlb_status all_max(struct mlb_comm *comm, double *values, size_t count,
                               struct mlb_error *err)
{
    return reduce(comm, values, count, false, err);
}

static enum mlb_status all_sum(struct mlb_comm *comm, double *values, size_t count,
                               struct mlb_error *err)
{
    return reduce(comm, values, count, true, err);
}

static void progress(struct mlb_comm *comm)
{
    threads_state_of(comm)->counts.signs++;
}

/* Nobody watches: a wait that is too long fails by its own deadline. */
static void watch(struct mlb_comm *comm, const char *what, double deadline_s)
{
    (void)what, (void)deadline_s;
    threads_state_of(comm)->counts.watches++;
}

static void unwatch(struct mlb_comm *comm)
{
    threads_state_of(comm)->counts.unwatches++;
}

/* The thread ends here; the others find the job broken. */
static void __attribute__((noreturn)) end_job(struct mlb_comm *comm, int exit_code)
{
    struct threads_rank_state *rank = threads_state_of(comm);
    struct mlb_error err = {0};
    mlb_fail(&err, MLB_E_COMM, "rank %d on %s ended the job with code %d", comm->rank, comm->host,
             exit_code);
    pthread_mutex_lock(&rank->team->lock);
    rank->end.aborted = true;
    rank->end.exit_code = exit_code;
    threads_break(rank->team, &err);
    pthread_mutex_unlock(&rank->team->lock);
    pthread_exit(NULL);
}

static const struct mlb_comm_ops comm_ops = {.barrier = barrier,
                                             .broadcast = broadcast,
                                             .gather = gather,
                                             .all_max = all_max,
                                             .all_sum = all_sum,
                                             .line_up = line_up,
                                             .progress = progress,
                                             .watch = watch,
                                             .unwatch = unwatch,
                                             .abort = end_job};

/* ---------------------------------------------------------------------------------------- the job
 */

struct threads_group *threads_group_make(struct threads_team *team, int size)
{
    struct threads_group *group =
        threads_must(calloc(1, sizeof *group + (size_t)size * sizeof group->members[0]));
    group->size = size;
    group->next = team->groups;
    team->groups = group;
    return group;
}

/* The first rank of a node, when `ranks` are spread over `nodes` in blocks: the first of them have
 * one more where it does not come out even. */
static int first_of_node(const struct threads_job *job, int node)
{
    int rest = job->ranks % job->nodes;
    return node * (job->ranks / job->nodes) + (node < rest ? node : rest);
}

static int node_of(const struct threads_job *job, int rank)
{
    int node = 0;
    while (rank >= first_of_node(job, node + 1))
        node++;
    return node;
}

static void open_rank(struct threads_team *team, int index)
{
    const struct threads_job *job = &team->job;
    struct threads_rank_state *rank = &team->ranks[index];
    int node = node_of(job, index), first = first_of_node(job, node);
    rank->team = team;
    rank->comm = (struct mlb_comm){.ops = &comm_ops,
                                   .name = "threads",
                                   .rank = index,
                                   .size = job->ranks,
                                   .local_rank = index - first,
                                   .local_size = first_of_node(job, node + 1) - first,
                                   .least_local_size = job->ranks / job->nodes,
                                   .node = node,
                                   .nodes = job->nodes,
                                   .deadline_s = job->deadline_s,
                                   .state = rank};
    mlb_format(rank->comm.host, sizeof rank->comm.host, "host%d", node);
    rank->device = (struct mlb_device){
        .backend = &threads_backend,
        .info = {.kind = "cpu", .name = "thread", .units = 1, .memory_bytes = UINT64_C(1) << 30}};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&rank->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    team->everyone->members[index].rank = index;
    rank->given = (struct threads_rank){
        .comm = &rank->comm, .device = &rank->device, .channel = threads_channel_open(rank)};
}

static void close_rank(struct threads_rank_state *rank, struct threads_end *end)
{
    rank->end.parts_left_open = threads_channels_close(rank);
    pthread_cond_destroy(&rank->wake);
    if (end)
        *end = rank->end;
}

static void *run_rank(void *argument)
{
    struct threads_rank_state *rank = argument;
    rank->team->body(&rank->given, rank->team->user);
    return NULL;
}

static struct threads_team *open_team(const struct threads_job *job)
{
    struct threads_team *team =
        threads_must(calloc(1, sizeof *team + (size_t)job->ranks * sizeof team->ranks[0]));
    team->job = *job;
    team->job.nodes = job->nodes > 0 ? job->nodes : 1;
    team->job.deadline_s = job->deadline_s > 0.0 ? job->deadline_s : 10.0;
    pthread_mutex_init(&team->lock, NULL);
    team->everyone = threads_group_make(team, job->ranks);
    for (int i = 0; i < job->ranks; i++)
        open_rank(team, i);
    return team;
}

static void close_team(struct threads_team *team, struct threads_end *ends)
{
    for (int i = 0; i < team->job.ranks; i++)
        close_rank(&team->ranks[i], ends ? &ends[i] : NULL);
    while (team->groups) {
        struct threads_group *group = team->groups;
        team->groups = group->next;
        free(group);
    }
    pthread_mutex_destroy(&team->lock);
    free(team);
}

void threads_run(const struct threads_job *job, void (*body)(struct threads_rank *rank, void *user),
                 void *user, struct threads_end *ends)
{
    struct threads_team *team = open_team(job);
    team->body = body;
    team->user = user;
    for (int i = 0; i < job->ranks; i++)
        if (pthread_create(&team->ranks[i].thread, NULL, run_rank, &team->ranks[i]) != 0) {
            fprintf(stderr, "threads: no thread for rank %d of %d\n", i, job->ranks);
            abort();
        }
    for (int i = 0; i < job->ranks; i++)
        pthread_join(team->ranks[i].thread, NULL);
    close_team(team, ends);
}
