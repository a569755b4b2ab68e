/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/decide.h"

#include <math.h>

#include "harness/base/rng.h"

/* Totals of a few hundred points are sums of products of doubles: what differs by less is equal. */
#define EQUAL 1e-9

const char *const mlb_decide_verdict_names[] = {"clear", "near_tie", "tie", NULL};

static double clamp(double value)
{
    return fmin(fmax(value, MLB_DECIDE_LOW), MLB_DECIDE_HIGH);
}

struct mlb_score mlb_decide_score(double rate, double low, double high, double best)
{
    const double top = MLB_DECIDE_HIGH;
    return (struct mlb_score){clamp(top * rate / best), clamp(top * low / best),
                              clamp(top * high / best), true};
}

/* ------------------------------------------------------------------------------------ standings */

static struct mlb_standing stand(const struct mlb_matrix *matrix, size_t option)
{
    struct mlb_standing standing = {.option = option};
    double most = 0.0;
    for (size_t d = 0; d < matrix->dimensions; d++) {
        const struct mlb_score *score = &matrix->score[d][option];
        standing.total += matrix->weight[d] * score->value;
        standing.low += matrix->weight[d] * score->low;
        standing.high += matrix->weight[d] * score->high;
        most += matrix->weight[d] * MLB_DECIDE_HIGH;
    }
    standing.share = standing.total / most;
    return standing;
}

void mlb_decide_rank(const struct mlb_matrix *matrix, struct mlb_standing *to)
{
    for (size_t option = 0; option < matrix->options; option++) {
        struct mlb_standing standing = stand(matrix, option);
        size_t at = option;
        for (; at > 0 && to[at - 1].total < standing.total - EQUAL; at--)
            to[at] = to[at - 1];
        to[at] = standing;
    }
    for (size_t i = 0; i < matrix->options; i++) {
        bool equal = i > 0 && to[i - 1].total - to[i].total <= EQUAL;
        to[i].rank = equal ? to[i - 1].rank : i + 1;
        to[i].behind = equal ? to[i - 1].behind : to[0].total - to[i].total;
    }
}

/* ------------------------------------------------------------------------------- turning points */

struct turn {
    struct mlb_turn turn;
    double slope; /* how fast the rival comes up */
};

/* The one that takes less to come true, of equal ones the one that is first beyond it; what only
 * ties does not turn anything. */
static bool is_nearer(const struct turn *a, const struct turn *b, double now)
{
    if (a->turn.kind != b->turn.kind)
        return a->turn.kind > b->turn.kind;
    double less = fabs(b->turn.at - now) - fabs(a->turn.at - now);
    return fabs(less) > EQUAL ? less > 0.0 : fabs(a->slope) > fabs(b->slope);
}

/* `value` changes the lead of the first over the rival, `lead`, by -`slope` a unit. */
static struct mlb_turn turn_at(double value, double lead, double slope, size_t rival)
{
    struct mlb_turn turn = {MLB_TURN_NEVER, value, slope > 0.0, rival};
    if (fabs(slope) <= EQUAL)
        return turn;
    turn.at = value + lead / slope;
    double room = turn.up ? MLB_DECIDE_HIGH - turn.at : turn.at - MLB_DECIDE_LOW;
    turn.kind = room > EQUAL ? MLB_TURN_FIRST : room >= -EQUAL ? MLB_TURN_TIE : MLB_TURN_NEVER;
    return turn;
}

struct mlb_turn mlb_decide_turn_weight(const struct mlb_matrix *matrix, size_t dimension)
{
    struct mlb_standing standings[MLB_DECIDE_OPTIONS];
    mlb_decide_rank(matrix, standings);
    const struct mlb_score *scores = matrix->score[dimension];
    double weight = matrix->weight[dimension];
    struct turn nearest = {{MLB_TURN_NEVER, weight, false, standings[0].option}, 0.0};
    for (size_t i = 1; i < matrix->options; i++) {
        size_t rival = standings[i].option;
        double slope = scores[rival].value - scores[standings[0].option].value;
        struct turn turn = {turn_at(weight, standings[i].behind, slope, rival), slope};
        if (is_nearer(&turn, &nearest, weight))
            nearest = turn;
    }
    return nearest.turn;
}

struct mlb_turn mlb_decide_turn_score(const struct mlb_matrix *matrix, size_t dimension,
                                      size_t option)
{
    struct mlb_standing standings[MLB_DECIDE_OPTIONS];
    mlb_decide_rank(matrix, standings);
    double weight = matrix->weight[dimension], score = matrix->score[dimension][option].value;
    if (option == standings[0].option)
        return turn_at(score, standings[1].behind, -weight, standings[1].option);
    size_t i = 1;
    while (standings[i].option != option)
        i++;
    return turn_at(score, standings[i].behind, weight, option);
}

/* ------------------------------------------------------------------------------------ stability */

struct range {
    double low, high;
};

static struct range within_a_point(double value)
{
    return (struct range){clamp(value - 1.0), clamp(value + 1.0)};
}

