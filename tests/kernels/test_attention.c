/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters, labels, work, tensors and the plain variant of attention. */
#include "kernels/attention/attention.h"

#include <math.h>

#include "tests/kernels/attention_rig.h"

static void test_labels(void **unused)
{
    static const struct {
        const char *texts, *label;
    } rows[] = {
        {"", "bf16 b1 s4096 h16 d128 full fwd"},
        {"dtype=f16 causal=true pass=bwd tokens=16k seq=2000 heads=32 head_dim=64",
         "f16 b8 s2000 h32 d64 causal bwd"},
        {"model=llama3-8b seq=8192 causal=true", "bf16 llama3-8b b1 s8192 causal fwd"},
        {"heads=64 kv_heads=8 seq=512 seq_kv=1024 head_dim=192 head_dim_v=128 batch=3",
         "bf16 b3 s512x1024 h64/8 d192/128 full fwd"},
        {"dtype=f32 layout=bhsd seq=7", "f32 b1 s7 h16 d128 full fwd bhsd"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_attention_params params, again;
        struct mlb_error err = {0};
        char label[96];
        check_ok(set_attention_params(&params, rows[i].texts, &err), &err);
        mlb_attention.label(&params, label, sizeof label);
        check_text(label, rows[i].label);
        again = params;
        check_ok(mlb_attention.resolve(&again, &err), &err);
        check_true(memcmp(&again, &params, sizeof params) == 0);
    }
}

static void test_models(void **unused)
{
    static const struct {
        const char *texts;
        uint64_t heads, kv_heads, head_dim, head_dim_v;
    } rows[] = {
        {"model=llama3-8b", 32, 8, 128, 128},
        {"model=llama3-70b", 64, 8, 128, 128},
        {"model=llama3-405b", 128, 8, 128, 128},
        {"model=deepseek-v3", 128, 128, 192, 128},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_attention_params params = attention_params(rows[i].texts);
        check_u64(params.heads, rows[i].heads);
        check_u64(params.kv_heads, rows[i].kv_heads);
        check_u64(params.head_dim, rows[i].head_dim);
        check_u64(params.head_dim_v, rows[i].head_dim_v);
    }
}

static void test_contradictions(void **unused)
{
    static const struct {
        const char *texts, *part;
    } rows[] = {
        {"dtype=s8", "dtype = s8"},
        {"heads=6 kv_heads=4", "not a multiple of kv_heads = 4"},
        {"tokens=1000 seq=512", "not a multiple of seq = 512"},
        {"tokens=1024 seq=512 batch=3", "leave out batch or tokens"},
        {"causal=true seq=512 seq_kv=1024", "seq_kv = seq"},
        {"model=llama3-8b heads=16", "leave out heads"},
        {"head_dim=1024", "head_dim"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_attention_params params;
        struct mlb_error err = {0};
        enum mlb_status status = set_attention_params(&params, rows[i].texts, &err);
        check_fails(status, MLB_E_CONFIG, &err, rows[i].part);
    }
}

static void test_work(void **unused)
{
    static const struct {
        const char *texts, *formula;
        double flop;
    } rows[] = {
        {"batch=2 heads=3 seq=100 head_dim=64", "attention.fwd.2bhn(dqk+dv)",
         4.0 * 2 * 3 * 100 * 100 * 64},
        {"batch=2 heads=3 seq=100 head_dim=64 causal=true", "attention.fwd.2bhn(dqk+dv)",
         4.0 * 2 * 3 * 5050 * 64},
        {"batch=2 heads=3 kv_heads=1 seq=100 head_dim=64 causal=true pass=bwd",
         "attention.bwd.2bhn(3dqk+2dv)", 10.0 * 2 * 3 * 5050 * 64},
        {"heads=1 seq=10 seq_kv=20 head_dim=192 head_dim_v=128 pass=bwd",
         "attention.bwd.2bhn(3dqk+2dv)", 2.0 * 200 * (3 * 192 + 2 * 128)},
    };
    struct mlb_work work = {0};
    struct mlb_attention_params params;
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        params = attention_params(rows[i].texts);
        mlb_attention.work(&params, NULL, &work);
        check_text(work.formula, rows[i].formula);
        check_close(work.flop, rows[i].flop, 0);
        check_true(!work.operations);
    }
    /* K and V have one head, the others three; LSE is f32. */
    params = attention_params("batch=2 heads=3 kv_heads=1 seq=100 head_dim=64");
    mlb_attention.work(&params, NULL, &work);
    check_close(work.bytes, 2.0 * 2 * 100 * 64 * (3 + 1 + 1 + 3) + 4.0 * 2 * 3 * 100, 0);
    params = attention_params("batch=2 heads=3 kv_heads=1 seq=100 head_dim=64 pass=bwd");
    mlb_attention.work(&params, NULL, &work);
    check_close(work.bytes, 2.0 * 2 * 100 * 64 * 2 * (3 + 1 + 1 + 3) + 4.0 * 2 * 3 * 100, 0);
}

static void test_shapes(void **unused)
{
    struct mlb_attention_params params =
        attention_params("batch=2 heads=6 kv_heads=3 seq=5 seq_kv=7 head_dim=4 head_dim_v=8");
    struct mlb_attention_shape k = mlb_attention_shape(&params, MLB_ATTENTION_DK);
    struct mlb_attention_shape lse = mlb_attention_shape(&params, MLB_ATTENTION_LSE);
    (void)unused;
    check_u64(k.rows, 7);
    check_u64(k.batch_stride, 7 * 3 * 4);
    check_u64(k.row_stride, 3 * 4);
    check_u64(k.head_stride, 4);
    check_u64(k.count, 2 * 7 * 3 * 4);
    check_u64(lse.row_stride, 1);
    check_u64(lse.head_stride, 5);
    params.layout = MLB_ATTENTION_BHSD;
    struct mlb_attention_shape o = mlb_attention_shape(&params, MLB_ATTENTION_DO);
    check_u64(o.row_stride, 8);
    check_u64(o.head_stride, 5 * 8);
    check_u64(o.count, 2 * 5 * 6 * 8);
}

/* Two keys that score ln 3 and 0 against one query: weights 3/4 and 1/4. */
static void test_plain_by_hand(void **unused)
{
    const struct mlb_variant *plain = attention_variant("plain");
    struct mlb_attention_params params =
        attention_params("dtype=f32 heads=1 seq=1 seq_kv=2 head_dim=1 pass=bwd");
    struct mlb_attention_state state = {0};
    struct attention_rig rig;
    (void)unused;
    open_attention_rig(&rig, MLB_DATA_NORMAL);
    check_ok(plain->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
    float *tensor[MLB_ATTENTION_TENSORS];
    for (int t = 0; t < MLB_ATTENTION_TENSORS; t++)
        tensor[t] = (float *)(void *)state.tensor[t];
    tensor[MLB_ATTENTION_Q][0] = logf(3.0f);
    tensor[MLB_ATTENTION_K][0] = 1.0f;
    tensor[MLB_ATTENTION_K][1] = 0.0f;
    tensor[MLB_ATTENTION_V][0] = 10.0f;
    tensor[MLB_ATTENTION_V][1] = 2.0f;
    tensor[MLB_ATTENTION_DO][0] = 2.0f;
    check_ok(state.loaded(&state, &rig.ctx, &rig.err), &rig.err);
    check_close((double)tensor[MLB_ATTENTION_O][0], 8.0, 1e-6);
    check_close((double)tensor[MLB_ATTENTION_LSE][0], log(4.0), 1e-6);
    check_ok(plain->step(&state, &rig.ctx, &rig.err), &rig.err);
    check_close((double)tensor[MLB_ATTENTION_DV][0], 1.5, 1e-6);
    check_close((double)tensor[MLB_ATTENTION_DV][1], 0.5, 1e-6);
    /* dP = 20 and 4, delta = 16: dS = 3 and -3 */
    check_close((double)tensor[MLB_ATTENTION_DQ][0], 3.0, 1e-5);
    check_close((double)tensor[MLB_ATTENTION_DK][0], 3.0 * log(3.0), 1e-5);
    check_close((double)tensor[MLB_ATTENTION_DK][1], -3.0 * log(3.0), 1e-5);
    plain->teardown(&state, &rig.ctx);
    close_attention_rig(&rig);
}

/* sum of dO o O, whose derivatives the backward pass computes. */
static double loss(const struct mlb_attention_state *state)
{
    const float *o = (const float *)(const void *)state->tensor[MLB_ATTENTION_O];
    const float *d_o = (const float *)(const void *)state->tensor[MLB_ATTENTION_DO];
    double sum = 0.0;
    for (uint64_t i = 0; i < mlb_attention_shape(&state->params, MLB_ATTENTION_O).count; i++)
        sum += (double)o[i] * (double)d_o[i];
    return sum;
}

/* The gradients of plain are the slopes of its own forward pass. */
static void check_slopes(const char *texts)
{
    static const enum mlb_attention_tensor of[] = {MLB_ATTENTION_Q, MLB_ATTENTION_K,
                                                   MLB_ATTENTION_V};
    static const enum mlb_attention_tensor gradient[] = {MLB_ATTENTION_DQ, MLB_ATTENTION_DK,
                                                         MLB_ATTENTION_DV};
    const struct mlb_variant *plain = attention_variant("plain");
    struct mlb_attention_params params = attention_params(texts);
    struct mlb_attention_state state = {0};
    struct attention_rig rig;
    open_attention_rig(&rig, MLB_DATA_NORMAL);
    check_ok(plain->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
    check_ok(plain->step(&state, &rig.ctx, &rig.err), &rig.err);
    for (int t = 0; t < 3; t++)
        for (uint64_t i = 0; i < mlb_attention_shape(&params, of[t]).count; i += 3) {
            float *x = (float *)(void *)state.tensor[of[t]] + i;
            const float *slope = (const float *)(const void *)state.tensor[gradient[t]] + i;
            const float before = *x, up = before + 0x1p-7f, down = before - 0x1p-7f;
            *x = up;
            check_ok(state.loaded(&state, &rig.ctx, &rig.err), &rig.err);
            double difference = loss(&state);
            *x = down;
            check_ok(state.loaded(&state, &rig.ctx, &rig.err), &rig.err);
            difference -= loss(&state);
            *x = before;
            double found = difference / ((double)up - (double)down);
            if (fabs(found - (double)*slope) > 1e-3)
                fail_msg("%s: %s[%d] is %g, slope %g", texts,
                         mlb_attention_tensor_name(gradient[t]), (int)i, (double)*slope, found);
        }
    plain->teardown(&state, &rig.ctx);
    close_attention_rig(&rig);
}

static void test_plain_gradients_are_slopes(void **unused)
{
    (void)unused;
    check_slopes("dtype=f32 batch=2 heads=4 kv_heads=2 seq=5 head_dim=3 causal=true pass=bwd");
    check_slopes("dtype=f32 heads=2 seq=3 seq_kv=5 head_dim=3 head_dim_v=2 pass=bwd layout=bhsd");
}

static void test_plain_is_for_small_cases(void **unused)
{
    struct attention_rig rig;
    const struct mlb_variant *plain = attention_variant("plain");
    struct mlb_attention_params params = attention_params("heads=16 seq=512 head_dim=128");
    (void)unused;
    open_attention_rig(&rig, MLB_DATA_NORMAL);
    check_ok(plain->check(&params, &rig.ctx, &rig.err), &rig.err);
    params = attention_params("heads=16 seq=513 head_dim=128");
    enum mlb_status status = plain->check(&params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "2^30");
    close_attention_rig(&rig);
}

static void test_sets_take_turns(void **unused)
{
    struct attention_rig rig;
    struct mlb_attention_params params = attention_params("heads=1 seq=3 head_dim=5");
    struct mlb_attention_state state = {0};
    (void)unused;
    open_attention_rig(&rig, MLB_DATA_NORMAL);
    check_ok(mlb_attention_alloc(&state, &params, &rig.ctx, 3, &rig.err), &rig.err);
    check_ok(mlb_attention_fill(&state, &rig.ctx, MLB_DATA_NORMAL, &rig.err), &rig.err);
    check_true(state.tensor[MLB_ATTENTION_DO] == NULL);
    check_u64(state.stride[MLB_ATTENTION_K] % 256, 0);
    const void *first = mlb_attention_at(&state, 0, MLB_ATTENTION_K);
    check_true(memcmp(first, mlb_attention_at(&state, 2, MLB_ATTENTION_K), 30) == 0);
    check_true(memcmp(first, mlb_attention_at(&state, 0, MLB_ATTENTION_Q), 30) != 0);
    for (size_t step = 0; step < 7; step++)
        check_u64(mlb_attention_turn(&state), step % 3);
    mlb_attention_free(&state, &rig.ctx);
    rig.ctx.memory_bytes = 3 * 5 * 256; /* Q, K, V, O and LSE */
    check_ok(mlb_attention_fits(&params, &rig.ctx, 3, 0, &rig.err), &rig.err);
    enum mlb_status status = mlb_attention_fits(&params, &rig.ctx, 3, 1, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "needs 3.75 KiB, 3.75 KiB are free");
    rig.ctx.memory_bytes = (uint64_t)1 << 20;
    rig.ctx.device->info.last_cache_bytes = 5 * 256;
    check_u64(mlb_attention_wanted_sets(&params, &rig.ctx), 4);
    rig.ctx.memory_bytes = 6 * 5 * 256;
    check_u64(mlb_attention_wanted_sets(&params, &rig.ctx), 3);
    rig.ctx.memory_bytes = 0;
    check_u64(mlb_attention_wanted_sets(&params, &rig.ctx), 1);
    close_attention_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_models),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_work),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_plain_by_hand),
        cmocka_unit_test(test_plain_gradients_are_slopes),
        cmocka_unit_test(test_plain_is_for_small_cases),
        cmocka_unit_test(test_sets_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
