/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/meeting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/measure/stats.h"
#include "harness/measure/tournament.h"

#define FIRST_BYTES   ((uint64_t)64 << 10) /* where the search for a message's size begins */
#define MOST_BYTES    ((uint64_t)64 << 20) /* beyond, messages are repeated: rates grow no more */
#define MOST_REPEATS  256
#define MOST_GROWTH   8.0 /* at once: the first exchange tells of latency */
#define LONG_ENOUGH   0.7 /* of exchange_s */
#define SIZE_STEPS    16
#define SIZE_TRIES    3
#define WINDOWS       16 /* places of a message that are compared */
#define WINDOW_VALUES 256

/* --------------------------------------------------------------------------------- who meets whom
 */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int rank_at(const struct mlb_survey *survey, int machine, int local)
{
    return survey->ranks[machine * survey->most_locals + local];
}

struct mlb_trial mlb_meeting_of_machines(const struct mlb_survey *survey, int a, int b, int first,
                                         int rails)
{
    struct mlb_trial pair = {.a = {a, first}, .b = {b, first}, .rails = rails};
    if (rails == 0)
        pair.rails = least(survey->locals[a], survey->locals[b]);
    return pair;
}

static bool is_end(const struct mlb_trial *pair, struct mlb_spot spot)
{
    return spot.machine == pair->a.machine && spot.local >= pair->a.local &&
           spot.local < pair->a.local + pair->rails;
}

static struct mlb_trial turned(const struct mlb_trial *pair)
{
    return (struct mlb_trial){.a = pair->b, .b = pair->a, .rails = pair->rails};
}

/* The pair that a rank may be an end of, its own end as `a`. */
static struct mlb_trial pair_of(const struct mlb_survey *survey, const struct mlb_meeting *meeting,
                                struct mlb_spot spot)
{
    int machines = survey->machines, locals = survey->locals[spot.machine], other;
    switch (meeting->by) {
    case MLB_BY_MACHINES:
        other = mlb_tournament_opponent(machines, meeting->round, spot.machine);
        return mlb_meeting_of_machines(survey, spot.machine, other, 0, 0);
    case MLB_BY_HALVES:
        other = mlb_bisection_opponent(machines, meeting->order, spot.machine);
        return mlb_meeting_of_machines(survey, spot.machine, other, meeting->first, meeting->rails);
    case MLB_BY_LOCALS:
        other = meeting->round < mlb_tournament_rounds(locals)
                    ? mlb_tournament_opponent(locals, meeting->round, spot.local)
                    : spot.local;
        return (struct mlb_trial){.a = spot, .b = {spot.machine, other}, .rails = 1};
    case MLB_BY_TRIAL:
        break;
    }
    return is_end(meeting->trial, spot) ? *meeting->trial : turned(meeting->trial);
}

/* Of a rank; -1 = it waits. */
static int partner_of(const struct mlb_survey *survey, const struct mlb_meeting *meeting, int rank)
{
    struct mlb_spot spot = survey->spots[rank];
    struct mlb_trial pair = pair_of(survey, meeting, spot);
    int local = pair.b.local + spot.local - pair.a.local;
    bool itself = pair.a.machine == pair.b.machine && pair.a.local == pair.b.local;
    if (itself || !is_end(&pair, spot) || local >= survey->locals[pair.b.machine])
        return -1;
    return rank_at(survey, pair.b.machine, local);
}

static enum mlb_meeting_level level_of(const struct mlb_meeting *meeting)
{
    bool inside =
        meeting->by == MLB_BY_LOCALS ||
        (meeting->by == MLB_BY_TRIAL && meeting->trial->a.machine == meeting->trial->b.machine);
    return inside ? MLB_INSIDE : MLB_BETWEEN;
}

/* --------------------------------------------------------------------------------------- buffers
 */

