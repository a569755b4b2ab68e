/* SPDX-License-Identifier: Apache-2.0 */
/* Fused attention against sums of doubles: every way of this machine, both dtypes, odd lengths. */
#include "harness/base/rng.h"
#include "kernels/attention/attention_fused.h"
#include "tests/kernels/attention_rig.h"

enum { Q, K, V, GRAD_O, O, GRAD_Q, GRAD_K, GRAD_V, TENSORS };
static const char *const tensor_names[] = {"Q", "K", "V", "dO", "O", "dQ", "dK", "dV"};

struct shape {
    size_t batch, heads, kv_heads, seq, seq_kv, head_dim, head_dim_v;
    bool causal, rows_first; /* [batch, heads, seq, dim], else [batch, seq, heads, dim] */
};

struct tensor {
    size_t rows, heads, width, count;
    void *data;
    double *truth; /* inputs: the values as stored; outputs: what they should be */
};

struct rig {
    struct shape shape;
    enum mlb_dtype dtype;
    struct tensor tensor[TENSORS];
    float *lse;
    double *lse_truth;
    struct mlb_attention_problem problem;
};

static void *grab(size_t count, size_t bytes)
{
    void *memory = calloc(count, bytes);
    check_true(memory != NULL);
    return memory;
}

static size_t place(const struct rig *rig, int which, size_t batch, size_t head, size_t row)
{
    const struct tensor *t = &rig->tensor[which];
    size_t line = rig->shape.rows_first ? (batch * t->heads + head) * t->rows + row
                                        : (batch * t->rows + row) * t->heads + head;
    return line * t->width;
}

static void open_tensor(struct rig *rig, int which)
{
    const struct shape *shape = &rig->shape;
    bool keys = which == K || which == V || which == GRAD_K || which == GRAD_V;
    bool value = which == V || which == GRAD_V || which == O || which == GRAD_O;
    struct tensor *t = &rig->tensor[which];
    t->rows = keys ? shape->seq_kv : shape->seq;
    t->heads = keys ? shape->kv_heads : shape->heads;
    t->width = value ? shape->head_dim_v : shape->head_dim;
    t->count = shape->batch * t->rows * t->heads * t->width;
    t->data = grab(t->count, mlb_dtype_bytes(rig->dtype));
    t->truth = grab(t->count, sizeof *t->truth);
    for (size_t i = 0; which <= GRAD_O && i < t->count; i++) {
        mlb_dtype_store(rig->dtype, t->data, i, (double)mlb_rng_normal(7 + (uint64_t)which, i));
        t->truth[i] = mlb_dtype_load(rig->dtype, t->data, i);
    }
}

static struct mlb_attention_view view_of(const struct rig *rig, int which)
{
    size_t bytes = mlb_dtype_bytes(rig->dtype);
    const struct tensor *t = &rig->tensor[which];
    struct mlb_attention_view view = {.at = t->data,
                                      .batch = t->rows * t->heads * t->width * bytes};
    view.row = (rig->shape.rows_first ? 1 : t->heads) * t->width * bytes;
    view.head = (rig->shape.rows_first ? t->rows : 1) * t->width * bytes;
    return view;
}

static void open_rig(struct rig *rig, const struct shape *shape, enum mlb_dtype dtype)
{
    *rig = (struct rig){.shape = *shape, .dtype = dtype};
    for (int which = 0; which < TENSORS; which++)
        open_tensor(rig, which);
    rig->lse = grab(shape->batch * shape->heads * shape->seq, sizeof *rig->lse);
    rig->lse_truth = grab(shape->batch * shape->heads * shape->seq, sizeof *rig->lse_truth);
    rig->problem = (struct mlb_attention_problem){
        .dtype = dtype,
        .causal = shape->causal,
        .batch = shape->batch,
        .heads = shape->heads,
        .kv_heads = shape->kv_heads,
        .seq = shape->seq,
        .seq_kv = shape->seq_kv,
        .head_dim = shape->head_dim,
        .head_dim_v = shape->head_dim_v,
        .scale = (float)(1.0 / sqrt((double)shape->head_dim)),
        .q = view_of(rig, Q),
        .k = view_of(rig, K),
        .v = view_of(rig, V),
        .o = view_of(rig, O),
        .lse = rig->lse,
        .grad_o = view_of(rig, GRAD_O),
        .grad_q = view_of(rig, GRAD_Q),
        .grad_k = view_of(rig, GRAD_K),
        .grad_v = view_of(rig, GRAD_V),
    };
}

