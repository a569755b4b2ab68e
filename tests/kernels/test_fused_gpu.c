/* SPDX-License-Identifier: Apache-2.0 */
/* The memory-bound operations on a real GPU: every pass in both types, at small sizes with edges
 * and at Llama 3's. Skipped where there is none; with MLBENCH_REQUIRE_GPU=1 that is a failure. */
#include "kernels/fused/fused.h"
#include "tests/kernels/case_rig.h"

#define SKIPPED 77 /* ctest's code for it */

static const struct mlb_fused_params sizes[] = {
    {.op = MLB_FUSED_RMSNORM, .tokens = 3, .hidden = 8},
    {.op = MLB_FUSED_RMSNORM, .tokens = 5000, .hidden = 4096},
    {.op = MLB_FUSED_RMSNORM, .tokens = 777, .hidden = 8192},
    {.op = MLB_FUSED_LAYERNORM, .tokens = 3, .hidden = 1000},
    {.op = MLB_FUSED_LAYERNORM, .tokens = 5000, .hidden = 8192},
    {.op = MLB_FUSED_ROPE, .tokens = 77, .sequence = 16, .heads = 5, .kv_heads = 2, .head_dim = 48},
    {.op = MLB_FUSED_ROPE,
     .tokens = 4096,
     .sequence = 2048,
     .heads = 32,
     .kv_heads = 8,
     .head_dim = 128},
    {.op = MLB_FUSED_SWIGLU, .tokens = 3, .ffn = 1000},
    {.op = MLB_FUSED_SWIGLU, .tokens = 4096, .ffn = 14336},
    {.op = MLB_FUSED_CROSS_ENTROPY, .tokens = 100, .vocab = 8},
    {.op = MLB_FUSED_CROSS_ENTROPY, .tokens = 1000, .vocab = 128256},
    {.op = MLB_FUSED_EMBEDDING, .tokens = 100, .hidden = 8, .vocab = 30},
    {.op = MLB_FUSED_EMBEDDING, .tokens = 8192, .hidden = 4096, .vocab = 128256},
    {.op = MLB_FUSED_ADAMW, .count = 4},
    {.op = MLB_FUSED_ADAMW, .count = 50000004},
};

static const struct mlb_workload *workload_of(int op)
{
    static const struct mlb_workload *const all[MLB_FUSED_COUNT] = {
        [MLB_FUSED_RMSNORM] = &mlb_rmsnorm,
        [MLB_FUSED_LAYERNORM] = &mlb_layernorm,
        [MLB_FUSED_ROPE] = &mlb_rope,
        [MLB_FUSED_SWIGLU] = &mlb_swiglu,
        [MLB_FUSED_CROSS_ENTROPY] = &mlb_cross_entropy,
        [MLB_FUSED_EMBEDDING] = &mlb_embedding,
        [MLB_FUSED_ADAMW] = &mlb_adamw,
    };
    return all[op];
}

static void every_pass_is_right(void **state)
{
    struct case_rig rig;
    struct mlb_details details = {0};
    (void)state;
    open_case_rig(&rig, &mlb_backend_cuda, MLB_DATA_NORMAL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct mlb_fused_params params = sizes[i];
        const char *const *passes = mlb_fused_op_of(&params)->passes;
        for (params.pass = 0; passes[params.pass]; params.pass++)
            for (int f32 = 0; f32 < 2; f32++) {
                params.dtype = f32 ? MLB_F32 : MLB_BF16;
                check_case(&rig, workload_of(params.op), &params, &details);
            }
    }
    close_case_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_pass_is_right)};
    const char *required = getenv("MLBENCH_REQUIRE_GPU");
    char why[256] = "";
    int count = 0;
    if (mlb_backend_cuda.count(&count, why, sizeof why, NULL) != MLB_OK || count == 0) {
        printf("no GPU: %s\n", why);
        return required && strcmp(required, "1") == 0 ? 1 : SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
