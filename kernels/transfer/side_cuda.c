/* SPDX-License-Identifier: Apache-2.0 */
#include <cuda_runtime_api.h>

#include "harness/device/cuda_device.h"
#include "harness/device/cuda_status.h"
#include "kernels/transfer/side.h"

/* Events belong to the device that is current when they are made, and are recorded in its streams
 * only. */
static enum mlb_status make_event(const struct mlb_device *device, void **to, struct mlb_error *err)
{
    cudaEvent_t event = NULL;
    cudaError_t error = cudaSetDevice(device->info.index);
    if (error == cudaSuccess)
        error = cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
    *to = event;
    return mlb_cuda_check(error, err, "make an event on device %d", device->info.index);
}

static enum mlb_status return_to(const struct mlb_device *main, struct mlb_error *err)
{
    return mlb_cuda_check(cudaSetDevice(main->info.index), err, "go back to device %d",
                          main->info.index);
}

enum mlb_status mlb_side_open(struct mlb_side *side, struct mlb_device *main, int index,
                              struct mlb_error *err)
{
    enum mlb_status status = main->backend->open(index, 0, &side->device, err);
    if (status == MLB_OK)
        status = make_event(side->device, &side->join, err);
    if (status == MLB_OK)
        status = make_event(main, &side->fork, err);
    struct mlb_error trouble = {0};
    enum mlb_status back = return_to(main, &trouble);
    return status != MLB_OK || back == MLB_OK ? status : mlb_fail(err, back, "%s", trouble.text);
}

void mlb_side_close(struct mlb_side *side, struct mlb_device *main)
{
    bool stuck = mlb_cuda_stuck(main) || (side->device && mlb_cuda_stuck(side->device));
    if (side->fork && !stuck)
        cudaEventDestroy(side->fork);
    if (side->join && !stuck)
        cudaEventDestroy(side->join);
    main->backend->close(side->device);
    *side = (struct mlb_side){0};
}

/* What is enqueued on `later` from here on waits for what `earlier` has so far. */
static enum mlb_status order(struct mlb_device *earlier, struct mlb_device *later, void *event,
                             struct mlb_error *err)
{
    cudaError_t error = cudaEventRecord(event, earlier->backend->stream(earlier));
    if (error == cudaSuccess)
        error = cudaStreamWaitEvent(later->backend->stream(later), event, 0);
    return mlb_cuda_check(error, err, "order a stream of device %d after one of device %d",
                          later->info.index, earlier->info.index);
}

enum mlb_status mlb_side_fork(const struct mlb_side *side, struct mlb_device *main,
                              struct mlb_error *err)
{
    return order(main, side->device, side->fork, err);
}

enum mlb_status mlb_side_join(const struct mlb_side *side, struct mlb_device *main,
                              struct mlb_error *err)
{
    return order(side->device, main, side->join, err);
}