static void close_rig(struct rig *rig)
{
    for (int which = 0; which < TENSORS; which++) {
        free(rig->tensor[which].data);
        free(rig->tensor[which].truth);
    }
    free(rig->lse);
    free(rig->lse_truth);
}

/* ---------------------------------------------------------------------------------------- the
 * truth
 */

static double dot(const double *x, const double *y, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * y[i];
    return sum;
}

static void add(double *to, double factor, const double *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += factor * x[i];
}

static double *truth_at(const struct rig *rig, int which, size_t batch, size_t head, size_t row)
{
    return rig->tensor[which].truth + place(rig, which, batch, head, row);
}

/* One query row: P, O, LSE, then its part of every gradient. p: [seq_kv] */
static void attend(struct rig *rig, size_t batch, size_t head, size_t row, double *p)
{
    const struct shape *shape = &rig->shape;
    size_t d = shape->head_dim, dv = shape->head_dim_v;
    size_t kv_head = head / (shape->heads / shape->kv_heads);
    size_t keys = shape->causal && row + 1 < shape->seq_kv ? row + 1 : shape->seq_kv;
    double scale = 1.0 / sqrt((double)d), sum = 0.0, most = -INFINITY;
    double *q = truth_at(rig, Q, batch, head, row), *o = truth_at(rig, O, batch, head, row);
    double *grad_o = truth_at(rig, GRAD_O, batch, head, row);
    for (size_t j = 0; j < keys; j++) {
        p[j] = scale * dot(q, truth_at(rig, K, batch, kv_head, j), d);
        most = fmax(most, p[j]);
    }
    for (size_t j = 0; j < keys; j++)
        sum += p[j] = exp(p[j] - most);
    for (size_t j = 0; j < keys; j++)
        add(o, p[j] /= sum, truth_at(rig, V, batch, kv_head, j), dv);
    rig->lse_truth[(batch * shape->heads + head) * shape->seq + row] = most + log(sum);
    double delta = dot(grad_o, o, dv);
    for (size_t j = 0; j < keys; j++) {
        double ds = p[j] * (dot(grad_o, truth_at(rig, V, batch, kv_head, j), dv) - delta);
        add(truth_at(rig, GRAD_V, batch, kv_head, j), p[j], grad_o, dv);
        add(truth_at(rig, GRAD_Q, batch, head, row), scale * ds,
            truth_at(rig, K, batch, kv_head, j), d);
        add(truth_at(rig, GRAD_K, batch, kv_head, j), scale * ds, q, d);
    }
}

static void find_truth(struct rig *rig)
{
    const struct shape *shape = &rig->shape;
    double *p = grab(shape->seq_kv, sizeof *p);
    for (size_t batch = 0; batch < shape->batch; batch++)
        for (size_t head = 0; head < shape->heads; head++)
            for (size_t row = 0; row < shape->seq; row++)
                attend(rig, batch, head, row, p);
    free(p);
}

/* --------------------------------------------------------------------------------- against the
 * truth
 */

static void run(const struct rig *rig, const struct mlb_attention_problem *problem,
                const struct mlb_attention_way *way, int threads)
{
    size_t forward = mlb_attention_fused_bytes(problem, way, false, threads);
    size_t backward = mlb_attention_fused_bytes(problem, way, true, threads);
    void *workspace = aligned_alloc(4096, forward);
    check_true(workspace != NULL);
    memset(workspace, 0xff, forward); /* NaN in every f32 */
    memset(rig->lse, 0xff, rig->shape.batch * rig->shape.heads * rig->shape.seq * sizeof(float));
    for (int which = O; which < TENSORS; which++)
        memset(rig->tensor[which].data, 0xff,
               rig->tensor[which].count * mlb_dtype_bytes(rig->dtype));
    mlb_attention_fused_forward(problem, way, workspace, threads);
    free(workspace);
    workspace = aligned_alloc(4096, backward);
    check_true(workspace != NULL);
    memset(workspace, 0xff, backward);
    mlb_attention_fused_backward(problem, way, workspace, threads);
    free(workspace);
}

