/* SPDX-License-Identifier: Apache-2.0 */
/* The cuDNN variant driven without a GPU: its graphs over a fake library (fake_cudnn.c, found
 * through LD_LIBRARY_PATH) that executes them as they are written, in host memory, on the CPU
 * device. That the graphs mean attention is so known before a GPU has seen them. */
#include "tests/kernels/attention_rig.h"

static const struct mlb_variant *cudnn(void)
{
    return attention_variant("cudnn");
}

static void open_rig(struct attention_rig *rig)
{
    open_attention_rig(rig, MLB_DATA_NORMAL);
    rig->ctx.device->info.last_cache_bytes = 0;
}

static void test_fake_is_what_is_loaded(void **unused)
{
    char text[64];
    (void)unused;
    setenv("FAKE_CUDNN_VERSION", "91942", 1);
    cudnn()->library(text, sizeof text);
    unsetenv("FAKE_CUDNN_VERSION");
    check_text(text, "cuDNN 9.19.42");
}

/* Tiny, because tuning fills its time with runs of the fake. */
static const char *const cases[] = {
    "seq=5 heads=2 head_dim=8 batch=2",
    "seq=9 heads=4 kv_heads=2 head_dim=8 causal=true",
    "seq=4 seq_kv=7 heads=2 head_dim=16 head_dim_v=8",
    "seq=6 heads=4 kv_heads=1 head_dim=8 causal=true layout=bhsd batch=2",
    "seq=5 heads=1 head_dim=40", /* planned by the fallback heuristic */
};

static void test_graphs_mean_attention(void **unused)
{
    static const char *const types[] = {"bf16", "f16", "e4m3"};
    char texts[160];
    struct attention_rig rig;
    (void)unused;
    open_rig(&rig);
    for (size_t i = 0; i < 5 * 3 * 2; i++) {
        struct mlb_attention_state state = {0};
        snprintf(texts, sizeof texts, "%s dtype=%s pass=%s", cases[i % 5], types[i / 5 % 3],
                 i / 15 ? "bwd" : "fwd");
        struct mlb_attention_params params = attention_params(texts);
        check_ok(cudnn()->check(&params, &rig.ctx, &rig.err), &rig.err);
        struct mlb_verification found = verify_attention(&rig, cudnn(), &state, &params);
        check_attention_verified(&found, &params);
    }
    close_attention_rig(&rig);
}

/* Older releases add to dQ's sum and know no infinite scores. */
static void test_older_releases(void **unused)
{
    static const char *const versions[] = {"8907", "90500", "90900"};
    struct attention_rig rig;
    struct mlb_attention_params params =
        attention_params("seq=9 heads=2 head_dim=8 causal=true pass=bwd");
    (void)unused;
    open_rig(&rig);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct mlb_attention_state state = {0};
        setenv("FAKE_CUDNN_VERSION", versions[i], 1);
        struct mlb_verification found = verify_attention(&rig, cudnn(), &state, &params);
        unsetenv("FAKE_CUDNN_VERSION");
        check_attention_verified(&found, &params);
    }
    close_attention_rig(&rig);
}

