/* SPDX-License-Identifier: Apache-2.0 */
/* A suspect is tried again before it is accused: what is tried, and the verdict. Pure. */
#ifndef MLB_ANALYSIS_RETEST_H
#define MLB_ANALYSIS_RETEST_H

#include "harness/analysis/suspects.h"
#include "harness/measure/links.h"
#include "harness/measure/survey.h"

/* Who the members of a matrix are. */
enum mlb_members {
    MLB_OF_MACHINES,
    MLB_OF_RANKS, /* of one machine */
    MLB_OF_RAILS, /* between two machines; the rate of a pair is that of the slower rail */
};

/* What is tried again for one suspect: its own pairs, and pairs to compare them with. */
struct mlb_retest {
    struct mlb_suspect suspect;
    enum mlb_members of;
    int machine; /* of ranks: whose */
    int rails;
    struct {
        int a, b;
    } pairs[3];
    int own; /* the first `own` pairs are the suspect's */
};

#define MLB_RETEST_TRIALS(rails) ((size_t)(3 * (1 + (rails))))

/* False when there are no two members to compare with that nobody suspects. Machines have `rails`
 * ranks each. */
bool mlb_retest_plan(const double *rates, int members, enum mlb_members of,
                     const struct mlb_suspect *suspects, size_t count, size_t which, int rails,
                     struct mlb_retest *retest);
/* How many trials it takes, at most MLB_RETEST_TRIALS(retest->rails); which they are. Returns the
 * same number. */
size_t mlb_retest_count(const struct mlb_retest *retest);
size_t mlb_retest_trials(const struct mlb_retest *retest, struct mlb_trial *trials);

/* From the trials' rates to entries of links->sick: one, or one a rail. `suspected`: it still is,
 * with what was learned from all trials; else it is cleared. Slow, but by trials that have not
 * settled: it counts as untried. MLB_E_NOMEM. */
enum mlb_status mlb_retest_judge(const struct mlb_retest *retest, const struct mlb_trial *trials,
                                 bool suspected, struct mlb_links *links, struct mlb_error *err);

/* Puts the trials' rates into the matrix where they are better; not those of rails. */
void mlb_retest_learn(const struct mlb_retest *retest, const struct mlb_trial *trials,
                      double *rates, int members);

/* Fills the gain of what was confirmed, once all are judged. */
void mlb_suspects_gain(struct mlb_links *links);

#endif
