/* SPDX-License-Identifier: Apache-2.0 */
/* Between the driver (attention_fused.c) and the code for one instruction set (attention_simd.inc).
 *
 * Everything is computed on 32-bit words: a word is one f32, or two neighbouring bf16 where the
 * instruction set multiplies such pairs. A product has one operand whose words are broadcast, kept
 * as rows of words along the depth, and one operand that is loaded as vectors. Scores are kept
 * transposed, [key row][query row], so that a row of the softmax is a lane: no sum or maximum
 * across lanes, and K and V are read as they lie.
 *
 *   S^T  = K Q^T         depth head_dim      broadcast K         vectors q_t
 *   dP^T = V dO^T              head_dim_v              V                 grad_o_t
 *   O^T  = V^T P^T             key rows                v_t               P^T
 *   dQ^T = K^T dS^T            key rows                k_t               dS^T
 *   dV   = P^T dO              query rows              P^T               grad_o_rows
 *   dK   = dS^T Q              query rows              dS^T              q_rows
 */
#ifndef MLB_KERNELS_ATTENTION_SIMD_H
#define MLB_KERNELS_ATTENTION_SIMD_H

#include "kernels/attention/attention_fused.h"

#define MLB_ATTENTION_STRIP 48u /* key rows whose gradients are made at a time */

struct mlb_attention_plan;

/* One item of a pass; items don't depend on each other. `scratch` is the thread's own. */
typedef void mlb_attention_item(const struct mlb_attention_plan *plan, size_t item, float *scratch);

struct mlb_attention_way {
    const char *name;
    enum mlb_dtype only; /* the dtype it is for; MLB_DTYPE_COUNT = every one */
    bool (*usable)(void);
    size_t pack;                      /* elements of a word */
    size_t width;                     /* query rows of a panel: lanes of all vectors of a tile */
    size_t block;                     /* key rows of a block */
    mlb_attention_item *pack_keys;    /* batch x kv_heads x blocks */
    mlb_attention_item *forward;      /* batch x heads x groups of panels */
    mlb_attention_item *pack_queries; /* batch x heads x panels */
    mlb_attention_item *backward;     /* batch x kv_heads x chunks */
    mlb_attention_item *finish;       /* batch x heads x panels: dQ */
};

extern const struct mlb_attention_way mlb_attention_simd_avx512_bf16, mlb_attention_simd_avx512,
    mlb_attention_simd_avx2, mlb_attention_simd_plain;

/* Sizes, and where things lie in the workspace. NULL: not needed, the tensor itself serves. */
struct mlb_attention_plan {
    struct mlb_attention_problem problem;
    bool backward;
    bool widen;            /* tensors are bf16 and words are f32 */
    size_t words, words_v; /* of a row of Q and K; of V and O */
    size_t panels, blocks; /* of all query rows; of all key rows */
    size_t group;          /* panels that are worked on together */
    size_t chunks;         /* of the key blocks: each has its own sum of dQ */

    float *k_rows, *v_rows;      /* [batch, kv_heads, seq_kv, words]: when widened */
    float *k_t, *v_t;            /* [batch, kv_heads, blocks, head_dim, block / pack] */
    float *q_t, *grad_o_t;       /* [batch, heads, panels, words, width] */
    float *q_rows, *grad_o_rows; /* [batch, heads, seq / pack, head_dim]: pairs, or widened */
    float *delta, *lse2;         /* [batch, heads, panels * width]; lse2 = LSE / ln 2 */
    float *grad_q_t;             /* [batch, heads, chunks, panels, head_dim, width] */
    float *scratch;              /* [threads, scratch_words] */
    size_t scratch_words;
};

/* Key blocks [begin, end) of a chunk; chunks have about the same work. */
size_t mlb_attention_chunk_begin(const struct mlb_attention_plan *plan, size_t chunk);

#endif
