/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm/gemm_mma.cuh"

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_own.h"

using namespace gemm::mma;
using ptx::K_MAJOR;
using ptx::MN_MAJOR;

/* By pass: how A and B are stored, see gemm.h. */
template <typename T> static const void *kernel_of(int pass)
{
    switch (pass) {
    case MLB_GEMM_FWD:
        return reinterpret_cast<const void *>(&gemm_mma_kernel<T, K_MAJOR, K_MAJOR>);
    case MLB_GEMM_DGRAD:
        return reinterpret_cast<const void *>(&gemm_mma_kernel<T, K_MAJOR, MN_MAJOR>);
    default:
        return reinterpret_cast<const void *>(&gemm_mma_kernel<T, MN_MAJOR, MN_MAJOR>);
    }
}

static const void *kernel_for(const struct mlb_gemm_call *call)
{
    return call->dtype == MLB_BF16 ? kernel_of<ptx::bf16>(call->pass)
                                   : kernel_of<ptx::f16>(call->pass);
}

extern "C" int mlb_gemm_mma_prepare(const struct mlb_gemm_call *call)
{
    return (int)cudaFuncSetAttribute(kernel_for(call), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     (int)SHARED_BYTES);
}

extern "C" int mlb_gemm_mma_launch(const struct mlb_gemm_call *call, void *stream)
{
    struct mlb_gemm_call copy = *call;
    unsigned tiles = (copy.m + TILE - 1) / TILE * ((copy.n + TILE - 1) / TILE);
    void *arguments[] = {&copy.a, &copy.b, &copy.c, &copy.m, &copy.n, &copy.k};
    return (int)cudaLaunchKernel(kernel_for(call), dim3(tiles), dim3(THREADS), arguments,
                                 SHARED_BYTES, static_cast<cudaStream_t>(stream));
}
