/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/cudnn_graph.h"

#include <string.h>

#define ALIGNMENT     16 /* bytes; of every tensor in memory */
#define FIRST_VIRTUAL 1000

static void note(struct mlb_cudnn_graph *graph, int code, const char *what)
{
    if (graph->status == MLB_OK)
        graph->status = mlb_cudnn_check(graph->api, code, what, &graph->error);
}

static void *make(struct mlb_cudnn_graph *graph, int type, const char *what)
{
    void *descriptor = NULL;
    if (graph->status == MLB_OK && graph->made_count == MLB_CUDNN_DESCRIPTORS)
        graph->status =
            mlb_fail(&graph->error, MLB_E_INTERNAL, "cuDNN: too many descriptors in a graph");
    if (graph->status != MLB_OK)
        return NULL;
    note(graph, graph->api->call.make(type, &descriptor), what);
    if (descriptor)
        graph->made[graph->made_count++] = descriptor;
    return descriptor;
}

static void set(struct mlb_cudnn_graph *graph, void *descriptor, int name, int type, int64_t count,
                const void *values, const char *what)
{
    if (graph->status == MLB_OK)
        note(graph, graph->api->call.set(descriptor, name, type, count, values), what);
}

static void set_int(struct mlb_cudnn_graph *graph, void *descriptor, int name, int type, int value,
                    const char *what)
{
    set(graph, descriptor, name, type, 1, &value, what);
}

static void set_tensor(struct mlb_cudnn_graph *graph, void *descriptor, int name,
                       const struct mlb_cudnn_tensor *tensor, const char *what)
{
    if (tensor)
        set(graph, descriptor, name, MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &tensor->descriptor,
            what);
}

static void finalize(struct mlb_cudnn_graph *graph, void *descriptor, const char *what)
{
    if (graph->status == MLB_OK)
        note(graph, graph->api->call.finalize(descriptor), what);
}

/* Finalized, and part of the graph. */
static void add(struct mlb_cudnn_graph *graph, void *operation, const char *what)
{
    finalize(graph, operation, what);
    if (graph->status == MLB_OK && graph->operation_count == MLB_CUDNN_OPERATIONS)
        graph->status =
            mlb_fail(&graph->error, MLB_E_INTERNAL, "cuDNN: too many operations in a graph");
    if (graph->status == MLB_OK)
        graph->operations[graph->operation_count++] = operation;
}

/* -------------------------------------------------------------------------------------- tensors */

enum place { IN_MEMORY, BY_VALUE, VIRTUAL };

static struct mlb_cudnn_tensor tensor(struct mlb_cudnn_graph *graph, int64_t id, int type,
                                      enum place place, const int64_t dim[4],
                                      const int64_t stride[4])
{
    static const char what[] = "tensor";
    const int64_t alignment = ALIGNMENT;
    const bool is_virtual = place == VIRTUAL, by_value = place == BY_VALUE;
    struct mlb_cudnn_tensor made = {.descriptor =
                                        make(graph, MLB_CUDNN_BACKEND_TENSOR_DESCRIPTOR, what)};
    memcpy(made.dim, dim, sizeof made.dim);
    memcpy(made.stride, stride, sizeof made.stride);
    void *d = made.descriptor;
    set_int(graph, d, MLB_CUDNN_ATTR_TENSOR_DATA_TYPE, MLB_CUDNN_TYPE_DATA_TYPE, type, what);
    set(graph, d, MLB_CUDNN_ATTR_TENSOR_DIMENSIONS, MLB_CUDNN_TYPE_INT64, 4, dim, what);
    set(graph, d, MLB_CUDNN_ATTR_TENSOR_STRIDES, MLB_CUDNN_TYPE_INT64, 4, stride, what);
    set(graph, d, MLB_CUDNN_ATTR_TENSOR_UNIQUE_ID, MLB_CUDNN_TYPE_INT64, 1, &id, what);
    set(graph, d, MLB_CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, MLB_CUDNN_TYPE_INT64, 1, &alignment, what);
    set(graph, d, MLB_CUDNN_ATTR_TENSOR_IS_VIRTUAL, MLB_CUDNN_TYPE_BOOLEAN, 1, &is_virtual, what);
    if (by_value)
        set(graph, d, MLB_CUDNN_ATTR_TENSOR_IS_BY_VALUE, MLB_CUDNN_TYPE_BOOLEAN, 1, &by_value,
            what);
    finalize(graph, d, what);
    return made;
}

