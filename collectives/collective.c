/* SPDX-License-Identifier: Apache-2.0 */
/* The collectives as workloads: one table, and hooks that all of its rows share.
 *
 * The bus bandwidth is S / time * factor: what each link of n ranks has to carry at least
 * (Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms", 2009; derivation in README.md). S
 * and the factors are those of nccl-tests, so that figures compare with its. */
#include "collectives/collective.h"

#include <string.h>

#include "collectives/channels.h"
#include "harness/base/model.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

enum { ROOT = 0 }; /* of what has a root, as in nccl-tests */

/* ------------------------------------------------------------------------------------- the table
 */

static enum mlb_status call(const struct mlb_channel *channel, mlb_collective *op,
                            const struct mlb_exchange *x, struct mlb_error *err)
{
    return op((struct mlb_channel *)channel, x->send, x->recv, x->count, x->dtype, err);
}

static enum mlb_status call_rooted(const struct mlb_channel *channel, mlb_rooted_collective *op,
                                   const struct mlb_exchange *x, struct mlb_error *err)
{
    return op((struct mlb_channel *)channel, x->send, x->recv, x->count, x->dtype, ROOT, err);
}

#define STEP(name, how)                                                                            \
    static enum mlb_status name(const struct mlb_exchange *x, struct mlb_error *err)               \
    {                                                                                              \
        return how(x->channel, x->channel->ops->name, x, err);                                     \
    }
STEP(all_reduce, call)
STEP(reduce_scatter, call)
STEP(all_gather, call)
STEP(alltoall, call)
STEP(reduce, call_rooted)
STEP(broadcast, call_rooted)
STEP(gather, call_rooted)
STEP(scatter, call_rooted)

/* The ring: to the next rank while from the one before. */
static enum mlb_status sendrecv(const struct mlb_exchange *x, struct mlb_error *err)
{
    int n = x->channel->size, rank = x->channel->rank;
    return x->channel->ops->sendrecv(x->channel, x->send, (rank + 1) % n, x->recv,
                                     (rank + n - 1) % n, x->count, x->dtype, err);
}

static double twice_around(double n)
{
    return 2.0 * (n - 1.0) / n;
}

static double once_around(double n)
{
    return (n - 1.0) / n;
}

static double once(double n)
{
    (void)n;
    return 1.0;
}

static const struct mlb_collective_kind kind_all_reduce = {.name = "all_reduce",
                                                           .formula = "all_reduce.busbw.2(n-1)/n",
                                                           .factor = twice_around,
                                                           .step = all_reduce,
                                                           .result = MLB_RESULT_SUM,
                                                           .in_place = MLB_PLACE_SAME},
                                        kind_reduce_scatter = {.name = "reduce_scatter",
                                                               .formula =
                                                                   "reduce_scatter.busbw.(n-1)/n",
                                                               .factor = once_around,
                                                               .step = reduce_scatter,
                                                               .send_all = true,
                                                               .result = MLB_RESULT_SUM_PART,
                                                               .in_place = MLB_PLACE_RECV_IN_SEND},
                                        kind_reduce = {.name = "reduce",
                                                       .formula = "reduce.busbw.1",
                                                       .factor = once,
                                                       .step = reduce,
                                                       .on_root = true,
                                                       .result = MLB_RESULT_SUM,
                                                       .in_place = MLB_PLACE_SAME},
                                        kind_all_gather = {.name = "all_gather",
                                                           .formula = "all_gather.busbw.(n-1)/n",
                                                           .factor = once_around,
                                                           .step = all_gather,
                                                           .recv_all = true,
                                                           .result = MLB_RESULT_ALL,
                                                           .in_place = MLB_PLACE_SEND_IN_RECV},
                                        kind_alltoall = {.name = "alltoall",
                                                         .formula = "alltoall.busbw.(n-1)/n",
                                                         .factor = once_around,
                                                         .step = alltoall,
                                                         .send_all = true,
                                                         .recv_all = true,
                                                         .result = MLB_RESULT_ALL_PARTS},
                                        kind_broadcast = {.name = "broadcast",
                                                          .formula = "broadcast.busbw.1",
                                                          .factor = once,
                                                          .step = broadcast,
                                                          .from_root = true,
                                                          .result = MLB_RESULT_ROOT,
                                                          .in_place = MLB_PLACE_SAME},
                                        kind_gather = {.name = "gather",
                                                       .formula = "gather.busbw.(n-1)/n",
                                                       .factor = once_around,
                                                       .step = gather,
                                                       .recv_all = true,
                                                       .on_root = true,
                                                       .result = MLB_RESULT_ALL,
                                                       .in_place = MLB_PLACE_SEND_IN_RECV},
                                        kind_scatter = {.name = "scatter",
                                                        .formula = "scatter.busbw.(n-1)/n",
                                                        .factor = once_around,
                                                        .step = scatter,
                                                        .send_all = true,
                                                        .from_root = true,
                                                        .result = MLB_RESULT_ROOT_PART,
                                                        .in_place = MLB_PLACE_RECV_IN_SEND},
                                        kind_sendrecv = {.name = "sendrecv",
                                                         .formula = "sendrecv.busbw.1",
                                                         .factor = once,
                                                         .step = sendrecv,
                                                         .result = MLB_RESULT_LEFT};