void mlb_meeting_free_buffers(struct mlb_survey *survey)
{
    mlb_free(survey->how.device, survey->send);
    mlb_free(survey->how.device, survey->recv);
    survey->send = survey->recv = NULL;
    survey->room = 0;
}

static enum mlb_status make_room(struct mlb_survey *survey, uint64_t bytes, struct mlb_error *err)
{
    struct mlb_device *device = survey->how.device;
    if (bytes <= survey->room)
        return MLB_OK;
    mlb_meeting_free_buffers(survey);
    if (mlb_alloc(device, bytes, "links.send", &survey->send, err) != MLB_OK ||
        mlb_alloc(device, bytes, "links.recv", &survey->recv, err) != MLB_OK ||
        mlb_fill(device, survey->send, bytes / sizeof(float), MLB_F32, MLB_DATA_NORMAL,
                 survey->how.seed + (uint64_t)survey->how.comm->rank, err) != MLB_OK ||
        mlb_sync(device, survey->how.comm->deadline_s, err) != MLB_OK)
        return err->status;
    survey->room = bytes;
    return MLB_OK;
}

/* First element of a window; the last one ends where the message does. */
static uint64_t window_at(uint64_t count, int window)
{
    return (count - WINDOW_VALUES) / (WINDOWS - 1) * (uint64_t)window;
}

static enum mlb_status clear_windows(struct mlb_survey *survey, uint64_t count,
                                     struct mlb_error *err)
{
    const float zeros[WINDOW_VALUES] = {0};
    for (int i = 0; i < WINDOWS; i++)
        if (mlb_copy(survey->how.device, (float *)survey->recv + window_at(count, i), zeros,
                     sizeof zeros, MLB_TO_DEVICE, err) != MLB_OK)
            return err->status;
    return MLB_OK;
}

/* What came must be what the partner's generator gives, to the bit. */
static enum mlb_status check_windows(struct mlb_survey *survey, uint64_t count, int partner,
                                     double *checked, double *wrong, struct mlb_error *err)
{
    uint64_t seed = survey->how.seed + (uint64_t)partner;
    float window[WINDOW_VALUES];
    for (int i = 0; i < WINDOWS; i++) {
        uint64_t first = window_at(count, i);
        if (mlb_copy(survey->how.device, window, (float *)survey->recv + first, sizeof window,
                     MLB_TO_HOST, err) != MLB_OK)
            return err->status;
        for (uint64_t k = 0; k < WINDOW_VALUES; k++) {
            float should = (float)mlb_data_value(MLB_DATA_NORMAL, MLB_F32, seed, first + k);
            *wrong += memcmp(&window[k], &should, sizeof should) != 0;
        }
        *checked += WINDOW_VALUES;
    }
    return MLB_OK;
}

/* --------------------------------------------------------------------------------------- exchange
 */

static enum mlb_status send_and_receive(struct mlb_survey *survey, int to, int from, size_t count,
                                        struct mlb_error *err)
{
    struct mlb_channel *channel = survey->how.channel;
    return channel->ops->sendrecv(channel, survey->send, to, survey->recv, from, count, MLB_F32,
                                  err);
}

static double now_s(const struct mlb_survey *survey)
{
    return survey->how.now_s ? survey->how.now_s(survey->how.comm) : mlb_clock_s();
}

/* One element to and fro, then the messages of one direction. The clock of the end that receives
 * so runs before the other can send: however late an end is, the time that is told is never shorter
 * than what the link took. */
static enum mlb_status send_timed(struct mlb_survey *survey, const struct mlb_meeting_size *size,
                                  int partner, bool sends, struct mlb_stretch *stretch,
                                  struct mlb_error *err)
{
    size_t count = (size_t)(size->bytes / sizeof(float));
    double began_s = now_s(survey);
    if (send_and_receive(survey, partner, partner, 1, err) != MLB_OK)
        return err->status;
    for (uint64_t i = 0; i < size->repeats; i++)
        if (send_and_receive(survey, sends ? partner : -1, sends ? -1 : partner, count, err) !=
            MLB_OK)
            return err->status;
    if (mlb_sync(survey->how.device, survey->how.comm->deadline_s, err) != MLB_OK)
        return err->status;
    *stretch = (struct mlb_stretch){began_s, now_s(survey)};
    return MLB_OK;
}

