/* SPDX-License-Identifier: Apache-2.0 */
/* What verification accepts and what it catches: products computed here, rightly and wrongly. */
#include "harness/base/rng.h"

#include "tests/kernels/gemm_rig.h"

/* How sums are kept. */
enum keeping {
    IN_F64,
    IN_F32,
    IN_BF16,
    IN_F16,
    CUT_F32,         /* as tensor cores: eight products at a time, the sum cut off to 24 bits */
    CUT_14,          /* as those of Ada and Hopper sum 8-bit floats */
    CUT_14_THEN_F32, /* the same, carried over to f32 after every 128 products */
};

/* How f32 operands enter a multiplication. */
enum entering { AS_THEY_ARE, ROUNDED_TO_TF32, CUT_TO_TF32 };

/* A product with one thing that may be wrong about it. */
struct job {
    struct mlb_gemm_state gemm; /* first: the hooks see a mlb_gemm_state */
    struct mlb_gemm_params params;
    enum keeping keeping;
    enum entering entering;
    struct mlb_gemm_strides strides; /* all 0 = the right ones */
    uint64_t k_left_out;             /* at the end of the sums */
    uint64_t tile_row, tile_column;  /* of the bad 32x32 tile, when `bad_tile` */
    bool bad_tile;
    bool does_nothing;
    bool right_before; /* C is right when the step begins */
    double added;      /* to every element */
};

static double cut(double value, int bits)
{
    int exponent;
    double fraction = frexp(value, &exponent);
    return ldexp(trunc(ldexp(fraction, bits)), exponent - bits);
}

static double enter(const struct job *job, double value)
{
    if (job->entering == CUT_TO_TF32)
        return cut(value, 11);
    if (job->entering == ROUNDED_TO_TF32) {
        int exponent;
        double fraction = frexp(value, &exponent);
        return ldexp(nearbyint(ldexp(fraction, 11)), exponent - 11);
    }
    return value;
}

static double keep(enum keeping keeping, double sum, uint64_t p)
{
    switch (keeping) {
    case IN_F32:
        return (double)(float)sum;
    case IN_BF16:
        return (double)mlb_bf16_to_f32(mlb_bf16_from_f32((float)sum));
    case IN_F16:
        return (double)mlb_f16_to_f32(mlb_f16_from_f32((float)sum));
    case CUT_F32:
        return p % 8 == 7 ? cut(sum, 24) : sum;
    default:
        return sum;
    }
}

/* An instruction of 8-bit floats: 32 products and the sum so far, each cut off at 2^-13 of the
 * largest, and so is the sum (arXiv:2511.10909). */
static double cut_instruction(const double *products, double sum)
{
    double largest = fabs(sum), total = 0.0;
    for (size_t i = 0; i < 32; i++)
        largest = fmax(largest, fabs(products[i]));
    if (largest == 0.0)
        return 0.0;
    double unit = ldexp(1.0, ilogb(largest) - 13);
    for (size_t i = 0; i < 32; i++)
        total += unit * trunc(products[i] / unit);
    return cut(total + unit * trunc(sum / unit), 14);
}

static double cut_element(const struct job *job, const struct mlb_gemm_strides *at, uint64_t i,
                          uint64_t j)
{
    double sum = 0.0, carried = 0.0;
    for (uint64_t p = 0; p < job->params.k; p += 32) {
        double products[32] = {0};
        for (uint64_t q = p; q < p + 32 && q + job->k_left_out < job->params.k; q++)
            products[q - p] = mlb_dtype_load(mlb_gemm_in(&job->params), job->gemm.a,
                                             i * at->a_row + q * at->a_col) *
                              mlb_dtype_load(mlb_gemm_in_b(&job->params), job->gemm.b,
                                             q * at->b_row + j * at->b_col);
        sum = cut_instruction(products, sum);
        if (job->keeping == CUT_14_THEN_F32 && p % 128 == 96) {
            carried = (double)(float)(carried + sum);
            sum = 0.0;
        }
    }
    return carried + sum;
}

static double element(const struct job *job, const struct mlb_gemm_strides *at, uint64_t i,
                      uint64_t j)
{
    enum mlb_dtype in = mlb_gemm_in(&job->params), in_b = mlb_gemm_in_b(&job->params);
    double sum = 0.0;
    if (job->keeping >= CUT_14)
        return cut_element(job, at, i, j);
    for (uint64_t p = 0; p + job->k_left_out < job->params.k; p++) {
        double a = mlb_dtype_load(in, job->gemm.a, i * at->a_row + p * at->a_col);
        double b = mlb_dtype_load(in_b, job->gemm.b, p * at->b_row + j * at->b_col);
        sum = keep(job->keeping, sum + enter(job, a) * enter(job, b), p);
    }
    return sum + job->added;
}

