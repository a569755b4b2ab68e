/* SPDX-License-Identifier: Apache-2.0 */
/* A libcudnn.so that needs no GPU: it keeps descriptors as they are set and executes an operation
 * graph as it is written, one operation after the other, in host memory. What a graph means can so
 * be tested where nothing can run it.
 *
 * Engine 10 is a good plan, engine 11 refuses every graph, engine 12 wants 1 TiB of workspace,
 * engine 13 fails when it is run. Graphs with a dimension of 40 have no engine in mode A, those
 * with one of 56 none at all. FAKE_CUDNN_VERSION in the environment is the version it says; before
 * 9.6 sums of products in f32 in memory are added to what is there, and before 9.10 infinite scores
 * give NaN. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/dtype.h"
#include "kernels/attention/cudnn.h"

enum { SUCCESS = 0, BAD_PARAM = 2000, NOT_SUPPORTED = 3000, EXECUTION_FAILED = 5000 };
enum { ATTRIBUTES = 8, ELEMENTS = 64, GOOD = 10, REFUSES = 11, GREEDY = 12, FAILS = 13 };

struct attribute {
    int name;
    int64_t count;
    union {
        int64_t number[ELEMENTS]; /* enumerations and booleans too */
        void *pointer[ELEMENTS];
    } value;
};

struct descriptor {
    int type;
    bool finalized;
    struct attribute attributes[ATTRIBUTES];
    size_t count;
    int64_t engine;                 /* of a configuration or a plan */
    const struct descriptor *graph; /* likewise */
    double *memory;                 /* of a virtual tensor, while a graph is executed */
};

struct handle {
    int unused;
};

static const char *last_error = "";

static size_t element_size(int type)
{
    switch (type) {
    case MLB_CUDNN_TYPE_BOOLEAN:
    case MLB_CUDNN_TYPE_CHAR:
        return 1;
    case MLB_CUDNN_TYPE_INT64:
    case MLB_CUDNN_TYPE_HANDLE:
    case MLB_CUDNN_TYPE_VOID_PTR:
    case MLB_CUDNN_TYPE_BACKEND_DESCRIPTOR:
        return 8;
    default:
        return sizeof(int);
    }
}

static const struct attribute *find(const struct descriptor *descriptor, int name)
{
    for (size_t i = 0; descriptor && i < descriptor->count; i++)
        if (descriptor->attributes[i].name == name)
            return &descriptor->attributes[i];
    return NULL;
}

/* One that every descriptor of this kind has. */
static const struct attribute *required(const struct descriptor *descriptor, int name)
{
    const struct attribute *attribute = find(descriptor, name);
    if (!attribute)
        abort();
    return attribute;
}

static int64_t number(const struct descriptor *descriptor, int name)
{
    const struct attribute *attribute = find(descriptor, name);
    return attribute ? attribute->value.number[0] : 0;
}

static struct descriptor *child(const struct descriptor *descriptor, int name)
{
    const struct attribute *attribute = find(descriptor, name);
    return attribute ? attribute->value.pointer[0] : NULL;
}

/* -------------------------------------------------------------------------------------- tensors */

static const int64_t *dims(const struct descriptor *tensor)
{
    return required(tensor, MLB_CUDNN_ATTR_TENSOR_DIMENSIONS)->value.number;
}

static const int64_t *strides(const struct descriptor *tensor)
{
    return required(tensor, MLB_CUDNN_ATTR_TENSOR_STRIDES)->value.number;
}

static int64_t extent(const struct descriptor *tensor)
{
    int64_t last = 0;
    for (int i = 0; i < 4; i++)
        last += (dims(tensor)[i] - 1) * strides(tensor)[i];
    return last + 1;
}

static enum mlb_dtype dtype_of(const struct descriptor *tensor)
{
    switch (number(tensor, MLB_CUDNN_ATTR_TENSOR_DATA_TYPE)) {
    case MLB_CUDNN_DATA_BFLOAT16:
        return MLB_BF16;
    case MLB_CUDNN_DATA_HALF:
        return MLB_F16;
    case MLB_CUDNN_DATA_FP8_E4M3:
        return MLB_E4M3;
    case MLB_CUDNN_DATA_INT32:
    case MLB_CUDNN_DATA_BOOLEAN:
        return MLB_S32;
    default:
        return MLB_F32;
    }
}

