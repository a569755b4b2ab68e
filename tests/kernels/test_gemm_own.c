/* SPDX-License-Identifier: Apache-2.0 */
/* What the project's own GEMM variants say they can do, for described devices; no GPU needed. */
#include "tests/kernels/gemm_rig.h"

static const struct {
    const char *variant;
    uint32_t capability;
    struct mlb_gemm_params params;
    const char *refusal; /* NULL: it can */
} cases[] = {
    {"mma", 80, {.dtype = MLB_BF16, .m = 128, .n = 64, .k = 8}, NULL},
    {"mma", 120, {.dtype = MLB_F16, .m = 8, .n = 8, .k = 72}, NULL},
    {"mma", 75, {.dtype = MLB_BF16, .m = 64, .n = 64, .k = 64}, "this device has 7.5"},
    {"mma", 80, {.dtype = MLB_F32, .m = 64, .n = 64, .k = 64}, "bf16 and f16, not f32"},
    {"mma", 80, {.dtype = MLB_F16, .m = 64, .n = 65, .k = 64}, "multiples of 8, not 64, 65 and 64"},
    {"mma", 80, {.dtype = MLB_F16, .m = 65536, .n = 65536, .k = 64}, "are free for this rank"},
    {"wgmma", 80, {.dtype = MLB_BF16, .m = 64, .n = 64, .k = 64}, "this device has 8.0"},
    {"wgmma",
     100,
     {.dtype = MLB_BF16, .m = 64, .n = 64, .k = 64},
     "9.0 alone, this device has 10.0"},
    {"wgmma", 90, {.dtype = MLB_S8, .m = 64, .n = 64, .k = 64}, "bf16 and f16, not s8"},
    {"wgmma", 90, {.dtype = MLB_BF16, .m = 64, .n = 64, .k = 4}, "multiples of 8"},
};

static void test_checks(void **state)
{
    struct gemm_rig rig;
    (void)state;
    open_gemm_rig(&rig, MLB_DATA_NORMAL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct mlb_variant *variant = gemm_variant(cases[i].variant);
        check_text(variant->device, "cuda");
        rig.ctx.device->info.capability = cases[i].capability;
        enum mlb_status status = variant->check(&cases[i].params, &rig.ctx, &rig.err);
        if (cases[i].refusal)
            check_fails(status, MLB_E_UNSUPPORTED, &rig.err, cases[i].refusal);
        else
            check_ok(status, &rig.err);
    }
    close_gemm_rig(&rig);
}

/* A GPU measures with the library when it is there. */
static void test_order(void **state)
{
    const struct mlb_variant *v = mlb_gemm.variants;
    (void)state;
    check_true(gemm_variant("cublaslt") < gemm_variant("wgmma"));
    check_true(gemm_variant("wgmma") < gemm_variant("mma"));
    check_text(v->name, "cublaslt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_checks), cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
