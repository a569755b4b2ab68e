/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/measure/meeting.h"
#include "harness/measure/stats.h"
#include "harness/measure/tournament.h"

#define STEADY 0.05 /* as good as the best: the two nearest to what the link has */

/* ---------------------------------------------------------------------------------------- survey
 */

/* Ranks of each machine, and the two largest numbers of them. */
static void count_locals(struct mlb_survey *survey)
{
    for (int rank = 0; rank < survey->how.comm->size; rank++)
        survey->locals[survey->spots[rank].machine]++;
    for (int i = 0; i < survey->machines; i++) {
        int locals = survey->locals[i];
        if (locals > survey->most_locals) {
            survey->rails = survey->most_locals;
            survey->most_locals = locals;
        } else if (locals > survey->rails) {
            survey->rails = locals;
        }
    }
}

static enum mlb_status list_ranks(struct mlb_survey *survey, struct mlb_error *err)
{
    size_t places = (size_t)survey->machines * (size_t)survey->most_locals;
    survey->ranks = calloc(places, sizeof *survey->ranks);
    if (!survey->ranks)
        return mlb_fail(err, MLB_E_NOMEM, "links of %zu ranks: out of memory", places);
    for (size_t i = 0; i < places; i++)
        survey->ranks[i] = -1;
    for (int rank = 0; rank < survey->how.comm->size; rank++) {
        struct mlb_spot spot = survey->spots[rank];
        survey->ranks[spot.machine * survey->most_locals + spot.local] = rank;
    }
    return MLB_OK;
}

static enum mlb_status share_spots(struct mlb_survey *survey, struct mlb_error *err)
{
    struct mlb_comm *comm = survey->how.comm;
    struct mlb_spot mine = {comm->node, comm->local_rank};
    size_t bytes = (size_t)comm->size * sizeof mine;
    survey->machines = comm->nodes;
    if (comm->ops->gather(comm, &mine, sizeof mine, survey->spots, 0, err) != MLB_OK ||
        comm->ops->broadcast(comm, survey->spots, bytes, 0, err) != MLB_OK)
        return err->status;
    count_locals(survey);
    return mlb_comm_agree(comm, list_ranks(survey, err), err);
}

enum mlb_status mlb_survey_open(const struct mlb_survey_how *how, struct mlb_survey **opened,
                                struct mlb_error *err)
{
    struct mlb_survey *survey = calloc(1, sizeof *survey);
    size_t ranks = (size_t)how->comm->size;
    enum mlb_status status = MLB_OK;
    *opened = survey;
    if (survey) {
        survey->how = *how;
        survey->spots = calloc(ranks, sizeof *survey->spots);
        survey->locals = calloc((size_t)how->comm->nodes, sizeof *survey->locals);
        survey->order = calloc((size_t)how->comm->nodes, sizeof *survey->order);
        survey->scratch = calloc(ranks, sizeof *survey->scratch);
        survey->stretches = calloc(ranks * 2 * MLB_SURVEY_TRIES, sizeof *survey->stretches);
    }
    if (!survey || !survey->spots || !survey->locals || !survey->order || !survey->scratch ||
        !survey->stretches)
        status = mlb_fail(err, MLB_E_NOMEM, "links of %zu ranks: out of memory", ranks);
    if (mlb_comm_agree(how->comm, status, err) != MLB_OK || share_spots(survey, err) != MLB_OK) {
        mlb_survey_close(survey);
        *opened = NULL;
        return err->status;
    }
    return MLB_OK;
}

void mlb_survey_close(struct mlb_survey *survey)
{
    if (!survey)
        return;
    mlb_meeting_free_buffers(survey);
    free(survey->spots);
    free(survey->locals);
    free(survey->ranks);
    free(survey->order);
    free(survey->scratch);
    free(survey->stretches);
    free(survey);
}

void mlb_survey_shape(const struct mlb_survey *survey, int *machines, int *locals, int *rails)
{
    *machines = survey->machines;
    *locals = survey->most_locals;
    *rails = survey->rails;
}

