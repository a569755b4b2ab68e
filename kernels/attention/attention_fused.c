/* SPDX-License-Identifier: Apache-2.0 */
/* Fused attention on the CPU: which instruction set, the workspace, and items over threads. */
#include "kernels/attention/attention_fused.h"

#include <math.h>
#include <omp.h>

#include "kernels/attention/attention_simd.h"

/* Best first. */
static const struct mlb_attention_way *const ways[] = {
#if defined(__x86_64__)
    &mlb_attention_simd_avx512_bf16,
    &mlb_attention_simd_avx512,
    &mlb_attention_simd_avx2,
#endif
    &mlb_attention_simd_plain,
};

const char *mlb_attention_way_name(const struct mlb_attention_way *way)
{
    return way->name;
}

const struct mlb_attention_way *mlb_attention_way(enum mlb_dtype dtype, size_t index)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        bool fits = ways[i]->only == MLB_DTYPE_COUNT || ways[i]->only == dtype;
        if (fits && ways[i]->usable() && index-- == 0)
            return ways[i];
    }
    return NULL;
}

enum mlb_status mlb_attention_problem_check(const struct mlb_attention_problem *problem,
                                            struct mlb_error *err)
{
    const size_t dims[] = {problem->head_dim, problem->head_dim_v};
    if (problem->dtype != MLB_F32 && problem->dtype != MLB_BF16)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "fused attention is for f32 and bf16, not %s",
                        mlb_dtype_name(problem->dtype));
    for (size_t i = 0; i < 2; i++)
        if (dims[i] == 0 || dims[i] % MLB_ATTENTION_FUSED_UNIT ||
            dims[i] > MLB_ATTENTION_FUSED_WIDTH)
            return mlb_fail(err, MLB_E_UNSUPPORTED,
                            "fused attention wants a head dim that is a multiple of %u up to %u, "
                            "not %zu",
                            MLB_ATTENTION_FUSED_UNIT, MLB_ATTENTION_FUSED_WIDTH, dims[i]);
    return MLB_OK;
}

/* ------------------------------------------------------------------------------------------- plan
 */

static size_t up(size_t x, size_t unit)
{
    return (x + unit - 1) / unit;
}

/* Query rows that share a visit of a key block. */
#define GROUP_ROWS 128u

/* Fewer when threads would have nothing to do otherwise; only where items are groups. */
static size_t group_of(const struct mlb_attention_plan *plan, const struct mlb_attention_way *way,
                       int threads)
{
    size_t matrices = plan->problem.batch * plan->problem.heads;
    size_t group = GROUP_ROWS / way->width;
    while (!plan->backward && group > 1 && matrices * up(plan->panels, group) < 4 * (size_t)threads)
        group /= 2;
    return group;
}

/* Enough that every thread has the same number of items, or several so that the rest is small. More
 * would cost memory: each chunk has a dQ of its own. */
static size_t chunks_of(const struct mlb_attention_plan *plan, int threads)
{
    size_t matrices = plan->problem.batch * plan->problem.kv_heads, chunks = 1;
    while (chunks < plan->blocks && matrices * chunks % (size_t)threads != 0 &&
           matrices * chunks < 4 * (size_t)threads)
        chunks++;
    return chunks;
}

size_t mlb_attention_chunk_begin(const struct mlb_attention_plan *plan, size_t chunk)
{
    if (!plan->problem.causal)
        return plan->blocks * chunk / plan->chunks;
    /* A triangle: the share x of the keys has 1 - (1 - x)^2 of the work. */
    double share = (double)chunk / (double)plan->chunks;
    return (size_t)lround((double)plan->blocks * (1.0 - sqrt(1.0 - share)));
}

/* Memory is handed out in whole pages: threads share no cache line. */
struct memory {
    unsigned char *at; /* NULL: only count */
    size_t used;       /* bytes */
};

static float *take(struct memory *memory, size_t words)
{
    enum { PAGE = 4096 };
    float *taken = memory->at ? (float *)(void *)(memory->at + memory->used) : NULL;
    memory->used += up(words * sizeof(float), PAGE) * PAGE;
    return taken;
}

static size_t scratch_words(const struct mlb_attention_plan *plan,
                            const struct mlb_attention_way *way)
{
    const struct mlb_attention_problem *problem = &plan->problem;
    size_t width = way->width, group_rows = plan->group * width;
    if (!plan->backward)
        return way->block * width + group_rows * (plan->words + problem->head_dim_v);
    return 2 * MLB_ATTENTION_STRIP * width + 2 * way->block * group_rows / way->pack +
           way->block / way->pack * width + way->block * (problem->head_dim + problem->head_dim_v);
}

