/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MLB_DEVICE_CUDA_FILL_H
#define MLB_DEVICE_CUDA_FILL_H

#include <stdint.h>

#include "harness/device/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Enqueue ptr[i] = element first + i, i < count, on `stream` of the current device. Returns the
 * cudaError_t of the launch. */
int mlb_cuda_fill(void *stream, void *ptr, uint64_t count, enum mlb_dtype dtype, enum mlb_data data,
                  uint64_t seed, uint64_t first);

#ifdef __cplusplus
}
#endif

#endif
