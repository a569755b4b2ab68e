/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/device/fake_cudart.h"

#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/device/cuda_fill.h"

struct fake_cudart fake_cudart;

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
    *count = 1;
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
    return remember(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
    memset(prop, 0, sizeof *prop);
    return cudaSetDevice(device);
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr name, int device)
{
    (void)name;
    *value = 0;
    return cudaSetDevice(device);
}

cudaError_t cudaDeviceGetPCIBusId(char *id, int size, int device)
{
    snprintf(id, (size_t)size, "0000:1B:00.0");
    return cudaSetDevice(device);
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
    return remember(*ptr ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaFree(void *ptr)
{
    fake_cudart.frees++;
    free(ptr);
    return remember(cudaSuccess);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    (void)kind, (void)stream;
    memcpy(to, from, bytes);
    return remember(cudaSuccess);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    static char only;
    (void)flags;
    *stream = (cudaStream_t)(void *)&only;
    return remember(cudaSuccess);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    (void)stream;
    fake_cudart.frees++;
    return remember(cudaSuccess);
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    (void)stream;
    return remember(fake_cudart.busy_queries-- > 0 ? cudaErrorNotReady : cudaSuccess);
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    static char only;
    *event = (cudaEvent_t)(void *)&only;
    return remember(cudaSuccess);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    (void)event;
    fake_cudart.frees++;
    return remember(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    (void)event, (void)stream;
    return remember(cudaSuccess);
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    (void)from, (void)to;
    *ms = 1.5f;
    return remember(cudaSuccess);
}

/* A launch, which tells the last error as launches do. */
int mlb_cuda_fill(void *stream, void *ptr, uint64_t count, enum mlb_dtype dtype, enum mlb_data data,
                  uint64_t seed, uint64_t first)
{
    (void)stream, (void)data, (void)seed, (void)first;
    memset(ptr, 0, count * mlb_dtype_bytes(dtype));
    return (int)cudaGetLastError();
}
