/* SPDX-License-Identifier: Apache-2.0 */
/* Which ranks share a GPU. Counting devices does not tell: under `srun --gpus-per-task=1` each rank
 * sees one GPU, and it is another one for each. */
#ifndef MLB_APP_PLACES_H
#define MLB_APP_PLACES_H

#include <stddef.h>

#include "harness/base/status.h"
#include "harness/measure/comm.h"

struct mlb_place {
    int node;
    char uuid[48]; /* of the rank's GPU; "" = it has none, and shares nothing */
};

/* How many of `places` are the same GPU as that of `rank`, itself included; 1 without a GPU. Pure.
 */
int mlb_places_shared(const struct mlb_place *places, size_t count, size_t rank);

/* Collective: `*shared` on every rank, from every rank's own place. */
enum mlb_status mlb_places_ask(struct mlb_comm *comm, const char *uuid, int *shared,
                               struct mlb_error *err);

#endif