/* Greatest error, each as a part of the value and the root mean square of all, NaN where there is
 * one. */
static double worst_error(const struct rig *rig, int which)
{
    const struct tensor *t = &rig->tensor[which];
    double square = dot(t->truth, t->truth, t->count), worst = 0.0;
    double usual = fmax(sqrt(square / (double)t->count), 0.01); /* one key: dQ is 0 */
    for (size_t i = 0; i < t->count && !isnan(worst); i++) {
        double error = fabs(mlb_dtype_load(rig->dtype, t->data, i) - t->truth[i]);
        error /= usual + fabs(t->truth[i]);
        worst = error > worst || isnan(error) ? error : worst;
    }
    return worst;
}

static double worst_lse(const struct rig *rig)
{
    double worst = 0.0;
    for (size_t i = 0; i < rig->shape.batch * rig->shape.heads * rig->shape.seq; i++) {
        double error = fabs((double)rig->lse[i] - rig->lse_truth[i]);
        worst = error > worst || isnan(error) ? error : worst;
    }
    return worst;
}

/* bf16: P, dS and the result are rounded (2^-9 each), the former in sums of both signs. f32: 2^-24
 * for each of up to `seq` terms and the exponent, likewise. */
static double allowed(enum mlb_dtype dtype)
{
    return dtype == MLB_BF16 ? 0.03 : 2e-5;
}

/* The first tensor that is wrong, or -1; TENSORS for LSE. */
static int first_wrong(const struct rig *rig)
{
    for (int which = O; which < TENSORS; which++)
        if (!(worst_error(rig, which) <= allowed(rig->dtype)))
            return which;
    return worst_lse(rig) <= 1e-5 ? -1 : TENSORS;
}

static void check_right(const struct rig *rig, const struct mlb_attention_way *way, int threads)
{
    const struct shape *s = &rig->shape;
    int wrong = first_wrong(rig);
    if (wrong < 0)
        return;
    print_error("%s %s b%zu h%zu/%zu s%zu/%zu d%zu/%zu%s, %d threads: %s is off by %g\n",
                mlb_attention_way_name(way), mlb_dtype_name(rig->dtype), s->batch, s->heads,
                s->kv_heads, s->seq, s->seq_kv, s->head_dim, s->head_dim_v,
                s->causal ? " causal" : "", threads, wrong < TENSORS ? tensor_names[wrong] : "LSE",
                wrong < TENSORS ? worst_error(rig, wrong) : worst_lse(rig));
    fail();
}

static const enum mlb_dtype dtypes[] = {MLB_F32, MLB_BF16};

static const struct shape shapes[] = {
    {1, 1, 1, 1, 1, 16, 16, false, true},      {1, 2, 2, 64, 64, 64, 64, true, true},
    {2, 3, 3, 97, 131, 64, 64, false, false},  {1, 2, 2, 131, 131, 64, 64, true, false},
    {1, 4, 2, 203, 203, 128, 128, true, true}, {1, 1, 1, 333, 333, 32, 32, true, false},
    {1, 4, 1, 77, 290, 48, 80, false, false},  {1, 2, 1, 70, 201, 256, 128, true, true},
    {1, 2, 1, 201, 51, 112, 16, true, false},
};

static void test_every_way_is_right(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (size_t d = 0; d < 2; d++) {
            struct rig rig;
            const struct mlb_attention_way *way;
            open_rig(&rig, &shapes[i], dtypes[d]);
            find_truth(&rig);
            for (size_t w = 0; (way = mlb_attention_way(dtypes[d], w)) != NULL; w++)
                for (int threads = 1; threads <= 2; threads++) {
                    run(&rig, &rig.problem, way, threads);
                    check_right(&rig, way, threads);
                }
            check_true(mlb_attention_way(dtypes[d], 0) != NULL);
            close_rig(&rig);
        }
}

