/* SPDX-License-Identifier: Apache-2.0 */
/* The memory-bound operations as workloads, on the CPU: parameters, labels, bytes; right results at
 * odd sizes in both types, and wrong ones that verification must catch. */
#include "kernels/fused/fused.h"
#include "tests/kernels/case_rig.h"

static const struct mlb_workload *const workloads[] = {
    &mlb_rmsnorm,       &mlb_layernorm, &mlb_rope, &mlb_swiglu,
    &mlb_cross_entropy, &mlb_embedding, &mlb_adamw};

/* Defaults, with "key=value" for what differs; ends with NULL. Resolved. */
static struct mlb_fused_params params_of(const struct mlb_workload *workload,
                                         const char *const *settings)
{
    struct mlb_fused_params params = {0};
    struct mlb_error err = {0};
    char key[32];
    check_ok(mlb_option_defaults(workload->params, &params, &err), &err);
    for (size_t i = 0; settings[i]; i++) {
        const char *value = strchr(settings[i], '=') + 1;
        snprintf(key, sizeof key, "%.*s", (int)(value - 1 - settings[i]), settings[i]);
        check_ok(mlb_option_set(mlb_option_find(workload->params, key), &params, value, &err),
                 &err);
    }
    check_ok(workload->resolve(&params, &err), &err);
    return params;
}
#define PARAMS(workload, ...) params_of(workload, (const char *const[]){__VA_ARGS__, NULL})

static const struct mlb_variant *loops(void)
{
    const struct mlb_variant *variant = mlb_fused_variants;
    while (strcmp(variant->device, "cpu") != 0)
        variant++;
    return variant;
}

static struct mlb_verification verify(struct case_rig *rig, const struct mlb_workload *workload,
                                      const struct mlb_variant *variant,
                                      struct mlb_fused_state *state,
                                      const struct mlb_fused_params *params)
{
    check_ok(variant->setup(state, params, &rig->ctx, &rig->err), &rig->err);
    struct mlb_verification found =
        finish_case(rig, workload, variant, state, params, &(struct mlb_details){0});
    variant->teardown(state, &rig->ctx);
    check_true(state->args == NULL);
    return found;
}

/* -------------------------------------------------------------------------------- labels and bytes
 */

static const struct {
    const struct mlb_workload *workload;
    const char *settings[6];
    const char *label, *formula;
    double bytes;
} counted[] = {
    /* x, y, gamma; rstd */
    {&mlb_rmsnorm,
     {"tokens=8", "hidden=64"},
     "bf16 8x64 fwd",
     "rmsnorm.fwd.2th",
     (2 * 8 * 64 + 64) * 2 + 8 * 4},
    /* x, dy, dx, gamma, dgamma; rstd */
    {&mlb_rmsnorm,
     {"tokens=8", "hidden=64", "pass=bwd"},
     "bf16 8x64 bwd",
     "rmsnorm.bwd.3th",
     (3 * 8 * 64 + 2 * 64) * 2 + 8 * 4},
    {&mlb_layernorm,
     {"tokens=8", "hidden=64", "dtype=f32"},
     "f32 8x64 fwd",
     "layernorm.fwd.2th",
     (2 * 8 * 64 + 2 * 64) * 4 + 2 * 8 * 4},
    {&mlb_layernorm,
     {"tokens=8", "hidden=64", "pass=bwd"},
     "bf16 8x64 bwd",
     "layernorm.bwd.3th",
     (3 * 8 * 64 + 3 * 64) * 2 + 2 * 8 * 4},
    /* queries and keys twice; cos and sin */
    {&mlb_rope,
     {"tokens=8", "sequence=4"},
     "bf16 8x(32+8)x128 fwd",
     "rope.fwd.2tc",
     2 * 8 * 40 * 128 * 2 + 2 * 4 * 64 * 4},
    {&mlb_swiglu, {"tokens=8", "ffn=64"}, "bf16 8x64 fwd", "swiglu.fwd.3tf", 3 * 8 * 64 * 2},
    {&mlb_swiglu,
     {"tokens=8", "ffn=64", "pass=bwd"},
     "bf16 8x64 bwd",
     "swiglu.bwd.5tf",
     5 * 8 * 64 * 2},
    /* logits; target, loss, lse */
    {&mlb_cross_entropy,
     {"tokens=8", "vocab=64"},
     "bf16 8x64 fwd",
     "cross_entropy.fwd.1tv",
     8 * 64 * 2 + 3 * 8 * 4},
    {&mlb_cross_entropy,
     {"tokens=8", "vocab=64", "pass=bwd"},
     "bf16 8x64 bwd",
     "cross_entropy.bwd.2tv",
     2 * 8 * 64 * 2 + 2 * 8 * 4},
    {&mlb_cross_entropy,
     {"tokens=8", "vocab=64", "pass=fwd_bwd"},
     "bf16 8x64 fwd_bwd",
     "cross_entropy.fwd_bwd.2tv",
     2 * 8 * 64 * 2 + 3 * 8 * 4},
    {&mlb_cross_entropy,
     {"tokens=8", "vocab=64", "pass=in_place"},
     "bf16 8x64 in_place",
     "cross_entropy.in_place.2tv",
     2 * 8 * 64 * 2 + 3 * 8 * 4},
    /* gathered rows, y; ids */
    {&mlb_embedding,
     {"tokens=8", "hidden=64", "vocab=100"},
     "bf16 8x64 of 100 fwd",
     "embedding.fwd.2th",
     2 * 8 * 64 * 2 + 8 * 4},
    /* dy, the whole table; the index */
    {&mlb_embedding,
     {"tokens=8", "hidden=64", "vocab=100", "pass=bwd"},
     "bf16 8x64 of 100 bwd",
     "embedding.bwd.th+vh",
     (8 + 100) * 64 * 2 + (8 + 101) * 4},
    {&mlb_adamw, {"count=1000"}, "bf16 1000", "adamw.28p", 28000},
    {&mlb_adamw, {"count=1000", "dtype=f32"}, "f32 1000", "adamw.28p", 28000},
};

