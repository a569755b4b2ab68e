/* SPDX-License-Identifier: Apache-2.0 */
/* A cuDNN operation graph being composed. Errors stay: after the first call that failed all others
 * do nothing, and mlb_cudnn_close_graph returns it. */
#ifndef MLB_KERNELS_ATTENTION_CUDNN_GRAPH_H
#define MLB_KERNELS_ATTENTION_CUDNN_GRAPH_H

#include "kernels/attention/cudnn.h"

#define MLB_CUDNN_DESCRIPTORS 256u
#define MLB_CUDNN_OPERATIONS  64u
#define MLB_CUDNN_BOUND       40u

/* Always of rank 4. Strides count elements. */
struct mlb_cudnn_tensor {
    void *descriptor;
    int64_t dim[4], stride[4];
};

/* Zero-initialise, set api, compose, close; free at the end, which accepts a zeroed one. */
struct mlb_cudnn_graph {
    const struct mlb_cudnn *api;
    enum mlb_status status;
    struct mlb_error error;
    void *made[MLB_CUDNN_DESCRIPTORS];
    size_t made_count;
    void *operations[MLB_CUDNN_OPERATIONS];
    size_t operation_count;
    int64_t bound[MLB_CUDNN_BOUND]; /* ids of the tensors that the caller gives memory or values */
    size_t bound_count;
    int64_t virtual_count;
    void *graph; /* once closed */
};

/* A tensor in the caller's memory. Ids are the caller's, 1 to 999. */
struct mlb_cudnn_tensor mlb_cudnn_bound(struct mlb_cudnn_graph *graph, int64_t id, int type,
                                        const int64_t dim[4], const int64_t stride[4]);
/* An f32 in host memory, read when the graph is executed. */
struct mlb_cudnn_tensor mlb_cudnn_scalar(struct mlb_cudnn_graph *graph, int64_t id);
/* An intermediate result that never is in memory; dense unless it has strides. */
struct mlb_cudnn_tensor mlb_cudnn_virtual(struct mlb_cudnn_graph *graph, int type, int64_t d0,
                                          int64_t d1, int64_t d2, int64_t d3);
struct mlb_cudnn_tensor mlb_cudnn_virtual_strided(struct mlb_cudnn_graph *graph, int type,
                                                  const int64_t dim[4], const int64_t stride[4]);

/* `mode` is a MLB_CUDNN_POINTWISE_...; b is NULL for functions of one value. */
void mlb_cudnn_pointwise(struct mlb_cudnn_graph *graph, int mode, const struct mlb_cudnn_tensor *x,
                         const struct mlb_cudnn_tensor *b, const struct mlb_cudnn_tensor *y);
/* y = place along `axis` of each element of a tensor like x. */
void mlb_cudnn_index(struct mlb_cudnn_graph *graph, int64_t axis, const struct mlb_cudnn_tensor *x,
                     const struct mlb_cudnn_tensor *y);
/* y = row >= column */
void mlb_cudnn_not_below(struct mlb_cudnn_graph *graph, const struct mlb_cudnn_tensor *row,
                         const struct mlb_cudnn_tensor *column, const struct mlb_cudnn_tensor *y);
/* y = condition ? x : otherwise */
void mlb_cudnn_select(struct mlb_cudnn_graph *graph, const struct mlb_cudnn_tensor *condition,
                      const struct mlb_cudnn_tensor *x, const struct mlb_cudnn_tensor *otherwise,
                      const struct mlb_cudnn_tensor *y);
/* c = a b, summed in f32. Fewer heads (dimension 1) in b are shared by those of a. */
void mlb_cudnn_matmul(struct mlb_cudnn_graph *graph, const struct mlb_cudnn_tensor *a,
                      const struct mlb_cudnn_tensor *b, const struct mlb_cudnn_tensor *c);
/* `operator` is a MLB_CUDNN_REDUCE_TENSOR_...; over the dimensions in which y is smaller. */
void mlb_cudnn_reduce(struct mlb_cudnn_graph *graph, int operator,
                      const struct mlb_cudnn_tensor * x, const struct mlb_cudnn_tensor *y);
/* The same elements under other dimensions or strides. */
void mlb_cudnn_reshape(struct mlb_cudnn_graph *graph, const struct mlb_cudnn_tensor *x,
                       const struct mlb_cudnn_tensor *y);

/* `handle` NULL: the graph is for a described device. */
enum mlb_status mlb_cudnn_close_graph(struct mlb_cudnn_graph *graph, void *handle,
                                      struct mlb_error *err);
void mlb_cudnn_free_graph(struct mlb_cudnn_graph *graph);

#endif
