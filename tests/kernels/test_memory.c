/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/base/units.h"
#include "kernels/memory/memory.h"

#define MIB ((uint64_t)1 << 20)

/* -------------------------------------------------------------------------------------- a test rig
 */

struct rig {
    struct mlb_backend far_backend;
    struct mlb_device *device;
    struct mlb_ctx ctx;
    struct mlb_memory state;
    struct mlb_error err;
};

/* `is_far`: the CPU under another name, so that verification goes by copies in windows, as for a
 * GPU. */
static void open_rig(struct rig *rig, int threads, enum mlb_data data, bool is_far)
{
    *rig = (struct rig){0};
    check_ok(mlb_backend_cpu.open(0, threads, &rig->device, &rig->err), &rig->err);
    rig->far_backend = mlb_backend_cpu;
    rig->far_backend.kind = "far";
    if (is_far)
        rig->device->backend = &rig->far_backend;
    rig->ctx = (struct mlb_ctx){
        .device = rig->device, .data = data, .seed = 20, .threads = threads, .memory_bytes = 0};
}

static void close_rig(struct rig *rig)
{
    mlb_memory_teardown(&rig->state, &rig->ctx);
    mlb_backend_cpu.close(rig->device);
}

static const struct mlb_variant *variant_named(const char *name)
{
    for (const struct mlb_variant *v = mlb_memory.variants; v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    fail_msg("no variant %s", name);
    return NULL;
}

static struct mlb_verification verify(struct rig *rig, const struct mlb_variant *variant,
                                      const struct mlb_memory_params *params)
{
    struct mlb_verification found = {0};
    check_ok(variant->setup(&rig->state, params, &rig->ctx, &rig->err), &rig->err);
    check_ok(mlb_memory.verify(variant, &rig->state, params, &rig->ctx, &found, &rig->err),
             &rig->err);
    mlb_memory_teardown(&rig->state, &rig->ctx);
    return found;
}

/* ------------------------------------------------------------------------------- right is accepted
 */

static void each_case(const char *name, enum mlb_data data, int threads, bool is_far,
                      uint64_t bytes)
{
    const struct mlb_variant *variant = variant_named(name);
    struct rig rig;
    open_rig(&rig, threads, data, is_far);
    for (int op = 0; op < MLB_MEMORY_OPS; op++)
        for (int dtype = MLB_F64; dtype <= MLB_F32; dtype++) {
            struct mlb_memory_params params = {op, dtype, bytes};
            if (variant->check(&params, &rig.ctx, &rig.err) != MLB_OK)
                continue;
            struct mlb_verification found = verify(&rig, variant, &params);
            if (!mlb_verification_passed(&found))
                print_error("%s %s: %s\n", name, mlb_memory_traits[op].name, found.first_wrong);
            check_true(mlb_verification_passed(&found));
            check_true(found.checked >= bytes / mlb_dtype_bytes((enum mlb_dtype)dtype));
            check_close(found.worst_ratio, 0.0, 0.0);
        }
    close_rig(&rig);
}

static void test_every_operation_passes(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {64, 3 * 64, MIB + 64};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int threads = 1; threads <= 3; threads += 2) {
            each_case("stores", MLB_DATA_NORMAL, threads, false, sizes[i]);
            each_case("nontemporal", MLB_DATA_NORMAL, threads, false, sizes[i]);
        }
    for (int data = MLB_DATA_NORMAL; data <= MLB_DATA_ZEROS; data++) {
        each_case("stores", (enum mlb_data)data, 2, false, 64 * 1024);
        each_case("nontemporal", (enum mlb_data)data, 2, false, 64 * 1024);
    }
}

static void test_windows_pass(void **state)
{
    (void)state;
    each_case("stores", MLB_DATA_NORMAL, 2, true, 64);
    each_case("stores", MLB_DATA_UNIFORM, 2, true, 17 * MIB + 192);
}

/* --------------------------------------------------------------------------------- wrong is caught
 */

static enum mlb_status honest(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    return mlb_memory_cpu_step(state, ctx, err);
}

static enum mlb_status lazy(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    (void)state;
    (void)ctx;
    (void)err;
    return MLB_OK;
}

static enum mlb_status without_last_line(void *state, const struct mlb_ctx *ctx,
                                         struct mlb_error *err)
{
    struct mlb_memory shorter = *(struct mlb_memory *)state;
    shorter.bytes -= MLB_MEMORY_LINE;
    return mlb_memory_cpu_step(&shorter, ctx, err);
}

static enum mlb_status off_by_an_ulp(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_memory *memory = state;
    enum mlb_status status = mlb_memory_cpu_step(state, ctx, err);
    double *result = memory->a ? (double *)memory->a + 5001 : memory->sums;
    *result = nextafter(*result, INFINITY);
    return status;
}

