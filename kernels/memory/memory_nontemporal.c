/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that go past the caches (x86): the line written is not read first, so a step moves the
 * bytes that are counted and no more. */
#include "kernels/memory/memory_cpu.h"

#include <immintrin.h>

#define LOOP_ELEMENT         double
#define LOOP_VECTOR          __m256d
#define LOOP_STORE(to, from) _mm256_stream_pd((double *)(to), (from))
#define LOOP_END()           _mm_sfence()
#define LOOP_NAME(op)        op##_f64_avx
#define LOOP_TARGET          __attribute__((target("avx")))
#include "kernels/memory/loops.inc"

#define LOOP_ELEMENT         float
#define LOOP_VECTOR          __m256
#define LOOP_STORE(to, from) _mm256_stream_ps((float *)(to), (from))
#define LOOP_END()           _mm_sfence()
#define LOOP_NAME(op)        op##_f32_avx
#define LOOP_TARGET          __attribute__((target("avx")))
#include "kernels/memory/loops.inc"

#define LOOP_ELEMENT         double
#define LOOP_VECTOR          __m512d
#define LOOP_STORE(to, from) _mm512_stream_pd((double *)(to), (from))
#define LOOP_END()           _mm_sfence()
#define LOOP_NAME(op)        op##_f64_avx512
#define LOOP_TARGET          __attribute__((target("avx512f")))
#include "kernels/memory/loops.inc"

#define LOOP_ELEMENT         float
#define LOOP_VECTOR          __m512
#define LOOP_STORE(to, from) _mm512_stream_ps((float *)(to), (from))
#define LOOP_END()           _mm_sfence()
#define LOOP_NAME(op)        op##_f32_avx512
#define LOOP_TARGET          __attribute__((target("avx512f")))
#include "kernels/memory/loops.inc"

enum mlb_status mlb_memory_nontemporal_check(const void *params, const struct mlb_ctx *ctx,
                                             struct mlb_error *err)
{
    const struct mlb_memory_params *p = params;
    if (p->op == MLB_MEMORY_READ)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "op = read stores nothing");
    if (!__builtin_cpu_supports("avx"))
        return mlb_fail(err, MLB_E_UNSUPPORTED, "non-temporal stores need AVX or newer");
    return mlb_memory_check(params, ctx, err);
}

enum mlb_status mlb_memory_nontemporal_step(void *state, const struct mlb_ctx *ctx,
                                            struct mlb_error *err)
{
    const struct mlb_memory *memory = state;
    bool wide = __builtin_cpu_supports("avx512f"), f64 = memory->dtype == MLB_F64;
    mlb_memory_loop *const *loops =
        f64 ? (wide ? loops_f64_avx512 : loops_f64_avx) : (wide ? loops_f32_avx512 : loops_f32_avx);
    (void)err;
    mlb_memory_run_loop(memory, loops[memory->op], ctx->threads);
    return MLB_OK;
}
