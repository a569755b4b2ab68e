/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm/gemm.h"

#include "harness/base/rng.h"
#include "harness/base/units.h"

#define ALIGN    256u /* of every operand, as cuBLASLt's heuristic assumes by default */
#define CACHES   3u   /* all sets together are at least so many times the L2 */
#define SETS_MAX 256u /* enough for products down to 300 cubed on an H200 */

enum mlb_dtype mlb_gemm_in(const struct mlb_gemm_params *params)
{
    return params->dtype == MLB_TF32 ? MLB_F32 : (enum mlb_dtype)params->dtype;
}

enum mlb_dtype mlb_gemm_out(const struct mlb_gemm_params *params)
{
    return params->dtype == MLB_S8 ? MLB_S32 : mlb_gemm_in(params);
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

/* Each operand of a set begins at a multiple of ALIGN. */
struct sizes {
    uint64_t a, b, c;
};

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static struct sizes sizes_of(const struct mlb_gemm_params *params)
{
    uint64_t in = mlb_dtype_bytes(mlb_gemm_in(params));
    uint64_t out = mlb_dtype_bytes(mlb_gemm_out(params));
    return (struct sizes){aligned(params->m * params->k * in), aligned(params->k * params->n * in),
                          aligned(params->m * params->n * out)};
}

uint64_t mlb_gemm_bytes(const struct mlb_gemm_params *params)
{
    uint64_t in = mlb_dtype_bytes(mlb_gemm_in(params));
    uint64_t out = mlb_dtype_bytes(mlb_gemm_out(params));
    return (params->m * params->k + params->k * params->n) * in + params->m * params->n * out;
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
    uint64_t bytes = sets * (size.a + size.b + size.c) + extra;
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
    state->a_stride = size.a;
    state->b_stride = size.b;
    state->c_stride = size.c;
    enum mlb_status status = mlb_alloc(ctx->device, sets * size.a, "gemm.A", &a, err);
    if (status == MLB_OK)
        status = mlb_alloc(ctx->device, sets * size.b, "gemm.B", &b, err);
    if (status == MLB_OK)
        status = mlb_alloc(ctx->device, sets * size.c, "gemm.C", &c, err);
    state->a = a;
    state->b = b;
    state->c = c;
    return status;
}

enum mlb_status mlb_gemm_fill(struct mlb_gemm_state *state, const struct mlb_gemm_params *params,
                              const struct mlb_ctx *ctx, enum mlb_data data, struct mlb_error *err)
{
    enum mlb_dtype dtype = mlb_gemm_in(params);
    enum mlb_status status = MLB_OK;
    for (size_t set = 0; set < state->sets && status == MLB_OK; set++) {
        status = mlb_fill(ctx->device, state->a + set * state->a_stride, params->m * params->k,
                          dtype, data, mlb_gemm_seed_a(ctx->seed), err);
        if (status == MLB_OK)
            status = mlb_fill(ctx->device, state->b + set * state->b_stride, params->k * params->n,
                              dtype, data, mlb_gemm_seed_b(ctx->seed), err);
    }
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
