/* SPDX-License-Identifier: Apache-2.0 */
/* The weighted matrix: of each option the sum of weight x score over the dimensions, and how far
 * the answer can be trusted: what has to change until another option is first.
 *
 * All is linear in each weight and in each score, so turning points are exact. */
#ifndef MLB_ANALYSIS_DECIDE_H
#define MLB_ANALYSIS_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLB_DECIDE_DIMENSIONS 32
#define MLB_DECIDE_OPTIONS    16
#define MLB_DECIDE_LOW        1.0 /* of weights and scores */
#define MLB_DECIDE_HIGH       5.0

struct mlb_score {
    double value, low, high; /* low and high: of what was measured; else both are the value */
    bool measured;
};

struct mlb_matrix {
    size_t dimensions, options; /* at least 1 and 2 */
    double weight[MLB_DECIDE_DIMENSIONS];
    struct mlb_score score[MLB_DECIDE_DIMENSIONS][MLB_DECIDE_OPTIONS];
};

/* The best score for the best of what was measured, the others in proportion to their `rate`, the
 * lowest score at least. Each rate's interval is carried over; `best` is taken as it is. */
struct mlb_score mlb_decide_score(double rate, double low, double high, double best);

struct mlb_standing {
    size_t option, rank;     /* rank from 1; equal totals share one */
    double total, low, high; /* of all measured scores at their low or high ends together */
    double share;            /* of the most that there is, 5 x the sum of weights */
    double behind;           /* of the first one */
};
/* `to` has room for all options; best first, of equal ones in the order of the matrix. */
void mlb_decide_rank(const struct mlb_matrix *matrix, struct mlb_standing *to);

/* The smallest change of one weight or one score, within 1 to 5, after which another is first. */
enum mlb_turn_kind {
    MLB_TURN_NEVER,
    MLB_TURN_TIE,  /* at the end of the range the two are equal, no more */
    MLB_TURN_FIRST /* beyond `at` */
};
struct mlb_turn {
    enum mlb_turn_kind kind;
    double at;    /* where the two are equal */
    bool up;      /* more than `at`, else less */
    size_t rival; /* who is first then */
};
struct mlb_turn mlb_decide_turn_weight(const struct mlb_matrix *matrix, size_t dimension);
struct mlb_turn mlb_decide_turn_score(const struct mlb_matrix *matrix, size_t dimension,
                                      size_t option);

/* In which part of `draws` the first one stays first; shared places count in part. Every score that
 * was given anywhere within a point of it, every measured one anywhere in its interval; or every
 * weight anywhere within a point. All within 1 to 5, all uniform and independent. */
struct mlb_stability {
    uint64_t draws, seed;
    double scores, weights;
};
struct mlb_stability mlb_decide_stability(const struct mlb_matrix *matrix, uint64_t draws,
                                          uint64_t seed);

enum mlb_decide_verdict {
    MLB_DECIDE_CLEAR,
    MLB_DECIDE_NEAR_TIE, /* a point on one given score turns it, or intervals overlap */
    MLB_DECIDE_TIE       /* equal totals */
};
extern const char *const mlb_decide_verdict_names[]; /* "clear", "near_tie", "tie", NULL */

struct mlb_decide_judgement {
    enum mlb_decide_verdict verdict;
    bool near[MLB_DECIDE_OPTIONS]; /* the first one, and who could as well be it */
    bool overlap;                  /* the first one's interval and another's overlap */
    /* Dimensions on which one point on one score, of the first or of another one, makes that one
     * first, and the one of these with the most weight. */
    size_t turning_count, turning;
};
struct mlb_decide_judgement mlb_decide_judge(const struct mlb_matrix *matrix);

#endif
