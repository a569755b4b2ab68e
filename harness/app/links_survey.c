/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/links_survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/retest.h"
#include "harness/base/clock.h"

/* A suspect is tried so often, and on until its rates and those beside it have stopped growing. */
#define LEAST_TRIES 4
#define MOST_TRIES  16
/* What a trial teaches may throw suspicion on another, who is tried then. */
#define TURNS 3

/* What is known of members: machines, or ranks of one. */
struct square {
    double *rates; /* [from][to]; owned */
    int members;
    enum mlb_members of;
    int machine;
};

/* A suspect that was tried again. */
struct heard {
    struct mlb_retest retest;
    struct mlb_trial *trials; /* mlb_retest_count() of them; owned */
    size_t square;
};

/* A survey and those who are tried again. */
struct hearing {
    const struct mlb_survey_how *how;
    bool devices;
    struct mlb_survey *survey;
    struct mlb_links *links; /* rank 0's, and so is what follows */

    struct square *squares;
    size_t square_count;
    struct heard heard[MLB_SUSPECTS];
    size_t heard_count;
};

static enum mlb_status open_survey(struct hearing *job, struct mlb_error *err)
{
    const struct mlb_survey_how *how = job->how;
    int machines, rails, locals;
    if (mlb_survey_open(how, &job->survey, err) != MLB_OK)
        return err->status;
    mlb_survey_shape(job->survey, &machines, &locals, &rails);
    enum mlb_status status = MLB_OK;
    if (how->comm->rank == 0 && !(job->links = mlb_links_new(machines, rails, locals)))
        status = mlb_fail(err, MLB_E_NOMEM, "links of %d machines: out of memory", machines);
    if (job->links)
        job->links->tries = how->tries;
    return mlb_comm_agree(how->comm, status, err);
}

static enum mlb_status measure(struct hearing *job, struct mlb_error *err)
{
    if (mlb_survey_machines(job->survey, job->links, err) != MLB_OK ||
        mlb_survey_inside(job->survey, job->links, err) != MLB_OK ||
        mlb_survey_rails(job->survey, job->links, err) != MLB_OK)
        return err->status;
    return mlb_survey_bisection(job->survey, job->links, err);
}

/* ------------------------------------------------------------------------------ what is known */

static bool copy_square(struct square *square, const double *rates, int members)
{
    size_t bytes = (size_t)members * (size_t)members * sizeof *rates;
    square->members = members;
    square->rates = malloc(bytes + 1);
    if (square->rates)
        memcpy(square->rates, rates, bytes);
    return square->rates != NULL;
}

/* Of two machines the rails are compared, as they are by themselves. */
static bool add_rails(struct hearing *job)
{
    const struct mlb_links *links = job->links;
    size_t n = links->machines == 2 ? (size_t)links->rails : 0;
    struct square *square = &job->squares[job->square_count];
    *square = (struct square){.of = MLB_OF_RAILS, .members = (int)n};
    square->rates = malloc(n * n * sizeof *square->rates + 1);
    for (size_t i = 0; square->rates && i < n * n; i++)
        square->rates[i] = fmin(links->rail_alone[i / n], links->rail_alone[i % n]);
    job->square_count++;
    return square->rates != NULL;
}

/* The machines, with devices the ranks of each, and rails. */
static enum mlb_status copy_squares(struct hearing *job, struct mlb_error *err)
{
    const struct mlb_links *links = job->links;
    size_t count = 1 + (job->devices ? (size_t)links->machines : 0);
    job->squares = calloc(count + 1, sizeof *job->squares);
    bool good = job->squares && copy_square(&job->squares[0], links->pair, links->machines);
    for (job->square_count = 1; good && job->square_count < count; job->square_count++) {
        struct square *square = &job->squares[job->square_count];
        square->of = MLB_OF_RANKS;
        square->machine = (int)job->square_count - 1;
        good = copy_square(square, mlb_links_inside(links, square->machine), links->locals);
    }
    good = good && add_rails(job);
    return good ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "suspects of links: out of memory");
}

static void forget(struct hearing *job)
{
    for (size_t i = 0; i < job->square_count && job->squares; i++)
        free(job->squares[i].rates);
    for (size_t i = 0; i < MLB_SUSPECTS; i++)
        free(job->heard[i].trials);
    free(job->squares);
}

/* ------------------------------------------------------------------------------------- try again
 */

/* Ranks that all machines of a retest have. */
static int common_rails(const struct hearing *job, const struct mlb_retest *retest)
{
    int least = job->links->rails;
    for (int i = 0; i < 3; i++) {
        int a = mlb_survey_locals(job->survey, retest->pairs[i].a);
        int b = mlb_survey_locals(job->survey, retest->pairs[i].b);
        least = a < least ? a : least;
        least = b < least ? b : least;
    }
    return least;
}

static bool was_heard(const struct hearing *job, size_t square, const struct mlb_suspect *suspect)
{
    for (size_t i = 0; i < job->heard_count; i++) {
        const struct mlb_suspect *other = &job->heard[i].retest.suspect;
        if (job->heard[i].square == square && other->pair == suspect->pair &&
            other->a == suspect->a && other->b == suspect->b)
            return true;
    }
    return false;
}

/* Calls up the suspects of a square that were not heard yet; how many cannot be, there is no room
 * or nobody to compare them with. */
