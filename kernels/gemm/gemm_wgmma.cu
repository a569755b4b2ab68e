/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm/gemm_wgmma.cuh"

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_own.h"

using namespace gemm::wgmma;
using ptx::K_MAJOR;
using ptx::MN_MAJOR;

/* By pass: how A and B are stored, see gemm.h. */
template <typename T> static const void *kernel_of(int pass)
{
    switch (pass) {
    case MLB_GEMM_FWD:
        return reinterpret_cast<const void *>(&gemm_wgmma_kernel<T, K_MAJOR, K_MAJOR>);
    case MLB_GEMM_DGRAD:
        return reinterpret_cast<const void *>(&gemm_wgmma_kernel<T, K_MAJOR, MN_MAJOR>);
    default:
        return reinterpret_cast<const void *>(&gemm_wgmma_kernel<T, MN_MAJOR, MN_MAJOR>);
    }
}

static const void *kernel_for(int dtype, int pass)
{
    return dtype == MLB_BF16 ? kernel_of<ptx::bf16>(pass) : kernel_of<ptx::f16>(pass);
}

extern "C" void mlb_gemm_wgmma_boxes(int pass, unsigned rows[3])
{
    rows[0] = pass == MLB_GEMM_WGRAD ? BOX : ROWS;
    rows[1] = pass == MLB_GEMM_FWD ? B_COLUMNS : BOX;
    rows[2] = BOX;
}

/* Where it was not compiled for sm_90a the kernel is empty, with a handful of registers. Fewer at
 * the launch than setmaxnreg deals out later would let its consumers wait for ever. */
extern "C" bool mlb_gemm_wgmma_built(int dtype, int pass)
{
    cudaFuncAttributes found = {};
    cudaError_t code = cudaFuncGetAttributes(&found, kernel_for(dtype, pass));
    cudaGetLastError(); /* no image for the device at all: the answer is no */
    return code == cudaSuccess && (unsigned)found.numRegs * THREADS >=
                                      128u * (REGISTERS_PRODUCER + CONSUMERS * REGISTERS_CONSUMER);
}

/* The launch of `blocks` blocks in clusters; `cluster` outlives what is returned. */
static cudaLaunchConfig_t configure(unsigned blocks, void *stream, cudaLaunchAttribute *cluster)
{
    cudaLaunchConfig_t how = {};
    *cluster = {};
    cluster->id = cudaLaunchAttributeClusterDimension;
    cluster->val.clusterDim.x = CLUSTER;
    cluster->val.clusterDim.y = cluster->val.clusterDim.z = 1;
    how.gridDim = dim3(blocks);
    how.blockDim = dim3(THREADS);
    how.dynamicSmemBytes = SHARED_BYTES;
    how.stream = static_cast<cudaStream_t>(stream);
    how.attrs = cluster;
    how.numAttrs = 1;
    return how;
}

extern "C" int mlb_gemm_wgmma_prepare(const struct mlb_gemm_call *call, unsigned *clusters)
{
    const void *kernel = kernel_for(call->dtype, call->pass);
    cudaLaunchAttribute cluster;
    cudaLaunchConfig_t how = configure(CLUSTER, nullptr, &cluster);
    int most = 0;
    cudaError_t code = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                            (int)SHARED_BYTES);
    if (code == cudaSuccess)
        code = cudaOccupancyMaxActiveClusters(&most, kernel, &how);
    *clusters = (unsigned)(most > 0 ? most : 1);
    return (int)code;
}

extern "C" int mlb_gemm_wgmma_launch(const struct mlb_gemm_call *call, void *maps,
                                     unsigned clusters, void *stream)
{
    struct mlb_gemm_call copy = *call;
    CUtensorMap *map = static_cast<CUtensorMap *>(maps);
    constexpr unsigned HEIGHT = CLUSTER * ROWS;
    unsigned tiles = (copy.m + HEIGHT - 1) / HEIGHT * ((copy.n + COLUMNS - 1) / COLUMNS);
    void *arguments[] = {&map[0], &map[1], &map[2], &copy.m, &copy.n, &copy.k};
    cudaLaunchAttribute cluster;
    cudaLaunchConfig_t how =
        configure(CLUSTER * (tiles < clusters ? tiles : clusters), stream, &cluster);
    return (int)cudaLaunchKernelExC(&how, kernel_for(call->dtype, call->pass), arguments);
}
