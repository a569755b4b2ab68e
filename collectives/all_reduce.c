/* SPDX-License-Identifier: Apache-2.0 */
/* all_reduce: every rank has a message of S bytes and gets the sum of all of them.
 *
 * The bus bandwidth is S / time * 2 (n-1)/n: each of the n ranks has to send (n-1)/n S to have its
 * part reduced and again (n-1)/n S to hand the reduced part out (Patarasuk and Yuan, "Bandwidth
 * optimal all-reduce algorithms", 2009). Derivation: README.md. */
#include "collectives/channels.h"

#include <stdlib.h>
#include <string.h>

#include "collectives/exact.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

/* What recv holds before a verified call, so that a call that does nothing is caught. Copied in
 * pieces long enough for a GPU's link. */
#define POISON       0x5a
#define POISON_BYTES ((size_t)8 << 20)

struct params {
    uint64_t bytes; /* S: message of one rank */
    int dtype;      /* index into dtypes */
    bool in_place;
};

struct state {
    void *send, *recv; /* the same when in place */
    size_t count;
    enum mlb_dtype dtype;
};

static const enum mlb_dtype dtypes[] = {MLB_F32, MLB_BF16, MLB_F16, MLB_F64, MLB_S32};
static const char *const dtype_choices[] = {"f32", "bf16", "f16", "f64", "s32", NULL};

static const struct mlb_option options[] = {
    {.name = "bytes",
     .type = MLB_BYTES,
     .offset = offsetof(struct params, bytes),
     .min = 1,
     .max = 0x1p40,
     .initial = "1MiB",
     .value = "SIZE",
     .help = "message of one rank"},
    {.name = "dtype",
     .type = MLB_CHOICE,
     .offset = offsetof(struct params, dtype),
     .initial = "f32",
     .choices = dtype_choices,
     .value = "TYPE",
     .help = "element type"},
    {.name = "in_place",
     .type = MLB_FLAG,
     .offset = offsetof(struct params, in_place),
     .help = "send and receive in one buffer (timed on zeros: sums would grow without bound)"},
    {0},
};

static enum mlb_dtype dtype_of(const struct params *params)
{
    return dtypes[params->dtype];
}

static enum mlb_status resolve(void *values, struct mlb_error *err)
{
    const struct params *params = values;
    size_t element = mlb_dtype_bytes(dtype_of(params));
    if (params->bytes == 0 || params->bytes % element != 0)
        return mlb_fail(
            err, MLB_E_CONFIG,
            "all_reduce: bytes = %llu is not a whole number of %s elements of %zu bytes",
            (unsigned long long)params->bytes, dtype_choices[params->dtype], element);
    return MLB_OK;
}

static void label(const void *values, char *to, size_t size)
{
    const struct params *params = values;
    char bytes[MLB_UNIT_TEXT];
    mlb_format(to, size, "%s %s%s", mlb_print_bytes(bytes, params->bytes),
               dtype_choices[params->dtype], params->in_place ? " in place" : "");
}

static void work(const void *values, const struct mlb_ctx *ctx, struct mlb_work *made)
{
    const struct params *params = values;
    double ranks = ctx->comm->size;
    *made = (struct mlb_work){.formula = "all_reduce.busbw.2(n-1)/n",
                              .bytes = (double)params->bytes,
                              .bus_factor = 2.0 * (ranks - 1.0) / ranks};
}

static enum mlb_status check(const void *values, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct params *params = values;
    uint64_t needed = params->in_place ? params->bytes : 2 * params->bytes;
    if (needed <= ctx->memory_bytes)
        return MLB_OK;
    char need[MLB_UNIT_TEXT], have[MLB_UNIT_TEXT];
    return mlb_fail(err, MLB_E_UNSUPPORTED, "all_reduce: needs %s on each rank, %s are free",
                    mlb_print_bytes(need, needed), mlb_print_bytes(have, ctx->memory_bytes));
}

static void teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct state *state = memory;
    if (state->recv != state->send)
        mlb_free(ctx->device, state->recv);
    mlb_free(ctx->device, state->send);
    *state = (struct state){0};
}