/* ------------------------------------------------------------------------------------ parameters
 */

struct params {
    const struct mlb_collective_kind *kind;
    uint64_t bytes; /* S as asked for */
    int dtype;      /* index into dtypes */
    bool in_place;
    int mode, scope;
    int model; /* index into mlb_models; 0 = none */
};

#define USUAL_BYTES "1MiB"

enum { ISOLATED, PIPELINED };
enum scope { ALL, NODE, RAIL, RAILS };

static const enum mlb_dtype dtypes[] = {MLB_F32, MLB_BF16, MLB_F16, MLB_F64, MLB_S32};
static const char *const dtype_choices[] = {"f32", "bf16", "f16", "f64", "s32", NULL};
static const char *const modes[] = {"isolated", "pipelined", NULL};
static const char *const scopes[] = {"all", "node", "rail", "rails", NULL};

#define AT(member) .offset = offsetof(struct params, member)

static const struct mlb_option options[] = {
    {.name = "bytes",
     .type = MLB_BYTES,
     AT(bytes),
     .min = 1,
     .max = 0x1p40,
     .initial = USUAL_BYTES,
     .value = "SIZE",
     .help = "message of one rank; of what has a part for each rank, all parts"},
    {.name = "dtype",
     .type = MLB_CHOICE,
     AT(dtype),
     .initial = "f32",
     .choices = dtype_choices,
     .value = "TYPE",
     .help = "element type"},
    {.name = "in_place",
     .type = MLB_FLAG,
     AT(in_place),
     .help = "send and receive in one buffer (sums are timed on zeros: they would grow without "
             "bound)"},
    {.name = "mode",
     .type = MLB_CHOICE,
     AT(mode),
     .initial = "isolated",
     .choices = modes,
     .value = "MODE",
     .help = "all ranks leave together before each call, or calls follow each other"},
    {.name = "scope",
     .type = MLB_CHOICE,
     AT(scope),
     .initial = "all",
     .choices = scopes,
     .value = "SCOPE",
     .help = "all ranks; those of a node; one rank of each node; or those of the same local rank "
             "(all nodes, all rails at the same time)"},
    {.name = "model",
     .type = MLB_CHOICE,
     AT(model),
     .initial = "none",
     .choices = mlb_model_names,
     .value = "MODEL",
     .help = "sets bytes: all parameters of a transformer block, in dtype; what sharded data "
             "parallelism gathers, and scatters the gradients of, at a time"},
    {0},
};

static enum mlb_dtype dtype_of(const struct params *params)
{
    return dtypes[params->dtype];
}

static enum mlb_status resolve(void *values, struct mlb_error *err)
{
    struct params *params = values;
    size_t element = mlb_dtype_bytes(dtype_of(params));
    if (params->model && mlb_collective_take_model(params->model, element, USUAL_BYTES,
                                                   &params->bytes, err) != MLB_OK)
        return err->status;
    if (params->bytes == 0 || params->bytes % element != 0)
        return mlb_fail(err, MLB_E_CONFIG,
                        "bytes = %llu is not a whole number of %s elements of %zu bytes",
                        (unsigned long long)params->bytes, dtype_choices[params->dtype], element);
    if (params->in_place && params->kind->in_place == MLB_PLACE_NEVER)
        return mlb_fail(err, MLB_E_CONFIG, "in_place = true: it cannot be done in place");
    return MLB_OK;
}

static void label(const void *values, char *to, size_t size)
{
    const struct params *params = values;
    char bytes[MLB_UNIT_TEXT];
    mlb_format(to, size, "%s %s%s%s%s%s%s%s", mlb_print_bytes(bytes, params->bytes),
               dtype_choices[params->dtype], params->model ? " " : "",
               params->model ? mlb_model_names[params->model] : "",
               params->in_place ? " in place" : "", params->mode == PIPELINED ? " pipelined" : "",
               params->scope != ALL ? " " : "", params->scope != ALL ? scopes[params->scope] : "");
}

static bool pipelined(const void *values)
{
    return ((const struct params *)values)->mode == PIPELINED;
}

/* ------------------------------------------------------------------------------------- the group
 */

/* Ranks of this rank's group. */
static int group_size(const struct params *params, const struct mlb_comm *comm)
{
    switch ((enum scope)params->scope) {
    case NODE:
        return comm->local_size;
    case RAIL:
    case RAILS:
        return comm->nodes;
    default:
        return comm->size;
    }
}

