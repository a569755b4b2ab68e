/* SPDX-License-Identifier: Apache-2.0 */
/* What attention's verification accepts and what it catches: right results of plain, spoilt. */
#include <math.h>

#include "tests/kernels/attention_rig.h"

/* Plain attention with one thing that may be wrong about it. */
struct job {
    struct mlb_attention_state attention; /* first: the hooks see a mlb_attention_state */
    int tensor;                           /* that is spoilt, when `factor` is not 1 or 0 is added */
    uint64_t first, count;                /* elements of it */
    double factor, added;                 /* value x factor + added */
    bool causal_ignored, does_nothing;
};

static enum mlb_status set_up(void *memory, const void *values, const struct mlb_ctx *ctx,
                              struct mlb_error *err)
{
    return mlb_attention_plain_setup(memory, values, ctx, err);
}

static void spoil(struct job *job)
{
    struct mlb_attention_shape shape =
        mlb_attention_shape(&job->attention.params, (enum mlb_attention_tensor)job->tensor);
    void *data = job->attention.tensor[job->tensor];
    for (uint64_t i = job->first; i < job->first + job->count && i < shape.count; i++)
        mlb_dtype_store(shape.dtype, data, i,
                        job->factor * mlb_dtype_load(shape.dtype, data, i) + job->added);
}

static enum mlb_status run_job(void *memory, const struct mlb_ctx *ctx, struct mlb_error *err)
{
    struct job *job = memory;
    bool causal = job->attention.params.causal;
    if (job->does_nothing)
        return MLB_OK;
    job->attention.params.causal = causal && !job->causal_ignored;
    enum mlb_status status = mlb_attention_plain_step(memory, ctx, err);
    job->attention.params.causal = causal;
    if (job->count)
        spoil(job);
    return status;
}

static const struct mlb_variant job_variant = {.name = "job",
                                               .device = "cpu",
                                               .setup = set_up,
                                               .step = run_job,
                                               .teardown = mlb_attention_plain_teardown};

static struct mlb_verification outcome(enum mlb_data data, const struct job *as, const char *texts)
{
    struct attention_rig rig;
    struct job job = *as;
    struct mlb_attention_params params = attention_params(texts);
    open_attention_rig(&rig, data);
    rig.ctx.threads = 1; /* of many small cases, threads would mostly wait */
    struct mlb_verification found = verify_attention(&rig, &job_variant, &job, &params);
    close_attention_rig(&rig);
    return found;
}

static void refuse(const char *what, const struct job *job, const char *texts, const char *where)
{
    struct mlb_verification found = outcome(MLB_DATA_NORMAL, job, texts);
    if (mlb_verification_passed(&found))
        fail_msg("%s: not seen in %s", what, texts);
    if (!strstr(found.first_wrong, where))
        fail_msg("%s: '%s' is not in '%s'", what, where, found.first_wrong);
}

/* Odd sizes, groups, both layouts, both passes. */
static const char *const cases[] = {
    "seq=1 heads=1 head_dim=8",
    "seq=65 heads=2 head_dim=16 batch=2",
    "seq=65 heads=4 kv_heads=2 head_dim=16 causal=true",
    "seq=33 seq_kv=70 heads=2 head_dim=24 head_dim_v=16",
    "seq=40 heads=4 kv_heads=1 head_dim=16 causal=true layout=bhsd batch=2",
};

static void test_right_results_pass(void **unused)
{
    static const char *const types[] = {"f32", "bf16", "f16", "e4m3"};
    static const enum mlb_data kinds[] = {MLB_DATA_NORMAL, MLB_DATA_UNIFORM, MLB_DATA_INTS,
                                          MLB_DATA_ZEROS};
    char texts[160];
    (void)unused;
    for (size_t i = 0; i < 5 * 4 * 4 * 2; i++) {
        size_t c = i % 5, t = i / 5 % 4, d = i / 20 % 4;
        snprintf(texts, sizeof texts, "%s dtype=%s pass=%s", cases[c], types[t],
                 i / 80 ? "bwd" : "fwd");
        struct job job = {0};
        struct mlb_verification found = outcome(kinds[d], &job, texts);
        struct mlb_attention_params params = attention_params(texts);
        check_attention_verified(&found, &params);
    }
}

/* Large enough to be sampled; rows and heads both. */
#define LARGE "seq=192 heads=4 kv_heads=2 head_dim=32 causal=true"

