/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN's matmul over plain row-major operands, as a framework's linear layer calls it; and the
 * same with B repacked beforehand (onednn-packed), which inference can do and training cannot,
 * because weights change at every step. */
#include "kernels/gemm/gemm.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include <oneapi/dnnl/dnnl_debug.h>

#include "harness/base/text.h"
#include "kernels/gemm/onednn_compat.h"

struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct onednn_layout a, b, c; /* row-major */
    struct onednn_layout asked;   /* packed: what the description leaves open */
    struct onednn_layout chosen;  /* packed: what oneDNN made of it */
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t product, repack;
    dnnl_memory_t memory_a, memory_b, memory_c, memory_packed;
    void *packed; /* B in the chosen layout, on the device */
};

/* The one place where oneDNN's codes become ours. */
static enum mlb_status failed(dnnl_status_t code, const char *call, struct mlb_error *err)
{
    enum mlb_status status = code == dnnl_out_of_memory   ? MLB_E_NOMEM
                             : code == dnnl_unimplemented ? MLB_E_UNSUPPORTED
                                                          : MLB_E_DEVICE;
    return mlb_fail(err, status, "oneDNN: %s: %s", call, dnnl_status2str(code));
}

/* oneDNN plans for as many threads as OpenMP would start now; returns what to set back. */
static int take_threads(int threads)
{
    int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    return before;
}

void mlb_gemm_onednn_library(char *to, size_t size)
{
    const dnnl_version_t *version = dnnl_version();
    mlb_format(to, size, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
}

static dnnl_data_type_t type_of(enum mlb_dtype dtype)
{
    switch (dtype) {
    case MLB_F32:
        return dnnl_f32;
    case MLB_BF16:
        return dnnl_bf16;
    case MLB_F16:
        return dnnl_f16;
    case MLB_S8:
        return dnnl_s8;
    case MLB_S32:
        return dnnl_s32;
    default:
        return dnnl_data_type_undef;
    }
}

/* With a batch there is a dimension more, in front. */
static dnnl_status_t make_layouts(struct onednn *one, const struct mlb_gemm_params *params)
{
    struct mlb_gemm_strides at = mlb_gemm_strides(params);
    dnnl_dim_t m = (dnnl_dim_t)params->m, n = (dnnl_dim_t)params->n, k = (dnnl_dim_t)params->k;
    dnnl_dim_t batch = params->batch ? (dnnl_dim_t)params->batch : 1;
    const dnnl_dims_t a_dims = {batch, m, k}, b_dims = {batch, k, n}, c_dims = {batch, m, n};
    const dnnl_dims_t a_strides = {m * k, (dnnl_dim_t)at.a_row, (dnnl_dim_t)at.a_col};
    const dnnl_dims_t b_strides = {k * n, (dnnl_dim_t)at.b_row, (dnnl_dim_t)at.b_col};
    const dnnl_dims_t c_strides = {m * n, n, 1};
    dnnl_data_type_t in = type_of(mlb_gemm_in(params)), out = type_of(mlb_gemm_out(params));
    int dims = batch > 1 ? 3 : 2, from = 3 - dims;
    dnnl_status_t code = onednn_layout_strided(&one->a, dims, a_dims + from, in, a_strides + from);
    if (code == dnnl_success)
        code = onednn_layout_strided(&one->b, dims, b_dims + from, in, b_strides + from);
    if (code == dnnl_success)
        code = onednn_layout_strided(&one->c, dims, c_dims + from, out, c_strides + from);
    if (code == dnnl_success)
        code = onednn_layout_any(&one->asked, dims, b_dims + from, in);
    return code;
}

/* Strict: f32 is multiplied as f32, whatever ONEDNN_DEFAULT_FPMATH_MODE says. */
static dnnl_status_t describe_product(struct onednn *one, bool packed)
{
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_status_t code = dnnl_primitive_attr_create(&attributes);
    if (code == dnnl_success)
        code = onednn_strict(attributes);
    if (code == dnnl_success)
        code = onednn_matmul(&one->desc, one->engine, &one->a, packed ? &one->asked : &one->b,
                             &one->c, attributes);
    dnnl_primitive_attr_destroy(attributes);
    return code;
}

/* The reference implementation is a thousand times slower and says nothing about the machine. */
static enum mlb_status refuse_reference(const struct onednn *one,
                                        const struct mlb_gemm_params *params, struct mlb_error *err)
{
    const char *name = NULL;
    dnnl_status_t code = dnnl_primitive_desc_query(one->desc, dnnl_query_impl_info_str, 0, &name);
    if (code != dnnl_success)
        return failed(code, "dnnl_primitive_desc_query(impl_info)", err);
    if (strncmp(name, "ref", 3) == 0 || strstr(name, ":ref"))
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "oneDNN has only its reference implementation (%s) of %s here", name,
                        mlb_gemm_dtype_names[params->dtype]);
    return MLB_OK;
}

