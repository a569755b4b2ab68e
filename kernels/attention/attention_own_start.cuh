/* SPDX-License-Identifier: Apache-2.0 */
/* How the launchers of attention kernels start them on a GPU; tests start the same kernels on an
 * emulator. */
#ifndef MLB_KERNELS_ATTENTION_OWN_START_CUH
#define MLB_KERNELS_ATTENTION_OWN_START_CUH

#include <cuda_runtime.h>

namespace attention
{

struct cuda_start {
    static constexpr int UNSUPPORTED = (int)cudaErrorInvalidValue;
    cudaStream_t stream;

    /* More than 48 KiB of shared memory must be asked for, once a device; it costs about a
     * microsecond. */
    template <typename... Parameters, typename... Arguments>
    int operator()(void (*kernel)(Parameters...), dim3 grid, int threads, size_t shared_bytes,
                   const Arguments &...arguments) const
    {
        cudaError_t error = cudaFuncSetAttribute(
            kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared_bytes);
        if (error != cudaSuccess)
            return (int)error;
        kernel<<<grid, (unsigned)threads, shared_bytes, stream>>>(arguments...);
        return (int)cudaGetLastError();
    }
    int zero(void *memory, size_t bytes) const
    {
        return (int)cudaMemsetAsync(memory, 0, bytes, stream);
    }
};

} // namespace attention

#endif
