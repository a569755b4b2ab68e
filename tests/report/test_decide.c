/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix of harness/analysis/decide.h: a worked example, and random matrices against trying it
 * out. */
#include "tests/check.h"

#include "harness/analysis/decide.h"
#include "harness/base/rng.h"

enum { AWS, GCP, AZURE };

/* Weights 5,3,4,4,3,4,3,3: AWS 129, GCP 131, Azure 110 of 145, summed by hand. */
static struct mlb_matrix example(void)
{
    static const double weights[] = {5, 3, 4, 4, 3, 4, 3, 3};
    static const double scores[3][8] = {
        {5, 4, 5, 4, 4, 5, 4, 4}, {5, 5, 4, 5, 3, 4, 5, 5}, {4, 2, 4, 4, 5, 4, 4, 3}};
    struct mlb_matrix matrix = {.dimensions = 8, .options = 3};
    for (size_t d = 0; d < 8; d++) {
        matrix.weight[d] = weights[d];
        for (size_t i = 0; i < 3; i++)
            matrix.score[d][i] =
                (struct mlb_score){scores[i][d], scores[i][d], scores[i][d], false};
    }
    return matrix;
}

static void set(struct mlb_matrix *matrix, size_t d, size_t option, double value)
{
    matrix->score[d][option] = (struct mlb_score){value, value, value, false};
}

static void totals_ranks_shares(void **state)
{
    (void)state;
    struct mlb_matrix matrix = example();
    struct mlb_standing standings[MLB_DECIDE_OPTIONS];
    mlb_decide_rank(&matrix, standings);
    const size_t order[] = {GCP, AWS, AZURE};
    const double totals[] = {131, 129, 110}, behind[] = {0, 2, 21};
    for (size_t i = 0; i < 3; i++) {
        check_u64(standings[i].option, order[i]);
        check_u64(standings[i].rank, i + 1);
        check_close(standings[i].total, totals[i], 1e-14);
        check_close(standings[i].behind, behind[i], 1e-14);
        check_close(standings[i].share, totals[i] / 145.0, 1e-14);
    }
}

static void equal_totals_share_a_rank(void **state)
{
    (void)state;
    struct mlb_matrix matrix = example();
    struct mlb_standing standings[MLB_DECIDE_OPTIONS];
    matrix.weight[3] = 2; /* AWS is a point behind there: both have 121 */
    mlb_decide_rank(&matrix, standings);
    check_u64(standings[0].option, AWS);
    check_u64(standings[1].option, GCP);
    check_u64(standings[0].rank, 1);
    check_u64(standings[1].rank, 1);
    check_u64(standings[2].rank, 3);
    check_close(standings[1].behind, 0.0, 0.0);
    struct mlb_decide_judgement judgement = mlb_decide_judge(&matrix);
    check_i64(judgement.verdict, MLB_DECIDE_TIE);
    check_true(judgement.near[AWS] && judgement.near[GCP] && !judgement.near[AZURE]);
}

/* ------------------------------------------------------------------------------- turning points */

static void turning_weights(void **state)
{
    static const enum mlb_turn_kind kinds[] = {MLB_TURN_NEVER, MLB_TURN_TIE, MLB_TURN_NEVER,
                                               MLB_TURN_FIRST, MLB_TURN_TIE, MLB_TURN_NEVER,
                                               MLB_TURN_TIE,   MLB_TURN_TIE};
    static const double at[] = {5, 1, 4, 2, 5, 4, 1, 1};
    (void)state;
    struct mlb_matrix matrix = example();
    for (size_t d = 0; d < 8; d++) {
        struct mlb_turn turn = mlb_decide_turn_weight(&matrix, d);
        check_i64(turn.kind, kinds[d]);
        if (turn.kind == MLB_TURN_NEVER)
            continue;
        check_close(turn.at, at[d], 1e-14);
        check_u64(turn.rival, AWS);
        check_true(turn.up == (d == 4));
    }
}