static enum mlb_status setup(void *memory, const void *values, const struct mlb_ctx *ctx,
                             struct mlb_error *err)
{
    const struct params *params = values;
    struct state *state = memory;
    state->dtype = dtype_of(params);
    state->count = (size_t)(params->bytes / mlb_dtype_bytes(state->dtype));
    enum mlb_status status =
        mlb_alloc(ctx->device, (size_t)params->bytes, "all_reduce.send", &state->send, err);
    if (status != MLB_OK)
        return status;
    if (params->in_place) {
        state->recv = state->send;
        return MLB_OK;
    }
    return mlb_alloc(ctx->device, (size_t)params->bytes, "all_reduce.recv", &state->recv, err);
}

static enum mlb_status step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct state *state = memory;
    return ctx->channel->ops->all_reduce(ctx->channel, state->send, state->recv, state->count,
                                         state->dtype, err);
}

/* In place, every timed step adds up what the last one left: any data but zeros would pass the
 * range of the type after a few steps. */
static enum mlb_status fill_for_timing(const struct state *state, const struct mlb_ctx *ctx,
                                       struct mlb_error *err)
{
    bool in_place = state->send == state->recv;
    uint64_t seed = ctx->seed + 1u + (uint64_t)ctx->comm->rank;
    return mlb_fill(ctx->device, state->send, state->count, state->dtype,
                    in_place ? MLB_DATA_ZEROS : ctx->data, seed, err);
}

static enum mlb_status poison(const struct state *state, const struct mlb_ctx *ctx,
                              struct mlb_error *err)
{
    size_t total = state->count * mlb_dtype_bytes(state->dtype);
    size_t piece = total < POISON_BYTES ? total : POISON_BYTES;
    void *bytes = malloc(piece);
    enum mlb_status status = MLB_OK;
    if (!bytes)
        return mlb_fail(err, MLB_E_NOMEM, "all_reduce: verification: %zu bytes of host memory",
                        piece);
    memset(bytes, POISON, piece);
    for (size_t at = 0; status == MLB_OK && at < total; at += piece) {
        size_t left = total - at;
        status = mlb_copy(ctx->device, (char *)state->recv + at, bytes, left < piece ? left : piece,
                          MLB_TO_DEVICE, err);
    }
    free(bytes);
    return status;
}

static enum mlb_status run_watched(struct state *state, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    struct mlb_comm *comm = ctx->comm;
    comm->ops->watch(comm, "verification of all_reduce", comm->deadline_s);
    enum mlb_status status = step(state, ctx, err);
    if (status == MLB_OK)
        status = mlb_sync(ctx->device, comm->deadline_s, err);
    comm->ops->unwatch(comm);
    return status;
}

/* One call on exact inputs, every element of the result looked at by every rank. Ranks that fail to
 * make their inputs do not leave the others alone in the collective: all agree first. */
static enum mlb_status verify(const struct mlb_variant *variant, void *memory, const void *values,
                              const struct mlb_ctx *ctx, struct mlb_verification *verification,
                              struct mlb_error *err)
{
    (void)variant, (void)values;
    struct state *state = memory;
    struct mlb_exact exact;
    enum mlb_status status = mlb_exact_open(&exact, ctx->seed, ctx->comm->size, state->dtype, err);
    if (status == MLB_OK && state->send != state->recv)
        status = poison(state, ctx, err);
    if (status == MLB_OK)
        status = mlb_exact_fill(&exact, ctx->device, state->send, state->count, ctx->comm->rank,
                                ctx->threads, err);
    status = mlb_comm_agree(ctx->comm, status, err);
    if (status == MLB_OK)
        status = run_watched(state, ctx, err);
    verification->method = "whole numbers whose sum over ranks is exact, every element";
    if (status == MLB_OK)
        status = mlb_exact_check(&exact, ctx->device, state->recv, state->count, "recv",
                                 ctx->threads, verification, err);
    if (status == MLB_OK)
        status = fill_for_timing(state, ctx, err);
    return status;
}

static const struct mlb_variant variants[] = {
    {.name = "nccl",
     .device = "cuda",
     .check = check,
     .setup = setup,
     .step = step,
     .teardown = teardown},
    {.name = "mpi",
     .device = "cpu",
     .check = check,
     .setup = setup,
     .step = step,
     .teardown = teardown},
    {0},
};

const struct mlb_workload mlb_all_reduce = {
    .name = "all_reduce",
    .summary = "sum over all ranks, result on all: the gradient exchange of data parallelism",
    .params = options,
    .params_bytes = sizeof(struct params),
    .state_bytes = sizeof(struct state),
    .collective = true,
    .min_ranks = 2,
    .resolve = resolve,
    .label = label,
    .work = work,
    .verify = verify,
    .variants = variants,
};
