/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/launch/launch_cuda.h"

#include <cuda_runtime_api.h>
#include <stdlib.h>

#include "harness/device/cuda_device.h"
#include "harness/device/cuda_status.h"
#include "kernels/launch/launch.h"

enum mlb_status mlb_launch_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    const char *blocking = getenv("CUDA_LAUNCH_BLOCKING");
    (void)params, (void)ctx;
    if (blocking && blocking[0] && blocking[0] != '0')
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "CUDA_LAUNCH_BLOCKING is set: every launch would wait for its kernel");
    return MLB_OK;
}

/* ----------------------------------------------------------------------------------------- setup
 */

static int enqueue_all(cudaStream_t stream, uint64_t nodes, uint64_t *counter)
{
    int error = cudaSuccess;
    for (uint64_t i = 0; i < nodes && error == cudaSuccess; i++)
        error = mlb_launch_tick(stream, counter);
    return error;
}

/* By capture of the stream, which makes a chain of what is enqueued. */
static enum mlb_status make_graph(struct mlb_launch *launch, uint64_t *counter, void **to,
                                  struct mlb_device *device, struct mlb_error *err)
{
    cudaStream_t stream = device->backend->stream(device);
    cudaGraph_t graph = NULL;
    cudaGraphExec_t ready = NULL;
    int error = cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
    if (error == cudaSuccess) {
        int inside = enqueue_all(stream, launch->nodes, counter);
        error = cudaStreamEndCapture(stream, &graph); /* also when what is inside went wrong */
        error = inside != cudaSuccess ? inside : error;
    }
    if (error == cudaSuccess)
        error = cudaGraphInstantiate(&ready, graph, 0);
    *to = ready;
    enum mlb_status status = mlb_cuda_check(error, err, "make a graph of %llu kernels on device %d",
                                            (unsigned long long)launch->nodes, device->info.index);
    if (graph)
        cudaGraphDestroy(graph);
    return status;
}

static enum mlb_status make_graphs(struct mlb_launch *launch, struct mlb_device *device,
                                   struct mlb_error *err)
{
    if (launch->op != MLB_LAUNCH_GRAPH)
        return MLB_OK;
    /* A kernel's code is loaded when it is first launched, which a capture does not allow. */
    if (mlb_cuda_check(mlb_launch_tick(device->backend->stream(device), NULL), err,
                       "launch an empty kernel on device %d", device->info.index) != MLB_OK)
        return err->status;
    if (make_graph(launch, NULL, &launch->graphs[0], device, err) != MLB_OK)
        return err->status;
    return make_graph(launch, launch->words, &launch->graphs[1], device, err);
}

enum mlb_status mlb_launch_cuda_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    struct mlb_launch *launch = state;
    const struct mlb_launch_params *p = params;
    void *words = NULL, *host = NULL;
    launch->op = (enum mlb_launch_op)p->op;
    launch->mode = (enum mlb_launch_mode)p->mode;
    launch->nodes = p->nodes;
    launch->wait_s = ctx->comm->deadline_s;
    launch->lanes = 1;
    enum mlb_status status = mlb_alloc(ctx->device, MLB_LAUNCH_LINE, "launch.words", &words, err);
    launch->words = words;
    if (status == MLB_OK)
        status = mlb_cuda_check(cudaMallocHost(&host, sizeof *launch->host), err,
                                "lock 8 bytes of host memory, device %d", ctx->device->info.index);
    launch->host = host;
    return status == MLB_OK ? make_graphs(launch, ctx->device, err) : status;
}

/* ------------------------------------------------------------------------------------------ step
 */

static int enqueue(const struct mlb_launch *launch, cudaStream_t stream)
{
    switch (launch->op) {
    case MLB_LAUNCH_KERNEL:
        return mlb_launch_tick(stream, launch->counting ? launch->words : NULL);
    case MLB_LAUNCH_GRAPH:
        return cudaGraphLaunch(launch->graphs[launch->counting ? 1 : 0], stream);
    case MLB_LAUNCH_H2D:
        return cudaMemcpyAsync(launch->words, launch->host, sizeof *launch->words,
                               cudaMemcpyHostToDevice, stream);
    case MLB_LAUNCH_D2H:
        break;
    }
    return cudaMemcpyAsync(launch->host, launch->words, sizeof *launch->words,
                           cudaMemcpyDeviceToHost, stream);
}

/* A round trip waits within the step: that is what it measures. */
enum mlb_status mlb_launch_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct mlb_launch *launch = state;
    struct mlb_device *device = ctx->device;
    static const char *const what[] = {"an empty kernel", "a graph", "a copy of 8 bytes",
                                       "a copy of 8 bytes"};
    enum mlb_status status =
        mlb_cuda_check(enqueue(launch, device->backend->stream(device)), err,
                       "launch %s on device %d", what[launch->op], device->info.index);
    if (status == MLB_OK && launch->mode == MLB_ROUND_TRIP)
        status = device->backend->sync(device, launch->wait_s, err);
    return status;
}

void mlb_launch_cuda_teardown(void *state, const struct mlb_ctx *ctx)
{
    struct mlb_launch *launch = state;
    if (mlb_cuda_stuck(ctx->device)) /* a launch may still be under way */
        return;
    for (int i = 0; i < 2; i++)
        if (launch->graphs[i])
            cudaGraphExecDestroy(launch->graphs[i]);
    if (launch->host)
        cudaFreeHost(launch->host);
    mlb_free(ctx->device, launch->words);
    *launch = (struct mlb_launch){0};
}
