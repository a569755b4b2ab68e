/* SPDX-License-Identifier: Apache-2.0 */
/* rope as a workload: its tensors, and the truth of a token. */
#include "kernels/fused/rope.h"

#include <inttypes.h>
#include <math.h>

#include "harness/base/text.h"
#include "kernels/fused/fused.h"

#define THETA 500000.0 /* Llama 3's */

static const char *const passes[] = {"fwd", "bwd", NULL};

static uint64_t rotated(const struct mlb_fused_params *p)
{
    return p->tokens * (p->heads + p->kv_heads) * p->head_dim;
}

static struct mlb_fused_shape qkv(const struct mlb_fused_params *p, size_t parts)
{
    uint64_t stride = (p->heads + 2 * p->kv_heads) * p->head_dim;
    (void)parts;
    return (struct mlb_fused_shape){p->tokens, stride, p->tokens * stride};
}

static struct mlb_fused_shape table(const struct mlb_fused_params *p, size_t parts)
{
    uint64_t half = p->head_dim / 2;
    (void)parts;
    return (struct mlb_fused_shape){p->sequence, half, p->sequence * half};
}

static bool make_cos(const struct mlb_fused_params *p, uint64_t seed, void *to)
{
    (void)seed;
    mlb_rope_tables(to, NULL, p->sequence, p->head_dim, THETA);
    return true;
}

static bool make_sin(const struct mlb_fused_params *p, uint64_t seed, void *to)
{
    (void)seed;
    mlb_rope_tables(NULL, to, p->sequence, p->head_dim, THETA);
    return true;
}

#define AT(field) offsetof(struct mlb_rope, field)
enum { QKV, COS, SIN };

static const struct mlb_fused_tensor tensors[] = {
    {.name = "qkv", .at = AT(qkv), .role = {MLB_INOUT, MLB_INOUT}, .shape = qkv, .moved = rotated},
    {.name = "cos",
     .at = AT(cos),
     .type = MLB_TYPE_F32,
     .role = {MLB_IN, MLB_IN},
     .shape = table,
     .make = make_cos},
    {.name = "sin",
     .at = AT(sin),
     .type = MLB_TYPE_F32,
     .role = {MLB_IN, MLB_IN},
     .shape = table,
     .make = make_sin},
    {0}};

static enum mlb_status resolve_op(struct mlb_fused_params *p, struct mlb_error *err)
{
    if (p->head_dim % 2 != 0)
        return mlb_fail(err, MLB_E_CONFIG,
                        "head_dim = %" PRIu64 ": must be even, pairs are rotated", p->head_dim);
    return MLB_OK;
}

static void arguments(const struct mlb_fused_params *p, size_t parts, void *args)
{
    struct mlb_rope *rope = args;
    (void)parts;
    rope->pass = (enum mlb_rope_pass)p->pass;
    rope->dtype = (enum mlb_dtype)p->dtype;
    rope->tokens = p->tokens;
    rope->sequence = p->sequence;
    rope->heads = p->heads + p->kv_heads;
    rope->head_dim = p->head_dim;
    rope->stride = (p->heads + 2 * p->kv_heads) * p->head_dim;
}

static void run_cpu(const void *args, int threads)
{
    mlb_rope_cpu(args, threads);
}

static int run_cuda(const void *args, void *stream)
{
    return mlb_rope_cuda(args, stream);
}

static enum mlb_status cuda_check(const struct mlb_fused_params *p, struct mlb_error *err)
{
    return mlb_fused_multiple("head_dim", p->head_dim, 16, err);
}

static void shape_label(const struct mlb_fused_params *p, char *to, size_t size)
{
    mlb_format(to, size, "%" PRIu64 "x(%" PRIu64 "+%" PRIu64 ")x%" PRIu64, p->tokens, p->heads,
               p->kv_heads, p->head_dim);
}

static uint64_t rows(const struct mlb_fused_params *p)
{
    return p->tokens;
}

/* Two products and a sum of f32, then the result's rounding. What is not rotated keeps its bits. */
static void truth(struct mlb_fused_look *look, uint64_t row)
{
    const struct mlb_fused_params *p = look->params;
    const double *x = mlb_fused_load(look, QKV, row),
                 *c = mlb_fused_load(look, COS, row % p->sequence);
    const double *s = mlb_fused_load(look, SIN, row % p->sequence);
    double *out = look->out[QKV], *tolerance = look->tolerance[QKV];
    double sign = p->pass == MLB_ROPE_FORWARD ? 1.0 : -1.0, u = 3.0 * 0x1p-24;
    size_t half = (size_t)p->head_dim / 2,
           stride = (size_t)((p->heads + 2 * p->kv_heads) * p->head_dim);
    for (size_t i = 0; i < stride; i++) {
        size_t head = i / (2 * half), pair = i % half;
        bool upper = i % (2 * half) >= half;
        double other = upper ? x[i - half] * s[pair] * sign : -(x[i + half] * s[pair] * sign);
        bool rotates = head < p->heads + p->kv_heads;
        out[i] = rotates ? x[i] * c[pair] + other : x[i];
        tolerance[i] = rotates ? mlb_fused_roundoff(look) * fabs(out[i]) +
                                     u * (fabs(x[i] * c[pair]) + fabs(other))
                               : 0.0;
    }
}

/* rope.2tc: of T tokens the C = (heads + kv_heads) head_dim elements are read and written; the
 * tables of cosines and sines are read once. */
const struct mlb_fused_op mlb_fused_rope = {.name = "rope",
                                            .passes = passes,
                                            .formulas = {"rope.fwd.2tc", "rope.bwd.2tc"},
                                            .tensors = tensors,
                                            .args_bytes = sizeof(struct mlb_rope),
                                            .steps = 1,
                                            .resolve = resolve_op,
                                            .shape_label = shape_label,
                                            .arguments = arguments,
                                            .cuda_check = cuda_check,
                                            .cpu = run_cpu,
                                            .cuda = run_cuda,
                                            .rows = rows,
                                            .truth = truth};

static enum mlb_status resolve(void *params, struct mlb_error *err)
{
    return mlb_fused_resolve(MLB_FUSED_ROPE, params, err);
}

static const struct mlb_option options[] = {
    MLB_FUSED_DTYPE,
    MLB_FUSED_PASS(passes),
    MLB_FUSED_TOKENS("8192"),
    MLB_FUSED_SIZE(sequence, "8192", 1048576.0, "positions; token t is at t modulo this"),
    MLB_FUSED_SIZE(heads, "32", 4096.0, "heads of queries"),
    MLB_FUSED_SIZE(kv_heads, "8", 4096.0, "heads of keys, and of values beside them"),
    MLB_FUSED_SIZE(head_dim, "128", (double)MLB_ROPE_MOST, "elements of a head"),
    {0}};

const struct mlb_workload mlb_rope = {.name = "rope",
                                      .summary =
                                          "rotary position embedding of queries and keys, in place",
                                      .params = options,
                                      .resolve = resolve,
                                      MLB_FUSED_HOOKS};
