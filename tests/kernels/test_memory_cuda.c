/* SPDX-License-Identifier: Apache-2.0 */
/* The ways of a GPU's memory operations over the fake CUDA runtime, where kernels take as long as
 * the test says: which is chosen, and that all of them are tried. No GPU needed. */
#include "kernels/memory/memory_cuda.h"
#include "tests/device/fake_cudart.h"
#include "tests/kernels/case_rig.h"

#define MIB ((uint64_t)1 << 20)

/* Of the test: milliseconds of each way (0: it cannot run here), and how often it ran. */
static struct {
    float ms[MLB_MEMORY_WAYS];
    unsigned runs[MLB_MEMORY_WAYS];
} script;

static bool run_way(enum mlb_memory_way way)
{
    script.runs[way]++;
    fake_cudart.busy_ms += script.ms[way];
    return script.ms[way] > 0.0f;
}

/* Two of the operations are enough here: what each computes is a matter of the GPU's test. */
int mlb_memory_launch(const struct mlb_memory *memory, enum mlb_memory_way way, size_t most_blocks,
                      void *stream)
{
    (void)most_blocks, (void)stream;
    double sum = 0.0;
    if (!run_way(way))
        return 209; /* no kernel image for this device */
    if (memory->a)
        memcpy(memory->a, memory->b, memory->bytes);
    for (size_t i = 0; !memory->a && i < memory->count; i++)
        sum += ((const float *)memory->b)[i];
    if (!memory->a)
        memory->sums[0] = sum;
    return 0;
}

int mlb_memory_launch_bulk(void *to, const void *from, size_t bytes, size_t units, void *stream)
{
    (void)units, (void)stream;
    if (!run_way(MLB_MEMORY_BULK))
        return 209;
    memcpy(to, from, bytes);
    return 0;
}

static const struct mlb_variant *variant_named(const char *name)
{
    const struct mlb_variant *v = mlb_memory.variants;
    while (strcmp(v->name, name) != 0)
        v++;
    return v;
}

