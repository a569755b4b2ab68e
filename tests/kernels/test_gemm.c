/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters, labels, work and the plain variant of gemm. */
#include "kernels/gemm/gemm.h"

#include "tests/kernels/gemm_rig.h"

/* Set parameters as a suite file does: "key=value" texts. */
static enum mlb_status set_params(struct mlb_gemm_params *params, const char *texts,
                                  struct mlb_error *err)
{
    char copy[256], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", texts);
    check_ok(mlb_option_defaults(mlb_gemm.params, params, err), err);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        const struct mlb_option *row = mlb_option_find(mlb_gemm.params, word);
        check_true(row != NULL);
        enum mlb_status status = mlb_option_set(row, params, value, err);
        if (status != MLB_OK)
            return status;
    }
    return mlb_gemm.resolve(params, err);
}

static void test_shapes(void **unused)
{
    static const struct {
        const char *texts, *label;
    } rows[] = {
        {"", "f32 4096x4096x4096 fwd"},
        {"dtype=bf16 size=8192", "bf16 8192x8192x8192 fwd"},
        {"m=100 n=70 k=129 pass=wgrad dtype=s8", "s8 100x70x129 wgrad"},
        {"dtype=bf16 model=llama3-8b layer=qkv", "bf16 llama3-8b qkv fwd 8192x6144x4096"},
        {"dtype=bf16 model=llama3-8b layer=o", "bf16 llama3-8b o fwd 8192x4096x4096"},
        {"dtype=bf16 model=llama3-8b layer=gate_up", "bf16 llama3-8b gate_up fwd 8192x28672x4096"},
        {"dtype=bf16 model=llama3-8b layer=down", "bf16 llama3-8b down fwd 8192x4096x14336"},
        {"model=llama3-70b layer=qkv", "f32 llama3-70b qkv fwd 8192x10240x8192"},
        {"model=llama3-70b layer=o", "f32 llama3-70b o fwd 8192x8192x8192"},
        {"model=llama3-70b layer=gate_up", "f32 llama3-70b gate_up fwd 8192x57344x8192"},
        {"model=llama3-70b layer=down", "f32 llama3-70b down fwd 8192x8192x28672"},
        {"model=llama3-70b layer=down tokens=16 pass=dgrad",
         "f32 llama3-70b down dgrad 16x28672x8192"},
        {"model=llama3-70b layer=down tokens=16 pass=wgrad",
         "f32 llama3-70b down wgrad 8192x28672x16"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_gemm_params params, again;
        struct mlb_error err = {0};
        char label[96];
        check_ok(set_params(&params, rows[i].texts, &err), &err);
        mlb_gemm.label(&params, label, sizeof label);
        check_text(label, rows[i].label);
        again = params;
        check_ok(mlb_gemm.resolve(&again, &err), &err);
        check_true(memcmp(&again, &params, sizeof params) == 0);
    }
}

static void test_size_is_the_same_case_as_m_n_k(void **unused)
{
    struct mlb_gemm_params by_size, by_dims;
    struct mlb_error err = {0};
    (void)unused;
    check_ok(set_params(&by_size, "size=512", &err), &err);
    check_ok(set_params(&by_dims, "m=512 n=512 k=512", &err), &err);
    check_true(memcmp(&by_size, &by_dims, sizeof by_size) == 0);
}

static void test_contradictions(void **unused)
{
    static const struct {
        const char *texts, *part;
    } rows[] = {
        {"dtype=s32", "dtype = s32"},
        {"m=5 n=5", "k is missing"},
        {"k=5", "m is missing"},
        {"size=64 m=32", "size = 64"},
        {"model=llama3-8b", "needs a layer"},
        {"model=llama3-8b layer=o m=7", "leave out size, m, n and k"},
        {"model=llama3-8b layer=o size=4096", "leave out size, m, n and k"},
        {"layer=o", "layer needs a model"},
        {"tokens=64", "tokens needs a model"},
        {"size=20000000", "size"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_gemm_params params;
        struct mlb_error err = {0};
        enum mlb_status status = set_params(&params, rows[i].texts, &err);
        check_fails(status, MLB_E_CONFIG, &err, rows[i].part);
    }
}

static void test_work(void **unused)
{
    struct mlb_work work = {0};
    struct mlb_gemm_params params = {.dtype = MLB_BF16, .m = 100, .n = 70, .k = 129};
    (void)unused;
    mlb_gemm.work(&params, NULL, &work);
    check_text(work.formula, "gemm.2mnk");
    check_close(work.flop, 2.0 * 100 * 70 * 129, 0);
    check_close(work.bytes, 2.0 * (100 * 129 + 129 * 70 + 100 * 70), 0);
    check_true(!work.operations);
    params.dtype = MLB_S8; /* s32 results */
    mlb_gemm.work(&params, NULL, &work);
    check_close(work.bytes, 100 * 129 + 129 * 70 + 4.0 * 100 * 70, 0);
    check_true(work.operations);
}

static void test_plain_is_for_small_products(void **unused)
{
    struct gemm_rig rig;
    struct mlb_gemm_params params = {.dtype = MLB_F32, .m = 1025, .n = 1024, .k = 1024};
    (void)unused;
    open_gemm_rig(&rig, MLB_DATA_NORMAL);
    const struct mlb_variant *plain = gemm_variant("plain");
    enum mlb_status status = plain->check(&params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "2^30");
    params.m = 1024;
    check_ok(plain->check(&params, &rig.ctx, &rig.err), &rig.err);
    params.dtype = MLB_TF32;
    status = plain->check(&params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "tf32");
    close_gemm_rig(&rig);
}

/* A hand-made product: 2x3 times 3x2, the same mathematics stored in the three ways. */
static void test_plain_by_hand(void **unused)
{
    static const float a_mk[] = {1, 2, 3, 4, 5, 6}, a_km[] = {1, 4, 2, 5, 3, 6};
    static const float b_nk[] = {7, 9, 11, 8, 10, 12}, b_kn[] = {7, 8, 9, 10, 11, 12};
    static const float c[] = {58, 64, 139, 154};
    static const float *const stored[][2] = {{a_mk, b_nk}, {a_mk, b_kn}, {a_km, b_kn}};
    const struct mlb_variant *plain = gemm_variant("plain");
    struct gemm_rig rig;
    (void)unused;
    open_gemm_rig(&rig, MLB_DATA_NORMAL);
    for (int pass = 0; pass < 3; pass++) {
        struct mlb_gemm_params params = {.dtype = MLB_F32, .pass = pass, .m = 2, .n = 2, .k = 3};
        struct mlb_gemm_state state = {0};
        check_ok(plain->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
        memcpy(state.a, stored[pass][0], sizeof a_mk);
        memcpy(state.b, stored[pass][1], sizeof b_nk);
        check_ok(plain->step(&state, &rig.ctx, &rig.err), &rig.err);
        for (size_t i = 0; i < 4; i++)
            check_close((double)((const float *)(const void *)state.c)[i], (double)c[i], 0);
        plain->teardown(&state, &rig.ctx);
    }
    close_gemm_rig(&rig);
}

static void test_sets_take_turns(void **unused)
{
    struct gemm_rig rig;
    struct mlb_gemm_params params = {.dtype = MLB_BF16, .m = 3, .n = 5, .k = 7};
    struct mlb_gemm_state state = {0};
    (void)unused;
    open_gemm_rig(&rig, MLB_DATA_NORMAL);
    check_ok(mlb_gemm_alloc(&state, &params, &rig.ctx, 3, &rig.err), &rig.err);
    check_ok(mlb_gemm_fill(&state, &params, &rig.ctx, MLB_DATA_NORMAL, &rig.err), &rig.err);
    check_u64(state.a_stride % 256, 0);
    check_true(state.b_stride >= 70 && state.c_stride >= 30);
    for (size_t set = 1; set < 3; set++)
        check_true(memcmp(state.a, state.a + set * state.a_stride, 42) == 0);
    check_true(memcmp(state.a, state.b, 42) != 0); /* operands differ */
    for (size_t step = 0; step < 7; step++)
        check_u64(mlb_gemm_turn(&state), step % 3);
    mlb_gemm_free(&state, &rig.ctx);
    rig.ctx.memory_bytes = 3 * 3 * 256;
    check_ok(mlb_gemm_fits(&params, &rig.ctx, 3, 0, &rig.err), &rig.err);
    enum mlb_status status = mlb_gemm_fits(&params, &rig.ctx, 3, 1, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "needs 2.25 KiB, 2.25 KiB are free");
    close_gemm_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_size_is_the_same_case_as_m_n_k),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_work),
        cmocka_unit_test(test_plain_is_for_small_products),
        cmocka_unit_test(test_plain_by_hand),
        cmocka_unit_test(test_sets_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