/* This rank's part of an exchange in one direction. */
static enum mlb_status exchange(struct mlb_survey *survey, const struct mlb_meeting_size *size,
                                int partner, bool sends, struct mlb_stretch *stretch,
                                struct mlb_error *err)
{
    struct mlb_comm *comm = survey->how.comm;
    comm->ops->watch(comm, "an exchange of links", comm->deadline_s);
    enum mlb_status status = send_timed(survey, size, partner, sends, stretch, err);
    comm->ops->unwatch(comm);
    return status;
}

/* Those who wait for others to finish do so in the barrier, asleep: line_up spins. */
static enum mlb_status meet(struct mlb_comm *comm, struct mlb_error *err)
{
    enum mlb_status status = comm->ops->barrier(comm, err);
    return status == MLB_OK ? comm->ops->line_up(comm, err) : status;
}

/* The end that sends first: that of the lower machine, or of the lower rank of one. */
static bool goes_first(struct mlb_spot mine, struct mlb_spot other)
{
    return mine.machine != other.machine ? mine.machine < other.machine : mine.local < other.local;
}

/* Both directions of a try. */
static enum mlb_status exchange_both(struct mlb_survey *survey, const struct mlb_meeting_size *size,
                                     int partner, struct mlb_stretch both[2], struct mlb_error *err)
{
    struct mlb_comm *comm = survey->how.comm;
    both[0] = both[1] = (struct mlb_stretch){NAN, NAN};
    for (int i = 0; i < 2; i++) {
        if (meet(comm, err) != MLB_OK)
            return err->status;
        if (partner < 0)
            continue;
        bool first = goes_first(survey->spots[comm->rank], survey->spots[partner]);
        if (exchange(survey, size, partner, first == (i == 0), &both[i], err) != MLB_OK)
            return err->status;
    }
    return MLB_OK;
}

/* The first try of a pair opens the way between the two: it is slow, and others count then. */
static enum mlb_status exchange_all(struct mlb_survey *survey, const struct mlb_meeting *meeting,
                                    const struct mlb_meeting_size *size, int tries,
                                    struct mlb_stretch *mine, struct mlb_error *err)
{
    int partner = partner_of(survey, meeting, survey->how.comm->rank);
    enum mlb_status status = MLB_OK;
    for (int i = 0; i < tries && status == MLB_OK; i++)
        status = exchange_both(survey, size, partner, &mine[2 * i], err);
    return status;
}

/* One meeting: its exchanges, and their times on rank 0. */
enum mlb_status mlb_meeting_hold(struct mlb_survey *survey, const struct mlb_meeting *meeting,
                                 int tries, struct mlb_error *err)
{
    struct mlb_comm *comm = survey->how.comm;
    struct mlb_stretch mine[2 * MLB_SURVEY_TRIES];
    const struct mlb_meeting_size *size = &survey->sizes[level_of(meeting)];
    enum mlb_status status = make_room(survey, size->bytes, err);
    if (mlb_comm_agree(comm, status, err) != MLB_OK)
        return err->status;
    status = exchange_all(survey, meeting, size, tries, mine, err);
    if (mlb_comm_agree(comm, status, err) != MLB_OK)
        return err->status;
    survey->tries = tries;
    return comm->ops->gather(comm, mine, 2 * (size_t)tries * sizeof *mine, survey->stretches, 0,
                             err);
}

/* ------------------------------------------------------------------------- from times to a rate */

static struct mlb_stretch stretch_of(const struct mlb_survey *survey, int rank, int try,
                                     int direction)
{
    return survey->stretches[(rank * survey->tries + try) * 2 + direction];
}