static void turning_scores(void **state)
{
    (void)state;
    struct mlb_matrix matrix = example();
    struct mlb_turn turn = mlb_decide_turn_score(&matrix, 0, GCP);
    check_i64(turn.kind, MLB_TURN_FIRST);
    check_close(turn.at, 5.0 - 2.0 / 5.0, 1e-14);
    check_true(!turn.up && turn.rival == AWS);
    turn = mlb_decide_turn_score(&matrix, 1, AWS);
    check_i64(turn.kind, MLB_TURN_FIRST);
    check_close(turn.at, 4.0 + 2.0 / 3.0, 1e-14);
    check_true(turn.up && turn.rival == AWS);
    check_i64(mlb_decide_turn_score(&matrix, 0, AWS).kind, MLB_TURN_NEVER);
    check_i64(mlb_decide_turn_score(&matrix, 0, AZURE).kind, MLB_TURN_NEVER);
}

static double any(uint64_t seed, uint64_t index, double low, double high)
{
    return low + (high - low) * (0.5 + 0.5 * (double)mlb_rng_uniform(seed, index));
}

/* Whole points of 1 to 5 for even seeds, so that ties and ends of the range come up; else any. */
static double any_points(uint64_t seed, uint64_t index)
{
    double value = any(seed, index, 1.0, 5.0);
    return seed % 2 ? value : floor(value + 0.5);
}

static struct mlb_matrix random_matrix(uint64_t seed)
{
    struct mlb_matrix matrix = {.dimensions = 1 + mlb_rng_bits(seed, 0) % 7,
                                .options = 2 + mlb_rng_bits(seed, 1) % 4};
    for (size_t d = 0; d < matrix.dimensions; d++) {
        matrix.weight[d] = any_points(seed, 10 + d);
        for (size_t i = 0; i < matrix.options; i++)
            set(&matrix, d, i, any_points(seed, 100 + 20 * d + i));
    }
    return matrix;
}

static size_t first_of(const struct mlb_matrix *matrix, double *lead)
{
    struct mlb_standing standings[MLB_DECIDE_OPTIONS];
    mlb_decide_rank(matrix, standings);
    *lead = standings[1].behind;
    return standings[0].option;
}

/* With the value at `at` the two are equal; a little further the rival is first; a little before,
 * and at the end of the range that is not taken, the first one still is. */
static void check_turn(struct mlb_matrix *matrix, double *value, struct mlb_turn turn, size_t first)
{
    const double kept = *value, step = turn.up ? 1e-6 : -1e-6;
    double lead;
    if (turn.kind == MLB_TURN_NEVER) {
        for (int end = 1; end <= 5; end += 4) {
            *value = end;
            check_true(first_of(matrix, &lead) == first || lead < 1e-9);
        }
    } else {
        *value = turn.at;
        first_of(matrix, &lead);
        check_true(lead < 1e-8);
        *value = turn.at - step;
        check_true(first_of(matrix, &lead) == first || fabs(turn.at - kept) < 1e-6);
    }
    if (turn.kind == MLB_TURN_FIRST) {
        *value = turn.at + step;
        check_u64(first_of(matrix, &lead), turn.rival);
        check_true(turn.at >= 1.0 && turn.at <= 5.0);
    }
    *value = kept;
}

static void turning_points_turn(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct mlb_matrix matrix = random_matrix(seed);
        double lead;
        size_t first = first_of(&matrix, &lead);
        if (lead < 1e-6)
            continue; /* who is first of equals is the order's choice */
        for (size_t d = 0; d < matrix.dimensions; d++) {
            check_turn(&matrix, &matrix.weight[d], mlb_decide_turn_weight(&matrix, d), first);
            for (size_t i = 0; i < matrix.options; i++)
                check_turn(&matrix, &matrix.score[d][i].value, mlb_decide_turn_score(&matrix, d, i),
                           first);
        }
    }
}

/* ------------------------------------------------------------------------------------ stability */