static void bind(struct mlb_cudnn_graph *graph, int64_t id)
{
    if (graph->status == MLB_OK && graph->bound_count == MLB_CUDNN_BOUND)
        graph->status =
            mlb_fail(&graph->error, MLB_E_INTERNAL, "cuDNN: too many tensors in memory");
    if (graph->status == MLB_OK)
        graph->bound[graph->bound_count++] = id;
}

struct mlb_cudnn_tensor mlb_cudnn_bound(struct mlb_cudnn_graph *graph, int64_t id, int type,
                                        const int64_t dim[4], const int64_t stride[4])
{
    bind(graph, id);
    return tensor(graph, id, type, IN_MEMORY, dim, stride);
}

struct mlb_cudnn_tensor mlb_cudnn_scalar(struct mlb_cudnn_graph *graph, int64_t id)
{
    static const int64_t one[4] = {1, 1, 1, 1};
    bind(graph, id);
    return tensor(graph, id, MLB_CUDNN_DATA_FLOAT, BY_VALUE, one, one);
}

struct mlb_cudnn_tensor mlb_cudnn_virtual_strided(struct mlb_cudnn_graph *graph, int type,
                                                  const int64_t dim[4], const int64_t stride[4])
{
    return tensor(graph, FIRST_VIRTUAL + graph->virtual_count++, type, VIRTUAL, dim, stride);
}

struct mlb_cudnn_tensor mlb_cudnn_virtual(struct mlb_cudnn_graph *graph, int type, int64_t d0,
                                          int64_t d1, int64_t d2, int64_t d3)
{
    const int64_t dim[4] = {d0, d1, d2, d3}, stride[4] = {d1 * d2 * d3, d2 * d3, d3, 1};
    return mlb_cudnn_virtual_strided(graph, type, dim, stride);
}

/* ----------------------------------------------------------------------------------- operations */

struct pointwise {
    int mode, precision;
    int64_t axis; /* negative: none */
    const struct mlb_cudnn_tensor *x, *b, *condition, *y;
};

static void add_pointwise(struct mlb_cudnn_graph *graph, const struct pointwise *as)
{
    static const char what[] = "pointwise operation";
    void *how = make(graph, MLB_CUDNN_BACKEND_POINTWISE_DESCRIPTOR, what);
    set_int(graph, how, MLB_CUDNN_ATTR_POINTWISE_MODE, MLB_CUDNN_TYPE_POINTWISE_MODE, as->mode,
            what);
    set_int(graph, how, MLB_CUDNN_ATTR_POINTWISE_MATH_PREC, MLB_CUDNN_TYPE_DATA_TYPE, as->precision,
            what);
    if (as->axis >= 0)
        set(graph, how, MLB_CUDNN_ATTR_POINTWISE_AXIS, MLB_CUDNN_TYPE_INT64, 1, &as->axis, what);
    finalize(graph, how, what);
    void *operation = make(graph, MLB_CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, what);
    set(graph, operation, MLB_CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR,
        MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &how, what);
    set_tensor(graph, operation, MLB_CUDNN_ATTR_OPERATION_POINTWISE_XDESC, as->x, what);
    set_tensor(graph, operation, MLB_CUDNN_ATTR_OPERATION_POINTWISE_BDESC, as->b, what);
    set_tensor(graph, operation, MLB_CUDNN_ATTR_OPERATION_POINTWISE_TDESC, as->condition, what);
    set_tensor(graph, operation, MLB_CUDNN_ATTR_OPERATION_POINTWISE_YDESC, as->y, what);
    add(graph, operation, what);
}

void mlb_cudnn_pointwise(struct mlb_cudnn_graph *graph, int mode, const struct mlb_cudnn_tensor *x,
                         const struct mlb_cudnn_tensor *b, const struct mlb_cudnn_tensor *y)
{
    add_pointwise(graph, &(struct pointwise){mode, MLB_CUDNN_DATA_FLOAT, -1, x, b, NULL, y});
}

void mlb_cudnn_index(struct mlb_cudnn_graph *graph, int64_t axis, const struct mlb_cudnn_tensor *x,
                     const struct mlb_cudnn_tensor *y)
{
    add_pointwise(graph, &(struct pointwise){MLB_CUDNN_POINTWISE_GEN_INDEX, MLB_CUDNN_DATA_FLOAT,
                                             axis, x, NULL, NULL, y});
}

void mlb_cudnn_not_below(struct mlb_cudnn_graph *graph, const struct mlb_cudnn_tensor *row,
                         const struct mlb_cudnn_tensor *column, const struct mlb_cudnn_tensor *y)
{
    add_pointwise(graph, &(struct pointwise){MLB_CUDNN_POINTWISE_CMP_GE, MLB_CUDNN_DATA_BOOLEAN, -1,
                                             row, column, NULL, y});
}

