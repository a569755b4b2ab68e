/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of small floats: rounding, the layout of their scales, and what is filled. */
#include "kernels/gemm/gemm_blocks.h"

#include <math.h>

#include "tests/kernels/gemm_rig.h"

static void test_e2m1_rounds_to_even(void **unused)
{
    /* A block whose largest element is 6 has the scale 1. */
    static const struct {
        double value, held;
    } rows[] = {{0.0, 0.0},  {0.2, 0.0},  {0.25, 0.0}, {0.26, 0.5}, {0.75, 1.0},  {-0.75, -1.0},
                {1.25, 1.0}, {1.3, 1.5},  {1.75, 2.0}, {2.5, 2.0},  {-2.6, -3.0}, {3.5, 4.0},
                {5.0, 4.0},  {5.01, 6.0}, {6.0, 6.0},  {-6.0, -6.0}};
    double values[16];
    uint8_t scale, codes[16];
    (void)unused;
    for (size_t i = 0; i < 16; i++)
        values[i] = rows[i].value;
    mlb_gemm_block_round(MLB_GEMM_NVFP4, values, &scale, codes);
    check_u64(scale, 0x38); /* 1.0 in e4m3 */
    for (size_t i = 0; i < 16; i++)
        check_close(mlb_gemm_block_value(MLB_GEMM_NVFP4, scale, codes[i]), rows[i].held, 0.0);
}

/* OCP MX 6.3: the shared exponent is the largest element's, less e4m3's largest, 8. */
static void test_mxfp8_scales_are_powers_of_two(void **unused)
{
    static const struct {
        double largest;
        uint8_t scale;
        double held;
    } rows[] = {{1.0, 127 - 8, 1.0},           {1.9, 127 - 8, 448.0 / 256.0}, /* saturates */
                {0x1p-130, 0, 0x1p-130},       {3.0, 127 + 1 - 8, 3.0},
                {0x1p120, 127 + 112, 0x1p120}, {0.0, 0, 0.0}};
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double values[32] = {[7] = -rows[i].largest};
        uint8_t scale, codes[32];
        mlb_gemm_block_round(MLB_GEMM_MXFP8, values, &scale, codes);
        check_u64(scale, rows[i].scale);
        check_close(mlb_gemm_block_value(MLB_GEMM_MXFP8, scale, codes[7]), -rows[i].held, 0.0);
    }
}

/* The documentation's figure: 32 rows of 16 bytes; rows 32 apart side by side; tiles along k. */
static void test_layout_of_scales(void **unused)
{
    static const struct {
        uint64_t row, block, at;
    } rows[] = {{0, 0, 0},
                {0, 3, 3},
                {1, 0, 16},
                {31, 2, 498},
                {32, 0, 4},
                {96, 1, 13},
                {127, 3, 511},
                {0, 4, 512},
                {33, 5, 533},
                {128, 0, 1024},
                {160, 6, 1024 + 512 + 6}};
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_u64(mlb_gemm_block_scale_at(MLB_GEMM_MXFP8, 256, rows[i].row, rows[i].block),
                  rows[i].at);
        check_u64(mlb_gemm_block_scale_at(MLB_GEMM_NVFP4, 128, rows[i].row, rows[i].block),
                  rows[i].at);
    }
    check_u64(mlb_gemm_block_scale_bytes(MLB_GEMM_MXFP8, 129, 256), 2048);
    check_u64(mlb_gemm_block_scale_bytes(MLB_GEMM_MXFP8, 1, 32), 512);
    check_u64(mlb_gemm_block_scale_bytes(MLB_GEMM_NVFP4, 128, 96), 1024);
    check_u64(mlb_gemm_block_bytes(MLB_GEMM_NVFP4, 3, 32), 48);
}

/* What is filled is what is made again, in every set, and near the numbers that were rounded. */
static void test_filling(void **unused)
{
    struct gemm_rig rig;
    (void)unused;
    open_gemm_rig(&rig, MLB_DATA_NORMAL);
    for (int dtype = MLB_GEMM_MXFP8; dtype <= MLB_GEMM_NVFP4; dtype++) {
        struct mlb_gemm_params params = {.dtype = dtype, .m = 150, .n = 16, .k = 96, .batch = 1};
        struct mlb_gemm_state state = {0};
        double most = 0.0;
        check_ok(mlb_gemm_alloc(&state, &params, &rig.ctx, 2, &rig.err), &rig.err);
        check_ok(mlb_gemm_fill(&state, &params, &rig.ctx, MLB_DATA_NORMAL, &rig.err), &rig.err);
        check_u64(state.a_scales % 256, 0);
        check_true(memcmp(state.a, state.a + state.a_stride, state.a_stride - 256) == 0);
        for (uint64_t row = 0; row < 150; row++)
            for (uint64_t p = 0; p < 96; p++) {
                double held[MLB_GEMM_BLOCK_MOST];
                uint64_t seed = mlb_gemm_seed_a(rig.ctx.seed),
                         length = mlb_gemm_block_length(dtype);
                mlb_gemm_block_made(dtype, MLB_DATA_NORMAL, seed, row * 96 + p / length * length,
                                    held);
                double is =
                    mlb_gemm_block_load(dtype, state.a, state.a + state.a_scales, 96, row, p);
                double was = mlb_data_value(MLB_DATA_NORMAL, MLB_F32, seed, row * 96 + p);
                check_close(is, held[p % length], 0.0);
                most = fmax(most, fabs(is - was));
            }
        check_true(most > 0.0 && most < (dtype == MLB_GEMM_NVFP4 ? 0.8 : 0.6));
        mlb_gemm_free(&state, &rig.ctx);
    }
    close_gemm_rig(&rig);
}

static void test_plain_multiplies_them(void **unused)
{
    struct gemm_rig rig;
    (void)unused;
    open_gemm_rig(&rig, MLB_DATA_NORMAL);
    for (int dtype = MLB_GEMM_MXFP8; dtype <= MLB_GEMM_NVFP4; dtype++) {
        struct mlb_gemm_params params = {.dtype = dtype, .m = 130, .n = 20, .k = 160, .batch = 1};
        struct mlb_gemm_state state = {0};
        struct mlb_verification found = verify_gemm(&rig, gemm_variant("plain"), &state, &params);
        check_verified(&found, &params);
        check_true(found.worst_ratio < 1.0);
    }
    close_gemm_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_e2m1_rounds_to_even),
        cmocka_unit_test(test_mxfp8_scales_are_powers_of_two),
        cmocka_unit_test(test_layout_of_scales),
        cmocka_unit_test(test_filling),
        cmocka_unit_test(test_plain_multiplies_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
