/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/search.h"

#include <string.h>

#define COARSE 4u  /* 1/2, 1, 2, 4 times the start */
#define BEST   3u  /* of the coarse ones are refined, and of all are looked at again */
#define MOVES  6u  /* at most, with one length of step */
#define FINEST 16u /* part of a size that the shortest step is */
#define LOOKS  512u

struct look {
    struct mlb_shape shape;
    double rate;
};

struct course {
    const struct mlb_search *search;
    struct look looks[LOOKS]; /* in the order they were taken */
    size_t count;
    bool over;
};

static bool same(const struct course *course, const struct mlb_shape *a, const struct mlb_shape *b)
{
    return memcmp(a->size, b->size, course->search->sizes * sizeof a->size[0]) == 0;
}

/* The look at this shape, taken now when there was none; NULL when there is no time or room. */
static enum mlb_status look_at(struct course *course, const struct mlb_shape *shape,
                               const struct look **look, struct mlb_error *err)
{
    *look = NULL;
    for (size_t i = 0; i < course->count; i++)
        if (same(course, &course->looks[i].shape, shape)) {
            *look = &course->looks[i];
            return MLB_OK;
        }
    if (course->over || course->count == LOOKS)
        return MLB_OK;
    struct look *taken = &course->looks[course->count];
    *taken = (struct look){.shape = *shape};
    if (course->search->look(course->search->user, shape, false, &taken->rate, &course->over,
                             err) != MLB_OK)
        return err->status;
    course->count++;
    *look = taken;
    return MLB_OK;
}

/* Indices of the best looks, best first; those with no rate are none. */
static size_t best_of(const struct course *course, size_t *indices)
{
    size_t count = 0;
    for (size_t i = 0; i < course->count; i++) {
        size_t at = count;
        while (at > 0 && course->looks[i].rate > course->looks[indices[at - 1]].rate)
            at--;
        if (at == BEST || !(course->looks[i].rate > 0.0))
            continue;
        count += count < BEST;
        for (size_t j = count - 1; j > at; j--)
            indices[j] = indices[j - 1];
        indices[at] = i;
    }
    return count;
}

/* --------------------------------------------------------------------------------------- coarse */

/* Digit `index` of a number in base COARSE: the power of two of that size, less one. */
static unsigned digit(size_t number, size_t index)
{
    for (; index > 0; index--)
        number /= COARSE;
    return (unsigned)(number % COARSE);
}

static unsigned digit_sum(size_t number, size_t sizes)
{
    unsigned sum = 0;
    for (size_t i = 0; i < sizes; i++)
        sum += digit(number, i);
    return sum;
}

static enum mlb_status look_coarsely(struct course *course, struct mlb_error *err)
{
    const struct mlb_search *search = course->search;
    const struct look *ignored;
    size_t all = 1;
    for (size_t i = 0; i < search->sizes; i++)
        all *= COARSE;
    for (unsigned sum = 0; sum <= search->sizes * (COARSE - 1); sum++)
        for (size_t number = 0; number < all; number++) {
            struct mlb_shape shape = search->start;
            if (digit_sum(number, search->sizes) != sum)
                continue;
            for (size_t i = 0; i < search->sizes; i++) {
                uint64_t twice = shape.size[i] << digit(number, i);
                shape.size[i] = twice > 1 ? twice / 2 : 1;
            }
            if (look_at(course, &shape, &ignored, err) != MLB_OK)
                return err->status;
        }
    return MLB_OK;
}

/* ----------------------------------------------------------------------------------------- fine */

/* `part` of the size further, or back; false when it stays or vanishes. */
static bool move(const struct mlb_search *search, struct mlb_shape *shape, size_t which,
                 unsigned part, bool back)
{
    uint64_t grain = search->start.size[which] / FINEST, size = shape->size[which];
    if (grain == 0)
        grain = 1;
    uint64_t step = size / part / grain * grain;
    if (step == 0)
        step = grain;
    if (back && size <= step)
        return false;
    shape->size[which] = back ? size - step : size + step;
    return true;
}

/* Replaces *at by its best neighbour, when that is better. */
static enum mlb_status go_on(struct course *course, const struct look **at, unsigned part,
                             bool *moved, struct mlb_error *err)
{
    const struct look *from = *at;
    for (size_t i = 0; i < 2 * course->search->sizes; i++) {
        struct mlb_shape shape = from->shape;
        const struct look *seen = NULL;
        if (!move(course->search, &shape, i / 2, part, i % 2 == 1))
            continue;
        if (look_at(course, &shape, &seen, err) != MLB_OK)
            return err->status;
        if (seen && seen->rate > (*at)->rate)
            *at = seen;
    }
    *moved = *at != from;
    return MLB_OK;
}

static enum mlb_status refine(struct course *course, const struct look *at, struct mlb_error *err)
{
    for (unsigned part = 4; part <= FINEST; part *= 2) {
        bool moved = true;
        for (unsigned i = 0; moved && i < MOVES; i++)
            if (go_on(course, &at, part, &moved, err) != MLB_OK)
                return err->status;
    }
    return MLB_OK;
}

/* ---------------------------------------------------------------------------------------- the end
 */

/* The best few once more, with care: many quick looks make one of them lucky. */
static enum mlb_status look_again(struct course *course, struct mlb_search_found *found,
                                  struct mlb_error *err)
{
    size_t best[BEST], count = best_of(course, best);
    for (size_t i = 0; i < count; i++) {
        const struct mlb_shape *shape = &course->looks[best[i]].shape;
        double rate = 0.0;
        bool ignored = false;
        if (course->search->look(course->search->user, shape, true, &rate, &ignored, err) != MLB_OK)
            return err->status;
        if (rate > found->best_rate) {
            found->second = found->best;
            found->second_rate = found->best_rate;
            found->best = *shape;
            found->best_rate = rate;
        } else if (rate > found->second_rate) {
            found->second = *shape;
            found->second_rate = rate;
        }
    }
    return MLB_OK;
}

enum mlb_status mlb_search(const struct mlb_search *search, struct mlb_search_found *found,
                           struct mlb_error *err)
{
    struct course course = {.search = search};
    size_t best[BEST];
    *found = (struct mlb_search_found){0};
    if (look_coarsely(&course, err) != MLB_OK)
        return err->status;
    size_t count = best_of(&course, best);
    for (size_t i = 0; i < count; i++)
        if (refine(&course, &course.looks[best[i]], err) != MLB_OK)
            return err->status;
    found->complete = !course.over;
    for (size_t i = 0; i < course.count; i++)
        *(course.looks[i].rate > 0.0 ? &found->tried : &found->left_out) += 1;
    return look_again(&course, found, err);
}