/* One dimension, 3 against 3.5, both within a point: P(V - U > -0.5) of two uniforms that are 2
 * wide: 1 - (2 - 0.5)^2 / (2 x 2^2) = 0.71875. */
static void stability_of_two(void **state)
{
    (void)state;
    struct mlb_matrix matrix = {.dimensions = 1, .options = 2, .weight = {3}};
    set(&matrix, 0, 0, 3.0);
    set(&matrix, 0, 1, 3.5);
    struct mlb_stability stability = mlb_decide_stability(&matrix, 200000, 7);
    check_close(stability.scores, 0.71875, 0.006);
    check_close(stability.weights, 1.0, 0.0); /* a weight alone changes no order */
    struct mlb_stability again = mlb_decide_stability(&matrix, 200000, 7);
    check_close(again.scores, stability.scores, 0.0);
}

/* Two dimensions, weights 3 and 3.5, a point for each of them: the same chance, by weights. */
static void stability_of_weights(void **state)
{
    (void)state;
    struct mlb_matrix matrix = {.dimensions = 2, .options = 2, .weight = {3, 3.5}};
    set(&matrix, 0, 0, 3.0);
    set(&matrix, 0, 1, 2.0);
    set(&matrix, 1, 0, 2.0);
    set(&matrix, 1, 1, 3.0);
    struct mlb_stability stability = mlb_decide_stability(&matrix, 200000, 7);
    check_close(stability.weights, 0.71875, 0.006);
}

/* What was measured moves in its interval alone. */
static void stability_of_what_is_measured(void **state)
{
    (void)state;
    struct mlb_matrix matrix = {.dimensions = 1, .options = 2, .weight = {3}};
    matrix.score[0][0] = (struct mlb_score){4.0, 3.9, 4.1, true};
    matrix.score[0][1] = (struct mlb_score){4.3, 4.2, 4.4, true};
    check_close(mlb_decide_stability(&matrix, 1000, 1).scores, 1.0, 0.0);
    matrix.score[0][1] = matrix.score[0][0];
    check_close(mlb_decide_stability(&matrix, 200000, 1).scores, 0.5, 0.01);
}

static void equal_options_share_the_first_place(void **state)
{
    (void)state;
    struct mlb_matrix matrix = example();
    for (size_t d = 0; d < 8; d++)
        for (size_t i = 0; i < 3; i++)
            set(&matrix, d, i, 4.0);
    check_close(mlb_decide_stability(&matrix, 1000, 1).weights, 1.0 / 3.0, 1e-9);
}

/* -------------------------------------------------------------------------------------- verdict */

static void verdicts(void **state)
{
    (void)state;
    struct mlb_matrix matrix = example();
    struct mlb_decide_judgement judgement = mlb_decide_judge(&matrix);
    check_i64(judgement.verdict, MLB_DECIDE_NEAR_TIE);
    check_u64(judgement.turning, 0);
    check_u64(judgement.turning_count, 8);
    check_true(judgement.near[GCP] && judgement.near[AWS] && !judgement.near[AZURE]);
    check_true(!judgement.overlap);

    set(&matrix, 0, AWS, 4.0); /* 124 against 131: more than a point on the weightiest does */
    judgement = mlb_decide_judge(&matrix);
    check_i64(judgement.verdict, MLB_DECIDE_CLEAR);
    check_true(!judgement.near[AWS]);
    check_u64(judgement.turning_count, 0);
}

