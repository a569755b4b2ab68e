/* SPDX-License-Identifier: Apache-2.0 */
/* embedding as a workload: its tensors, and the truth of a row. */
#include "kernels/fused/embedding.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "kernels/fused/fused.h"

static const char *const passes[] = {"fwd", "bwd", NULL};

static struct mlb_fused_shape all(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){p->tokens, p->hidden, p->tokens * p->hidden};
}

static struct mlb_fused_shape table(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){p->vocab, p->hidden, p->vocab * p->hidden};
}

static struct mlb_fused_shape a_token(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){p->tokens, 1, p->tokens};
}

static struct mlb_fused_shape firsts(const struct mlb_fused_params *p, size_t parts)
{
    (void)parts;
    return (struct mlb_fused_shape){p->vocab + 1, 1, p->vocab + 1};
}

/* A row of the table for each token; that tokens repeat is not counted on. */
static uint64_t gathered(const struct mlb_fused_params *p)
{
    return p->tokens * p->hidden;
}

/* Uniform. The words of a language are not, which lets caches help more than here. */
static bool make_id(const struct mlb_fused_params *p, uint64_t seed, void *to)
{
    int32_t *id = to;
    for (uint64_t t = 0; t < p->tokens; t++)
        id[t] = (int32_t)(((mlb_rng_bits(mlb_rng_bits(seed, 'i'), t) >> 32) * p->vocab) >> 32);
    return true;
}

/* Both arrays are made together; the one that is not asked for is dropped. */
static bool make_index(const struct mlb_fused_params *p, uint64_t seed, int32_t *first,
                       int32_t *order)
{
    void *id = malloc(p->tokens * sizeof(int32_t));
    void *other = malloc((first ? p->tokens : p->vocab + 1) * sizeof(int32_t));
    bool there = id && other;
    if (there) {
        make_id(p, seed, id);
        mlb_embedding_index(id, p->tokens, p->vocab, first ? first : other, order ? order : other);
    }
    free(other);
    free(id);
    return there;
}

static bool make_first(const struct mlb_fused_params *p, uint64_t seed, void *to)
{
    return make_index(p, seed, to, NULL);
}

static bool make_order(const struct mlb_fused_params *p, uint64_t seed, void *to)
{
    return make_index(p, seed, NULL, to);
}

#define AT(field) offsetof(struct mlb_embedding, field)
enum { TABLE, ID, Y, DY, FIRST, ORDER, DTABLE };

static const struct mlb_fused_tensor tensors[] = {
    {.name = "table", .at = AT(table), .role = {MLB_IN}, .shape = table, .moved = gathered},
    {.name = "id",
     .at = AT(id),
     .type = MLB_TYPE_S32,
     .role = {MLB_IN},
     .shape = a_token,
     .make = make_id},
    {.name = "y", .at = AT(y), .role = {MLB_OUT}, .shape = all},
    {.name = "dy", .at = AT(dy), .role = {MLB_UNUSED, MLB_IN}, .shape = all},
    {.name = "first",
     .at = AT(first),
     .type = MLB_TYPE_S32,
     .role = {MLB_UNUSED, MLB_IN},
     .shape = firsts,
     .make = make_first},
    {.name = "order",
     .at = AT(order),
     .type = MLB_TYPE_S32,
     .role = {MLB_UNUSED, MLB_IN},
     .shape = a_token,
     .make = make_order},
    {.name = "dtable", .at = AT(dtable), .role = {MLB_UNUSED, MLB_OUT}, .shape = table},
    {0}};

static void arguments(const struct mlb_fused_params *p, size_t parts, void *args)
{
    struct mlb_embedding *embedding = args;
    (void)parts;
    embedding->pass = (enum mlb_embedding_pass)p->pass;
    embedding->dtype = (enum mlb_dtype)p->dtype;
    embedding->tokens = p->tokens;
    embedding->hidden = p->hidden;
    embedding->vocab = p->vocab;
}

static void run_cpu(const void *args, int threads)
{
    mlb_embedding_cpu(args, threads);
}

static int run_cuda(const void *args, void *stream)
{
    return mlb_embedding_cuda(args, stream);
}

static enum mlb_status cuda_check(const struct mlb_fused_params *p, struct mlb_error *err)
{
    return mlb_fused_multiple("hidden", p->hidden, 8, err);
}

static void shape_label(const struct mlb_fused_params *p, char *to, size_t size)
{
    mlb_format(to, size, "%" PRIu64 "x%" PRIu64 " of %" PRIu64, p->tokens, p->hidden, p->vocab);
}

static uint64_t rows(const struct mlb_fused_params *p)
{
    return p->pass == MLB_EMBEDDING_FORWARD ? p->tokens : p->vocab;
}

/* ------------------------------------------------------------------------------------- the truth
 */

static void truth_forward(struct mlb_fused_look *look, uint64_t row)
{
    const int32_t *id = mlb_fused_made(look, ID);
    const double *from = mlb_fused_load(look, TABLE, (uint64_t)id[row]);
    size_t n = (size_t)look->params->hidden;
    memcpy(look->out[Y], from, n * sizeof *from);
    memset(look->tolerance[Y], 0, n * sizeof *from);
}

/* k terms one after the other: k roundings of partial sums, each at most the sum of sizes. */
static void truth_backward(struct mlb_fused_look *look, uint64_t row)
{
    const int32_t *first = mlb_fused_made(look, FIRST), *order = mlb_fused_made(look, ORDER);
    size_t n = (size_t)look->params->hidden;
    double *out = look->out[DTABLE], *tolerance = look->tolerance[DTABLE];
    double terms = (double)(first[row + 1] - first[row]);
    memset(out, 0, n * sizeof *out);
    memset(tolerance, 0, n * sizeof *tolerance);
    for (int32_t at = first[row]; at < first[row + 1]; at++) {
        const double *dy = mlb_fused_load(look, DY, (uint64_t)order[at]);
        for (size_t i = 0; i < n; i++) {
            out[i] += dy[i];
            tolerance[i] += terms * 0x1p-24 * fabs(dy[i]);
        }
    }
    /* One term is copied, in whatever type. */
    for (size_t i = 0; i < n; i++)
        tolerance[i] = terms <= 1.0 ? 0.0 : tolerance[i] + mlb_fused_roundoff(look) * fabs(out[i]);
}

static void truth(struct mlb_fused_look *look, uint64_t row)
{
    if (look->params->pass == MLB_EMBEDDING_FORWARD)
        truth_forward(look, row);
    else
        truth_backward(look, row);
}

/* Forward: T rows of H elements read from the table and written. Backward: T rows read, all V rows
 * of the table's gradient written. And the ids or the index. */
const struct mlb_fused_op mlb_fused_embedding = {
    .name = "embedding",
    .passes = passes,
    .formulas = {"embedding.fwd.2th", "embedding.bwd.th+vh"},
    .tensors = tensors,
    .args_bytes = sizeof(struct mlb_embedding),
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
    return mlb_fused_resolve(MLB_FUSED_EMBEDDING, params, err);
}

static const struct mlb_option options[] = {
    MLB_FUSED_DTYPE,
    MLB_FUSED_PASS(passes),
    MLB_FUSED_TOKENS("8192"),
    MLB_FUSED_SIZE(hidden, "4096", 1048576.0, "elements of a row"),
    MLB_FUSED_SIZE(vocab, "128256", 4194304.0, "rows of the table"),
    {0}};

const struct mlb_workload mlb_embedding = {
    .name = "embedding",
    .summary = "token embedding: gather of rows, or the gradient of the table",
    .params = options,
    .resolve = resolve,
    MLB_FUSED_HOOKS};
