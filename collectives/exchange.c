/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of a collective: one call on exact inputs, every element looked at by every rank. */
#include <stdlib.h>
#include <string.h>

#include "collectives/collective.h"
#include "collectives/exact.h"
#include "harness/base/text.h"

/* What recv holds before a verified call, so that a call that does nothing is caught. Copied in
 * pieces long enough for a GPU's link. */
#define POISON       0x5a
#define POISON_BYTES ((size_t)8 << 20)

enum { ROOT = 0 };

static size_t blocks(const struct mlb_exchange *x, bool all)
{
    return all ? (size_t)x->channel->size : 1;
}

static bool is_root(const struct mlb_exchange *x)
{
    return x->channel->rank == ROOT;
}

static bool is_sum(const struct mlb_exchange *x)
{
    return x->kind->result == MLB_RESULT_SUM || x->kind->result == MLB_RESULT_SUM_PART;
}

static enum mlb_status poison(const struct mlb_exchange *x, struct mlb_error *err)
{
    size_t total = blocks(x, x->kind->recv_all) * x->count * mlb_dtype_bytes(x->dtype);
    size_t piece = total < POISON_BYTES ? total : POISON_BYTES;
    void *bytes = malloc(piece);
    enum mlb_status status = MLB_OK;
    if (!bytes)
        return mlb_fail(err, MLB_E_NOMEM, "%s: verification: %zu bytes of host memory",
                        x->kind->name, piece);
    memset(bytes, POISON, piece);
    for (size_t at = 0; status == MLB_OK && at < total; at += piece) {
        size_t left = total - at;
        status = mlb_copy(x->channel->device, (char *)x->recv + at, bytes,
                          left < piece ? left : piece, MLB_TO_DEVICE, err);
    }
    free(bytes);
    return status;
}

/* Poison first: in place, what is sent lies within recv. */
static enum mlb_status prepare(const struct mlb_exchange *x, const struct mlb_exact *exact,
                               const struct mlb_ctx *ctx, struct mlb_error *err)
{
    if (poison(x, err) != MLB_OK)
        return err->status;
    if (x->kind->from_root && !is_root(x))
        return MLB_OK;
    return mlb_exact_fill(exact, ctx->device, x->send, blocks(x, x->kind->send_all) * x->count,
                          x->channel->rank, ctx->threads, err);
}

static enum mlb_status run_watched(const struct mlb_exchange *x, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    struct mlb_comm *comm = ctx->comm;
    char what[64];
    mlb_format(what, sizeof what, "verification of %s, %zu x %s", x->kind->name, x->count,
               mlb_dtype_name(x->dtype));
    comm->ops->watch(comm, what, comm->deadline_s);
    if (x->channel->ops->observe)
        x->channel->ops->observe(x->channel);
    enum mlb_status status = x->kind->step(x, err);
    if (status == MLB_OK)
        status = mlb_sync(ctx->device, comm->deadline_s, err);
    mlb_channel_explain(ctx->channel, err);
    comm->ops->unwatch(comm);
    return status;
}

/* All ranks tell each other how the call was done, those without a part in it too. */
static enum mlb_status tell_how(const struct mlb_exchange *x, const struct mlb_ctx *ctx,
                                enum mlb_status status, struct mlb_error *err)
{
    struct mlb_channel *all = ctx->channel;
    if (mlb_comm_agree(ctx->comm, status, err) != MLB_OK)
        return err->status;
    return all->ops->observed ? all->ops->observed(all, x->channel, err) : MLB_OK;
}

/* What block `block` of recv should hold. */
static struct mlb_exact_part expected(const struct mlb_exchange *x, int block)
{
    int rank = x->channel->rank, size = x->channel->size;
    uint64_t mine = (uint64_t)rank * x->count;
    switch (x->kind->result) {
    case MLB_RESULT_SUM_PART:
        return (struct mlb_exact_part){MLB_EXACT_SUM, mine};
    case MLB_RESULT_ALL:
        return (struct mlb_exact_part){block, 0};
    case MLB_RESULT_ALL_PARTS:
        return (struct mlb_exact_part){block, mine};
    case MLB_RESULT_ROOT:
        return (struct mlb_exact_part){ROOT, 0};
    case MLB_RESULT_ROOT_PART:
        return (struct mlb_exact_part){ROOT, mine};
    case MLB_RESULT_LEFT:
        return (struct mlb_exact_part){(rank + size - 1) % size, 0};
    default:
        return (struct mlb_exact_part){MLB_EXACT_SUM, 0};
    }
}

/* A rank without a result looks whether what it sent is still there. */
static enum mlb_status look(const struct mlb_exchange *x, const struct mlb_exact *exact,
                            const struct mlb_ctx *ctx, struct mlb_verification *verification,
                            struct mlb_error *err)
{
    if (x->kind->on_root && !is_root(x)) {
        const struct mlb_exact_part sent = {x->channel->rank, 0};
        return mlb_exact_check(exact, sent, ctx->device, x->send,
                               blocks(x, x->kind->send_all) * x->count, "send", ctx->threads,
                               verification, err);
    }
    size_t bytes = x->count * mlb_dtype_bytes(x->dtype);
    enum mlb_status status = MLB_OK;
    for (int block = 0; block < (int)blocks(x, x->kind->recv_all) && status == MLB_OK; block++) {
        char what[32] = "recv";
        if (x->kind->recv_all)
            mlb_format(what, sizeof what, "recv of rank %d", block);
        status = mlb_exact_check(exact, expected(x, block), ctx->device,
                                 (const char *)x->recv + (size_t)block * bytes, x->count, what,
                                 ctx->threads, verification, err);
    }
    return status;
}

/* In place, every timed sum adds up what the last one left: any data but zeros would pass the range
 * of the type after a few steps. */
static enum mlb_status fill_for_timing(const struct mlb_exchange *x, const struct mlb_ctx *ctx,
                                       struct mlb_error *err)
{
    bool grows = is_sum(x) && !x->spare;
    uint64_t seed = ctx->seed + 1u + (uint64_t)ctx->comm->rank;
    return mlb_fill(ctx->device, x->send, blocks(x, x->kind->send_all) * x->count, x->dtype,
                    grows ? MLB_DATA_ZEROS : ctx->data, seed, err);
}

/* Ranks that fail to make their inputs do not leave the others alone in the collective: all agree
 * first. */
enum mlb_status mlb_exchange_verify(struct mlb_exchange *x, const struct mlb_ctx *ctx,
                                    struct mlb_verification *verification, struct mlb_error *err)
{
    struct mlb_exact exact = {0};
    enum mlb_status status = MLB_OK;
    verification->method = is_sum(x) ? "whole numbers whose sum over ranks is exact, every element"
                                     : "whole numbers of each rank, every element";
    verification->idle = !x->channel;
    if (x->channel)
        status = mlb_exact_open(&exact, ctx->seed, x->channel->size, x->dtype, err);
    if (status == MLB_OK && x->channel)
        status = prepare(x, &exact, ctx, err);
    if (mlb_comm_agree(ctx->comm, status, err) != MLB_OK)
        return err->status;
    status = x->channel ? run_watched(x, ctx, err) : MLB_OK;
    status = tell_how(x, ctx, status, err);
    if (status != MLB_OK || !x->channel)
        return status;
    status = look(x, &exact, ctx, verification, err);
    if (status == MLB_OK)
        status = fill_for_timing(x, ctx, err);
    return status;
}