int mlb_survey_locals(const struct mlb_survey *survey, int machine)
{
    return survey->locals[machine];
}

/* ------------------------------------------------------------------------------------- the parts
 */

static void keep_pair(const struct mlb_survey *survey, const struct mlb_trial *pair,
                      struct mlb_links *links)
{
    int a = pair->a.machine, b = pair->b.machine;
    struct mlb_there_and_back rates = mlb_meeting_best(survey, pair);
    *mlb_links_pair(links, a, b) = rates.there;
    *mlb_links_pair(links, b, a) = rates.back;
    for (int i = 0; i < pair->rails; i++) {
        struct mlb_trial rail = {.a = {a, i}, .b = {b, i}, .rails = 1};
        rates = mlb_meeting_best(survey, &rail);
        *mlb_links_rail(links, a, b, i) = rates.there;
        *mlb_links_rail(links, b, a, i) = rates.back;
    }
}

enum mlb_status mlb_survey_machines(struct mlb_survey *survey, struct mlb_links *links,
                                    struct mlb_error *err)
{
    struct mlb_meeting meeting = {.by = MLB_BY_MACHINES};
    int rounds = mlb_tournament_rounds(survey->machines);
    if (rounds > 0 && mlb_meeting_choose_size(survey, &meeting, err) != MLB_OK)
        return err->status;
    for (meeting.round = 0; meeting.round < rounds; meeting.round++) {
        if (mlb_meeting_hold_verified(survey, &meeting, links, err) != MLB_OK)
            return err->status;
        for (int a = 0; links && a < survey->machines; a++) {
            int b = mlb_tournament_opponent(survey->machines, meeting.round, a);
            struct mlb_trial pair = mlb_meeting_of_machines(survey, a, b, 0, 0);
            if (a < b)
                keep_pair(survey, &pair, links);
        }
    }
    if (links && rounds > 0)
        links->message_bytes = survey->sizes[MLB_BETWEEN].bytes;
    return MLB_OK;
}

static void keep_inside(const struct mlb_survey *survey, int round, int machine,
                        struct mlb_links *links)
{
    int locals = survey->locals[machine];
    double *rates = mlb_links_inside(links, machine);
    for (int a = 0; a < locals && round < mlb_tournament_rounds(locals); a++) {
        int b = mlb_tournament_opponent(locals, round, a);
        struct mlb_trial pair = {.a = {machine, a}, .b = {machine, b}, .rails = 1};
        if (a >= b)
            continue;
        struct mlb_there_and_back both = mlb_meeting_best(survey, &pair);
        rates[a * links->locals + b] = both.there;
        rates[b * links->locals + a] = both.back;
    }
}

enum mlb_status mlb_survey_inside(struct mlb_survey *survey, struct mlb_links *links,
                                  struct mlb_error *err)
{
    struct mlb_meeting meeting = {.by = MLB_BY_LOCALS};
    int rounds = 0;
    for (int i = 0; i < survey->machines; i++) {
        int of_machine = mlb_tournament_rounds(survey->locals[i]);
        rounds = of_machine > rounds ? of_machine : rounds;
    }
    if (rounds > 0 && mlb_meeting_choose_size(survey, &meeting, err) != MLB_OK)
        return err->status;
    for (meeting.round = 0; meeting.round < rounds; meeting.round++) {
        if (mlb_meeting_hold_verified(survey, &meeting, links, err) != MLB_OK)
            return err->status;
        for (int i = 0; links && i < survey->machines; i++)
            keep_inside(survey, meeting.round, i, links);
    }
    if (links && rounds > 0 && links->message_bytes == 0)
        links->message_bytes = survey->sizes[MLB_INSIDE].bytes;
    return MLB_OK;
}

/* The pair of machine a when they meet in halves; false for the half that is b. */
static bool pair_of_halves(const struct mlb_survey *survey, const struct mlb_meeting *meeting,
                           int a, struct mlb_trial *pair)
{
    int b = mlb_bisection_opponent(survey->machines, meeting->order, a);
    *pair = mlb_meeting_of_machines(survey, a, b, meeting->first, meeting->rails);
    return a < b;
}

