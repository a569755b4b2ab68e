/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/transfer/p2p_cuda.h"

#include <cuda_runtime_api.h>
#include <inttypes.h>
#include <stdlib.h>

#include "harness/base/units.h"
#include "harness/device/cuda_device.h"
#include "harness/device/cuda_status.h"
#include "kernels/transfer/p2p.h"

/* ------------------------------------------------------------------------------------ can it run
 */

static enum mlb_status count_gpus(const struct mlb_ctx *ctx, uint64_t shift, int *count,
                                  struct mlb_error *err)
{
    if (ctx->device->backend->count(count, NULL, 0, err) != MLB_OK)
        return err->status;
    if (*count < 2 && getenv("CUDA_VISIBLE_DEVICES"))
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "this rank sees one GPU: CUDA_VISIBLE_DEVICES hides the others; let every "
                        "rank see all GPUs of its node");
    if (*count < 2)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "this node has one GPU, and a peer is another one");
    if (shift >= (uint64_t)*count)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "shift = %" PRIu64 ": this node has %d GPUs, so 1 to %d", shift, *count,
                        *count - 1);
    return MLB_OK;
}

/* A GPU holds this rank's buffers and those of the rank that has it as its peer. */
static enum mlb_status check_room(const struct mlb_p2p_params *p, const struct mlb_ctx *ctx,
                                  struct mlb_error *err)
{
    unsigned buffers = p->op == MLB_P2P_BOTH ? 4 : p->op == MLB_P2P_LATENCY ? 1 : 2;
    char each[MLB_UNIT_TEXT], left[MLB_UNIT_TEXT];
    if (ctx->memory_bytes == 0 || p->bytes <= ctx->memory_bytes / buffers)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "needs %u x %s on each GPU, %s are free", buffers,
                    mlb_print_bytes(each, p->bytes), mlb_print_bytes(left, ctx->memory_bytes));
}

static enum mlb_status check_access(int own, int peer, struct mlb_error *err)
{
    int can = 0;
    if (mlb_cuda_check(cudaDeviceCanAccessPeer(&can, own, peer), err,
                       "can device %d access device %d", own, peer) != MLB_OK)
        return err->status;
    if (can)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED,
                    "no peer access from device %d to device %d: copies between them are staged "
                    "through host memory (other models, another PCIe root, or an IOMMU that "
                    "redirects)",
                    own, peer);
}

enum mlb_status mlb_p2p_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    const struct mlb_p2p_params *p = params;
    int count = 0, own = ctx->device->info.index;
    if (count_gpus(ctx, p->shift, &count, err) != MLB_OK || check_room(p, ctx, err) != MLB_OK)
        return err->status;
    int peer = (own + (int)p->shift) % count;
    if (check_access(own, peer, err) != MLB_OK)
        return err->status;
    return check_access(peer, own, err);
}

/* ----------------------------------------------------------------------------------------- setup
 */

static enum mlb_status open_access(const struct mlb_device *from, const struct mlb_device *to,
                                   bool *opened, struct mlb_error *err)
{
    cudaError_t error = cudaSetDevice(from->info.index);
    if (error == cudaSuccess)
        error = cudaDeviceEnablePeerAccess(to->info.index, 0);
    *opened = error == cudaSuccess;
    if (error == cudaErrorPeerAccessAlreadyEnabled) {
        cudaGetLastError();
        return MLB_OK;
    }
    return mlb_cuda_check(error, err, "open the memory of device %d to device %d", to->info.index,
                          from->info.index);
}

static int attribute(enum cudaDeviceP2PAttr name, int own, int peer)
{
    int value = -1;
    if (cudaDeviceGetP2PAttribute(&value, name, own, peer) == cudaSuccess)
        return value;
    cudaGetLastError();
    return -1;
}

/* The sender has the pattern. */
static enum mlb_status open_lane(struct mlb_p2p_lane *lane, struct mlb_device *from,
                                 struct mlb_device *to, size_t bytes,
                                 const struct mlb_pattern *pattern, struct mlb_error *err)
{
    if (mlb_alloc(from, bytes, "p2p.from", &lane->from, err) != MLB_OK ||
        mlb_alloc(to, bytes, "p2p.to", &lane->to, err) != MLB_OK)
        return err->status;
    enum mlb_status status = mlb_pattern_put(pattern, from, lane->from, bytes, err);
    return status == MLB_OK ? mlb_sync(from, 60.0, err) : status;
}

static enum mlb_status open_chain(struct mlb_p2p *p2p, const struct mlb_ctx *ctx,
                                  struct mlb_error *err)
{
    const uint64_t zero = 0;
    void *chain = NULL, *cursor = NULL;
    uint64_t *made = malloc(p2p->bytes);
    if (!made)
        return mlb_fail(err, MLB_E_NOMEM, "p2p: %zu bytes of host memory for the chain: none left",
                        p2p->bytes);
    mlb_p2p_make_chain(made, p2p->bytes / sizeof *made, ctx->seed);
    enum mlb_status status = mlb_alloc(p2p->side.device, p2p->bytes, "p2p.chain", &chain, err);
    p2p->chain = chain;
    if (status == MLB_OK)
        status = mlb_copy(p2p->side.device, chain, made, p2p->bytes, MLB_TO_DEVICE, err);
    if (status == MLB_OK)
        status = mlb_alloc(ctx->device, sizeof zero, "p2p.cursor", &cursor, err);
    p2p->cursor = cursor;
    if (status == MLB_OK)
        status = mlb_copy(ctx->device, cursor, &zero, sizeof zero, MLB_TO_DEVICE, err);
    free(made);
    return status;
}

