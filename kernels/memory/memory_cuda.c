/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/memory/memory_cuda.h"

#include <cuda_runtime_api.h>

#include "harness/device/cuda_status.h"

static size_t most_blocks(const struct mlb_ctx *ctx)
{
    return (size_t)MLB_MEMORY_GRID_PER_SM * (ctx->device->info.units ? ctx->device->info.units : 1);
}

static enum mlb_status status_of(int code, const char *call, const struct mlb_memory *memory,
                                 struct mlb_error *err)
{
    return mlb_cuda_check(code, err, "%s for memory.%s of %zu bytes", call,
                          mlb_memory_traits[memory->op].name, memory->bytes);
}

enum mlb_status mlb_memory_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    return mlb_memory_check(params, ctx, err);
}

enum mlb_status mlb_memory_cuda_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    return mlb_memory_setup(state, params, ctx, most_blocks(ctx), err);
}

enum mlb_status mlb_memory_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct mlb_memory *memory = state;
    void *stream = ctx->device->backend->stream(ctx->device);
    return status_of(mlb_memory_launch(memory, most_blocks(ctx), stream), "launch", memory, err);
}

enum mlb_status mlb_memory_memcpy_check(const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    const struct mlb_memory_params *p = params;
    if (p->op != MLB_MEMORY_COPY)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "memcpy does op = copy only, not %s",
                        mlb_memory_traits[p->op].name);
    return mlb_memory_check(params, ctx, err);
}

enum mlb_status mlb_memory_memcpy_step(void *state, const struct mlb_ctx *ctx,
                                       struct mlb_error *err)
{
    const struct mlb_memory *memory = state;
    cudaStream_t stream = ctx->device->backend->stream(ctx->device);
    return status_of(
        (int)cudaMemcpyAsync(memory->a, memory->b, memory->bytes, cudaMemcpyDeviceToDevice, stream),
        "cudaMemcpyAsync", memory, err);
}
