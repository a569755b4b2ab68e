/* SPDX-License-Identifier: Apache-2.0 */
/* The project's own kernels as variants: `mma` on sm_80 and later, `wgmma` on compute
 * capability 9.0. An independent check of the library's results, and what is measured where it is
 * missing. */
#include "kernels/gemm/gemm_own.h"

#include <inttypes.h>
#include <stdlib.h>

#include <cuda.h>
#include <cuda_runtime_api.h>

#include "harness/device/cuda_status.h"
#include "kernels/gemm/gemm.h"
#include "kernels/tensorcore/tensor_map.h"

#define MULTIPLE 8u /* of every extent: 16 bytes */

struct maps {
    CUtensorMap of[3]; /* A, B, C of one set */
};

struct own {
    struct mlb_gemm_call call; /* but for the operands */
    struct maps *maps;         /* wgmma: [sets] */
    unsigned clusters;         /* wgmma: of blocks that run at once */
};

/* ----------------------------------------------------------------------------------- can it run */

static enum mlb_status check_shape(const struct mlb_gemm_params *params, const char *variant,
                                   struct mlb_error *err)
{
    if (params->dtype != MLB_BF16 && params->dtype != MLB_F16)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "%s multiplies bf16 and f16, not %s", variant,
                        mlb_gemm_dtype_names[params->dtype]);
    if (mlb_gemm_refuse_extras(params, variant, err) != MLB_OK)
        return err->status;
    if (params->m % MULTIPLE || params->n % MULTIPLE || params->k % MULTIPLE)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "%s needs m, n and k that are multiples of 8, not %" PRIu64 ", %" PRIu64
                        " and %" PRIu64,
                        variant, params->m, params->n, params->k);
    return MLB_OK;
}

static enum mlb_status check(const struct mlb_gemm_params *params, const struct mlb_ctx *ctx,
                             const char *variant, struct mlb_error *err)
{
    if (check_shape(params, variant, err) != MLB_OK)
        return err->status;
    return mlb_gemm_fits(params, ctx, mlb_gemm_sets(params, ctx), 0, err);
}

enum mlb_status mlb_gemm_mma_check(const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    uint32_t capability = ctx->device->info.capability;
    if (capability < 80)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "mma needs compute capability 8.0 or newer, this device has %u.%u",
                        capability / 10, capability % 10);
    return check(params, ctx, "mma", err);
}

enum mlb_status mlb_gemm_wgmma_check(const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    uint32_t capability = ctx->device->info.capability;
    if (capability != 90)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "wgmma runs on compute capability 9.0 alone, this device has %u.%u",
                        capability / 10, capability % 10);
    const struct mlb_gemm_params *p = params;
    if (check(p, ctx, "wgmma", err) != MLB_OK)
        return err->status;
    if (!mlb_gemm_wgmma_built(p->dtype, p->pass))
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "wgmma: this build has no code for sm_90a: add 90a-real to "
                        "CMAKE_CUDA_ARCHITECTURES");
    return MLB_OK;
}

/* ----------------------------------------------------------------------------------- setup */

static enum mlb_status status_of(int code, const char *what, const struct mlb_gemm_call *call,
                                 struct mlb_error *err)
{
    return mlb_cuda_check(code, err, "%s for gemm %s of %u x %u x %u", what,
                          mlb_dtype_names[call->dtype], call->m, call->n, call->k);
}

static enum mlb_status setup(struct mlb_gemm_state *state, const struct mlb_gemm_params *params,
                             const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct own *own = calloc(1, sizeof *own);
    state->library = own;
    if (!own)
        return mlb_fail(err, MLB_E_NOMEM, "gemm: out of memory");
    own->call = (struct mlb_gemm_call){.dtype = params->dtype,
                                       .pass = params->pass,
                                       .m = (unsigned)params->m,
                                       .n = (unsigned)params->n,
                                       .k = (unsigned)params->k};
    if (mlb_gemm_alloc(state, params, ctx, mlb_gemm_sets(params, ctx), err) != MLB_OK)
        return err->status;
    return mlb_gemm_fill(state, params, ctx, ctx->data, err);
}

