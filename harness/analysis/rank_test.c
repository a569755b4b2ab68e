/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/rank_test.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/stats.h"

/* Counting takes about 2 (n m)^2 additions. */
static bool counts_exactly(size_t n, size_t m)
{
    const size_t usual = 2500, lopsided = 10000, few = 8;
    return n * m <= ((n < m ? n : m) < few ? lopsided : usual);
}

/* ----------------------------------------------------------------------------- counting choices
 *
 * How many choices of k out of N ranks have the sum s? Rank after rank (Klotz 1966; Cheung & Klotz
 * 1997): those of j ranks gain the choices of j-1 earlier ones with this rank added.
 * Counts as doubles: exact below 2^53, to 1e-16 each above. */

struct choices {
    size_t k, count;     /* of `count` ranks */
    const size_t *ranks; /* ascending; doubled midranks where there are ties */
    size_t *sum;         /* sum[i] = of the first i ranks; count + 1 long */
    double **ways;       /* ways[j][s - sum[j]]: of j ranks with sum s, which is at least sum[j] */
};

static size_t largest_sum(const struct choices *choices, size_t j, size_t of)
{
    return choices->sum[of] - choices->sum[of - j];
}

static size_t width(const struct choices *choices, size_t j)
{
    return largest_sum(choices, j, choices->count) - choices->sum[j] + 1;
}

static void choices_free(struct choices *choices)
{
    if (choices->ways)
        free(choices->ways[0]);
    free(choices->ways);
    free(choices->sum);
}

static bool choices_init(struct choices *choices, const size_t *ranks, size_t count, size_t k)
{
    *choices = (struct choices){.k = k, .count = count, .ranks = ranks};
    choices->sum = calloc(count + 1, sizeof *choices->sum);
    choices->ways = calloc(k + 1, sizeof *choices->ways);
    if (!choices->sum || !choices->ways)
        return false;
    for (size_t i = 0; i < count; i++)
        choices->sum[i + 1] = choices->sum[i] + ranks[i];
    size_t cells = 0;
    for (size_t j = 0; j <= k; j++)
        cells += width(choices, j);
    choices->ways[0] = calloc(cells, sizeof **choices->ways);
    if (!choices->ways[0])
        return false;
    for (size_t j = 1; j <= k; j++)
        choices->ways[j] = choices->ways[j - 1] + width(choices, j - 1);
    return true;
}

/* Rank `i` joins those choices of j-1 out of the ranks before it. */
static void add_rank(struct choices *choices, size_t i, size_t j)
{
    size_t lowest = choices->sum[j - 1], highest = largest_sum(choices, j - 1, i);
    const double *from = choices->ways[j - 1];
    double *to = choices->ways[j] + (lowest + choices->ranks[i] - choices->sum[j]);
    for (size_t s = 0; s <= highest - lowest; s++)
        to[s] += from[s];
}

static void count_choices(struct choices *choices)
{
    choices->ways[0][0] = 1.0;
    for (size_t i = 0; i < choices->count; i++) {
        size_t left =
            choices->count - i - 1; /* ranks to come: fewer than k - left cannot get to k */
        size_t least = choices->k > left ? choices->k - left : 1;
        for (size_t j = i + 1 < choices->k ? i + 1 : choices->k; j >= least && j > 0; j--)
            add_rank(choices, i, j);
    }
}

static double total(const struct choices *choices)
{
    double sum = 0.0;
    for (size_t s = 0; s < width(choices, choices->k); s++)
        sum += choices->ways[choices->k][s];
    return sum;
}

/* ------------------------------------------------------------------------- the null without ties
 */

static double *count_untied(size_t n, size_t m)
{
    struct choices choices = {0};
    size_t *ranks = malloc((n + m) * sizeof *ranks);
    double *cdf = malloc((n * m + 1) * sizeof *cdf), sum = 0.0;
    for (size_t i = 0; ranks && i < n + m; i++)
        ranks[i] = i + 1;
    /* U of one side and of the other have the same distribution. */
    bool done = ranks && cdf && choices_init(&choices, ranks, n + m, n < m ? n : m);
    if (done) {
        count_choices(&choices);
        double all = total(&choices);
        for (size_t u = 0; u <= n * m; u++)
            cdf[u] = (sum += choices.ways[choices.k][u]) / all;
    }
    choices_free(&choices);
    free(ranks);
    if (!done) {
        free(cdf);
        return NULL;
    }
    return cdf;
}