static enum mlb_status open_buffers(struct mlb_p2p *p2p, const struct mlb_ctx *ctx,
                                    struct mlb_error *err)
{
    struct mlb_device *own = ctx->device, *peer = p2p->side.device;
    const struct mlb_pattern out = {ctx->data, ctx->seed, ctx->threads};
    const struct mlb_pattern in = {ctx->data, ctx->seed + 1, ctx->threads};
    enum mlb_status status = MLB_OK;
    if (p2p->op == MLB_P2P_LATENCY)
        return open_chain(p2p, ctx, err);
    if (p2p->op != MLB_P2P_READ)
        status = open_lane(&p2p->out, own, peer, p2p->bytes, &out, err);
    if (status == MLB_OK && p2p->op != MLB_P2P_WRITE)
        status = open_lane(&p2p->in, peer, own, p2p->bytes, &in, err);
    return status;
}

enum mlb_status mlb_p2p_cuda_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    struct mlb_p2p *p2p = state;
    const struct mlb_p2p_params *p = params;
    int own = ctx->device->info.index;
    p2p->op = (enum mlb_p2p_op)p->op;
    p2p->bytes = (size_t)p->bytes;
    if (count_gpus(ctx, p->shift, &p2p->gpus, err) != MLB_OK)
        return err->status;
    int peer = (own + (int)p->shift) % p2p->gpus;
    enum mlb_status status = mlb_side_open(&p2p->side, ctx->device, peer, err);
    if (status == MLB_OK)
        status = open_access(ctx->device, p2p->side.device, &p2p->opens[0], err);
    if (status == MLB_OK)
        status = open_access(p2p->side.device, ctx->device, &p2p->opens[1], err);
    if (status == MLB_OK)
        status = open_buffers(p2p, ctx, err);
    p2p->performance_rank = attribute(cudaDevP2PAttrPerformanceRank, own, peer);
    p2p->atomics = attribute(cudaDevP2PAttrNativeAtomicSupported, own, peer);
    if (status == MLB_OK) /* kernels and allocations of what follows are this GPU's again */
        status = mlb_cuda_check(cudaSetDevice(own), err, "go back to device %d", own);
    return status;
}

/* ------------------------------------------------------------------------------------------ step
 */

/* By the copy engines of the GPU whose stream it is. */
static enum mlb_status copy(struct mlb_device *by, const struct mlb_p2p_lane *lane,
                            const struct mlb_device *from, const struct mlb_device *to,
                            size_t bytes, struct mlb_error *err)
{
    return mlb_cuda_check(cudaMemcpyPeerAsync(lane->to, to->info.index, lane->from,
                                              from->info.index, bytes, by->backend->stream(by)),
                          err, "copy %zu bytes from device %d to device %d", bytes,
                          from->info.index, to->info.index);
}

enum mlb_status mlb_p2p_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_p2p *p2p = state;
    struct mlb_device *own = ctx->device, *peer = p2p->side.device;
    switch (p2p->op) {
    case MLB_P2P_WRITE:
        return copy(own, &p2p->out, own, peer, p2p->bytes, err);
    case MLB_P2P_READ:
        return copy(own, &p2p->in, peer, own, p2p->bytes, err);
    case MLB_P2P_LATENCY:
        p2p->hops += MLB_P2P_HOPS;
        return mlb_cuda_check(
            mlb_p2p_walk(own->backend->stream(own), p2p->chain, p2p->cursor, MLB_P2P_HOPS), err,
            "launch %u loads of device %d's memory on device %d", MLB_P2P_HOPS, peer->info.index,
            own->info.index);
    case MLB_P2P_BOTH:
        break;
    }
    if (mlb_side_fork(&p2p->side, own, err) != MLB_OK ||
        copy(peer, &p2p->in, peer, own, p2p->bytes, err) != MLB_OK ||
        copy(own, &p2p->out, own, peer, p2p->bytes, err) != MLB_OK)
        return err->status;
    return mlb_side_join(&p2p->side, own, err);
}

/* ---------------------------------------------------------------------------------------- teardown
 */

static void close_access(int from, int to)
{
    if (cudaSetDevice(from) == cudaSuccess)
        cudaDeviceDisablePeerAccess(to);
}

/* A context takes some hundred MiB of the peer's memory, which another rank needs: with the last
 * buffer gone, it goes too. */
void mlb_p2p_cuda_teardown(void *state, const struct mlb_ctx *ctx)
{
    struct mlb_p2p *p2p = state;
    struct mlb_device *own = ctx->device, *peer = p2p->side.device;
    if (!peer)
        return;
    int own_index = own->info.index, peer_index = peer->info.index;
    bool stuck = mlb_cuda_stuck(own) || mlb_cuda_stuck(peer);
    if (!stuck) {
        mlb_free(own, p2p->cursor);
        mlb_free(peer, p2p->chain);
        mlb_free(own, p2p->in.to);
        mlb_free(peer, p2p->in.from);
        mlb_free(peer, p2p->out.to);
        mlb_free(own, p2p->out.from);
        if (p2p->opens[1])
            close_access(peer_index, own_index);
        if (p2p->opens[0])
            close_access(own_index, peer_index);
    }
    mlb_side_close(&p2p->side, own);
    if (!stuck && cudaSetDevice(peer_index) == cudaSuccess)
        cudaDeviceReset();
    cudaSetDevice(own_index);
    cudaGetLastError(); /* errors of an end are nobody's */
    *p2p = (struct mlb_p2p){0};
}
