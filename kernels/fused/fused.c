/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fused/fused.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

/* Three times the last cache between two uses of a byte leave nothing of
 * it there. On a rented CPU the cache may be told as a whole host's; 1 GiB is enough for any. */
#define CACHE_MULTIPLE 3u
#define SETS_BYTES     ((uint64_t)1 << 30)
#define SETS_MAX       256u /* tiny ones stay in the cache: a million sets take minutes to fill */

#define GPU_PARTS_PER_UNIT 4u /* blocks of a backward pass that fit on an SM at once */

const struct mlb_fused_op *const mlb_fused_ops[MLB_FUSED_COUNT] = {
    [MLB_FUSED_RMSNORM] = &mlb_fused_rmsnorm,
    [MLB_FUSED_LAYERNORM] = &mlb_fused_layernorm,
    [MLB_FUSED_ROPE] = &mlb_fused_rope,
    [MLB_FUSED_SWIGLU] = &mlb_fused_swiglu,
    [MLB_FUSED_CROSS_ENTROPY] = &mlb_fused_cross_entropy,
    [MLB_FUSED_EMBEDDING] = &mlb_fused_embedding,
    [MLB_FUSED_ADAMW] = &mlb_fused_adamw,
};

const struct mlb_fused_op *mlb_fused_op_of(const struct mlb_fused_params *params)
{
    return mlb_fused_ops[params->op];
}

enum mlb_dtype mlb_fused_dtype(const struct mlb_fused_tensor *tensor,
                               const struct mlb_fused_params *params)
{
    return tensor->type == MLB_TYPE_CASE  ? (enum mlb_dtype)params->dtype
           : tensor->type == MLB_TYPE_F32 ? MLB_F32
                                          : MLB_S32;
}

uint64_t mlb_fused_seed(uint64_t seed, int tensor)
{
    return mlb_rng_bits(seed, 'a' + (uint64_t)tensor);
}

/* ------------------------------------------------------------------------------------ the tensors
 */

static size_t parts_of(const struct mlb_ctx *ctx)
{
    bool gpu = ctx->device->info.capability > 0;
    return gpu ? (size_t)GPU_PARTS_PER_UNIT * ctx->device->info.units : (size_t)ctx->threads;
}

static uint64_t bytes_of(const struct mlb_fused_tensor *tensor,
                         const struct mlb_fused_params *params, size_t parts)
{
    return tensor->shape(params, parts).count * mlb_dtype_bytes(mlb_fused_dtype(tensor, params));
}

/* What a set takes of the device's memory. */
static uint64_t set_bytes(const struct mlb_fused_params *params, size_t parts)
{
    uint64_t bytes = 0;
    for (const struct mlb_fused_tensor *t = mlb_fused_op_of(params)->tensors; t->name; t++)
        if (t->role[params->pass] != MLB_UNUSED)
            bytes += bytes_of(t, params, parts);
    return bytes;
}

/* The least that a pass moves: every input read once, every output written once, what is updated in
 * place both. Partial sums and other scratch are not counted. */
static double moved_bytes(const struct mlb_fused_params *params)
{
    static const double times[] = {[MLB_UNUSED] = 0, [MLB_IN] = 1,  [MLB_OUT] = 1,
                                   [MLB_INOUT] = 2,  [MLB_SUM] = 1, [MLB_SCRATCH] = 0};
    double bytes = 0.0;
    for (const struct mlb_fused_tensor *t = mlb_fused_op_of(params)->tensors; t->name; t++) {
        uint64_t count = t->moved ? t->moved(params) : t->shape(params, 1).count;
        bytes += times[t->role[params->pass]] * (double)count *
                 (double)mlb_dtype_bytes(mlb_fused_dtype(t, params));
    }
    return bytes;
}

static void **pointer_at(unsigned char *args, const struct mlb_fused_tensor *tensor)
{
    return (void **)(void *)(args + tensor->at);
}

void *mlb_fused_pointer(const struct mlb_fused_state *state, int tensor, size_t set)
{
    return *pointer_at(state->args + set * state->op->args_bytes, &state->op->tensors[tensor]);
}

/* ------------------------------------------------------------------------------------------ setup
 */

/* Enough sets that a byte has left the cache when its turn comes again, as memory allows. */
static size_t sets_for(const struct mlb_fused_params *params, const struct mlb_ctx *ctx,
                       size_t parts)
{
    uint64_t each = set_bytes(params, parts);
    double wanted = (double)CACHE_MULTIPLE * (double)ctx->cache_bytes / moved_bytes(params);
    uint64_t most = SETS_BYTES / each, half = ctx->memory_bytes / 2 / each;
    if (ctx->memory_bytes > 0 && half < most)
        most = half;
    most = most < SETS_MAX ? most : SETS_MAX;
    uint64_t sets = wanted < (double)most ? (uint64_t)wanted + 1 : most;
    return sets > 0 ? (size_t)sets : 1;
}