static void test_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        struct mlb_fused_params params = params_of(counted[i].workload, counted[i].settings);
        struct mlb_work work = {0};
        char label[96];
        counted[i].workload->label(&params, label, sizeof label);
        check_text(label, counted[i].label);
        counted[i].workload->work(&params, NULL, &work);
        check_text(work.formula, counted[i].formula);
        check_close(work.bytes, counted[i].bytes, 0);
        check_close(work.flop, 0, 0);
    }
}

static void test_defaults_are_llama(void **state)
{
    (void)state;
    static const char *const labels[] = {
        "bf16 8192x4096 fwd",  "bf16 8192x4096 fwd",   "bf16 8192x(32+8)x128 fwd",
        "bf16 8192x14336 fwd", "bf16 4096x128256 fwd", "bf16 8192x4096 of 128256 fwd",
        "bf16 134217728"};
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        struct mlb_fused_params params = params_of(workloads[i], (const char *const[]){NULL});
        char label[96];
        workloads[i]->label(&params, label, sizeof label);
        check_text(label, labels[i]);
    }
}

/* --------------------------------------------------------------------------------------- refusals
 */

static void test_refusals(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_fused_params params = PARAMS(&mlb_rmsnorm, "tokens=8");
    params.dtype = MLB_F16;
    check_fails(mlb_rmsnorm.resolve(&params, &err), MLB_E_CONFIG, &err,
                "dtype = f16: rmsnorm has bf16 and f32");
    params = PARAMS(&mlb_rope, "tokens=8");
    params.head_dim = 33;
    check_fails(mlb_rope.resolve(&params, &err), MLB_E_CONFIG, &err, "head_dim = 33: must be even");

    struct case_rig rig;
    open_case_rig(&rig, &mlb_backend_cpu, MLB_DATA_NORMAL);
    rig.ctx.memory_bytes = 1 << 20;
    params = PARAMS(&mlb_swiglu, "tokens=8");
    check_ok(loops()->check(&params, &rig.ctx, &err), &err);
    params = PARAMS(&mlb_swiglu, "tokens=100");
    check_fails(loops()->check(&params, &rig.ctx, &err), MLB_E_UNSUPPORTED, &err,
                "swiglu needs 8.2 MiB, 1 MiB are free");
    close_case_rig(&rig);
}

