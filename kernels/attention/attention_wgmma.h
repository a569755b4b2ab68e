/* SPDX-License-Identifier: Apache-2.0 */
/* Between attention_wgmma.c, which knows statuses and the driver, and attention_wgmma_*.cu, which
 * know kernels.
 *
 * Launchers enqueue on `stream` (a cudaStream_t) and return a cudaError_t. */
#ifndef MLB_KERNELS_ATTENTION_WGMMA_H
#define MLB_KERNELS_ATTENTION_WGMMA_H

#include "kernels/attention/attention_own.h"
#include "kernels/tensorcore/tensor_map.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What TMA reads, in the boxes of the kernel that reads it. */
enum mlb_attention_map {
    MLB_ATTENTION_FORWARD_Q,
    MLB_ATTENTION_FORWARD_K,
    MLB_ATTENTION_FORWARD_V,
    MLB_ATTENTION_FORWARD_MAPS,
    MLB_ATTENTION_BACKWARD_Q = MLB_ATTENTION_FORWARD_MAPS,
    MLB_ATTENTION_BACKWARD_K,
    MLB_ATTENTION_BACKWARD_V,
    MLB_ATTENTION_BACKWARD_DO,
    MLB_ATTENTION_BACKWARD_STATS,
    MLB_ATTENTION_MAPS
};

/* Are there kernels for these head dims? Forward 64, 128, 256 and 192/128, backward 64 and 128. */
bool mlb_attention_wgmma_has_forward(int dim, int dim_v);
bool mlb_attention_wgmma_has_backward(int dim, int dim_v);
/* Has this build code for sm_90a? Asks the device that is current. */
bool mlb_attention_wgmma_built(void);
size_t mlb_attention_wgmma_workspace_bytes(const struct mlb_attention_call *call);
/* The tensors of a pass, of which the caller makes CUtensorMaps: to[MLB_ATTENTION_FORWARD_Q] to
 * ..._V, and to[MLB_ATTENTION_BACKWARD_Q] to ..._STATS. */
void mlb_attention_wgmma_forward_tensors(const struct mlb_attention_call *call,
                                         struct mlb_tensor *to);
void mlb_attention_wgmma_backward_tensors(const struct mlb_attention_call *call,
                                          struct mlb_tensor *to);
/* maps: CUtensorMap [MLB_ATTENTION_MAPS], of which those of the pass are set. */
int mlb_attention_wgmma_forward(const struct mlb_attention_call *call, const void *maps,
                                void *stream);
int mlb_attention_wgmma_backward(const struct mlb_attention_call *call, const void *maps,
                                 void *stream);

#ifdef __cplusplus
}
#endif

#endif