static enum mlb_status alloc_set(struct mlb_fused_state *state,
                                 const struct mlb_fused_params *params, const struct mlb_ctx *ctx,
                                 size_t set, struct mlb_error *err)
{
    unsigned char *args = state->args + set * state->op->args_bytes;
    char what[64];
    state->op->arguments(params, state->parts, args);
    for (const struct mlb_fused_tensor *t = state->op->tensors; t->name; t++) {
        if (t->role[params->pass] == MLB_UNUSED)
            continue;
        mlb_format(what, sizeof what, "%s.%s", state->op->name, t->name);
        if (mlb_alloc(ctx->device, bytes_of(t, params, state->parts), what, pointer_at(args, t),
                      err) != MLB_OK)
            return err->status;
    }
    return MLB_OK;
}

/* Values that only the host can make, once for all sets. */
static enum mlb_status make_values(struct mlb_fused_state *state,
                                   const struct mlb_fused_params *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    const struct mlb_fused_tensor *tensors = state->op->tensors;
    for (int i = 0; tensors[i].name; i++) {
        if (!tensors[i].make || tensors[i].role[params->pass] == MLB_UNUSED)
            continue;
        state->made[i] = malloc(bytes_of(&tensors[i], params, state->parts));
        if (!state->made[i] || !tensors[i].make(params, ctx->seed, state->made[i]))
            return mlb_fail(err, MLB_E_NOMEM, "%s.%s: out of host memory", state->op->name,
                            tensors[i].name);
    }
    return MLB_OK;
}

static enum mlb_status fill_tensor(const struct mlb_fused_state *state, int tensor, size_t set,
                                   const struct mlb_fused_params *params, const struct mlb_ctx *ctx,
                                   enum mlb_data data, struct mlb_error *err)
{
    const struct mlb_fused_tensor *t = &state->op->tensors[tensor];
    enum mlb_fused_role role = t->role[params->pass];
    void *to = mlb_fused_pointer(state, tensor, set);
    if ((role != MLB_IN && role != MLB_INOUT) || t->prepared)
        return MLB_OK;
    if (t->make)
        return mlb_copy(ctx->device, to, state->made[tensor], bytes_of(t, params, state->parts),
                        MLB_TO_DEVICE, err);
    return mlb_fill(ctx->device, to, t->shape(params, state->parts).count,
                    mlb_fused_dtype(t, params), t->zero ? MLB_DATA_ZEROS : data,
                    mlb_fused_seed(ctx->seed, tensor), err);
}

/* What an earlier pass would have left: statistics of rows. */
static enum mlb_status run_prepare(const struct mlb_fused_state *state, const struct mlb_ctx *ctx,
                                   size_t set, struct mlb_error *err)
{
    struct mlb_fused_state before = *state;
    _Alignas(max_align_t) unsigned char args[256];
    const struct mlb_variant *variant = mlb_fused_variants;
    if (!state->op->prepare)
        return MLB_OK;
    if (state->op->args_bytes > sizeof args)
        return mlb_fail(err, MLB_E_INTERNAL, "%s: arguments of %zu bytes", state->op->name,
                        state->op->args_bytes);
    memcpy(args, state->args + set * state->op->args_bytes, state->op->args_bytes);
    state->op->prepare(args);
    before.args = args;
    before.sets = 1;
    before.next = 0;
    while (strcmp(variant->device, ctx->device->info.kind) != 0)
        variant++;
    return variant->step(&before, ctx, err);
}

enum mlb_status mlb_fused_fill(struct mlb_fused_state *state, const struct mlb_fused_params *params,
                               const struct mlb_ctx *ctx, enum mlb_data data, size_t set,
                               struct mlb_error *err)
{
    unsigned char *args = state->args + set * state->op->args_bytes;
    enum mlb_status status = MLB_OK;
    state->op->arguments(params, state->parts, args); /* counts of steps begin again */
    for (int i = 0; state->op->tensors[i].name && status == MLB_OK; i++)
        status = fill_tensor(state, i, set, params, ctx, data, err);
    if (status == MLB_OK)
        status = run_prepare(state, ctx, set, err);
    return status;
}

