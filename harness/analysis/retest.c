/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/retest.h"

#include <math.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------- trying again */

/* The fastest pair of members that nobody suspects. */
static bool best_pair(const double *rates, int members, const struct mlb_suspect *suspects,
                      size_t count, int *a, int *b)
{
    double best = 0.0;
    for (int i = 0; i < members; i++) {
        for (int j = i + 1; j < members; j++) {
            double rate = mlb_pair_rate(rates, members, i, j);
            if (!(rate > best) || mlb_suspects_have(suspects, count, i) ||
                mlb_suspects_have(suspects, count, j))
                continue;
            best = rate;
            *a = i;
            *b = j;
        }
    }
    return best > 0.0;
}

/* The member that both ends of a way do best with, as far as the worse of the two goes. */
static bool best_third(const double *rates, int members, const struct mlb_suspect *suspects,
                       size_t count, const struct mlb_suspect *way, int *third)
{
    double best = 0.0;
    for (int i = 0; i < members; i++) {
        if (i == way->a || i == way->b || mlb_suspects_have(suspects, count, i))
            continue;
        double a = mlb_pair_rate(rates, members, way->a, i),
               b = mlb_pair_rate(rates, members, way->b, i);
        double rate = a < b ? a : b;
        if (!(rate > best) || isnan(a) || isnan(b))
            continue;
        best = rate;
        *third = i;
    }
    return best > 0.0;
}

static void set_pair(struct mlb_retest *retest, int place, int a, int b)
{
    retest->pairs[place].a = a;
    retest->pairs[place].b = b;
}

bool mlb_retest_plan(const double *rates, int members, enum mlb_members of,
                     const struct mlb_suspect *suspects, size_t count, size_t which, int rails,
                     struct mlb_retest *retest)
{
    const struct mlb_suspect *suspect = &suspects[which];
    int p = 0, q = 0;
    *retest = (struct mlb_retest){.suspect = *suspect, .of = of, .rails = rails};
    if (suspect->pair) {
        if (!best_third(rates, members, suspects, count, suspect, &p))
            return false;
        retest->own = 1;
        set_pair(retest, 0, suspect->a, suspect->b);
        set_pair(retest, 1, suspect->a, p);
        set_pair(retest, 2, suspect->b, p);
        return true;
    }
    if (!best_pair(rates, members, suspects, count, &p, &q))
        return false;
    if (of == MLB_OF_RAILS) { /* each by itself */
        retest->own = 1;
        set_pair(retest, 0, suspect->a, suspect->a);
        set_pair(retest, 1, p, p);
        set_pair(retest, 2, q, q);
        return true;
    }
    retest->own = 2;
    set_pair(retest, 0, suspect->a, p);
    set_pair(retest, 1, suspect->a, q);
    set_pair(retest, 2, p, q);
    return true;
}

/* Trials of a pair: all rails together, then one rail after the other. */
enum { TOGETHER, FIRST_RAIL };

static size_t trials_of_pair(const struct mlb_retest *retest)
{
    return FIRST_RAIL + (retest->rails > 1 ? (size_t)retest->rails : 0);
}

static struct mlb_trial trial_of(const struct mlb_retest *retest, int pair, size_t index)
{
    int a = retest->pairs[pair].a, b = retest->pairs[pair].b;
    struct mlb_trial trial = {
        .rails = retest->rails, .bytes_per_s = {NAN, NAN}, .twice = {NAN, NAN}};
    switch (retest->of) {
    case MLB_OF_MACHINES:
        trial.a.machine = a;
        trial.b.machine = b;
        break;
    case MLB_OF_RANKS:
        trial.a = (struct mlb_spot){retest->machine, a};
        trial.b = (struct mlb_spot){retest->machine, b};
        break;
    case MLB_OF_RAILS:
        trial.a = (struct mlb_spot){0, a};
        trial.b = (struct mlb_spot){1, a};
        break;
    }
    if (index == TOGETHER)
        return trial;
    trial.a.local = trial.b.local = (int)(index - FIRST_RAIL);
    trial.rails = 1;
    return trial;
}

size_t mlb_retest_count(const struct mlb_retest *retest)
{
    return 3 * trials_of_pair(retest);
}

size_t mlb_retest_trials(const struct mlb_retest *retest, struct mlb_trial *trials)
{
    size_t each = trials_of_pair(retest);
    for (int pair = 0; pair < 3; pair++)
        for (size_t i = 0; i < each; i++)
            trials[(size_t)pair * each + i] = trial_of(retest, pair, i);
    return mlb_retest_count(retest);
}

