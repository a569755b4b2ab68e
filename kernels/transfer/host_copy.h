/* SPDX-License-Identifier: Apache-2.0 */
/* Copies between page-locked memory of the host and a GPU: what a data loader, an offloaded
 * optimizer and a checkpoint get. */
#ifndef MLB_KERNELS_TRANSFER_HOST_COPY_H
#define MLB_KERNELS_TRANSFER_HOST_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "harness/measure/workload.h"
#include "kernels/transfer/pattern.h"
#include "kernels/transfer/side.h"

enum mlb_host_copy_op { MLB_H2D, MLB_D2H, MLB_H2D_D2H };

struct mlb_host_copy_params {
    int op;         /* enum mlb_host_copy_op */
    uint64_t bytes; /* of a message, each way */
    int numa;       /* of the host's memory: 0 = the GPU's own node, else node + 1 */
};

/* One direction's buffers, `bytes` each; both NULL when the operation does not go that way. */
struct mlb_host_lane {
    void *host, *device;
    bool pinned;
};

/* Zeroed by the harness. */
struct mlb_host_copy {
    enum mlb_host_copy_op op;
    size_t bytes;
    int node, gpu_node; /* NUMA; MLB_NUMA_ANY when the system does not tell the GPU's */
    struct mlb_host_lane h2d, d2h;
    struct mlb_side side; /* both ways at once: d2h's stream */
};

static inline bool mlb_host_copy_sends(int op)
{
    return op != MLB_D2H;
}

static inline bool mlb_host_copy_fetches(int op)
{
    return op != MLB_H2D;
}

/* The node that a case's host memory lies on; MLB_NUMA_ANY when the GPU's is not known. */
int mlb_host_copy_node(const struct mlb_host_copy_params *params, const struct mlb_ctx *ctx);

/* The check of all variants: room on the device and on the host, and a node that can be used. */
enum mlb_status mlb_host_copy_check(const void *params, const struct mlb_ctx *ctx,
                                    struct mlb_error *err);

/* What the device's memory and the host's hold before a copy: h2d's pattern and d2h's. */
struct mlb_pattern mlb_host_copy_pattern(const struct mlb_ctx *ctx, bool fetched);

/* host_copy_cuda.c, transfer_cuda_absent.c */
enum mlb_status mlb_host_copy_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                         struct mlb_error *err);
enum mlb_status mlb_host_copy_cuda_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                         struct mlb_error *err);
enum mlb_status mlb_host_copy_cuda_step(void *state, const struct mlb_ctx *ctx,
                                        struct mlb_error *err);
void mlb_host_copy_cuda_teardown(void *state, const struct mlb_ctx *ctx);

extern const struct mlb_workload mlb_host_copy;

#endif