/* What the vectors of the kernels for GPUs do not take. */
static void test_gpu_refusals(void **state)
{
    (void)state;
    static const struct {
        const struct mlb_workload *workload;
        const char *settings[6];
        const char *text; /* NULL: taken */
    } table[] = {
        {&mlb_rmsnorm, {"hidden=16384"}, NULL},
        {&mlb_rmsnorm, {"hidden=16384", "pass=bwd"}, NULL},
        {&mlb_rmsnorm, {"hidden=4100"}, "hidden = 4100: the kernel takes multiples of 8 up to"},
        {&mlb_layernorm, {"hidden=16392", "pass=bwd"}, "up to 16384"},
        {&mlb_layernorm, {"hidden=16384", "pass=bwd", "dtype=f32"}, "up to 8192"},
        {&mlb_rope, {"head_dim=24"}, "head_dim = 24: the kernel takes multiples of 16"},
        {&mlb_swiglu, {"ffn=9"}, "ffn = 9: the kernel takes multiples of 8"},
        {&mlb_cross_entropy, {"vocab=50257"}, "vocab = 50257: the kernel takes multiples of 8"},
        {&mlb_embedding, {"hidden=12"}, "hidden = 12: the kernel takes multiples of 8"},
        {&mlb_adamw, {"count=5"}, "count = 5: the kernel takes multiples of 4"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_error err = {0};
        struct mlb_fused_params params = params_of(table[i].workload, table[i].settings);
        enum mlb_status status = mlb_fused_op_of(&params)->cuda_check(&params, &err);
        if (table[i].text)
            check_fails(status, MLB_E_UNSUPPORTED, &err, table[i].text);
        else
            check_ok(status, &err);
    }
}

/* ------------------------------------------------------------------------------- right is accepted
 */

static const struct {
    const struct mlb_workload *workload;
    const char *settings[6];
} sizes[] = {
    {&mlb_rmsnorm, {"tokens=1", "hidden=1"}},
    {&mlb_rmsnorm, {"tokens=7", "hidden=1025"}},
    {&mlb_rmsnorm, {"tokens=50", "hidden=96"}},
    {&mlb_layernorm, {"tokens=1", "hidden=3"}},
    {&mlb_layernorm, {"tokens=9", "hidden=2100"}},
    {&mlb_layernorm, {"tokens=50", "hidden=33"}},
    {&mlb_rope, {"tokens=9", "sequence=4", "heads=3", "kv_heads=1", "head_dim=2"}},
    {&mlb_rope, {"tokens=9", "sequence=100", "heads=3", "kv_heads=2", "head_dim=70"}},
    {&mlb_swiglu, {"tokens=3", "ffn=1"}},
    {&mlb_swiglu, {"tokens=5", "ffn=1057"}},
    {&mlb_cross_entropy, {"tokens=70", "vocab=1"}},
    {&mlb_cross_entropy, {"tokens=70", "vocab=77"}},
    {&mlb_cross_entropy, {"tokens=5", "vocab=3001"}},
    {&mlb_embedding, {"tokens=100", "hidden=7", "vocab=30"}},
    {&mlb_embedding, {"tokens=40", "hidden=1100", "vocab=300"}},
    {&mlb_adamw, {"count=1"}},
    {&mlb_adamw, {"count=5003"}},
};

static void each_size(enum mlb_data data, int threads)
{
    struct case_rig rig;
    open_case_rig(&rig, &mlb_backend_cpu, data);
    rig.ctx.threads = threads;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct mlb_fused_params params = params_of(sizes[i].workload, sizes[i].settings);
        const char *const *passes = mlb_fused_op_of(&params)->passes;
        for (params.pass = 0; passes[params.pass]; params.pass++)
            for (int f32 = 0; f32 < 2; f32++) {
                params.dtype = f32 ? MLB_F32 : MLB_BF16;
                struct mlb_verification found =
                    verify(&rig, sizes[i].workload, loops(), &(struct mlb_fused_state){0}, &params);
                char label[96];
                mlb_fused_label(&params, label, sizeof label);
                if (!mlb_verification_passed(&found))
                    print_error("%s %s: %s\n", sizes[i].workload->name, label, found.first_wrong);
                check_true(mlb_verification_passed(&found));
            }
    }
    close_case_rig(&rig);
}

