/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix product C(m,n) = A(m,k) B(k,n), stored as the three products of a linear layer store it.
 *
 * y[T,N] = x[T,K] W[N,K]^T trains with three products, all row-major, none with a copy:
 *
 *   pass    product        m  n  k   A stored   B stored   BLAS name (column-major)
 *   fwd     y  = x W^T     T  N  K   (m,k)      (n,k)      TN
 *   dgrad   dx = dy W      T  K  N   (m,k)      (k,n)      NN
 *   wgrad   dW = dy^T x    N  K  T   (k,m)      (k,n)      NT
 *
 * A mixture of experts multiplies a batch of such products, one an expert: each has its own W, and
 * the tokens of all experts stand one after the other. Experts may have unlike numbers of tokens.
 */
#ifndef MLB_KERNELS_GEMM_H
#define MLB_KERNELS_GEMM_H

#include <stddef.h>
#include <stdint.h>

#include "harness/base/dtype.h"
#include "harness/measure/workload.h"

enum mlb_gemm_pass { MLB_GEMM_FWD, MLB_GEMM_DGRAD, MLB_GEMM_WGRAD };

/* Types of operands: those of enum mlb_dtype, and then those that are blocks of small floats with a
 * scale each (gemm_blocks.c). With e5m2, A is e5m2 and B e4m3, as gradients meet weights. */
enum mlb_gemm_blocks { MLB_GEMM_MXFP8 = MLB_DTYPE_COUNT, MLB_GEMM_NVFP4 };
extern const char *const mlb_gemm_dtype_names[]; /* NULL-terminated */

/* How sums of products of 8-bit floats are kept; others have no choice. */
enum mlb_gemm_accumulate { MLB_GEMM_SUMS_AS_USUAL, MLB_GEMM_SUMS_FAST, MLB_GEMM_SUMS_PRECISE };

/* What C is: f32-add adds the product to an f32 C, as training sums up the gradient of a weight. */
enum mlb_gemm_c { MLB_GEMM_C_SAME, MLB_GEMM_C_F32, MLB_GEMM_C_F32_ADD };

/* Tokens of the products of a batch: the same for all, or from half to one and a half of the mean.
 */
enum mlb_gemm_spread { MLB_GEMM_EVEN, MLB_GEMM_UNEVEN };

/* Values of the workload's options. After resolve: m, n, k, batch and accumulate are set, size is
 * 0, tokens is set when there is a model; resolving again changes nothing. */
struct mlb_gemm_params {
    int dtype; /* of A and B: enum mlb_dtype or enum mlb_gemm_blocks */
    int pass;  /* enum mlb_gemm_pass */
    uint64_t size, m, n, k;
    int model, layer; /* 0 = none */
    uint64_t tokens;
    int accumulate; /* enum mlb_gemm_accumulate */
    int out;        /* enum mlb_gemm_c */
    uint64_t batch; /* products of m, n, k; 0 before resolve = 1 */
    int spread;     /* enum mlb_gemm_spread */
};

/* Operands of a case. With several sets, steps take turns so that no step finds its operands in the
 * cache. Zeroed = nothing is held. */
struct mlb_gemm_state {
    unsigned char *a, *b, *c;            /* first set, on the device */
    size_t a_stride, b_stride, c_stride; /* bytes to the same operand of the next set */
    size_t a_scales, b_scales;           /* bytes from an operand to its blocks' scales; 0 = none */
    size_t sets, next;                   /* next: the set that the next step takes */
    void *library;                       /* the variant's own */
    /* Called when A and B hold new values; for variants that keep a copy. Optional. */
    enum mlb_status (*loaded)(struct mlb_gemm_state *state, const struct mlb_ctx *ctx,
                              struct mlb_error *err);
};

/* One product of a batch, and how many elements of each operand stand before its own. */
struct mlb_gemm_group {
    uint64_t m, n, k;
    uint64_t a, b, c;
};

/* Element (i,p) of a product's A stands at i * a_row + p * a_col, element (p,j) of its B at
 * p * b_row + j * b_col. */
struct mlb_gemm_strides {
    uint64_t a_row, a_col, b_row, b_col;
};

extern const struct mlb_workload mlb_gemm;

/* ---- gemm_operands.c: what all variants share */

