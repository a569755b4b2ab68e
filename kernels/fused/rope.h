/* SPDX-License-Identifier: Apache-2.0 */
/* Rotary position embedding (Su et al., arXiv:2104.09864), in place, on the queries and keys of
 * rows that a fused QKV product wrote. With D = head_dim and the pairs (i, i + D/2) of a head
 * ("half" layout: GPT-NeoX, the published Llama weights for transformers, FlashAttention's
 * default):
 *
 *   angle(p, i) = p theta^(-2i/D)              p = token modulo sequence
 *   forward   x[i]       <- x[i] cos - x[i + D/2] sin
 *             x[i + D/2] <- x[i + D/2] cos + x[i] sin
 *   backward  the same with -sin: the inverse rotation */
#ifndef MLB_KERNELS_FUSED_ROPE_H
#define MLB_KERNELS_FUSED_ROPE_H

#include <stddef.h>

#include "harness/base/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mlb_rope_pass { MLB_ROPE_FORWARD, MLB_ROPE_BACKWARD };

struct mlb_rope {
    enum mlb_rope_pass pass;
    enum mlb_dtype dtype; /* MLB_BF16 or MLB_F32 */
    size_t tokens, sequence;
    size_t heads;           /* that are rotated, the first of a row: queries and keys */
    size_t head_dim;        /* even, at most MLB_ROPE_MOST */
    size_t stride;          /* elements of a row: heads x head_dim and more */
    const float *cos, *sin; /* [sequence][head_dim / 2] */
    void *qkv;              /* [tokens][stride] */
};

#define MLB_ROPE_MOST 1024

/* Both tables on the host; either may be NULL. */
void mlb_rope_tables(float *cos, float *sin, size_t sequence, size_t head_dim, double theta);

void mlb_rope_cpu(const struct mlb_rope *rope, int threads);

/* head_dim and stride are multiples of 16 and 8; pointers are aligned to 16 bytes. Enqueues only;
 * returns a cudaError_t. */
int mlb_rope_cuda(const struct mlb_rope *rope, void *stream);

#ifdef __cplusplus
}
#endif

#endif
