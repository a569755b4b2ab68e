/* SPDX-License-Identifier: Apache-2.0 */
/* What the project's own CUDA kernels for attention share: what a kernel is given, and how a family
 * of kernels (mma, wgmma) becomes a variant. A family is a const table; tests run the same kernels
 * on an emulator through a table of their own. */
#ifndef MLB_KERNELS_ATTENTION_OWN_H
#define MLB_KERNELS_ATTENTION_OWN_H

#include "kernels/attention/attention.h"

/* One tensor [batch][row][head][dim]: `data` is 16-byte aligned, dim has stride 1, the others are
 * strides in elements and multiples of 8. */
struct mlb_attention_view {
    void *data;
    int64_t batch, row, head;
};

/* One forward or backward pass, as attention.h defines it. */
struct mlb_attention_call {
    enum mlb_dtype dtype; /* bf16 or f16, of all views */
    int batch, heads, kv_heads;
    int rows_q, rows_kv; /* sequence lengths; any, at least 1 */
    int dim, dim_v;      /* of Q and K; of V and O */
    bool causal;         /* then rows_kv = rows_q */
    float scale;
    struct mlb_attention_view q, k, v, o;
    float *lse;                                   /* [batch][heads][rows_q] */
    struct mlb_attention_view d_o, d_q, d_k, d_v; /* backward only */
    void *workspace; /* 256-byte aligned, what workspace_bytes says; backward only */
};

struct mlb_attention_family {
    const char *name; /* as the variant's */
    /* Can this family's kernels do it on this GPU? MLB_E_UNSUPPORTED with the reason; what
     * mlb_attention_own_check looks at has passed. Required. */
    enum mlb_status (*check)(const struct mlb_attention_params *params, const struct mlb_ctx *ctx,
                             struct mlb_error *err);
    size_t (*workspace_bytes)(const struct mlb_attention_call *call); /* backward's. Required. */
    /* What is made of a call once, before the steps: prepared_bytes at `prepared`. Optional. */
    size_t prepared_bytes;
    enum mlb_status (*prepare)(const struct mlb_attention_call *call, void *prepared,
                               struct mlb_error *err);
    /* Enqueue a pass. Required. */
    enum mlb_status (*forward)(const struct mlb_attention_call *call, const void *prepared,
                               const struct mlb_ctx *ctx, struct mlb_error *err);
    enum mlb_status (*backward)(const struct mlb_attention_call *call, const void *prepared,
                                const struct mlb_ctx *ctx, struct mlb_error *err);
};

/* Hooks of a variant, given its family. Its others are mlb_attention_own_step and _teardown. */
enum mlb_status mlb_attention_own_check(const struct mlb_attention_family *family,
                                        const struct mlb_attention_params *params,
                                        const struct mlb_ctx *ctx, struct mlb_error *err);
enum mlb_status mlb_attention_own_setup(const struct mlb_attention_family *family,
                                        struct mlb_attention_state *state,
                                        const struct mlb_attention_params *params,
                                        const struct mlb_ctx *ctx, struct mlb_error *err);

#endif
