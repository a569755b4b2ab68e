/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/comm.h"

#include <string.h>

/* The status alone goes first, as a max over ranks (the lowest failing rank in a second value), so
 * that the good case costs one small reduction. */
enum mlb_status mlb_comm_agree(struct mlb_comm *comm, enum mlb_status mine, struct mlb_error *err)
{
    double worst[2] = {mine == MLB_OK ? 0.0 : 1.0, mine == MLB_OK ? -1e9 : -(double)comm->rank};
    struct mlb_error told = *err;
    struct mlb_error trouble = {0};
    if (comm->ops->all_max(comm, worst, 2, &trouble) != MLB_OK) {
        if (mine == MLB_OK)
            *err = trouble;
        return err->status;
    }
    if (worst[0] == 0.0)
        return MLB_OK;
    int first = (int)-worst[1];
    if (comm->ops->broadcast(comm, &told, sizeof told, first, &trouble) != MLB_OK) {
        *err = trouble;
        return err->status;
    }
    *err = told;
    if (first != comm->rank)
        mlb_fail_at(err, "rank %d", first);
    return err->status;
}

void mlb_channel_explain(struct mlb_channel *all, struct mlb_error *err)
{
    if (all && all->ops->explain && err && err->status == MLB_E_TIMEOUT)
        all->ops->explain(all, err);
}
