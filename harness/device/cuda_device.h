/* SPDX-License-Identifier: Apache-2.0 */
/* What workloads that call CUDA themselves ask a device of kind "cuda" beyond the contract. */
#ifndef MLB_DEVICE_CUDA_DEVICE_H
#define MLB_DEVICE_CUDA_DEVICE_H

#include <stdbool.h>

#include "harness/device/device.h"

/* A sync ran into its deadline: work is still under way, and calls that wait for it (cudaFree,
 * cudaHostUnregister, cudaDeviceReset) would not come back. What it uses is left to the end of the
 * process. */
bool mlb_cuda_stuck(const struct mlb_device *device);

#endif
