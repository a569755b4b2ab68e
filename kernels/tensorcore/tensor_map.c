/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/tensorcore/tensor_map.h"

#include <cuda.h>
#include <cuda_runtime_api.h>

#include "harness/device/cuda_status.h"

#define DRIVER 12000 /* CUDA 12.0, the first whose driver knows tensor maps */

typedef __typeof__(cuTensorMapEncodeTiled) encoder;

static enum mlb_status find_encoder(encoder **encode, struct mlb_error *err)
{
    void *found = NULL;
    enum cudaDriverEntryPointQueryResult result = cudaDriverEntryPointSymbolNotFound;
#if CUDART_VERSION >= 12050
    int code = (int)cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, DRIVER,
                                                     cudaEnableDefault, &result);
#else
    int code =
        (int)cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &found, cudaEnableDefault, &result);
#endif
    if (code != cudaSuccess)
        return mlb_cuda_check(code, err, "look up cuTensorMapEncodeTiled");
    if (result != cudaDriverEntryPointSuccess || !found)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "the driver has no cuTensorMapEncodeTiled: it needs CUDA 12.0 or newer");
    *encode = (encoder *)found;
    return MLB_OK;
}

static CUtensorMapDataType type_of(enum mlb_dtype dtype)
{
    switch (dtype) {
    case MLB_BF16:
        return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
    case MLB_F16:
        return CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
    default:
        return CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
    }
}

enum mlb_status mlb_tensor_map(void *map, const struct mlb_tensor *tensor, const char *name,
                               struct mlb_error *err)
{
    cuuint64_t extent[MLB_TENSOR_RANK], stride[MLB_TENSOR_RANK];
    cuuint32_t box[MLB_TENSOR_RANK], step[MLB_TENSOR_RANK];
    encoder *encode = NULL;
    if (find_encoder(&encode, err) != MLB_OK)
        return err->status;
    for (unsigned i = 0; i < tensor->rank; i++) {
        extent[i] = tensor->extent[i];
        box[i] = tensor->box[i];
        step[i] = 1;
        if (i > 0)
            stride[i - 1] = tensor->stride[i];
    }
    CUresult code =
        encode(map, type_of(tensor->dtype), tensor->rank, tensor->base, extent, stride, box, step,
               CU_TENSOR_MAP_INTERLEAVE_NONE,
               tensor->swizzled ? CU_TENSOR_MAP_SWIZZLE_128B : CU_TENSOR_MAP_SWIZZLE_NONE,
               CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    if (code != CUDA_SUCCESS)
        return mlb_fail(err, MLB_E_DEVICE, "cuda: tensor map of %s: CUresult %d", name, (int)code);
    return MLB_OK;
}
