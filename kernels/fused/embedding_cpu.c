/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/fused/embedding.h"

#include "kernels/fused/fused_cpu.h"

void mlb_embedding_index(const int32_t *id, size_t tokens, size_t vocab, int32_t *first,
                         int32_t *order)
{
    memset(first, 0, (vocab + 1) * sizeof *first);
    for (size_t t = 0; t < tokens; t++)
        first[id[t] + 1]++;
    for (size_t v = 0; v < vocab; v++)
        first[v + 1] += first[v];
    /* Each row's begin serves as its cursor, and is then its end: the next row's begin. */
    for (size_t t = 0; t < tokens; t++)
        order[first[id[t]]++] = (int32_t)t;
    memmove(first + 1, first, vocab * sizeof *first);
    first[0] = 0;
}

MLB_INLINE void gather_rows(const struct mlb_embedding *e, size_t begin, size_t end)
{
    size_t bytes = e->hidden * mlb_dtype_bytes(e->dtype);
    bool past = mlb_strip_past(e->tokens * bytes);
    for (size_t row = begin; row < end; row++) {
        const char *from = (const char *)e->table + (size_t)e->id[row] * bytes;
        if (row + 1 < end)
            mlb_ahead((const char *)e->table + (size_t)e->id[row + 1] * bytes, bytes);
        mlb_strip_store((char *)e->y + row * bytes, from, bytes, past && (uintptr_t)from % 16 == 0);
    }
}

/* A strip of a row of the gradient. */
MLB_INLINE void sum_strip(const struct mlb_embedding *e, enum mlb_dtype dtype, size_t row,
                          size_t at, size_t count, bool past)
{
    float sums[MLB_STRIP] = {0};
    struct mlb_strip to;
    for (int32_t i = e->first[row]; i < e->first[row + 1]; i++) {
        const void *dy = mlb_at(e->dy, (size_t)e->order[i] * e->hidden + at, dtype);
#pragma omp simd
        for (size_t c = 0; c < count; c++)
            sums[c] += mlb_get(dy, c, dtype);
    }
#pragma omp simd
    for (size_t c = 0; c < count; c++)
        mlb_put(to.bytes, c, sums[c], dtype);
    mlb_strip_out(e->dtable, row * e->hidden + at, &to, count, dtype, past);
}

MLB_INLINE void sum_rows(const struct mlb_embedding *e, enum mlb_dtype dtype, size_t begin,
                         size_t end)
{
    bool past = mlb_strip_past(e->vocab * e->hidden * mlb_dtype_bytes(dtype));
    for (size_t row = begin; row < end; row++)
        for (size_t at = 0; at < e->hidden; at += MLB_STRIP)
            sum_strip(e, dtype, row, at, mlb_strip_length(at, e->hidden), past);
}

MLB_INLINE void embedding_loop(const void *args, size_t part, size_t begin, size_t end)
{
    const struct mlb_embedding *embedding = args;
    (void)part;
    if (embedding->pass == MLB_EMBEDDING_FORWARD)
        gather_rows(embedding, begin, end);
    else if (embedding->dtype == MLB_BF16)
        sum_rows(embedding, MLB_BF16, begin, end);
    else
        sum_rows(embedding, MLB_F32, begin, end);
}
MLB_ROWS_WAYS(embedding_loop);

void mlb_embedding_cpu(const struct mlb_embedding *embedding, int threads)
{
    size_t rows = embedding->pass == MLB_EMBEDDING_FORWARD ? embedding->tokens : embedding->vocab;
    mlb_rows_run(&embedding_loop_ways, embedding, rows, (size_t)threads, threads);
}
