/* SPDX-License-Identifier: Apache-2.0 */
/* Execution plans that cuDNN proposes for a graph. */
#ifndef MLB_KERNELS_ATTENTION_CUDNN_PLAN_H
#define MLB_KERNELS_ATTENTION_CUDNN_PLAN_H

#include "kernels/attention/cudnn_graph.h"

#define MLB_CUDNN_PLANS 16u

/* What plans are for: this device (a handle), or a described one (a device-property descriptor, as
 * tests without a GPU use; cuDNN 9.8 and newer). The other is NULL. */
struct mlb_cudnn_target {
    void *handle, *device;
};

struct mlb_cudnn_plan {
    void *descriptor, *config; /* the second is what the first was built of */
    int64_t engine;            /* cuDNN's global index; -1 when it does not say */
    uint64_t workspace_bytes;
};

/* Zero-initialise; free accepts that. */
struct mlb_cudnn_plans {
    const struct mlb_cudnn *api;
    struct mlb_cudnn_plan list[MLB_CUDNN_PLANS]; /* those that can run, best guess first */
    size_t count, proposed;
};

/* Of a closed graph: the proposals of heuristic mode A, or, when none of these can run, of the
 * fallback mode. Stops at `most` plans, since each is compiled for a good part of a second. Plans
 * whose workspace is above `workspace_bytes` are left out. MLB_E_UNSUPPORTED with cuDNN's reason
 * when there is none. */
enum mlb_status mlb_cudnn_find_plans(struct mlb_cudnn_plans *plans,
                                     const struct mlb_cudnn_graph *graph,
                                     const struct mlb_cudnn_target *target, size_t most,
                                     uint64_t workspace_bytes, struct mlb_error *err);
void mlb_cudnn_free_plans(struct mlb_cudnn_plans *plans);

/* Pointers to each of the graph's bound tensors and scalars, in the order of graph->bound, and the
 * workspace (NULL when none is needed) as a descriptor; the caller unmakes it. */
enum mlb_status mlb_cudnn_pack(const struct mlb_cudnn_graph *graph, void *const *pointers,
                               void *workspace, void **pack, struct mlb_error *err);

#endif
