/* SPDX-License-Identifier: Apache-2.0 */
/* One GPU as a device, by the CUDA runtime (linked statically, so that the program starts on
 * machines without a driver). CUDA 12 and 13: what 13 took out of cudaDeviceProp comes from
 * attributes. */
#include <ctype.h>
#include <cuda_runtime_api.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/device/cuda_fill.h"
#include "harness/device/cuda_inner.h"
#include "harness/device/cuda_status.h"

static struct mlb_cuda_device *cuda_of(struct mlb_device *device)
{
    return (struct mlb_cuda_device *)device;
}

bool mlb_cuda_stuck(const struct mlb_device *device)
{
    return ((const struct mlb_cuda_device *)device)->stuck;
}

static enum mlb_status cuda_count(int *count, char *why, size_t why_size, struct mlb_error *err)
{
    int found = 0, driver = 0, runtime = 0;
    (void)err;
    cudaError_t error = cudaGetDeviceCount(&found);
    *count = error == cudaSuccess ? found : 0;
    if (why && why_size > 0)
        why[0] = '\0';
    if (*count == 0 && why) {
        cudaDriverGetVersion(&driver);
        cudaRuntimeGetVersion(&runtime);
        mlb_cuda_absence(error, driver, runtime, getenv("CUDA_VISIBLE_DEVICES"), why, why_size);
    }
    cudaGetLastError(); /* forget it: the next call is not to blame */
    return MLB_OK;
}

/* Attributes that some virtual GPUs do not tell come out as 0. */
static double attribute(enum cudaDeviceAttr name, int index)
{
    int value = 0;
    if (cudaDeviceGetAttribute(&value, name, index) != cudaSuccess) {
        cudaGetLastError();
        return 0;
    }
    return value;
}

static void print_uuid(char to[48], const unsigned char *b)
{
    mlb_format(to, 48, "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
               b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
               b[13], b[14], b[15]);
}

static enum mlb_status read_info(int index, struct mlb_device_info *info, struct mlb_error *err)
{
    struct cudaDeviceProp prop;
    enum mlb_status status = mlb_cuda_check(cudaGetDeviceProperties(&prop, index), err,
                                            "properties of device %d", index);
    if (status != MLB_OK)
        return status;
    mlb_format(info->kind, sizeof info->kind, "cuda");
    mlb_format(info->name, sizeof info->name, "%s", prop.name);
    info->index = index;
    print_uuid(info->uuid, (const unsigned char *)prop.uuid.bytes);
    if (cudaDeviceGetPCIBusId(info->pci_id, sizeof info->pci_id, index) != cudaSuccess)
        info->pci_id[0] = '\0';
    for (char *c = info->pci_id; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    info->memory_bytes = prop.totalGlobalMem;
    info->last_cache_bytes = (uint64_t)prop.l2CacheSize;
    info->units = (uint32_t)prop.multiProcessorCount;
    info->capability = (uint32_t)(prop.major * 10 + prop.minor);
    info->clock_hz = attribute(cudaDevAttrClockRate, index) * 1e3; /* kHz */
    info->memory_bytes_per_s = 2.0 * attribute(cudaDevAttrMemoryClockRate, index) * 1e3 *
                               attribute(cudaDevAttrGlobalMemoryBusWidth, index) / 8.0;
    return MLB_OK;
}

static void cuda_close(struct mlb_device *device)
{
    if (!device)
        return;
    struct mlb_cuda_device *cuda = cuda_of(device);
    for (int i = 0; i < MLB_MARKS && !cuda->stuck; i++)
        if (cuda->marks[i])
            cudaEventDestroy(cuda->marks[i]);
    if (cuda->given && !cuda->stuck)
        cudaEventDestroy(cuda->given);
    if (cuda->cycles && !cuda->stuck)
        cudaFree(cuda->cycles);
    if (cuda->stream && !cuda->stuck)
        cudaStreamDestroy(cuda->stream);
    free(cuda);
}

static enum mlb_status open_stream(struct mlb_cuda_device *cuda, struct mlb_error *err)
{
    int index = cuda->base.info.index;
    enum mlb_status status;
    if ((status = mlb_cuda_check(cudaSetDevice(index), err, "open device %d", index)) != MLB_OK)
        return status;
    /* Not ordered with the legacy stream, which libraries use behind our back. */
    if ((status = mlb_cuda_check(cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking),
                                 err, "make a stream on device %d", index)) != MLB_OK)
        return status;
    for (int i = 0; i < MLB_MARKS && status == MLB_OK; i++)
        status = mlb_cuda_check(cudaEventCreate(&cuda->marks[i]), err, "make mark %d on device %d",
                                i, index);
    return status;
}