static void test_large_cases_are_sampled(void **unused)
{
    (void)unused;
    for (int pass = 0; pass < 2; pass++) {
        const char *texts = pass ? LARGE " pass=bwd" : LARGE;
        struct job job = {0};
        struct mlb_verification found = outcome(MLB_DATA_NORMAL, &job, texts);
        struct mlb_attention_params params = attention_params(texts);
        check_attention_verified(&found, &params);
        check_true(strstr(found.method, "sampled rows") != NULL);
        /* far fewer than there are, and some of every output */
        check_true(found.checked < 192 * 4 * 32 / 4);
        check_true(found.checked > 500);
    }
}

static const struct {
    int tensor;
    const char *pass, *where;
} outputs[] = {
    {MLB_ATTENTION_O, "fwd", "O["},   {MLB_ATTENTION_LSE, "fwd", "LSE["},
    {MLB_ATTENTION_DQ, "bwd", "dQ["}, {MLB_ATTENTION_DK, "bwd", "dK["},
    {MLB_ATTENTION_DV, "bwd", "dV["},
};
#define OUTPUTS (sizeof outputs / sizeof outputs[0])

static const char *with_pass(char *to, size_t size, const char *texts, const char *pass)
{
    snprintf(to, size, "%s pass=%s", texts, pass);
    return to;
}

/* Every element of a small case is looked at: one that is off by 3 % of a typical value, with a
 * type as coarse as bf16, or by 1e-4 in f32. */
static void test_one_wrong_element_is_caught(void **unused)
{
    char texts[160];
    (void)unused;
    for (size_t i = 0; i < OUTPUTS; i++) {
        struct job job = {.tensor = outputs[i].tensor, .first = 37, .count = 1, .factor = 1.0};
        job.added = 0.25;
        refuse("one element", &job,
               with_pass(texts, sizeof texts, "seq=24 heads=2 head_dim=16", outputs[i].pass),
               outputs[i].where);
        job.added = 1e-4;
        refuse(
            "one element in f32", &job,
            with_pass(texts, sizeof texts, "dtype=f32 seq=24 heads=2 head_dim=16", outputs[i].pass),
            outputs[i].where);
    }
}

/* A NaN in an element that no sample would meet. */
static void test_nan_anywhere_is_caught(void **unused)
{
    char texts[160];
    (void)unused;
    for (size_t i = 0; i < OUTPUTS; i++)
        for (uint64_t at = 0; at < 700; at += 233) {
            struct job job = {.tensor = outputs[i].tensor, .first = at, .count = 1, .factor = 1.0};
            job.added = i % 2 ? (double)INFINITY : (double)NAN;
            refuse("NaN", &job, with_pass(texts, sizeof texts, LARGE, outputs[i].pass),
                   outputs[i].where);
        }
}

static void test_wrong_rows_are_caught(void **unused)
{
    char texts[160];
    (void)unused;
    for (size_t i = 0; i < OUTPUTS; i++) {
        /* all elements of a large case a little too large */
        struct job job = {
            .tensor = outputs[i].tensor, .count = UINT64_MAX / 2, .factor = 1.05, .added = 0.0};
        refuse("5 % too large", &job, with_pass(texts, sizeof texts, LARGE, outputs[i].pass),
               outputs[i].where);
    }
}

static void test_untouched_results_are_caught(void **unused)
{
    struct job job = {.does_nothing = true};
    (void)unused;
    refuse("O not written", &job, LARGE, "O[batch 0][head 0][row 0][0]: is ");
    refuse("dQ not written", &job, LARGE " pass=bwd", "dQ[batch 0][head 0][row 0][0]: is ");
}

static void test_forgotten_mask_is_caught(void **unused)
{
    struct job job = {.causal_ignored = true};
    (void)unused;
    refuse("no mask", &job, LARGE, "O[");
    refuse("no mask", &job, LARGE " pass=bwd", "dQ[");
}

/* With zeros as data, what is verified is another run on numbers. */
static void test_zeros_do_not_hide_faults(void **unused)
{
    struct job job = {.causal_ignored = true};
    (void)unused;
    struct mlb_verification found =
        outcome(MLB_DATA_ZEROS, &job, "seq=48 heads=2 head_dim=16 causal=true");
    check_true(!mlb_verification_passed(&found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_results_pass),
        cmocka_unit_test(test_large_cases_are_sampled),
        cmocka_unit_test(test_one_wrong_element_is_caught),
        cmocka_unit_test(test_nan_anywhere_is_caught),
        cmocka_unit_test(test_wrong_rows_are_caught),
        cmocka_unit_test(test_untouched_results_are_caught),
        cmocka_unit_test(test_forgotten_mask_is_caught),
        cmocka_unit_test(test_zeros_do_not_hide_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