/* ------------------------------------------------------------------------------------- verdict */

/* Of the two directions: rates, or parts of other rates. NaN = unknown. */
struct directions {
    double sends, receives;
};

/* The best that the suspect's own pairs gave in a trial. */
static struct directions best_own(const struct mlb_retest *retest, const struct mlb_trial *trials,
                                  size_t index)
{
    struct directions best = {0};
    for (int pair = 0; pair < retest->own; pair++) {
        const struct mlb_trial *trial = &trials[(size_t)pair * trials_of_pair(retest) + index];
        if (isnan(trial->bytes_per_s.there) || isnan(trial->bytes_per_s.back))
            return (struct directions){NAN, NAN};
        best.sends = fmax(best.sends, trial->bytes_per_s.there);
        best.receives = fmax(best.receives, trial->bytes_per_s.back);
    }
    return best;
}

/* It as a part of what the others reached twice in the same trial, in the slowest direction of any
 * of them; 1 at most. When in doubt, not guilty. */
static struct directions shares_of(const struct mlb_retest *retest, const struct mlb_trial *trials,
                                   size_t index)
{
    struct directions own = best_own(retest, trials, index);
    double others = INFINITY;
    for (int pair = retest->own; pair < 3; pair++) {
        const struct mlb_trial *trial = &trials[(size_t)pair * trials_of_pair(retest) + index];
        if (isnan(trial->twice.there) || isnan(trial->twice.back))
            return (struct directions){NAN, NAN};
        others = fmin(others, fmin(trial->twice.there, trial->twice.back));
    }
    if (isnan(own.sends))
        return own;
    return (struct directions){fmin(1.0, own.sends / others), fmin(1.0, own.receives / others)};
}

static bool is_slow(struct directions shares)
{
    return shares.sends < 1.0 - MLB_LINK_FLOOR || shares.receives < 1.0 - MLB_LINK_FLOOR;
}

static enum mlb_status add_sick(struct mlb_links *links, struct mlb_sick sick,
                                struct mlb_error *err)
{
    struct mlb_sick *grown = realloc(links->sick, (links->sick_count + 1) * sizeof *grown);
    if (!grown)
        return mlb_fail(err, MLB_E_NOMEM, "verdict on a link: out of memory");
    links->sick = grown;
    grown[links->sick_count++] = sick;
    return MLB_OK;
}

static void set_shares(struct mlb_sick *sick, struct directions shares)
{
    if (isnan(shares.sends))
        return;
    sick->share = fmin(shares.sends, shares.receives);
    sick->sends = (struct mlb_maybe){.known = true, .value = shares.sends};
    sick->receives = (struct mlb_maybe){.known = true, .value = shares.receives};
}

/* Did the suspect's pairs show twice what they can do in a trial? */
static bool is_settled(const struct mlb_retest *retest, const struct mlb_trial *trials,
                       size_t index)
{
    for (int pair = 0; pair < retest->own; pair++)
        if (!mlb_trial_settled(&trials[(size_t)pair * trials_of_pair(retest) + index]))
            return false;
    return true;
}

/* What the best of the suspect's rails reached twice by itself. */
static struct directions best_rail(const struct mlb_retest *retest, const struct mlb_trial *trials)
{
    struct directions best = {0};
    for (int pair = 0; pair < retest->own; pair++) {
        for (int i = 0; i < retest->rails; i++) {
            size_t index = (size_t)pair * trials_of_pair(retest) + FIRST_RAIL + (size_t)i;
            best.sends = fmax(best.sends, trials[index].twice.there);
            best.receives = fmax(best.receives, trials[index].twice.back);
        }
    }
    return best;
}

/* Is a rail slow by itself, beside the others' same rail and beside the best of its own machine?
 * The second tells a rail from a machine: where all rails share what is slow, they are alike. */
static bool is_slow_rail(const struct mlb_retest *retest, const struct mlb_trial *trials, int rail)
{
    size_t index = FIRST_RAIL + (size_t)rail;
    struct directions own = best_own(retest, trials, index), best = best_rail(retest, trials);
    struct directions beside = {own.sends / best.sends, own.receives / best.receives};
    return is_settled(retest, trials, index) && is_slow(beside) &&
           is_slow(shares_of(retest, trials, index));
}

