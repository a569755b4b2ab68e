/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax and cross-entropy in one, over logits [tokens][vocab]. For a token with the target t:
 *
 *   lse = log(sum over v of e^x[v])     loss = lse - x[t]
 *   gradient[v] = scale (e^(x[v] - lse) - (v == t))
 *
 * A target outside of 0 .. vocab-1 is one to be ignored (padding): its loss and gradient are 0. The
 * probabilities are never stored. */
#ifndef MLB_KERNELS_FUSED_CROSS_ENTROPY_H
#define MLB_KERNELS_FUSED_CROSS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

#include "harness/base/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mlb_cross_entropy_pass {
    MLB_CROSS_ENTROPY_FORWARD,  /* writes loss and lse: logits are read once */
    MLB_CROSS_ENTROPY_BACKWARD, /* reads lse, writes the gradient */
    MLB_CROSS_ENTROPY_BOTH /* loss, lse and gradient: a row is read twice, one after the other */
};

struct mlb_cross_entropy {
    enum mlb_cross_entropy_pass pass;
    enum mlb_dtype dtype; /* MLB_BF16 or MLB_F32 */
    size_t tokens, vocab;
    float scale;           /* of the gradient: 1 / tokens for a mean */
    void *logits;          /* [tokens][vocab] */
    const int32_t *target; /* [tokens] */
    float *loss, *lse;     /* [tokens] */
    void *gradient;        /* [tokens][vocab]; NULL: over the logits */
};

void mlb_cross_entropy_cpu(const struct mlb_cross_entropy *entropy, int threads);

/* vocab is a multiple of 8; pointers are aligned to 16 bytes. Enqueues only; returns a cudaError_t.
 */
int mlb_cross_entropy_cuda(const struct mlb_cross_entropy *entropy, void *stream);

#ifdef __cplusplus
}
#endif

#endif
