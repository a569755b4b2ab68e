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
        {"dtype=bf16 model=llama3-405b layer=qkv", "bf16 llama3-405b qkv fwd 8192x18432x16384"},
        {"dtype=bf16 model=llama3-405b layer=down pass=wgrad",
         "bf16 llama3-405b down wgrad 16384x53248x8192"},
        {"dtype=e4m3 size=512", "e4m3 512x512x512 fwd fast"},
        {"dtype=e5m2 size=512 accumulate=precise", "e5m2xe4m3 512x512x512 fwd precise"},
        {"dtype=bf16 size=64 pass=wgrad out=f32-add", "bf16 64x64x64 wgrad f32-add"},
        {"dtype=e4m3 size=64 out=f32", "e4m3 64x64x64 fwd fast f32"},
        {"dtype=nvfp4 m=1 n=2 k=32", "nvfp4 1x2x32 fwd"},
        {"dtype=bf16 size=64 batch=6", "bf16 6 x 64x64x64 fwd"},
        {"dtype=bf16 model=mixtral-8x7b layer=gate_up",
         "bf16 mixtral-8x7b gate_up fwd 8 x 2048x28672x4096"},
        {"dtype=bf16 model=mixtral-8x7b layer=down batch=2 pass=wgrad spread=uneven",
         "bf16 mixtral-8x7b down wgrad 2 x 4096x14336x8192 uneven"},
        {"dtype=bf16 model=mixtral-8x7b layer=qkv", "bf16 mixtral-8x7b qkv fwd 8192x6144x4096"},
        {"dtype=bf16 model=deepseek-v3 layer=down batch=4 tokens=4096",
         "bf16 deepseek-v3 down fwd 4 x 8192x7168x2048"},
        {"dtype=bf16 model=deepseek-v3 layer=gate_up pass=dgrad",
         "bf16 deepseek-v3 gate_up dgrad 256 x 256x7168x4096"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_gemm_params params = {0}, again;
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
    struct mlb_gemm_params by_size = {0}, by_dims = {0};
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
        {"dtype=bf16 accumulate=fast", "e4m3 and e5m2 have a choice"},
        {"dtype=nvfp4 accumulate=precise", "kept in one way"},
        {"dtype=f64 out=f32", "f64 has one type of C"},
        {"dtype=nvfp4 pass=dgrad", "pass = fwd"},
        {"dtype=mxfp8 m=16 n=16 k=48", "k a multiple of 32"},
        {"dtype=nvfp4 batch=2", "batch = 1"},
        {"spread=uneven", "a batch of two"},
        {"m=1 n=4 k=4 batch=4 spread=uneven", "two tokens each"},
        {"model=deepseek-v3 layer=qkv", "there are gate_up and down"},
        {"model=mixtral-8x7b layer=down batch=9", "has 8 experts"},
        {"model=mixtral-8x7b layer=down batch=3 tokens=64", "divides tokens x 2 = 128"},
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
    params.out = MLB_GEMM_C_F32_ADD; /* C is read and written */
    params.batch = 3;
    mlb_gemm.work(&params, NULL, &work);
    check_close(work.flop, 3 * 2.0 * 100 * 70 * 129, 0);
    check_close(work.bytes, 3 * (2.0 * (100 * 129 + 129 * 70) + 2 * 4.0 * 100 * 70), 0);
    params = (struct mlb_gemm_params){.dtype = MLB_GEMM_NVFP4, .m = 128, .n = 64, .k = 64};
    mlb_gemm.work(&params, NULL, &work); /* half a byte an element, and whole tiles of scales */
    check_close(work.bytes, 128 * 64 / 2 + 64 * 64 / 2 + 2 * 512 + 2 * 128 * 64, 0);
    params = (struct mlb_gemm_params){.m = 100, .n = 70, .k = 129};
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

/* Products of a batch follow one another in memory, whatever their tokens, and miss none. */
static void test_groups_fill_the_operands(void **unused)
{
    (void)unused;
    for (int pass = 0; pass < 3; pass++)
        for (int spread = 0; spread < 2; spread++)
            for (uint64_t tokens = 2; tokens < 100; tokens += 15) {
                struct mlb_gemm_params params = {
                    .pass = pass, .m = 24, .n = 10, .k = 14, .batch = 7, .spread = spread};
                *(pass == MLB_GEMM_WGRAD ? &params.k : &params.m) = tokens;
                uint64_t a = 0, b = 0, c = 0;
                for (uint64_t i = 0; i < 7; i++) {
                    struct mlb_gemm_group group = mlb_gemm_group(&params, i);
                    check_true(group.a == a && group.b == b && group.c == c);
                    check_true(group.m > 0 && group.k > 0 && group.n == 10);
                    a += group.m * group.k;
                    b += group.k * group.n;
                    c += group.m * group.n;
                }
                check_u64(a, 7 * params.m * params.k);
                check_u64(b, 7 * params.k * params.n);
                check_u64(c, 7 * params.m * params.n);
            }
}

/* From half of the mean to one and a half, in steps of 16 tokens where there are enough. */
static void test_uneven_tokens(void **unused)
{
    struct mlb_gemm_params params = {
        .m = 1024, .n = 8, .k = 8, .batch = 8, .spread = MLB_GEMM_UNEVEN};
    static const uint64_t tokens[] = {576, 704, 832, 960, 1088, 1216, 1344, 1472};
    (void)unused;
    for (uint64_t i = 0; i < 8; i++)
        check_u64(mlb_gemm_group(&params, i).m, tokens[i]);
}

/* What only some variants do, the plain one does, for tests to check those against. */
static void test_plain_does_all(void **unused)
{
    static const struct mlb_gemm_params rows[] = {
        {.dtype = MLB_E4M3, .accumulate = MLB_GEMM_SUMS_FAST},
        {.dtype = MLB_E5M2, .accumulate = MLB_GEMM_SUMS_PRECISE, .pass = MLB_GEMM_DGRAD},
        {.dtype = MLB_BF16, .out = MLB_GEMM_C_F32},
        {.dtype = MLB_BF16, .out = MLB_GEMM_C_F32_ADD, .pass = MLB_GEMM_WGRAD},
        {.dtype = MLB_F32, .batch = 3},
        {.dtype = MLB_BF16, .batch = 5, .spread = MLB_GEMM_UNEVEN},
        {.dtype = MLB_BF16, .batch = 5, .spread = MLB_GEMM_UNEVEN, .pass = MLB_GEMM_DGRAD},
        {.dtype = MLB_BF16,
         .batch = 5,
         .spread = MLB_GEMM_UNEVEN,
         .pass = MLB_GEMM_WGRAD,
         .out = MLB_GEMM_C_F32_ADD},
    };
    struct gemm_rig rig;
    (void)unused;
    open_gemm_rig(&rig, MLB_DATA_NORMAL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_gemm_params params = rows[i];
        struct mlb_gemm_state state = {0};
        params.m = 20;
        params.n = 36;
        params.k = 52;
        struct mlb_verification found = verify_gemm(&rig, gemm_variant("plain"), &state, &params);
        check_verified(&found, &params);
        check_u64(found.checked, 20 * 36 * (params.batch ? params.batch : 1));
    }
    close_gemm_rig(&rig);
}

/* A step that leaves one product of a batch alone, and one that forgets what C held. */
static void test_a_forgotten_product_is_caught(void **unused)
{
    const struct mlb_variant *plain = gemm_variant("plain");
    struct gemm_rig rig;
    (void)unused;
    open_gemm_rig(&rig, MLB_DATA_NORMAL);
    struct mlb_gemm_params all = {.dtype = MLB_BF16, .m = 8, .n = 8, .k = 8, .batch = 4};
    struct mlb_gemm_params fewer = all, adding = all;
    fewer.batch = 3;
    adding.out = MLB_GEMM_C_F32_ADD;
    struct mlb_gemm_params writing = adding;
    writing.out = MLB_GEMM_C_F32;
    const struct mlb_gemm_params *const rows[][2] = {{&fewer, &all}, {&writing, &adding}};
    for (size_t i = 0; i < 2; i++) {
        struct mlb_gemm_state state = {0}, whole = {0};
        struct mlb_verification found = {0};
        check_ok(plain->setup(&state, rows[i][0], &rig.ctx, &rig.err), &rig.err);
        check_ok(mlb_gemm_alloc(&whole, rows[i][1], &rig.ctx, 1, &rig.err), &rig.err);
        check_ok(mlb_gemm_fill(&whole, rows[i][1], &rig.ctx, MLB_DATA_NORMAL, &rig.err), &rig.err);
        whole.library = state.library;
        check_ok(mlb_gemm.verify(plain, &whole, rows[i][1], &rig.ctx, &found, &rig.err), &rig.err);
        check_true(found.wrong > 0);
        check_true(i == 1 || strstr(found.first_wrong, "C[3][") != NULL);
        mlb_gemm_free(&whole, &rig.ctx);
        plain->teardown(&state, &rig.ctx);
    }
    close_gemm_rig(&rig);
}

static void test_extras_are_refused_by_name(void **unused)
{
    static const struct {
        struct mlb_gemm_params params;
        const char *part; /* NULL: nothing is refused */
    } rows[] = {{{.dtype = MLB_BF16, .batch = 1}, NULL},
                {{.dtype = MLB_S8}, NULL},
                {{.dtype = MLB_BF16, .batch = 2}, "mine does not do a batch"},
                {{.dtype = MLB_BF16, .out = MLB_GEMM_C_F32}, "another C"},
                {{.dtype = MLB_E5M2}, "e5m2"},
                {{.dtype = MLB_GEMM_NVFP4}, "nvfp4"}};
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_error err = {0};
        enum mlb_status status = mlb_gemm_refuse_extras(&rows[i].params, "mine", &err);
        if (rows[i].part)
            check_fails(status, MLB_E_UNSUPPORTED, &err, rows[i].part);
        else
            check_ok(status, &err);
    }
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
        cmocka_unit_test(test_groups_fill_the_operands),
        cmocka_unit_test(test_uneven_tokens),
        cmocka_unit_test(test_plain_does_all),
        cmocka_unit_test(test_a_forgotten_product_is_caught),
        cmocka_unit_test(test_extras_are_refused_by_name),
        cmocka_unit_test(test_sets_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
