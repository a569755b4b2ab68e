/* SPDX-License-Identifier: Apache-2.0 */
/* cudaMemcpyAsync, which a GPU's copy engines carry out: one for each direction. */
#include <cuda_runtime_api.h>

#include "harness/device/cuda_device.h"
#include "harness/device/cuda_status.h"
#include "harness/device/numa.h"
#include "kernels/transfer/host_copy.h"

enum mlb_status mlb_host_copy_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                         struct mlb_error *err)
{
    return mlb_host_copy_check(params, ctx, err);
}

/* Placed first and page-locked then: where cudaMallocHost puts pages cannot be said. */
static enum mlb_status open_lane(struct mlb_host_lane *lane, const struct mlb_host_copy *copy,
                                 const struct mlb_ctx *ctx, const char *what, struct mlb_error *err)
{
    if (mlb_numa_alloc(copy->node, copy->bytes, what, &lane->host, err) != MLB_OK ||
        mlb_cuda_check(cudaHostRegister(lane->host, copy->bytes, cudaHostRegisterDefault), err,
                       "lock %zu bytes of host memory for %s, device %d", copy->bytes, what,
                       ctx->device->info.index) != MLB_OK)
        return err->status;
    lane->pinned = true;
    return mlb_alloc(ctx->device, copy->bytes, what, &lane->device, err);
}

static void close_lane(struct mlb_host_lane *lane, size_t bytes, const struct mlb_ctx *ctx)
{
    if (mlb_cuda_stuck(ctx->device)) /* a copy may still be under way */
        return;
    if (lane->pinned)
        cudaHostUnregister(lane->host);
    mlb_numa_free(lane->host, bytes);
    mlb_free(ctx->device, lane->device);
}

enum mlb_status mlb_host_copy_cuda_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                         struct mlb_error *err)
{
    struct mlb_host_copy *copy = state;
    const struct mlb_host_copy_params *p = params;
    struct mlb_pattern sent = mlb_host_copy_pattern(ctx, false);
    struct mlb_pattern fetched = mlb_host_copy_pattern(ctx, true);
    enum mlb_status status = MLB_OK;
    copy->op = (enum mlb_host_copy_op)p->op;
    copy->bytes = (size_t)p->bytes;
    copy->node = mlb_host_copy_node(p, ctx);
    copy->gpu_node = mlb_numa_of_pci("", ctx->device->info.pci_id);
    if (mlb_host_copy_sends(p->op)) {
        status = open_lane(&copy->h2d, copy, ctx, "host_copy.h2d", err);
        if (status == MLB_OK)
            mlb_pattern_put_host(&sent, copy->h2d.host, copy->bytes);
    }
    if (status == MLB_OK && mlb_host_copy_fetches(p->op)) {
        status = open_lane(&copy->d2h, copy, ctx, "host_copy.d2h", err);
        if (status == MLB_OK)
            status = mlb_pattern_put(&fetched, ctx->device, copy->d2h.device, copy->bytes, err);
    }
    if (status == MLB_OK && p->op == MLB_H2D_D2H)
        status = mlb_side_open(&copy->side, ctx->device, ctx->device->info.index, err);
    return status;
}

static enum mlb_status send(const struct mlb_host_copy *copy, struct mlb_device *device,
                            struct mlb_error *err)
{
    return mlb_cuda_check(cudaMemcpyAsync(copy->h2d.device, copy->h2d.host, copy->bytes,
                                          cudaMemcpyHostToDevice, device->backend->stream(device)),
                          err, "copy %zu bytes from the host to device %d", copy->bytes,
                          device->info.index);
}

static enum mlb_status fetch(const struct mlb_host_copy *copy, struct mlb_device *device,
                             struct mlb_error *err)
{
    return mlb_cuda_check(cudaMemcpyAsync(copy->d2h.host, copy->d2h.device, copy->bytes,
                                          cudaMemcpyDeviceToHost, device->backend->stream(device)),
                          err, "copy %zu bytes from device %d to the host", copy->bytes,
                          device->info.index);
}

enum mlb_status mlb_host_copy_cuda_step(void *state, const struct mlb_ctx *ctx,
                                        struct mlb_error *err)
{
    const struct mlb_host_copy *copy = state;
    if (copy->op == MLB_H2D)
        return send(copy, ctx->device, err);
    if (copy->op == MLB_D2H)
        return fetch(copy, ctx->device, err);
    if (mlb_side_fork(&copy->side, ctx->device, err) != MLB_OK ||
        fetch(copy, copy->side.device, err) != MLB_OK || send(copy, ctx->device, err) != MLB_OK)
        return err->status;
    return mlb_side_join(&copy->side, ctx->device, err);
}

void mlb_host_copy_cuda_teardown(void *state, const struct mlb_ctx *ctx)
{
    struct mlb_host_copy *copy = state;
    mlb_side_close(&copy->side, ctx->device);
    close_lane(&copy->d2h, copy->bytes, ctx);
    close_lane(&copy->h2d, copy->bytes, ctx);
    *copy = (struct mlb_host_copy){0};
}