/* A bad tile holds a neighbour's elements: right numbers in the wrong place. */
static uint64_t displaced(const struct job *job, uint64_t i, uint64_t j)
{
    bool inside = i / 32 == job->tile_row && j / 32 == job->tile_column;
    return job->bad_tile && inside ? (i + 1) % job->params.m : i;
}

static enum mlb_status run_job(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct job *job = state;
    struct mlb_gemm_strides right = mlb_gemm_strides(&job->params);
    const struct mlb_gemm_strides *at = job->strides.a_col ? &job->strides : &right;
    enum mlb_dtype out = mlb_gemm_out(&job->params);
    uint64_t m = job->does_nothing ? 0 : job->params.m, n = job->params.n;
    (void)err;
#pragma omp parallel for num_threads(ctx->threads)
    for (uint64_t i = 0; i < m; i++)
        for (uint64_t j = 0; j < n; j++)
            mlb_dtype_store(out, job->gemm.c, i * n + j, element(job, at, displaced(job, i, j), j));
    return MLB_OK;
}

static enum mlb_status set_up_job(void *state, const void *params, const struct mlb_ctx *ctx,
                                  struct mlb_error *err)
{
    struct job *job = state;
    job->params = *(const struct mlb_gemm_params *)params;
    if (mlb_gemm_alloc(&job->gemm, params, ctx, 1, err) != MLB_OK)
        return err->status;
    enum mlb_status status = mlb_gemm_fill(&job->gemm, params, ctx, ctx->data, err);
    if (status != MLB_OK || !job->right_before)
        return status;
    job->does_nothing = false;
    status = run_job(job, ctx, err);
    job->does_nothing = true;
    return status;
}

static void tear_down_job(void *state, const struct mlb_ctx *ctx)
{
    mlb_gemm_free(state, ctx);
}

static const struct mlb_variant job_variant = {.name = "job",
                                               .device = "cpu",
                                               .setup = set_up_job,
                                               .step = run_job,
                                               .teardown = tear_down_job};

static struct mlb_verification outcome(enum mlb_data data, const struct job *like,
                                       const struct mlb_gemm_params *params)
{
    struct gemm_rig rig;
    struct job job = *like;
    open_gemm_rig(&rig, data);
    if (params->m * params->n < 100000)
        rig.ctx.threads = 1; /* many small ones: starting threads would take longer */
    struct mlb_verification found = verify_gemm(&rig, &job_variant, &job, params);
    close_gemm_rig(&rig);
    return found;
}

static void accept(enum mlb_data data, const struct job *job, const struct mlb_gemm_params *params)
{
    struct mlb_verification found = outcome(data, job, params);
    check_verified(&found, params);
}

static void refuse(const char *what, const struct job *job, const struct mlb_gemm_params *params)
{
    struct mlb_verification found = outcome(MLB_DATA_NORMAL, job, params);
    if (mlb_verification_passed(&found))
        print_error("not caught: %s (dtype %d, k = %llu, worst ratio %g)\n", what, params->dtype,
                    (unsigned long long)params->k, found.worst_ratio);
    check_true(!mlb_verification_passed(&found));
    check_true(found.wrong > 0);
}

static const int all_types[] = {MLB_F64, MLB_F32, MLB_TF32, MLB_BF16,
                                MLB_F16, MLB_S8,  MLB_E4M3, MLB_E5M2};
#define TYPES (sizeof all_types / sizeof all_types[0])

/* -------------------------------------------------------------------------------- right results */

static void test_right_results_pass(void **unused)
{
    (void)unused;
    for (size_t t = 0; t < TYPES; t++)
        for (int pass = 0; pass < 3; pass++)
            for (size_t i = 0; i < GEMM_ODD_SIZES; i++) {
                struct mlb_gemm_params params = gemm_odd_sizes[i];
                params.dtype = all_types[t];
                params.pass = pass;
                struct job job = {.keeping = all_types[t] == MLB_F64 ? IN_F64 : IN_F32};
                for (int data = MLB_DATA_NORMAL; data <= MLB_DATA_ZEROS; data++)
                    accept((enum mlb_data)data, &job, &params);
            }
}

/* Long sums, kept as coarsely as hardware keeps them: one after the other in f32, and cut off. */
static void test_coarse_but_right_sums_pass(void **unused)
{
    static const enum keeping keepings[] = {IN_F32, CUT_F32};
    (void)unused;
    for (size_t t = 1; t < TYPES; t++)
        for (size_t i = 0; i < 2; i++) {
            struct mlb_gemm_params params = {.dtype = all_types[t], .m = 24, .n = 24, .k = 16384};
            struct job job = {.keeping = keepings[i]};
            if (keepings[i] == CUT_F32 && all_types[t] == MLB_F32)
                continue; /* f32 is not multiplied by tensor cores */
            accept(MLB_DATA_NORMAL, &job, &params);
            accept(MLB_DATA_UNIFORM, &job, &params);
        }
}