static int call_up(struct hearing *job, size_t index)
{
    const struct square *square = &job->squares[index];
    struct mlb_suspect suspects[MLB_SUSPECTS];
    size_t found = mlb_suspects_find(square->rates, square->members, square->of == MLB_OF_MACHINES,
                                     suspects, MLB_SUSPECTS);
    size_t kept = found < MLB_SUSPECTS ? found : MLB_SUSPECTS;
    int untried = (int)(found - kept);
    for (size_t i = 0; i < kept; i++) {
        if (was_heard(job, index, &suspects[i]) ||
            (square->of == MLB_OF_RANKS &&
             !mlb_suspects_tell(square->rates, square->members, suspects, kept, &suspects[i])))
            continue;
        struct heard *heard = &job->heard[job->heard_count];
        if (job->heard_count == MLB_SUSPECTS ||
            !mlb_retest_plan(square->rates, square->members, square->of, suspects, kept, i, 1,
                             &heard->retest)) {
            untried++;
            continue;
        }
        heard->square = index;
        heard->retest.machine = square->machine;
        if (square->of == MLB_OF_MACHINES)
            heard->retest.rails = common_rails(job, &heard->retest);
        job->heard_count++;
    }
    return untried;
}

/* Rank 0: those who are to be tried now, from `first` on; their trials one behind the other. */
static enum mlb_status plan_turn(struct hearing *job, struct mlb_trial **trials, size_t *count,
                                 struct mlb_error *err)
{
    size_t first = job->heard_count;
    job->links->untried = 0;
    for (size_t i = 0; i < job->square_count; i++)
        job->links->untried += call_up(job, i);
    *trials = calloc(MLB_RETEST_TRIALS(job->links->rails) * MLB_SUSPECTS + 1, sizeof **trials);
    if (!*trials)
        return mlb_fail(err, MLB_E_NOMEM, "trials of links: out of memory");
    for (size_t i = first; i < job->heard_count; i++)
        *count += mlb_retest_trials(&job->heard[i].retest, *trials + *count);
    return MLB_OK;
}

static enum mlb_status learn(struct hearing *job, size_t first, const struct mlb_trial *trials,
                             struct mlb_error *err)
{
    for (size_t i = first; i < job->heard_count; i++) {
        struct heard *heard = &job->heard[i];
        struct square *square = &job->squares[heard->square];
        size_t count = mlb_retest_count(&heard->retest);
        heard->trials = calloc(count, sizeof *heard->trials);
        if (!heard->trials)
            return mlb_fail(err, MLB_E_NOMEM, "trials of links: out of memory");
        memcpy(heard->trials, trials, count * sizeof *trials);
        mlb_retest_learn(&heard->retest, trials, square->rates, square->members);
        trials += count;
    }
    return MLB_OK;
}

/* One turn; *more: somebody was tried. */
static enum mlb_status take_turn(struct hearing *job, bool *more, struct mlb_error *err)
{
    struct mlb_comm *comm = job->how->comm;
    struct mlb_trial *trials = NULL;
    size_t count = 0, first = job->heard_count;
    enum mlb_status status = MLB_OK;
    if (comm->rank == 0)
        status = plan_turn(job, &trials, &count, err);
    status = mlb_comm_agree(comm, status, err);
    *more = count > 0;
    if (status == MLB_OK)
        status = comm->ops->broadcast(comm, more, sizeof *more, 0, err);
    if (status == MLB_OK && *more)
        status = mlb_survey_trials(job->survey, trials, count, LEAST_TRIES, MOST_TRIES, err);
    if (status == MLB_OK && *more)
        status =
            mlb_comm_agree(comm, comm->rank == 0 ? learn(job, first, trials, err) : MLB_OK, err);
    free(trials);
    return status;
}

static bool still_suspected(const struct hearing *job, const struct heard *heard)
{
    const struct square *square = &job->squares[heard->square];
    const struct mlb_suspect *suspect = &heard->retest.suspect;
    struct mlb_suspect suspects[MLB_SUSPECTS];
    size_t found = mlb_suspects_find(square->rates, square->members, square->of == MLB_OF_MACHINES,
                                     suspects, MLB_SUSPECTS);
    for (size_t i = 0; i < found && i < MLB_SUSPECTS; i++)
        if (suspects[i].pair == suspect->pair && suspects[i].a == suspect->a &&
            suspects[i].b == suspect->b)
            return true;
    return false;
}

static enum mlb_status judge(struct hearing *job, struct mlb_error *err)
{
    for (size_t i = 0; i < job->heard_count; i++) {
        const struct heard *heard = &job->heard[i];
        if (mlb_retest_judge(&heard->retest, heard->trials, still_suspected(job, heard), job->links,
                             err) != MLB_OK)
            return err->status;
    }
    mlb_suspects_gain(job->links);
    return MLB_OK;
}

static enum mlb_status try_again(struct hearing *job, struct mlb_error *err)
{
    struct mlb_comm *comm = job->how->comm;
    bool root = comm->rank == 0, more = true;
    enum mlb_status status = mlb_comm_agree(comm, root ? copy_squares(job, err) : MLB_OK, err);
    for (int turn = 0; turn < TURNS && status == MLB_OK && more; turn++)
        status = take_turn(job, &more, err);
    if (status != MLB_OK)
        return status;
    return mlb_comm_agree(comm, root ? judge(job, err) : MLB_OK, err);
}

/* --------------------------------------------------------------------------------------- together
 */

enum mlb_status mlb_links_measure(const struct mlb_survey_how *how, bool devices,
                                  struct mlb_links **links, struct mlb_error *err)
{
    struct hearing job = {.how = how, .devices = devices};
    double began_s = mlb_clock_s();
    enum mlb_status status = open_survey(&job, err);
    if (status == MLB_OK)
        status = measure(&job, err);
    if (status == MLB_OK)
        status = try_again(&job, err);
    if (status != MLB_OK) {
        mlb_links_free(job.links);
        job.links = NULL;
    }
    if (job.links)
        job.links->wall_s = mlb_clock_s() - began_s;
    mlb_survey_close(job.survey);
    forget(&job);
    *links = job.links;
    return status;
}
