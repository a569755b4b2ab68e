/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/memory/memory.h"

#include <inttypes.h>
#include <string.h>

#include "harness/base/text.h"
#include "harness/base/units.h"

#define MIB ((uint64_t)1 << 20)

/* Bytes are counted as STREAM does (McCalpin, "Memory Bandwidth and Machine Balance in Current High
 * Performance Computers", 1995): each array once per step. A line that a cache reads because part
 * of it is to be written (write-allocate) is not counted. */
const struct mlb_memory_traits mlb_memory_traits[MLB_MEMORY_OPS] = {
    [MLB_MEMORY_COPY] = {"copy", "stream.copy.2n", 1, 1},
    [MLB_MEMORY_SCALE] = {"scale", "stream.scale.2n", 1, 1},
    [MLB_MEMORY_ADD] = {"add", "stream.add.3n", 2, 1},
    [MLB_MEMORY_TRIAD] = {"triad", "stream.triad.3n", 2, 1},
    [MLB_MEMORY_READ] = {"read", "stream.read.1n", 1, 0},
    [MLB_MEMORY_WRITE] = {"write", "stream.write.1n", 0, 1},
};

static const char *const op_names[] = {"copy", "scale", "add", "triad", "read", "write", NULL};
static const char *const dtype_names[] = {"f64", "f32", NULL}; /* as enum mlb_dtype begins */

static unsigned arrays_of(int op)
{
    return mlb_memory_traits[op].inputs + mlb_memory_traits[op].outputs;
}

/* STREAM's rule: each array at least four times the last cache. A quarter of this rank's memory and
 * 1 GiB are the limits, because a cloud machine may report the L3 of a whole host (480 MiB for two
 * cores) and filling gigabytes costs more than the figure is worth; the label shows what was
 * reached. The lower end keeps a step long beside a kernel launch or a wake-up of threads: on a
 * GPU, which fills a gigabyte in a millisecond, the first and last microseconds of a kernel are a
 * few percent of 256 MiB. Steps of a power of two, where memory limits, let ranks with slightly
 * different shares choose the same size. */
#define CACHE_MULTIPLE  4u
#define AUTOMATIC_LEAST (256 * MIB)
#define AUTOMATIC_MOST  (1024 * MIB)
#define MEMORY_PART     4u

static uint64_t least_bytes(const struct mlb_ctx *ctx)
{
    bool gpu = ctx->device && strcmp(ctx->device->info.kind, "cuda") == 0;
    return gpu ? AUTOMATIC_MOST : AUTOMATIC_LEAST;
}

static uint64_t automatic_bytes(int op, const struct mlb_ctx *ctx)
{
    uint64_t bytes = CACHE_MULTIPLE * ctx->cache_bytes;
    bytes = (bytes + MIB - 1) / MIB * MIB;
    if (bytes < least_bytes(ctx))
        bytes = least_bytes(ctx);
    if (bytes > AUTOMATIC_MOST)
        bytes = AUTOMATIC_MOST;
    uint64_t limit = ctx->memory_bytes / MEMORY_PART / arrays_of(op);
    if (ctx->memory_bytes == 0 || bytes <= limit)
        return bytes;
    bytes = MLB_MEMORY_LINE;
    while (2 * bytes <= limit)
        bytes *= 2;
    return bytes;
}

uint64_t mlb_memory_array_bytes(const struct mlb_memory_params *params, const struct mlb_ctx *ctx)
{
    return params->bytes ? params->bytes : automatic_bytes(params->op, ctx);
}

/* ------------------------------------------------------------------------------- variants' halves
 */

enum mlb_status mlb_memory_check(const void *params, const struct mlb_ctx *ctx,
                                 struct mlb_error *err)
{
    const struct mlb_memory_params *p = params;
    uint64_t each = mlb_memory_array_bytes(p, ctx);
    unsigned arrays = arrays_of(p->op);
    if (ctx->memory_bytes == 0 || each <= ctx->memory_bytes / arrays)
        return MLB_OK;
    char array_text[MLB_UNIT_TEXT], free_text[MLB_UNIT_TEXT];
    return mlb_fail(err, MLB_E_UNSUPPORTED, "needs %u x %s, %s are free for this rank", arrays,
                    mlb_print_bytes(array_text, each),
                    mlb_print_bytes(free_text, ctx->memory_bytes));
}

static enum mlb_status make_input(struct mlb_memory *memory, const struct mlb_ctx *ctx,
                                  const char *what, uint64_t seed, void **array,
                                  struct mlb_error *err)
{
    enum mlb_status status = mlb_alloc(ctx->device, memory->bytes, what, array, err);
    if (status != MLB_OK)
        return status;
    return mlb_fill(ctx->device, *array, memory->count, memory->dtype, ctx->data, seed, err);
}

