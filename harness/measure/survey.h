/* SPDX-License-Identifier: Apache-2.0 */
/* The survey: ranks send messages in pairs, over the channel that collectives are measured on,
 * until each pair of machines and each pair of ranks within a machine has its rates.
 *
 * Machines meet in a tournament (tournament.h), all at once: a rank meets the one that has its
 * local number on the other machine, so that all rails are busy; where machines are unequal, the
 * ranks that both have. A round is: all line up, one exchange to open the way, then `tries` timed
 * ones, each there and then back. One direction at a time: two messages that cross on a connection
 * of TCP may keep each other waiting (what says that a message may come stands in line behind the
 * other message), and the rate of a healthy pair is then the whole or the half, by chance. Each
 * rank times its own, and a pair's time is that of its slowest end, since nobody in a collective
 * goes on before. Ranks without a partner wait in the control plane, asleep. Every wait has the
 * communicator's deadline and is watched. */
#ifndef MLB_MEASURE_SURVEY_H
#define MLB_MEASURE_SURVEY_H

#include "harness/measure/comm.h"
#include "harness/measure/links.h"

struct mlb_spot {
    int machine, local;
};

/* Rates of the two directions of a pair; NaN = not measured. */
struct mlb_there_and_back {
    double there, back; /* bytes/s: a to b; b to a */
};

/* An exchange while nobody else has one: rank a.local + i of machine a with rank b.local + i of
 * machine b, for i < rails. */
struct mlb_trial {
    struct mlb_spot a, b;
    int rails;
    struct mlb_there_and_back bytes_per_s; /* result on rank 0: best of the tries, all rails */
    struct mlb_there_and_back twice;       /* the same, of the second best try */
};

struct mlb_survey_how {
    struct mlb_comm *comm;
    struct mlb_channel *channel; /* of the whole job, in the order of its ranks */
    struct mlb_device *device;
    uint64_t memory_bytes; /* most that this rank's buffers may take; the same on all ranks */
    uint64_t seed;
    double exchange_s; /* how long one exchange should take: the message is made to fit */
    int tries;         /* 1 to MLB_SURVEY_TRIES */
    /* The clock that the ranks of a machine share. NULL: mlb_clock_s. */
    double (*now_s)(const struct mlb_comm *comm);
};

#define MLB_SURVEY_TRIES 16

struct mlb_survey; /* opaque */

/* All that follow are collective. */
enum mlb_status mlb_survey_open(const struct mlb_survey_how *how, struct mlb_survey **survey,
                                struct mlb_error *err);
void mlb_survey_close(struct mlb_survey *survey); /* NULL is fine */

/* Fills links->pair and rail by a tournament of the machines; nothing to do with one machine. The
 * links are rank 0's, NULL elsewhere; so in the next three. */
enum mlb_status mlb_survey_machines(struct mlb_survey *survey, struct mlb_links *links,
                                    struct mlb_error *err);
/* links->local by a tournament of the ranks of each machine, all machines at once. */
enum mlb_status mlb_survey_inside(struct mlb_survey *survey, struct mlb_links *links,
                                  struct mlb_error *err);
/* rail_alone, rails_together: from two rails of two machines on. */
enum mlb_status mlb_survey_rails(struct mlb_survey *survey, struct mlb_links *links,
                                 struct mlb_error *err);
/* bisection, bisection_random: from four machines on, with fewer it is a pair's rate. */
enum mlb_status mlb_survey_bisection(struct mlb_survey *survey, struct mlb_links *links,
                                     struct mlb_error *err);
/* Trials of rank 0, one after the other and then again, so that all see the same weather: `least`
 * times, then until all are settled, at most `most` times. */
enum mlb_status mlb_survey_trials(struct mlb_survey *survey, struct mlb_trial *trials, size_t count,
                                  int least, int most, struct mlb_error *err);

/* Was the best rate of each direction reached twice, to within a twentieth? */
bool mlb_trial_settled(const struct mlb_trial *trial);

/* Sizes, known after open: machines, largest number of ranks on one, most ranks two have in common.
 */
void mlb_survey_shape(const struct mlb_survey *survey, int *machines, int *locals, int *rails);
/* Ranks of a machine. */
int mlb_survey_locals(const struct mlb_survey *survey, int machine);

#endif