enum mlb_status mlb_fused_setup(void *memory, const void *values, const struct mlb_ctx *ctx,
                                struct mlb_error *err)
{
    struct mlb_fused_state *state = memory;
    const struct mlb_fused_params *params = values;
    state->op = mlb_fused_op_of(params);
    state->parts = parts_of(ctx);
    state->sets = sets_for(params, ctx, state->parts);
    state->args = calloc(state->sets, state->op->args_bytes);
    if (!state->args)
        return mlb_fail(err, MLB_E_NOMEM, "%s: out of host memory", state->op->name);
    enum mlb_status status = make_values(state, params, ctx, err);
    for (size_t set = 0; set < state->sets && status == MLB_OK; set++) {
        status = alloc_set(state, params, ctx, set, err);
        if (status == MLB_OK)
            status = mlb_fused_fill(state, params, ctx, ctx->data, set, err);
    }
    return status;
}

void mlb_fused_teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_fused_state *state = memory;
    for (int i = 0; state->op && state->op->tensors[i].name; i++) {
        for (size_t set = 0; state->args && set < state->sets; set++)
            mlb_free(ctx->device, mlb_fused_pointer(state, i, set));
        free(state->made[i]);
    }
    free(state->args);
    *state = (struct mlb_fused_state){0};
}

/* ------------------------------------------------------------------------------------------ steps
 */

enum mlb_status mlb_fused_multiple(const char *name, uint64_t value, uint64_t of,
                                   struct mlb_error *err)
{
    if (value % of == 0)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED,
                    "%s = %" PRIu64 ": the kernel takes multiples of %" PRIu64, name, value, of);
}

size_t mlb_fused_rotation(const void *state)
{
    return ((const struct mlb_fused_state *)state)->sets;
}

const void *mlb_fused_turn(struct mlb_fused_state *state)
{
    unsigned char *args = state->args + state->next * state->op->args_bytes;
    state->next = state->next + 1 < state->sets ? state->next + 1 : 0;
    if (state->op->next)
        state->op->next(args);
    return args;
}

enum mlb_status mlb_fused_cpu_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_fused_state *state = memory;
    (void)err;
    state->op->cpu(mlb_fused_turn(state), ctx->threads);
    return MLB_OK;
}

/* ---------------------------------------------------------------------------------- the row's
 * hooks
 */

enum mlb_status mlb_fused_resolve(enum mlb_fused_id op, void *values, struct mlb_error *err)
{
    struct mlb_fused_params *params = values;
    params->op = (int)op;
    if (params->dtype != MLB_BF16 && params->dtype != MLB_F32)
        return mlb_fail(err, MLB_E_CONFIG, "dtype = %s: %s has bf16 and f32",
                        mlb_dtype_names[params->dtype], mlb_fused_ops[op]->name);
    return mlb_fused_ops[op]->resolve ? mlb_fused_ops[op]->resolve(params, err) : MLB_OK;
}

void mlb_fused_label(const void *values, char *to, size_t size)
{
    const struct mlb_fused_params *params = values;
    const struct mlb_fused_op *op = mlb_fused_op_of(params);
    char shape[64];
    op->shape_label(params, shape, sizeof shape);
    mlb_format(to, size, "%s %s%s%s", mlb_dtype_names[params->dtype], shape,
               op->passes[1] ? " " : "", op->passes[1] ? op->passes[params->pass] : "");
}

void mlb_fused_work(const void *values, const struct mlb_ctx *ctx, struct mlb_work *work)
{
    const struct mlb_fused_params *params = values;
    (void)ctx;
    *work = (struct mlb_work){.formula = mlb_fused_op_of(params)->formulas[params->pass],
                              .bytes = moved_bytes(params)};
}

enum mlb_status mlb_fused_check(const void *values, const struct mlb_ctx *ctx,
                                struct mlb_error *err)
{
    const struct mlb_fused_params *params = values;
    char need[MLB_UNIT_TEXT], have[MLB_UNIT_TEXT];
    uint64_t bytes = set_bytes(params, parts_of(ctx));
    if (ctx->memory_bytes == 0 || bytes <= ctx->memory_bytes)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "%s needs %s, %s are free for this rank",
                    mlb_fused_op_of(params)->name, mlb_print_bytes(need, bytes),
                    mlb_print_bytes(have, ctx->memory_bytes));
}

const struct mlb_variant mlb_fused_variants[] = {{.name = "kernel",
                                                  .device = "cuda",
                                                  .check = mlb_fused_cuda_check,
                                                  .setup = mlb_fused_setup,
                                                  .step = mlb_fused_cuda_step,
                                                  .teardown = mlb_fused_teardown},
                                                 {.name = "loops",
                                                  .device = "cpu",
                                                  .check = mlb_fused_check,
                                                  .setup = mlb_fused_setup,
                                                  .step = mlb_fused_cpu_step,
                                                  .teardown = mlb_fused_teardown},
                                                 {0}};
