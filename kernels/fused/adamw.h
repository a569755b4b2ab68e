/* SPDX-License-Identifier: Apache-2.0 */
/* AdamW (Loshchilov and Hutter, arXiv:1711.05101), all of it in one pass. With t = step, counted
 * from 1:
 *
 *   m <- beta1 m + (1 - beta1) g          v <- beta2 v + (1 - beta2) g^2
 *   w <- w - rate (decay w + (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon))
 *
 * w, m and v are f32. With bf16 gradients the weights are also written as bf16, for the next
 * forward pass: mixed precision with master weights. */
#ifndef MLB_KERNELS_FUSED_ADAMW_H
#define MLB_KERNELS_FUSED_ADAMW_H

#include <stddef.h>
#include <stdint.h>

#include "harness/base/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mlb_adamw {
    enum mlb_dtype dtype; /* of g: MLB_BF16 or MLB_F32 */
    size_t count;
    uint64_t step; /* at least 1 */
    float rate, beta1, beta2, epsilon, decay;
    float *w, *m, *v; /* [count] */
    const void *g;    /* [count] */
    void *w_bf16;     /* [count]; not looked at when dtype is MLB_F32 */
};

/* What the kernels compute with: constants of a step, rounded once. */
struct mlb_adamw_step {
    float beta1, beta2, rest1, rest2; /* rest = 1 - beta */
    float keep;                       /* 1 - rate decay */
    float rate;                       /* rate / (1 - beta1^t) */
    float correction;                 /* 1 / (1 - beta2^t) */
    float epsilon;
};
struct mlb_adamw_step mlb_adamw_step_of(const struct mlb_adamw *adamw);

void mlb_adamw_cpu(const struct mlb_adamw *adamw, int threads);

/* count is a multiple of 4; pointers are aligned to 16 bytes. Enqueues only; returns a cudaError_t.
 */
int mlb_adamw_cuda(const struct mlb_adamw *adamw, void *stream);

#ifdef __cplusplus
}
#endif

#endif