/* 8-bit floats, as the tensor cores of Hopper sum them, and carried over to f32 now and then. */
static void test_coarse_sums_of_eight_bits_pass(void **unused)
{
    static const uint64_t lengths[] = {32, 1000, 16384};
    (void)unused;
    for (int dtype = MLB_E4M3; dtype <= MLB_E5M2; dtype++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            struct job fast = {.keeping = CUT_14}, precise = {.keeping = CUT_14_THEN_F32};
            struct mlb_gemm_params params = {.dtype = dtype,
                                             .m = 12,
                                             .n = 12,
                                             .k = lengths[i],
                                             .accumulate = MLB_GEMM_SUMS_FAST,
                                             .out = MLB_GEMM_C_F32};
            accept(MLB_DATA_NORMAL, &fast, &params);
            accept(MLB_DATA_UNIFORM, &fast, &params);
            params.accumulate = MLB_GEMM_SUMS_PRECISE;
            accept(MLB_DATA_NORMAL, &precise, &params);
            accept(MLB_DATA_UNIFORM, &precise, &params);
        }
}

static void test_tf32_operands_pass_as_tf32_only(void **unused)
{
    static const enum entering enterings[] = {ROUNDED_TO_TF32, CUT_TO_TF32};
    static const uint64_t lengths[] = {1, 2, 3, 65, 4096};
    (void)unused;
    for (size_t e = 0; e < 2; e++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            struct job job = {.keeping = IN_F32, .entering = enterings[e]};
            struct mlb_gemm_params params = {.dtype = MLB_TF32, .m = 32, .n = 48, .k = lengths[i]};
            accept(MLB_DATA_NORMAL, &job, &params);
            params.dtype = MLB_F32;
            refuse("tf32 sold as f32", &job, &params);
        }
}

/* -------------------------------------------------------------------------------- wrong results */

/* Large enough to be sampled, not checked whole. */
static const struct mlb_gemm_params sampled = {.dtype = MLB_BF16, .m = 700, .n = 650, .k = 12};

static void test_large_products_are_sampled(void **unused)
{
    struct job job = {.keeping = IN_F32};
    struct mlb_verification found = outcome(MLB_DATA_NORMAL, &job, &sampled);
    (void)unused;
    check_text(found.method, "double dot products at one element per 32x32 tile");
    check_u64(found.checked, 22 * 21);
}

static void test_one_wrong_tile_anywhere_is_caught(void **unused)
{
    (void)unused;
    for (uint64_t row = 0; row < 22; row += 3)
        for (uint64_t column = 0; column < 21; column += 4) {
            struct job job = {
                .keeping = IN_F32, .bad_tile = true, .tile_row = row, .tile_column = column};
            refuse("one wrong tile", &job, &sampled);
        }
    struct job corner = {
        .keeping = IN_F32, .bad_tile = true, .tile_row = 21, .tile_column = 20}; /* short tile */
    refuse("the last, short tile", &corner, &sampled);
}

static void test_sums_too_coarse_are_caught(void **unused)
{
    static const struct {
        int dtype;
        enum keeping keeping;
        uint64_t k;
    } rows[] = {
        {MLB_BF16, IN_BF16, 1024}, {MLB_BF16, IN_BF16, 8192}, {MLB_BF16, IN_F16, 16384},
        {MLB_F16, IN_F16, 2048},   {MLB_F32, IN_BF16, 64},    {MLB_F32, IN_F16, 64},
        {MLB_TF32, IN_BF16, 2048}, {MLB_F64, IN_F32, 64},     {MLB_S8, IN_F16, 64},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job job = {.keeping = rows[i].keeping};
        struct mlb_gemm_params params = {.dtype = rows[i].dtype, .m = 32, .n = 32, .k = rows[i].k};
        refuse("sums kept too coarsely", &job, &params);
    }
}

static void test_left_out_products_are_caught(void **unused)
{
    (void)unused;
    for (size_t t = 0; t < TYPES; t++) {
        struct mlb_gemm_params params = {.dtype = all_types[t], .m = 33, .n = 33, .k = 8192};
        struct job job = {.keeping = all_types[t] == MLB_F64 ? IN_F64 : IN_F32, .k_left_out = 32};
        refuse("the last block of k left out", &job, &params);
        if (all_types[t] == MLB_E4M3 || all_types[t] == MLB_E5M2)
            continue; /* fast sums: one product drowns */
        job.k_left_out = 1;
        refuse("the last product left out", &job, &params);
    }
}

