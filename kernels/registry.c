/* SPDX-License-Identifier: Apache-2.0 */
/* The compute workloads, one line each. */
#include "harness/measure/workload.h"
#include "kernels/attention/attention.h"
#include "kernels/checkpoint/checkpoint.h"
#include "kernels/fused/fused.h"
#include "kernels/gemm/gemm.h"
#include "kernels/launch/launch.h"
#include "kernels/memory/memory.h"
#include "kernels/transfer/host_copy.h"
#include "kernels/transfer/p2p.h"

/* clang-format off */
const struct mlb_workload *const mlb_kernel_workloads[] = {
    &mlb_gemm,
    &mlb_attention,
    &mlb_rmsnorm,
    &mlb_layernorm,
    &mlb_rope,
    &mlb_swiglu,
    &mlb_cross_entropy,
    &mlb_embedding,
    &mlb_adamw,
    &mlb_memory,
    &mlb_host_copy,
    &mlb_p2p,
    &mlb_launch,
    &mlb_checkpoint,
    NULL};
