/* SPDX-License-Identifier: Apache-2.0 */
/* swiglu as a workload: its tensors, and the truth of a row. */
#include "kernels/fused/swiglu.h"

#include <inttypes.h>
#include <math.h>

#include "harness/base/text.h"
#include "kernels/fused/fused.h"

static const char *const passes[] = {"fwd", "bwd", NULL};

static struct mlb_fused_shape one(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){p->tokens, p->ffn, p->tokens * p->ffn};
}

static struct mlb_fused_shape both(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){p->tokens, 2 * p->ffn, 2 * p->tokens * p->ffn};
}

#define AT(field) offsetof(struct mlb_swiglu, field)
enum { GATE_UP, Y, DY, DGATE_UP };

static const struct mlb_fused_tensor tensors[] = {
    {.name = "gate_up", .at = AT(gate_up), .role = {MLB_IN, MLB_IN}, .shape = both},
    {.name = "y", .at = AT(y), .role = {MLB_OUT}, .shape = one},
    {.name = "dy", .at = AT(dy), .role = {MLB_UNUSED, MLB_IN}, .shape = one},
    {.name = "dgate_up", .at = AT(dgate_up), .role = {MLB_UNUSED, MLB_OUT}, .shape = both},
    {0}};

static void arguments(const struct mlb_fused_params *p, size_t parts, void *args)
{
    struct mlb_swiglu *swiglu = args;
    (void)parts;
    swiglu->pass = (enum mlb_swiglu_pass)p->pass;
    swiglu->dtype = (enum mlb_dtype)p->dtype;
    swiglu->tokens = p->tokens;
    swiglu->ffn = p->ffn;
}

static void run_cpu(const void *args, int threads)
{
    mlb_swiglu_cpu(args, threads);
}

static int run_cuda(const void *args, void *stream)
{
    return mlb_swiglu_cuda(args, stream);
}

static enum mlb_status cuda_check(const struct mlb_fused_params *p, struct mlb_error *err)
{
    return mlb_fused_multiple("ffn", p->ffn, 8, err);
}

static void shape_label(const struct mlb_fused_params *p, char *to, size_t size)
{
    mlb_format(to, size, "%" PRIu64 "x%" PRIu64, p->tokens, p->ffn);
}

static uint64_t rows(const struct mlb_fused_params *p)
{
    return p->tokens;
}

/* e^-a is off by 2 u |a| from rounding its argument and by a few u; s by no more, relatively, and
 * 1 - s likewise, absolutely. Then a handful of roundings, and the result's. */
static void truth(struct mlb_fused_look *look, uint64_t row)
{
    size_t n = (size_t)look->params->ffn;
    const double *gate = mlb_fused_load(look, GATE_UP, row), *up = gate + n;
    bool backward = look->params->pass == MLB_SWIGLU_BACKWARD;
    const double *dy = backward ? mlb_fused_load(look, DY, row) : NULL;
    for (size_t i = 0; i < n; i++) {
        double a = gate[i], s = 1.0 / (1.0 + exp(-a));
        double error = (2.0 * fabs(a) + 16.0) * 0x1p-24, u = mlb_fused_roundoff(look) + error;
        if (!backward) {
            look->out[Y][i] = a * s * up[i];
            look->tolerance[Y][i] = u * fabs(a * s * up[i]);
            continue;
        }
        double *out = look->out[DGATE_UP], *tolerance = look->tolerance[DGATE_UP];
        double slope = s * (1.0 + a * (1.0 - s)), outer = fabs(dy[i] * up[i]);
        out[i] = dy[i] * up[i] * slope;
        out[n + i] = dy[i] * a * s;
        tolerance[i] = mlb_fused_roundoff(look) * fabs(out[i]) +
                       error * outer * s * (1.0 + fabs(a) * (1.0 + s));
        tolerance[n + i] = u * fabs(out[n + i]);
    }
}

/* T x F elements: forward reads two and writes one, backward reads three and writes two. */
const struct mlb_fused_op mlb_fused_swiglu = {.name = "swiglu",
                                              .passes = passes,
                                              .formulas = {"swiglu.fwd.3tf", "swiglu.bwd.5tf"},
                                              .tensors = tensors,
                                              .args_bytes = sizeof(struct mlb_swiglu),
                                              .steps = 1,
                                              .shape_label = shape_label,
                                              .arguments = arguments,
                                              .cuda_check = cuda_check,
                                              .cpu = run_cpu,
                                              .cuda = run_cuda,
                                              .rows = rows,
                                              .truth = truth};

static enum mlb_status resolve(void *params, struct mlb_error *err)
{
    return mlb_fused_resolve(MLB_FUSED_SWIGLU, params, err);
}

static const struct mlb_option options[] = {
    MLB_FUSED_DTYPE,
    MLB_FUSED_PASS(passes),
    MLB_FUSED_TOKENS("8192"),
    MLB_FUSED_SIZE(ffn, "14336", 1048576.0, "elements of a row"),
    {0}};

const struct mlb_workload mlb_swiglu = {.name = "swiglu",
                                        .summary = "SwiGLU of fused rows, forward or backward",
                                        .params = options,
                                        .resolve = resolve,
                                        MLB_FUSED_HOOKS};