/* The first has 1 where it counts and the second 5: neither can move there, but the third can. */
static void the_third_may_turn_it(void **state)
{
    static const double scores[3][9] = {
        {1, 5, 5, 5, 5, 5, 5, 5, 5}, {5, 3, 3, 2, 2, 2, 2, 2, 2}, {4, 3, 3, 3, 3, 3, 3, 2, 2}};
    struct mlb_matrix matrix = {.dimensions = 9, .options = 3, .weight = {5}};
    (void)state;
    for (size_t d = 0; d < 9; d++)
        for (size_t i = 0; i < 3; i++)
            set(&matrix, d, i, scores[i][d]);
    for (size_t d = 1; d < 9; d++)
        matrix.weight[d] = 1.0; /* 45, 43, 42 */
    struct mlb_decide_judgement judgement = mlb_decide_judge(&matrix);
    check_i64(judgement.verdict, MLB_DECIDE_NEAR_TIE);
    check_u64(judgement.turning_count, 1);
    check_u64(judgement.turning, 0);
    check_true(judgement.near[0] && !judgement.near[1] && judgement.near[2]);
}

/* 24, 23, 22: with a point less on the first dimension the first is last, and the second first. */
static void who_passes_the_first_need_not_be_first(void **state)
{
    struct mlb_matrix matrix = {.dimensions = 2, .options = 3, .weight = {4, 1}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        set(&matrix, 0, i, 5.0);
        set(&matrix, 1, i, 4.0 - (double)i);
    }
    struct mlb_decide_judgement judgement = mlb_decide_judge(&matrix);
    check_u64(judgement.turning_count, 1);
    check_true(judgement.near[1] && !judgement.near[2]);
}

/* 5 points of 5: a point more is not to be had, and a point less of the other makes a tie only. */
static void a_point_has_to_be_there(void **state)
{
    (void)state;
    struct mlb_matrix matrix = {.dimensions = 2, .options = 2, .weight = {4, 4}};
    set(&matrix, 0, 0, 5.0);
    set(&matrix, 0, 1, 5.0);
    set(&matrix, 1, 0, 5.0);
    set(&matrix, 1, 1, 4.0);
    check_i64(mlb_decide_judge(&matrix).verdict, MLB_DECIDE_CLEAR);
    matrix.weight[0] = 4.5;
    struct mlb_decide_judgement judgement = mlb_decide_judge(&matrix);
    check_i64(judgement.verdict, MLB_DECIDE_NEAR_TIE);
    check_u64(judgement.turning_count, 1);
    check_u64(judgement.turning, 0);
    matrix.score[0][0].measured = true; /* what was measured is nobody's to change */
    check_i64(mlb_decide_judge(&matrix).verdict, MLB_DECIDE_CLEAR);
}

static void intervals_overlap(void **state)
{
    (void)state;
    struct mlb_matrix matrix = {.dimensions = 1, .options = 2, .weight = {3}};
    matrix.score[0][0] = mlb_decide_score(98.0, 97.0, 99.5, 100.0);
    matrix.score[0][1] = mlb_decide_score(100.0, 99.0, 101.0, 100.0);
    check_close(matrix.score[0][0].value, 4.9, 1e-14);
    check_close(matrix.score[0][1].high, 5.0, 0.0); /* none is above the best score */
    struct mlb_decide_judgement judgement = mlb_decide_judge(&matrix);
    check_i64(judgement.verdict, MLB_DECIDE_NEAR_TIE);
    check_true(judgement.overlap && judgement.turning_count == 0);
    matrix.score[0][0] = mlb_decide_score(10.0, 9.0, 11.0, 100.0);
    check_close(matrix.score[0][0].value, 1.0, 0.0); /* none is below the lowest */
    check_i64(mlb_decide_judge(&matrix).verdict, MLB_DECIDE_CLEAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_ranks_shares),
        cmocka_unit_test(equal_totals_share_a_rank),
        cmocka_unit_test(turning_weights),
        cmocka_unit_test(turning_scores),
        cmocka_unit_test(turning_points_turn),
        cmocka_unit_test(stability_of_two),
        cmocka_unit_test(stability_of_weights),
        cmocka_unit_test(stability_of_what_is_measured),
        cmocka_unit_test(equal_options_share_the_first_place),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(the_third_may_turn_it),
        cmocka_unit_test(who_passes_the_first_need_not_be_first),
        cmocka_unit_test(a_point_has_to_be_there),
        cmocka_unit_test(intervals_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
