/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/collectives/overlap_rig.h"

#include "collectives/channels.h"
#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/device/fill.h"
#include "tests/check.h"

struct rig rigs[RIG_RANKS];

void rig_reset(void)
{
    memset(rigs, 0, sizeof rigs);
    for (int i = 0; i < RIG_RANKS; i++)
        rigs[i] = (struct rig){.gemm_ns = 1e6, .collective_ns = 2e6, .beside = 1.0};
}

/* ------------------------------------------------------------------------------------ the device
 */

struct stream {
    struct mlb_device base;
    double now_ns, marks_ns[MLB_MARKS];
};

static struct stream *stream_of(struct mlb_device *device)
{
    return (struct stream *)device;
}

static struct rig *rig_of(const struct mlb_device *device)
{
    return &rigs[device->info.index];
}

static bool has_clock(const struct mlb_device *device)
{
    return device->backend == &rig_streams;
}

static void advance(struct mlb_device *device, double ns)
{
    if (has_clock(device))
        stream_of(device)->now_ns += ns;
    else
        mlb_sleep_s(ns * 1e-9);
}

static double now_ns(struct mlb_device *device)
{
    return has_clock(device) ? stream_of(device)->now_ns : (double)mlb_clock_ns();
}

static enum mlb_status enter(const struct mlb_device *device, const char *call,
                             struct mlb_error *err)
{
    struct rig *rig = rig_of(device);
    int nth = atomic_fetch_add(&rig->calls, 1) + 1;
    if (rig->fail_at > 0 && nth == rig->fail_at)
        return mlb_fail(err, MLB_E_DEVICE, "%s failed", call);
    return MLB_OK;
}

static enum mlb_status count_devices(int *count, char *why, size_t why_size, struct mlb_error *err)
{
    (void)why, (void)why_size, (void)err;
    *count = RIG_RANKS;
    return MLB_OK;
}

static enum mlb_status open_as(const struct mlb_backend *backend, int index, int threads,
                               struct mlb_device **device, struct mlb_error *err)
{
    struct stream *made = calloc(1, sizeof *made);
    made->base.backend = backend;
    made->base.info.index = index;
    made->base.info.units = (uint32_t)threads;
    mlb_format(made->base.info.kind, sizeof made->base.info.kind, "%s", backend->kind);
    enum mlb_status status = enter(&made->base, "open", err);
    *device = status == MLB_OK ? &made->base : NULL;
    if (status == MLB_OK)
        rigs[index].last = made;
    else
        free(made);
    rigs[index].open_devices += status == MLB_OK;
    return status;
}

static enum mlb_status open_streams(int index, int threads, struct mlb_device **device,
                                    struct mlb_error *err)
{
    return open_as(&rig_streams, index, threads, device, err);
}

static enum mlb_status open_threads(int index, int threads, struct mlb_device **device,
                                    struct mlb_error *err)
{
    return open_as(&rig_threads, index, threads, device, err);
}

static void close_device(struct mlb_device *device)
{
    if (!device)
        return;
    rig_of(device)->open_devices--;
    free(device);
}

static enum mlb_status describe(struct mlb_device *device, struct mlb_device_info *info,
                                struct mlb_error *err)
{
    (void)err;
    *info = device->info;
    return MLB_OK;
}

static enum mlb_status memory(struct mlb_device *device, uint64_t *free_bytes,
                              uint64_t *total_bytes, struct mlb_error *err)
{
    (void)device, (void)err;
    *free_bytes = *total_bytes = 1 << 30;
    return MLB_OK;
}

static enum mlb_status alloc(struct mlb_device *device, size_t bytes, const char *what, void **ptr,
                             struct mlb_error *err)
{
    (void)what;
    *ptr = NULL;
    if (enter(device, "alloc", err) != MLB_OK)
        return err->status;
    rig_of(device)->blocks++;
    *ptr = calloc(1, bytes);
    return MLB_OK;
}

static void release(struct mlb_device *device, void *ptr)
{
    if (!ptr)
        return;
    rig_of(device)->blocks--;
    free(ptr);
}

static enum mlb_status copy(struct mlb_device *device, void *to, const void *from, size_t bytes,
                            enum mlb_copy direction, struct mlb_error *err)
{
    (void)direction;
    if (enter(device, "copy", err) != MLB_OK)
        return err->status;
    memmove(to, from, bytes);
    return MLB_OK;
}

static enum mlb_status fill(struct mlb_device *device, void *ptr, uint64_t count,
                            enum mlb_dtype dtype, enum mlb_data data, uint64_t seed, uint64_t first,
                            struct mlb_error *err)
{
    if (enter(device, "fill", err) != MLB_OK)
        return err->status;
    mlb_fill_host(ptr, count, dtype, data, seed, first);
    return MLB_OK;
}

static enum mlb_status mark(struct mlb_device *device, int which, struct mlb_error *err)
{
    check_true(which >= 0 && which < MLB_MARKS);
    if (enter(device, "mark", err) != MLB_OK)
        return err->status;
    stream_of(device)->marks_ns[which] = now_ns(device);
    return MLB_OK;
}

