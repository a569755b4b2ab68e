/* SPDX-License-Identifier: Apache-2.0 */
/* cross_entropy as a workload: its tensors, and the truth of a token. */
#include "kernels/fused/cross_entropy.h"

#include <inttypes.h>
#include <math.h>

#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "kernels/fused/fused.h"

/* in_place is what a training step does, and what fwd_bwd is with the gradient over the logits. It
 * is not the default: from its second step on the logits are the gradient of the step before, which
 * step by step makes them all alike, and data that is alike is easier than a job's. */
static const char *const passes[] = {"fwd", "bwd", "fwd_bwd", "in_place", NULL};
enum { PASS_FWD, PASS_BWD, PASS_BOTH, PASS_IN_PLACE };

static struct mlb_fused_shape all(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){p->tokens, p->vocab, p->tokens * p->vocab};
}

static struct mlb_fused_shape a_token(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){p->tokens, 1, p->tokens};
}

/* One in 32 is to be ignored. */
static bool make_target(const struct mlb_fused_params *p, uint64_t seed, void *to)
{
    int32_t *target = to;
    for (uint64_t t = 0; t < p->tokens; t++) {
        uint64_t bits = mlb_rng_bits(mlb_rng_bits(seed, 't'), t);
        target[t] = bits % 32 == 0 ? -1 : (int32_t)(((bits >> 32) * p->vocab) >> 32);
    }
    return true;
}

#define AT(field) offsetof(struct mlb_cross_entropy, field)
enum { LOGITS, TARGET, LOSS, LSE, GRADIENT };

static const struct mlb_fused_tensor tensors[] = {
    {.name = "logits", .at = AT(logits), .role = {MLB_IN, MLB_IN, MLB_IN, MLB_INOUT}, .shape = all},
    {.name = "target",
     .at = AT(target),
     .type = MLB_TYPE_S32,
     .role = {MLB_IN, MLB_IN, MLB_IN, MLB_IN},
     .shape = a_token,
     .make = make_target},
    {.name = "loss",
     .at = AT(loss),
     .type = MLB_TYPE_F32,
     .role = {MLB_OUT, MLB_SCRATCH, MLB_OUT, MLB_OUT},
     .shape = a_token},
    {.name = "lse",
     .at = AT(lse),
     .type = MLB_TYPE_F32,
     .role = {MLB_OUT, MLB_IN, MLB_OUT, MLB_OUT},
     .shape = a_token,
     .prepared = true},
    {.name = "gradient",
     .at = AT(gradient),
     .role = {MLB_UNUSED, MLB_OUT, MLB_OUT, MLB_UNUSED},
     .shape = all},
    {0}};

static void arguments(const struct mlb_fused_params *p, size_t parts, void *args)
{
    struct mlb_cross_entropy *entropy = args;
    (void)parts;
    entropy->pass =
        p->pass == PASS_IN_PLACE ? MLB_CROSS_ENTROPY_BOTH : (enum mlb_cross_entropy_pass)p->pass;
    entropy->dtype = (enum mlb_dtype)p->dtype;
    entropy->tokens = p->tokens;
    entropy->vocab = p->vocab;
    entropy->scale = 1.0f / (float)p->tokens;
}

/* The backward pass reads the forward's lse. */
static void prepare(void *args)
{
    struct mlb_cross_entropy *entropy = args;
    entropy->pass = MLB_CROSS_ENTROPY_FORWARD;
}

static void run_cpu(const void *args, int threads)
{
    mlb_cross_entropy_cpu(args, threads);
}

static int run_cuda(const void *args, void *stream)
{
    return mlb_cross_entropy_cuda(args, stream);
}

static enum mlb_status cuda_check(const struct mlb_fused_params *p, struct mlb_error *err)
{
    return mlb_fused_multiple("vocab", p->vocab, 8, err);
}

static void shape_label(const struct mlb_fused_params *p, char *to, size_t size)
{
    mlb_format(to, size, "%" PRIu64 "x%" PRIu64, p->tokens, p->vocab);
}

static uint64_t rows(const struct mlb_fused_params *p)
{
    return p->tokens;
}

/* ------------------------------------------------------------------------------------- the truth
 */

struct softmax {
    double lse, error; /* of lse, absolute */
    double largest;
};

