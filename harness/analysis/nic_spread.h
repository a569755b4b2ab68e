/* SPDX-License-Identifier: Apache-2.0 */
/* Do the NICs of rank 0's machine share the bytes? One that is slow, down on the other side or not
 * used by the library moves less than its twins. Pure. */
#ifndef MLB_ANALYSIS_NIC_SPREAD_H
#define MLB_ANALYSIS_NIC_SPREAD_H

#include "harness/measure/result.h"

struct mlb_nic_spread {
    bool known;
    size_t ports, idle; /* idle: moved less than half of an even share */
    const char *least;  /* the one with the least; lives as long as the record */
    double least_share; /* of an even share */
};

/* Of a row of GPUs that are busy on all rails, that was long enough, and whose bytes the fast ports
 * saw; of two RDMA ports at least: Ethernet cards have many duties. MPI chooses NICs by its own
 * rules, few of them for each rank. */
struct mlb_nic_spread mlb_nic_spread_of_row(const struct mlb_result *result,
                                            const struct mlb_row *row);

/* To result->health for each port that was idle in every row that can tell: a warning for one that
 * moved something, a note for one that moved nothing. */
void mlb_nic_spread_judge(struct mlb_result *result);

#endif
