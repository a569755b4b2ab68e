/* SPDX-License-Identifier: Apache-2.0 */
/* Scaled dot-product attention of training, forward and backward, per batch b and query head h:
 *
 *   S  = scale Q K^T              [seq, seq_kv], scale = 1 / sqrt(head_dim); causal: -inf for j > i
 *   P  = softmax of each row      P_ij = exp(S_ij - LSE_i)
 *   O  = P V                      and LSE_i = log sum_j exp(S_ij), natural logarithm, f32
 *
 *   delta_i = dO_i . O_i
 *   dV = P^T dO                   summed over the query heads of a key head
 *   dS = P o (dO V^T - delta)
 *   dQ = scale dS K
 *   dK = scale dS^T Q             summed likewise
 *
 * Query head h reads key head h / (heads / kv_heads). Nothing of size seq x seq_kv is kept.
 *
 *   pass   reads                    writes
 *   fwd    Q K V                    O LSE
 *   bwd    Q K V O LSE dO           dQ dK dV
 *
 * A backward case needs O and LSE: the variant's setup makes them with its own forward, from its
 * `loaded` hook, and verification checks them too. */
#ifndef MLB_KERNELS_ATTENTION_H
#define MLB_KERNELS_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/dtype.h"
#include "harness/measure/workload.h"

#define MLB_ATTENTION_WIDTH_MAX 512u /* of head_dim and head_dim_v */

/* e4m3 has no exponent range to speak of, 2^-9 to 448, so P, scale dS and the results are rounded
 * after a multiplication with these. They are chosen for inputs of deviation 1 within +-6 (P <= 1,
 * |scale dS| <= 3.5, |O| <= 6, |dQ| <= 28): nothing overflows, and typical values at a few thousand
 * keys are still above the smallest normal number, 2^-6. */
#define MLB_ATTENTION_E4M3_P         256.0
#define MLB_ATTENTION_E4M3_DS        128.0
#define MLB_ATTENTION_E4M3_O         64.0
#define MLB_ATTENTION_E4M3_GRADIENTS 16.0
#define MLB_ATTENTION_E4M3_MAX       448.0

enum mlb_attention_pass { MLB_ATTENTION_FWD, MLB_ATTENTION_BWD };

/* How Q, K, V, O and their gradients lie in memory; the last index is contiguous. */
enum mlb_attention_layout { MLB_ATTENTION_BSHD, MLB_ATTENTION_BHSD };

/* Values of the workload's options. After resolve all are set; resolving again changes nothing. */
struct mlb_attention_params {
    int dtype;  /* enum mlb_dtype of all tensors but LSE */
    int pass;   /* enum mlb_attention_pass */
    int layout; /* enum mlb_attention_layout */
    int model;  /* 0 = none */
    bool causal;
    uint64_t tokens; /* batch x seq */
    uint64_t batch, seq, seq_kv, heads, kv_heads, head_dim, head_dim_v;
};

/* In memory, innermost last. The gradients lie as what they are gradients of. */
enum mlb_attention_tensor {
    MLB_ATTENTION_Q,   /* bshd: [batch, seq, heads, head_dim] */
    MLB_ATTENTION_K,   /* [batch, seq_kv, kv_heads, head_dim] */
    MLB_ATTENTION_V,   /* [batch, seq_kv, kv_heads, head_dim_v] */
    MLB_ATTENTION_O,   /* [batch, seq, heads, head_dim_v] */
    MLB_ATTENTION_LSE, /* f32 [batch, heads, seq] in every layout */
    MLB_ATTENTION_DO,  /* from here on for the backward pass only */
    MLB_ATTENTION_DQ,
    MLB_ATTENTION_DK,
    MLB_ATTENTION_DV,
    MLB_ATTENTION_TENSORS
};

/* Element (b, row, head, column) stands at b * batch_stride + row * row_stride + head * head_stride
 * + column. Strides count elements. */
struct mlb_attention_shape {
    enum mlb_dtype dtype;
    uint64_t rows, heads, width;
    uint64_t batch_stride, row_stride, head_stride;
    uint64_t count; /* elements, batch included; no gaps */
};

/* Tensors of a case. With several sets, steps take turns so that no step finds its operands in the
 * cache. Zeroed = nothing is held. */
struct mlb_attention_state {
    struct mlb_attention_params params; /* set by mlb_attention_alloc */
    /* First set, on the device; NULL for what this pass does not have. */
    unsigned char *tensor[MLB_ATTENTION_TENSORS];
    size_t stride[MLB_ATTENTION_TENSORS]; /* bytes to the same tensor of the next set */
    size_t sets, next;                    /* next: the set that the next step takes */
    void *library;                        /* the variant's own */
    /* Called when Q, K, V and dO of every set hold new values. Enqueues what the steps need of
     * them: for pass = bwd, O and LSE of every set. Required for bwd, else optional. */
    enum mlb_status (*loaded)(struct mlb_attention_state *state, const struct mlb_ctx *ctx,
                              struct mlb_error *err);
};

