/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fused/adamw.h"

#include <math.h>

#include "kernels/fused/fused_cpu.h"

struct mlb_adamw_step mlb_adamw_step_of(const struct mlb_adamw *a)
{
    double t = (double)a->step;
    return (struct mlb_adamw_step){
        .beta1 = a->beta1,
        .beta2 = a->beta2,
        .rest1 = (float)(1.0 - (double)a->beta1),
        .rest2 = (float)(1.0 - (double)a->beta2),
        .keep = (float)(1.0 - (double)a->rate * (double)a->decay),
        .rate = (float)((double)a->rate / (1.0 - pow((double)a->beta1, t))),
        .correction = (float)(1.0 / (1.0 - pow((double)a->beta2, t))),
        .epsilon = a->epsilon,
    };
}

/* States are updated where they are: their lines are in the cache and are written back once. */
MLB_INLINE void update_strip(const struct mlb_adamw *a, const struct mlb_adamw_step *s,
                             enum mlb_dtype dtype, size_t first, size_t count, bool past)
{
    struct mlb_strip copy;
    const void *g = mlb_at(a->g, first, dtype);
    float *w = a->w + first, *m = a->m + first, *v = a->v + first;
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        float gradient = mlb_get(g, i, dtype);
        float m_i = s->beta1 * m[i] + s->rest1 * gradient;
        float v_i = s->beta2 * v[i] + s->rest2 * (gradient * gradient);
        float w_i = s->keep * w[i] - s->rate * m_i / (sqrtf(v_i * s->correction) + s->epsilon);
        m[i] = m_i;
        v[i] = v_i;
        w[i] = w_i;
        mlb_put(copy.bytes, i, w_i, MLB_BF16);
    }
    if (dtype == MLB_BF16)
        mlb_strip_out(a->w_bf16, first, &copy, count, dtype, past);
}

/* "Rows" are strips. */
MLB_INLINE void update_strips(const struct mlb_adamw *a, enum mlb_dtype dtype, size_t begin,
                              size_t end)
{
    const struct mlb_adamw_step step = mlb_adamw_step_of(a);
    bool past = mlb_strip_past(a->count * sizeof(uint16_t));
    for (size_t strip = begin; strip < end; strip++)
        update_strip(a, &step, dtype, strip * MLB_STRIP,
                     mlb_strip_length(strip * MLB_STRIP, a->count), past);
}

MLB_INLINE void adamw_loop(const void *args, size_t part, size_t begin, size_t end)
{
    const struct mlb_adamw *adamw = args;
    (void)part;
    if (adamw->dtype == MLB_BF16)
        update_strips(adamw, MLB_BF16, begin, end);
    else
        update_strips(adamw, MLB_F32, begin, end);
}
MLB_ROWS_WAYS(adamw_loop);

void mlb_adamw_cpu(const struct mlb_adamw *adamw, int threads)
{
    size_t strips = (adamw->count + MLB_STRIP - 1) / MLB_STRIP;
    mlb_rows_run(&adamw_loop_ways, adamw, strips, (size_t)threads, threads);
}
