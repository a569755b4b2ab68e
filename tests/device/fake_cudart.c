/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/device/fake_cudart.h"

#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/device/cuda_cycles.h"
#include "harness/device/cuda_fill.h"
#include "harness/device/fill.h"

struct fake_cudart fake_cudart;

static int device_count(void)
{
    return fake_cudart.devices ? fake_cudart.devices : 1;
}

static cudaError_t remember(cudaError_t error)
{
    if (fake_cudart.broken)
        error = cudaErrorIllegalAddress;
    if (error != cudaSuccess)
        fake_cudart.last_error = error;
    return error;
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t error = (cudaError_t)fake_cudart.last_error;
    fake_cudart.last_error = fake_cudart.broken ? cudaErrorIllegalAddress : cudaSuccess;
    return error;
}

const char *cudaGetErrorString(cudaError_t error)
{
    return error == cudaErrorNotReady ? "device not ready" : "some error";
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = device_count();
    return remember(cudaSuccess);
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    bool good = device >= 0 && device < device_count();
    if (good)
        fake_cudart.current = device;
    return remember(good ? cudaSuccess : cudaErrorInvalidDevice);
}

static cudaError_t known(int device)
{
    return remember(device >= 0 && device < device_count() ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
    memset(prop, 0, sizeof *prop);
    return known(device);
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr name, int device)
{
    (void)name;
    *value = 0;
    return known(device);
}

cudaError_t cudaDeviceGetPCIBusId(char *id, int size, int device)
{
    snprintf(id, (size_t)size, "0000:%02X:00.0", 0x1b + device);
    return known(device);
}

cudaError_t cudaMemGetInfo(size_t *left, size_t *total)
{
    *left = 1 << 20;
    *total = 1 << 30;
    return remember(cudaSuccess);
}

cudaError_t cudaMalloc(void **ptr, size_t bytes)
{
    *ptr = fake_cudart.no_memory ? NULL : malloc(bytes);
    fake_cudart.memory += *ptr != NULL;
    return remember(*ptr ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaFree(void *ptr)
{
    fake_cudart.frees++;
    fake_cudart.memory -= ptr != NULL;
    free(ptr);
    return remember(cudaSuccess);
}

/* ----------------------------------------------------------------------------------------- copies
 */

enum { PINNED_MOST = 16 };
static void *pinned[PINNED_MOST];

static bool is_pinned(const void *ptr)
{
    for (int i = 0; i < PINNED_MOST; i++)
        if (pinned[i] == ptr)
            return true;
    return false;
}

static cudaError_t copy(void *to, const void *from, size_t bytes, bool lazy)
{
    if (fake_cudart.copies_left > 0 && --fake_cudart.copies_left == 0)
        fake_cudart.broken = true;
    if (!fake_cudart.broken && !(lazy && fake_cudart.lazy))
        memcpy(to, from, bytes);
    return remember(cudaSuccess);
}

/* The runtime's own way with pageable memory is not asynchronous; backend->copy uses such. */
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    (void)stream;
    const void *host = kind == cudaMemcpyHostToDevice ? from : to;
    fake_cudart.busy_ms += kind == cudaMemcpyDeviceToDevice ? fake_cudart.copy_ms : 0.0f;
    bool locked = fake_cudart.pinned > 0 && is_pinned(host);
    return copy(to, from, bytes, locked || kind == cudaMemcpyDeviceToDevice);
}

cudaError_t cudaMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device,
                                size_t bytes, cudaStream_t stream)
{
    (void)stream;
    if (known(to_device) != cudaSuccess || known(from_device) != cudaSuccess)
        return remember(cudaErrorInvalidDevice);
    return copy(to, from, bytes, true);
}

/* ------------------------------------------------------------------------------ streams and events
 */

static char streams[16]; /* one a device */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    (void)flags;
    *stream = (cudaStream_t)(void *)&streams[fake_cudart.current];
    fake_cudart.streams++;
    return remember(cudaSuccess);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    (void)stream;
    fake_cudart.frees++;
    fake_cudart.streams--;
    return remember(cudaSuccess);
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    (void)stream;
    if (fake_cudart.capturing) {
        fake_cudart.spoiled = true;
        return remember(cudaErrorStreamCaptureUnsupported);
    }
    return remember(fake_cudart.busy_queries-- > 0 ? cudaErrorNotReady : cudaSuccess);
}

static char events[16]; /* those of a device are one */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    (void)flags;
    *event = (cudaEvent_t)(void *)&events[fake_cudart.current];
    fake_cudart.events++;
    return remember(cudaSuccess);
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, 0);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    (void)event;
    fake_cudart.frees++;
    fake_cudart.events--;
    return remember(cudaSuccess);
}

/* An event and the stream it is recorded in are of one device. */
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    fake_cudart.elapsed_ms = fake_cudart.busy_ms;
    fake_cudart.busy_ms = 0.0f;
    bool same = (char *)(void *)event - events == (char *)(void *)stream - streams;
    return remember(same ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
    (void)stream, (void)event, (void)flags;
    fake_cudart.waits++;
    return remember(cudaSuccess);
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    (void)from, (void)to;
    *ms = fake_cudart.elapsed_ms > 0.0f ? fake_cudart.elapsed_ms : 1.5f;
    return remember(cudaSuccess);
}

