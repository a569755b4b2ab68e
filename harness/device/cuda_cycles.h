/* SPDX-License-Identifier: Apache-2.0 */
/* Each SM's own counter of cycles beside the GPU's timer: its clock without anybody's help, as
 * NVIDIA/nvbench reads it. */
#ifndef MLB_DEVICE_CUDA_CYCLES_H
#define MLB_DEVICE_CUDA_CYCLES_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLB_CUDA_SMS 512 /* numbers of SMs that are counted; the largest parts have under 200 */

/* Zeroed = this SM was not asked. */
struct mlb_cuda_cycles {
    uint64_t timer_ns; /* %globaltimer */
    uint64_t cycles;   /* clock64() right after it */
};

/* Enqueue a count of all SMs into to[MLB_CUDA_SMS] on the device; `sms` blocks of one thread, which
 * the GPU spreads over its SMs. Returns a cudaError_t. */
int mlb_cuda_read_cycles(void *stream, struct mlb_cuda_cycles *to, unsigned sms);

/* Mean clock between two counts: the median over the SMs that are in both. False when none is, or
 * when under 10 ms lie between them: the timer moves in steps of up to a microsecond. */
bool mlb_cuda_cycles_clock(const struct mlb_cuda_cycles *before,
                           const struct mlb_cuda_cycles *after, double *hz);

#ifdef __cplusplus
}
#endif

#endif
