/* SPDX-License-Identifier: Apache-2.0 */
/* The cuBLASLt variants driven without a GPU: their code over a fake library (fake_cublaslt.c,
 * found through LD_LIBRARY_PATH) that multiplies host memory, and the CPU device. */
#include <dlfcn.h>

#include "tests/kernels/fake_cublaslt.h"
#include "tests/kernels/gemm_rig.h"

/* In trials nothing is tuned. */
static void open_rig(struct gemm_rig *rig)
{
    open_gemm_rig(rig, MLB_DATA_NORMAL);
    rig->ctx.threads = 1;
    rig->ctx.trial = true;
    rig->ctx.device->info.last_cache_bytes = 256;
}

static const struct mlb_variant *cublaslt(void)
{
    return gemm_variant("cublaslt");
}

/* What the fake saw. */
static struct fake_cublaslt *fake(void)
{
    char text[64];
    cublaslt()->library(text, sizeof text); /* loads it; it stays */
    void *library = dlopen("libcublasLt.so." MLB_CUBLAS_MAJOR, RTLD_NOW | RTLD_NOLOAD);
    check_true(library != NULL);
    struct fake_cublaslt *seen = dlsym(library, "fake_cublaslt");
    check_true(seen != NULL);
    dlclose(library);
    return seen;
}

static void test_fake_is_what_is_loaded(void **unused)
{
    char text[64];
    (void)unused;
    cublaslt()->library(text, sizeof text);
    check_true(strstr(text, ".7.42") != NULL);
}

/* ------------------------------------------------------------------------------------ right
 * results
 */

static void verify_case(struct gemm_rig *rig, const char *variant, struct mlb_gemm_params params)
{
    struct mlb_gemm_state state = {0};
    check_ok(mlb_gemm.resolve(&params, &rig->err), &rig->err);
    check_ok(gemm_variant(variant)->check(&params, &rig->ctx, &rig->err), &rig->err);
    struct mlb_verification found = verify_gemm(rig, gemm_variant(variant), &state, &params);
    check_verified(&found, &params);
}

static void test_all_types_and_passes(void **unused)
{
    static const int types[] = {MLB_F64, MLB_F32,  MLB_TF32, MLB_BF16,
                                MLB_F16, MLB_E4M3, MLB_E5M2, MLB_S8};
    static const struct mlb_gemm_params any[] = {
        {.m = 1, .n = 7, .k = 5}, {.m = 5, .n = 9, .k = 7}, {.m = 8, .n = 3, .k = 16}};
    static const struct mlb_gemm_params of_bytes[] = {
        {.m = 16, .n = 16, .k = 16}, {.m = 32, .n = 16, .k = 48}, {.m = 16, .n = 48, .k = 32}};
    struct gemm_rig rig;
    (void)unused;
    open_rig(&rig);
    rig.ctx.device->info.last_cache_bytes = 200; /* several sets of operands */
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (int pass = 0; pass < (types[t] == MLB_S8 ? 1 : 3); pass++)
            for (size_t i = 0; i < 2; i++) {
                size_t at = (t + (size_t)pass + i) % 3;
                struct mlb_gemm_params params = types[t] >= MLB_S8 ? of_bytes[at] : any[at];
                params.dtype = types[t];
                params.pass = pass;
                verify_case(&rig, i ? "cublaslt" : "cublaslt-heuristic0", params);
            }
    close_gemm_rig(&rig);
}

static void test_choices_of_a_type(void **unused)
{
    static const struct mlb_gemm_params rows[] = {
        {.dtype = MLB_E4M3, .accumulate = MLB_GEMM_SUMS_PRECISE},
        {.dtype = MLB_E5M2, .accumulate = MLB_GEMM_SUMS_PRECISE, .out = MLB_GEMM_C_F32},
        {.dtype = MLB_BF16, .out = MLB_GEMM_C_F32},
        {.dtype = MLB_F16, .out = MLB_GEMM_C_F32_ADD},
        {.dtype = MLB_BF16, .out = MLB_GEMM_C_F32_ADD, .pass = MLB_GEMM_WGRAD},
    };
    struct gemm_rig rig;
    (void)unused;
    open_rig(&rig);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_gemm_params params = rows[i];
        params.m = 32;
        params.n = 48;
        params.k = 64;
        verify_case(&rig, "cublaslt", params);
        const struct fake_cublaslt *seen = fake();
        bool fast = params.dtype >= MLB_E4M3 && params.accumulate != MLB_GEMM_SUMS_PRECISE;
        check_i64(seen->fast_accumulation, fast);
        check_i64(seen->added, params.out == MLB_GEMM_C_F32_ADD);
        check_i64(seen->first_scale_mode, 0);
    }
    struct mlb_gemm_params fast = {.dtype = MLB_E4M3, .m = 16, .n = 16, .k = 32};
    verify_case(&rig, "cublaslt", fast);
    check_i64(fake()->fast_accumulation, 1);
    close_gemm_rig(&rig);
}

