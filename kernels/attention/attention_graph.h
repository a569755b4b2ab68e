/* SPDX-License-Identifier: Apache-2.0 */
/* Attention as cuDNN graphs, composed of matrix products, reductions and pointwise functions: the
 * form that every cuDNN since 8.9 recognises and fuses, forward and backward, causal, with shared
 * key heads, narrower values and 8-bit floats. (Its unified attention operation has no causal mask
 * before 9.21 and no backward graph.) */
#ifndef MLB_KERNELS_ATTENTION_GRAPH_H
#define MLB_KERNELS_ATTENTION_GRAPH_H

#include "kernels/attention/attention.h"
#include "kernels/attention/cudnn_graph.h"

/* What a graph reads and writes; its id there is the role + 1. The first are enum
 * mlb_attention_tensor. */
enum mlb_attention_role {
    /* by value */
    MLB_ATTENTION_SCALE = MLB_ATTENTION_TENSORS,
    MLB_ATTENTION_MASKED, /* the score of a key that is not seen */
    MLB_ATTENTION_ONE,
    /* backward, f32: dQ while it is summed [batch, heads, seq, head_dim], delta [batch, heads, seq]
     */
    MLB_ATTENTION_DQ_SUM,
    MLB_ATTENTION_DELTA,
    /* e4m3, f32 scalars in device memory. Stored = true value x scale; descale = 1 / scale. */
    MLB_ATTENTION_DESCALE_Q,
    MLB_ATTENTION_DESCALE_K,
    MLB_ATTENTION_DESCALE_V,
    MLB_ATTENTION_DESCALE_O,
    MLB_ATTENTION_DESCALE_DO,
    MLB_ATTENTION_DESCALE_P,
    MLB_ATTENTION_DESCALE_DS,
    MLB_ATTENTION_SCALE_P,
    MLB_ATTENTION_SCALE_O,
    MLB_ATTENTION_SCALE_DS,
    MLB_ATTENTION_SCALE_DQ,
    MLB_ATTENTION_SCALE_DK,
    MLB_ATTENTION_SCALE_DV,
    MLB_ATTENTION_AMAX_P, /* largest absolute true value; written */
    MLB_ATTENTION_AMAX_O,
    MLB_ATTENTION_AMAX_DS,
    MLB_ATTENTION_AMAX_DQ,
    MLB_ATTENTION_AMAX_DK,
    MLB_ATTENTION_AMAX_DV,
    MLB_ATTENTION_ROLES
};

#define MLB_ATTENTION_ROLE_ID(role) ((int64_t)(role) + 1)

/* Compose into a graph that has its api; the caller closes it. */
void mlb_attention_graph_forward(struct mlb_cudnn_graph *graph,
                                 const struct mlb_attention_params *params);
void mlb_attention_graph_backward(struct mlb_cudnn_graph *graph,
                                  const struct mlb_attention_params *params);

#endif