static void test_every_size_passes(void **state)
{
    (void)state;
    each_size(MLB_DATA_NORMAL, 1);
    each_size(MLB_DATA_UNIFORM, 3);
    each_size(MLB_DATA_INTS, 2);
    each_size(MLB_DATA_ZEROS, 2);
}

/* Rows past the cache's size are sampled, and sets take turns: more than one for a large cache. */
static void test_sampled_rows_and_sets(void **state)
{
    (void)state;
    struct case_rig rig;
    struct mlb_fused_state many = {0};
    open_case_rig(&rig, &mlb_backend_cpu, MLB_DATA_NORMAL);
    struct mlb_fused_params params = PARAMS(&mlb_rmsnorm, "tokens=300000", "hidden=17");
    struct mlb_verification found =
        verify(&rig, &mlb_rmsnorm, loops(), &(struct mlb_fused_state){0}, &params);
    check_true(mlb_verification_passed(&found));
    /* x, y and rstd of every other row or fewer */
    check_true(found.checked < (uint64_t)200000 * 35);
    check_true(found.checked > (uint64_t)100000 * 35);

    rig.ctx.cache_bytes = 1 << 20;
    params = PARAMS(&mlb_swiglu, "tokens=64", "ffn=1024"); /* 384 KiB a step */
    check_ok(loops()->setup(&many, &params, &rig.ctx, &rig.err), &rig.err);
    check_u64(many.sets, 9);
    const void *first = mlb_fused_turn(&many);
    for (int i = 1; i < 9; i++)
        check_true(mlb_fused_turn(&many) != first);
    check_true(mlb_fused_turn(&many) == first);
    loops()->teardown(&many, &rig.ctx);
    params = PARAMS(&mlb_rmsnorm, "tokens=3", "hidden=7"); /* tens of thousands would fit */
    check_ok(loops()->setup(&many, &params, &rig.ctx, &rig.err), &rig.err);
    check_u64(many.sets, 256);
    loops()->teardown(&many, &rig.ctx);
    close_case_rig(&rig);
}

/* --------------------------------------------------------------------------------- wrong is caught
 */

/* What a bad kernel leaves behind: a value of tensor `tensor` is changed after the right step. */
struct fault {
    int tensor;
    size_t element;
    double factor; /* NAN: becomes NaN */
};

/* What a step is given; the fault is for faulty_step. */
struct planted {
    struct mlb_fused_state state;
    struct fault fault;
};

static enum mlb_status faulty_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    const struct planted *planted = memory;
    struct mlb_fused_params params = {.dtype = MLB_F32};
    int tensor = planted->fault.tensor;
    enum mlb_status status = mlb_fused_cpu_step(memory, ctx, err);
    void *at = mlb_fused_pointer(&planted->state, tensor, 0);
    enum mlb_dtype dtype = mlb_fused_dtype(&planted->state.op->tensors[tensor], &params);
    double value = mlb_dtype_load(dtype, at, planted->fault.element) * planted->fault.factor;
    mlb_dtype_store(dtype, at, planted->fault.element, value == 0.0 ? 1e-3 : value);
    return status;
}

static enum mlb_status lazy_step(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    (void)memory, (void)ctx, (void)err;
    return MLB_OK;
}

static int tensor_named(const struct mlb_fused_op *op, const char *name)
{
    int i = 0;
    while (strcmp(op->tensors[i].name, name) != 0)
        i++;
    return i;
}

