/* SPDX-License-Identifier: Apache-2.0 */
/* Our measured path of gemm beside a bare oneDNN loop: same shape, type, threads and data, in turns
 * in one process. Prints the ratio of the rates, ours / bare; below 0.97 is a failure,
 * and no verdict (exit code 77) when the machine is too busy to tell. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/clock.h"
#include "harness/measure/stats.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/onednn_compat.h"

#define LEAST     0.97
#define QUIET     1.3 /* median over best of the bare loop */
#define SKIPPED   77
#define ROUNDS    20u
#define STEPS_MAX 20000u
#define CASE_S    4.0  /* at most, on a machine that is busy with something else */
#define ROUND_S   0.04 /* of each side, so that both see the same weather on a shared machine */

/* --------------------------------------------------------------- the bare side: nothing of ours */

struct bare {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t product;
    struct onednn_layout layout[3]; /* A, B, C */
    dnnl_memory_t memory[3];
    void *data[3];
};

struct type {
    enum mlb_dtype dtype;
    dnnl_data_type_t in, out;
    size_t in_bytes, out_bytes;
};

static const struct type types[] = {
    {MLB_F32, dnnl_f32, dnnl_f32, 4, 4},
    {MLB_BF16, dnnl_bf16, dnnl_bf16, 2, 2},
    {MLB_S8, dnnl_s8, dnnl_s32, 1, 4},
};

static void must(dnnl_status_t code, const char *what)
{
    if (code == dnnl_success)
        return;
    fprintf(stderr, "gemm_peer: bare oneDNN: %s failed with %d\n", what, (int)code);
    exit(2);
}

static void make_operand(struct bare *bare, size_t which, const dnnl_dims_t dims,
                         const dnnl_dims_t strides, dnnl_data_type_t type, size_t bytes)
{
    bare->data[which] = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    must(onednn_layout_strided(&bare->layout[which], 2, dims, type, strides), "layout");
    must(onednn_memory(&bare->memory[which], &bare->layout[which], bare->engine, bare->data[which]),
         "memory");
}

/* y = x W^T: B is stored as (n, k). */
static void open_bare(struct bare *bare, const struct type *type,
                      const struct mlb_gemm_params *shape)
{
    dnnl_dim_t m = (dnnl_dim_t)shape->m, n = (dnnl_dim_t)shape->n, k = (dnnl_dim_t)shape->k;
    const dnnl_dims_t dims[] = {{m, k}, {k, n}, {m, n}}, strides[] = {{k, 1}, {1, k}, {n, 1}};
    dnnl_primitive_desc_t desc;
    *bare = (struct bare){0};
    must(dnnl_engine_create(&bare->engine, dnnl_cpu, 0), "engine");
    must(dnnl_stream_create(&bare->stream, bare->engine, dnnl_stream_default_flags), "stream");
    make_operand(bare, 0, dims[0], strides[0], type->in, shape->m * shape->k * type->in_bytes);
    make_operand(bare, 1, dims[1], strides[1], type->in, shape->k * shape->n * type->in_bytes);
    make_operand(bare, 2, dims[2], strides[2], type->out, shape->m * shape->n * type->out_bytes);
    must(onednn_matmul(&desc, bare->engine, &bare->layout[0], &bare->layout[1], &bare->layout[2],
                       NULL),
         "matmul");
    must(dnnl_primitive_create(&bare->product, desc), "primitive");
    dnnl_primitive_desc_destroy(desc);
}

static void run_bare(const struct bare *bare)
{
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, bare->memory[0]},
                                    {DNNL_ARG_WEIGHTS, bare->memory[1]},
                                    {DNNL_ARG_DST, bare->memory[2]}};
    must(dnnl_primitive_execute(bare->product, bare->stream, 3, args), "execute");
    must(dnnl_stream_wait(bare->stream), "wait");
}

static void close_bare(struct bare *bare)
{
    for (size_t i = 0; i < 3; i++) {
        dnnl_memory_destroy(bare->memory[i]);
        onednn_layout_free(&bare->layout[i]);
        free(bare->data[i]);
    }
    dnnl_primitive_destroy(bare->product);
    dnnl_stream_destroy(bare->stream);
    dnnl_engine_destroy(bare->engine);
}

/* ------------------------------------------------------------------------------------- our side */

struct ours {
    const struct mlb_variant *variant;
    struct mlb_gemm_state state;
    struct mlb_ctx ctx;
    struct mlb_error err;
};

static void expect(struct ours *ours, enum mlb_status status)
{
    if (status == MLB_OK)
        return;
    fprintf(stderr, "gemm_peer: %s\n", ours->err.text);
    exit(2);
}

static void run_ours(struct ours *ours)
{
    expect(ours, ours->variant->step(&ours->state, &ours->ctx, &ours->err));
    expect(ours, mlb_sync(ours->ctx.device, 60.0, &ours->err));
}

static const struct mlb_variant *onednn(void)
{
    const struct mlb_variant *variant = mlb_gemm.variants;
    while (variant->setup != mlb_gemm_onednn_setup)
        variant++;
    return variant;
}

/* -------------------------------------------------------------------------------------- in turns
 */

/* Times of single steps of one side. */
struct times {
    double s[STEPS_MAX];
    size_t count;
};