static enum mlb_status shifted(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_memory *memory = state;
    enum mlb_status status = mlb_memory_cpu_step(state, ctx, err);
    memmove(memory->a, (double *)memory->a + 1, memory->bytes - sizeof(double));
    return status;
}

static enum mlb_status spoils_inputs(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_memory *memory = state;
    for (size_t i = 0; i < memory->count; i++)
        ((double *)memory->b)[i] += 1.0;
    return mlb_memory_cpu_step(state, ctx, err);
}

static void test_wrong_results_are_caught(void **state)
{
    (void)state;
    static const struct {
        enum mlb_status (*step)(void *, const struct mlb_ctx *, struct mlb_error *);
        enum mlb_memory_op op;
        enum mlb_data data;
        uint64_t wrong; /* 0: right; 1 and more: that many; UINT64_MAX: some */
        const char *text;
    } table[] = {
        {honest, MLB_MEMORY_TRIAD, MLB_DATA_NORMAL, 0, ""},
        {lazy, MLB_MEMORY_WRITE, MLB_DATA_NORMAL, 3 * MIB / 8, "a[0]: is not write of the inputs"},
        {lazy, MLB_MEMORY_READ, MLB_DATA_NORMAL, 1, "sum of b[0..393216]: is 0"},
        {lazy, MLB_MEMORY_COPY, MLB_DATA_ZEROS, 3 * MIB / 8, "a[0]: is not copy"},
        {without_last_line, MLB_MEMORY_COPY, MLB_DATA_NORMAL, 8, "a[393208]: is not copy"},
        {without_last_line, MLB_MEMORY_TRIAD, MLB_DATA_NORMAL, 8, "a[393208]: is not triad"},
        {without_last_line, MLB_MEMORY_READ, MLB_DATA_NORMAL, 1, "sum of b"},
        {off_by_an_ulp, MLB_MEMORY_SCALE, MLB_DATA_NORMAL, 1, "a[5001]: is not scale"},
        {off_by_an_ulp, MLB_MEMORY_ADD, MLB_DATA_NORMAL, 1, "a[5001]: is not add"},
        {off_by_an_ulp, MLB_MEMORY_TRIAD, MLB_DATA_NORMAL, 1, "a[5001]: is not triad"},
        {off_by_an_ulp, MLB_MEMORY_READ, MLB_DATA_NORMAL, 1, "sum of b"},
        {shifted, MLB_MEMORY_COPY, MLB_DATA_NORMAL, UINT64_MAX, "is not copy"},
        {spoils_inputs, MLB_MEMORY_SCALE, MLB_DATA_NORMAL, UINT64_MAX, "b["},
        {spoils_inputs, MLB_MEMORY_READ, MLB_DATA_NORMAL, UINT64_MAX, "b["},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_variant bad = *variant_named("stores");
        struct mlb_memory_params params = {(int)table[i].op, MLB_F64, 3 * MIB};
        struct rig rig;
        bad.step = table[i].step;
        open_rig(&rig, 2, table[i].data, i % 2 == 1); /* both ways of looking */
        struct mlb_verification found = verify(&rig, &bad, &params);
        check_true(mlb_verification_passed(&found) == (table[i].wrong == 0));
        if (table[i].wrong != UINT64_MAX)
            check_u64(found.wrong, table[i].wrong);
        check_contains(found.first_wrong, table[i].text);
        close_rig(&rig);
    }
}

/* A triad may be fused or not: both roundings are right, a third is not. */
static enum mlb_status fused(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_memory *memory = state;
    float *a = memory->a;
    const float *b = memory->b, *c = memory->c;
    (void)ctx;
    (void)err;
    for (size_t i = 0; i < memory->count; i++)
        a[i] = fmaf((float)MLB_MEMORY_SCALAR, c[i], b[i]);
    return MLB_OK;
}

static enum mlb_status unfused(void *state, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct mlb_memory *memory = state;
    float *a = memory->a;
    const float *b = memory->b, *c = memory->c;
    (void)ctx;
    (void)err;
    for (size_t i = 0; i < memory->count; i++) {
        volatile float product = (float)MLB_MEMORY_SCALAR * c[i];
        a[i] = b[i] + product;
    }
    return MLB_OK;
}

static void test_triad_fused_or_not(void **state)
{
    (void)state;
    struct mlb_memory_params params = {MLB_MEMORY_TRIAD, MLB_F32, MIB};
    struct mlb_variant variant = *variant_named("stores");
    struct rig rig;
    open_rig(&rig, 1, MLB_DATA_UNIFORM, false);
    variant.step = fused;
    struct mlb_verification found = verify(&rig, &variant, &params);
    check_true(mlb_verification_passed(&found));
    variant.step = unfused;
    found = verify(&rig, &variant, &params);
    check_true(mlb_verification_passed(&found));
    close_rig(&rig);
}

