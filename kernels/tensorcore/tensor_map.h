/* SPDX-License-Identifier: Apache-2.0 */
/* What TMA is told about a tensor in global memory. */
#ifndef MLB_KERNELS_TENSORCORE_TENSOR_MAP_H
#define MLB_KERNELS_TENSORCORE_TENSOR_MAP_H

#include <stdint.h>

#include "harness/base/dtype.h"
#include "harness/base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MLB_TENSOR_RANK 4

/* Dimension 0 is the contiguous one. */
struct mlb_tensor {
    void *base;                       /* a multiple of 16 */
    enum mlb_dtype dtype;             /* bf16, f16 or f32 */
    unsigned rank;                    /* 2 to MLB_TENSOR_RANK */
    uint64_t extent[MLB_TENSOR_RANK]; /* elements */
    uint64_t stride[MLB_TENSOR_RANK]; /* bytes to the next along it, multiples of 16; [0] unused */
    uint32_t box[MLB_TENSOR_RANK];    /* elements that one load brings, at most 256 each */
    int swizzled; /* 128-byte swizzle: the box is 128 bytes wide along dimension 0 */
};

/* Fills the CUtensorMap at `map`; `name` is the tensor's in errors. The driver's encoder is looked
 * up at run time, so no program needs libcuda to start. */
enum mlb_status mlb_tensor_map(void *map, const struct mlb_tensor *tensor, const char *name,
                               struct mlb_error *err);

#ifdef __cplusplus
}
#endif

#endif