/* Of the pairs that met in halves the median of the slower direction. */
static double usual_half(const struct mlb_survey *survey, const struct mlb_meeting *meeting)
{
    size_t count = 0;
    struct mlb_trial pair;
    for (int a = 0; a < survey->machines; a++) {
        if (!pair_of_halves(survey, meeting, a, &pair))
            continue;
        struct mlb_there_and_back best = mlb_meeting_best(survey, &pair);
        if (!isnan(best.there) && !isnan(best.back))
            survey->scratch[count++] = fmin(best.there, best.back);
    }
    return mlb_median(survey->scratch, count);
}

/* The sum over them in the best of the tries: in one, since pairs may share a way. */
static double sum_of_halves(const struct mlb_survey *survey, const struct mlb_meeting *meeting)
{
    double best = NAN;
    struct mlb_trial pair;
    for (int i = 0; i < survey->tries; i++) {
        double sum = 0.0;
        for (int a = 0; a < survey->machines; a++) {
            if (!pair_of_halves(survey, meeting, a, &pair))
                continue;
            struct mlb_there_and_back rates = mlb_meeting_try(survey, &pair, i);
            sum += fmin(rates.there, rates.back);
        }
        best = fmax(best, sum);
    }
    return best;
}

static struct mlb_maybe known(double value)
{
    bool finite = isfinite(value);
    return (struct mlb_maybe){.known = finite, .value = finite ? value : 0.0};
}

enum mlb_status mlb_survey_rails(struct mlb_survey *survey, struct mlb_links *links,
                                 struct mlb_error *err)
{
    struct mlb_meeting meeting = {.by = MLB_BY_HALVES};
    int tries = survey->how.tries;
    if (survey->machines < 2 || survey->rails < 2)
        return MLB_OK;
    if (mlb_meeting_choose_size(survey, &meeting, err) != MLB_OK ||
        mlb_meeting_hold(survey, &meeting, tries, err) != MLB_OK)
        return err->status;
    if (links)
        links->rails_together = known(usual_half(survey, &meeting));
    meeting.rails = 1;
    for (meeting.first = 0; meeting.first < survey->rails; meeting.first++) {
        if (mlb_meeting_hold(survey, &meeting, tries, err) != MLB_OK)
            return err->status;
        if (links)
            links->rail_alone[meeting.first] = usual_half(survey, &meeting);
    }
    return MLB_OK;
}

