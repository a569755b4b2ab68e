/* SPDX-License-Identifier: Apache-2.0 */
/* The compute workloads, one line each. */
#include "harness/measure/workload.h"
#include "kernels/attention/attention.h"
#include "kernels/gemm/gemm.h"
#include "kernels/memory/memory.h"

const struct mlb_workload *const mlb_kernel_workloads[] = {&mlb_gemm, &mlb_attention, &mlb_memory,
                                                           NULL};
