/* SPDX-License-Identifier: Apache-2.0 */
/* Memory bandwidth by STREAM's kernels: what the six operations do, how large the arrays are, and
 * the hooks that the CPU and CUDA files give to the row in memory.c. */
#ifndef MLB_KERNELS_MEMORY_H
#define MLB_KERNELS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "harness/measure/workload.h"
#include "kernels/tune.h"

enum mlb_memory_op {
    MLB_MEMORY_COPY,  /* a[i] = b[i] */
    MLB_MEMORY_SCALE, /* a[i] = s * b[i] */
    MLB_MEMORY_ADD,   /* a[i] = b[i] + c[i] */
    MLB_MEMORY_TRIAD, /* a[i] = b[i] + s * c[i] */
    MLB_MEMORY_READ,  /* sum of b[i], accumulated in f64 */
    MLB_MEMORY_WRITE, /* a[i] = s */
    MLB_MEMORY_OPS
};

#define MLB_MEMORY_SCALAR 3.0 /* s, STREAM's */
#define MLB_MEMORY_LINE   64u /* array sizes are multiples of this, so no kernel has a tail */

/* What an operation touches. */
struct mlb_memory_traits {
    const char *name;
    const char *formula;
    unsigned inputs;  /* b, c: 0 to 2 */
    unsigned outputs; /* a: 0 or 1 */
};
extern const struct mlb_memory_traits mlb_memory_traits[MLB_MEMORY_OPS];

struct mlb_memory_params {
    int op;         /* enum mlb_memory_op */
    int dtype;      /* MLB_F64 or MLB_F32 */
    uint64_t bytes; /* per array; 0 = automatic */
};

/* Zeroed by the harness. */
struct mlb_memory {
    enum mlb_memory_op op;
    enum mlb_dtype dtype;
    size_t count;    /* elements of each array */
    size_t bytes;    /* of each array */
    void *a, *b, *c; /* [count] each, on the device; NULL when the operation does not use it */
    double *sums;    /* [sum_count] on the device: READ's result is their total */
    size_t sum_count;
    int way;                      /* CUDA: enum mlb_memory_way */
    struct mlb_tune_result tuned; /* variant `fastest`: how it came to that; else zero */
};

/* Bytes per array for this case: `params->bytes`, or the automatic size. */
uint64_t mlb_memory_array_bytes(const struct mlb_memory_params *params, const struct mlb_ctx *ctx);

/* Common halves of the variants' hooks. `sum_count`: how many partial sums READ writes. */
enum mlb_status mlb_memory_check(const void *params, const struct mlb_ctx *ctx,
                                 struct mlb_error *err);
enum mlb_status mlb_memory_setup(struct mlb_memory *memory, const struct mlb_memory_params *params,
                                 const struct mlb_ctx *ctx, size_t sum_count,
                                 struct mlb_error *err);
void mlb_memory_teardown(void *state, const struct mlb_ctx *ctx);

/* memory_verify.c: the verify hook. */
enum mlb_status mlb_memory_verify(const struct mlb_variant *variant, void *state,
                                  const void *params, const struct mlb_ctx *ctx,
                                  struct mlb_verification *verification, struct mlb_error *err);

/* memory_cpu.c */
enum mlb_status mlb_memory_cpu_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err);
enum mlb_status mlb_memory_cpu_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err);

/* memory_nontemporal.c, memory_nontemporal_absent.c */
enum mlb_status mlb_memory_nontemporal_check(const void *params, const struct mlb_ctx *ctx,
                                             struct mlb_error *err);
enum mlb_status mlb_memory_nontemporal_step(void *state, const struct mlb_ctx *ctx,
                                            struct mlb_error *err);

/* X(name): the ways to move bytes on a GPU, each a variant of its name; see memory_cuda.h. */
#define MLB_MEMORY_WAY_LIST(X)                                                                     \
    X(grid)                                                                                        \
    X(grid_streaming)                                                                              \
    X(tiles)                                                                                       \
    X(tiles_streaming)                                                                             \
    X(bulk)                                                                                        \
    X(memcpy)

/* memory_cuda.c, memory_cuda_absent.c. `fastest` chooses among the ways. One step for all of them:
 * the setups differ in the way that they set. */
#define MLB_MEMORY_WAY_HOOKS(name)                                                                 \
    enum mlb_status mlb_memory_##name##_check(const void *params, const struct mlb_ctx *ctx,       \
                                              struct mlb_error *err);                              \
    enum mlb_status mlb_memory_##name##_setup(void *state, const void *params,                     \
                                              const struct mlb_ctx *ctx, struct mlb_error *err);
MLB_MEMORY_WAY_LIST(MLB_MEMORY_WAY_HOOKS)
MLB_MEMORY_WAY_HOOKS(fastest)
enum mlb_status mlb_memory_cuda_step(void *state, const struct mlb_ctx *ctx, struct mlb_error *err);
void mlb_memory_cuda_details(const void *state, const void *params, struct mlb_details *details);

extern const struct mlb_workload mlb_memory;

#endif
