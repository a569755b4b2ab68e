/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/cuda_cycles.h"

#include <stdlib.h>

#include "harness/device/cuda_inner.h"
#include "harness/device/cuda_status.h"

static const uint64_t SHORTEST_NS = 10000000;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool mlb_cuda_cycles_clock(const struct mlb_cuda_cycles *before,
                           const struct mlb_cuda_cycles *after, double *hz)
{
    double clocks[MLB_CUDA_SMS];
    size_t n = 0;
    for (size_t i = 0; i < MLB_CUDA_SMS; i++) {
        if (before[i].timer_ns == 0 || after[i].timer_ns < before[i].timer_ns + SHORTEST_NS ||
            after[i].cycles <= before[i].cycles)
            continue;
        double ns = (double)(after[i].timer_ns - before[i].timer_ns);
        clocks[n++] = (double)(after[i].cycles - before[i].cycles) / ns * 1e9;
    }
    if (n == 0)
        return false;
    qsort(clocks, n, sizeof *clocks, ascending);
    *hz = clocks[n / 2];
    return true;
}

enum mlb_status mlb_cuda_count_cycles(struct mlb_device *device, int which, struct mlb_error *err)
{
    struct mlb_cuda_device *cuda = (struct mlb_cuda_device *)device;
    const size_t bytes = 2 * MLB_CUDA_SMS * sizeof(struct mlb_cuda_cycles);
    if (which < 0 || which > 1)
        return mlb_fail(err, MLB_E_INTERNAL, "cuda: no count %d of cycles; there are 2", which);
    if (!cuda->cycles &&
        device->backend->alloc(device, bytes, "counts of cycles", &cuda->cycles, err) != MLB_OK)
        return err->status;
    struct mlb_cuda_cycles *to = (struct mlb_cuda_cycles *)cuda->cycles + which * MLB_CUDA_SMS;
    int error = cudaSetDevice(device->info.index); /* a peer's may be the current one */
    if (error == cudaSuccess)
        error = mlb_cuda_read_cycles(cuda->stream, to, device->info.units);
    return mlb_cuda_check(error, err, "count cycles on device %d", device->info.index);
}

enum mlb_status mlb_cuda_clock_between(struct mlb_device *device, double *hz, struct mlb_error *err)
{
    struct mlb_cuda_device *cuda = (struct mlb_cuda_device *)device;
    struct mlb_cuda_cycles counts[2][MLB_CUDA_SMS];
    if (!cuda->cycles)
        return mlb_fail(err, MLB_E_INTERNAL, "cuda: cycles were not counted");
    enum mlb_status status =
        device->backend->copy(device, counts, cuda->cycles, sizeof counts, MLB_TO_HOST, err);
    if (status == MLB_OK && !mlb_cuda_cycles_clock(counts[0], counts[1], hz))
        status = mlb_fail(err, MLB_E_UNSUPPORTED,
                          "cuda: clock of device %d: too little time between two counts",
                          device->info.index);
    return status;
}