static int group_nodes(const struct params *params, const struct mlb_comm *comm)
{
    return params->scope == NODE ? 1 : comm->nodes;
}

/* For mlb_channel_ops.split: which group this rank is in; -1 = in none. Where machines are unequal,
 * there are as many rails as the smallest has ranks. */
static int color_of(const struct params *params, const struct mlb_comm *comm)
{
    switch ((enum scope)params->scope) {
    case NODE:
        return comm->node;
    case RAIL:
        return comm->local_rank == 0 ? 0 : -1;
    case RAILS:
        return comm->local_rank < comm->least_local_size ? comm->local_rank : -1;
    default:
        return 0;
    }
}

/* Elements of one rank's block: S is floored to whole elements in each of n blocks. */
static size_t block_count(const struct params *params, int ranks)
{
    const struct mlb_collective_kind *kind = params->kind;
    uint64_t parts = kind->send_all || kind->recv_all ? (uint64_t)ranks : 1;
    uint64_t count = params->bytes / mlb_dtype_bytes(dtype_of(params)) / parts;
    return (size_t)(count ? count : 1);
}

/* Bytes of a buffer that holds the blocks of all ranks, or one. */
static size_t buffer_bytes(const struct params *params, int ranks, bool all)
{
    size_t block = block_count(params, ranks) * mlb_dtype_bytes(dtype_of(params));
    return all ? block * (size_t)ranks : block;
}

static double message_bytes(const struct params *params, int ranks)
{
    const struct mlb_collective_kind *kind = params->kind;
    return (double)buffer_bytes(params, ranks, kind->send_all || kind->recv_all);
}

static void label_here(const void *values, const struct mlb_ctx *ctx, char *to, size_t size)
{
    const struct params *params = values;
    double is = message_bytes(params, group_size(params, ctx->comm));
    label(values, to, size);
    size_t length = strlen(to);
    if (is != (double)params->bytes)
        mlb_format(to + length, size - length, " (%.0f B)", is);
}

static void work(const void *values, const struct mlb_ctx *ctx, struct mlb_work *made)
{
    const struct params *params = values;
    int ranks = group_size(params, ctx->comm);
    *made = (struct mlb_work){.formula = params->kind->formula,
                              .bytes = message_bytes(params, ranks),
                              .bus_factor = params->kind->factor(ranks),
                              .ranks = ranks,
                              .nodes = group_nodes(params, ctx->comm)};
}

static enum mlb_status check_group(const struct params *params, const struct mlb_comm *comm,
                                   struct mlb_error *err)
{
    if (params->scope == NODE && comm->least_local_size < 2)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "scope = node needs two ranks on every machine, one has %d",
                        comm->least_local_size);
    if ((params->scope == RAIL || params->scope == RAILS) && comm->nodes < 2)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "scope = %s needs two machines, there is one",
                        scopes[params->scope]);
    return MLB_OK;
}

/* What a library on a GPU connects at a first call takes memory too, of many ranks up to some GiB:
 * without it the call fails, and with it the job. */
static uint64_t memory_for_buffers(const struct mlb_ctx *ctx)
{
    const uint64_t most = (uint64_t)2 << 30, part = ctx->memory_bytes / 8;
    if (!ctx->device || strcmp(ctx->device->info.kind, "cuda") != 0)
        return ctx->memory_bytes;
    return ctx->memory_bytes - (part < most ? part : most);
}

static enum mlb_status check(const void *values, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct params *params = values;
    if (check_group(params, ctx->comm, err) != MLB_OK)
        return err->status;
    int ranks = group_size(params, ctx->comm);
    size_t send = buffer_bytes(params, ranks, params->kind->send_all);
    size_t recv = buffer_bytes(params, ranks, params->kind->recv_all);
    uint64_t needed = params->in_place ? (send > recv ? send : recv) : send + recv;
    uint64_t left = memory_for_buffers(ctx);
    if (needed <= left)
        return MLB_OK;
    char need[MLB_UNIT_TEXT], have[MLB_UNIT_TEXT];
    return mlb_fail(err, MLB_E_UNSUPPORTED, "needs %s on each rank, %s are free",
                    mlb_print_bytes(need, needed), mlb_print_bytes(have, left));
}

/* --------------------------------------------------------------------------------------- running
 */

static void teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_exchange *x = memory;
    mlb_free(ctx->device, x->spare);
    mlb_free(ctx->device, x->memory);
    if (x->part)
        x->part->ops->close(x->part);
    *x = (struct mlb_exchange){0};
}