static enum mlb_status add_rails(const struct mlb_retest *retest, const struct mlb_trial *trials,
                                 struct mlb_sick sick, struct mlb_links *links,
                                 struct mlb_error *err)
{
    sick.kind = MLB_SICK_RAIL;
    for (int i = 0; i < retest->rails; i++) {
        if (!is_slow_rail(retest, trials, i))
            continue;
        sick.local = i;
        set_shares(&sick, shares_of(retest, trials, FIRST_RAIL + (size_t)i));
        if (add_sick(links, sick, err) != MLB_OK)
            return err->status;
    }
    return MLB_OK;
}

/* Whom the retest is about. */
static struct mlb_sick accused(const struct mlb_retest *retest)
{
    const struct mlb_suspect *suspect = &retest->suspect;
    struct mlb_sick sick = {.share = suspect->share};
    switch (retest->of) {
    case MLB_OF_MACHINES:
        sick.kind = suspect->pair ? MLB_SICK_LINK : MLB_SICK_MACHINE;
        sick.machine = suspect->a;
        sick.other = suspect->pair ? suspect->b : 0;
        break;
    case MLB_OF_RANKS:
        sick.kind = MLB_SICK_DEVICE;
        sick.machine = retest->machine;
        sick.local = suspect->a;
        break;
    case MLB_OF_RAILS:
        sick.kind = MLB_SICK_PATH;
        sick.other = 1;
        sick.local = suspect->a;
        break;
    }
    return sick;
}

enum mlb_status mlb_retest_judge(const struct mlb_retest *retest, const struct mlb_trial *trials,
                                 bool suspected, struct mlb_links *links, struct mlb_error *err)
{
    struct directions together = shares_of(retest, trials, TOGETHER);
    struct mlb_sick sick = accused(retest);
    sick.confirmed = suspected && is_slow(together);
    if (sick.confirmed && !is_settled(retest, trials, TOGETHER)) {
        links->untried++;
        return MLB_OK;
    }
    set_shares(&sick, together);
    if (sick.confirmed && sick.kind == MLB_SICK_MACHINE && retest->rails > 1) {
        size_t before = links->sick_count;
        enum mlb_status status = add_rails(retest, trials, sick, links, err);
        if (status != MLB_OK || links->sick_count > before)
            return status;
    }
    return add_sick(links, sick, err);
}

void mlb_retest_learn(const struct mlb_retest *retest, const struct mlb_trial *trials,
                      double *rates, int members)
{
    for (int pair = 0; pair < 3 && retest->of != MLB_OF_RAILS; pair++) {
        const struct mlb_trial *trial = &trials[(size_t)pair * trials_of_pair(retest) + TOGETHER];
        size_t n = (size_t)members;
        size_t a = (size_t)retest->pairs[pair].a, b = (size_t)retest->pairs[pair].b;
        rates[a * n + b] = fmax(rates[a * n + b], trial->bytes_per_s.there);
        rates[b * n + a] = fmax(rates[b * n + a], trial->bytes_per_s.back);
    }
}

/* ---------------------------------------------------------------------------------------- gain */

static bool counts(const struct mlb_sick *sick)
{
    return sick->confirmed && sick->kind != MLB_SICK_DEVICE && sick->kind != MLB_SICK_PATH;
}

static bool is_out(const struct mlb_links *links, int machine)
{
    for (size_t i = 0; i < links->sick_count; i++) {
        const struct mlb_sick *sick = &links->sick[i];
        if (counts(sick) && sick->machine == machine)
            return true;
    }
    return false;
}

/* The slowest pair of all machines, or of those that nobody accuses; infinite when there is none.
 */
static double slowest(const struct mlb_links *links, bool healthy)
{
    double least = INFINITY;
    for (int a = 0; a < links->machines; a++)
        for (int b = a + 1; b < links->machines; b++)
            if (!healthy || (!is_out(links, a) && !is_out(links, b)))
                least = fmin(least, mlb_pair_rate(links->pair, links->machines, a, b));
    return least;
}

void mlb_suspects_gain(struct mlb_links *links)
{
    double gain = slowest(links, true) / slowest(links, false);
    for (size_t i = 0; i < links->sick_count; i++) {
        struct mlb_sick *sick = &links->sick[i];
        if (counts(sick) && isfinite(gain))
            sick->gain = gain;
    }
}
