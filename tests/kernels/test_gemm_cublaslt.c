/* SPDX-License-Identifier: Apache-2.0 */
/* The cuBLASLt variant driven without a GPU: its code over a fake library (fake_cublaslt.c, found
 * through LD_LIBRARY_PATH) that multiplies host memory, and the CPU device. */
#include <dlfcn.h>

#include "tests/kernels/gemm_rig.h"

static const int types[] = {MLB_F64, MLB_F32, MLB_TF32, MLB_BF16, MLB_F16, MLB_S8};
enum { ALGORITHM_FAST = 4 }; /* of the fake */

/* Tiny, because tuning fills its time with runs of the fake. */
static const struct mlb_gemm_params sizes[] = {
    {.m = 1, .n = 1, .k = 1}, {.m = 5, .n = 9, .k = 7}, {.m = 8, .n = 3, .k = 16}};

static void open_rig(struct gemm_rig *rig)
{
    open_gemm_rig(rig, MLB_DATA_NORMAL);
    rig->ctx.threads = 1;
    rig->ctx.device->info.last_cache_bytes = 256;
}

static const struct mlb_variant *cublaslt(void)
{
    return gemm_variant("cublaslt");
}

static bool fake_is_there(void)
{
    char text[64];
    cublaslt()->library(text, sizeof text);
    return strstr(text, ".7.42") != NULL;
}

static void test_fake_is_what_is_loaded(void **unused)
{
    (void)unused;
    check_true(fake_is_there());
}

static void test_all_types_and_passes(void **unused)
{
    struct gemm_rig rig;
    (void)unused;
    open_rig(&rig);
    rig.ctx.device->info.last_cache_bytes = 1000; /* several sets of operands */
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (int pass = 0; pass < (types[t] == MLB_S8 ? 1 : 3); pass++)
            for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                struct mlb_gemm_params params = sizes[i];
                struct mlb_gemm_state state = {0};
                params.dtype = types[t];
                params.pass = pass;
                check_ok(cublaslt()->check(&params, &rig.ctx, &rig.err), &rig.err);
                struct mlb_verification found = verify_gemm(&rig, cublaslt(), &state, &params);
                check_verified(&found, &params);
            }
    close_gemm_rig(&rig);
}

/* Each step multiplies the operands of its own set, and no other: with zeros in the first, its
 * result alone is zero, and all the others are the same. */
static void test_steps_rotate_through_the_sets(void **unused)
{
    struct gemm_rig rig;
    struct mlb_gemm_params params = {.dtype = MLB_F32, .m = 32, .n = 32, .k = 32};
    struct mlb_gemm_state state = {0};
    const size_t bytes = 32 * 32 * sizeof(float);
    (void)unused;
    open_rig(&rig);
    rig.ctx.device->info.last_cache_bytes = 3 * 12288; /* 9 sets of 12 KiB hold it three times */
    check_ok(cublaslt()->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
    check_u64(state.sets, 9);
    for (int operand = 0; operand < 2; operand++) {
        check_ok(mlb_gemm_fill(&state, &params, &rig.ctx, MLB_DATA_NORMAL, &rig.err), &rig.err);
        memset(operand ? state.b : state.a, 0, bytes);
        memset(state.c, 0xff, state.sets * state.c_stride);
        state.next = 0;
        for (size_t i = 0; i < state.sets; i++)
            check_ok(cublaslt()->step(&state, &rig.ctx, &rig.err), &rig.err);
        check_true(memcmp(state.c, operand ? state.b : state.a, bytes) == 0);
        check_true(memcmp(state.c, state.c + state.c_stride, bytes) != 0);
        for (size_t i = 2; i < state.sets; i++)
            check_true(memcmp(state.c + state.c_stride, state.c + i * state.c_stride, bytes) == 0);
    }
    cublaslt()->teardown(&state, &rig.ctx);
    close_gemm_rig(&rig);
}

/* Of five proposals one is refused, one wants too much workspace, one fails when run and one is
 * slow at 64 columns. */
static void test_fastest_that_runs_is_chosen(void **unused)
{
    struct gemm_rig rig;
    struct mlb_gemm_params params = {.dtype = MLB_BF16, .m = 8, .n = 64, .k = 8};
    struct mlb_gemm_state state = {0};
    (void)unused;
    open_rig(&rig);
    check_ok(cublaslt()->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
    check_ok(cublaslt()->step(&state, &rig.ctx, &rig.err), &rig.err);
    void *library = dlopen("libcublasLt.so." MLB_CUBLAS_MAJOR, RTLD_NOW | RTLD_NOLOAD);
    check_true(library != NULL);
    const int *last = dlsym(library, "fake_cublaslt_last");
    check_i64(*last, ALGORITHM_FAST);
    dlclose(library);
    cublaslt()->teardown(&state, &rig.ctx);
    close_gemm_rig(&rig);
}

static void test_what_it_cannot(void **unused)
{
    struct gemm_rig rig;
    struct mlb_gemm_params params = {
        .dtype = MLB_S8, .pass = MLB_GEMM_DGRAD, .m = 8, .n = 8, .k = 8};
    struct mlb_gemm_state state = {0};
    (void)unused;
    open_rig(&rig);
    enum mlb_status status = cublaslt()->check(&params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "pass = fwd");
    params = (struct mlb_gemm_params){.dtype = MLB_BF16, .m = 8, .n = 13, .k = 8};
    status = cublaslt()->setup(&state, &params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "CUBLAS_STATUS_NOT_SUPPORTED");
    cublaslt()->teardown(&state, &rig.ctx);
    rig.ctx.memory_bytes = (uint64_t)64 << 20; /* the workspace alone */
    status = cublaslt()->check(&params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "are free");
    rig.ctx.memory_bytes <<= 1;
    check_ok(cublaslt()->check(&params, &rig.ctx, &rig.err), &rig.err);
    setenv("NVIDIA_TF32_OVERRIDE", "0", 1);
    status = cublaslt()->check(&params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "NVIDIA_TF32_OVERRIDE is set");
    unsetenv("NVIDIA_TF32_OVERRIDE");
    close_gemm_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fake_is_what_is_loaded),
        cmocka_unit_test(test_all_types_and_passes),
        cmocka_unit_test(test_steps_rotate_through_the_sets),
        cmocka_unit_test(test_fastest_that_runs_is_chosen),
        cmocka_unit_test(test_what_it_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