enum mlb_dtype mlb_gemm_in(const struct mlb_gemm_params *params);   /* A; tf32 is f32 in memory */
enum mlb_dtype mlb_gemm_in_b(const struct mlb_gemm_params *params); /* B */
enum mlb_dtype mlb_gemm_out(const struct mlb_gemm_params *params);  /* C */
bool mlb_gemm_in_blocks(const struct mlb_gemm_params *params);      /* mxfp8, nvfp4 */
struct mlb_gemm_strides mlb_gemm_strides(const struct mlb_gemm_params *params);
/* Product `index` of the batch. */
struct mlb_gemm_group mlb_gemm_group(const struct mlb_gemm_params *params, uint64_t index);
/* One set, moved once: A, B and C; C twice when it is added to. */
uint64_t mlb_gemm_bytes(const struct mlb_gemm_params *params);
uint64_t mlb_gemm_seed_a(uint64_t seed);
uint64_t mlb_gemm_seed_b(uint64_t seed);

/* Sets that together outgrow the cache of a GPU, so that no step finds its operands there. */
size_t mlb_gemm_sets(const struct mlb_gemm_params *params, const struct mlb_ctx *ctx);
/* MLB_E_UNSUPPORTED when `sets` of operands and `extra` bytes are more than this rank may take. */
enum mlb_status mlb_gemm_fits(const struct mlb_gemm_params *params, const struct mlb_ctx *ctx,
                              size_t sets, uint64_t extra, struct mlb_error *err);
enum mlb_status mlb_gemm_alloc(struct mlb_gemm_state *state, const struct mlb_gemm_params *params,
                               const struct mlb_ctx *ctx, size_t sets, struct mlb_error *err);
/* The same values in every set; calls state->loaded. A C that is added to begins as zeros.
 * Enqueued. */
enum mlb_status mlb_gemm_fill(struct mlb_gemm_state *state, const struct mlb_gemm_params *params,
                              const struct mlb_ctx *ctx, enum mlb_data data, struct mlb_error *err);
void mlb_gemm_free(struct mlb_gemm_state *state, const struct mlb_ctx *ctx);
/* The set for this step; moves on. */
size_t mlb_gemm_turn(struct mlb_gemm_state *state);

/* ---- gemm_tolerance.c */

/* Largest |computed - true| of one element that right arithmetic gives; see the derivation there.
 * truth: of the product, without what it is added to. norm_a, norm_b: Euclidean norms of the row of
 * A and the column of B, `k` long. */
double mlb_gemm_tolerance(const struct mlb_gemm_params *params, uint64_t k, double truth,
                          double norm_a, double norm_b);

/* ---- gemm_verify.c */

enum mlb_status mlb_gemm_verify(const struct mlb_variant *variant, void *state, const void *params,
                                const struct mlb_ctx *ctx, struct mlb_verification *verification,
                                struct mlb_error *err);

/* ---- variants */

#define MLB_GEMM_HOOKS(name)                                                                       \
    enum mlb_status mlb_gemm_##name##_check(const void *params, const struct mlb_ctx *ctx,         \
                                            struct mlb_error *err);                                \
    enum mlb_status mlb_gemm_##name##_setup(void *state, const void *params,                       \
                                            const struct mlb_ctx *ctx, struct mlb_error *err);     \
    enum mlb_status mlb_gemm_##name##_step(void *state, const struct mlb_ctx *ctx,                 \
                                           struct mlb_error *err);                                 \
    void mlb_gemm_##name##_teardown(void *state, const struct mlb_ctx *ctx)

MLB_GEMM_HOOKS(plain);    /* gemm_cpu.c */
MLB_GEMM_HOOKS(onednn);   /* gemm_onednn.c */
MLB_GEMM_HOOKS(cublaslt); /* gemm_cublaslt.c or gemm_cublaslt_absent.c */
MLB_GEMM_HOOKS(wgmma);    /* gemm_own.c or gemm_own_absent.c */
MLB_GEMM_HOOKS(mma);      /* gemm_own.c or gemm_own_absent.c */

/* MLB_E_UNSUPPORTED for what only some variants do, naming `variant`: 8-bit floats, blocks, a
 * batch, another C. For the check of those that do none of it. */
enum mlb_status mlb_gemm_refuse_extras(const struct mlb_gemm_params *params, const char *variant,
                                       struct mlb_error *err);

void mlb_gemm_onednn_library(char *to, size_t size);
void mlb_gemm_cublaslt_library(char *to, size_t size);
void mlb_gemm_cublaslt_details(const void *state, const void *params, struct mlb_details *details);

/* As cublaslt, with the algorithm that the library proposes first: what a framework gets. */
enum mlb_status mlb_gemm_heuristic0_setup(void *state, const void *params,
                                          const struct mlb_ctx *ctx, struct mlb_error *err);

/* As onednn, with B repacked beforehand into the layout that oneDNN likes best. */
enum mlb_status mlb_gemm_packed_check(const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err);
enum mlb_status mlb_gemm_packed_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err);

#endif
