/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/cuda_fill.h"

#include <cuda_runtime_api.h>

#include "harness/device/fill.h"

namespace
{

struct order {
    enum mlb_fill_rule rule;
    int32_t bound;
    uint64_t seed;
    uint64_t first;
};

/* In C++ the bits of a small float need a type of their own beside the integers. */
struct bf16 {
    uint16_t bits;
};
struct f16 {
    uint16_t bits;
};
struct e4m3 {
    uint8_t bits;
};
struct e5m2 {
    uint8_t bits;
};

template <typename T> __device__ T rounded(float value)
{
    return (T)value;
}
template <> __device__ bf16 rounded<bf16>(float value)
{
    return bf16{mlb_fill_bf16(value)};
}
template <> __device__ f16 rounded<f16>(float value)
{
    return f16{mlb_fill_f16(value)};
}
template <> __device__ e4m3 rounded<e4m3>(float value)
{
    return e4m3{mlb_fill_e4m3(value)};
}
template <> __device__ e5m2 rounded<e5m2>(float value)
{
    return e5m2{mlb_fill_e5m2(value)};
}

/* One element a thread and turn: the arithmetic of three hashes costs more than the store. */
template <typename T> __global__ void fill_kernel(T *to, uint64_t count, order o)
{
    uint64_t stride = (uint64_t)gridDim.x * blockDim.x;
    for (uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride)
        to[i] = rounded<T>(mlb_fill_value(o.rule, o.bound, o.seed, o.first + i));
}

template <typename T>
cudaError_t launch(cudaStream_t stream, void *ptr, uint64_t count, const order &o)
{
    const uint64_t threads = 256, most_blocks = 1 << 16;
    uint64_t blocks = (count + threads - 1) / threads;
    if (blocks > most_blocks)
        blocks = most_blocks;
    fill_kernel<T>
        <<<(unsigned)blocks, (unsigned)threads, 0, stream>>>(static_cast<T *>(ptr), count, o);
    return cudaGetLastError();
}

} // namespace

extern "C" int mlb_cuda_fill(void *stream, void *ptr, uint64_t count, enum mlb_dtype dtype,
                             enum mlb_data data, uint64_t seed, uint64_t first)
{
    cudaStream_t s = static_cast<cudaStream_t>(stream);
    order o = {MLB_FILL_ZERO, 0, seed, first};
    o.rule = mlb_fill_rule(data, dtype, &o.bound);
    if (count == 0)
        return cudaSuccess;
    switch (dtype) {
    case MLB_F64:
        return launch<double>(s, ptr, count, o);
    case MLB_F32:
    case MLB_TF32:
        return launch<float>(s, ptr, count, o);
    case MLB_BF16:
        return launch<bf16>(s, ptr, count, o);
    case MLB_F16:
        return launch<f16>(s, ptr, count, o);
    case MLB_S32:
        return launch<int32_t>(s, ptr, count, o);
    case MLB_S8:
        return launch<int8_t>(s, ptr, count, o);
    case MLB_E4M3:
        return launch<e4m3>(s, ptr, count, o);
    case MLB_E5M2:
        return launch<e5m2>(s, ptr, count, o);
    case MLB_DTYPE_COUNT:
        break;
    }
    return cudaErrorInvalidValue;
}
