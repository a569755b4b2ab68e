/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention_wgmma_forward.cuh"

#include "kernels/attention/attention_own_start.cuh"

extern "C" bool mlb_attention_wgmma_has_forward(int dim, int dim_v)
{
    return attention::with_wgmma_forward_shape(dim, dim_v, attention::has_shape{});
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
