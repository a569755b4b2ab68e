/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/memory/memory_cuda.h"

#include <cuda_runtime_api.h>

#include "harness/device/cuda_status.h"

#define TUNE_S 0.5 /* of timed copies, to choose the fastest way */

/* Which operations a way can do, as bits, and from which compute capability on. The first one is
 * what the others are compared with. */
#define BIT(op)      (1u << (op))
#define COPY         BIT(MLB_MEMORY_COPY)
#define ALL          (BIT(MLB_MEMORY_OPS) - 1u)
#define ALL_BUT_READ (ALL & ~BIT(MLB_MEMORY_READ))

#define NAME(way) #way,
static const char *const names[] = {MLB_MEMORY_WAY_LIST(NAME)};

static const struct {
    unsigned ops, capability;
} ways[MLB_MEMORY_WAYS] = {
    [MLB_MEMORY_GRID] = {ALL, 0},           [MLB_MEMORY_GRID_STREAMING] = {ALL, 0},
    [MLB_MEMORY_TILES] = {ALL_BUT_READ, 0}, [MLB_MEMORY_TILES_STREAMING] = {ALL_BUT_READ, 0},
    [MLB_MEMORY_BULK] = {COPY, 90},         [MLB_MEMORY_MEMCPY] = {COPY, 0},
};

bool mlb_memory_way_fits(enum mlb_memory_way way, enum mlb_memory_op op, uint32_t capability)
{
    return (ways[way].ops & BIT(op)) != 0 && capability >= ways[way].capability;
}

static size_t most_blocks(const struct mlb_ctx *ctx)
{
    return (size_t)MLB_MEMORY_GRID_PER_SM * (ctx->device->info.units ? ctx->device->info.units : 1);
}

static enum mlb_status check_way(enum mlb_memory_way way, const void *params,
                                 const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct mlb_memory_params *p = params;
    unsigned capability = ctx->device->info.capability;
    if (capability < ways[way].capability)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "%s needs compute capability %u.%u, this GPU has %u.%u", names[way],
                        ways[way].capability / 10, ways[way].capability % 10, capability / 10,
                        capability % 10);
    if (!mlb_memory_way_fits(way, (enum mlb_memory_op)p->op, capability))
        return mlb_fail(err, MLB_E_UNSUPPORTED, "%s cannot do op = %s", names[way],
                        mlb_memory_traits[p->op].name);
    return mlb_memory_check(params, ctx, err);
}

/* ------------------------------------------------------------------------------------------ step
 */

static int launch(const struct mlb_memory *memory, const struct mlb_ctx *ctx)
{
    struct mlb_device *device = ctx->device;
    cudaStream_t stream = device->backend->stream(device);
    if (memory->way == MLB_MEMORY_MEMCPY)
        return (int)cudaMemcpyAsync(memory->a, memory->b, memory->bytes, cudaMemcpyDeviceToDevice,
                                    stream);
    if (memory->way == MLB_MEMORY_BULK)
        return mlb_memory_launch_bulk(memory->a, memory->b, memory->bytes, device->info.units,
                                      stream);
    return mlb_memory_launch(memory, (enum mlb_memory_way)memory->way, most_blocks(ctx), stream);
}

enum mlb_status mlb_memory_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct mlb_memory *memory = state;
    return mlb_cuda_check(launch(memory, ctx), err, "memory.%s of %zu bytes (%s) on device %d",
                          mlb_memory_traits[memory->op].name, memory->bytes, names[memory->way],
                          ctx->device->info.index);
}

/* ----------------------------------------------------------------------------------------- setup
 */

static enum mlb_status set_up(struct mlb_memory *memory, const void *params,
                              enum mlb_memory_way way, const struct mlb_ctx *ctx,
                              struct mlb_error *err)
{
    memory->way = (int)way;
    return mlb_memory_setup(memory, params, ctx, most_blocks(ctx), err);
}

/* The hooks of a way's own variant. */
#define WAY_HOOKS(name, way)                                                                       \
    enum mlb_status mlb_memory_##name##_check(const void *params, const struct mlb_ctx *ctx,       \
                                              struct mlb_error *err)                               \
    {                                                                                              \
        return check_way(way, params, ctx, err);                                                   \
    }                                                                                              \
    enum mlb_status mlb_memory_##name##_setup(void *state, const void *params,                     \
                                              const struct mlb_ctx *ctx, struct mlb_error *err)    \
    {                                                                                              \
        return set_up(state, params, way, ctx, err);                                               \
    }

WAY_HOOKS(grid, MLB_MEMORY_GRID)
WAY_HOOKS(grid_streaming, MLB_MEMORY_GRID_STREAMING)
WAY_HOOKS(tiles, MLB_MEMORY_TILES)
WAY_HOOKS(tiles_streaming, MLB_MEMORY_TILES_STREAMING)
WAY_HOOKS(bulk, MLB_MEMORY_BULK)
WAY_HOOKS(memcpy, MLB_MEMORY_MEMCPY)

/* ---------------------------------------------------------------------------------- the fastest
 */

enum mlb_status mlb_memory_fastest_check(const void *params, const struct mlb_ctx *ctx,
                                         struct mlb_error *err)
{
    return check_way(MLB_MEMORY_GRID, params, ctx, err);
}

struct trial {
    struct mlb_memory *memory;
    const struct mlb_ctx *ctx;
    enum mlb_memory_way ways[MLB_MEMORY_WAYS];
};

static enum mlb_status launch_trial(void *user, struct mlb_error *err)
{
    struct trial *trial = user;
    return mlb_memory_cuda_step(trial->memory, trial->ctx, err);
}

static enum mlb_status time_way(void *user, size_t index, unsigned runs, double *ns,
                                struct mlb_error *err)
{
    struct trial *trial = user;
    trial->memory->way = (int)trial->ways[index];
    return mlb_tune_launches(trial->ctx, runs, launch_trial, trial, ns, err);
}

enum mlb_status mlb_memory_fastest_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                         struct mlb_error *err)
{
    struct mlb_memory *memory = state;
    struct trial trial = {.memory = memory, .ctx = ctx};
    struct mlb_tune tune = {
        .budget_s = mlb_tune_budget(ctx, TUNE_S), .time = time_way, .user = &trial};
    if (set_up(memory, params, MLB_MEMORY_GRID, ctx, err) != MLB_OK)
        return err->status;
    for (int way = 0; way < MLB_MEMORY_WAYS; way++)
        if (mlb_memory_way_fits((enum mlb_memory_way)way, memory->op, ctx->device->info.capability))
            trial.ways[tune.count++] = (enum mlb_memory_way)way;
    enum mlb_status status = mlb_tune(&tune, &memory->tuned, err);
    memory->way = (int)trial.ways[memory->tuned.chosen];
    return status;
}

void mlb_memory_cuda_details(const void *state, const void *params, struct mlb_details *details)
{
    const struct mlb_memory *memory = state;
    (void)params;
    mlb_detail_text(details, "way", "%s", names[memory->way]);
    if (memory->tuned.tested == 0)
        return;
    mlb_detail_number(details, "ways_timed", (double)memory->tuned.tested);
    mlb_detail_number(details, "grid_ns", memory->tuned.first_ns);
    mlb_detail_number(details, "chosen_ns", memory->tuned.chosen_ns);
}
