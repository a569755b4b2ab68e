/* SPDX-License-Identifier: Apache-2.0 */
/* CUDA's codes as a status and a line of text. Codes are ints here, so that no header of CUDA is
 * needed to call these. */
#ifndef MLB_DEVICE_CUDA_STATUS_H
#define MLB_DEVICE_CUDA_STATUS_H

#include <stddef.h>

#include "harness/base/status.h"

/* A cudaError_t as a status: MLB_OK for cudaSuccess (err untouched); else "cuda: CALL: meaning
 * (advice)", where the format makes CALL and holds its sizes. Also clears the error that the
 * runtime remembers, so that the next call does not report it again. */
enum mlb_status mlb_cuda_check(int cuda_error, struct mlb_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Why no device was counted and what to do, in one line. `cuda_error` is what cudaGetDeviceCount
 * gave, versions are CUDA's (12040 is 12.4; driver 0 = no driver), `visible` is the value of
 * CUDA_VISIBLE_DEVICES or NULL. */
void mlb_cuda_absence(int cuda_error, int driver_version, int runtime_version, const char *visible,
                      char *why, size_t why_size);

#endif
