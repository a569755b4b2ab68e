/* SPDX-License-Identifier: Apache-2.0 */
/* The CUDA variants on a real GPU: every pass, type and head dimension, edges and many turns of the
 * stages, judged by the workload's verification. Skipped where there is none; with
 * MLBENCH_REQUIRE_GPU=1 that is a failure. */
#include "tests/kernels/attention_rig.h"

#define SKIPPED 77 /* ctest's code for it */

static const char *const shapes[] = {
    "heads=4 kv_heads=2 head_dim=64 seq=200 causal=true batch=2",
    "heads=2 head_dim=64 seq=1000 seq_kv=520",
    "heads=2 kv_heads=1 head_dim=128 seq=1 seq_kv=1",
    "heads=8 kv_heads=2 head_dim=128 seq=1000 causal=true",
    "heads=4 head_dim=128 seq=2048 batch=2",
    "heads=4 kv_heads=1 head_dim=128 seq=2048 causal=true layout=bhsd",
    "heads=2 head_dim=192 head_dim_v=128 seq=700 causal=true",
    "heads=2 head_dim=256 seq=700",
};
static const char *const kinds[] = {"pass=fwd dtype=bf16", "pass=fwd dtype=f16",
                                    "pass=bwd dtype=bf16", "pass=bwd dtype=f16",
                                    "pass=fwd dtype=e4m3", "pass=bwd dtype=e4m3"};

static int count_gpus(char *why, size_t why_size)
{
    struct mlb_error err = {0};
    int count = 0;
    return mlb_backend_cuda.count(&count, why, why_size, &err) == MLB_OK ? count : 0;
}

static void verify_shape(struct attention_rig *rig, const struct mlb_variant *variant,
                         const char *shape, const char *kind)
{
    char texts[160];
    struct mlb_attention_state state = {0};
    snprintf(texts, sizeof texts, "%s %s", shape, kind);
    struct mlb_attention_params params = attention_params(texts);
    struct mlb_verification found = {0};
    enum mlb_status status = variant->check(&params, &rig->ctx, &rig->err);
    if (status == MLB_OK) /* cuDNN tells only here that it has no plan */
        status = variant->setup(&state, &params, &rig->ctx, &rig->err);
    if (status == MLB_OK)
        status = mlb_attention.verify(variant, &state, &params, &rig->ctx, &found, &rig->err);
    variant->teardown(&state, &rig->ctx);
    if (status == MLB_E_UNSUPPORTED) {
        print_message("skipped: %s: %s\n", texts, rig->err.text);
        return;
    }
    check_ok(status, &rig->err);
    check_attention_verified(&found, &params);
}

static void verify_variant(const char *name)
{
    struct attention_rig rig = {.comm = {.size = 1, .deadline_s = 60.0}};
    rig.ctx = (struct mlb_ctx){.comm = &rig.comm,
                               .data = MLB_DATA_NORMAL,
                               .seed = 20,
                               .threads = 2,
                               .memory_bytes = (uint64_t)4 << 30};
    check_ok(mlb_backend_cuda.open(0, 0, &rig.ctx.device, &rig.err), &rig.err);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            verify_shape(&rig, attention_variant(name), shapes[i], kinds[k]);
    mlb_backend_cuda.close(rig.ctx.device);
}

static void test_mma(void **state)
{
    (void)state;
    verify_variant("mma");
}

static void test_wgmma(void **state)
{
    (void)state;
    verify_variant("wgmma");
}

static void test_cudnn(void **state)
{
    (void)state;
    verify_variant("cudnn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mma),
        cmocka_unit_test(test_wgmma),
        cmocka_unit_test(test_cudnn),
    };
    char why[512];
    const char *required = getenv("MLBENCH_REQUIRE_GPU");
    if (count_gpus(why, sizeof why) == 0) {
        print_message("skipped: %s\n", why);
        return required && required[0] == '1' ? 1 : SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
