/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm/gemm.h"

#include "harness/base/rng.h"
#include "harness/base/units.h"
#include "kernels/gemm/gemm_blocks.h"

#define ALIGN    256u /* of every operand, as cuBLASLt's heuristic assumes by default */
#define CACHES   3u   /* all sets together are at least so many times the L2 */
#define SETS_MAX 256u /* enough for products down to 300 cubed on an H200 */

const char *const mlb_gemm_dtype_names[] = {
#define DTYPE_NAME(name, bytes, text) text,
    MLB_DTYPE_LIST(DTYPE_NAME)
#undef DTYPE_NAME
        "mxfp8",
    "nvfp4", NULL};

bool mlb_gemm_in_blocks(const struct mlb_gemm_params *params)
{
    return params->dtype >= MLB_DTYPE_COUNT;
}

/* Blocks hold e4m3, or e2m1, which is no type of its own: gemm_blocks.c alone reads them. */
enum mlb_dtype mlb_gemm_in(const struct mlb_gemm_params *params)
{
    return params->dtype == MLB_TF32    ? MLB_F32
           : mlb_gemm_in_blocks(params) ? MLB_E4M3
                                        : (enum mlb_dtype)params->dtype;
}

enum mlb_dtype mlb_gemm_in_b(const struct mlb_gemm_params *params)
{
    return params->dtype == MLB_E5M2 ? MLB_E4M3 : mlb_gemm_in(params);
}

enum mlb_dtype mlb_gemm_out(const struct mlb_gemm_params *params)
{
    if (params->out != MLB_GEMM_C_SAME)
        return MLB_F32;
    enum mlb_dtype in = mlb_gemm_in(params);
    return in == MLB_S8 ? MLB_S32 : in == MLB_E4M3 || in == MLB_E5M2 ? MLB_BF16 : in;
}

struct mlb_gemm_strides mlb_gemm_strides(const struct mlb_gemm_params *params)
{
    struct mlb_gemm_strides strides = {params->k, 1, params->n, 1};
    if (params->pass == MLB_GEMM_FWD) {
        strides.b_row = 1;
        strides.b_col = params->k;
    } else if (params->pass == MLB_GEMM_WGRAD) {
        strides.a_row = 1;
        strides.a_col = params->m;
    }
    return strides;
}

/* ---------------------------------------------------------------------------------------- a batch
 */

static uint64_t products(const struct mlb_gemm_params *params)
{
    return params->batch ? params->batch : 1;
}

/* Tokens of the products before this one, of `each` on average. Uneven: a straight line from half
 * of the mean to one and a half, which a router that balances its load stays within most of the
 * time; in steps of 16 tokens where there are enough, as padded for the tensor cores. */
static uint64_t tokens_before(const struct mlb_gemm_params *params, uint64_t each, uint64_t index)
{
    uint64_t batch = products(params), unit = each >= 32 && each % 16 == 0 ? 16 : 1;
    if (params->spread == MLB_GEMM_EVEN)
        return each * index;
    return each * index * (batch + index) / (2 * batch) / unit * unit;
}

struct mlb_gemm_group mlb_gemm_group(const struct mlb_gemm_params *params, uint64_t index)
{
    bool wgrad = params->pass == MLB_GEMM_WGRAD;
    uint64_t each = wgrad ? params->k : params->m;
    uint64_t before = tokens_before(params, each, index);
    uint64_t tokens = tokens_before(params, each, index + 1) - before;
    struct mlb_gemm_group group = {.m = params->m, .n = params->n, .k = params->k};
    *(wgrad ? &group.k : &group.m) = tokens;
    group.a = before * (wgrad ? params->m : params->k);
    group.b = wgrad ? before * params->n : index * params->k * params->n;
    group.c = wgrad ? index * params->m * params->n : before * params->n;
    return group;
}

/* ------------------------------------------------------------------------------------------ bytes
 */

/* Each operand of a set begins at a multiple of ALIGN, and so do the scales behind it. */
struct sizes {
    uint64_t a, b, c;                   /* elements alone */
    uint64_t a_scales, b_scales;        /* of blocks */
    uint64_t a_whole, b_whole, c_whole; /* with scales and alignment */
};

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static struct sizes sizes_of(const struct mlb_gemm_params *params)
{
    uint64_t m = params->m, n = params->n, k = params->k, count = products(params);
    struct sizes size = {.a = count * m * k * mlb_dtype_bytes(mlb_gemm_in(params)),
                         .b = count * k * n * mlb_dtype_bytes(mlb_gemm_in_b(params)),
                         .c = count * m * n * mlb_dtype_bytes(mlb_gemm_out(params))};
    if (mlb_gemm_in_blocks(params)) {
        size.a = mlb_gemm_block_bytes(params->dtype, m, k);
        size.b = mlb_gemm_block_bytes(params->dtype, n, k);
        size.a_scales = mlb_gemm_block_scale_bytes(params->dtype, m, k);
        size.b_scales = mlb_gemm_block_scale_bytes(params->dtype, n, k);
    }
    size.a_whole = aligned(size.a) + aligned(size.a_scales);
    size.b_whole = aligned(size.b) + aligned(size.b_scales);
    size.c_whole = aligned(size.c);
    return size;
}

uint64_t mlb_gemm_bytes(const struct mlb_gemm_params *params)
{
    struct sizes size = sizes_of(params);
    uint64_t c = params->out == MLB_GEMM_C_F32_ADD ? 2 * size.c : size.c;
    return size.a + size.a_scales + size.b + size.b_scales + c;
}

uint64_t mlb_gemm_seed_a(uint64_t seed)
{
    return mlb_rng_bits(seed, 'A');
}