/* ------------------------------------------------------------------------------------- what is
 * wrong
 */

static const struct shape small = {1, 4, 2, 131, 131, 64, 64, true, false};

/* The comparison above sees that a problem was solved which is only nearly the one asked for. */
static void test_nearly_right_is_seen(void **unused)
{
    (void)unused;
    for (size_t d = 0; d < 2; d++)
        for (int plant = 0; plant < 5; plant++) {
            struct rig rig;
            open_rig(&rig, &small, dtypes[d]);
            find_truth(&rig);
            struct mlb_attention_problem problem = rig.problem;
            switch (plant) {
            case 0: /* the last key is left out */
                problem.seq_kv--;
                break;
            case 1:
                problem.causal = false;
                break;
            case 2:
                problem.scale *= 1.05f;
                break;
            case 3: /* another head's keys */
                problem.k.head = problem.v.head = 0;
                break;
            case 4: /* a row of V */
                mlb_dtype_store(rig.dtype, rig.tensor[V].data, 64 * 2 * 40, 3.0);
                break;
            }
            run(&rig, &problem, mlb_attention_way(dtypes[d], 0), 1);
            if (first_wrong(&rig) < 0)
                fail_msg("plant %d passes in %s", plant, mlb_dtype_name(dtypes[d]));
            close_rig(&rig);
        }
}

static bool has_nan(const struct rig *rig, int which)
{
    for (size_t i = 0; i < rig->tensor[which].count; i++)
        if (isnan(mlb_dtype_load(rig->dtype, rig->tensor[which].data, i)))
            return true;
    return false;
}

/* NaN in an input is NaN in what is made of it, by every way: it never becomes a number. */
static void test_nan_stays(void **unused)
{
    (void)unused;
    for (size_t d = 0; d < 2; d++)
        for (int which = Q; which <= GRAD_O; which++) {
            struct rig rig;
            const struct mlb_attention_way *way;
            open_rig(&rig, &small, dtypes[d]);
            mlb_dtype_store(rig.dtype, rig.tensor[which].data, place(&rig, which, 0, 1, 70) + 5,
                            (double)NAN);
            for (size_t w = 0; (way = mlb_attention_way(dtypes[d], w)) != NULL; w++) {
                run(&rig, &rig.problem, way, 1);
                check_true(has_nan(&rig, O) == (which != GRAD_O));
                for (int grad = GRAD_Q; grad <= GRAD_K; grad++)
                    check_true(has_nan(&rig, grad));
                check_true(has_nan(&rig, GRAD_V) == (which != V));
            }
            close_rig(&rig);
        }
}

/* ---------------------------------------------------------------------------------------- and more
 */

/* The same bits again. */
static void test_runs_agree(void **unused)
{
    struct rig rig;
    (void)unused;
    open_rig(&rig, &small, MLB_F32);
    const struct mlb_attention_way *way = mlb_attention_way(MLB_F32, 0);
    for (int which = O; which < TENSORS; which++) {
        size_t bytes = rig.tensor[which].count * sizeof(float);
        float *before = grab(1, bytes);
        run(&rig, &rig.problem, way, 2);
        memcpy(before, rig.tensor[which].data, bytes);
        run(&rig, &rig.problem, way, 2);
        check_true(memcmp(before, rig.tensor[which].data, bytes) == 0);
        free(before);
    }
    close_rig(&rig);
}

/* Scores far from zero: no overflow on the way to a result that is there. */
static void test_large_scores(void **unused)
{
    (void)unused;
    for (size_t d = 0; d < 2; d++) {
        struct rig rig;
        const struct mlb_attention_way *way;
        open_rig(&rig, &small, dtypes[d]);
        for (size_t i = 0; i < rig.tensor[Q].count; i++) {
            rig.tensor[Q].truth[i] *= 64.0;
            mlb_dtype_store(rig.dtype, rig.tensor[Q].data, i, rig.tensor[Q].truth[i]);
        }
        find_truth(&rig);
        for (size_t w = 0; (way = mlb_attention_way(dtypes[d], w)) != NULL; w++) {
            run(&rig, &rig.problem, way, 1);
            check_true(worst_error(&rig, O) <= (dtypes[d] == MLB_BF16 ? 0.02 : 1e-3));
            check_true(worst_error(&rig, GRAD_V) <= (dtypes[d] == MLB_BF16 ? 0.03 : 1e-3));
        }
        close_rig(&rig);
    }
}