/* Rows and blocks that fill their tiles of scales, and that do not. */
static void test_blocks(void **unused)
{
    static const struct mlb_gemm_params rows[] = {
        {.m = 16, .n = 16, .k = 32}, {.m = 130, .n = 48, .k = 96}, {.m = 7, .n = 272, .k = 288}};
    struct gemm_rig rig;
    (void)unused;
    open_rig(&rig);
    rig.ctx.device->info.last_cache_bytes = 2000;
    for (size_t i = 0; i < 3; i++) {
        struct mlb_gemm_params params = rows[i];
        params.dtype = MLB_GEMM_MXFP8;
        verify_case(&rig, "cublaslt", params);
        check_i64(fake()->first_scale_mode, 2); /* CUBLASLT_MATMUL_MATRIX_SCALE_VEC32_UE8M0 */
        check_i64(fake()->second_scale_mode, 2);
        params.dtype = MLB_GEMM_NVFP4;
        verify_case(&rig, "cublaslt", params);
        check_i64(fake()->first_scale_mode, 1); /* CUBLASLT_MATMUL_MATRIX_SCALE_VEC16_UE4M3 */
        check_i64(fake()->second_scale_mode, 1);
    }
    close_gemm_rig(&rig);
}

/* One byte that is not what it should be: an element, or a scale, of either operand. */
static void test_a_wrong_byte_of_blocks_is_caught(void **unused)
{
    struct gemm_rig rig;
    (void)unused;
    open_rig(&rig);
    for (int dtype = MLB_GEMM_MXFP8; dtype <= MLB_GEMM_NVFP4; dtype++)
        for (int which = 0; which < 4; which++) {
            struct mlb_gemm_params params = {
                .dtype = dtype, .m = 64, .n = 32, .k = 128, .batch = 1};
            struct mlb_gemm_state state = {0};
            struct mlb_verification found = {0};
            check_ok(cublaslt()->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
            unsigned char *operand = which & 1 ? state.b : state.a;
            size_t scales = which & 1 ? state.b_scales : state.a_scales;
            operand[which & 2 ? scales + 33 : 65] ^= 0x44; /* the leading bit of an exponent */
            check_ok(mlb_gemm.verify(cublaslt(), &state, &params, &rig.ctx, &found, &rig.err),
                     &rig.err);
            check_true(found.wrong > 0);
            cublaslt()->teardown(&state, &rig.ctx);
        }
    close_gemm_rig(&rig);
}

/* ------------------------------------------------------------------------------------- a batch */

static void test_even_batch_is_one_call(void **unused)
{
    struct gemm_rig rig;
    (void)unused;
    open_rig(&rig);
    for (int pass = 0; pass < 3; pass++) {
        struct mlb_gemm_params params = {
            .dtype = MLB_BF16, .pass = pass, .m = 8, .n = 16, .k = 32, .batch = 5};
        fake()->calls = 0;
        verify_case(&rig, "cublaslt", params);
        check_u64(fake()->calls, 1);
        check_i64(fake()->batch, 5);
        check_i64(fake()->first_apart, 16 * 32); /* our B */
        check_i64(fake()->second_apart, 8 * 32);
        check_i64(fake()->result_apart, 8 * 16);
    }
    close_gemm_rig(&rig);
}

static void test_uneven_batch_is_a_call_each(void **unused)
{
    struct gemm_rig rig;
    (void)unused;
    open_rig(&rig);
    for (int pass = 0; pass < 3; pass++) {
        struct mlb_gemm_params params = {.dtype = MLB_F16,
                                         .pass = pass,
                                         .m = 10,
                                         .n = 6,
                                         .k = 12,
                                         .batch = 4,
                                         .spread = MLB_GEMM_UNEVEN,
                                         .out = pass == MLB_GEMM_WGRAD ? MLB_GEMM_C_F32_ADD
                                                                       : MLB_GEMM_C_SAME};
        fake()->calls = 0;
        fake()->least_aligned = 256;
        verify_case(&rig, "cublaslt", params);
        check_u64(fake()->calls, 4);
        check_i64(fake()->batch, 1);
        check_true(fake()->least_aligned <= 16); /* rows of 12 and 24 bytes */
    }
    close_gemm_rig(&rig);
}

/* ------------------------------------------------------------------------------------- the choice
 */

/* Each step multiplies the operands of its own set, and no other: with zeros in the first, its
 * result alone is zero, and all the others are the same. */
static void test_steps_rotate_through_the_sets(void **unused)
{
    struct gemm_rig rig;
    struct mlb_gemm_params params = {.dtype = MLB_F32, .m = 32, .n = 32, .k = 32};
    struct mlb_gemm_state state = {0};
    const size_t bytes = 32 * 32 * sizeof(float);
    (void)unused;
    open_rig(&rig);
    rig.ctx.device->info.last_cache_bytes = 3 * 12288; /* 9 sets of 12 KiB hold it three times */
    check_ok(cublaslt()->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
    check_u64(state.sets, 9);
    for (int operand = 0; operand < 2; operand++) {
        check_ok(mlb_gemm_fill(&state, &params, &rig.ctx, MLB_DATA_NORMAL, &rig.err), &rig.err);
        memset(operand ? state.b : state.a, 0, bytes);
        memset(state.c, 0xff, state.sets * state.c_stride);
        state.next = 0;
        for (size_t i = 0; i < state.sets; i++)
            check_ok(cublaslt()->step(&state, &rig.ctx, &rig.err), &rig.err);
        check_true(memcmp(state.c, operand ? state.b : state.a, bytes) == 0);
        check_true(memcmp(state.c, state.c + state.c_stride, bytes) != 0);
        for (size_t i = 2; i < state.sets; i++)
            check_true(memcmp(state.c + state.c_stride, state.c + i * state.c_stride, bytes) == 0);
    }
    cublaslt()->teardown(&state, &rig.ctx);
    close_gemm_rig(&rig);
}

/* The CPU device with the fake library's clock. */
static double marks_ns[MLB_MARKS];

static enum mlb_status mark(struct mlb_device *device, int which, struct mlb_error *err)
{
    (void)device, (void)err;
    marks_ns[which] = fake()->clock_ns;
    return MLB_OK;
}

static enum mlb_status elapsed(struct mlb_device *device, int from, int to, double *ns,
                               struct mlb_error *err)
{
    (void)device, (void)err;
    *ns = marks_ns[to] - marks_ns[from];
    return MLB_OK;
}

/* Nothing is tuned in a trial, and tuning runs until its time is filled. */
static void open_tuning_rig(struct gemm_rig *rig, struct mlb_backend *scripted)
{
    open_rig(rig);
    rig->ctx.trial = false;
    *scripted = mlb_backend_cpu;
    scripted->mark = mark;
    scripted->elapsed = elapsed;
    rig->ctx.device->backend = scripted;
}

static double detail(const struct mlb_details *details, const char *name)
{
    const struct mlb_detail *found = mlb_detail_find(details, name);
    if (!found)
        fail_msg("no detail %s", name);
    return found->number;
}

/* Of five proposals one is refused, one wants too much workspace, one fails when run and one is
 * slow. A C that is added to begins as zeros again after all the trials. */
static void test_fastest_that_runs_is_chosen(void **unused)
{
    struct gemm_rig rig;
    struct mlb_gemm_params params = {
        .dtype = MLB_BF16, .m = 8, .n = 64, .k = 8, .batch = 1, .out = MLB_GEMM_C_F32_ADD};
    struct mlb_gemm_state state = {0};
    struct mlb_details details = {0};
    struct mlb_backend scripted;
    (void)unused;
    open_tuning_rig(&rig, &scripted);
    check_ok(cublaslt()->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
    check_close(mlb_dtype_load(MLB_F32, state.c, 100), 0.0, 0.0);
    check_ok(cublaslt()->step(&state, &rig.ctx, &rig.err), &rig.err);
    check_i64(fake()->algorithm, FAKE_FAST);
    check_i64(fake()->asked, 32);
    cublaslt()->details(&state, &params, &details);
    check_close(detail(&details, "candidates_asked"), 32, 0);
    check_close(detail(&details, "candidates_returned"), 5, 0);
    check_close(detail(&details, "candidates_usable"), 3, 0);
    check_close(detail(&details, "candidates_timed"), 2, 0);
    check_close(detail(&details, "chosen"), 2, 0);
    check_close(detail(&details, "algorithm_id"), 104, 0);
    check_close(detail(&details, "tile_id"), 114, 0);
    check_close(detail(&details, "cluster_shape_id"), 184, 0);
    check_close(detail(&details, "finalists"), 2, 0); /* the first is always one of them */
    check_close(detail(&details, "heuristic0_ns"), 3e6, 1e-9);
    check_close(detail(&details, "chosen_ns"), 1e6, 1e-9);
    check_close(detail(&details, "gain_over_heuristic0"), 2.0, 1e-9);
    cublaslt()->teardown(&state, &rig.ctx);
    close_gemm_rig(&rig);
}

static void test_heuristic0_is_what_a_framework_gets(void **unused)
{
    const struct mlb_variant *first = gemm_variant("cublaslt-heuristic0");
    struct gemm_rig rig;
    struct mlb_gemm_params params = {.dtype = MLB_BF16, .m = 8, .n = 64, .k = 8, .batch = 1};
    struct mlb_gemm_state state = {0};
    struct mlb_details details = {0};
    struct mlb_backend scripted;
    (void)unused;
    open_tuning_rig(&rig, &scripted);
    check_ok(first->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
    check_ok(first->step(&state, &rig.ctx, &rig.err), &rig.err);
    check_i64(fake()->algorithm, FAKE_SLOW);
    check_i64(fake()->asked, 1);
    first->details(&state, &params, &details);
    check_close(detail(&details, "algorithm_id"), 100, 0);
    check_true(mlb_detail_find(&details, "gain_over_heuristic0") == NULL);
    first->teardown(&state, &rig.ctx);
    close_gemm_rig(&rig);
}

/* --------------------------------------------------------------------------------- what it cannot
 */

static void test_what_it_cannot(void **unused)
{
    static const struct {
        int dtype, pass;
        uint64_t m, n, k;
        uint32_t capability;
        const char *part; /* NULL: it can */
    } rows[] = {
        {MLB_S8, MLB_GEMM_DGRAD, 16, 16, 16, 0, "pass = fwd"},
        {MLB_S8, MLB_GEMM_FWD, 16, 24, 16, 0, "n = 24"},
        {MLB_S8, MLB_GEMM_FWD, 3, 16, 40, 0, "k = 40"},
        {MLB_E4M3, MLB_GEMM_WGRAD, 24, 16, 16, 100, "m = 24"},
        {MLB_E4M3, MLB_GEMM_FWD, 3, 16, 8, 90, "multiple of 16"},
        {MLB_E4M3, MLB_GEMM_DGRAD, 16, 16, 16, 90, "pass = fwd"},
        {MLB_E5M2, MLB_GEMM_WGRAD, 16, 16, 16, 120, "pass = fwd"},
        {MLB_E5M2, MLB_GEMM_WGRAD, 16, 16, 16, 100, NULL},
        {MLB_E4M3, MLB_GEMM_FWD, 16, 16, 16, 89, NULL},
        {MLB_E4M3, MLB_GEMM_FWD, 16, 16, 16, 86, "8.9 or newer; this one has 8.6"},
        {MLB_BF16, MLB_GEMM_FWD, 16, 16, 16, 75, "bf16 needs a GPU of compute capability 8.0"},
        {MLB_GEMM_MXFP8, MLB_GEMM_FWD, 16, 16, 32, 90, "10.0 or newer; this one has 9.0"},
        {MLB_GEMM_NVFP4, MLB_GEMM_FWD, 16, 16, 32, 90, "nvfp4 needs a GPU"},
        {MLB_GEMM_NVFP4, MLB_GEMM_FWD, 16, 16, 32, 100, NULL},
        {MLB_F64, MLB_GEMM_FWD, 1, 1, 1, 70, NULL},
    };
    struct gemm_rig rig;
    (void)unused;
    open_rig(&rig);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mlb_gemm_params params = {.dtype = rows[i].dtype,
                                         .pass = rows[i].pass,
                                         .m = rows[i].m,
                                         .n = rows[i].n,
                                         .k = rows[i].k};
        rig.ctx.device->info.capability = rows[i].capability;
        rig.err = (struct mlb_error){0};
        enum mlb_status status = cublaslt()->check(&params, &rig.ctx, &rig.err);
        if (rows[i].part)
            check_fails(status, MLB_E_UNSUPPORTED, &rig.err, rows[i].part);
        else
            check_ok(status, &rig.err);
    }
    close_gemm_rig(&rig);
}

static void test_the_heuristic_is_the_judge(void **unused)
{
    struct gemm_rig rig;
    struct mlb_gemm_params params = {.dtype = MLB_BF16, .m = 8, .n = 13, .k = 8};
    struct mlb_gemm_state state = {0};
    (void)unused;
    open_rig(&rig);
    check_ok(cublaslt()->check(&params, &rig.ctx, &rig.err), &rig.err);
    enum mlb_status status = cublaslt()->setup(&state, &params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "CUBLAS_STATUS_NOT_SUPPORTED");
    cublaslt()->teardown(&state, &rig.ctx);
    close_gemm_rig(&rig);
}

static void test_memory_and_environment(void **unused)
{
    static const struct {
        const char *name, *value, *part;
    } rows[] = {
        {"NVIDIA_TF32_OVERRIDE", "0", "NVIDIA_TF32_OVERRIDE is set"},
        {"CUBLAS_EMULATE_SINGLE_PRECISION", "1", "CUBLAS_EMULATE_SINGLE_PRECISION is set"},
        {"CUDA_LAUNCH_BLOCKING", "1", "CUDA_LAUNCH_BLOCKING is set"},
        {"CUDA_LAUNCH_BLOCKING", "0", NULL},
    };
    struct gemm_rig rig;
    struct mlb_gemm_params params = {.dtype = MLB_BF16, .m = 8, .n = 8, .k = 8};
    (void)unused;
    open_rig(&rig);
    rig.ctx.memory_bytes = (uint64_t)64 << 20; /* the workspace alone */
    enum mlb_status status = cublaslt()->check(&params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err, "64 MiB are free");
    rig.ctx.memory_bytes <<= 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setenv(rows[i].name, rows[i].value, 1);
        rig.err = (struct mlb_error){0};
        status = cublaslt()->check(&params, &rig.ctx, &rig.err);
        unsetenv(rows[i].name);
        if (rows[i].part)
            check_fails(status, MLB_E_UNSUPPORTED, &rig.err, rows[i].part);
        else
            check_ok(status, &rig.err);
    }
    close_gemm_rig(&rig);
}

/* CUDA 12.4 has no blocks. It says what is there. */
static void test_an_old_library_is_named(void **unused)
{
    struct gemm_rig rig;
    struct mlb_gemm_params params = {.dtype = MLB_GEMM_NVFP4, .m = 16, .n = 16, .k = 32};
    struct fake_cublaslt *seen = fake();
    size_t version = seen->version;
    (void)unused;
    open_rig(&rig);
    seen->version = 120405;
    enum mlb_status status = cublaslt()->check(&params, &rig.ctx, &rig.err);
    check_fails(status, MLB_E_UNSUPPORTED, &rig.err,
                "nvfp4 needs cuBLASLt 12.8 or newer; this is cuBLASLt 12.4.5, which has the types "
                "from f64 to e5m2");
    params.dtype = MLB_E4M3;
    check_ok(cublaslt()->check(&params, &rig.ctx, &rig.err), &rig.err);
    seen->version = version;
    close_gemm_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fake_is_what_is_loaded),
        cmocka_unit_test(test_all_types_and_passes),
        cmocka_unit_test(test_choices_of_a_type),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_a_wrong_byte_of_blocks_is_caught),
        cmocka_unit_test(test_even_batch_is_one_call),
        cmocka_unit_test(test_uneven_batch_is_a_call_each),
        cmocka_unit_test(test_steps_rotate_through_the_sets),
        cmocka_unit_test(test_fastest_that_runs_is_chosen),
        cmocka_unit_test(test_heuristic0_is_what_a_framework_gets),
        cmocka_unit_test(test_what_it_cannot),
        cmocka_unit_test(test_the_heuristic_is_the_judge),
        cmocka_unit_test(test_memory_and_environment),
        cmocka_unit_test(test_an_old_library_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