uint64_t mlb_gemm_seed_b(uint64_t seed)
{
    return mlb_rng_bits(seed, 'B');
}

size_t mlb_gemm_sets(const struct mlb_gemm_params *params, const struct mlb_ctx *ctx)
{
    uint64_t bytes = mlb_gemm_bytes(params), cache = CACHES * ctx->device->info.last_cache_bytes;
    uint64_t sets = (cache + bytes - 1) / bytes;
    return (size_t)(sets < 1 ? 1 : sets > SETS_MAX ? SETS_MAX : sets);
}

enum mlb_status mlb_gemm_fits(const struct mlb_gemm_params *params, const struct mlb_ctx *ctx,
                              size_t sets, uint64_t extra, struct mlb_error *err)
{
    char need[MLB_UNIT_TEXT], have[MLB_UNIT_TEXT];
    struct sizes size = sizes_of(params);
    uint64_t bytes = sets * (size.a_whole + size.b_whole + size.c_whole) + extra;
    if (bytes <= ctx->memory_bytes)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "gemm needs %s, %s are free for this rank",
                    mlb_print_bytes(need, bytes), mlb_print_bytes(have, ctx->memory_bytes));
}

enum mlb_status mlb_gemm_alloc(struct mlb_gemm_state *state, const struct mlb_gemm_params *params,
                               const struct mlb_ctx *ctx, size_t sets, struct mlb_error *err)
{
    struct sizes size = sizes_of(params);
    void *a = NULL, *b = NULL, *c = NULL;
    state->sets = sets;
    state->a_stride = size.a_whole;
    state->b_stride = size.b_whole;
    state->c_stride = size.c_whole;
    state->a_scales = size.a_scales ? aligned(size.a) : 0;
    state->b_scales = size.b_scales ? aligned(size.b) : 0;
    enum mlb_status status = mlb_alloc(ctx->device, sets * size.a_whole, "gemm.A", &a, err);
    if (status == MLB_OK)
        status = mlb_alloc(ctx->device, sets * size.b_whole, "gemm.B", &b, err);
    if (status == MLB_OK)
        status = mlb_alloc(ctx->device, sets * size.c_whole, "gemm.C", &c, err);
    state->a = a;
    state->b = b;
    state->c = c;
    return status;
}

static enum mlb_status fill_blocks(struct mlb_gemm_state *state,
                                   const struct mlb_gemm_params *params, const struct mlb_ctx *ctx,
                                   enum mlb_data data, struct mlb_error *err)
{
    enum mlb_status status = mlb_gemm_block_fill(
        ctx, params->dtype, data, mlb_gemm_seed_a(ctx->seed), params->m, params->k, state->a,
        state->a_scales, state->a_stride, state->sets, err);
    if (status == MLB_OK)
        status = mlb_gemm_block_fill(ctx, params->dtype, data, mlb_gemm_seed_b(ctx->seed),
                                     params->n, params->k, state->b, state->b_scales,
                                     state->b_stride, state->sets, err);
    return status;
}

static enum mlb_status fill_elements(struct mlb_gemm_state *state,
                                     const struct mlb_gemm_params *params,
                                     const struct mlb_ctx *ctx, enum mlb_data data,
                                     struct mlb_error *err)
{
    uint64_t m = params->m, n = params->n, k = params->k, count = products(params);
    enum mlb_status status = MLB_OK;
    for (size_t set = 0; set < state->sets && status == MLB_OK; set++) {
        status = mlb_fill(ctx->device, state->a + set * state->a_stride, count * m * k,
                          mlb_gemm_in(params), data, mlb_gemm_seed_a(ctx->seed), err);
        if (status == MLB_OK)
            status = mlb_fill(ctx->device, state->b + set * state->b_stride, count * k * n,
                              mlb_gemm_in_b(params), data, mlb_gemm_seed_b(ctx->seed), err);
        if (status == MLB_OK && params->out == MLB_GEMM_C_F32_ADD)
            status = mlb_fill(ctx->device, state->c + set * state->c_stride, count * m * n, MLB_F32,
                              MLB_DATA_ZEROS, 0, err);
    }
    return status;
}

enum mlb_status mlb_gemm_fill(struct mlb_gemm_state *state, const struct mlb_gemm_params *params,
                              const struct mlb_ctx *ctx, enum mlb_data data, struct mlb_error *err)
{
    enum mlb_status status = mlb_gemm_in_blocks(params)
                                 ? fill_blocks(state, params, ctx, data, err)
                                 : fill_elements(state, params, ctx, data, err);
    if (status == MLB_OK && state->loaded)
        status = state->loaded(state, ctx, err);
    return status;
}

void mlb_gemm_free(struct mlb_gemm_state *state, const struct mlb_ctx *ctx)
{
    mlb_free(ctx->device, state->c);
    mlb_free(ctx->device, state->b);
    mlb_free(ctx->device, state->a);
    state->a = state->b = state->c = NULL;
}

size_t mlb_gemm_turn(struct mlb_gemm_state *state)
{
    size_t set = state->next;
    state->next = set + 1 < state->sets ? set + 1 : 0;
    return set;
}

enum mlb_status mlb_gemm_refuse_extras(const struct mlb_gemm_params *params, const char *variant,
                                       struct mlb_error *err)
{
    const char *what = params->batch > 1                ? "a batch"
                       : params->out != MLB_GEMM_C_SAME ? "another C"
                       : mlb_dtype_bytes(mlb_gemm_in(params)) == 1 && params->dtype != MLB_S8
                           ? mlb_gemm_dtype_names[params->dtype]
                           : NULL;
    if (!what)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "%s does not do %s", variant, what);
}
