/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/unequal.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"

/* ------------------------------------------------------------------------------------- unlike
 */

static size_t like(const struct mlb_seat *seats, size_t count, size_t which, const char *has)
{
    size_t ranks = 0;
    for (size_t i = 0; i < count; i++)
        ranks += strcmp(seats[i].has[which], has) == 0;
    return ranks;
}

/* What most ranks have; of two that are as frequent, that of the lower rank. */
static const char *most(const struct mlb_seat *seats, size_t count, size_t which)
{
    size_t best = 0, ranks = 0;
    for (size_t i = 0; i < count && 2 * ranks < count; i++) {
        size_t now = like(seats, count, which, seats[i].has[which]);
        best = now > ranks ? i : best;
        ranks = now > ranks ? now : ranks;
    }
    return seats[best].has[which];
}

static void judge_one(const struct mlb_seat *seats, size_t count, size_t which,
                      struct mlb_result *result)
{
    const char *usual = most(seats, count, which);
    size_t first = 0, others = count - like(seats, count, which, usual);
    if (others == 0)
        return;
    while (strcmp(seats[first].has[which], usual) == 0)
        first++;
    char more[48] = "";
    if (others > 1)
        mlb_format(more, sizeof more, " and %zu more unlike the rest", others - 1);
    const char *has = seats[first].has[which];
    mlb_result_note(result, MLB_HEALTH_WARN, "unequal",
                    "rank %zu (machine %d)%s: %.80s; most: %.80s", first, seats[first].node, more,
                    has[0] ? has : "unknown", usual[0] ? usual : "unknown");
}

void mlb_unequal_judge(const struct mlb_seat *seats, size_t count, struct mlb_result *result)
{
    for (size_t which = 0; which < MLB_LIKENESSES; which++)
        judge_one(seats, count, which, result);
}

enum mlb_status mlb_unequal_note(struct mlb_comm *comm, const struct mlb_seat *mine,
                                 struct mlb_result *result, struct mlb_error *err)
{
    size_t ranks = comm->rank == 0 ? (size_t)comm->size : 1;
    struct mlb_seat *all = calloc(ranks, sizeof *all);
    enum mlb_status status =
        all ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "seats of %zu ranks: out of memory", ranks);
    if ((status = mlb_comm_agree(comm, status, err)) == MLB_OK)
        status = comm->ops->gather(comm, mine, sizeof *mine, all, 0, err);
    if (status == MLB_OK && comm->rank == 0)
        mlb_unequal_judge(all, ranks, result);
    free(all);
    return status;
}

/* ------------------------------------------------------------------------------------ lacking
 */

/* Of the lowest rank that lacks a device. The host is for the log, never for a record. */
struct lack {
    int rank, node, ranks;
    char host[MLB_HOST_NAME], why[MLB_ROW_REASON];
};

enum mlb_status mlb_unequal_lack(struct mlb_comm *comm, const struct mlb_log *log, bool has,
                                 const char *why, char *text, size_t size, struct mlb_error *err)
{
    struct lack lack = {.node = comm->node};
    double lacking = has ? 0.0 : 1.0, first = has ? -(double)comm->size : -(double)comm->rank;
    text[0] = '\0';
    if (comm->ops->all_sum(comm, &lacking, 1, err) != MLB_OK ||
        comm->ops->all_max(comm, &first, 1, err) != MLB_OK)
        return err->status;
    if (lacking == 0.0 || (int)lacking == comm->size)
        return MLB_OK;
    lack.rank = -(int)first;
    lack.ranks = (int)lacking;
    mlb_format(lack.host, sizeof lack.host, "%s", comm->host);
    mlb_format(lack.why, sizeof lack.why, "%s", why);
    if (comm->ops->broadcast(comm, &lack, sizeof lack, lack.rank, err) != MLB_OK)
        return err->status;
    char more[32] = "";
    if (lack.ranks > 1)
        mlb_format(more, sizeof more, " and %d more", lack.ranks - 1);
    mlb_format(text, size, "rank %d (machine %d)%s has none, %d others have: %s", lack.rank,
               lack.node, more, comm->size - lack.ranks, lack.why);
    if (comm->rank == 0)
        mlb_log(log, MLB_LOG_WARN, "no GPU for rank %d on %s%s, %d others have one: %s", lack.rank,
                lack.host, more, comm->size - lack.ranks, lack.why);
    return MLB_OK;
}