/* Steps write one set after the other, and nothing else. */
static void test_steps_rotate_through_the_sets(void **unused)
{
    struct attention_rig rig;
    struct mlb_attention_params params = attention_params("seq=5 heads=2 head_dim=8 pass=bwd");
    struct mlb_attention_state state = {0};
    const size_t bytes = 5 * 2 * 8 * 2;
    (void)unused;
    open_rig(&rig);
    rig.ctx.device->info.last_cache_bytes = 2000; /* 3 sets of 2304 bytes hold it three times */
    check_ok(cudnn()->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
    check_u64(state.sets, 3);
    unsigned char *dk = state.tensor[MLB_ATTENTION_DK];
    memset(dk, 0xff, 3 * state.stride[MLB_ATTENTION_DK]);
    state.next = 0;
    check_ok(cudnn()->step(&state, &rig.ctx, &rig.err), &rig.err);
    check_true(dk[0] != 0xff || dk[1] != 0xff);
    check_true(dk[state.stride[MLB_ATTENTION_DK]] == 0xff);
    for (size_t i = 1; i < 3; i++) {
        check_ok(cudnn()->step(&state, &rig.ctx, &rig.err), &rig.err);
        check_true(memcmp(dk, dk + i * state.stride[MLB_ATTENTION_DK], bytes) == 0);
    }
    cudnn()->teardown(&state, &rig.ctx);
    close_attention_rig(&rig);
}

/* Of four proposals one is refused, one wants too much workspace and one fails when run. */
static void test_details(void **unused)
{
    struct attention_rig rig;
    struct mlb_attention_params params = attention_params("seq=5 heads=2 head_dim=8");
    struct mlb_attention_state state = {0};
    struct mlb_details details = {0};
    (void)unused;
    open_rig(&rig);
    check_ok(cudnn()->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
    cudnn()->details(&state, &params, &details);
    check_close(mlb_detail_find(&details, "engine")->number, 10.0, 0);
    check_close(mlb_detail_find(&details, "plans_proposed")->number, 4.0, 0);
    check_close(mlb_detail_find(&details, "plans_built")->number, 2.0, 0);
    check_close(mlb_detail_find(&details, "plans_tested")->number, 1.0, 0);
    check_close(mlb_detail_find(&details, "workspace_bytes")->number, 512.0, 0);
    cudnn()->teardown(&state, &rig.ctx);
    close_attention_rig(&rig);
}

static void refuse(const char *texts, const char *part)
{
    struct attention_rig rig;
    struct mlb_attention_params params = attention_params(texts);
    open_rig(&rig);
    enum mlb_status status = cudnn()->check(&params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, part);
    close_attention_rig(&rig);
}

static void refuse_version(const char *version, const char *texts, const char *part)
{
    setenv("FAKE_CUDNN_VERSION", version, 1);
    refuse(texts, part);
    unsetenv("FAKE_CUDNN_VERSION");
}

static void test_what_it_cannot(void **unused)
{
    struct attention_rig rig;
    struct mlb_attention_state state = {0};
    struct mlb_attention_params params = attention_params("seq=5 heads=2 head_dim=56");
    (void)unused;
    refuse("dtype=f32", "bf16, f16 and e4m3");
    refuse_version("8700", "dtype=f16", "cuDNN 8.7.0 is too old");
    refuse_version("91001", "dtype=f16", "cuDNN 9.10.1 is known for wrong results");
    open_rig(&rig);
    /* cuDNN's own words, of the engine that they are about */
    enum mlb_status status = cudnn()->setup(&state, &params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err,
                "cuDNN: no engine for this type and shape: CUDNN_STATUS_NOT_SUPPORTED: too odd at");
    cudnn()->teardown(&state, &rig.ctx);
    params = attention_params("heads=2 seq=512 head_dim=64 pass=bwd");
    rig.ctx.memory_bytes = mlb_attention_bytes(&params); /* and nothing for dQ in f32 */
    status = cudnn()->check(&params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "are free");
    close_attention_rig(&rig);
}

/* When no plan's workspace fits, the row says what is needed and what there is. */
static void test_too_little_for_the_workspace(void **unused)
{
    struct attention_rig rig;
    struct mlb_attention_state state = {0};
    struct mlb_attention_params params = attention_params("seq=5 heads=2 head_dim=8");
    (void)unused;
    open_rig(&rig);
    rig.ctx.memory_bytes = mlb_attention_bytes(&params) + 511;
    enum mlb_status status = cudnn()->setup(&state, &params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "needs 512 B of workspace, 511 B are free");
    cudnn()->teardown(&state, &rig.ctx);
    close_attention_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fake_is_what_is_loaded),
        cmocka_unit_test(test_graphs_mean_attention),
        cmocka_unit_test(test_older_releases),
        cmocka_unit_test(test_steps_rotate_through_the_sets),
        cmocka_unit_test(test_details),
        cmocka_unit_test(test_what_it_cannot),
        cmocka_unit_test(test_too_little_for_the_workspace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