/* ------------------------------------------------------------------------------------ host memory
 */

static bool swap_pinned(const void *from, void *to)
{
    for (int i = 0; i < PINNED_MOST; i++)
        if (pinned[i] == from) {
            pinned[i] = to;
            return true;
        }
    return false;
}

cudaError_t cudaHostRegister(void *ptr, size_t bytes, unsigned flags)
{
    (void)bytes, (void)flags;
    if (fake_cudart.no_pinning || !swap_pinned(NULL, ptr))
        return remember(cudaErrorMemoryAllocation);
    fake_cudart.pinned++;
    return remember(cudaSuccess);
}

cudaError_t cudaHostUnregister(void *ptr)
{
    if (!swap_pinned(ptr, NULL))
        return remember(cudaErrorHostMemoryNotRegistered);
    fake_cudart.pinned--;
    return remember(cudaSuccess);
}

cudaError_t cudaMallocHost(void **ptr, size_t bytes)
{
    *ptr = malloc(bytes);
    cudaError_t error = cudaHostRegister(*ptr, bytes, 0);
    if (error == cudaSuccess)
        return error;
    free(*ptr);
    *ptr = NULL;
    return error;
}

cudaError_t cudaFreeHost(void *ptr)
{
    cudaError_t error = cudaHostUnregister(ptr);
    free(ptr);
    return error;
}

/* ------------------------------------------------------------------------------------------- peers
 */

cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer)
{
    *can = !fake_cudart.no_peers && device != peer;
    return known(device) == cudaSuccess ? known(peer) : remember(cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags)
{
    (void)flags;
    if (peer == fake_cudart.current)
        return remember(cudaErrorInvalidDevice);
    fake_cudart.opened_peers++;
    return known(peer);
}

cudaError_t cudaDeviceDisablePeerAccess(int peer)
{
    fake_cudart.opened_peers--;
    return known(peer);
}

cudaError_t cudaDeviceGetP2PAttribute(int *value, enum cudaDeviceP2PAttr name, int device, int peer)
{
    *value = name == cudaDevP2PAttrNativeAtomicSupported;
    return known(device) == cudaSuccess ? known(peer) : remember(cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceReset(void)
{
    fake_cudart.resets++;
    return remember(cudaSuccess);
}

/* ---------------------------------------------------------------------------- kernels and graphs
 */

struct graph {
    void *counter;
    int count;
};

bool fake_cudart_launch(void *counter)
{
    if (!fake_cudart.capturing)
        return true;
    fake_cudart.captured = counter;
    fake_cudart.captured_count++;
    return false;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    (void)stream, (void)mode;
    fake_cudart.capturing = true;
    fake_cudart.spoiled = false;
    fake_cudart.captured = NULL;
    fake_cudart.captured_count = 0;
    return remember(cudaSuccess);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    (void)stream;
    fake_cudart.capturing = false;
    *graph = NULL;
    if (fake_cudart.spoiled)
        return remember(cudaErrorStreamCaptureInvalidated);
    struct graph *made = malloc(sizeof *made);
    *made = (struct graph){fake_cudart.captured, fake_cudart.captured_count};
    *graph = (cudaGraph_t)(void *)made;
    fake_cudart.graphs++;
    return remember(cudaSuccess);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *count)
{
    (void)nodes;
    *count = graph ? (size_t)((const struct graph *)(const void *)graph)->count : 0;
    return remember(cudaSuccess);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *ready, cudaGraph_t graph,
                                 unsigned long long flags)
{
    struct graph *made = malloc(sizeof *made);
    (void)flags;
    *made = *(const struct graph *)(const void *)graph;
    *ready = (cudaGraphExec_t)(void *)made;
    fake_cudart.graphs++;
    return remember(cudaSuccess);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t stream)
{
    const struct graph *graph = (const void *)ready;
    (void)stream;
    fake_cudart.launched_nodes += graph->count;
    if (graph->counter)
        *(uint64_t *)graph->counter += (uint64_t)graph->count;
    return remember(cudaSuccess);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    fake_cudart.graphs--;
    free(graph);
    return remember(cudaSuccess);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready)
{
    fake_cudart.graphs--;
    free(ready);
    return remember(cudaSuccess);
}

/* A launch, which tells the last error as launches do. */
int mlb_cuda_fill(void *stream, void *ptr, uint64_t count, enum mlb_dtype dtype, enum mlb_data data,
                  uint64_t seed, uint64_t first)
{
    (void)stream;
    fake_cudart.captured_count += fake_cudart.capturing;
    mlb_fill_host(ptr, count, dtype, data, seed, first);
    return (int)cudaGetLastError();
}

int mlb_cuda_read_cycles(void *stream, struct mlb_cuda_cycles *to, unsigned sms)
{
    (void)stream;
    memset(to, 0, MLB_CUDA_SMS * sizeof *to);
    for (unsigned i = 0; i < sms; i++)
        to[i] = (struct mlb_cuda_cycles){fake_cudart.timer_ns, fake_cudart.cycles};
    return (int)remember(cudaSuccess);
}