/* How long one end of a pair was at it: from when the first of its rails began, which have one
 * clock, to when the last one ended. Rails that come one after the other have the link for
 * themselves each, and the longest of their times would be shorter than what all of it took. NaN: a
 * rail took no part. */
static double end_took_s(const struct mlb_survey *survey, struct mlb_spot end, int rails, int try,
                         int direction)
{
    double began_s = INFINITY, ended_s = -INFINITY;
    for (int i = 0; i < rails; i++) {
        int rank = rank_at(survey, end.machine, end.local + i);
        if (rank < 0)
            return NAN;
        struct mlb_stretch stretch = stretch_of(survey, rank, try, direction);
        if (isnan(stretch.began_s))
            return NAN;
        began_s = fmin(began_s, stretch.began_s);
        ended_s = fmax(ended_s, stretch.ended_s);
    }
    return ended_s - began_s;
}

/* The longer of the two ends. */
static double took_s(const struct mlb_survey *survey, const struct mlb_trial *pair, int try,
                     int direction)
{
    double a = end_took_s(survey, pair->a, pair->rails, try, direction);
    double b = end_took_s(survey, pair->b, pair->rails, try, direction);
    return isnan(a) || isnan(b) ? NAN : fmax(a, b);
}

static double rate_of(const struct mlb_survey *survey, const struct mlb_trial *pair, int try,
                      int direction)
{
    bool inside = pair->a.machine == pair->b.machine;
    const struct mlb_meeting_size *size = &survey->sizes[inside ? MLB_INSIDE : MLB_BETWEEN];
    double seconds = took_s(survey, pair, try, direction);
    if (!(seconds > 0.0))
        return NAN;
    return (double)pair->rails * (double)size->bytes * (double)size->repeats / seconds;
}

struct mlb_there_and_back mlb_meeting_try(const struct mlb_survey *survey,
                                          const struct mlb_trial *pair, int try)
{
    int there = goes_first(pair->a, pair->b) ? 0 : 1;
    return (struct mlb_there_and_back){.there = rate_of(survey, pair, try, there),
                                       .back = rate_of(survey, pair, try, 1 - there)};
}

struct mlb_there_and_back mlb_meeting_best(const struct mlb_survey *survey,
                                           const struct mlb_trial *pair)
{
    struct mlb_there_and_back best = {NAN, NAN};
    for (int i = 0; i < survey->tries; i++) {
        struct mlb_there_and_back rates = mlb_meeting_try(survey, pair, i);
        best.there = fmax(best.there, rates.there);
        best.back = fmax(best.back, rates.back);
    }
    return best;
}

/* ------------------------------------------------------------------------------- size of messages
 */

/* Rank 0: from how long it took to what comes next; false when it is long enough. */
static bool next_size(const struct mlb_survey *survey, double seconds,
                      struct mlb_meeting_size *size)
{
    uint64_t most = survey->how.memory_bytes / 2;
    most = most < MOST_BYTES ? most : MOST_BYTES;
    double wanted_s = survey->how.exchange_s, growth = wanted_s / seconds;
    if (!(seconds > 0.0) || seconds >= LONG_ENOUGH * wanted_s)
        return false;
    growth = fmin(growth, MOST_GROWTH);
    if (size->bytes < most) {
        uint64_t bytes = (uint64_t)((double)size->bytes * growth) / FIRST_BYTES * FIRST_BYTES;
        size->bytes = bytes < most ? bytes : most / FIRST_BYTES * FIRST_BYTES;
        return true;
    }
    uint64_t repeats = (uint64_t)((double)size->repeats * growth + 0.5);
    repeats = repeats < MOST_REPEATS ? repeats : MOST_REPEATS;
    bool grows = repeats > size->repeats;
    size->repeats = repeats;
    return grows;
}