static enum mlb_status cuda_open(int index, int threads, struct mlb_device **device,
                                 struct mlb_error *err)
{
    (void)threads;
    *device = NULL;
    struct mlb_cuda_device *cuda = calloc(1, sizeof *cuda);
    if (!cuda)
        return mlb_fail(err, MLB_E_NOMEM, "cuda: open device %d: out of memory", index);
    cuda->base.backend = &mlb_backend_cuda;
    enum mlb_status status = read_info(index, &cuda->base.info, err);
    if (status == MLB_OK)
        status = open_stream(cuda, err);
    if (status != MLB_OK) {
        cuda_close(&cuda->base);
        return status;
    }
    *device = &cuda->base;
    return MLB_OK;
}

static enum mlb_status cuda_describe(struct mlb_device *device, struct mlb_device_info *info,
                                     struct mlb_error *err)
{
    (void)err;
    *info = device->info;
    return MLB_OK;
}

static enum mlb_status cuda_memory(struct mlb_device *device, uint64_t *free_bytes,
                                   uint64_t *total_bytes, struct mlb_error *err)
{
    size_t left = 0, total = 0;
    int index = device->info.index;
    cudaError_t error = cudaSetDevice(index);
    if (error == cudaSuccess)
        error = cudaMemGetInfo(&left, &total);
    *free_bytes = left;
    *total_bytes = total;
    return mlb_cuda_check(error, err, "memory of device %d", index);
}

static enum mlb_status fail_alloc(struct mlb_device *device, size_t bytes, const char *what,
                                  cudaError_t error, struct mlb_error *err)
{
    char size[MLB_UNIT_TEXT], left_text[MLB_UNIT_TEXT], total_text[MLB_UNIT_TEXT];
    uint64_t left, total;
    int index = device->info.index;
    mlb_print_bytes(size, bytes);
    cudaGetLastError();
    if (error != cudaErrorMemoryAllocation || cuda_memory(device, &left, &total, NULL) != MLB_OK)
        return mlb_cuda_check(error, err, "alloc %s for %s on device %d", size, what, index);
    return mlb_fail(err, MLB_E_NOMEM,
                    "cuda: alloc %s for %s: out of memory (device %d: %s of %s free)", size, what,
                    index, mlb_print_bytes(left_text, left), mlb_print_bytes(total_text, total));
}

static enum mlb_status cuda_alloc(struct mlb_device *device, size_t bytes, const char *what,
                                  void **ptr, struct mlb_error *err)
{
    *ptr = NULL;
    if (bytes == 0)
        return MLB_OK;
    cudaError_t error = cudaSetDevice(device->info.index);
    if (error == cudaSuccess)
        error = cudaMalloc(ptr, bytes);
    if (error == cudaSuccess)
        return MLB_OK;
    *ptr = NULL;
    return fail_alloc(device, bytes, what, error, err);
}

static void cuda_free(struct mlb_device *device, void *ptr)
{
    if (ptr && !cuda_of(device)->stuck)
        cudaFree(ptr);
}

/* Polls rather than waits, since CUDA's own waits have no deadline. Spins as long as a short kernel
 * lasts, then sleeps in growing steps: at most a hundredth of what was waited, so that the end is
 * seen in time and a host core is left alone. */
static enum mlb_status cuda_sync(struct mlb_device *device, double deadline_s,
                                 struct mlb_error *err)
{
    const double spin_s = 500e-6, longest_sleep_s = 1e-3;
    struct mlb_cuda_device *cuda = cuda_of(device);
    double begin = mlb_clock_s();
    cudaError_t error;
    while ((error = cudaStreamQuery(cuda->stream)) == cudaErrorNotReady) {
        cudaGetLastError(); /* it is remembered, and the next launch would be blamed for it */
        double waited = mlb_clock_s() - begin;
        if (waited > deadline_s) {
            cuda->stuck = true;
            return mlb_fail(err, MLB_E_TIMEOUT,
                            "cuda: sync: device %d still works after %.3g s: a kernel hangs, or "
                            "another rank of its collective is gone",
                            device->info.index, deadline_s);
        }
        double sleep = waited / 100;
        if (waited > spin_s)
            mlb_sleep_s(sleep < longest_sleep_s ? sleep : longest_sleep_s);
    }
    return mlb_cuda_check(error, err, "sync device %d", device->info.index);
}