void mlb_cudnn_select(struct mlb_cudnn_graph *graph, const struct mlb_cudnn_tensor *condition,
                      const struct mlb_cudnn_tensor *x, const struct mlb_cudnn_tensor *otherwise,
                      const struct mlb_cudnn_tensor *y)
{
    add_pointwise(graph, &(struct pointwise){MLB_CUDNN_POINTWISE_BINARY_SELECT,
                                             MLB_CUDNN_DATA_FLOAT, -1, x, otherwise, condition, y});
}

void mlb_cudnn_matmul(struct mlb_cudnn_graph *graph, const struct mlb_cudnn_tensor *a,
                      const struct mlb_cudnn_tensor *b, const struct mlb_cudnn_tensor *c)
{
    static const char what[] = "matrix product";
    void *how = make(graph, MLB_CUDNN_BACKEND_MATMUL_DESCRIPTOR, what);
    set_int(graph, how, MLB_CUDNN_ATTR_MATMUL_COMP_TYPE, MLB_CUDNN_TYPE_DATA_TYPE,
            MLB_CUDNN_DATA_FLOAT, what);
    finalize(graph, how, what);
    void *operation = make(graph, MLB_CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR, what);
    set_tensor(graph, operation, MLB_CUDNN_ATTR_OPERATION_MATMUL_ADESC, a, what);
    set_tensor(graph, operation, MLB_CUDNN_ATTR_OPERATION_MATMUL_BDESC, b, what);
    set_tensor(graph, operation, MLB_CUDNN_ATTR_OPERATION_MATMUL_CDESC, c, what);
    set(graph, operation, MLB_CUDNN_ATTR_OPERATION_MATMUL_DESC, MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR,
        1, &how, what);
    add(graph, operation, what);
}

void mlb_cudnn_reduce(struct mlb_cudnn_graph *graph, int operator,
                      const struct mlb_cudnn_tensor * x, const struct mlb_cudnn_tensor *y)
{
    static const char what[] = "reduction";
    void *how = make(graph, MLB_CUDNN_BACKEND_REDUCTION_DESCRIPTOR, what);
    set_int(graph, how, MLB_CUDNN_ATTR_REDUCTION_OPERATOR,
            MLB_CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, operator, what);
    set_int(graph, how, MLB_CUDNN_ATTR_REDUCTION_COMP_TYPE, MLB_CUDNN_TYPE_DATA_TYPE,
            MLB_CUDNN_DATA_FLOAT, what);
    finalize(graph, how, what);
    void *operation = make(graph, MLB_CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR, what);
    set_tensor(graph, operation, MLB_CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x, what);
    set_tensor(graph, operation, MLB_CUDNN_ATTR_OPERATION_REDUCTION_YDESC, y, what);
    set(graph, operation, MLB_CUDNN_ATTR_OPERATION_REDUCTION_DESC,
        MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &how, what);
    add(graph, operation, what);
}

void mlb_cudnn_reshape(struct mlb_cudnn_graph *graph, const struct mlb_cudnn_tensor *x,
                       const struct mlb_cudnn_tensor *y)
{
    static const char what[] = "reshape";
    void *operation = make(graph, MLB_CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR, what);
    set_tensor(graph, operation, MLB_CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x, what);
    set_tensor(graph, operation, MLB_CUDNN_ATTR_OPERATION_RESHAPE_YDESC, y, what);
    add(graph, operation, what);
}

enum mlb_status mlb_cudnn_close_graph(struct mlb_cudnn_graph *graph, void *handle,
                                      struct mlb_error *err)
{
    static const char what[] = "attention graph";
    void *made = make(graph, MLB_CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, what);
    set(graph, made, MLB_CUDNN_ATTR_OPERATIONGRAPH_OPS, MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR,
        (int64_t)graph->operation_count, graph->operations, what);
    if (handle)
        set(graph, made, MLB_CUDNN_ATTR_OPERATIONGRAPH_HANDLE, MLB_CUDNN_TYPE_HANDLE, 1, &handle,
            what);
    finalize(graph, made, what);
    graph->graph = made;
    if (graph->status == MLB_OK)
        return MLB_OK;
    return mlb_fail(err, graph->status, "%s", graph->error.text);
}

void mlb_cudnn_free_graph(struct mlb_cudnn_graph *graph)
{
    while (graph->made_count)
        graph->api->call.unmake(graph->made[--graph->made_count]);
    graph->graph = NULL;
}