/* With u = 2^-24: each e^(x - max) is off, relatively, by the rounding of its argument (2 u |x -
 * max|, at most 2 u times the span) and a few u, their sum by a sum's error; log passes a relative
 * error on as an absolute one; max + log rounds. A running maximum rescales the sum, in strips,
 * with errors that the same bound covers. */
static struct softmax softmax_of(const double *x, size_t n)
{
    struct softmax s = {.largest = -INFINITY};
    double sum = 0.0, span = 0.0;
    for (size_t i = 0; i < n; i++)
        s.largest = fmax(s.largest, x[i]);
    for (size_t i = 0; i < n; i++) {
        double e = exp(x[i] - s.largest);
        sum += e;
        span += e * (s.largest - x[i]); /* weighted: small terms do not count */
    }
    s.lse = s.largest + log(sum);
    s.error = mlb_fused_sum_error(n) +
              (4.0 * span / sum + 8.0 + 2.0 * (fabs(s.largest) + fabs(s.lse))) * 0x1p-24;
    return s;
}

static void truth_gradient(struct mlb_fused_look *look, const double *x, int32_t target,
                           const struct softmax *s)
{
    const struct mlb_cross_entropy *entropy = look->args;
    int to = look->params->pass == PASS_IN_PLACE ? LOGITS : GRADIENT;
    double *out = look->out[to], *tolerance = look->tolerance[to];
    bool ignored = target < 0;
    for (size_t v = 0; v < entropy->vocab; v++) {
        double p = exp(x[v] - s->lse), scale = ignored ? 0.0 : (double)entropy->scale;
        double error = s->error + (2.0 * fabs(x[v] - s->lse) + 8.0) * 0x1p-24;
        bool hit = (int64_t)v == target;
        out[v] = scale * (hit ? p - 1.0 : p);
        tolerance[v] = mlb_fused_roundoff(look) * fabs(out[v]) +
                       scale * (error * p + (hit ? 4.0 * 0x1p-24 : 0.0));
    }
}

static void truth(struct mlb_fused_look *look, uint64_t row)
{
    const int32_t target = ((const int32_t *)mlb_fused_made(look, TARGET))[row];
    const double *x = mlb_fused_load(look, LOGITS, row);
    struct softmax s = softmax_of(x, (size_t)look->params->vocab);
    if (look->params->pass != PASS_BWD) {
        double loss = target < 0 ? 0.0 : s.lse - x[target];
        look->out[LSE][0] = s.lse;
        look->tolerance[LSE][0] = s.error;
        look->out[LOSS][0] = loss;
        look->tolerance[LOSS][0] = target < 0 ? 0.0 : s.error + 0x1p-24 * fabs(loss);
    }
    if (look->params->pass != PASS_FWD)
        truth_gradient(look, x, target, &s);
}

/* T x V elements: forward reads them once, backward reads and writes them, and so do both in one:
 * a second read of a row is the cache's business. */
const struct mlb_fused_op mlb_fused_cross_entropy = {
    .name = "cross_entropy",
    .passes = passes,
    .formulas = {"cross_entropy.fwd.1tv", "cross_entropy.bwd.2tv", "cross_entropy.fwd_bwd.2tv",
                 "cross_entropy.in_place.2tv"},
    .tensors = tensors,
    .args_bytes = sizeof(struct mlb_cross_entropy),
    .steps = 1,
    .shape_label = shape_label,
    .arguments = arguments,
    .cuda_check = cuda_check,
    .prepare = prepare,
    .cpu = run_cpu,
    .cuda = run_cuda,
    .rows = rows,
    .truth = truth};

static enum mlb_status resolve(void *params, struct mlb_error *err)
{
    return mlb_fused_resolve(MLB_FUSED_CROSS_ENTROPY, params, err);
}

static const struct mlb_option options[] = {
    MLB_FUSED_DTYPE,
    MLB_FUSED_PASS(passes),
    MLB_FUSED_TOKENS("4096"),
    MLB_FUSED_SIZE(vocab, "128256", 4194304.0, "logits of a token"),
    {0}};

const struct mlb_workload mlb_cross_entropy = {
    .name = "cross_entropy",
    .summary = "softmax and cross-entropy over a vocabulary: loss, gradient or both",
    .params = options,
    .resolve = resolve,
    MLB_FUSED_HOOKS};
