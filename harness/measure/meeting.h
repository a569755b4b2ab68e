/* SPDX-License-Identifier: Apache-2.0 */
/* The survey from the inside: one meeting of ranks in pairs, its exchanges and their rates. For
 * survey.c and tests. */
#ifndef MLB_MEASURE_MEETING_H
#define MLB_MEASURE_MEETING_H

#include "harness/measure/survey.h"

/* A message of one rank, and how many of it follow each other in one timed exchange. */
struct mlb_meeting_size {
    uint64_t bytes, repeats;
};

/* By the clock of the rank's machine. */
struct mlb_stretch {
    double began_s, ended_s;
};

enum mlb_meeting_level { MLB_BETWEEN, MLB_INSIDE, MLB_MEETING_LEVELS }; /* machines; within one */

struct mlb_survey {
    struct mlb_survey_how how;
    struct mlb_spot *spots; /* [ranks] */
    int *locals;            /* [machines] */
    int *ranks;             /* [machines][most_locals]; -1 = there is none */
    int machines, most_locals, rails;
    struct mlb_meeting_size sizes[MLB_MEETING_LEVELS]; /* bytes 0: not chosen yet */
    void *send, *recv; /* of `room` bytes; `send` is filled, each rank's with its own */
    uint64_t room;
    /* Rank 0: [ranks][tries][2] of the last meeting; NaN: took no part. */
    struct mlb_stretch *stretches;
    int tries;       /* of that meeting */
    int *order;      /* [machines], room for a random one */
    double *scratch; /* [ranks] */
};

/* Who meets whom in one go. */
struct mlb_meeting {
    enum { MLB_BY_MACHINES, MLB_BY_HALVES, MLB_BY_LOCALS, MLB_BY_TRIAL } by;
    int round;        /* of the tournament: BY_MACHINES, BY_LOCALS */
    const int *order; /* BY_HALVES: of machines; NULL = their own */
    int first, rails; /* BY_HALVES: which rails; 0 = all that both have */
    const struct mlb_trial *trial;
};

/* All rails that two machines have in common, or `rails` of them from `first` on. */
struct mlb_trial mlb_meeting_of_machines(const struct mlb_survey *survey, int a, int b, int first,
                                         int rails);

/* Collective. The message of the meeting's level grows until an exchange takes how.exchange_s. */
enum mlb_status mlb_meeting_choose_size(struct mlb_survey *survey,
                                        const struct mlb_meeting *meeting, struct mlb_error *err);
/* Collective. Its exchanges, `tries` of them timed; rank 0 has the times then. */
enum mlb_status mlb_meeting_hold(struct mlb_survey *survey, const struct mlb_meeting *meeting,
                                 int tries, struct mlb_error *err);
/* The same, and what came is compared on every rank with what was sent. `links` on rank 0. */
enum mlb_status mlb_meeting_hold_verified(struct mlb_survey *survey,
                                          const struct mlb_meeting *meeting,
                                          struct mlb_links *links, struct mlb_error *err);
/* Rank 0: rates of a pair in one try of the last meeting, and its best ones; NaN = it was not in
 * it.
 */
struct mlb_there_and_back mlb_meeting_try(const struct mlb_survey *survey,
                                          const struct mlb_trial *pair, int try);
struct mlb_there_and_back mlb_meeting_best(const struct mlb_survey *survey,
                                           const struct mlb_trial *pair);

void mlb_meeting_free_buffers(struct mlb_survey *survey);

#endif
