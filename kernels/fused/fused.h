/* SPDX-License-Identifier: Apache-2.0 */
/* What the memory-bound operations of a training step share as workloads: how an operation is
 * described in a table, and the hooks that drive any operation from its description. The operations
 * themselves stand in norm.h, rope.h, swiglu.h, cross_entropy.h, embedding.h and adamw.h, and know
 * nothing of this file. */
#ifndef MLB_KERNELS_FUSED_H
#define MLB_KERNELS_FUSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/dtype.h"
#include "harness/measure/workload.h"

enum mlb_fused_id {
    MLB_FUSED_RMSNORM,
    MLB_FUSED_LAYERNORM,
    MLB_FUSED_ROPE,
    MLB_FUSED_SWIGLU,
    MLB_FUSED_CROSS_ENTROPY,
    MLB_FUSED_EMBEDDING,
    MLB_FUSED_ADAMW,
    MLB_FUSED_COUNT
};

/* Values of all the workloads' options; each takes those it knows. `op` is set by resolve. */
struct mlb_fused_params {
    int op;    /* enum mlb_fused_id */
    int dtype; /* MLB_BF16 or MLB_F32 */
    int pass;  /* index into the operation's passes */
    uint64_t tokens, hidden, ffn, vocab, heads, kv_heads, head_dim, sequence, count;
};

enum { MLB_FUSED_PASSES = 4, MLB_FUSED_TENSORS = 12 };

/* What a pass does with a tensor. */
enum mlb_fused_role {
    MLB_UNUSED,
    MLB_IN,
    MLB_OUT,
    MLB_INOUT,  /* updated where it is */
    MLB_SUM,    /* written; one row, a sum over all rows */
    MLB_SCRATCH /* allocated, never looked at */
};

enum mlb_fused_type {
    MLB_TYPE_CASE, /* the case's dtype */
    MLB_TYPE_F32,
    MLB_TYPE_S32
};

/* Rows x columns. The last row of a tensor that is really flat may be short: `count` elements. */
struct mlb_fused_shape {
    uint64_t rows, columns, count;
};

struct mlb_fused_tensor {
    const char *name; /* NULL ends a table */
    size_t at;        /* of its pointer in the operation's arguments */
    enum mlb_fused_type type;
    enum mlb_fused_role role[MLB_FUSED_PASSES];
    /* `parts`: partial sums that the device makes. Required. */
    struct mlb_fused_shape (*shape)(const struct mlb_fused_params *params, size_t parts);
    /* Elements that a pass moves, when that is not all of them. Optional. */
    uint64_t (*moved)(const struct mlb_fused_params *params);
    /* Values made on the host, all of them: f32 or s32 as `type` says; false: out of memory.
     * Optional: filled with data. */
    bool (*make)(const struct mlb_fused_params *params, uint64_t seed, void *to);
    bool zero;     /* starts as zeros, whatever the data */
    bool prepared; /* an input that an earlier pass makes, see `prepare` below */
};

struct mlb_fused_look;

struct mlb_fused_op {
    const char *name;
    const char *const *passes;              /* names, NULL-terminated */
    const char *formulas[MLB_FUSED_PASSES]; /* ids; bytes are counted by the table of tensors */
    const struct mlb_fused_tensor *tensors;
    size_t args_bytes; /* of the operation's arguments */
    int steps;         /* that verification takes */

    enum mlb_status (*resolve)(struct mlb_fused_params *params,
                               struct mlb_error *err); /* Optional */
    void (*shape_label)(const struct mlb_fused_params *params, char *to, size_t size);
    /* Sizes and constants; leaves the pointers, which the base sets. */
    void (*arguments)(const struct mlb_fused_params *params, size_t parts, void *args);
    /* Can the CUDA kernels do this? */
    enum mlb_status (*cuda_check)(const struct mlb_fused_params *params, struct mlb_error *err);
    /* Before each step: what counts steps. Optional. */
    void (*next)(void *args);
    /* Changes a copy of the arguments into the pass that makes what this one reads. Optional. */
    void (*prepare)(void *args);

    /* Does a step, or enqueues it; the return is a cudaError_t. */
    void (*cpu)(const void *args, int threads);
    int (*cuda)(const void *args, void *stream);

    /* The truth, in doubles, of one row of every output, with the tolerance of each element; how
     * many rows the operation has. */
    uint64_t (*rows)(const struct mlb_fused_params *params);
    void (*truth)(struct mlb_fused_look *look, uint64_t row);
};

/* Zeroed by the harness. */
struct mlb_fused_state {
    const struct mlb_fused_op *op;
    unsigned char *args; /* of each set, on the host; steps take turns over the sets */
    size_t sets, next, parts;
    void *made[MLB_FUSED_TENSORS]; /* host copies of what `make` made */
};

/* ---- fused.c: the hooks */

extern const struct mlb_fused_op *const mlb_fused_ops[MLB_FUSED_COUNT];
const struct mlb_fused_op *mlb_fused_op_of(const struct mlb_fused_params *params);

enum mlb_status mlb_fused_resolve(enum mlb_fused_id op, void *params, struct mlb_error *err);
void mlb_fused_label(const void *params, char *to, size_t size);
void mlb_fused_work(const void *params, const struct mlb_ctx *ctx, struct mlb_work *work);
enum mlb_status mlb_fused_check(const void *params, const struct mlb_ctx *ctx,
                                struct mlb_error *err);
