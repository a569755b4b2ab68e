/* SPDX-License-Identifier: Apache-2.0 */
/* rmsnorm and layernorm as workloads: their tensors, and the truth of a row. */
#include "kernels/fused/norm.h"

#include <inttypes.h>
#include <math.h>

#include "harness/base/text.h"
#include "kernels/fused/fused.h"

#define EPSILON 1e-5f /* Llama 3's */

static const char *const passes[] = {"fwd", "bwd", NULL};

static struct mlb_fused_shape all(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){p->tokens, p->hidden, p->tokens * p->hidden};
}

static struct mlb_fused_shape a_row(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){1, p->hidden, p->hidden};
}

static struct mlb_fused_shape a_token(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){p->tokens, 1, p->tokens};
}

static struct mlb_fused_shape partial(const struct mlb_fused_params *p, size_t parts)
{
    uint64_t sums = p->op == MLB_FUSED_LAYERNORM ? 2 : 1;
    return (struct mlb_fused_shape){sums * parts, p->hidden, sums * parts * p->hidden};
}

#define AT(field) offsetof(struct mlb_norm, field)

/* The order of both tables; RMSNorm's ends before what LayerNorm has more. */
enum { X, GAMMA, RSTD, Y, DY, DX, DGAMMA, PARTIAL, BETA, MEAN, DBETA };

#define COMMON                                                                                     \
    {.name = "x", .at = AT(x), .role = {MLB_IN, MLB_IN}, .shape = all},                            \
        {.name = "gamma", .at = AT(gamma), .role = {MLB_IN, MLB_IN}, .shape = a_row},              \
        {.name = "rstd",                                                                           \
         .at = AT(rstd),                                                                           \
         .type = MLB_TYPE_F32,                                                                     \
         .role = {MLB_OUT, MLB_IN},                                                                \
         .shape = a_token,                                                                         \
         .prepared = true},                                                                        \
        {.name = "y", .at = AT(y), .role = {MLB_OUT}, .shape = all},                               \
        {.name = "dy", .at = AT(dy), .role = {MLB_UNUSED, MLB_IN}, .shape = all},                  \
        {.name = "dx", .at = AT(dx), .role = {MLB_UNUSED, MLB_OUT}, .shape = all},                 \
        {.name = "dgamma", .at = AT(dgamma), .role = {MLB_UNUSED, MLB_SUM}, .shape = a_row},       \
    {                                                                                              \
        .name = "partial", .at = AT(partial), .type = MLB_TYPE_F32,                                \
        .role = {MLB_UNUSED, MLB_SCRATCH}, .shape = partial                                        \
    }

static const struct mlb_fused_tensor rms_tensors[] = {COMMON, {0}};
static const struct mlb_fused_tensor layer_tensors[] = {
    COMMON,
    /* Backward does not read it, but the forward pass that makes its statistics does. */
    {.name = "beta", .at = AT(beta), .role = {MLB_IN, MLB_SCRATCH}, .shape = a_row},
    {.name = "mean",
     .at = AT(mean),
     .type = MLB_TYPE_F32,
     .role = {MLB_OUT, MLB_IN},
     .shape = a_token,
     .prepared = true},
    {.name = "dbeta", .at = AT(dbeta), .role = {MLB_UNUSED, MLB_SUM}, .shape = a_row},
    {0}};

static void arguments(const struct mlb_fused_params *p, size_t parts, void *args)
{
    struct mlb_norm *norm = args;
    norm->kind = p->op == MLB_FUSED_LAYERNORM ? MLB_NORM_LAYER : MLB_NORM_RMS;
    norm->pass = (enum mlb_norm_pass)p->pass;
    norm->dtype = (enum mlb_dtype)p->dtype;
    norm->rows = p->tokens;
    norm->hidden = p->hidden;
    norm->parts = parts;
    norm->epsilon = EPSILON;
}

/* The statistics come from a forward pass, whose y lands where dx will be. */
static void prepare(void *args)
{
    struct mlb_norm *norm = args;
    if (norm->pass == MLB_NORM_BACKWARD)
        norm->y = norm->dx;
    norm->pass = MLB_NORM_FORWARD;
}

static void run_cpu(const void *args, int threads)
{
    mlb_norm_cpu(args, threads);
}

static int run_cuda(const void *args, void *stream)
{
    return mlb_norm_cuda(args, stream);
}

