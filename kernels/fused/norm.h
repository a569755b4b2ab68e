/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm (Zhang and Sennrich, arXiv:1910.07467) and LayerNorm (Ba et al., arXiv:1607.06450) of
 * rows, forward and backward. With H = hidden, sums over a row:
 *
 *   RMSNorm     rstd = 1 / sqrt(sum(x^2) / H + epsilon)            xhat = x rstd
 *   LayerNorm   mean = sum(x) / H
 *               rstd = 1 / sqrt(sum((x - mean)^2) / H + epsilon)   xhat = (x - mean) rstd
 *   forward     y = xhat gamma [+ beta]
 *   backward    g = dy gamma   c1 = sum(g xhat) / H   c2 = sum(g) / H for LayerNorm, else 0
 *               dx = rstd (g - xhat c1 - c2)
 *               dgamma = sum over rows of dy xhat     dbeta = sum over rows of dy
 *
 * Sums over rows are made in `parts` partial sums, each in order, which are then added in order:
 * the same bits each time. */
#ifndef MLB_KERNELS_FUSED_NORM_H
#define MLB_KERNELS_FUSED_NORM_H

#include <stddef.h>

#include "harness/base/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mlb_norm_kind { MLB_NORM_RMS, MLB_NORM_LAYER };
enum mlb_norm_pass { MLB_NORM_FORWARD, MLB_NORM_BACKWARD };

/* Pointers are the device's; those that a pass or kind does not name are not looked at. */
struct mlb_norm {
    enum mlb_norm_kind kind;
    enum mlb_norm_pass pass;
    enum mlb_dtype dtype; /* MLB_BF16 or MLB_F32: of all but the f32 below */
    size_t rows, hidden;
    size_t parts; /* rows of `partial` */
    float epsilon;
    const void *x;     /* [rows][hidden] */
    const void *gamma; /* [hidden] */
    const void *beta;  /* [hidden], LayerNorm */
    void *y;           /* [rows][hidden], forward */
    float *mean;       /* [rows], LayerNorm: forward writes it, backward reads it */
    float *rstd;       /* [rows]: forward writes it, backward reads it */
    const void *dy;    /* [rows][hidden], backward, and so are all below */
    void *dx;          /* [rows][hidden] */
    void *dgamma;      /* [hidden] */
    void *dbeta;       /* [hidden], LayerNorm */
    float *partial;    /* [parts][hidden] of dgamma, then the same of dbeta for LayerNorm */
};

/* `parts` is at least 1; each thread takes one or more. */
void mlb_norm_cpu(const struct mlb_norm *norm, int threads);

/* hidden is a multiple of MLB_NORM_VECTOR and at most MLB_NORM_MOST bytes of it; pointers are
 * aligned to 16 bytes. Enqueues only; returns a cudaError_t. */
#define MLB_NORM_VECTOR        8
#define MLB_NORM_MOST_FORWARD  65536 /* bytes of a row: 4 vectors a thread, 1024 threads */
#define MLB_NORM_MOST_BACKWARD 32768 /* 2 vectors a thread, 1024 threads */
int mlb_norm_cuda(const struct mlb_norm *norm, void *stream);

#ifdef __cplusplus
}
#endif

#endif
