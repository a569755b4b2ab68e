/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/memory/memory_bulk.cuh"

#include "kernels/memory/memory_cuda.h"

#include <cuda_runtime.h>

extern "C" int mlb_memory_launch_bulk(void *to, const void *from, size_t bytes, size_t units,
                                      void *stream)
{
    using namespace memory::bulk;
    cudaFuncAttributes found = {};
    cudaError_t code = cudaFuncGetAttributes(&found, bulk_kernel);
    if (code == cudaSuccess && found.ptxVersion < 90)
        code = cudaErrorNoKernelImageForDevice; /* an older architecture's: it is empty */
    if (code != cudaSuccess)
        return (int)code;
    size_t chunks = (bytes + CHUNK - 1) / CHUNK, most = units * BLOCKS_PER_SM;
    unsigned blocks = (unsigned)(chunks < most ? chunks : most);
    bulk_kernel<<<blocks, 32, SHARED_BYTES, static_cast<cudaStream_t>(stream)>>>(
        static_cast<char *>(to), static_cast<const char *>(from), bytes);
    return (int)cudaGetLastError();
}