bool mlb_rank_null_init(struct mlb_rank_null *null, size_t n, size_t m)
{
    *null = (struct mlb_rank_null){.n = n, .m = m};
    if (!counts_exactly(n, m))
        return true;
    null->cdf = count_untied(n, m);
    return null->cdf != NULL;
}

void mlb_rank_null_free(struct mlb_rank_null *null)
{
    free(null->cdf);
    *null = (struct mlb_rank_null){0};
}

double mlb_rank_smallest_p(size_t n, size_t m)
{
    double choose = 1.0;
    for (size_t i = 1; i <= n; i++)
        choose *= (double)(m + i) / (double)i;
    return fmin(1.0, 2.0 / choose);
}

/* ----------------------------------------------------------------------------------- rank test
 */

struct ranking {
    size_t *ranks; /* doubled midranks of all values, ascending; owned; n + m long */
    size_t sum_x;  /* of those of x */
    double tied;   /* sum of t^3 - t over groups of t equal values */
};

/* Length of the run of values equal to `value` at the front of `from`. */
static size_t run_of(const double *from, size_t count, double value)
{
    size_t length = 0;
    while (length < count && from[length] == value)
        length++;
    return length;
}

static bool rank_values(const struct mlb_rank_null *null, const double *x, const double *y,
                        struct ranking *ranking)
{
    size_t i = 0, j = 0, n = null->n, m = null->m;
    *ranking = (struct ranking){.ranks = malloc((n + m) * sizeof *ranking->ranks)};
    if (!ranking->ranks)
        return false;
    while (i + j < n + m) {
        double value = j == m || (i < n && x[i] <= y[j]) ? x[i] : y[j];
        size_t of_x = run_of(x + i, n - i, value), of_y = run_of(y + j, m - j, value);
        size_t t = of_x + of_y, midrank = 2 * (i + j) + t + 1;
        for (size_t at = i + j; at < i + j + t; at++)
            ranking->ranks[at] = midrank;
        ranking->sum_x += of_x * midrank;
        ranking->tied += (double)t * (double)t * (double)t - (double)t;
        i += of_x;
        j += of_y;
    }
    return true;
}

static double normal_below(double z)
{
    return 0.5 * erfc(-z / M_SQRT2);
}

/* With corrections for ties and for continuity. */
static void test_by_normal(size_t n, size_t m, double tied, struct mlb_rank_test *test)
{
    double pairs = (double)n * (double)m, all = (double)(n + m), middle = pairs / 2.0;
    double sigma = sqrt(pairs / 12.0 * (all + 1.0 - tied / (all * (all - 1.0))));
    test->two_sided = test->less = test->greater = 1.0;
    if (!(sigma > 0.0))
        return; /* all values are the same */
    test->less = normal_below((test->u - middle + 0.5) / sigma);
    test->greater = normal_below((middle - test->u + 0.5) / sigma);
    test->two_sided = erfc(fmax(fabs(test->u - middle) - 0.5, 0.0) / sigma / M_SQRT2);
}

static void test_untied(const struct mlb_rank_null *null, struct mlb_rank_test *test)
{
    size_t pairs = null->n * null->m, u = (size_t)test->u, lower = u < pairs - u ? u : pairs - u;
    test->exact = true;
    test->less = null->cdf[u];
    test->greater = null->cdf[pairs - u];
    test->two_sided = 2 * lower == pairs ? 1.0 : fmin(1.0, 2.0 * null->cdf[lower]);
}

/* The distribution given these ties need not be symmetric: both tails are counted, by how far the
 * sum is from its mean k x sum / N, in whole numbers. */
static void test_tied(const struct choices *choices, size_t observed, struct mlb_rank_test *test)
{
    const double *ways = choices->ways[choices->k];
    size_t all = choices->count, mean = choices->k * choices->sum[all];
    size_t far = all * observed > mean ? all * observed - mean : mean - all * observed;
    double below = 0.0, above = 0.0, as_far = 0.0;
    for (size_t i = 0; i < width(choices, choices->k); i++) {
        size_t s = all * (choices->sum[choices->k] + i);
        below += s <= all * observed ? ways[i] : 0.0;
        above += s >= all * observed ? ways[i] : 0.0;
        as_far += (s > mean ? s - mean : mean - s) >= far ? ways[i] : 0.0;
    }
    double sum = total(choices);
    test->exact = true;
    test->less = below / sum;
    test->greater = above / sum;
    test->two_sided = as_far / sum;
}