/* Engine, layouts and the description of the product; no memory of the operands' size. */
static enum mlb_status describe(struct onednn *one, const struct mlb_gemm_params *params,
                                bool packed, struct mlb_error *err)
{
    char library[32];
    const char *dtype = mlb_gemm_dtype_names[params->dtype];
    mlb_gemm_onednn_library(library, sizeof library);
    if (params->dtype == MLB_TF32)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "tf32 is a format of GPUs; no CPU multiplies it");
    if (type_of((enum mlb_dtype)params->dtype) == dnnl_data_type_undef)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "%s has no %s matmul on a CPU", library, dtype);
    if (params->spread || params->out == MLB_GEMM_C_F32_ADD)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "oneDNN is not asked here for %s",
                        params->spread ? "products of unlike shapes" : "sums with what C holds");
    dnnl_status_t code = dnnl_engine_create(&one->engine, dnnl_cpu, 0);
    if (code != dnnl_success)
        return failed(code, "dnnl_engine_create(cpu)", err);
    code = make_layouts(one, params);
    if (code != dnnl_success)
        return failed(code, "memory descriptor", err);
    code = describe_product(one, packed);
    if (code == dnnl_unimplemented)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "%s has no %s matmul for this processor", library,
                        dtype);
    if (code != dnnl_success)
        return failed(code, "matmul primitive descriptor", err);
    return refuse_reference(one, params, err);
}

static void close_onednn(struct onednn *one, const struct mlb_ctx *ctx)
{
    dnnl_memory_destroy(one->memory_packed);
    dnnl_memory_destroy(one->memory_c);
    dnnl_memory_destroy(one->memory_b);
    dnnl_memory_destroy(one->memory_a);
    dnnl_primitive_destroy(one->repack);
    dnnl_primitive_destroy(one->product);
    if (one->desc)
        dnnl_primitive_desc_destroy(one->desc);
    onednn_layout_free(&one->chosen);
    onednn_layout_free(&one->asked);
    onednn_layout_free(&one->c);
    onednn_layout_free(&one->b);
    onednn_layout_free(&one->a);
    dnnl_stream_destroy(one->stream);
    dnnl_engine_destroy(one->engine);
    mlb_free(ctx->device, one->packed);
}

static enum mlb_status check(const struct mlb_gemm_params *params, const struct mlb_ctx *ctx,
                             bool packed, struct mlb_error *err)
{
    struct onednn one = {0};
    int before = take_threads(ctx->threads);
    enum mlb_status status = describe(&one, params, packed, err);
    close_onednn(&one, ctx);
    omp_set_num_threads(before);
    return status;
}

enum mlb_status mlb_gemm_onednn_check(const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    if (check(params, ctx, false, err) != MLB_OK)
        return err->status;
    return mlb_gemm_fits(params, ctx, 1, 0, err);
}

enum mlb_status mlb_gemm_packed_check(const void *values, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    const struct mlb_gemm_params *params = values;
    if (check(params, ctx, true, err) != MLB_OK)
        return err->status;
    uint64_t batch = params->batch ? params->batch : 1;
    uint64_t copy = batch * params->k * params->n * mlb_dtype_bytes(mlb_gemm_in(params));
    return mlb_gemm_fits(params, ctx, 1, copy, err);
}

/* Copy B into the chosen layout: after each fill, outside the timed steps. */
static enum mlb_status repack(struct mlb_gemm_state *state, const struct mlb_ctx *ctx,
                              struct mlb_error *err)
{
    struct onednn *one = state->library;
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, one->memory_b},
                                    {DNNL_ARG_TO, one->memory_packed}};
    int before = take_threads(ctx->threads);
    dnnl_status_t code = dnnl_primitive_execute(one->repack, one->stream, 2, args);
    if (code == dnnl_success)
        code = dnnl_stream_wait(one->stream);
    omp_set_num_threads(before);
    return code == dnnl_success ? MLB_OK : failed(code, "reorder of B", err);
}