static struct mlb_verification run(const char *name, int op, uint32_t capability,
                                   struct mlb_details *details)
{
    const struct mlb_memory_params params = {op, MLB_F32, MIB};
    const struct mlb_variant *variant = variant_named(name);
    struct mlb_memory state = {0};
    struct case_rig rig;
    fake_cudart = (struct fake_cudart){.copy_ms = script.ms[MLB_MEMORY_MEMCPY]};
    open_case_rig(&rig, &mlb_backend_cuda, MLB_DATA_NORMAL);
    rig.ctx.device->info.capability = capability;
    check_ok(variant->check(&params, &rig.ctx, &rig.err), &rig.err);
    check_ok(variant->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
    struct mlb_verification found =
        finish_case(&rig, &mlb_memory, variant, &state, &params, details);
    variant->teardown(&state, &rig.ctx);
    close_case_rig(&rig);
    check_i64(fake_cudart.memory, 0);
    return found;
}

static void test_the_fastest_way_is_taken(void **state)
{
    static const struct {
        /* grid, grid streaming, tiles, tiles streaming, bulk, memcpy */
        float ms[MLB_MEMORY_WAYS];
        int op;
        uint32_t capability;
        const char *way;
        unsigned timed;
    } rows[] = {
        {{2, 3, 4, 5, 6, 7}, MLB_MEMORY_COPY, 90, "grid", 6},
        {{2, 1, 4, 5, 6, 7}, MLB_MEMORY_COPY, 90, "grid_streaming", 6},
        {{2, 3, 4, 5, 1, 7}, MLB_MEMORY_COPY, 90, "bulk", 6},
        {{2, 3, 4, 5, 6, 1}, MLB_MEMORY_COPY, 90, "memcpy", 6},
        {{2, 3, 4, 1, 6, 7}, MLB_MEMORY_COPY, 80, "tiles_streaming", 5},
        {{2, 3, 1, 5, 0, 7}, MLB_MEMORY_COPY, 90, "tiles", 5}, /* bulk cannot run */
        {{2, 1, 0, 0, 0, 0}, MLB_MEMORY_READ, 90, "grid_streaming", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mlb_details details = {0};
        memset(&script, 0, sizeof script);
        memcpy(script.ms, rows[i].ms, sizeof rows[i].ms);
        struct mlb_verification found = run("fastest", rows[i].op, rows[i].capability, &details);
        check_true(mlb_verification_passed(&found));
        check_text(mlb_detail_find(&details, "way")->text, rows[i].way);
        check_close(mlb_detail_find(&details, "ways_timed")->number, rows[i].timed, 0);
        check_close(mlb_detail_find(&details, "grid_ns")->number, 2e6, 1e-6);
        check_true((script.runs[MLB_MEMORY_BULK] > 0) ==
                   (rows[i].op == MLB_MEMORY_COPY && rows[i].capability >= 90));
    }
}

static void test_fixed_ways_are_not_timed(void **state)
{
    struct mlb_details details = {0};
    (void)state;
    memset(&script, 0, sizeof script);
    script.ms[MLB_MEMORY_GRID] = 1;
    struct mlb_verification found = run("grid", MLB_MEMORY_COPY, 90, &details);
    check_true(mlb_verification_passed(&found));
    check_text(mlb_detail_find(&details, "way")->text, "grid");
    check_true(mlb_detail_find(&details, "ways_timed") == NULL);
    check_u64(script.runs[MLB_MEMORY_GRID], 4); /* one verified, three of the rig */
    details = (struct mlb_details){0};
    found = run("memcpy", MLB_MEMORY_COPY, 90, &details);
    check_true(mlb_verification_passed(&found));
    check_text(mlb_detail_find(&details, "way")->text, "memcpy");
    check_u64(script.runs[MLB_MEMORY_GRID], 4);
}

static void test_what_a_way_cannot_do(void **state)
{
    static const struct {
        const char *name;
        int op;
        uint32_t capability;
        const char *text; /* NULL: it can */
    } rows[] = {
        {"tiles", MLB_MEMORY_READ, 90, "tiles cannot do op = read"},
        {"memcpy", MLB_MEMORY_TRIAD, 90, "memcpy cannot do op = triad"},
        {"bulk", MLB_MEMORY_WRITE, 90, "bulk cannot do op = write"},
        {"bulk", MLB_MEMORY_COPY, 80, "bulk needs compute capability 9.0, this GPU has 8.0"},
        {"bulk", MLB_MEMORY_COPY, 100, NULL},
        {"grid", MLB_MEMORY_READ, 80, NULL},
        {"fastest", MLB_MEMORY_READ, 80, NULL},
    };
    struct case_rig rig;
    (void)state;
    fake_cudart = (struct fake_cudart){0};
    open_case_rig(&rig, &mlb_backend_cuda, MLB_DATA_NORMAL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct mlb_memory_params params = {rows[i].op, MLB_F32, MIB};
        rig.ctx.device->info.capability = rows[i].capability;
        enum mlb_status status = variant_named(rows[i].name)->check(&params, &rig.ctx, &rig.err);
        if (rows[i].text)
            check_fails(status, MLB_E_UNSUPPORTED, &rig.err, rows[i].text);
        else
            check_ok(status, &rig.err);
    }
    close_case_rig(&rig);
}

/* Arrays on a GPU are 1 GiB when nobody says otherwise, as far as there is room. */
static void test_automatic_size_on_a_gpu(void **state)
{
    const struct mlb_memory_params params = {MLB_MEMORY_COPY, MLB_F32, 0};
    struct case_rig rig;
    (void)state;
    fake_cudart = (struct fake_cudart){0};
    open_case_rig(&rig, &mlb_backend_cuda, MLB_DATA_NORMAL);
    rig.ctx.cache_bytes = 50 * MIB;
    check_u64(mlb_memory_array_bytes(&params, &rig.ctx), 1024 * MIB);
    rig.ctx.memory_bytes = 4096 * MIB;
    check_u64(mlb_memory_array_bytes(&params, &rig.ctx), 512 * MIB);
    close_case_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_fastest_way_is_taken),
        cmocka_unit_test(test_fixed_ways_are_not_timed),
        cmocka_unit_test(test_what_a_way_cannot_do),
        cmocka_unit_test(test_automatic_size_on_a_gpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