/* Of each rank that took part in the last meeting its shortest try, since what comes between only
 * makes them longer; of a try the longer direction, since who sends may be done once the system has
 * the message. Of these the median, so that one slow link does not decide. NaN = none took part. */
static double usual_time(struct mlb_survey *survey)
{
    size_t count = 0;
    for (int rank = 0; rank < survey->how.comm->size; rank++) {
        double shortest = NAN;
        for (int i = 0; i < survey->tries; i++) {
            struct mlb_stretch there = stretch_of(survey, rank, i, 0);
            struct mlb_stretch back = stretch_of(survey, rank, i, 1);
            shortest =
                fmin(shortest, fmax(there.ended_s - there.began_s, back.ended_s - back.began_s));
        }
        if (!isnan(shortest))
            survey->scratch[count++] = shortest;
    }
    return mlb_median(survey->scratch, count);
}

/* Grows the message until an exchange is long enough, in the first round's pairs. */
enum mlb_status mlb_meeting_choose_size(struct mlb_survey *survey,
                                        const struct mlb_meeting *meeting, struct mlb_error *err)
{
    struct mlb_comm *comm = survey->how.comm;
    struct mlb_meeting_size *size = &survey->sizes[level_of(meeting)];
    struct {
        struct mlb_meeting_size size;
        bool more;
    } next = {.size = {FIRST_BYTES, 1}, .more = true};
    if (size->bytes)
        return MLB_OK;
    *size = next.size;
    for (int i = 0; i < SIZE_STEPS && next.more; i++) {
        if (mlb_meeting_hold(survey, meeting, SIZE_TRIES, err) != MLB_OK)
            return err->status;
        if (comm->rank == 0)
            next.more = next_size(survey, usual_time(survey), &next.size);
        if (comm->ops->broadcast(comm, &next, sizeof next, 0, err) != MLB_OK)
            return err->status;
        *size = next.size;
    }
    return MLB_OK;
}

/* -------------------------------------------------------------------------------------- verified
 */

/* What a rank has to say about what it received. */
struct receipt {
    double checked, wrong;
};

static void note_receipts(const struct mlb_survey *survey, const struct mlb_meeting *meeting,
                          const struct receipt *receipts, struct mlb_links *links)
{
    for (int rank = 0; rank < survey->how.comm->size; rank++) {
        links->checked += (uint64_t)receipts[rank].checked;
        if (receipts[rank].wrong > 0.0 && links->wrong == 0) {
            links->wrong_from = partner_of(survey, meeting, rank);
            links->wrong_to = rank;
        }
        links->wrong += (uint64_t)receipts[rank].wrong;
    }
}

/* A meeting whose last message is compared on every rank with what was sent. */
enum mlb_status mlb_meeting_hold_verified(struct mlb_survey *survey,
                                          const struct mlb_meeting *meeting,
                                          struct mlb_links *links, struct mlb_error *err)
{
    struct mlb_comm *comm = survey->how.comm;
    const struct mlb_meeting_size *size = &survey->sizes[level_of(meeting)];
    uint64_t count = size->bytes / sizeof(float);
    int partner = partner_of(survey, meeting, comm->rank);
    struct receipt mine = {0}, *all = calloc((size_t)comm->size, sizeof *all);
    enum mlb_status status =
        all ? make_room(survey, size->bytes, err)
            : mlb_fail(err, MLB_E_NOMEM, "links of %d ranks: out of memory", comm->size);
    if (status == MLB_OK && partner >= 0)
        status = clear_windows(survey, count, err);
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = mlb_meeting_hold(survey, meeting, survey->how.tries, err);
    if (status == MLB_OK && partner >= 0)
        status = check_windows(survey, count, partner, &mine.checked, &mine.wrong, err);
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = comm->ops->gather(comm, &mine, sizeof mine, all, 0, err);
    if (status == MLB_OK && links)
        note_receipts(survey, meeting, all, links);
    free(all);
    return status;
}
