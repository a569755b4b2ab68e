/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention_wgmma_backward.cuh"

#include "kernels/attention/attention_own_start.cuh"

extern "C" bool mlb_attention_wgmma_has_backward(int dim, int dim_v)
{
    return attention::with_wgmma_backward_shape(dim, dim_v, attention::has_shape{});
}

extern "C" size_t mlb_attention_wgmma_workspace_bytes(const struct mlb_attention_call *call)
{
    return attention::with_wgmma_backward_shape(call->dim, call->dim_v,
                                                attention::backward_workspace_bytes{*call});
}

extern "C" void mlb_attention_wgmma_backward_tensors(const struct mlb_attention_call *call,
                                                     struct mlb_tensor *to)
{
    attention::with_wgmma_backward_shape(call->dim, call->dim_v,
                                         attention::wgmma_backward_tensors{*call, to});
}

extern "C" int mlb_attention_wgmma_backward(const struct mlb_attention_call *call, const void *maps,
                                            void *stream)
{
    return attention::start_wgmma_backward(
        *call, static_cast<const CUtensorMap *>(maps),
        attention::cuda_start{static_cast<cudaStream_t>(stream)});
}