/* In place, the smaller buffer is this rank's block of the larger one. */
static enum mlb_status allocate(struct mlb_exchange *x, const struct params *params,
                                struct mlb_error *err)
{
    const struct mlb_collective_kind *kind = x->kind;
    struct mlb_device *device = x->channel->device;
    size_t send = buffer_bytes(params, x->channel->size, kind->send_all);
    size_t recv = buffer_bytes(params, x->channel->size, kind->recv_all);
    size_t mine = (size_t)x->channel->rank * x->count * mlb_dtype_bytes(x->dtype);
    char what[48];
    mlb_format(what, sizeof what, "%s.%s", kind->name, params->in_place ? "buffer" : "recv");
    size_t larger = params->in_place && send > recv ? send : recv;
    if (mlb_alloc(device, larger, what, &x->memory, err) != MLB_OK)
        return err->status;
    x->recv = x->memory;
    if (!params->in_place) {
        mlb_format(what, sizeof what, "%s.send", kind->name);
        enum mlb_status status = mlb_alloc(device, send, what, &x->spare, err);
        x->send = x->spare;
        return status;
    }
    x->send = (char *)x->memory + (kind->in_place == MLB_PLACE_SEND_IN_RECV ? mine : 0);
    x->recv = (char *)x->memory + (kind->in_place == MLB_PLACE_RECV_IN_SEND ? mine : 0);
    return MLB_OK;
}

static enum mlb_status join_group(struct mlb_exchange *x, const struct params *params,
                                  const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_channel *all = ctx->channel;
    x->channel = all;
    if (params->scope == ALL)
        return MLB_OK;
    ctx->comm->ops->watch(ctx->comm, "making groups of ranks", ctx->comm->deadline_s);
    enum mlb_status status = all->ops->split(all, color_of(params, ctx->comm), &x->part, err);
    ctx->comm->ops->unwatch(ctx->comm);
    x->channel = x->part;
    return status;
}

static enum mlb_status setup(void *memory, const void *values, const struct mlb_ctx *ctx,
                             struct mlb_error *err)
{
    const struct params *params = values;
    struct mlb_exchange *x = memory;
    x->kind = params->kind;
    x->dtype = dtype_of(params);
    enum mlb_status status = join_group(x, params, ctx, err);
    if (status != MLB_OK || !x->channel)
        return status;
    x->count = block_count(params, x->channel->size);
    return allocate(x, params, err);
}

static enum mlb_status step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct mlb_exchange *x = memory;
    (void)ctx;
    return x->channel ? x->kind->step(x, err) : MLB_OK;
}

static enum mlb_status verify(const struct mlb_variant *variant, void *memory, const void *values,
                              const struct mlb_ctx *ctx, struct mlb_verification *verification,
                              struct mlb_error *err)
{
    (void)variant, (void)values;
    return mlb_exchange_verify(memory, ctx, verification, err);
}

static void details(const void *memory, const void *values, struct mlb_details *to)
{
    const struct mlb_exchange *x = memory;
    (void)values;
    if (x->channel && x->channel->ops->details)
        x->channel->ops->details(x->channel, to);
}

static const struct mlb_variant variants[] = {
    {.name = "nccl",
     .device = "cuda",
     .check = check,
     .setup = setup,
     .step = step,
     .details = details,
     .teardown = teardown},
    {.name = "mpi",
     .device = "cpu",
     .check = check,
     .setup = setup,
     .step = step,
     .details = details,
     .teardown = teardown},
    {0},
};

#define WORKLOAD(the_name, the_summary)                                                            \
    const struct mlb_workload mlb_##the_name = {.name = #the_name,                                 \
                                                .summary = the_summary,                            \
                                                .kind = &kind_##the_name,                          \
                                                .params = options,                                 \
                                                .params_bytes = sizeof(struct params),             \
                                                .state_bytes = sizeof(struct mlb_exchange),        \
                                                .collective = true,                                \
                                                .min_ranks = 2,                                    \
                                                .pipelined = pipelined,                            \
                                                .resolve = resolve,                                \
                                                .label = label,                                    \
                                                .label_here = label_here,                          \
                                                .work = work,                                      \
                                                .verify = verify,                                  \
                                                .variants = variants}

WORKLOAD(all_reduce,
         "sum over all ranks, result on all: the gradient exchange of data parallelism");
WORKLOAD(all_gather, "the parts of all ranks, on all: weights of sharded data parallelism");
WORKLOAD(reduce_scatter, "sum over all ranks, each keeps a part: gradients of sharded training");
WORKLOAD(broadcast, "one rank's message, on all: weights at the start");
WORKLOAD(reduce, "sum over all ranks, result on one");
WORKLOAD(alltoall, "a part from each rank to each: tokens to experts");
WORKLOAD(sendrecv, "to the next rank while from the one before: pipeline stages, ring attention");
WORKLOAD(gather, "the parts of all ranks, on one");
WORKLOAD(scatter, "one rank's parts, one to each");