static enum mlb_status cuda_check(const struct mlb_fused_params *p, struct mlb_error *err)
{
    uint64_t most = (p->pass == MLB_NORM_FORWARD ? MLB_NORM_MOST_FORWARD : MLB_NORM_MOST_BACKWARD) /
                    mlb_dtype_bytes((enum mlb_dtype)p->dtype);
    if (p->hidden % MLB_NORM_VECTOR != 0 || p->hidden > most)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "hidden = %" PRIu64 ": the kernel takes multiples of %d up to %" PRIu64,
                        p->hidden, MLB_NORM_VECTOR, most);
    return MLB_OK;
}

static void shape_label(const struct mlb_fused_params *p, char *to, size_t size)
{
    mlb_format(to, size, "%" PRIu64 "x%" PRIu64, p->tokens, p->hidden);
}

static uint64_t rows(const struct mlb_fused_params *p)
{
    return p->tokens;
}

/* ------------------------------------------------------------------------------------- the truth
 */

struct statistics {
    double mean, rstd;
    double mean_error, rstd_error; /* absolute; relative */
};

/* With u = 2^-24: a mean of f32 is off by a sum's error of mean(|x|); 1/sqrt passes half of the
 * relative error of the variance on, beside a few roundings of its own. The error of the mean moves
 * the variance by its square only. */
static struct statistics statistics_of(const double *x, size_t n, bool centred)
{
    struct statistics s = {.rstd_error = mlb_fused_sum_error(n) / 2.0 + 8.0 * 0x1p-24};
    double sum = 0.0, size = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        size += fabs(x[i]);
    }
    if (centred) {
        s.mean = sum / (double)n;
        s.mean_error = (mlb_fused_sum_error(n) + 2.0 * 0x1p-24) * size / (double)n;
    }
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - s.mean) * (x[i] - s.mean);
    double variance = squares / (double)n + (double)EPSILON;
    s.rstd = 1.0 / sqrt(variance);
    s.rstd_error += s.mean_error * s.mean_error / variance;
    return s;
}

/* y = (x - mean) rstd gamma + beta: errors of mean and rstd, four roundings, and the result's. */
static void truth_forward(struct mlb_fused_look *look, uint64_t row, const struct statistics *s)
{
    bool layer = look->params->op == MLB_FUSED_LAYERNORM;
    const double *x = mlb_fused_load(look, X, row), *gamma = mlb_fused_load(look, GAMMA, 0);
    const double *beta = layer ? mlb_fused_load(look, BETA, 0) : NULL;
    double u = 0x1p-24;
    for (size_t i = 0; i < look->params->hidden; i++) {
        double scaled = (x[i] - s->mean) * s->rstd * gamma[i], y = scaled + (beta ? beta[i] : 0.0);
        look->out[Y][i] = y;
        look->tolerance[Y][i] =
            (mlb_fused_roundoff(look) + u) * fabs(y) + (s->rstd_error + 4.0 * u) * fabs(scaled) +
            (s->mean_error + u * (fabs(x[i]) + fabs(s->mean))) * s->rstd * fabs(gamma[i]);
    }
    look->out[RSTD][0] = s->rstd;
    look->tolerance[RSTD][0] = s->rstd_error * s->rstd;
    if (layer) {
        look->out[MEAN][0] = s->mean;
        look->tolerance[MEAN][0] = s->mean_error;
    }
}

/* Sums over a row that the backward pass makes, with the sums of sizes that bound their errors. */
struct row_sums {
    double c1, c2, c1_size, c2_size;
};

static struct row_sums sums_of(const double *x, const double *gamma, const double *dy, size_t n,
                               const struct statistics *s, bool centred)
{
    struct row_sums sums = {0};
    for (size_t i = 0; i < n; i++) {
        double xhat = (x[i] - s->mean) * s->rstd, g = dy[i] * gamma[i];
        sums.c1 += g * xhat / (double)n;
        sums.c1_size += fabs(g * xhat) / (double)n;
        sums.c2 += centred ? g / (double)n : 0.0;
        sums.c2_size += centred ? fabs(g) / (double)n : 0.0;
    }
    return sums;
}

/* dx = rstd (g - xhat c1 - c2). Each of c1, c2 is off by a sum's error of the sizes of its terms;
 * xhat by the statistics' errors; and a dozen roundings. */