/* Where a tensor in memory is, by its id in the pack. */
static void *bound(const struct descriptor *pack, const struct descriptor *tensor)
{
    const struct attribute *ids = required(pack, MLB_CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    const struct attribute *at = required(pack, MLB_CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
    int64_t id = number(tensor, MLB_CUDNN_ATTR_TENSOR_UNIQUE_ID);
    for (int64_t i = 0; i < ids->count; i++)
        if (ids->value.number[i] == id)
            return at->value.pointer[i];
    abort();
}

/* Dimensions in which the tensor is smaller than the place's are shared by neighbours. */
static int64_t offset(const struct descriptor *tensor, const int64_t at[4], const int64_t of[4])
{
    int64_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum += at[i] / (of[i] / dims(tensor)[i]) * strides(tensor)[i];
    return sum;
}

static double load(const struct descriptor *pack, const struct descriptor *tensor, int64_t at)
{
    if (number(tensor, MLB_CUDNN_ATTR_TENSOR_IS_VIRTUAL))
        return tensor->memory[at];
    return mlb_dtype_load(dtype_of(tensor), bound(pack, tensor), (size_t)at);
}

static void store(const struct descriptor *pack, struct descriptor *tensor, int64_t at,
                  double value)
{
    double rounded = 0.0;
    if (!number(tensor, MLB_CUDNN_ATTR_TENSOR_IS_VIRTUAL)) {
        mlb_dtype_store(dtype_of(tensor), bound(pack, tensor), (size_t)at, value);
        return;
    }
    if (!tensor->memory)
        tensor->memory = calloc((size_t)extent(tensor), sizeof *tensor->memory);
    mlb_dtype_store(dtype_of(tensor), &rounded, 0, value);
    tensor->memory[at] = mlb_dtype_load(dtype_of(tensor), &rounded, 0);
}

/* The next place of a tensor's; false after the last. */
static bool advance(int64_t at[4], const int64_t of[4])
{
    for (int i = 3; i >= 0; i--) {
        if (++at[i] < of[i])
            return true;
        at[i] = 0;
    }
    return false;
}

/* ----------------------------------------------------------------------------------- operations */

size_t cudnnGetVersion(void);

size_t cudnnGetVersion(void)
{
    const char *version = getenv("FAKE_CUDNN_VERSION");
    return version ? (size_t)atol(version) : 91900;
}

static double apply(int64_t mode, double x, double b, double condition)
{
    switch (mode) {
    case MLB_CUDNN_POINTWISE_ADD:
        return x + b;
    case MLB_CUDNN_POINTWISE_SUB:
        return x - b;
    case MLB_CUDNN_POINTWISE_MUL:
        return x * b;
    case MLB_CUDNN_POINTWISE_DIV:
        return x / b;
    case MLB_CUDNN_POINTWISE_EXP:
        return exp(x);
    case MLB_CUDNN_POINTWISE_LOG:
        return log(x);
    case MLB_CUDNN_POINTWISE_CMP_GE:
        return x >= b;
    case MLB_CUDNN_POINTWISE_BINARY_SELECT:
        return condition != 0.0 ? x : isinf(b) && cudnnGetVersion() < 91000 ? (double)NAN : b;
    case MLB_CUDNN_POINTWISE_IDENTITY:
        return x;
    default:
        abort();
    }
}

static void run_pointwise(const struct descriptor *pack, const struct descriptor *op)
{
    const struct descriptor *how = child(op, MLB_CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
    const struct descriptor *x = child(op, MLB_CUDNN_ATTR_OPERATION_POINTWISE_XDESC);
    const struct descriptor *b = child(op, MLB_CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
    const struct descriptor *t = child(op, MLB_CUDNN_ATTR_OPERATION_POINTWISE_TDESC);
    struct descriptor *y = child(op, MLB_CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
    int64_t mode = number(how, MLB_CUDNN_ATTR_POINTWISE_MODE), at[4] = {0};
    do {
        double value;
        if (mode == MLB_CUDNN_POINTWISE_GEN_INDEX)
            value = (double)at[number(how, MLB_CUDNN_ATTR_POINTWISE_AXIS)];
        else
            value = apply(mode, load(pack, x, offset(x, at, dims(y))),
                          b ? load(pack, b, offset(b, at, dims(y))) : 0.0,
                          t ? load(pack, t, offset(t, at, dims(y))) : 0.0);
        store(pack, y, offset(y, at, dims(y)), value);
    } while (advance(at, dims(y)));
}

static bool adds(const struct descriptor *tensor)
{
    return cudnnGetVersion() < 90600 && dtype_of(tensor) == MLB_F32 &&
           !number(tensor, MLB_CUDNN_ATTR_TENSOR_IS_VIRTUAL);
}

static void run_matmul(const struct descriptor *pack, const struct descriptor *op)
{
    const struct descriptor *a = child(op, MLB_CUDNN_ATTR_OPERATION_MATMUL_ADESC);
    const struct descriptor *b = child(op, MLB_CUDNN_ATTR_OPERATION_MATMUL_BDESC);
    struct descriptor *c = child(op, MLB_CUDNN_ATTR_OPERATION_MATMUL_CDESC);
    int64_t at[4] = {0}, depth = dims(a)[3];
    const int64_t *of = dims(c);
    do {
        double sum = adds(c) ? load(pack, c, offset(c, at, of)) : 0.0;
        for (int64_t k = 0; k < depth; k++) {
            const int64_t in_a[4] = {at[0], at[1], at[2], k},
                          of_a[4] = {of[0], of[1], of[2], depth};
            const int64_t in_b[4] = {at[0], at[1], k, at[3]},
                          of_b[4] = {of[0], of[1], depth, of[3]};
            sum += load(pack, a, offset(a, in_a, of_a)) * load(pack, b, offset(b, in_b, of_b));
        }
        store(pack, c, offset(c, at, of), sum);
    } while (advance(at, of));
}

static void run_reduction(const struct descriptor *pack, const struct descriptor *op)
{
    const struct descriptor *how = child(op, MLB_CUDNN_ATTR_OPERATION_REDUCTION_DESC);
    const struct descriptor *x = child(op, MLB_CUDNN_ATTR_OPERATION_REDUCTION_XDESC);
    struct descriptor *y = child(op, MLB_CUDNN_ATTR_OPERATION_REDUCTION_YDESC);
    int64_t of = number(how, MLB_CUDNN_ATTR_REDUCTION_OPERATOR), at[4] = {0};
    double *sums = malloc((size_t)extent(y) * sizeof *sums);
    for (int64_t i = 0; i < extent(y); i++)
        sums[i] = of == MLB_CUDNN_REDUCE_TENSOR_MAX ? -INFINITY : 0.0;
    do {
        double value = load(pack, x, offset(x, at, dims(x)));
        double *sum = &sums[offset(y, at, dims(x))];
        *sum = of == MLB_CUDNN_REDUCE_TENSOR_ADD   ? *sum + value
               : of == MLB_CUDNN_REDUCE_TENSOR_MAX ? fmax(*sum, value)
                                                   : fmax(*sum, fabs(value));
    } while (advance(at, dims(x)));
    do
        store(pack, y, offset(y, at, dims(y)), sums[offset(y, at, dims(y))]);
    while (advance(at, dims(y)));
    free(sums);
}

/* The same elements in the same order in memory. */
static void run_reshape(const struct descriptor *pack, const struct descriptor *op)
{
    const struct descriptor *x = child(op, MLB_CUDNN_ATTR_OPERATION_RESHAPE_XDESC);
    struct descriptor *y = child(op, MLB_CUDNN_ATTR_OPERATION_RESHAPE_YDESC);
    for (int64_t i = 0; i < extent(y); i++)
        store(pack, y, i, load(pack, x, i));
}

static void run(const struct descriptor *pack, const struct descriptor *op)
{
    switch (op->type) {
    case MLB_CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
        run_pointwise(pack, op);
        return;
    case MLB_CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR:
        run_matmul(pack, op);
        return;
    case MLB_CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
        run_reduction(pack, op);
        return;
    case MLB_CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR:
        run_reshape(pack, op);
        return;
    default:
        abort();
    }
}

/* ------------------------------------------------------------------------------------ functions */

int cudnnCreate(void **handle);
int cudnnDestroy(void *handle);
int cudnnSetStream(void *handle, void *stream);
const char *cudnnGetErrorString(int status);
void cudnnGetLastErrorString(char *text, size_t size);
int cudnnBackendCreateDescriptor(int type, void **descriptor);
int cudnnBackendDestroyDescriptor(void *descriptor);
int cudnnBackendFinalize(void *descriptor);
int cudnnBackendSetAttribute(void *descriptor, int name, int type, int64_t count,
                             const void *elements);
int cudnnBackendGetAttribute(void *descriptor, int name, int type, int64_t room, int64_t *count,
                             void *elements);
int cudnnBackendExecute(void *handle, void *plan, void *pack);

int cudnnCreate(void **handle)
{
    *handle = calloc(1, sizeof(struct handle));
    return SUCCESS;
}

int cudnnDestroy(void *handle)
{
    free(handle);
    return SUCCESS;
}

int cudnnSetStream(void *handle, void *stream)
{
    (void)handle;
    (void)stream;
    return SUCCESS;
}

const char *cudnnGetErrorString(int status)
{
    return status == NOT_SUPPORTED ? "CUDNN_STATUS_NOT_SUPPORTED" : "CUDNN_STATUS_OTHER";
}

void cudnnGetLastErrorString(char *text, size_t size)
{
    strncpy(text, last_error, size - 1);
    text[size - 1] = '\0';
    last_error = "";
}

int cudnnBackendCreateDescriptor(int type, void **made)
{
    struct descriptor *descriptor = calloc(1, sizeof *descriptor);
    descriptor->type = type;
    *made = descriptor;
    return SUCCESS;
}

int cudnnBackendDestroyDescriptor(void *descriptor)
{
    free(descriptor);
    return SUCCESS;
}

int cudnnBackendSetAttribute(void *to, int name, int type, int64_t count, const void *elements)
{
    struct descriptor *descriptor = to;
    struct attribute *attribute = &descriptor->attributes[descriptor->count];
    size_t size = element_size(type);
    if (descriptor->finalized || descriptor->count == ATTRIBUTES || count > ELEMENTS ||
        find(descriptor, name))
        return BAD_PARAM;
    descriptor->count++;
    attribute->name = name;
    attribute->count = count;
    for (int64_t i = 0; i < count; i++)
        memcpy(&attribute->value.number[i], (const char *)elements + (size_t)i * size, size);
    return SUCCESS;
}

static bool has_dimension(const struct descriptor *graph, int64_t dimension)
{
    const struct attribute *ops = required(graph, MLB_CUDNN_ATTR_OPERATIONGRAPH_OPS);
    for (int64_t i = 0; i < ops->count; i++) {
        const struct descriptor *a =
            child(ops->value.pointer[i], MLB_CUDNN_ATTR_OPERATION_MATMUL_ADESC);
        if (a && dims(a)[3] == dimension)
            return true;
    }
    return false;
}

int cudnnBackendFinalize(void *what)
{
    struct descriptor *descriptor = what;
    if (descriptor->finalized)
        return BAD_PARAM;
    descriptor->finalized = true;
    if (descriptor->type != MLB_CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR)
        return SUCCESS;
    const struct descriptor *config =
        child(descriptor, MLB_CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    descriptor->engine = config->engine;
    descriptor->graph = config->graph;
    last_error =
        "{\"engineId\":3}\n"
        "Warning: CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH; Reason: another GPU at: a > b\n"
        "Warning: CUDNN_STATUS_NOT_SUPPORTED_SHAPE; Reason: too wide at: d > 128\n";
    return descriptor->engine == REFUSES ? NOT_SUPPORTED : SUCCESS;
}

static int propose(const struct descriptor *heuristic, int64_t *count, void **configs)
{
    const struct descriptor *graph = child(heuristic, MLB_CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    bool mode_a = number(heuristic, MLB_CUDNN_ATTR_ENGINEHEUR_MODE) == MLB_CUDNN_HEUR_MODE_A;
    static const int64_t engines[] = {REFUSES, GREEDY, GOOD, FAILS};
    *count = has_dimension(graph, 56) || (mode_a && has_dimension(graph, 40)) ? 0 : 4;
    for (int64_t i = 0; i < *count; i++) {
        struct descriptor *config = configs[i];
        config->engine = engines[i];
        config->graph = graph;
    }
    last_error = "Warning: CUDNN_STATUS_NOT_SUPPORTED_SHAPE; Reason: too odd at: d == 56\n";
    return SUCCESS;
}

int cudnnBackendGetAttribute(void *from, int name, int type, int64_t room, int64_t *count,
                             void *elements)
{
    struct descriptor *descriptor = from;
    void **pointers = elements;
    int64_t *numbers = elements;
    (void)type;
    *count = 1;
    switch (name) {
    case MLB_CUDNN_ATTR_ENGINEHEUR_RESULTS:
        return room < 4 ? BAD_PARAM : propose(descriptor, count, pointers);
    case MLB_CUDNN_ATTR_ENGINECFG_ENGINE:
        ((struct descriptor *)pointers[0])->engine = descriptor->engine;
        return SUCCESS;
    case MLB_CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
        *numbers = descriptor->engine;
        return SUCCESS;
    case MLB_CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
        *numbers = descriptor->engine == GREEDY ? (int64_t)1 << 40 : 512;
        return SUCCESS;
    default:
        return BAD_PARAM;
    }
}

/* A virtual tensor that an operation wrote. */
static void forget(struct descriptor *tensor)
{
    if (tensor) {
        free(tensor->memory);
        tensor->memory = NULL;
    }
}

int cudnnBackendExecute(void *handle, void *with, void *pack)
{
    const struct descriptor *plan = with;
    if (!handle || !plan->finalized || plan->engine == FAILS)
        return EXECUTION_FAILED;
    const struct attribute *ops = required(plan->graph, MLB_CUDNN_ATTR_OPERATIONGRAPH_OPS);
    for (int64_t i = 0; i < ops->count; i++)
        run(pack, ops->value.pointer[i]);
    for (int64_t i = 0; i < ops->count; i++) {
        forget(child(ops->value.pointer[i], MLB_CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
        forget(child(ops->value.pointer[i], MLB_CUDNN_ATTR_OPERATION_MATMUL_CDESC));
        forget(child(ops->value.pointer[i], MLB_CUDNN_ATTR_OPERATION_REDUCTION_YDESC));
        forget(child(ops->value.pointer[i], MLB_CUDNN_ATTR_OPERATION_RESHAPE_YDESC));
    }
    return SUCCESS;
}