static void add_time(struct times *times, double began_s)
{
    if (times->count < STEPS_MAX)
        times->s[times->count++] = mlb_clock_s() - began_s;
}

static void time_bare(const struct bare *bare, unsigned steps, struct times *times)
{
    for (unsigned i = 0; i < steps; i++) {
        double began_s = mlb_clock_s();
        run_bare(bare);
        add_time(times, began_s);
    }
}

static void time_ours(struct ours *ours, unsigned steps, struct times *times)
{
    for (unsigned i = 0; i < steps; i++) {
        double began_s = mlb_clock_s();
        run_ours(ours);
        add_time(times, began_s);
    }
}

static double best(const struct times *times)
{
    double least = times->s[0];
    for (size_t i = 1; i < times->count; i++)
        least = times->s[i] < least ? times->s[i] : least;
    return least;
}

/* Who begins changes from round to round. */
static void take_turns(const struct bare *bare, struct ours *ours, struct times *theirs,
                       struct times *mine)
{
    time_ours(ours, 2, mine);
    time_bare(bare, 2, theirs);
    double once_s = best(theirs);
    unsigned steps = once_s < ROUND_S ? (unsigned)(ROUND_S / once_s) : 1u;
    mine->count = theirs->count = 0;
    double end_s = mlb_clock_s() + CASE_S;
    for (unsigned i = 0; i < ROUNDS && (i < 3 || mlb_clock_s() < end_s); i++) {
        if (i % 2)
            time_ours(ours, steps, mine);
        time_bare(bare, steps, theirs);
        if (i % 2 == 0)
            time_ours(ours, steps, mine);
    }
}

enum verdict { GOOD, BUSY, TOO_SLOW };
static const char *const verdicts[] = {"ok", "no verdict: the machine is busy", "TOO SLOW"};

/* By the median; the best step is shown beside it. When the bare loop itself usually takes far
 * longer than it can, something else moves the median, and being behind proves nothing. */
static enum verdict report(const char *label, const struct mlb_work *work,
                           const struct times *theirs, const struct times *mine)
{
    double my_median_s = mlb_median(mine->s, mine->count);
    double by_median = mlb_median(theirs->s, theirs->count) / my_median_s;
    double by_best = best(theirs) / best(mine);
    double spread = mlb_median(theirs->s, theirs->count) / best(theirs);
    enum verdict verdict = by_median >= LEAST ? GOOD : spread > QUIET ? BUSY : TOO_SLOW;
    printf("%-28s median %8.1f  best %8.1f %s/s  ours/bare: median %.3f  best %.3f  %s\n", label,
           1e-9 * work->flop / my_median_s, 1e-9 * work->flop / best(mine),
           work->operations ? "GOP" : "GFLOP", by_median, by_best, verdicts[verdict]);
    return verdict;
}

static enum verdict compare(struct mlb_ctx ctx, const struct type *type,
                            const struct mlb_gemm_params *params)
{
    struct ours ours = {.variant = onednn(), .ctx = ctx};
    struct bare bare;
    struct mlb_work work = {0};
    char label[96];
    static struct times theirs, mine; /* too large for a stack */
    mlb_gemm.label(params, label, sizeof label);
    if (ours.variant->check(params, &ours.ctx, &ours.err) != MLB_OK) {
        printf("%-28s skipped: %s\n", label, ours.err.text);
        return GOOD;
    }
    expect(&ours, ours.variant->setup(&ours.state, params, &ours.ctx, &ours.err));
    open_bare(&bare, type, params);
    mlb_copy(ctx.device, bare.data[0], ours.state.a, params->m * params->k * type->in_bytes,
             MLB_TO_HOST, NULL);
    mlb_copy(ctx.device, bare.data[1], ours.state.b, params->k * params->n * type->in_bytes,
             MLB_TO_HOST, NULL);
    take_turns(&bare, &ours, &theirs, &mine);
    mlb_gemm.work(params, &ctx, &work);
    enum verdict verdict = report(label, &work, &theirs, &mine);
    close_bare(&bare);
    ours.variant->teardown(&ours.state, &ours.ctx);
    return verdict;
}

int main(void)
{
    static const struct mlb_gemm_params shapes[] = {{.m = 1024, .n = 1024, .k = 1024},
                                                    {.m = 256, .n = 4096, .k = 1536}};
    struct mlb_error err = {0};
    struct mlb_comm comm = {.size = 1, .deadline_s = 60.0};
    struct mlb_ctx ctx = {.comm = &comm,
                          .data = MLB_DATA_NORMAL,
                          .seed = 1,
                          .threads = omp_get_max_threads(),
                          .memory_bytes = (uint64_t)1 << 30};
    enum verdict worst = GOOD;
    if (mlb_backend_cpu.open(0, ctx.threads, &ctx.device, &err) != MLB_OK) {
        fprintf(stderr, "gemm_peer: %s\n", err.text);
        return 2;
    }
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            struct mlb_gemm_params params = shapes[i];
            params.dtype = types[t].dtype;
            enum verdict verdict = compare(ctx, &types[t], &params);
            worst = verdict > worst ? verdict : worst;
        }
    mlb_backend_cpu.close(ctx.device);
    return worst == TOO_SLOW ? 1 : worst == BUSY ? SKIPPED : 0;
}