static enum mlb_status elapsed(struct mlb_device *device, int from, int to, double *ns,
                               struct mlb_error *err)
{
    if (enter(device, "elapsed", err) != MLB_OK)
        return err->status;
    *ns = stream_of(device)->marks_ns[to] - stream_of(device)->marks_ns[from];
    return MLB_OK;
}

static enum mlb_status sync_device(struct mlb_device *device, double deadline_s,
                                   struct mlb_error *err)
{
    (void)deadline_s;
    return enter(device, "sync", err);
}

static void *stream(struct mlb_device *device)
{
    return device;
}

static enum mlb_status wait_for(struct mlb_device *device, struct mlb_device *other,
                                struct mlb_error *err)
{
    if (enter(device, "wait_for", err) != MLB_OK)
        return err->status;
    stream_of(device)->now_ns = fmax(stream_of(device)->now_ns, stream_of(other)->now_ns);
    return MLB_OK;
}

#define HOOKS                                                                                      \
    .count = count_devices, .close = close_device, .describe = describe, .memory = memory,         \
    .alloc = alloc, .free = release, .copy = copy, .fill = fill, .mark = mark, .elapsed = elapsed, \
    .sync = sync_device, .stream = stream
const struct mlb_backend rig_streams = {
    .kind = "cuda", .open = open_streams, .wait_for = wait_for, HOOKS};
const struct mlb_backend rig_threads = {.kind = "cpu", .open = open_threads, HOOKS};

/* -------------------------------------------------------------------------------------- the GEMM
 */

struct gemm_params {
    uint64_t m, n, k;
    int dtype;
};

struct gemm_state {
    void *c;
};

static const char *const dtypes[] = {"f32", "bf16", NULL};

static const struct mlb_option gemm_options[] = {
    {.name = "m", .type = MLB_COUNT, .offset = offsetof(struct gemm_params, m)},
    {.name = "n", .type = MLB_COUNT, .offset = offsetof(struct gemm_params, n)},
    {.name = "k", .type = MLB_COUNT, .offset = offsetof(struct gemm_params, k)},
    {.name = "dtype",
     .type = MLB_CHOICE,
     .offset = offsetof(struct gemm_params, dtype),
     .initial = "f32",
     .choices = dtypes},
    {0}};

static void gemm_label(const void *params, char *to, size_t size)
{
    (void)params;
    mlb_format(to, size, "gemm");
}

static void gemm_work(const void *params, const struct mlb_ctx *ctx, struct mlb_work *work)
{
    (void)params, (void)ctx;
    *work = (struct mlb_work){.formula = "gemm"};
}

static enum mlb_status gemm_check(const void *values, const struct mlb_ctx *ctx,
                                  struct mlb_error *err)
{
    const struct gemm_params *params = values;
    if (params->m * params->n > ctx->memory_bytes)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "gemm needs more than %llu bytes",
                        (unsigned long long)ctx->memory_bytes);
    return MLB_OK;
}

static enum mlb_status gemm_setup(void *memory, const void *values, const struct mlb_ctx *ctx,
                                  struct mlb_error *err)
{
    const struct gemm_params *params = values;
    struct gemm_state *state = memory;
    struct rig *rig = rig_of(ctx->device);
    check_true(ctx->channel == NULL);
    rig->gemm_setups++;
    return mlb_alloc(ctx->device, (size_t)(params->m * params->n), "gemm.C", &state->c, err);
}

static enum mlb_status refusing_setup(void *memory, const void *values, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    enum mlb_status status = gemm_setup(memory, values, ctx, err);
    if (status == MLB_OK && rig_of(ctx->device)->gemm_refuses)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "a plan that does not compile");
    return status;
}

static enum mlb_status gemm_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct rig *rig = rig_of(ctx->device);
    (void)memory, (void)err;
    rig->gemm_steps++;
    if (!has_clock(ctx->device) && pthread_equal(pthread_self(), rig->main))
        rig->strayed = true;
    advance(ctx->device, rig->gemm_ns);
    return MLB_OK;
}

static void gemm_teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct gemm_state *state = memory;
    rig_of(ctx->device)->gemm_teardowns++;
    mlb_free(ctx->device, state->c);
    state->c = NULL;
}

static enum mlb_status gemm_verify(const struct mlb_variant *variant, void *state,
                                   const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_verification *verification, struct mlb_error *err)
{
    const struct rig *rig = rig_of(ctx->device);
    (void)variant, (void)state, (void)params, (void)err;
    for (int i = 0; i < 7 && !rig->gemm_blind; i++)
        mlb_verify_element(verification, i, i, 0.5, "C[%d]", i);
    if (rig->gemm_wrong)
        mlb_verify_element(verification, 9, 7, 0.5, "C[%d]", 7);
    return MLB_OK;
}

#define VARIANT(text, kind, makes)                                                                 \
    {                                                                                              \
        .name = text, .device = kind, .check = gemm_check, .setup = makes, .step = gemm_step,      \
        .teardown = gemm_teardown                                                                  \
    }