extern const struct mlb_workload mlb_attention;

/* ---- attention_operands.c: what all variants share */

/* 1 / sqrt(head_dim) */
double mlb_attention_scale(const struct mlb_attention_params *params);
/* Keys that query row `row` sees: seq_kv, or row + 1 when causal. */
uint64_t mlb_attention_visible(const struct mlb_attention_params *params, uint64_t row);
const char *mlb_attention_tensor_name(enum mlb_attention_tensor tensor); /* "Q", "LSE", "dK" */
bool mlb_attention_has(const struct mlb_attention_params *params, enum mlb_attention_tensor tensor);
/* What is stored is the true value times this: a power of two for e4m3, 1 for every other type. */
double mlb_attention_stored_scale(const struct mlb_attention_params *params,
                                  enum mlb_attention_tensor tensor);
struct mlb_attention_shape mlb_attention_shape(const struct mlb_attention_params *params,
                                               enum mlb_attention_tensor tensor);
/* One set: each tensor of the pass once. */
uint64_t mlb_attention_bytes(const struct mlb_attention_params *params);
/* Of the values of Q, K, V and dO. */
uint64_t mlb_attention_seed(uint64_t seed, enum mlb_attention_tensor tensor);

/* As many sets as exceed three times the GPU's last cache, within half of the memory; at least 1.
 */
size_t mlb_attention_wanted_sets(const struct mlb_attention_params *params,
                                 const struct mlb_ctx *ctx);
/* MLB_E_UNSUPPORTED when `sets` of tensors and `extra` bytes are more than this rank may take. */
enum mlb_status mlb_attention_fits(const struct mlb_attention_params *params,
                                   const struct mlb_ctx *ctx, size_t sets, uint64_t extra,
                                   struct mlb_error *err);
enum mlb_status mlb_attention_alloc(struct mlb_attention_state *state,
                                    const struct mlb_attention_params *params,
                                    const struct mlb_ctx *ctx, size_t sets, struct mlb_error *err);
/* The same values in every set; calls state->loaded. Enqueued. */
enum mlb_status mlb_attention_fill(struct mlb_attention_state *state, const struct mlb_ctx *ctx,
                                   enum mlb_data data, struct mlb_error *err);
void mlb_attention_free(struct mlb_attention_state *state, const struct mlb_ctx *ctx);
/* The set for this step; moves on. */
size_t mlb_attention_turn(struct mlb_attention_state *state);
/* A tensor of a set. */
static inline void *mlb_attention_at(const struct mlb_attention_state *state, size_t set,
                                     enum mlb_attention_tensor tensor)
{
    return state->tensor[tensor] ? state->tensor[tensor] + set * state->stride[tensor] : NULL;
}

/* ---- attention_verify.c */

enum mlb_status mlb_attention_verify(const struct mlb_variant *variant, void *state,
                                     const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_verification *verification, struct mlb_error *err);

/* ---- variants */

#define MLB_ATTENTION_HOOKS(name)                                                                  \
    enum mlb_status mlb_attention_##name##_check(const void *params, const struct mlb_ctx *ctx,    \
                                                 struct mlb_error *err);                           \
    enum mlb_status mlb_attention_##name##_setup(                                                  \
        void *state, const void *params, const struct mlb_ctx *ctx, struct mlb_error *err);        \
    enum mlb_status mlb_attention_##name##_step(void *state, const struct mlb_ctx *ctx,            \
                                                struct mlb_error *err);                            \
    void mlb_attention_##name##_teardown(void *state, const struct mlb_ctx *ctx)

MLB_ATTENTION_HOOKS(plain); /* attention_cpu.c */
MLB_ATTENTION_HOOKS(cudnn); /* attention_cudnn.c */
void mlb_attention_cudnn_library(char *to, size_t size);
void mlb_attention_cudnn_details(const void *state, const void *params,
                                 struct mlb_details *details);

MLB_ATTENTION_HOOKS(fused); /* attention_cpu_fused.c */
void mlb_attention_fused_details(const void *state, const void *params,
                                 struct mlb_details *details);

/* attention_own.c: step and teardown of the project's own CUDA kernels, which differ in check and
 * setup. */
enum mlb_status mlb_attention_own_step(void *state, const struct mlb_ctx *ctx,
                                       struct mlb_error *err);
void mlb_attention_own_teardown(void *state, const struct mlb_ctx *ctx);
enum mlb_status mlb_attention_mma_check(const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err);
enum mlb_status mlb_attention_mma_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                        struct mlb_error *err);
enum mlb_status mlb_attention_wgmma_check(const void *params, const struct mlb_ctx *ctx,
                                          struct mlb_error *err);
enum mlb_status mlb_attention_wgmma_setup(void *state, const void *params,
                                          const struct mlb_ctx *ctx, struct mlb_error *err);

#endif
