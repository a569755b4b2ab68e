/* SPDX-License-Identifier: Apache-2.0 */
/* The launchers of all the operations: kernels are in <op>.cuh. */
#include "kernels/fused/adamw.cuh"
#include "kernels/fused/cross_entropy.cuh"
#include "kernels/fused/embedding.cuh"
#include "kernels/fused/norm.cuh"
#include "kernels/fused/rope.cuh"
#include "kernels/fused/swiglu.cuh"

namespace
{

struct on_stream {
    cudaStream_t stream;
    template <typename KERNEL, typename... ARGUMENTS>
    void operator()(KERNEL kernel, unsigned blocks, unsigned threads, ARGUMENTS... arguments) const
    {
        kernel<<<blocks, threads, 0, stream>>>(arguments...);
    }
    explicit on_stream(void *s) : stream(static_cast<cudaStream_t>(s))
    {
    }
};

} // namespace

extern "C" int mlb_norm_cuda(const struct mlb_norm *norm, void *stream)
{
    fused::norm_launch(*norm, on_stream(stream));
    return (int)cudaGetLastError();
}

extern "C" int mlb_rope_cuda(const struct mlb_rope *rope, void *stream)
{
    fused::rope_launch(*rope, on_stream(stream));
    return (int)cudaGetLastError();
}

extern "C" int mlb_swiglu_cuda(const struct mlb_swiglu *swiglu, void *stream)
{
    fused::swiglu_launch(*swiglu, on_stream(stream));
    return (int)cudaGetLastError();
}

extern "C" int mlb_cross_entropy_cuda(const struct mlb_cross_entropy *entropy, void *stream)
{
    fused::cross_entropy_launch(*entropy, on_stream(stream));
    return (int)cudaGetLastError();
}

extern "C" int mlb_embedding_cuda(const struct mlb_embedding *embedding, void *stream)
{
    fused::embedding_launch(*embedding, on_stream(stream));
    return (int)cudaGetLastError();
}

extern "C" int mlb_adamw_cuda(const struct mlb_adamw *adamw, void *stream)
{
    fused::adamw_launch(*adamw, on_stream(stream));
    return (int)cudaGetLastError();
}
