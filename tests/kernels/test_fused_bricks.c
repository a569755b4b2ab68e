/* SPDX-License-Identifier: Apache-2.0 */
/* The memory-bound operations called as bricks, with results known by hand. */
#include "tests/check.h"

#include "kernels/fused/adamw.h"
#include "kernels/fused/cross_entropy.h"
#include "kernels/fused/embedding.h"
#include "kernels/fused/norm.h"
#include "kernels/fused/swiglu.h"

enum { TOKENS = 3, WIDTH = 2100 };

/* Values between -2 and 2 that repeat late. */
static void make_values(float *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (float)((i * 7919) % 4001) / 1000.0f - 2.0f;
}

static void test_swiglu_in_place(void **state)
{
    (void)state;
    static float both[TOKENS * 2 * WIDTH], apart[TOKENS * 2 * WIDTH], dy[TOKENS * WIDTH];
    make_values(both, TOKENS * 2 * WIDTH);
    make_values(dy, TOKENS * WIDTH);
    struct mlb_swiglu swiglu = {.pass = MLB_SWIGLU_BACKWARD,
                                .dtype = MLB_F32,
                                .tokens = TOKENS,
                                .ffn = WIDTH,
                                .gate_up = both,
                                .dy = dy,
                                .dgate_up = apart};
    mlb_swiglu_cpu(&swiglu, 2);
    swiglu.dgate_up = both;
    mlb_swiglu_cpu(&swiglu, 2);
    check_true(memcmp(both, apart, sizeof both) == 0);
}

static void test_cross_entropy_by_hand(void **state)
{
    (void)state;
    float logits[3 * 4] = {0, 0, 0, 0, 1, 2, 3, 4, 5, 5, (float)NAN, 5};
    float loss[3], lse[3];
    const int32_t target[3] = {2, -1, 0};
    struct mlb_cross_entropy entropy = {.pass = MLB_CROSS_ENTROPY_BOTH,
                                        .dtype = MLB_F32,
                                        .tokens = 3,
                                        .vocab = 4,
                                        .scale = 0.5f,
                                        .logits = logits,
                                        .target = target,
                                        .loss = loss,
                                        .lse = lse};
    mlb_cross_entropy_cpu(&entropy, 1);
    check_close((double)loss[0], log(4.0), 1e-6);
    check_close((double)logits[0], 0.125, 1e-6);
    check_close((double)logits[2], -0.375, 1e-6);
    /* Ignored: no loss, no gradient; its lse is there all the same. */
    check_close((double)loss[1], 0.0, 0);
    check_close((double)logits[7], 0.0, 0);
    check_close((double)lse[1], 4.4401896985611953, 1e-6);
    check_true(isnan(loss[2]) && isnan(logits[8]));
}

/* Magnitudes that overflow e^x: the maximum is taken out. */
static void test_cross_entropy_large_logits(void **state)
{
    (void)state;
    static float logits[2 * WIDTH];
    float loss[2], lse[2];
    const int32_t target[2] = {0, WIDTH - 1};
    for (int i = 0; i < WIDTH; i++) {
        logits[i] = -1000.0f;
        logits[WIDTH + i] = (float)i * 10.0f; /* rises from strip to strip */
    }
    struct mlb_cross_entropy entropy = {.pass = MLB_CROSS_ENTROPY_BOTH,
                                        .dtype = MLB_F32,
                                        .tokens = 2,
                                        .vocab = WIDTH,
                                        .scale = 1.0f,
                                        .logits = logits,
                                        .target = target,
                                        .loss = loss,
                                        .lse = lse};
    mlb_cross_entropy_cpu(&entropy, 2);
    check_close((double)loss[0], log((double)WIDTH), 1e-4);
    check_close((double)lse[1], 10.0 * (WIDTH - 1), 1e-6);
    check_true(fabsf(loss[1]) < 0.002f); /* the spacing of f32 there */
}

static void test_embedding_index(void **state)
{
    (void)state;
    const int32_t id[7] = {3, 0, 3, 5, 3, 0, 1};
    const int32_t firsts[7] = {0, 2, 3, 3, 6, 6, 7}, orders[7] = {1, 5, 6, 0, 2, 4, 3};
    int32_t first[7], order[7];
    mlb_embedding_index(id, 7, 6, first, order);
    for (int i = 0; i < 7; i++) {
        check_i64(first[i], firsts[i]);
        check_i64(order[i], orders[i]);
    }
}

/* The first step from zero states moves by the rate against the gradient's sign, whatever its size;
 * the decay is apart. */
static void test_adamw_by_hand(void **state)
{
    (void)state;
    float w[3] = {1.0f, 1.0f, -2.0f}, m[3] = {0}, v[3] = {0};
    const float g[3] = {1e-3f, -50.0f, 0.0f};
    struct mlb_adamw adamw = {.dtype = MLB_F32,
                              .count = 3,
                              .step = 1,
                              .rate = 0.01f,
                              .beta1 = 0.9f,
                              .beta2 = 0.95f,
                              .epsilon = 1e-8f,
                              .decay = 0.1f,
                              .w = w,
                              .m = m,
                              .v = v,
                              .g = g};
    mlb_adamw_cpu(&adamw, 1);
    check_close((double)w[0], 0.999 - 0.01, 1e-6);
    check_close((double)w[1], 0.999 + 0.01, 1e-6);
    check_close((double)w[2], -2.0 * 0.999, 1e-6);
    check_close((double)m[1], -5.0, 1e-6);
    check_close((double)v[1], 125.0, 1e-6);
}

/* Sums over rows do not depend on who was first. */
static void test_norm_is_the_same_each_time(void **state)
{
    (void)state;
    static float x[TOKENS * WIDTH], dx[TOKENS * WIDTH], gamma[WIDTH], dgamma[2][WIDTH];
    static float partial[TOKENS * WIDTH], rstd[TOKENS] = {0.5f, 1.0f, 2.0f};
    make_values(x, TOKENS * WIDTH);
    make_values(gamma, WIDTH);
    for (int i = 0; i < 2; i++) {
        struct mlb_norm norm = {.kind = MLB_NORM_RMS,
                                .pass = MLB_NORM_BACKWARD,
                                .dtype = MLB_F32,
                                .rows = TOKENS,
                                .hidden = WIDTH,
                                .parts = TOKENS,
                                .x = x,
                                .gamma = gamma,
                                .rstd = rstd,
                                .dy = x,
                                .dx = dx,
                                .dgamma = dgamma[i],
                                .partial = partial};
        mlb_norm_cpu(&norm, 1 + 2 * i);
    }
    check_true(memcmp(dgamma[0], dgamma[1], sizeof dgamma[0]) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_swiglu_in_place),
        cmocka_unit_test(test_cross_entropy_by_hand),
        cmocka_unit_test(test_cross_entropy_large_logits),
        cmocka_unit_test(test_embedding_index),
        cmocka_unit_test(test_adamw_by_hand),
        cmocka_unit_test(test_norm_is_the_same_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