enum mlb_status mlb_memory_setup(struct mlb_memory *memory, const struct mlb_memory_params *params,
                                 const struct mlb_ctx *ctx, size_t sum_count, struct mlb_error *err)
{
    const struct mlb_memory_traits *traits = &mlb_memory_traits[params->op];
    memory->op = (enum mlb_memory_op)params->op;
    memory->dtype = (enum mlb_dtype)params->dtype;
    memory->bytes = (size_t)mlb_memory_array_bytes(params, ctx);
    memory->count = memory->bytes / mlb_dtype_bytes(memory->dtype);
    memory->sum_count = sum_count;

    enum mlb_status status = MLB_OK;
    if (traits->outputs > 0)
        status = mlb_alloc(ctx->device, memory->bytes, "memory.a", &memory->a, err);
    if (status == MLB_OK && traits->inputs > 0)
        status = make_input(memory, ctx, "memory.b", ctx->seed, &memory->b, err);
    if (status == MLB_OK && traits->inputs > 1)
        status = make_input(memory, ctx, "memory.c", ctx->seed + 1, &memory->c, err);
    if (status == MLB_OK && traits->outputs == 0) {
        void *sums = NULL;
        status = mlb_alloc(ctx->device, sum_count * sizeof(double), "memory.sums", &sums, err);
        memory->sums = sums;
    }
    return status;
}

void mlb_memory_teardown(void *state, const struct mlb_ctx *ctx)
{
    struct mlb_memory *memory = state;
    mlb_free(ctx->device, memory->sums);
    mlb_free(ctx->device, memory->c);
    mlb_free(ctx->device, memory->b);
    mlb_free(ctx->device, memory->a);
    *memory = (struct mlb_memory){0};
}

/* ---------------------------------------------------------------------------------------- the row
 */

#define AT(field) offsetof(struct mlb_memory_params, field)

static const struct mlb_option params_table[] = {
    {"op", 0, MLB_CHOICE, AT(op), 0, 0, "triad", op_names, "OP",
     "copy, scale, add, triad as in STREAM; read: a sum; write: a constant", 0},
    {"dtype", 0, MLB_CHOICE, AT(dtype), 0, 0, "f64", dtype_names, "TYPE", "element type", 0},
    {"bytes", 0, MLB_BYTES, AT(bytes), 0, 0, "0", NULL, "SIZE",
     "size of each array, a multiple of 64; 0 = four times the last cache, at most 1 GiB; on a GPU "
     "1 "
     "GiB",
     0},
    {0}};

static enum mlb_status resolve(void *params, struct mlb_error *err)
{
    const struct mlb_memory_params *p = params;
    if (p->bytes % MLB_MEMORY_LINE != 0)
        return mlb_fail(err, MLB_E_CONFIG,
                        "bytes = %" PRIu64 ": must be a multiple of %u, a cache line", p->bytes,
                        MLB_MEMORY_LINE);
    return MLB_OK;
}

static void label(const void *params, char *to, size_t size)
{
    const struct mlb_memory_params *p = params;
    const char *op = op_names[p->op], *dtype = dtype_names[p->dtype];
    char bytes[MLB_UNIT_TEXT];
    if (p->bytes == 0)
        mlb_format(to, size, "%s %s auto", op, dtype);
    else
        mlb_format(to, size, "%s %s %ux%s", op, dtype, arrays_of(p->op),
                   mlb_print_bytes(bytes, p->bytes));
}

static void label_here(const void *params, const struct mlb_ctx *ctx, char *to, size_t size)
{
    struct mlb_memory_params sized = *(const struct mlb_memory_params *)params;
    sized.bytes = mlb_memory_array_bytes(&sized, ctx);
    char text[96];
    label(&sized, text, sizeof text);
    if (ctx->cache_bytes == 0)
        mlb_format(to, size, "%s", text);
    else
        mlb_format(to, size, "%s (%.1fx cache)", text,
                   (double)sized.bytes / (double)ctx->cache_bytes);
}

static void work(const void *params, const struct mlb_ctx *ctx, struct mlb_work *to)
{
    const struct mlb_memory_params *p = params;
    *to = (struct mlb_work){
        .formula = mlb_memory_traits[p->op].formula,
        .bytes = (double)arrays_of(p->op) * (double)mlb_memory_array_bytes(p, ctx),
    };
}

#define CUDA_VARIANT(way)                                                                          \
    {.name = #way,                                                                                 \
     .device = "cuda",                                                                             \
     .check = mlb_memory_##way##_check,                                                            \
     .setup = mlb_memory_##way##_setup,                                                            \
     .step = mlb_memory_cuda_step,                                                                 \
     .details = mlb_memory_cuda_details,                                                           \
     .teardown = mlb_memory_teardown},

static const struct mlb_variant variants[] = {
    /* clang-format off */
    CUDA_VARIANT(fastest)
    MLB_MEMORY_WAY_LIST(CUDA_VARIANT)
    /* clang-format on */
    {.name = "nontemporal",
     .device = "cpu",
     .check = mlb_memory_nontemporal_check,
     .setup = mlb_memory_cpu_setup,
     .step = mlb_memory_nontemporal_step,
     .teardown = mlb_memory_teardown},
    {.name = "stores",
     .device = "cpu",
     .check = mlb_memory_check,
     .setup = mlb_memory_cpu_setup,
     .step = mlb_memory_cpu_step,
     .teardown = mlb_memory_teardown},
    {0}};

const struct mlb_workload mlb_memory = {
    .name = "memory",
    .summary = "memory bandwidth: STREAM's copy, scale, add, triad; read; write",
    .params = params_table,
    .params_bytes = sizeof(struct mlb_memory_params),
    .state_bytes = sizeof(struct mlb_memory),
    .resolve = resolve,
    .label = label,
    .label_here = label_here,
    .work = work,
    .verify = mlb_memory_verify,
    .variants = variants,
};
