/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention_wgmma_forward.cuh"

#include "kernels/attention/attention_own_start.cuh"

extern "C" bool mlb_attention_wgmma_has_forward(int dim, int dim_v)
{
    return attention::with_wgmma_forward_shape(dim, dim_v, attention::has_shape{});
}

/* Where it was not compiled for sm_90a the kernel is empty, with a handful of registers. Fewer at
 * the launch than setmaxnreg deals out later would let its consumers wait for ever. */
extern "C" bool mlb_attention_wgmma_built(void)
{
    using shape = attention::wgmma_forward_128;
    cudaFuncAttributes found = {};
    cudaError_t code =
        cudaFuncGetAttributes(&found, attention::wgmma_forward_kernel<ptx::bf16, shape>);
    cudaGetLastError(); /* no image for the device at all: the answer is no */
    return code == cudaSuccess &&
           found.numRegs * shape::THREADS >= 128 * (shape::FEW + shape::CONSUMERS * shape::MANY);
}

extern "C" void mlb_attention_wgmma_forward_tensors(const struct mlb_attention_call *call,
                                                    struct mlb_tensor *to)
{
    attention::with_wgmma_forward_shape(call->dim, call->dim_v,
                                        attention::wgmma_forward_tensors{*call, to});
}

extern "C" int mlb_attention_wgmma_forward(const struct mlb_attention_call *call, const void *maps,
                                           void *stream)
{
    return attention::start_wgmma_forward(*call, static_cast<const CUtensorMap *>(maps),
                                          attention::cuda_start{static_cast<cudaStream_t>(stream)});
}
