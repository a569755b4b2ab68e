/* SPDX-License-Identifier: Apache-2.0 */
/* Which rank takes which GPU, and which ranks share one. Counting devices does not tell: under
 * `srun --gpus-per-task=1` each rank sees one GPU, and it is another one for each. */
#ifndef MLB_APP_PLACES_H
#define MLB_APP_PLACES_H

#include <stddef.h>

#include "harness/base/status.h"
#include "harness/device/device.h"
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

/* ------------------------------------------------------------------------------------- choice
 */

enum { MLB_VISIBLE = 32 };

/* The GPUs that one rank may use, in its own order: a launcher may show each rank another part of
 * those of its machine. More than MLB_VISIBLE are cut. */
struct mlb_visible {
    int node, local_rank, count;
    char uuid[MLB_VISIBLE][48]; /* "" = unknown */
};

/* choice[rank]: an index into the rank's own list. Every rank gets a GPU of its own where there is
 * a way to give each one, and the one of its local rank when that is free; a rank that gets none
 * shares that one. -1 for a rank that sees none. `scratch`: a byte a rank. Pure. */
void mlb_places_choose(const struct mlb_visible *visible, size_t count, int *choice,
                       unsigned char *scratch);

/* Collective. The device of `backend` that this rank takes of the `count` that it sees; -1 with
 * none. */
enum mlb_status mlb_places_take(struct mlb_comm *comm, const struct mlb_backend *backend, int count,
                                int *index, struct mlb_error *err);

#endif
