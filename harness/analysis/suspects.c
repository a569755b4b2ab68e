/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/suspects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/stats.h"

#define Z_SCALE    0.6745
#define Z_LIMIT    3.5
#define MEAN_SCALE 1.2533 /* of the mean absolute deviation, where the MAD is 0 */
#define Z_VALUES   8      /* fewer have no meaningful MAD */

/* --------------------------------------------------------------------------------- what is usual
 */

/* Values that are compared with each other, and room to work on them. */
struct field {
    double *values, *scratch;
    size_t count;
    double median, limit; /* below the limit a value stands out */
};

static bool new_field(struct field *field, size_t room)
{
    *field = (struct field){.values = calloc(room + 1, sizeof(double)),
                            .scratch = calloc(room + 1, sizeof(double))};
    return field->values && field->scratch;
}

static void free_field(struct field *field)
{
    free(field->values);
    free(field->scratch);
}

/* z = 0.6745 (x - median) / MAD, solved for the x whose z is -3.5. Without any spread nothing is
 * unusual. */
static void settle(struct field *field)
{
    double mean = 0.0, count = (double)field->count;
    field->median = mlb_median(field->values, field->count);
    for (size_t i = 0; i < field->count; i++) {
        field->scratch[i] = fabs(field->values[i] - field->median);
        mean += field->scratch[i] / count;
    }
    double mad = mlb_median(field->scratch, field->count);
    double spread = mad > 0.0 ? mad / Z_SCALE : MEAN_SCALE * mean;
    field->limit = spread > 0.0 ? field->median - Z_LIMIT * spread : -INFINITY;
    if (field->count < Z_VALUES)
        field->limit = INFINITY;
}

/* What value `which` is compared with: the median of all, or of the others where they are few. */
static double reference(const struct field *field, size_t which)
{
    size_t others = 0;
    if (field->count >= Z_VALUES)
        return field->median;
    for (size_t i = 0; i < field->count; i++)
        if (i != which)
            field->scratch[others++] = field->values[i];
    return mlb_median(field->scratch, others);
}

/* --------------------------------------------------------------------------------- who is
 * suspected
 */

double mlb_pair_rate(const double *rates, int members, int a, int b)
{
    double there = rates[(size_t)a * (size_t)members + (size_t)b];
    double back = rates[(size_t)b * (size_t)members + (size_t)a];
    return isnan(there) || isnan(back) ? NAN : fmin(there, back);
}

/* The best of a member's pairs; NaN when it has none. */
static double best_of(const double *rates, int members, int member)
{
    double best = NAN;
    for (int i = 0; i < members; i++)
        if (i != member)
            best = fmax(best, mlb_pair_rate(rates, members, member, i));
    return best;
}

static size_t add_suspect(struct mlb_suspect *found, size_t count, size_t room,
                          struct mlb_suspect suspect)
{
    size_t place = count < room ? count : room;
    while (place > 0 && found[place - 1].share > suspect.share)
        place--;
    if (place < room) {
        size_t behind = (count < room ? count : room - 1) - place;
        memmove(&found[place + 1], &found[place], behind * sizeof *found);
        found[place] = suspect;
    }
    return count + 1;
}

/* Marks suspected members in `marked`. */
static size_t find_members(const double *rates, int members, struct field *field, bool *marked,
                           struct mlb_suspect *found, size_t room)
{
    size_t count = 0, place = 0;
    for (int i = 0; i < members; i++) {
        double best = best_of(rates, members, i);
        if (!isnan(best))
            field->values[field->count++] = best;
    }
    settle(field);
    for (int i = 0; i < members && field->count > 2; i++) {
        double best = best_of(rates, members, i);
        if (isnan(best))
            continue;
        double share = best / reference(field, place++);
        if (!(share < 1.0 - MLB_LINK_FLOOR) || !(best <= field->limit))
            continue;
        marked[i] = true;
        count = add_suspect(found, count, room, (struct mlb_suspect){false, i, i, share});
    }
    return count;
}

/* The median of a member's pairs with those that are not marked, `but` aside. */
static double usual_of(const double *rates, int members, const bool *marked, int member, int but,
                       double *scratch)
{
    size_t count = 0;
    for (int i = 0; i < members; i++) {
        double rate = mlb_pair_rate(rates, members, member, i);
        if (i != member && i != but && !marked[i] && !isnan(rate))
            scratch[count++] = rate;
    }
    return mlb_median(scratch, count);
}

static bool is_way(const double *rates, int members, const bool *marked, int a, int b)
{
    return !marked[a] && !marked[b] && !isnan(mlb_pair_rate(rates, members, a, b));
}

static size_t find_ways(const double *rates, int members, const struct field *field,
                        const bool *marked, struct mlb_suspect *found, size_t room, size_t count)
{
    for (int a = 0; a < members; a++) {
        for (int b = a + 1; b < members; b++) {
            double rate = mlb_pair_rate(rates, members, a, b);
            if (!is_way(rates, members, marked, a, b) || !(rate <= field->limit))
                continue;
            double usual_a = usual_of(rates, members, marked, a, b, field->scratch);
            double usual_b = usual_of(rates, members, marked, b, a, field->scratch);
            double share = rate / fmin(usual_a, usual_b);
            if (!isnan(usual_a) && !isnan(usual_b) && share < 1.0 - MLB_LINK_FLOOR)
                count = add_suspect(found, count, room, (struct mlb_suspect){true, a, b, share});
        }
    }
    return count;
}

size_t mlb_suspects_find(const double *rates, int members, bool pairs, struct mlb_suspect *found,
                         size_t room)
{
    struct field best = {0}, ways = {0};
    size_t n = (size_t)members, count = 0;
    bool *marked = calloc(n + 1, sizeof *marked);
    if (marked && new_field(&best, n) && new_field(&ways, pairs ? n * n : n)) {
        count = find_members(rates, members, &best, marked, found, room);
        for (int a = 0; pairs && a < members; a++)
            for (int b = a + 1; b < members; b++)
                if (is_way(rates, members, marked, a, b))
                    ways.values[ways.count++] = mlb_pair_rate(rates, members, a, b);
        settle(&ways);
        if (pairs)
            count = find_ways(rates, members, &ways, marked, found, room, count);
    }
    free_field(&ways);
    free_field(&best);
    free(marked);
    return count;
}

bool mlb_suspects_have(const struct mlb_suspect *suspects, size_t count, int member)
{
    for (size_t i = 0; i < count; i++)
        if (!suspects[i].pair && suspects[i].a == member)
            return true;
    return false;
}

bool mlb_suspects_tell(const double *rates, int members, const struct mlb_suspect *suspects,
                       size_t count, const struct mlb_suspect *suspect)
{
    double slowest = INFINITY;
    int pairs = 0;
    for (int a = 0; a < members; a++) {
        for (int b = a + 1; b < members; b++) {
            double rate = mlb_pair_rate(rates, members, a, b);
            if (isnan(rate) || mlb_suspects_have(suspects, count, a) ||
                mlb_suspects_have(suspects, count, b))
                continue;
            slowest = fmin(slowest, rate);
            pairs++;
        }
    }
    double best = best_of(rates, members, suspect->a);
    return pairs >= 3 && best < (1.0 - MLB_LINK_FLOOR) * slowest;
}
