/* SPDX-License-Identifier: Apache-2.0 */
/* SwiGLU (Shazeer, arXiv:2002.05202) on rows that one fused product wrote: F = ffn elements of the
 * gate a, then F of u. With s = 1 / (1 + e^-a):
 *
 *   forward   y = a s u
 *   backward  da = dy u s (1 + a (1 - s))     du = dy a s */
#ifndef MLB_KERNELS_FUSED_SWIGLU_H
#define MLB_KERNELS_FUSED_SWIGLU_H

#include <stddef.h>

#include "harness/base/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mlb_swiglu_pass { MLB_SWIGLU_FORWARD, MLB_SWIGLU_BACKWARD };

struct mlb_swiglu {
    enum mlb_swiglu_pass pass;
    enum mlb_dtype dtype; /* MLB_BF16 or MLB_F32 */
    size_t tokens, ffn;
    const void *gate_up; /* [tokens][2 ffn] */
    void *y;             /* [tokens][ffn], forward */
    const void *dy;      /* [tokens][ffn], backward */
    void *dgate_up;      /* [tokens][2 ffn], backward; may be gate_up */
};

void mlb_swiglu_cpu(const struct mlb_swiglu *swiglu, int threads);

/* ffn is a multiple of 8; pointers are aligned to 16 bytes. Enqueues only; returns a cudaError_t.
 */
int mlb_swiglu_cuda(const struct mlb_swiglu *swiglu, void *stream);

#ifdef __cplusplus
}
#endif

#endif
