/* SPDX-License-Identifier: Apache-2.0 */
/* The products of a transformer's linear layers. */
#ifndef MLB_KERNELS_GEMM_SHAPES_H
#define MLB_KERNELS_GEMM_SHAPES_H

#include "kernels/gemm/gemm.h"

/* Names of the option's choices, NULL-terminated; 0 is "none". */
extern const char *const mlb_gemm_layer_names[];

/* m, n, k, tokens and batch from model, layer, pass and, where they are given, tokens and batch.
 * MLB_E_CONFIG for what is missing or contradicts. */
enum mlb_status mlb_gemm_resolve_model(struct mlb_gemm_params *params, struct mlb_error *err);

#endif
