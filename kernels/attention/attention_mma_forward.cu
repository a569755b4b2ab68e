/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention_mma_forward.cuh"

#include "kernels/attention/attention_mma.h"
#include "kernels/attention/attention_own_start.cuh"

extern "C" size_t mlb_attention_mma_forward_shared_bytes(int dim, int dim_v)
{
    return attention::with_forward_shape(dim, dim_v, attention::forward_shared_bytes{});
}

extern "C" int mlb_attention_mma_forward(const struct mlb_attention_call *call, void *stream)
{
    return attention::start_forward(*call,
                                    attention::cuda_start{static_cast<cudaStream_t>(stream)});
}
