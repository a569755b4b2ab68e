/* SPDX-License-Identifier: Apache-2.0 */
/* cuDNN, opened at run time: the part of its backend interface that is used. The numbers and
 * prototypes are cuDNN's binary interface, the same in versions 8.9 to 9.x; they stand here so that
 * a machine with the library but without its header builds the same program. A test compares them
 * with the header where that is installed. */
#ifndef MLB_KERNELS_ATTENTION_CUDNN_H
#define MLB_KERNELS_ATTENTION_CUDNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/status.h"
#include "harness/device/dynlib.h"

/* X(name, value): CUDNN_<name> of the header. */
#define MLB_CUDNN_CONSTANTS(X)                                                                     \
    X(BACKEND_POINTWISE_DESCRIPTOR, 0)                                                             \
    X(BACKEND_ENGINE_DESCRIPTOR, 2)                                                                \
    X(BACKEND_ENGINECFG_DESCRIPTOR, 3)                                                             \
    X(BACKEND_ENGINEHEUR_DESCRIPTOR, 4)                                                            \
    X(BACKEND_EXECUTION_PLAN_DESCRIPTOR, 5)                                                        \
    X(BACKEND_OPERATION_POINTWISE_DESCRIPTOR, 13)                                                  \
    X(BACKEND_OPERATIONGRAPH_DESCRIPTOR, 15)                                                       \
    X(BACKEND_VARIANT_PACK_DESCRIPTOR, 16)                                                         \
    X(BACKEND_TENSOR_DESCRIPTOR, 17)                                                               \
    X(BACKEND_MATMUL_DESCRIPTOR, 18)                                                               \
    X(BACKEND_OPERATION_MATMUL_DESCRIPTOR, 19)                                                     \
    X(BACKEND_REDUCTION_DESCRIPTOR, 21)                                                            \
    X(BACKEND_OPERATION_REDUCTION_DESCRIPTOR, 22)                                                  \
    X(BACKEND_OPERATION_RESHAPE_DESCRIPTOR, 31)                                                    \
    X(BACKEND_DEVICEPROP_DESCRIPTOR, 38)                                                           \
    X(TYPE_HANDLE, 0)                                                                              \
    X(TYPE_DATA_TYPE, 1)                                                                           \
    X(TYPE_BOOLEAN, 2)                                                                             \
    X(TYPE_INT64, 3)                                                                               \
    X(TYPE_VOID_PTR, 6)                                                                            \
    X(TYPE_HEUR_MODE, 8)                                                                           \
    X(TYPE_POINTWISE_MODE, 14)                                                                     \
    X(TYPE_BACKEND_DESCRIPTOR, 15)                                                                 \
    X(TYPE_REDUCTION_OPERATOR_TYPE, 18)                                                            \
    X(TYPE_CHAR, 24)                                                                               \
    X(DATA_FLOAT, 0)                                                                               \
    X(DATA_HALF, 2)                                                                                \
    X(DATA_INT32, 4)                                                                               \
    X(DATA_BFLOAT16, 9)                                                                            \
    X(DATA_BOOLEAN, 11)                                                                            \
    X(DATA_FP8_E4M3, 12)                                                                           \
    X(POINTWISE_ADD, 0)                                                                            \
    X(POINTWISE_MUL, 1)                                                                            \
    X(POINTWISE_DIV, 6)                                                                            \
    X(POINTWISE_SUB, 9)                                                                            \
    X(POINTWISE_EXP, 13)                                                                           \
    X(POINTWISE_LOG, 15)                                                                           \
    X(POINTWISE_IDENTITY, 21)                                                                      \
    X(POINTWISE_GEN_INDEX, 501)                                                                    \
    X(POINTWISE_CMP_GE, 303)                                                                       \
    X(POINTWISE_BINARY_SELECT, 601)                                                                \
    X(REDUCE_TENSOR_ADD, 0)                                                                        \
    X(REDUCE_TENSOR_MAX, 3)                                                                        \
    X(REDUCE_TENSOR_AMAX, 4)                                                                       \
    X(HEUR_MODE_A, 3)                                                                              \
    X(HEUR_MODE_FALLBACK, 2)                                                                       \
    X(ATTR_POINTWISE_MODE, 0)                                                                      \
    X(ATTR_POINTWISE_MATH_PREC, 1)                                                                 \
    X(ATTR_POINTWISE_AXIS, 9)                                                                      \
    X(ATTR_ENGINEHEUR_MODE, 200)                                                                   \
    X(ATTR_ENGINEHEUR_OPERATION_GRAPH, 201)                                                        \
    X(ATTR_ENGINEHEUR_RESULTS, 202)                                                                \
    X(ATTR_ENGINEHEUR_DEVICEPROP, 204)                                                             \
    X(ATTR_ENGINECFG_ENGINE, 300)                                                                  \
    X(ATTR_EXECUTION_PLAN_HANDLE, 400)                                                             \
    X(ATTR_EXECUTION_PLAN_ENGINE_CONFIG, 401)                                                      \
    X(ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, 402)                                                     \
    X(ATTR_EXECUTION_PLAN_DEVICEPROP, 407)                                                         \
    X(ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, 750)                                                 \
    X(ATTR_OPERATION_POINTWISE_XDESC, 751)                                                         \
    X(ATTR_OPERATION_POINTWISE_BDESC, 752)                                                         \
    X(ATTR_OPERATION_POINTWISE_YDESC, 753)                                                         \
    X(ATTR_OPERATION_POINTWISE_TDESC, 758)                                                         \
    X(ATTR_OPERATIONGRAPH_HANDLE, 800)                                                             \
    X(ATTR_OPERATIONGRAPH_OPS, 801)                                                                \
    X(ATTR_TENSOR_BYTE_ALIGNMENT, 900)                                                             \
    X(ATTR_TENSOR_DATA_TYPE, 901)                                                                  \
    X(ATTR_TENSOR_DIMENSIONS, 902)                                                                 \
    X(ATTR_TENSOR_STRIDES, 903)                                                                    \
    X(ATTR_TENSOR_UNIQUE_ID, 906)                                                                  \
    X(ATTR_TENSOR_IS_VIRTUAL, 907)                                                                 \
    X(ATTR_TENSOR_IS_BY_VALUE, 908)                                                                \
    X(ATTR_VARIANT_PACK_UNIQUE_IDS, 1000)                                                          \
    X(ATTR_VARIANT_PACK_DATA_POINTERS, 1001)                                                       \
    X(ATTR_VARIANT_PACK_WORKSPACE, 1003)                                                           \
    X(ATTR_ENGINE_GLOBAL_INDEX, 1301)                                                              \
    X(ATTR_MATMUL_COMP_TYPE, 1500)                                                                 \
    X(ATTR_OPERATION_MATMUL_ADESC, 1520)                                                           \
    X(ATTR_OPERATION_MATMUL_BDESC, 1521)                                                           \
    X(ATTR_OPERATION_MATMUL_CDESC, 1522)                                                           \
    X(ATTR_OPERATION_MATMUL_DESC, 1523)                                                            \
    X(ATTR_REDUCTION_OPERATOR, 1600)                                                               \
    X(ATTR_REDUCTION_COMP_TYPE, 1601)                                                              \
    X(ATTR_OPERATION_REDUCTION_XDESC, 1610)                                                        \
    X(ATTR_OPERATION_REDUCTION_YDESC, 1611)                                                        \
    X(ATTR_OPERATION_REDUCTION_DESC, 1612)                                                         \
    X(ATTR_OPERATION_RESHAPE_XDESC, 2200)                                                          \
    X(ATTR_OPERATION_RESHAPE_YDESC, 2201)                                                          \
    X(ATTR_DEVICEPROP_JSON_REPRESENTATION, 2702)

