/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for the sizes at which a workload is fastest: the highest figure that a machine can be
 * brought to show, which others publish as its maximum. No device here: the caller looks. */
#ifndef MLB_APP_SEARCH_H
#define MLB_APP_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"

#define MLB_SEARCH_SIZES 3u

struct mlb_shape {
    uint64_t size[MLB_SEARCH_SIZES];
};

struct mlb_search {
    size_t sizes;           /* how many are varied, 1 to MLB_SEARCH_SIZES */
    struct mlb_shape start; /* all above 0 */
    /* Rate of a shape, higher is better; 0 when it cannot be had. `final`: one of the best few,
     * looked at again with more care. *over: the time is up, look at no more but these. */
    enum mlb_status (*look)(void *user, const struct mlb_shape *shape, bool final, double *rate,
                            bool *over, struct mlb_error *err);
    void *user;
};

struct mlb_search_found {
    struct mlb_shape best, second; /* second: where second_rate is above 0 */
    double best_rate, second_rate; /* by the careful looks; best_rate 0: nothing can be had */
    size_t tried, left_out;        /* shapes; left_out: those with a rate of 0 */
    bool complete;                 /* not ended by the time */
};

/* Coarse to fine, the same shapes in the same order for the same rates: first all combinations of
 * half, one, two and four times the start, small ones first. Then from each of the best three,
 * steps to the best neighbour, by a quarter of a size at first, by an eighth and a sixteenth when
 * there is none better. Sizes stay multiples of a sixteenth of the start. */
enum mlb_status mlb_search(const struct mlb_search *search, struct mlb_search_found *found,
                           struct mlb_error *err);

#endif
