/* SPDX-License-Identifier: Apache-2.0 */
/* Attention forward and backward on the CPU without a matrix of size seq x seq_kv: FlashAttention-2
 * (arXiv:2307.08691) with an instruction set chosen when the program runs.
 *
 *   S = scale Q K^T, causal: row i sees columns j <= i     P = softmax of each row
 *   O = P V      LSE_i = ln sum_j exp(S_ij)
 *   delta_i = dO_i . O_i      dS = P o (dO V^T - delta)
 *   dV = P^T dO      dQ = scale dS K      dK = scale dS^T Q
 *
 * Query head h reads key head h / (heads / kv_heads); dK and dV are summed over these. Results are
 * the same bits in every run with the same way and number of threads. */
#ifndef MLB_KERNELS_ATTENTION_FUSED_H
#define MLB_KERNELS_ATTENTION_FUSED_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/dtype.h"
#include "harness/base/status.h"

#define MLB_ATTENTION_FUSED_UNIT  16u  /* head dims are multiples of this */
#define MLB_ATTENTION_FUSED_WIDTH 256u /* and at most this */

/* Element (b, row, head, column) of a tensor stands at b * batch + row * row + head * head bytes
 * and column elements. */
struct mlb_attention_view {
    unsigned char *at;
    size_t batch, row, head; /* bytes */
};

struct mlb_attention_problem {
    enum mlb_dtype dtype; /* MLB_F32 or MLB_BF16, of all tensors but lse */
    bool causal;
    size_t batch, heads, kv_heads; /* heads is a multiple of kv_heads */
    size_t seq, seq_kv;
    size_t head_dim, head_dim_v; /* of Q and K; of V and O */
    float scale;                 /* positive */
    struct mlb_attention_view q, k, v, o;
    float *lse; /* [batch, heads, seq]: written by forward, read by backward */
    /* For backward alone. */
    struct mlb_attention_view grad_o, grad_q, grad_k, grad_v;
};

/* One set of vector instructions. */
struct mlb_attention_way;
const char *mlb_attention_way_name(const struct mlb_attention_way *way); /* "avx512_bf16" */
/* The `index`-th way that this machine has for `dtype`, fastest first; NULL past the last. There is
 * at least one for MLB_F32 and MLB_BF16. */
const struct mlb_attention_way *mlb_attention_way(enum mlb_dtype dtype, size_t index);

/* MLB_E_UNSUPPORTED: a dtype or head dim that is not for this implementation. */
enum mlb_status mlb_attention_problem_check(const struct mlb_attention_problem *problem,
                                            struct mlb_error *err);

/* Bytes that forward and backward need beside the tensors. */
size_t mlb_attention_fused_bytes(const struct mlb_attention_problem *problem,
                                 const struct mlb_attention_way *way, bool backward, int threads);

/* `workspace`: as many bytes as said above, aligned to 64; its contents don't matter. */
void mlb_attention_fused_forward(const struct mlb_attention_problem *problem,
                                 const struct mlb_attention_way *way, void *workspace, int threads);
void mlb_attention_fused_backward(const struct mlb_attention_problem *problem,
                                  const struct mlb_attention_way *way, void *workspace,
                                  int threads);

#endif
