/* SPDX-License-Identifier: Apache-2.0 */
/* One program for all ranks. Machines may have different copies of mlbench or of MPI installed, and
 * a launcher may give each rank words of its own; then the ranks would not measure the same thing.
 */
#ifndef MLB_APP_SAME_BUILD_H
#define MLB_APP_SAME_BUILD_H

#include <stddef.h>

#include "harness/app/options.h"
#include "harness/base/status.h"
#include "harness/measure/comm.h"

/* What a rank runs. It passes between builds that differ: its size and order stay as they are. */
struct mlb_ticket {
    char host[64];
    char program[64]; /* "mlbench 0.1.0 (1a2b3c4)" */
    char build[44];   /* hexadecimal build id that the linker made of the program; "" = none */
    char mpi[96];     /* "Open MPI 4.1.4" */
    char words[244];  /* of the command line, those that decide what is measured; cut when longer */
};

void mlb_ticket_make(const struct mlb_comm *comm, const struct mlb_options *options,
                     struct mlb_ticket *ticket);

/* MLB_E_CONFIG naming the first rank whose ticket is not that of rank 0, and both. Pure. */
enum mlb_status mlb_tickets_check(const struct mlb_ticket *tickets, size_t count,
                                  struct mlb_error *err);

/* Collective. Rank 0 alone gets the verdict: the caller lets the ranks agree on it. */
enum mlb_status mlb_same_build(struct mlb_comm *comm, const struct mlb_options *options,
                               struct mlb_error *err);

#endif
