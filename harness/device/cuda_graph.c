/* SPDX-License-Identifier: Apache-2.0 */
/* Work written down as a CUDA graph: one launch for many kernels, so that what a CPU needs to
 * launch each of them does not count. */
#include "harness/device/cuda_inner.h"
#include "harness/device/cuda_status.h"

/* Thread-local: what other threads of the process do is none of this capture's business. */
enum mlb_status mlb_cuda_begin_graph(struct mlb_device *device, struct mlb_error *err)
{
    struct mlb_cuda_device *cuda = (struct mlb_cuda_device *)device;
    return mlb_cuda_check(cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal),
                          err, "begin a graph on device %d", device->info.index);
}

/* The codes of a capture that something made impossible. */
static bool is_capture_error(cudaError_t error)
{
    return error >= cudaErrorStreamCaptureUnsupported && error <= cudaErrorStreamCaptureWrongThread;
}

static enum mlb_status check_graph(struct mlb_device *device, cudaError_t error, const char *call,
                                   struct mlb_error *err)
{
    enum mlb_status status =
        mlb_cuda_check(error, err, "%s a graph on device %d", call, device->info.index);
    if (status != MLB_OK && is_capture_error(error) && err)
        err->status = status = MLB_E_UNSUPPORTED;
    return status;
}

enum mlb_status mlb_cuda_end_graph(struct mlb_device *device, void **graph, struct mlb_error *err)
{
    struct mlb_cuda_device *cuda = (struct mlb_cuda_device *)device;
    cudaGraph_t captured = NULL;
    cudaGraphExec_t made = NULL;
    size_t nodes = 0;
    *graph = NULL;
    enum mlb_status status =
        check_graph(device, cudaStreamEndCapture(cuda->stream, &captured), "end", err);
    if (status == MLB_OK)
        status = check_graph(device, cudaGraphGetNodes(captured, NULL, &nodes), "look into", err);
    if (status == MLB_OK && nodes == 0)
        status =
            mlb_fail(err, MLB_E_UNSUPPORTED, "cuda: nothing was enqueued on the device's stream");
    if (status == MLB_OK)
        status = check_graph(device, cudaGraphInstantiate(&made, captured, 0), "make", err);
    if (captured)
        cudaGraphDestroy(captured);
    *graph = made;
    return status;
}

enum mlb_status mlb_cuda_launch_graph(struct mlb_device *device, void *graph, struct mlb_error *err)
{
    struct mlb_cuda_device *cuda = (struct mlb_cuda_device *)device;
    return mlb_cuda_check(cudaGraphLaunch(graph, cuda->stream), err, "launch a graph on device %d",
                          device->info.index);
}

void mlb_cuda_free_graph(struct mlb_device *device, void *graph)
{
    if (graph && !((struct mlb_cuda_device *)device)->stuck)
        cudaGraphExecDestroy(graph);
}
