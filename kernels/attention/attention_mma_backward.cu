/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention_mma_backward.cuh"

#include "kernels/attention/attention_mma.h"
#include "kernels/attention/attention_own_start.cuh"

extern "C" size_t mlb_attention_mma_backward_shared_bytes(int dim, int dim_v)
{
    return attention::with_backward_shape(dim, dim_v, attention::backward_shared_bytes{});
}

extern "C" size_t mlb_attention_mma_workspace_bytes(const struct mlb_attention_call *call)
{
    return attention::with_backward_shape(call->dim, call->dim_v,
                                          attention::backward_workspace_bytes{*call});
}

extern "C" int mlb_attention_mma_backward(const struct mlb_attention_call *call, void *stream)
{
    return attention::start_backward(*call,
                                     attention::cuda_start{static_cast<cudaStream_t>(stream)});
}