static void test_what_is_not_supported(void **unused)
{
    struct mlb_attention_problem problem = {.dtype = MLB_F16, .head_dim = 64, .head_dim_v = 64};
    struct mlb_error err = {0};
    (void)unused;
    check_fails(mlb_attention_problem_check(&problem, &err), MLB_E_UNSUPPORTED, &err,
                "f32 and bf16, not f16");
    problem.dtype = MLB_F32;
    check_ok(mlb_attention_problem_check(&problem, &err), &err);
    problem.head_dim = 72;
    check_fails(mlb_attention_problem_check(&problem, &err), MLB_E_UNSUPPORTED, &err,
                "multiple of 16 up to 256, not 72");
    problem.head_dim = 64;
    problem.head_dim_v = 272;
    check_fails(mlb_attention_problem_check(&problem, &err), MLB_E_UNSUPPORTED, &err, "not 272");
}

/* The variant as the harness drives it; its verification is the workload's. */
static void test_the_variant_verifies(void **unused)
{
    static const char *const cases[] = {
        "dtype=f32 seq=131 heads=4 kv_heads=2 head_dim=64",
        "dtype=bf16 seq=131 heads=4 kv_heads=2 head_dim=64 causal=true pass=bwd",
        "dtype=f32 seq=70 seq_kv=99 heads=2 head_dim=48 head_dim_v=32 batch=2 pass=bwd",
        "dtype=bf16 seq=203 heads=2 head_dim=128 layout=bhsd",
    };
    struct attention_rig rig;
    (void)unused;
    open_attention_rig(&rig, MLB_DATA_NORMAL);
    const struct mlb_variant *variant = attention_variant("fused");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mlb_attention_params params = attention_params(cases[i]);
        struct mlb_attention_state state = {0};
        check_ok(variant->check(&params, &rig.ctx, &rig.err), &rig.err);
        struct mlb_verification found = verify_attention(&rig, variant, &state, &params);
        check_true(mlb_verification_passed(&found));
        check_true(found.checked > 0);
    }
    struct mlb_attention_params params = attention_params("dtype=bf16 seq=1M heads=64");
    check_fails(variant->check(&params, &rig.ctx, &rig.err), MLB_E_UNSUPPORTED, &rig.err,
                "are free");
    close_attention_rig(&rig);
}

static void test_details_name_the_instructions(void **unused)
{
    struct attention_rig rig;
    struct mlb_details details = {0};
    struct mlb_attention_state state = {0};
    struct mlb_attention_params params = attention_params("dtype=bf16 seq=64 heads=1 head_dim=32");
    (void)unused;
    open_attention_rig(&rig, MLB_DATA_NORMAL);
    const struct mlb_variant *variant = attention_variant("fused");
    check_ok(variant->setup(&state, &params, &rig.ctx, &rig.err), &rig.err);
    variant->details(&state, &params, &details);
    variant->teardown(&state, &rig.ctx);
    check_text(mlb_detail_find(&details, "instructions")->text,
               mlb_attention_way_name(mlb_attention_way(MLB_BF16, 0)));
    check_true(mlb_detail_find(&details, "workspace_bytes")->number > 0.0);
    close_attention_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way_is_right),
        cmocka_unit_test(test_nearly_right_is_seen),
        cmocka_unit_test(test_nan_stays),
        cmocka_unit_test(test_runs_agree),
        cmocka_unit_test(test_large_scores),
        cmocka_unit_test(test_what_is_not_supported),
        cmocka_unit_test(test_the_variant_verifies),
        cmocka_unit_test(test_details_name_the_instructions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