/* One element of f32, off by a thousandth, in every output of every pass; inputs too. */
static void test_a_wrong_value_is_caught(void **state)
{
    (void)state;
    static const struct {
        const struct mlb_workload *workload;
        const char *settings[6];
        const char *tensor;
        size_t element;
        const char *where;
    } table[] = {
        {&mlb_rmsnorm, {"tokens=5", "hidden=100"}, "y", 310, "y[3][10]: is"},
        {&mlb_rmsnorm, {"tokens=5", "hidden=100"}, "rstd", 4, "rstd[4][0]: is"},
        {&mlb_rmsnorm, {"tokens=5", "hidden=100"}, "x", 499, "x[4][99]: is"},
        {&mlb_rmsnorm, {"tokens=5", "hidden=100", "pass=bwd"}, "dx", 0, "dx[0][0]: is"},
        {&mlb_rmsnorm, {"tokens=5", "hidden=100", "pass=bwd"}, "dgamma", 99, "dgamma[99]: is"},
        {&mlb_layernorm, {"tokens=5", "hidden=100"}, "mean", 1, "mean[1][0]: is"},
        {&mlb_layernorm, {"tokens=5", "hidden=100", "pass=bwd"}, "dbeta", 7, "dbeta[7]: is"},
        {&mlb_rope, {"tokens=5", "sequence=5"}, "qkv", 6143, "qkv[0][6143]: is"},
        {&mlb_rope, {"tokens=5", "sequence=5", "pass=bwd"}, "qkv", 6144, "qkv[1][0]: is"},
        {&mlb_swiglu, {"tokens=5", "ffn=100"}, "y", 100, "y[1][0]: is"},
        {&mlb_swiglu, {"tokens=5", "ffn=100", "pass=bwd"}, "dgate_up", 301, "dgate_up[1][101]"},
        {&mlb_cross_entropy, {"tokens=5", "vocab=100"}, "loss", 2, "loss[2][0]: is"},
        {&mlb_cross_entropy, {"tokens=5", "vocab=100"}, "lse", 2, "lse[2][0]: is"},
        {&mlb_cross_entropy,
         {"tokens=5", "vocab=100", "pass=bwd"},
         "gradient",
         499,
         "gradient[4][99]: is"},
        {&mlb_cross_entropy,
         {"tokens=5", "vocab=100", "pass=in_place"},
         "logits",
         3,
         "logits[0][3]: is"},
        {&mlb_embedding, {"tokens=5", "hidden=100", "vocab=9"}, "y", 123, "y[1][23]: is"},
        {&mlb_embedding,
         {"tokens=5", "hidden=100", "vocab=9", "pass=bwd"},
         "dtable",
         899,
         "dtable[8][99]: is"},
        {&mlb_adamw, {"count=3000"}, "w", 2999, "w[2][951]: is"},
        {&mlb_adamw, {"count=3000"}, "m", 0, "[0][0]: is"},
        {&mlb_adamw, {"count=3000"}, "v", 1024, "[1][0]: is"},
        {&mlb_adamw, {"count=3000"}, "g", 1, "[0][1]: is"},
    };
    struct mlb_variant bad = *loops();
    struct case_rig rig;
    open_case_rig(&rig, &mlb_backend_cpu, MLB_DATA_NORMAL);
    bad.step = faulty_step;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (int nan = 0; nan < 2; nan++) {
            struct mlb_fused_params params = params_of(table[i].workload, table[i].settings);
            params.dtype = MLB_F32;
            struct planted planted = {
                .fault = {tensor_named(mlb_fused_op_of(&params), table[i].tensor), table[i].element,
                          nan ? (double)NAN : 1.001}};
            struct mlb_verification found =
                verify(&rig, table[i].workload, &bad, &planted.state, &params);
            check_true(!mlb_verification_passed(&found));
            check_contains(found.first_wrong, table[i].where);
        }
    close_case_rig(&rig);
}

/* Nothing is done: what was there before does not pass as a result. */
static void test_a_lazy_kernel_is_caught(void **state)
{
    (void)state;
    struct mlb_variant lazy = *loops();
    struct case_rig rig;
    open_case_rig(&rig, &mlb_backend_cpu, MLB_DATA_ZEROS);
    lazy.step = lazy_step;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct mlb_fused_params params = params_of(sizes[i].workload, sizes[i].settings);
        const char *const *passes = mlb_fused_op_of(&params)->passes;
        for (params.pass = 0; passes[params.pass]; params.pass++) {
            struct mlb_verification found =
                verify(&rig, sizes[i].workload, &lazy, &(struct mlb_fused_state){0}, &params);
            check_true(!mlb_verification_passed(&found));
        }
    }
    close_case_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_defaults_are_llama),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_gpu_refusals),
        cmocka_unit_test(test_every_size_passes),
        cmocka_unit_test(test_sampled_rows_and_sets),
        cmocka_unit_test(test_a_wrong_value_is_caught),
        cmocka_unit_test(test_a_lazy_kernel_is_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