static void place_keys(struct mlb_attention_plan *plan, const struct mlb_attention_way *way,
                       struct memory *memory)
{
    const struct mlb_attention_problem *problem = &plan->problem;
    size_t matrices = problem->batch * problem->kv_heads, rows = matrices * problem->seq_kv;
    size_t depth = matrices * plan->blocks * (way->block / way->pack);
    if (plan->widen)
        plan->k_rows = take(memory, rows * plan->words);
    if (plan->widen && plan->backward)
        plan->v_rows = take(memory, rows * plan->words_v);
    if (plan->backward)
        plan->k_t = take(memory, depth * problem->head_dim);
    else
        plan->v_t = take(memory, depth * problem->head_dim_v);
}

static void place_queries(struct mlb_attention_plan *plan, const struct mlb_attention_way *way,
                          struct memory *memory)
{
    const struct mlb_attention_problem *problem = &plan->problem;
    size_t matrices = problem->batch * problem->heads;
    size_t lanes = matrices * plan->panels * way->width;
    size_t lines = matrices * up(problem->seq, way->pack);
    plan->q_t = take(memory, lanes * plan->words);
    plan->grad_o_t = take(memory, lanes * plan->words_v);
    if (plan->widen || way->pack > 1) {
        plan->q_rows = take(memory, lines * problem->head_dim);
        plan->grad_o_rows = take(memory, lines * problem->head_dim_v);
    }
    plan->delta = take(memory, lanes);
    plan->lse2 = take(memory, lanes);
    plan->grad_q_t = take(memory, lanes * plan->chunks * problem->head_dim);
}

/* Bytes of the workspace; with `workspace` NULL nothing is placed. */
static size_t make_plan(struct mlb_attention_plan *plan,
                        const struct mlb_attention_problem *problem,
                        const struct mlb_attention_way *way, bool backward, int threads,
                        void *workspace)
{
    struct memory memory = {.at = workspace};
    *plan = (struct mlb_attention_plan){.problem = *problem, .backward = backward};
    plan->widen = problem->dtype == MLB_BF16 && way->pack == 1;
    plan->words = problem->head_dim / way->pack;
    plan->words_v = problem->head_dim_v / way->pack;
    plan->panels = up(problem->seq, way->width);
    plan->blocks = up(problem->seq_kv, way->block);
    plan->group = group_of(plan, way, threads);
    plan->chunks = backward ? chunks_of(plan, threads) : 1;
    plan->scratch_words = up(scratch_words(plan, way), 1024) * 1024;
    plan->scratch = take(&memory, plan->scratch_words * (size_t)threads);
    place_keys(plan, way, &memory);
    if (backward)
        place_queries(plan, way, &memory);
    return memory.used;
}

size_t mlb_attention_fused_bytes(const struct mlb_attention_problem *problem,
                                 const struct mlb_attention_way *way, bool backward, int threads)
{
    struct mlb_attention_plan plan;
    return make_plan(&plan, problem, way, backward, threads, NULL);
}

/* ----------------------------------------------------------------------------------------- running
 */

struct pass {
    mlb_attention_item *item;
    size_t items;
};

/* One pass after the other, each over all threads. */
static void run(const struct mlb_attention_plan *plan, const struct pass *passes, size_t count,
                int threads)
{
#pragma omp parallel num_threads(threads)
    {
        float *scratch = plan->scratch + (size_t)omp_get_thread_num() * plan->scratch_words;
        for (size_t p = 0; p < count; p++) {
#pragma omp for schedule(dynamic, 1) nowait
            for (size_t i = 0; i < passes[p].items; i++)
                passes[p].item(plan, i, scratch);
            if (p + 1 < count) {
#pragma omp barrier
            }
        }
    }
}

void mlb_attention_fused_forward(const struct mlb_attention_problem *problem,
                                 const struct mlb_attention_way *way, void *workspace, int threads)
{
    struct mlb_attention_plan plan;
    make_plan(&plan, problem, way, false, threads, workspace);
    const struct pass passes[] = {
        {way->pack_keys, problem->batch * problem->kv_heads * plan.blocks},
        {way->forward, problem->batch * problem->heads * up(plan.panels, plan.group)},
    };
    run(&plan, passes, sizeof passes / sizeof passes[0], threads);
}

void mlb_attention_fused_backward(const struct mlb_attention_problem *problem,
                                  const struct mlb_attention_way *way, void *workspace, int threads)
{
    struct mlb_attention_plan plan;
    size_t key_matrices = problem->batch * problem->kv_heads;
    size_t query_matrices = problem->batch * problem->heads;
    make_plan(&plan, problem, way, true, threads, workspace);
    const struct pass passes[] = {
        {way->pack_keys, key_matrices * plan.blocks},
        {way->pack_queries, query_matrices * plan.panels},
        {way->backward, key_matrices * plan.chunks},
        {way->finish, query_matrices * plan.panels},
    };
    run(&plan, passes, sizeof passes / sizeof passes[0], threads);
}