static void shuffle(int *order, int count, uint64_t seed)
{
    for (int i = 0; i < count; i++)
        order[i] = i;
    for (int i = count - 1; i > 0; i--) {
        int j = (int)(mlb_rng_bits(seed, (uint64_t)i) % (uint64_t)(i + 1)), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

enum mlb_status mlb_survey_bisection(struct mlb_survey *survey, struct mlb_links *links,
                                     struct mlb_error *err)
{
    struct mlb_meeting meeting = {.by = MLB_BY_HALVES};
    if (survey->machines < 4)
        return MLB_OK;
    if (mlb_meeting_choose_size(survey, &meeting, err) != MLB_OK ||
        mlb_meeting_hold(survey, &meeting, survey->how.tries, err) != MLB_OK)
        return err->status;
    if (links)
        links->bisection = known(sum_of_halves(survey, &meeting));
    shuffle(survey->order, survey->machines, survey->how.seed);
    meeting.order = survey->order;
    if (mlb_meeting_hold(survey, &meeting, survey->how.tries, err) != MLB_OK)
        return err->status;
    if (links)
        links->bisection_random = known(sum_of_halves(survey, &meeting));
    return MLB_OK;
}

/* ---------------------------------------------------------------------------------------- trials
 */

/* Rank 0's list to all; *all is owned by the caller. */
static enum mlb_status share_trials(struct mlb_survey *survey, const struct mlb_trial *trials,
                                    uint64_t *count, struct mlb_trial **all, struct mlb_error *err)
{
    struct mlb_comm *comm = survey->how.comm;
    *all = NULL;
    if (comm->ops->broadcast(comm, count, sizeof *count, 0, err) != MLB_OK)
        return err->status;
    if (*count == 0)
        return MLB_OK;
    *all = calloc((size_t)*count, sizeof **all);
    enum mlb_status status =
        *all ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "trials of links: out of memory");
    if (mlb_comm_agree(comm, status, err) != MLB_OK)
        return err->status;
    if (comm->rank == 0)
        memcpy(*all, trials, (size_t)*count * sizeof **all);
    return comm->ops->broadcast(comm, *all, (size_t)*count * sizeof **all, 0, err);
}

/* The two best rates that a direction of a trial has had. */
struct podium {
    double best, second;
};

static void stand(struct podium *podium, double rate)
{
    if (!(rate <= podium->best)) {
        podium->second = podium->best;
        podium->best = rate;
    } else if (!(rate <= podium->second)) {
        podium->second = rate;
    }
}

bool mlb_trial_settled(const struct mlb_trial *trial)
{
    return trial->twice.there >= (1.0 - STEADY) * trial->bytes_per_s.there &&
           trial->twice.back >= (1.0 - STEADY) * trial->bytes_per_s.back;
}

/* Each trial once. Podiums are rank 0's: two for each trial, there and back. */
static enum mlb_status try_all(struct mlb_survey *survey, const struct mlb_trial *all, size_t count,
                               struct podium *podiums, struct mlb_error *err)
{
    for (size_t t = 0; t < count; t++) {
        struct mlb_meeting meeting = {.by = MLB_BY_TRIAL, .trial = &all[t]};
        if (mlb_meeting_hold(survey, &meeting, 1, err) != MLB_OK)
            return err->status;
        if (survey->how.comm->rank != 0)
            continue;
        struct mlb_there_and_back rates = mlb_meeting_best(survey, &all[t]);
        stand(&podiums[2 * t], rates.there);
        stand(&podiums[2 * t + 1], rates.back);
    }
    return MLB_OK;
}

/* Rank 0: the results so far; are all settled? */
static bool read_podiums(const struct podium *podiums, struct mlb_trial *trials, size_t count)
{
    bool settled = true;
    for (size_t t = 0; t < count; t++) {
        const struct podium *there = &podiums[2 * t], *back = &podiums[2 * t + 1];
        trials[t].bytes_per_s = (struct mlb_there_and_back){there->best, back->best};
        trials[t].twice = (struct mlb_there_and_back){there->second, back->second};
        settled = settled && mlb_trial_settled(&trials[t]);
    }
    return settled;
}

enum mlb_status mlb_survey_trials(struct mlb_survey *survey, struct mlb_trial *trials, size_t count,
                                  int least, int most, struct mlb_error *err)
{
    struct mlb_comm *comm = survey->how.comm;
    struct mlb_trial *all = NULL;
    uint64_t shared = count;
    enum mlb_status status = share_trials(survey, trials, &shared, &all, err);
    struct podium *podiums = calloc(2 * (size_t)shared + 1, sizeof *podiums);
    if (status == MLB_OK && !podiums)
        status = mlb_fail(err, MLB_E_NOMEM, "trials of links: out of memory");
    status = mlb_comm_agree(comm, status, err);
    for (size_t i = 0; podiums && i < 2 * (size_t)shared; i++)
        podiums[i] = (struct podium){NAN, NAN};
    bool more = shared > 0;
    for (int i = 1; status == MLB_OK && more; i++) {
        status = try_all(survey, all, (size_t)shared, podiums, err);
        if (status == MLB_OK && comm->rank == 0)
            more = (!read_podiums(podiums, trials, count) || i < least) && i < most;
        if (status == MLB_OK)
            status = comm->ops->broadcast(comm, &more, sizeof more, 0, err);
    }
    free(podiums);
    free(all);
    return status;
}