/* For `cuda_check`: the kernels load whole vectors, so sizes are multiples of something. */
enum mlb_status mlb_fused_multiple(const char *name, uint64_t value, uint64_t of,
                                   struct mlb_error *err);
enum mlb_status mlb_fused_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                struct mlb_error *err);
void mlb_fused_teardown(void *state, const struct mlb_ctx *ctx);
enum mlb_status mlb_fused_cpu_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err);
size_t mlb_fused_rotation(const void *state); /* sets that take turns */
extern const struct mlb_variant mlb_fused_variants[];

/* Arguments of the set that the next step takes, counted on; moves to the next set. */
const void *mlb_fused_turn(struct mlb_fused_state *state);
enum mlb_dtype mlb_fused_dtype(const struct mlb_fused_tensor *tensor,
                               const struct mlb_fused_params *params);
/* Fill set `set` anew, as setup does. */
enum mlb_status mlb_fused_fill(struct mlb_fused_state *state, const struct mlb_fused_params *params,
                               const struct mlb_ctx *ctx, enum mlb_data data, size_t set,
                               struct mlb_error *err);
uint64_t mlb_fused_seed(uint64_t seed, int tensor);
/* Pointer of tensor number `tensor` in set `set`. */
void *mlb_fused_pointer(const struct mlb_fused_state *state, int tensor, size_t set);

/* ---- fused_cuda.c, fused_cuda_absent.c */

enum mlb_status mlb_fused_cuda_check(const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err);
enum mlb_status mlb_fused_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err);

/* ---- fused_verify.c */

/* What a reference sees. Row `row` of an input comes from load(), as the device was filled with it;
 * the truth goes to out[tensor], the tolerance to tolerance[tensor]. For a MLB_SUM tensor the row's
 * terms are added by mlb_fused_add. */
struct mlb_fused_look {
    const struct mlb_fused_state *state;
    const struct mlb_fused_params *params;
    const void *args; /* constants of the operation; pointers are the device's */
    enum mlb_data data;
    uint64_t seed;
    double *in[MLB_FUSED_TENSORS];
    uint64_t loaded[MLB_FUSED_TENSORS]; /* row + 1; 0 = none */
    void *raw;                          /* a row in the tensor's type */
    double *out[MLB_FUSED_TENSORS], *tolerance[MLB_FUSED_TENSORS];
    double *absolute[MLB_FUSED_TENSORS], *squares[MLB_FUSED_TENSORS]; /* of MLB_SUM's terms */
};

const double *mlb_fused_load(struct mlb_fused_look *look, int tensor, uint64_t row);
void mlb_fused_add(struct mlb_fused_look *look, int tensor, size_t column, double term);
/* Host copy of what `make` made for this tensor. */
const void *mlb_fused_made(const struct mlb_fused_look *look, int tensor);
/* Unit roundoff of the case's dtype. */
double mlb_fused_roundoff(const struct mlb_fused_look *look);
/* Bound of the relative error of a f32 sum of n terms of one sign; see fused_verify.c. */
double mlb_fused_sum_error(uint64_t n);

enum mlb_status mlb_fused_verify(const struct mlb_variant *variant, void *state, const void *params,
                                 const struct mlb_ctx *ctx, struct mlb_verification *verification,
                                 struct mlb_error *err);

/* ---- the operations' rows */

extern const struct mlb_fused_op mlb_fused_rmsnorm, mlb_fused_layernorm, mlb_fused_rope,
    mlb_fused_swiglu, mlb_fused_cross_entropy, mlb_fused_embedding, mlb_fused_adamw;
extern const struct mlb_workload mlb_rmsnorm, mlb_layernorm, mlb_rope, mlb_swiglu,
    mlb_cross_entropy, mlb_embedding, mlb_adamw;

/* Option rows that several operations have. */
#define MLB_FUSED_AT(field) offsetof(struct mlb_fused_params, field)
#define MLB_FUSED_DTYPE                                                                            \
    {                                                                                              \
        "dtype", 0, MLB_CHOICE, MLB_FUSED_AT(dtype), 0, 0, "bf16", mlb_dtype_names, "TYPE",        \
            "element type: bf16 or f32", 0                                                         \
    }
#define MLB_FUSED_PASS(names)                                                                      \
    {                                                                                              \
        "pass", 0, MLB_CHOICE, MLB_FUSED_AT(pass), 0, 0, NULL, names, "PASS", "which pass", 0      \
    }
#define MLB_FUSED_SIZE(field, initial, most, help)                                                 \
    {                                                                                              \
#field, 0, MLB_COUNT, MLB_FUSED_AT(field), 1, most, initial, NULL, "N", help, 0            \
    }
#define MLB_FUSED_TOKENS(initial)                                                                  \
    MLB_FUSED_SIZE(tokens, initial, 16777216.0, "rows: batch x sequence")
/* What is the same in all the rows of a workload. */
#define MLB_FUSED_HOOKS                                                                            \
    .params_bytes = sizeof(struct mlb_fused_params),                                               \
    .state_bytes = sizeof(struct mlb_fused_state), .label = mlb_fused_label,                       \
    .work = mlb_fused_work, .verify = mlb_fused_verify, .rotation = mlb_fused_rotation,            \
    .variants = mlb_fused_variants

#endif