static const struct mlb_variant gemm_variants[] = {VARIANT("best", "cuda", refusing_setup),
                                                   VARIANT("second", "cuda", gemm_setup),
                                                   VARIANT("best", "cpu", refusing_setup),
                                                   {0}};

static const struct mlb_workload gemm = {.name = "gemm",
                                         .params = gemm_options,
                                         .params_bytes = sizeof(struct gemm_params),
                                         .state_bytes = sizeof(struct gemm_state),
                                         .label = gemm_label,
                                         .work = gemm_work,
                                         .verify = gemm_verify,
                                         .variants = gemm_variants};

const struct mlb_workload *const mlb_kernel_workloads[] = {&gemm, NULL};

/* -------------------------------------------------------------------------------- the collective
 */

static struct rig_case *case_of(struct mlb_channel *channel)
{
    return (struct rig_case *)(void *)((char *)channel - offsetof(struct rig_case, channel));
}

/* After the data has moved: the time, and one wrong element. A GEMM is under way when its stream,
 * the one that was opened last, is ahead. */
static enum mlb_status finish(struct rig_case *rc, enum mlb_status status, void *recv,
                              enum mlb_dtype dtype)
{
    struct rig *rig = rig_of(rc->device);
    if (!pthread_equal(pthread_self(), rig->main))
        rig->strayed = true;
    bool beside = has_clock(rc->device) && rig->last->now_ns > now_ns(rc->device);
    advance(rc->device, rig->collective_ns * (beside ? rig->beside : 1.0));
    if (status == MLB_OK && ++rig->collectives == rig->wrong_bucket)
        mlb_dtype_store(dtype, recv, 0, mlb_dtype_load(dtype, recv, 0) + 1.0);
    return status;
}

#define COLLECTIVE(name)                                                                           \
    static enum mlb_status name(struct mlb_channel *channel, const void *send, void *recv,         \
                                size_t count, enum mlb_dtype dtype, struct mlb_error *err)         \
    {                                                                                              \
        struct rig_case *rc = case_of(channel);                                                    \
        return finish(rc, rc->real->ops->name(rc->real, send, recv, count, dtype, err), recv,      \
                      dtype);                                                                      \
    }
COLLECTIVE(all_reduce)
COLLECTIVE(all_gather)
COLLECTIVE(reduce_scatter)

static void details(const struct mlb_channel *channel, struct mlb_details *to)
{
    (void)channel;
    mlb_detail_text(to, "algorithm", "ring");
}

static const struct mlb_channel_ops channel_ops = {.name = "rig",
                                                   .all_reduce = all_reduce,
                                                   .all_gather = all_gather,
                                                   .reduce_scatter = reduce_scatter,
                                                   .details = details};

/* -------------------------------------------------------------------------------- the workload */

enum mlb_status rig_open(struct rig_case *rc, struct threads_rank *rank,
                         const struct mlb_backend *backend, const char *const *settings)
{
    const struct mlb_workload *workload = &mlb_overlap;
    int index = rank->comm->rank;
    *rc = (struct rig_case){.real = rank->channel, .variant = workload->variants};
    rigs[index].main = pthread_self();
    rigs[index].calls = -1; /* the failures begin after this */
    check_ok(backend->open(index, 4, &rc->device, &rc->err), &rc->err);
    rank->channel->device = rc->device;
    rc->channel = *rank->channel;
    rc->channel.ops = &channel_ops;
    rc->ctx = (struct mlb_ctx){.device = rc->device,
                               .comm = rank->comm,
                               .channel = &rc->channel,
                               .seed = 7,
                               .threads = 4,
                               .memory_bytes = 1 << 20,
                               .tune_s = 0.2};
    while (strcmp(rc->variant->device, backend->kind) != 0)
        rc->variant++;
    rc->params = calloc(1, workload->params_bytes);
    rc->state = calloc(1, workload->state_bytes);
    check_ok(mlb_workload_params(workload, rc->params, &rc->err), &rc->err);
    for (; *settings; settings += 2)
        check_ok(mlb_option_set(mlb_option_find(workload->params, settings[0]), rc->params,
                                settings[1], &rc->err),
                 &rc->err);
    return workload->resolve(rc->params, &rc->err);
}

enum mlb_status rig_run(struct rig_case *rc, int steps, struct mlb_verification *verification)
{
    *verification = (struct mlb_verification){0};
    enum mlb_status status = rc->variant->check(rc->params, &rc->ctx, &rc->err);
    if (status == MLB_OK)
        status = rc->variant->setup(rc->state, rc->params, &rc->ctx, &rc->err);
    status = mlb_comm_agree(rc->ctx.comm, status, &rc->err);
    if (status == MLB_OK)
        status = mlb_overlap.verify(rc->variant, rc->state, rc->params, &rc->ctx, verification,
                                    &rc->err);
    for (int i = 0; i < steps && status == MLB_OK; i++)
        status = rc->variant->step(rc->state, &rc->ctx, &rc->err);
    return status;
}

void rig_close(struct rig_case *rc)
{
    rc->variant->teardown(rc->state, &rc->ctx);
    rc->variant->teardown(rc->state, &rc->ctx);
    free(rc->state);
    free(rc->params);
    rc->device->backend->close(rc->device);
}