enum mlb_cudnn_constant {
#define MLB_CUDNN_CONSTANT(name, value) MLB_CUDNN_##name = (value),
    MLB_CUDNN_CONSTANTS(MLB_CUDNN_CONSTANT)
#undef MLB_CUDNN_CONSTANT
};

/* X(member, function, optional, result, arguments). Handles, streams and descriptors are pointers;
 * statuses and enumerations are ints. */
#define MLB_CUDNN_FUNCTIONS(X)                                                                     \
    X(create, cudnnCreate, false, int, (void **handle))                                            \
    X(destroy, cudnnDestroy, false, int, (void *handle))                                           \
    X(set_stream, cudnnSetStream, false, int, (void *handle, void *stream))                        \
    X(version, cudnnGetVersion, false, size_t, (void))                                             \
    X(status_text, cudnnGetErrorString, false, const char *, (int status))                         \
    X(last_error, cudnnGetLastErrorString, true, void, (char *text, size_t size))                  \
    X(make, cudnnBackendCreateDescriptor, false, int, (int type, void **descriptor))               \
    X(unmake, cudnnBackendDestroyDescriptor, false, int, (void *descriptor))                       \
    X(finalize, cudnnBackendFinalize, false, int, (void *descriptor))                              \
    X(set, cudnnBackendSetAttribute, false, int,                                                   \
      (void *descriptor, int name, int type, int64_t count, const void *elements))                 \
    X(get, cudnnBackendGetAttribute, false, int,                                                   \
      (void *descriptor, int name, int type, int64_t room, int64_t *count, void *elements))        \
    X(execute, cudnnBackendExecute, false, int, (void *handle, void *plan, void *pack))

struct mlb_cudnn_functions {
#define MLB_CUDNN_POINTER(member, function, optional, result, arguments) result(*member) arguments;
    MLB_CUDNN_FUNCTIONS(MLB_CUDNN_POINTER)
#undef MLB_CUDNN_POINTER
};

/* Zero-initialise; mlb_cudnn_close accepts that. */
struct mlb_cudnn {
    struct mlb_dynlib library;
    struct mlb_cudnn_functions call;
    uint32_t version; /* 91900 is 9.19.0, 80907 is 8.9.7 */
};

/* MLB_E_UNSUPPORTED when it is missing or older than 8.9. */
enum mlb_status mlb_cudnn_open(struct mlb_cudnn *cudnn, struct mlb_error *err);
void mlb_cudnn_close(struct mlb_cudnn *cudnn);

/* MLB_OK for success; else a status and "cuDNN: WHAT: what cuDNN says". */
enum mlb_status mlb_cudnn_check(const struct mlb_cudnn *cudnn, int code, const char *what,
                                struct mlb_error *err);

/* "cuDNN 9.19.0" */
void mlb_cudnn_version(const struct mlb_cudnn *cudnn, char *to, size_t size);

#endif
