/* SPDX-License-Identifier: Apache-2.0 */
/* adamw as a workload: its tensors, and the truth of a strip of elements. */
#include "kernels/fused/adamw.h"

#include <inttypes.h>
#include <math.h>

#include "harness/base/text.h"
#include "kernels/fused/fused.h"

#define STRIP 1024u /* elements that verification takes as a row */
#define STEPS 2     /* that it takes: the second one reads what the first wrote */

static const char *const passes[] = {"step", NULL};

static struct mlb_fused_shape flat(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){(p->count + STRIP - 1) / STRIP, STRIP, p->count};
}

/* No bf16 copy beside f32 gradients: nothing is moved. */
static uint64_t copied(const struct mlb_fused_params *p)
{
    return p->dtype == MLB_BF16 ? p->count : 0;
}

static struct mlb_fused_shape copy(const struct mlb_fused_params *p, size_t parts)
{
    struct mlb_fused_shape shape = flat(p, parts);
    shape.count = copied(p);
    return shape;
}

#define AT(field) offsetof(struct mlb_adamw, field)
enum { W, M, V, G, W_BF16 };

static const struct mlb_fused_tensor tensors[] = {
    {.name = "w", .at = AT(w), .type = MLB_TYPE_F32, .role = {MLB_INOUT}, .shape = flat},
    {.name = "m",
     .at = AT(m),
     .type = MLB_TYPE_F32,
     .role = {MLB_INOUT},
     .shape = flat,
     .zero = true},
    {.name = "v",
     .at = AT(v),
     .type = MLB_TYPE_F32,
     .role = {MLB_INOUT},
     .shape = flat,
     .zero = true},
    {.name = "g", .at = AT(g), .role = {MLB_IN}, .shape = flat},
    {.name = "w_bf16", .at = AT(w_bf16), .role = {MLB_OUT}, .shape = copy, .moved = copied},
    {0}};

/* Llama 3's betas, epsilon and decay; a rate as at its peak for 8B. */
static void arguments(const struct mlb_fused_params *p, size_t parts, void *args)
{
    struct mlb_adamw *adamw = args;
    (void)parts;
    adamw->dtype = (enum mlb_dtype)p->dtype;
    adamw->count = p->count;
    adamw->step = 0;
    adamw->rate = 3e-4f;
    adamw->beta1 = 0.9f;
    adamw->beta2 = 0.95f;
    adamw->epsilon = 1e-8f;
    adamw->decay = 0.1f;
}

static void next(void *args)
{
    struct mlb_adamw *adamw = args;
    adamw->step++;
}

static void run_cpu(const void *args, int threads)
{
    mlb_adamw_cpu(args, threads);
}

static int run_cuda(const void *args, void *stream)
{
    return mlb_adamw_cuda(args, stream);
}

static enum mlb_status cuda_check(const struct mlb_fused_params *p, struct mlb_error *err)
{
    return mlb_fused_multiple("count", p->count, 4, err);
}

static void shape_label(const struct mlb_fused_params *p, char *to, size_t size)
{
    mlb_format(to, size, "%" PRIu64, p->count);
}

static uint64_t rows(const struct mlb_fused_params *p)
{
    return flat(p, 1).rows;
}

/* With u = 2^-24, a step adds to the error of m three roundings of its terms, to that of v four;
 * w rounds three times, and its update is off by the errors of m and, halved, of v (relative: all
 * terms of v have one sign), and ten roundings. */
static void truth(struct mlb_fused_look *look, uint64_t row)
{
    const struct mlb_adamw *a = look->args;
    const double *w0 = mlb_fused_load(look, W, row), *g = mlb_fused_load(look, G, row);
    double beta1 = (double)a->beta1, beta2 = (double)a->beta2, u = 0x1p-24;
    bool mixed = look->params->dtype == MLB_BF16;
    size_t n = STRIP;
    if (look->params->count - row * STRIP < n)
        n = (size_t)(look->params->count - row * STRIP);
    for (size_t i = 0; i < n; i++) {
        double m = 0.0, v = 0.0, w = w0[i], m_error = 0.0, v_error = 0.0, w_error = 0.0;
        for (int t = 1; t <= STEPS; t++) {
            m_error = beta1 * m_error + 3.0 * u * (fabs(beta1 * m) + fabs((1.0 - beta1) * g[i]));
            m = beta1 * m + (1.0 - beta1) * g[i];
            v = beta2 * v + (1.0 - beta2) * g[i] * g[i];
            v_error += 4.0 * u;
            double rate = (double)a->rate / (1.0 - pow(beta1, t));
            double root = sqrt(v / (1.0 - pow(beta2, t))) + (double)a->epsilon;
            w = w * (1.0 - (double)a->rate * (double)a->decay) - rate * m / root;
            w_error +=
                3.0 * u * fabs(w) + rate / root * (m_error + fabs(m) * (v_error / 2.0 + 10.0 * u));
        }
        look->out[M][i] = m;
        look->out[V][i] = v;
        look->out[W][i] = w;
        look->tolerance[M][i] = m_error;
        look->tolerance[V][i] = v_error * v;
        look->tolerance[W][i] = w_error;
        if (mixed) {
            look->out[W_BF16][i] = w;
            look->tolerance[W_BF16][i] = w_error + mlb_fused_roundoff(look) * (fabs(w) + w_error);
        }
    }
}

/* adamw.28p, bytes: of each parameter w, m and v are read and written (24), g is read; bf16: 2 and
 * 2 of the copy, f32: 4. */
const struct mlb_fused_op mlb_fused_adamw = {.name = "adamw",
                                             .passes = passes,
                                             .formulas = {"adamw.28p"},
                                             .tensors = tensors,
                                             .args_bytes = sizeof(struct mlb_adamw),
                                             .steps = STEPS,
                                             .shape_label = shape_label,
                                             .arguments = arguments,
                                             .cuda_check = cuda_check,
                                             .next = next,
                                             .cpu = run_cpu,
                                             .cuda = run_cuda,
                                             .rows = rows,
                                             .truth = truth};

static enum mlb_status resolve(void *params, struct mlb_error *err)
{
    return mlb_fused_resolve(MLB_FUSED_ADAMW, params, err);
}

static const struct mlb_option options[] = {
    {"dtype", 0, MLB_CHOICE, MLB_FUSED_AT(dtype), 0, 0, "bf16", mlb_dtype_names, "TYPE",
     "of the gradients: bf16, with f32 master weights and a bf16 copy of them, or f32", 0},
    MLB_FUSED_SIZE(count, "134217728", 1e12, "parameters"),
    {0}};

const struct mlb_workload mlb_adamw = {.name = "adamw",
                                       .summary = "a step of AdamW, all states in one pass",
                                       .params = options,
                                       .resolve = resolve,
                                       MLB_FUSED_HOOKS};