static enum mlb_status make_packed(struct onednn *one, const struct mlb_ctx *ctx,
                                   struct mlb_error *err)
{
    dnnl_primitive_desc_t desc = NULL;
    dnnl_status_t code = onednn_layout_weights(&one->chosen, one->desc);
    if (code != dnnl_success)
        return failed(code, "layout of packed B", err);
    if (mlb_alloc(ctx->device, onednn_layout_bytes(&one->chosen), "gemm.B packed", &one->packed,
                  err) != MLB_OK)
        return err->status;
    code = onednn_memory(&one->memory_packed, &one->chosen, one->engine, one->packed);
    if (code == dnnl_success)
        code = onednn_reorder(&desc, one->engine, &one->b, &one->chosen);
    if (code == dnnl_success)
        code = dnnl_primitive_create(&one->repack, desc);
    if (desc)
        dnnl_primitive_desc_destroy(desc);
    return code == dnnl_success ? MLB_OK : failed(code, "reorder of B", err);
}

static enum mlb_status make_product(struct onednn *one, const struct mlb_gemm_state *state,
                                    struct mlb_error *err)
{
    dnnl_status_t code = dnnl_stream_create(&one->stream, one->engine, dnnl_stream_default_flags);
    if (code == dnnl_success)
        code = dnnl_primitive_create(&one->product, one->desc);
    if (code == dnnl_success)
        code = onednn_memory(&one->memory_a, &one->a, one->engine, state->a);
    if (code == dnnl_success)
        code = onednn_memory(&one->memory_b, &one->b, one->engine, state->b);
    if (code == dnnl_success)
        code = onednn_memory(&one->memory_c, &one->c, one->engine, state->c);
    return code == dnnl_success ? MLB_OK : failed(code, "matmul primitive", err);
}

static enum mlb_status setup(struct mlb_gemm_state *state, const struct mlb_gemm_params *params,
                             const struct mlb_ctx *ctx, bool packed, struct mlb_error *err)
{
    struct onednn *one = calloc(1, sizeof *one);
    state->library = one;
    if (!one)
        return mlb_fail(err, MLB_E_NOMEM, "gemm onednn: out of memory");
    int before = take_threads(ctx->threads);
    enum mlb_status status = describe(one, params, packed, err);
    if (status == MLB_OK)
        status = mlb_gemm_alloc(state, params, ctx, 1, err);
    if (status == MLB_OK)
        status = make_product(one, state, err);
    if (status == MLB_OK && packed)
        status = make_packed(one, ctx, err);
    omp_set_num_threads(before);
    state->loaded = packed ? repack : NULL;
    return status == MLB_OK ? mlb_gemm_fill(state, params, ctx, ctx->data, err) : status;
}

enum mlb_status mlb_gemm_onednn_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    return setup(state, params, ctx, false, err);
}

enum mlb_status mlb_gemm_packed_setup(void *state, const void *params, const struct mlb_ctx *ctx,
                                      struct mlb_error *err)
{
    return setup(state, params, ctx, true, err);
}

enum mlb_status mlb_gemm_onednn_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct mlb_gemm_state *state = memory;
    const struct onednn *one = state->library;
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, one->memory_a},
        {DNNL_ARG_WEIGHTS, one->packed ? one->memory_packed : one->memory_b},
        {DNNL_ARG_DST, one->memory_c}};
    int before = take_threads(ctx->threads);
    dnnl_status_t code = dnnl_primitive_execute(one->product, one->stream, 3, args);
    if (code == dnnl_success)
        code = dnnl_stream_wait(one->stream);
    omp_set_num_threads(before);
    return code == dnnl_success ? MLB_OK : failed(code, "matmul", err);
}

void mlb_gemm_onednn_teardown(void *memory, const struct mlb_ctx *ctx)
{
    struct mlb_gemm_state *state = memory;
    struct onednn *one = state->library;
    if (one)
        close_onednn(one, ctx);
    free(one);
    state->library = NULL;
    mlb_gemm_free(state, ctx);
}