/* ------------------------------------------------------------------------------------- sizes,
 * names */

static void test_work_counts_as_stream(void **state)
{
    (void)state;
    static const struct {
        enum mlb_memory_op op;
        const char *formula;
        double arrays;
    } table[] = {
        {MLB_MEMORY_COPY, "stream.copy.2n", 2}, {MLB_MEMORY_SCALE, "stream.scale.2n", 2},
        {MLB_MEMORY_ADD, "stream.add.3n", 3},   {MLB_MEMORY_TRIAD, "stream.triad.3n", 3},
        {MLB_MEMORY_READ, "stream.read.1n", 1}, {MLB_MEMORY_WRITE, "stream.write.1n", 1},
    };
    struct mlb_ctx ctx = {0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_memory_params params = {(int)table[i].op, MLB_F32, 4096};
        struct mlb_work work = {0};
        mlb_memory.work(&params, &ctx, &work);
        check_text(work.formula, table[i].formula);
        check_close(work.bytes, table[i].arrays * 4096, 0);
        check_close(work.flop, 0, 0);
    }
}

static void test_automatic_size(void **state)
{
    (void)state;
    static const struct {
        uint64_t cache, memory;
        enum mlb_memory_op op;
        uint64_t bytes;
        const char *label;
    } table[] = {
        {240 * MIB, 0, MLB_MEMORY_TRIAD, 960 * MIB, "triad f64 3x960 MiB (4.0x cache)"},
        {480 * MIB, 0, MLB_MEMORY_TRIAD, 1024 * MIB, "triad f64 3x1 GiB (2.1x cache)"},
        {32 * MIB, 0, MLB_MEMORY_COPY, 256 * MIB, "copy f64 2x256 MiB (8.0x cache)"},
        {0, 0, MLB_MEMORY_READ, 256 * MIB, "read f64 1x256 MiB"},
        {100 * MIB + 1, 0, MLB_MEMORY_WRITE, 401 * MIB, "write f64 1x401 MiB (4.0x cache)"},
        /* a quarter of 3 GiB over three arrays is 256 MiB */
        {240 * MIB, 3072 * MIB, MLB_MEMORY_ADD, 256 * MIB, "add f64 3x256 MiB (1.1x cache)"},
        {240 * MIB, 3072 * MIB - 1, MLB_MEMORY_ADD, 128 * MIB, "add f64 3x128 MiB (0.5x cache)"},
        {240 * MIB, 1, MLB_MEMORY_ADD, 64, "add f64 3x64 B (0.0x cache)"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_memory_params params = {(int)table[i].op, MLB_F64, 0};
        struct mlb_ctx ctx = {.cache_bytes = table[i].cache, .memory_bytes = table[i].memory};
        char label[96];
        check_u64(mlb_memory_array_bytes(&params, &ctx), table[i].bytes);
        mlb_memory.label_here(&params, &ctx, label, sizeof label);
        check_text(label, table[i].label);
    }
}

static void test_label_before_the_machine_is_known(void **state)
{
    (void)state;
    struct mlb_memory_params params = {MLB_MEMORY_TRIAD, MLB_F32, 0};
    char label[96];
    mlb_memory.label(&params, label, sizeof label);
    check_text(label, "triad f32 auto");
    params.bytes = 64 * MIB;
    mlb_memory.label(&params, label, sizeof label);
    check_text(label, "triad f32 3x64 MiB");
}

static void test_refusals(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_memory_params params = {MLB_MEMORY_TRIAD, MLB_F64, 1000};
    check_fails(mlb_memory.resolve(&params, &err), MLB_E_CONFIG, &err,
                "bytes = 1000: must be a multiple of 64");
    params.bytes = 0;
    check_ok(mlb_memory.resolve(&params, &err), &err);

    struct mlb_ctx ctx = {.memory_bytes = 1024 * MIB};
    params.bytes = 512 * MIB;
    check_fails(variant_named("stores")->check(&params, &ctx, &err), MLB_E_UNSUPPORTED, &err,
                "needs 3 x 512 MiB, 1 GiB are free");
    params.bytes = UINT64_MAX - 63;
    check_fails(variant_named("stores")->check(&params, &ctx, &err), MLB_E_UNSUPPORTED, &err,
                "needs 3 x ");
    params = (struct mlb_memory_params){MLB_MEMORY_READ, MLB_F64, 4096};
    check_true(variant_named("nontemporal")->check(&params, &ctx, &err) == MLB_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_passes),
        cmocka_unit_test(test_windows_pass),
        cmocka_unit_test(test_wrong_results_are_caught),
        cmocka_unit_test(test_triad_fused_or_not),
        cmocka_unit_test(test_work_counts_as_stream),
        cmocka_unit_test(test_automatic_size),
        cmocka_unit_test(test_label_before_the_machine_is_known),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
