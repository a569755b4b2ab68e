/* SPDX-License-Identifier: Apache-2.0 */
/* The memory kernels on a real GPU, every element looked at. Skipped where there is none; with
 * MLBENCH_REQUIRE_GPU=1 that is a failure. */
#include "kernels/memory/memory.h"

#include "tests/check.h"

#define SKIPPED 77 /* ctest's code for it */
#define MIB     ((uint64_t)1 << 20)
#define TILE    ((uint64_t)16 << 10) /* bytes of an array that a block takes at a time */

static void verify_on_gpu(const struct mlb_ctx *ctx, const struct mlb_variant *variant,
                          const struct mlb_memory_params *params)
{
    struct mlb_memory state = {0};
    struct mlb_verification found = {0};
    struct mlb_error err = {0};
    if (variant->check(params, ctx, &err) != MLB_OK)
        return; /* some copy only */
    check_ok(variant->setup(&state, params, ctx, &err), &err);
    check_ok(mlb_memory.verify(variant, &state, params, ctx, &found, &err), &err);
    variant->teardown(&state, ctx);
    if (!mlb_verification_passed(&found))
        print_error("%s %s %s, %" PRIu64 " bytes: %s\n", variant->name,
                    mlb_memory_traits[params->op].name, mlb_dtype_name(params->dtype),
                    params->bytes, found.first_wrong);
    check_true(mlb_verification_passed(&found));
    check_true(found.checked >= params->bytes / mlb_dtype_bytes((enum mlb_dtype)params->dtype));
}

static int open_gpu(void **state)
{
    static struct mlb_ctx ctx;
    struct mlb_error err = {0};
    ctx = (struct mlb_ctx){.data = MLB_DATA_NORMAL, .seed = 20, .threads = 4};
    *state = &ctx;
    return mlb_backend_cuda.open(0, 0, &ctx.device, &err) == MLB_OK ? 0 : -1;
}

static int close_gpu(void **state)
{
    struct mlb_ctx *ctx = *state;
    mlb_backend_cuda.close(ctx->device);
    return 0;
}

/* Less than a tile, a tile, a little more, and more than one round of the grid. */
static void every_operation_passes(void **state)
{
    static const uint64_t sizes[] = {64, 3 * 64, TILE, TILE + 64, 200 * MIB + 64};
    for (const struct mlb_variant *v = mlb_memory.variants; v->name; v++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int op = 0; op < MLB_MEMORY_OPS && strcmp(v->device, "cuda") == 0; op++)
                for (int dtype = MLB_F64; dtype <= MLB_F32; dtype++)
                    verify_on_gpu(*state, v, &(struct mlb_memory_params){op, dtype, sizes[i]});
}

static void more_than_four_gigabytes_pass(void **state)
{
    const struct mlb_memory_params params = {MLB_MEMORY_COPY, MLB_F32, 4096 * MIB + 64};
    verify_on_gpu(*state, &mlb_memory.variants[0], &params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_passes),
        cmocka_unit_test(more_than_four_gigabytes_pass),
    };
    const char *required = getenv("MLBENCH_REQUIRE_GPU");
    char why[256] = "";
    int count = 0;
    if (mlb_backend_cuda.count(&count, why, sizeof why, NULL) != MLB_OK || count == 0) {
        printf("no GPU: %s\n", why);
        return required && strcmp(required, "1") == 0 ? 1 : SKIPPED;
    }
    return cmocka_run_group_tests(tests, open_gpu, close_gpu);
}