static enum mlb_status cuda_copy(struct mlb_device *device, void *to, const void *from,
                                 size_t bytes, enum mlb_copy direction, struct mlb_error *err)
{
    static const enum cudaMemcpyKind kinds[] = {
        [MLB_TO_DEVICE] = cudaMemcpyHostToDevice,
        [MLB_TO_HOST] = cudaMemcpyDeviceToHost,
        [MLB_ON_DEVICE] = cudaMemcpyDeviceToDevice,
    };
    const double slowest_bytes_per_s = 50e6; /* a link below it is as good as dead */
    char size[MLB_UNIT_TEXT];
    if (bytes == 0)
        return MLB_OK;
    cudaError_t error = cudaMemcpyAsync(to, from, bytes, kinds[direction], cuda_of(device)->stream);
    enum mlb_status status = mlb_cuda_check(error, err, "copy %s, device %d",
                                            mlb_print_bytes(size, bytes), device->info.index);
    if (status == MLB_OK)
        status = cuda_sync(device, 60.0 + (double)bytes / slowest_bytes_per_s, err);
    return status;
}

static enum mlb_status cuda_fill(struct mlb_device *device, void *ptr, uint64_t count,
                                 enum mlb_dtype dtype, enum mlb_data data, uint64_t seed,
                                 uint64_t first, struct mlb_error *err)
{
    int error = cudaSetDevice(device->info.index);
    if (error == cudaSuccess)
        error = mlb_cuda_fill(cuda_of(device)->stream, ptr, count, dtype, data, seed, first);
    return mlb_cuda_check(error, err, "fill %llu x %s on device %d", (unsigned long long)count,
                          mlb_dtype_name(dtype), device->info.index);
}

static enum mlb_status check_mark(const char *call, int mark, struct mlb_error *err)
{
    if (mark < 0 || mark >= MLB_MARKS)
        return mlb_fail(err, MLB_E_INTERNAL, "cuda: %s: no mark %d; there are %d", call, mark,
                        MLB_MARKS);
    return MLB_OK;
}

static enum mlb_status cuda_mark(struct mlb_device *device, int mark, struct mlb_error *err)
{
    struct mlb_cuda_device *cuda = cuda_of(device);
    enum mlb_status status = check_mark("mark", mark, err);
    if (status != MLB_OK)
        return status;
    return mlb_cuda_check(cudaEventRecord(cuda->marks[mark], cuda->stream), err,
                          "mark %d on device %d", mark, device->info.index);
}

static enum mlb_status cuda_elapsed(struct mlb_device *device, int from, int to, double *ns,
                                    struct mlb_error *err)
{
    const struct mlb_cuda_device *cuda = cuda_of(device);
    float ms = 0;
    enum mlb_status status;
    if ((status = check_mark("elapsed", from, err)) != MLB_OK ||
        (status = check_mark("elapsed", to, err)) != MLB_OK ||
        (status = mlb_cuda_check(cudaEventElapsedTime(&ms, cuda->marks[from], cuda->marks[to]), err,
                                 "elapsed from mark %d to %d on device %d", from, to,
                                 device->info.index)) != MLB_OK)
        return status;
    *ns = (double)ms * 1e6;
    return MLB_OK;
}

static enum mlb_status cuda_wait_for(struct mlb_device *device, struct mlb_device *other,
                                     struct mlb_error *err)
{
    struct mlb_cuda_device *from = cuda_of(other);
    cudaError_t error = cudaSetDevice(other->info.index);
    if (error == cudaSuccess && !from->given)
        error = cudaEventCreateWithFlags(&from->given, cudaEventDisableTiming);
    if (error == cudaSuccess)
        error = cudaEventRecord(from->given, from->stream);
    if (error == cudaSuccess)
        error = cudaStreamWaitEvent(cuda_of(device)->stream, from->given, 0);
    return mlb_cuda_check(error, err, "wait for another stream of device %d", other->info.index);
}

static void *cuda_stream(struct mlb_device *device)
{
    return cuda_of(device)->stream;
}

const struct mlb_backend mlb_backend_cuda = {
    .kind = "cuda",
    .count = cuda_count,
    .identify = read_info,
    .open = cuda_open,
    .close = cuda_close,
    .describe = cuda_describe,
    .memory = cuda_memory,
    .alloc = cuda_alloc,
    .free = cuda_free,
    .copy = cuda_copy,
    .fill = cuda_fill,
    .mark = cuda_mark,
    .elapsed = cuda_elapsed,
    .sync = cuda_sync,
    .stream = cuda_stream,
    .wait_for = cuda_wait_for,
    .count_cycles = mlb_cuda_count_cycles,
    .clock_between = mlb_cuda_clock_between,
    .begin_graph = mlb_cuda_begin_graph,
    .end_graph = mlb_cuda_end_graph,
    .launch_graph = mlb_cuda_launch_graph,
    .free_graph = mlb_cuda_free_graph,
};
