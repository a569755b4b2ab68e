/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/cuda_cycles.h"

#include <cuda_runtime_api.h>

namespace
{

__global__ void read_cycles(mlb_cuda_cycles *to)
{
    unsigned sm;
    unsigned long long timer_ns;
    asm volatile("mov.u32 %0, %%smid;" : "=r"(sm));
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(timer_ns)::"memory");
    long long cycles = clock64();
    if (sm >= MLB_CUDA_SMS)
        return;
    to[sm].timer_ns = timer_ns;
    to[sm].cycles = (uint64_t)cycles;
}

} // namespace

extern "C" int mlb_cuda_read_cycles(void *stream, struct mlb_cuda_cycles *to, unsigned sms)
{
    cudaStream_t s = static_cast<cudaStream_t>(stream);
    cudaError_t error = cudaMemsetAsync(to, 0, MLB_CUDA_SMS * sizeof *to, s);
    if (error != cudaSuccess)
        return error;
    read_cycles<<<sms, 1, 0, s>>>(to);
    return cudaGetLastError();
}
