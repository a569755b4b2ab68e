/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN's variants against the reference, for every type that this processor and library have. */
#include "tests/kernels/gemm_rig.h"

static const int types[] = {MLB_F32, MLB_BF16, MLB_F16, MLB_S8};
static const char *const names[] = {"onednn", "onednn-packed"};

static void verify_all(struct gemm_rig *rig, const struct mlb_variant *variant, int dtype, int pass)
{
    for (size_t i = 0; i < GEMM_ODD_SIZES; i++) {
        struct mlb_gemm_state state = {0};
        struct mlb_gemm_params params = gemm_odd_sizes[i];
        params.dtype = dtype;
        params.pass = pass;
        struct mlb_verification found = verify_gemm(rig, variant, &state, &params);
        check_verified(&found, &params);
    }
}

static void test_all_types_and_passes(void **unused)
{
    struct gemm_rig rig;
    int able = 0;
    (void)unused;
    open_gemm_rig(&rig, MLB_DATA_NORMAL);
    for (size_t v = 0; v < 2; v++)
        for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
            for (int pass = 0; pass < 3; pass++) {
                const struct mlb_variant *variant = gemm_variant(names[v]);
                struct mlb_gemm_params params = gemm_odd_sizes[1];
                params.dtype = types[t];
                params.pass = pass;
                if (variant->check(&params, &rig.ctx, &rig.err) != MLB_OK) {
                    check_true(types[t] != MLB_F32); /* every processor has f32 */
                    check_fails(MLB_E_UNSUPPORTED, rig.err.status, &rig.err, "oneDNN");
                    continue;
                }
                verify_all(&rig, variant, types[t], pass);
                able++;
            }
    check_true(able >= 6);
    close_gemm_rig(&rig);
}

static void test_a_batch_and_an_f32_result(void **unused)
{
    struct gemm_rig rig;
    (void)unused;
    open_gemm_rig(&rig, MLB_DATA_NORMAL);
    for (size_t v = 0; v < 2; v++)
        for (int pass = 0; pass < 3; pass++) {
            const struct mlb_variant *variant = gemm_variant(names[v]);
            struct mlb_gemm_state state = {0};
            struct mlb_gemm_params params = {
                .dtype = MLB_F32, .pass = pass, .m = 17, .n = 33, .k = 65, .batch = 5};
            check_ok(variant->check(&params, &rig.ctx, &rig.err), &rig.err);
            struct mlb_verification found = verify_gemm(&rig, variant, &state, &params);
            check_verified(&found, &params);
            params.spread = MLB_GEMM_UNEVEN;
            enum mlb_status status = variant->check(&params, &rig.ctx, &rig.err);
            check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "unlike shapes");
            params = (struct mlb_gemm_params){
                .dtype = MLB_BF16, .pass = pass, .m = 16, .n = 32, .k = 64, .out = MLB_GEMM_C_F32};
            if (variant->check(&params, &rig.ctx, &rig.err) != MLB_OK)
                continue; /* a processor without bf16 */
            state = (struct mlb_gemm_state){0};
            found = verify_gemm(&rig, variant, &state, &params);
            check_verified(&found, &params);
            params.out = MLB_GEMM_C_F32_ADD;
            status = variant->check(&params, &rig.ctx, &rig.err);
            check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "sums with what C holds");
        }
    close_gemm_rig(&rig);
}

/* Zeros hide faults: verification runs on other data, and puts the zeros back. */
static void test_zeros_are_verified_on_numbers_and_restored(void **unused)
{
    struct gemm_rig rig;
    struct mlb_gemm_params params = {.dtype = MLB_F32, .m = 40, .n = 50, .k = 60};
    (void)unused;
    open_gemm_rig(&rig, MLB_DATA_ZEROS);
    for (size_t v = 0; v < 2; v++) {
        const struct mlb_variant *variant = gemm_variant(names[v]);
        struct mlb_gemm_state state = {0};
        struct mlb_verification found = {0};
        check_ok(variant->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
        check_ok(mlb_gemm.verify(variant, &state, &params, &rig.ctx, &found, &rig.err), &rig.err);
        check_verified(&found, &params);
        check_true(found.worst_error > 0.0); /* of numbers that are not zero */
        check_ok(variant->step(&state, &rig.ctx, &rig.err), &rig.err);
        for (size_t i = 0; i < 40 * 50; i++)
            check_close(mlb_dtype_load(MLB_F32, state.c, i), 0.0, 0.0);
        variant->teardown(&state, &rig.ctx);
    }
    close_gemm_rig(&rig);
}

static void test_what_it_cannot(void **unused)
{
    static const struct {
        int dtype;
        uint64_t memory_bytes;
        const char *part;
    } rows[] = {
        {MLB_TF32, 1 << 30, "tf32 is a format of GPUs"},
        {MLB_F64, 1 << 30, "no f64 matmul on a CPU"},
        {MLB_E4M3, 1 << 30, "no e4m3 matmul on a CPU"},
        {MLB_GEMM_NVFP4, 1 << 30, "no nvfp4 matmul on a CPU"},
        {MLB_F32, 12 << 20, "needs 12 MiB, 12 MiB are free"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gemm_rig rig;
        struct mlb_gemm_params params = {.dtype = rows[i].dtype, .m = 1024, .n = 1024, .k = 1024};
        open_gemm_rig(&rig, MLB_DATA_NORMAL);
        rig.ctx.memory_bytes = rows[i].memory_bytes - 1;
        enum mlb_status status = gemm_variant("onednn")->check(&params, &rig.ctx, &rig.err);
        check_fails(status, MLB_E_UNSUPPORTED, &rig.err, rows[i].part);
        close_gemm_rig(&rig);
    }
}

/* A failed setup leaves something that teardown can free. */
static void test_teardown_after_failed_setup(void **unused)
{
    struct gemm_rig rig;
    struct mlb_gemm_params params = {.dtype = MLB_F64, .m = 8, .n = 8, .k = 8};
    (void)unused;
    open_gemm_rig(&rig, MLB_DATA_NORMAL);
    for (size_t v = 0; v < 2; v++) {
        struct mlb_gemm_state state = {0};
        const struct mlb_variant *variant = gemm_variant(names[v]);
        check_true(variant->setup(&state, &params, &rig.ctx, &rig.err) == MLB_E_UNSUPPORTED);
        variant->teardown(&state, &rig.ctx);
    }
    close_gemm_rig(&rig);
}

static void test_library_is_named(void **unused)
{
    char text[64];
    (void)unused;
    gemm_variant("onednn")->library(text, sizeof text);
    check_contains(text, "oneDNN ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_types_and_passes),
        cmocka_unit_test(test_a_batch_and_an_f32_result),
        cmocka_unit_test(test_zeros_are_verified_on_numbers_and_restored),
        cmocka_unit_test(test_what_it_cannot),
        cmocka_unit_test(test_teardown_after_failed_setup),
        cmocka_unit_test(test_library_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
