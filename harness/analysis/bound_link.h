/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a collective can be at most: its links' rates against the least that any way of doing it
 * has to send. On one machine without NVLink nothing is known. Pure. */
#ifndef MLB_ANALYSIS_BOUND_LINK_H
#define MLB_ANALYSIS_BOUND_LINK_H

#include "harness/measure/result.h"

struct mlb_link_bound {
    bool known;
    double bytes_per_s; /* of S: of algbw */
    const char *of;     /* "NICs" or "NVLink": the link that bounds */
};

/* For the best algorithm that could be: NVLink's switches add up where the GPU can let them, the
 * network's only when the row's algorithm shows it. Unknown for one rail of several: how many NICs
 * a single rank can drive is not known. */
struct mlb_link_bound mlb_bound_of_collective(const struct mlb_result *result,
                                              const struct mlb_row *row);

/* Over all the bounds there could be (a network that adds up unseen) by more than a hundredth: the
 * row becomes untrusted, with the reason. */
void mlb_bound_link_judge(const struct mlb_result *result, struct mlb_row *row);

#endif
