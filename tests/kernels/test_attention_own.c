/* SPDX-License-Identifier: Apache-2.0 */
/* A family of attention kernels (mma, wgmma) on the emulator, judged by the workload's own
 * verification. */
#include "tests/kernels/attention_rig.h"
#include "tests/kernels/emulated_attention.h"

static enum mlb_status setup(void *state, const void *params, const struct mlb_ctx *ctx,
                             struct mlb_error *err)
{
    return mlb_attention_own_setup(&emulated_attention, state, params, ctx, err);
}

static const struct mlb_variant emulated = {.name = "emulated",
                                            .device = "cpu",
                                            .setup = setup,
                                            .step = mlb_attention_own_step,
                                            .teardown = mlb_attention_own_teardown};

static void verify(const char *texts, uint64_t seed)
{
    struct attention_rig rig;
    struct mlb_attention_params params = attention_params(texts);
    struct mlb_attention_state state = {0};
    open_attention_rig(&rig, MLB_DATA_NORMAL);
    rig.ctx.seed = seed;
    rig.ctx.device->info.last_cache_bytes = 0; /* one set */
    struct mlb_verification found = verify_attention(&rig, &emulated, &state, &params);
    close_attention_rig(&rig);
    check_attention_verified(&found, &params);
}

static const char *const forward_cases[] = {
    "heads=4 kv_heads=2 head_dim=64 seq=200 causal=true",
    "heads=1 head_dim=128 seq=193",
    "heads=2 kv_heads=1 head_dim=128 seq=145 causal=true dtype=f16",
    "heads=1 head_dim=64 seq=1 dtype=f16",
    "heads=1 head_dim=64 seq=70 seq_kv=129 layout=bhsd batch=2",
    "heads=1 head_dim=128 seq=40 seq_kv=700",
    "heads=1 head_dim=64 seq=400 causal=true",
    "heads=1 head_dim=192 head_dim_v=128 seq=70 causal=true",
    "heads=1 head_dim=256 seq=90 causal=true",
};

static void test_forward(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forward_cases / sizeof *forward_cases; i++)
        verify(forward_cases[i], i);
}

static const char *const backward_cases[] = {
    "pass=bwd heads=4 kv_heads=2 head_dim=64 seq=200 causal=true",
    "pass=bwd heads=1 head_dim=128 seq=193",
    "pass=bwd heads=2 kv_heads=1 head_dim=128 seq=145 causal=true dtype=f16",
    "pass=bwd heads=1 head_dim=64 seq=1 dtype=f16",
    "pass=bwd heads=1 head_dim=64 seq=70 seq_kv=129 layout=bhsd batch=2",
    "pass=bwd heads=1 head_dim=128 seq=260 causal=true",
    "pass=bwd heads=1 head_dim=64 seq=520 seq_kv=40",
};

static void test_backward(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof backward_cases / sizeof *backward_cases; i++)
        verify(backward_cases[i], i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_backward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
