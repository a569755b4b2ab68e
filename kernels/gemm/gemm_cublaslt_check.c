/* SPDX-License-Identifier: Apache-2.0 */
/* What cuBLASLt cannot do on this device, said before it is tried. For the rest its heuristic is
 * the judge. */
#include "kernels/gemm/gemm_cublaslt.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROW_BYTES 16u /* that rows of one-byte operands are multiples of */

static const struct mlb_lt_recipe recipes[] = {
    {MLB_F64, CUBLAS_COMPUTE_64F, CUDA_R_64F, 0, 0, {.f64 = 1}, {.f64 = 0}},
    {MLB_F32, CUBLAS_COMPUTE_32F, CUDA_R_32F, 0, 0, {.f32 = 1}, {.f32 = 0}},
    {MLB_TF32, CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, 80, 0, {.f32 = 1}, {.f32 = 0}},
    {MLB_BF16, CUBLAS_COMPUTE_32F, CUDA_R_32F, 80, 0, {.f32 = 1}, {.f32 = 0}},
    {MLB_F16, CUBLAS_COMPUTE_32F, CUDA_R_32F, 70, 0, {.f32 = 1}, {.f32 = 0}},
    {MLB_S8, CUBLAS_COMPUTE_32I, CUDA_R_32I, 75, 0, {.s32 = 1}, {.s32 = 0}},
    {MLB_E4M3, CUBLAS_COMPUTE_32F, CUDA_R_32F, 89, 0, {.f32 = 1}, {.f32 = 0}},
    {MLB_E5M2, CUBLAS_COMPUTE_32F, CUDA_R_32F, 89, 0, {.f32 = 1}, {.f32 = 0}},
    {MLB_GEMM_MXFP8, CUBLAS_COMPUTE_32F, CUDA_R_32F, 100, 120800, {.f32 = 1}, {.f32 = 0}},
    {MLB_GEMM_NVFP4, CUBLAS_COMPUTE_32F, CUDA_R_32F, 100, 120800, {.f32 = 1}, {.f32 = 0}},
};

const struct mlb_lt_recipe *mlb_lt_recipe(int dtype)
{
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++)
        if (recipes[i].dtype == dtype)
            return &recipes[i];
    return NULL;
}

/* Variables that make cuBLAS compute in another type than the one that is asked for. */
static const char *const overrides[] = {"NVIDIA_TF32_OVERRIDE", "CUBLAS_EMULATE_SINGLE_PRECISION",
                                        "CUBLAS_EMULATE_DOUBLE_PRECISION"};

static enum mlb_status check_environment(struct mlb_error *err)
{
    const char *blocking = getenv("CUDA_LAUNCH_BLOCKING");
    if (blocking && blocking[0] && strcmp(blocking, "0") != 0)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "CUDA_LAUNCH_BLOCKING is set: every launch would wait for the one before; "
                        "unset it");
    for (size_t i = 0; i < sizeof overrides / sizeof overrides[0]; i++) {
        const char *value = getenv(overrides[i]);
        if (value && value[0])
            return mlb_fail(err, MLB_E_UNSUPPORTED,
                            "%s is set: cuBLAS would compute in another type than the row says",
                            overrides[i]);
    }
    return MLB_OK;
}

/* A device of capability 0 did not tell. */
static enum mlb_status check_device(const struct mlb_lt_recipe *recipe,
                                    const struct mlb_device_info *info, struct mlb_error *err)
{
    if (info->capability == 0 || info->capability >= recipe->capability)
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED,
                    "%s needs a GPU of compute capability %" PRIu32 ".%" PRIu32
                    " or newer; this one has %" PRIu32 ".%" PRIu32,
                    mlb_gemm_dtype_names[recipe->dtype], recipe->capability / 10,
                    recipe->capability % 10, info->capability / 10, info->capability % 10);
}

/* Both operands must be contiguous along k for s8 everywhere, and for e4m3 and e5m2 but on data
 * centre Blackwell (10.x). */
static enum mlb_status check_pass(const struct mlb_gemm_params *params,
                                  const struct mlb_device_info *info, struct mlb_error *err)
{
    bool eight_bits = params->dtype == MLB_E4M3 || params->dtype == MLB_E5M2;
    bool older = info->capability && (info->capability < 100 || info->capability >= 120);
    if (params->pass == MLB_GEMM_FWD || !(params->dtype == MLB_S8 || (eight_bits && older)))
        return MLB_OK;
    return mlb_fail(err, MLB_E_UNSUPPORTED,
                    "cuBLASLt multiplies %s here only with both operands contiguous along k: pass "
                    "= fwd (a framework keeps transposed copies for the others)",
                    mlb_gemm_dtype_names[params->dtype]);
}

/* Which dimensions are rows in memory, and so must be whole vectors. */
static enum mlb_status check_alignment(const struct mlb_gemm_params *params, struct mlb_error *err)
{
    if (mlb_dtype_bytes(mlb_gemm_in(params)) != 1)
        return MLB_OK;
    bool m_is_a_row = params->pass == MLB_GEMM_WGRAD;
    const char *wrong = params->n % ROW_BYTES                 ? "n"
                        : params->k % ROW_BYTES               ? "k"
                        : m_is_a_row && params->m % ROW_BYTES ? "m"
                                                              : NULL;
    if (!wrong)
        return MLB_OK;
    uint64_t size = wrong[0] == 'n' ? params->n : wrong[0] == 'k' ? params->k : params->m;
    return mlb_fail(err, MLB_E_UNSUPPORTED,
                    "%s = %" PRIu64 ": the tensor cores read %s in rows of whole 16 bytes: make it "
                    "a multiple of %u",
                    wrong, size, mlb_gemm_dtype_names[params->dtype], ROW_BYTES);
}

static enum mlb_status check_library(const struct mlb_lt_recipe *recipe, struct mlb_error *err)
{
    struct mlb_cublaslt api = {0};
    enum mlb_status status = mlb_cublaslt_open(&api, err);
    if (status == MLB_OK && api.call.version() < recipe->version) {
        char name[64];
        mlb_cublaslt_version(&api, name, sizeof name);
        status =
            mlb_fail(err, MLB_E_UNSUPPORTED,
                     "%s needs cuBLASLt %zu.%zu or newer; this is %s, which has the types from "
                     "f64 to e5m2",
                     mlb_gemm_dtype_names[recipe->dtype], recipe->version / 10000,
                     recipe->version / 100 % 100, name);
    }
    mlb_cublaslt_close(&api);
    return status;
}

enum mlb_status mlb_lt_can(const struct mlb_gemm_params *params, const struct mlb_ctx *ctx,
                           struct mlb_error *err)
{
    const struct mlb_lt_recipe *recipe = mlb_lt_recipe(params->dtype);
    const struct mlb_device_info *info = &ctx->device->info;
    if (!recipe)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "cuBLASLt: no recipe for %s",
                        mlb_gemm_dtype_names[params->dtype]);
    enum mlb_status status = check_device(recipe, info, err);
    if (status == MLB_OK)
        status = check_pass(params, info, err);
    if (status == MLB_OK)
        status = check_alignment(params, err);
    if (status == MLB_OK)
        status = check_environment(err);
    return status == MLB_OK ? check_library(recipe, err) : status;
}
