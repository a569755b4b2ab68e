/* SPDX-License-Identifier: Apache-2.0 */
/* The variants on a real GPU: every type and pass against the reference. Skipped where there is
 * none; with MLBENCH_REQUIRE_GPU=1 that is a failure. */
#include "tests/kernels/gemm_rig.h"

static const int types[] = {MLB_F64, MLB_F32, MLB_TF32, MLB_BF16, MLB_F16, MLB_S8};

static const struct mlb_gemm_params shapes[] = {
    {.m = 64, .n = 96, .k = 128},
    {.m = 272, .n = 144, .k = 1040},
    {.m = 1024, .n = 1024, .k = 1024},
    {.m = 256, .n = 256, .k = 16384}, /* splits along k */
};

#define SKIPPED 77 /* ctest's code for it */

static int count_gpus(char *why, size_t why_size)
{
    struct mlb_error err = {0};
    int count = 0;
    return mlb_backend_cuda.count(&count, why, why_size, &err) == MLB_OK ? count : 0;
}

static void open_gpu(struct gemm_rig *rig)
{
    *rig = (struct gemm_rig){.comm = {.size = 1, .deadline_s = 60.0}};
    rig->ctx = (struct mlb_ctx){.comm = &rig->comm,
                                .data = MLB_DATA_NORMAL,
                                .seed = 20,
                                .threads = 2,
                                .memory_bytes = (uint64_t)4 << 30};
    check_ok(mlb_backend_cuda.open(0, 0, &rig->ctx.device, &rig->err), &rig->err);
}

static void verify_on_gpu(struct gemm_rig *rig, const struct mlb_variant *variant,
                          const struct mlb_gemm_params *params)
{
    struct mlb_gemm_state state = {0};
    check_ok(variant->check(params, &rig->ctx, &rig->err), &rig->err);
    struct mlb_verification found = verify_gemm(rig, variant, &state, params);
    check_verified(&found, params);
}

/* What this GPU refuses, with its reason, is no failure. */
static void verify_if_able(struct gemm_rig *rig, struct mlb_gemm_params params)
{
    char label[96];
    check_ok(mlb_gemm.resolve(&params, &rig->err), &rig->err);
    mlb_gemm.label(&params, label, sizeof label);
    if (gemm_variant("cublaslt")->check(&params, &rig->ctx, &rig->err) == MLB_OK)
        verify_on_gpu(rig, gemm_variant("cublaslt"), &params);
    else
        printf("%s: %s\n", label, rig->err.text);
    rig->err = (struct mlb_error){0};
}

static void test_small_floats(void **unused)
{
    static const int dtypes[] = {MLB_E4M3, MLB_E5M2, MLB_GEMM_MXFP8, MLB_GEMM_NVFP4};
    struct gemm_rig rig;
    (void)unused;
    open_gpu(&rig);
    for (size_t t = 0; t < 4; t++)
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
            for (int precise = 0; precise < (t < 2 ? 2 : 1); precise++) {
                struct mlb_gemm_params params = shapes[i];
                params.dtype = dtypes[t];
                params.k = params.k / 32 * 32;
                params.accumulate = precise ? MLB_GEMM_SUMS_PRECISE : MLB_GEMM_SUMS_AS_USUAL;
                verify_if_able(&rig, params);
            }
    mlb_backend_cuda.close(rig.ctx.device);
}

static void test_batches_and_results(void **unused)
{
    struct gemm_rig rig;
    (void)unused;
    open_gpu(&rig);
    for (int pass = 0; pass < 3; pass++)
        for (int out = MLB_GEMM_C_SAME; out <= MLB_GEMM_C_F32_ADD; out++)
            for (uint64_t batch = 1; batch <= 5; batch += 4)
                for (int spread = 0; spread < (batch > 1 ? 2 : 1); spread++)
                    verify_if_able(&rig, (struct mlb_gemm_params){.dtype = MLB_BF16,
                                                                  .pass = pass,
                                                                  .out = out,
                                                                  .m = 272,
                                                                  .n = 144,
                                                                  .k = 208,
                                                                  .batch = batch,
                                                                  .spread = spread});
    mlb_backend_cuda.close(rig.ctx.device);
}

static void test_all_types_and_passes(void **unused)
{
    struct gemm_rig rig;
    (void)unused;
    open_gpu(&rig);
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (int pass = 0; pass < (types[t] == MLB_S8 ? 1 : 3); pass++)
            for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
                struct mlb_gemm_params params = shapes[i];
                params.dtype = types[t];
                params.pass = pass;
                verify_on_gpu(&rig, gemm_variant("cublaslt"), &params);
            }
    mlb_backend_cuda.close(rig.ctx.device);
}

/* The project's own kernels: several tiles a block, edges, many turns of the stages. */
static const struct mlb_gemm_params own_shapes[] = {
    {.m = 8, .n = 8, .k = 8},
    {.m = 136, .n = 264, .k = 200},
    {.m = 1000, .n = 1048, .k = 1032},
    {.m = 4096, .n = 6144, .k = 512},
};

static void verify_own(const char *name)
{
    struct gemm_rig rig;
    const struct mlb_variant *variant = gemm_variant(name);
    open_gpu(&rig);
    for (int dtype = MLB_BF16; dtype <= MLB_F16; dtype++)
        for (int pass = 0; pass < 3; pass++)
            for (size_t i = 0; i < sizeof own_shapes / sizeof own_shapes[0]; i++) {
                struct mlb_gemm_params params = own_shapes[i];
                params.dtype = dtype;
                params.pass = pass;
                if (variant->check(&params, &rig.ctx, &rig.err) == MLB_E_UNSUPPORTED)
                    print_message("skipped: %s\n", rig.err.text);
                else
                    verify_on_gpu(&rig, variant, &params);
            }
    mlb_backend_cuda.close(rig.ctx.device);
}

static void test_mma(void **unused)
{
    (void)unused;
    verify_own("mma");
}

static void test_wgmma(void **unused)
{
    (void)unused;
    verify_own("wgmma");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_types_and_passes),
                                       cmocka_unit_test(test_small_floats),
                                       cmocka_unit_test(test_batches_and_results),
                                       cmocka_unit_test(test_mma), cmocka_unit_test(test_wgmma)};
    const char *required = getenv("MLBENCH_REQUIRE_GPU");
    char why[256] = "";
    if (count_gpus(why, sizeof why) == 0) {
        printf("no GPU: %s\n", why);
        return required && strcmp(required, "1") == 0 ? 1 : SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
