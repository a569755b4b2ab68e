/* SPDX-License-Identifier: Apache-2.0 */
/* Which machine, link, rail or GPU is suspected of being slow, from a survey's matrices. Pure.
 *
 * The rate of a pair is that of its weakest part: min(a's, b's, the way between them). So what a
 * member gives by itself shows in the best of its pairs, however many sick partners it has, and a
 * way shows in a pair that is slower than the other pairs of both its ends. With three machines one
 * of which is slow, two of three pairs are slow: the best of pairs still tells who it is, and a
 * median does not.
 *
 * Suspected is
 *   a member whose best pair is over a tenth below that of the others: below the median of the
 *     others' with fewer than 8 members, else below the median of all AND beyond 3.5 in the
 *     modified z of Iglewicz & Hoaglin ("How to Detect and Handle Outliers", 1993): 0.6745 (x - m)
 *     / MAD, with 1.2533 times the mean absolute deviation where the MAD is 0. With two members
 *     nobody is;
 *   a pair of members not suspected that is over a tenth below the median of the other pairs of
 *     either end; from 8 pairs on, beyond 3.5 among all such pairs too.
 *
 * The tenth: pairs of healthy machines that are measured for some tens of milliseconds spread by
 * several percent (tests/netns/README.md has what was seen), and what a renter returns a machine
 * for is a link at a half or a quarter of its rate. Every suspect is tried again, while all others
 * are silent, beside pairs that nobody suspects, and is cleared unless it is slow again by a tenth
 * with each partner. */
#ifndef MLB_ANALYSIS_SUSPECTS_H
#define MLB_ANALYSIS_SUSPECTS_H

#include <stdbool.h>
#include <stddef.h>

#define MLB_LINK_FLOOR 0.10 /* of the rate missing */
#define MLB_SUSPECTS   8    /* most that are tried again, the worst ones */

struct mlb_suspect {
    bool pair; /* the way between a and b; else member a */
    int a, b;
    double share; /* of what it is compared with */
};

/* `rates` [from][to] members, NaN = unknown; of a pair the slower direction counts. Writes the
 * `room` worst, worst first, and returns how many there are. `pairs`: ways are asked too: not
 * within a machine, where the way to a near GPU is another than to a far one. */
size_t mlb_suspects_find(const double *rates, int members, bool pairs, struct mlb_suspect *found,
                         size_t room);

bool mlb_suspects_have(const struct mlb_suspect *suspects, size_t count, int member);

/* Of a machine's ranks: is the suspect slower than the slowest pair of three or more whom nobody
 * suspects? Else it may well be far from all others: a bridge or a switch joins some GPUs of a
 * machine and not all. */
bool mlb_suspects_tell(const double *rates, int members, const struct mlb_suspect *suspects,
                       size_t count, const struct mlb_suspect *suspect);

/* Of the slower direction; NaN when one is unknown. */
double mlb_pair_rate(const double *rates, int members, int a, int b);

#endif