enum mlb_status mlb_gemm_mma_setup(void *memory, const void *params, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    if (setup(state, params, ctx, err) != MLB_OK)
        return err->status;
    struct own *own = state->library;
    return status_of(mlb_gemm_mma_prepare(&own->call), "prepare mma", &own->call, err);
}

/* A row-major matrix in boxes that are 64 elements wide, the width of the 128-byte swizzle. */
static struct mlb_tensor matrix(int dtype, void *base, uint64_t rows, uint64_t columns,
                                unsigned box_rows)
{
    return (struct mlb_tensor){.base = base,
                               .dtype = (enum mlb_dtype)dtype,
                               .rank = 2,
                               .extent = {columns, rows},
                               .stride = {0, columns * mlb_dtype_bytes((enum mlb_dtype)dtype)},
                               .box = {64, box_rows},
                               .swizzled = 1};
}

static enum mlb_status map_set(struct maps *maps, const struct mlb_gemm_state *state, size_t set,
                               const struct mlb_gemm_params *params, struct mlb_error *err)
{
    uint64_t m = params->m, n = params->n, k = params->k;
    bool b_is_nk = params->pass == MLB_GEMM_FWD, a_is_km = params->pass == MLB_GEMM_WGRAD;
    unsigned rows[3];
    mlb_gemm_wgmma_boxes(params->pass, rows);
    struct mlb_tensor a = matrix(params->dtype, state->a + set * state->a_stride, a_is_km ? k : m,
                                 a_is_km ? m : k, rows[0]);
    struct mlb_tensor b = matrix(params->dtype, state->b + set * state->b_stride, b_is_nk ? n : k,
                                 b_is_nk ? k : n, rows[1]);
    struct mlb_tensor c = matrix(params->dtype, state->c + set * state->c_stride, m, n, rows[2]);
    enum mlb_status status = mlb_tensor_map(&maps->of[0], &a, "gemm.A", err);
    if (status == MLB_OK)
        status = mlb_tensor_map(&maps->of[1], &b, "gemm.B", err);
    if (status == MLB_OK)
        status = mlb_tensor_map(&maps->of[2], &c, "gemm.C", err);
    return status;
}

enum mlb_status mlb_gemm_wgmma_setup(void *memory, const void *params, const struct mlb_ctx *ctx,
                                     struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    if (setup(state, params, ctx, err) != MLB_OK)
        return err->status;
    struct own *own = state->library;
    own->maps = aligned_alloc(_Alignof(struct maps), state->sets * sizeof *own->maps);
    if (!own->maps)
        return mlb_fail(err, MLB_E_NOMEM, "gemm wgmma: %zu tensor maps: out of memory",
                        3 * state->sets);
    for (size_t set = 0; set < state->sets; set++)
        if (map_set(&own->maps[set], state, set, params, err) != MLB_OK)
            return err->status;
    return status_of(mlb_gemm_wgmma_prepare(&own->call, &own->clusters), "prepare wgmma",
                     &own->call, err);
}

/* --------------------------------------------------------------------------------- running */

enum mlb_status mlb_gemm_mma_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    const struct own *own = state->library;
    struct mlb_gemm_call call = own->call;
    size_t set = mlb_gemm_turn(state);
    call.a = state->a + set * state->a_stride;
    call.b = state->b + set * state->b_stride;
    call.c = state->c + set * state->c_stride;
    void *stream = ctx->device->backend->stream(ctx->device);
    return status_of(mlb_gemm_mma_launch(&call, stream), "launch mma", &call, err);
}

enum mlb_status mlb_gemm_wgmma_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_gemm_state *state = memory;
    const struct own *own = state->library;
    struct maps *maps = &own->maps[mlb_gemm_turn(state)];
    void *stream = ctx->device->backend->stream(ctx->device);
    return status_of(mlb_gemm_wgmma_launch(&own->call, maps->of, own->clusters, stream),
                     "launch wgmma", &own->call, err);
}

void mlb_gemm_mma_teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_gemm_state *state = memory;
    struct own *own = state->library;
    if (own)
        free(own->maps);
    free(own);
    state->library = NULL;
    mlb_gemm_free(state, ctx);
}

void mlb_gemm_wgmma_teardown(void *memory, const struct mlb_ctx *ctx)
{
    mlb_gemm_mma_teardown(memory, ctx);
}
