/* SPDX-License-Identifier: Apache-2.0 */
/* Which ranks of a job make a part of it, and the id with which NCCL brings them together. */
#ifndef MLB_COLLECTIVES_NCCL_PART_H
#define MLB_COLLECTIVES_NCCL_PART_H

#include "collectives/nccl_library.h"

/* Collective over the job. Ranks of one color are a part: `rank` and `size` of *part and *id are
 * set. NULL: this rank is in none. On all ranks or on none. */
enum mlb_status mlb_nccl_agree_on_part(const struct mlb_nccl *nccl, struct mlb_comm *comm,
                                       int color, struct mlb_channel *part, struct mlb_nccl_id *id,
                                       struct mlb_error *err);

#endif