/* Counts the choices of the smaller side. */
static bool count_tied(const struct mlb_rank_null *null, const struct ranking *ranking,
                       struct mlb_rank_test *test)
{
    bool is_x = null->n <= null->m;
    size_t count = null->n + null->m, both = count * (count + 1); /* doubled ranks of both */
    struct choices choices;
    bool done = choices_init(&choices, ranking->ranks, count, is_x ? null->n : null->m);
    if (done) {
        count_choices(&choices);
        test_tied(&choices, is_x ? ranking->sum_x : both - ranking->sum_x, test);
    }
    if (done && !is_x) {
        double less = test->less;
        test->less = test->greater;
        test->greater = less;
    }
    choices_free(&choices);
    return done;
}

bool mlb_rank_test(const struct mlb_rank_null *null, const double *x, const double *y,
                   struct mlb_rank_test *test)
{
    struct ranking ranking;
    size_t n = null->n;
    bool done = rank_values(null, x, y, &ranking);
    *test = (struct mlb_rank_test){0};
    if (done) {
        test->u = (double)(ranking.sum_x - n * (n + 1)) / 2.0;
        if (!null->cdf)
            test_by_normal(n, null->m, ranking.tied, test);
        else if (ranking.tied > 0.0)
            done = count_tied(null, &ranking, test);
        else
            test_untied(null, test);
    }
    free(ranking.ranks);
    return done;
}

/* --------------------------------------------------------------------------------------- shift
 */

struct sides {
    const double *x, *y;
    size_t n, m;
};

/* Pairs with y - x <= t, in n + m steps: of a larger y, fewer x are large enough. */
static size_t pairs_up_to(const struct sides *sides, double t)
{
    size_t count = 0, i = 0;
    for (size_t j = 0; j < sides->m; j++) {
        while (i < sides->n && sides->y[j] - sides->x[i] > t)
            i++;
        count += sides->n - i;
    }
    return count;
}

/* Doubles in their order as whole numbers: sign and magnitude to offset binary. */
static const uint64_t SIGN = UINT64_C(1) << 63;

static uint64_t to_order(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & SIGN ? ~bits : bits | SIGN;
}

static double from_order(uint64_t order)
{
    uint64_t bits = order & SIGN ? order & ~SIGN : ~order;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The k-th smallest of the n m differences, k from 1, without writing them down: the smallest
 * double up to which there are k, by bisection over doubles in at most 64 counts. */
static double difference(const struct sides *sides, size_t k)
{
    uint64_t low = to_order(sides->y[0] - sides->x[sides->n - 1]);
    uint64_t high = to_order(sides->y[sides->m - 1] - sides->x[0]);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (pairs_up_to(sides, from_order(middle)) >= k)
            high = middle;
        else
            low = middle + 1;
    }
    return from_order(low) + 0.0; /* no -0 */
}

/* The k of the interval; 0 when there is none. */
static size_t interval_order(const struct mlb_rank_null *null, double confidence)
{
    /* A hair more: 1 - 0.9 has no exact binary form. */
    double tail = (1.0 - confidence) / 2.0 * (1.0 + 1e-9);
    double pairs = (double)null->n * (double)null->m;
    if (!null->cdf) { /* P(U <= k-1) is about P(N < k - 1/2) */
        double sigma = sqrt(pairs * (double)(null->n + null->m + 1) / 12.0);
        return (size_t)fmax(0.0, floor(pairs / 2.0 - mlb_normal_z(tail) * sigma + 0.5));
    }
    size_t k = 0;
    while (2 * k < null->n * null->m && null->cdf[k] <= tail)
        k++;
    return k;
}

struct mlb_shift mlb_rank_shift(const struct mlb_rank_null *null, const double *x, const double *y,
                                double confidence)
{
    struct sides sides = {x, y, null->n, null->m};
    size_t pairs = null->n * null->m, k = interval_order(null, confidence);
    struct mlb_shift shift = {.estimate = difference(&sides, (pairs + 1) / 2)};
    if (pairs % 2 == 0)
        shift.estimate = 0.5 * shift.estimate + 0.5 * difference(&sides, pairs / 2 + 1);
    shift.known = k > 0;
    if (shift.known) {
        shift.low = difference(&sides, k);
        shift.high = difference(&sides, pairs + 1 - k);
    }
    return shift;
}