/* Operands read in another pass's way, in all six wrong ways. */
static void test_swapped_passes_are_caught(void **unused)
{
    (void)unused;
    for (size_t t = 0; t < TYPES; t++)
        for (int asked = 0; asked < 3; asked++)
            for (int done = 0; done < 3; done++) {
                struct mlb_gemm_params params = {
                    .dtype = all_types[t], .pass = asked, .m = 64, .n = 64, .k = 64};
                struct mlb_gemm_params other = params;
                other.pass = done;
                struct job job = {.keeping = IN_F64, .strides = mlb_gemm_strides(&other)};
                if (asked == done)
                    accept(MLB_DATA_NORMAL, &job, &params);
                else
                    refuse("another pass", &job, &params);
            }
}

static void test_transposed_operand_is_caught(void **unused)
{
    struct mlb_gemm_params params = {.dtype = MLB_F32, .m = 64, .n = 64, .k = 64};
    struct mlb_gemm_strides right = mlb_gemm_strides(&params);
    (void)unused;
    struct job a = {.strides = {right.a_col, right.a_row, right.b_row, right.b_col}};
    refuse("A transposed", &a, &params);
    struct job b = {.strides = {right.a_row, right.a_col, right.b_col, right.b_row}};
    refuse("B transposed", &b, &params);
}

static void test_untouched_and_shifted_results_are_caught(void **unused)
{
    (void)unused;
    for (size_t t = 0; t < TYPES; t++) {
        struct mlb_gemm_params params = {.dtype = all_types[t], .m = 50, .n = 60, .k = 70};
        struct job job = {.does_nothing = true};
        refuse("C not written", &job, &params);
        job.right_before = true;
        refuse("C not written, right from before", &job, &params);
        job = (struct job){.added = 1.0};
        refuse("one added", &job, &params);
        job = (struct job){.added = (double)NAN};
        if (all_types[t] != MLB_S8)
            refuse("NaN", &job, &params);
    }
}

/* With zeros as data, what is verified is another run on numbers. */
static void test_zeros_do_not_hide_faults(void **unused)
{
    struct mlb_gemm_params params = {.dtype = MLB_F32, .m = 64, .n = 64, .k = 64};
    struct job job = {.k_left_out = 8};
    (void)unused;
    struct mlb_verification found = outcome(MLB_DATA_ZEROS, &job, &params);
    check_true(!mlb_verification_passed(&found));
}

static void test_tolerance(void **unused)
{
    struct mlb_gemm_params s8 = {.dtype = MLB_S8}, f32 = {.dtype = MLB_F32};
    struct mlb_gemm_params bf16 = {.dtype = MLB_BF16};
    (void)unused;
    check_close(mlb_gemm_tolerance(&s8, 8192, 1e6, 5e3, 5e3), 0.0, 0.0);
    /* f32, |c| = 90, s = 8192: 90 x 2^-24 + 8 (2^-24 + 2^-53) x 8192 */
    check_close(mlb_gemm_tolerance(&f32, 8192, -90.0, 128.0, 64.0),
                90.0 * 0x1p-24 + 65536.0 * (0x1p-24 + 0x1p-53), 1e-12);
    /* nothing in, nothing tolerated */
    check_close(mlb_gemm_tolerance(&bf16, 8192, 0.0, 0.0, 0.0), 0.0, 0.0);
    /* a C of f32 is rounded as f32 */
    double rounded = mlb_gemm_tolerance(&bf16, 64, 90.0, 1.0, 1.0);
    bf16.out = MLB_GEMM_C_F32;
    check_close(rounded - mlb_gemm_tolerance(&bf16, 64, 90.0, 1.0, 1.0), 90.0 * (0x1p-8 - 0x1p-24),
                1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_results_pass),
        cmocka_unit_test(test_coarse_but_right_sums_pass),
        cmocka_unit_test(test_coarse_sums_of_eight_bits_pass),
        cmocka_unit_test(test_tf32_operands_pass_as_tf32_only),
        cmocka_unit_test(test_large_products_are_sampled),
        cmocka_unit_test(test_one_wrong_tile_anywhere_is_caught),
        cmocka_unit_test(test_sums_too_coarse_are_caught),
        cmocka_unit_test(test_left_out_products_are_caught),
        cmocka_unit_test(test_swapped_passes_are_caught),
        cmocka_unit_test(test_transposed_operand_is_caught),
        cmocka_unit_test(test_untouched_and_shifted_results_are_caught),
        cmocka_unit_test(test_zeros_do_not_hide_faults),
        cmocka_unit_test(test_tolerance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