static struct range range_of_score(const struct mlb_score *score)
{
    return score->measured ? (struct range){score->low, score->high} : within_a_point(score->value);
}

static double draw(struct range range, uint64_t seed, uint64_t *index)
{
    double uniform = 0.5 + 0.5 * (double)mlb_rng_uniform(seed, (*index)++);
    return range.low + (range.high - range.low) * uniform;
}

/* 1 when `first` has the largest total, its part of the place when others have the same. */
static double part_of_first(const double *totals, size_t count, size_t first)
{
    size_t equal = 0;
    for (size_t i = 0; i < count; i++) {
        if (totals[i] > totals[first] + EQUAL)
            return 0.0;
        equal += totals[i] >= totals[first] - EQUAL;
    }
    return 1.0 / (double)equal;
}

static double stays_by_scores(const struct mlb_matrix *matrix, size_t first, uint64_t seed,
                              uint64_t *index)
{
    double totals[MLB_DECIDE_OPTIONS] = {0};
    for (size_t d = 0; d < matrix->dimensions; d++)
        for (size_t i = 0; i < matrix->options; i++)
            totals[i] +=
                matrix->weight[d] * draw(range_of_score(&matrix->score[d][i]), seed, index);
    return part_of_first(totals, matrix->options, first);
}

static double stays_by_weights(const struct mlb_matrix *matrix, size_t first, uint64_t seed,
                               uint64_t *index)
{
    double totals[MLB_DECIDE_OPTIONS] = {0};
    for (size_t d = 0; d < matrix->dimensions; d++) {
        double weight = draw(within_a_point(matrix->weight[d]), seed, index);
        for (size_t i = 0; i < matrix->options; i++)
            totals[i] += weight * matrix->score[d][i].value;
    }
    return part_of_first(totals, matrix->options, first);
}

struct mlb_stability mlb_decide_stability(const struct mlb_matrix *matrix, uint64_t draws,
                                          uint64_t seed)
{
    struct mlb_standing standings[MLB_DECIDE_OPTIONS];
    struct mlb_stability stability = {.draws = draws, .seed = seed};
    uint64_t index = 0;
    mlb_decide_rank(matrix, standings);
    for (uint64_t i = 0; i < draws; i++) {
        stability.scores += stays_by_scores(matrix, standings[0].option, seed, &index);
        stability.weights += stays_by_weights(matrix, standings[0].option, seed, &index);
    }
    stability.scores /= (double)draws;
    stability.weights /= (double)draws;
    return stability;
}

/* -------------------------------------------------------------------------------------- verdict */

/* A point on a score of this dimension makes the i-th one first: one more of its own, or one less
 * of the first where no other would come before it. What was measured is nobody's to change. */
static bool turns_by_a_point(const struct mlb_matrix *matrix, size_t d,
                             const struct mlb_standing *standings, size_t i)
{
    const struct mlb_score *first = &matrix->score[d][standings[0].option];
    const struct mlb_score *own = &matrix->score[d][standings[i].option];
    bool next = standings[i].rank == standings[1].rank;
    double down = first->measured || !next ? 0.0 : fmin(1.0, first->value - MLB_DECIDE_LOW);
    double up = own->measured ? 0.0 : fmin(1.0, MLB_DECIDE_HIGH - own->value);
    return matrix->weight[d] * fmax(down, up) > standings[i].behind + EQUAL;
}

/* Counts the dimension once, whoever would be first. */
static bool judge_dimension(const struct mlb_matrix *matrix, size_t d,
                            const struct mlb_standing *standings, bool *near)
{
    bool turns = false;
    for (size_t i = 1; i < matrix->options; i++)
        if (turns_by_a_point(matrix, d, standings, i))
            turns = near[standings[i].option] = true;
    return turns;
}

struct mlb_decide_judgement mlb_decide_judge(const struct mlb_matrix *matrix)
{
    struct mlb_standing standings[MLB_DECIDE_OPTIONS];
    struct mlb_decide_judgement judgement = {.verdict = MLB_DECIDE_CLEAR};
    mlb_decide_rank(matrix, standings);
    judgement.near[standings[0].option] = true;
    for (size_t i = 1; i < matrix->options; i++) {
        bool overlap = standings[0].low < standings[i].high - EQUAL;
        judgement.overlap = judgement.overlap || overlap;
        judgement.near[standings[i].option] = overlap || standings[i].rank == 1;
    }
    for (size_t d = 0; d < matrix->dimensions; d++) {
        if (!judge_dimension(matrix, d, standings, judgement.near))
            continue;
        if (judgement.turning_count++ == 0 || matrix->weight[d] > matrix->weight[judgement.turning])
            judgement.turning = d;
    }
    if (standings[1].rank == 1)
        judgement.verdict = MLB_DECIDE_TIE;
    else if (judgement.overlap || judgement.turning_count > 0)
        judgement.verdict = MLB_DECIDE_NEAR_TIE;
    return judgement;
}
