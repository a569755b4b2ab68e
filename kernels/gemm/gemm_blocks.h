/* SPDX-License-Identifier: Apache-2.0 */
/* Matrices of small floats in blocks of neighbours along k, each block with a scale:
 *
 *   mxfp8   32 x e4m3, scale 2^x in 8 bits (UE8M0): "OCP Microscaling Formats (MX)" 1.0, 5.2, 6.3
 *   nvfp4   16 x e2m1, scale e4m3 without its sign (UE4M3): NVIDIA's, of Blackwell
 *
 * The stored matrix has `rows` of k elements. Two e2m1 share a byte, the first in the low half. The
 * scales stand in tiles of 128 rows x 4 blocks, as cuBLASLt reads them. */
#ifndef MLB_KERNELS_GEMM_BLOCKS_H
#define MLB_KERNELS_GEMM_BLOCKS_H

#include <stdint.h>

#include "kernels/gemm/gemm.h"

#define MLB_GEMM_BLOCK_MOST 32u /* elements of a block at most */

uint64_t mlb_gemm_block_length(int dtype);                                 /* elements of a block */
uint64_t mlb_gemm_block_bytes(int dtype, uint64_t rows, uint64_t k);       /* elements alone */
uint64_t mlb_gemm_block_scale_bytes(int dtype, uint64_t rows, uint64_t k); /* whole tiles */
/* Where the scale of a row's block stands among the scales. */
uint64_t mlb_gemm_block_scale_at(int dtype, uint64_t k, uint64_t row, uint64_t block);

/* Values of a block, rounded: scale and one code an element; and back again. */
void mlb_gemm_block_round(int dtype, const double *values, uint8_t *scale, uint8_t *codes);
double mlb_gemm_block_value(int dtype, uint8_t scale, uint8_t code);

/* Element of a stored matrix. */
double mlb_gemm_block_load(int dtype, const unsigned char *elements, const unsigned char *scales,
                           uint64_t k, uint64_t row, uint64_t column);

/* The block of generated data that begins at element `first` of an operand, as it is held. */
void mlb_gemm_block_made(int dtype, enum mlb_data data, uint64_t seed, uint64_t first,
                         double *held);

/* Fill one operand of every set: elements, and scales `scales` bytes behind them. */
enum mlb_status mlb_gemm_block_fill(const struct mlb_ctx *ctx, int dtype, enum mlb_data data,
                                    uint64_t seed, uint64_t rows, uint64_t k, unsigned char *to,
                                    size_t scales, size_t stride, size_t sets,
                                    struct mlb_error *err);

#endif