static void truth_backward(struct mlb_fused_look *look, uint64_t row, const struct statistics *s)
{
    bool layer = look->params->op == MLB_FUSED_LAYERNORM;
    size_t n = (size_t)look->params->hidden;
    const double *x = mlb_fused_load(look, X, row), *gamma = mlb_fused_load(look, GAMMA, 0);
    const double *dy = mlb_fused_load(look, DY, row);
    struct row_sums sums = sums_of(x, gamma, dy, n, s, layer);
    double u = 0x1p-24, sum_error = mlb_fused_sum_error(n);
    for (size_t i = 0; i < n; i++) {
        double xhat = (x[i] - s->mean) * s->rstd, g = dy[i] * gamma[i];
        double dx = s->rstd * (g - xhat * sums.c1 - sums.c2);
        double xhat_error = (s->rstd_error + 4.0 * u) * fabs(xhat) +
                            (s->mean_error + u * (fabs(x[i]) + fabs(s->mean))) * s->rstd;
        double c1_error = (sum_error + 2.0 * s->rstd_error + 8.0 * u) * sums.c1_size +
                          s->mean_error * s->rstd * sums.c2_size;
        look->out[DX][i] = dx;
        look->tolerance[DX][i] =
            mlb_fused_roundoff(look) * fabs(dx) +
            s->rstd *
                (xhat_error * fabs(sums.c1) + fabs(xhat) * c1_error + sum_error * sums.c2_size +
                 (s->rstd_error + 8.0 * u) * (fabs(g) + fabs(xhat * sums.c1) + fabs(sums.c2)));
        mlb_fused_add(look, DGAMMA, i, dy[i] * xhat);
        if (layer)
            mlb_fused_add(look, DBETA, i, dy[i]);
    }
}

static void truth(struct mlb_fused_look *look, uint64_t row)
{
    bool layer = look->params->op == MLB_FUSED_LAYERNORM;
    struct statistics s =
        statistics_of(mlb_fused_load(look, X, row), (size_t)look->params->hidden, layer);
    if (look->params->pass == MLB_NORM_FORWARD)
        truth_forward(look, row, &s);
    else
        truth_backward(look, row, &s);
}

/* --------------------------------------------------------------------------------------- the rows
 */

/* Bytes: forward reads x and writes y, backward reads x and dy and writes dx: 2 and 3 times
 * T x H elements, and the vectors and statistics beside them. */
#define OPERATION(word, table)                                                                     \
    {                                                                                              \
        .name = word, .passes = passes, .formulas = {word ".fwd.2th", word ".bwd.3th"},            \
        .tensors = table, .args_bytes = sizeof(struct mlb_norm), .steps = 1,                       \
        .shape_label = shape_label, .arguments = arguments, .cuda_check = cuda_check,              \
        .prepare = prepare, .cpu = run_cpu, .cuda = run_cuda, .rows = rows, .truth = truth         \
    }

const struct mlb_fused_op mlb_fused_rmsnorm = OPERATION("rmsnorm", rms_tensors);
const struct mlb_fused_op mlb_fused_layernorm = OPERATION("layernorm", layer_tensors);

static enum mlb_status resolve_rms(void *params, struct mlb_error *err)
{
    return mlb_fused_resolve(MLB_FUSED_RMSNORM, params, err);
}

static enum mlb_status resolve_layer(void *params, struct mlb_error *err)
{
    return mlb_fused_resolve(MLB_FUSED_LAYERNORM, params, err);
}

static const struct mlb_option options[] = {
    MLB_FUSED_DTYPE,
    MLB_FUSED_PASS(passes),
    MLB_FUSED_TOKENS("8192"),
    MLB_FUSED_SIZE(hidden, "4096", 1048576.0, "elements of a row"),
    {0}};

const struct mlb_workload mlb_rmsnorm = {.name = "rmsnorm",
                                         .summary = "RMSNorm of rows, forward or backward",
                                         .params = options,
                                         .resolve = resolve_rms,
                                         MLB_FUSED_HOOKS};
const struct mlb_workload mlb_layernorm = {.name = "layernorm",
                                           .summary = "LayerNorm of rows, forward or backward",
                                           .params = options,
                                           .resolve = resolve_layer,
                                           MLB_FUSED_HOOKS};
