/* SPDX-License-Identifier: Apache-2.0 */
/* The five storing loops, once for each element type and kind of store. No include guard: the file
 * that includes it defines
 *
 *   LOOP_ELEMENT         float or double
 *   LOOP_VECTOR          what one turn handles: LOOP_ELEMENT, or a vector of it
 *   LOOP_STORE(to, from) stores one LOOP_VECTOR
 *   LOOP_END()           what a thread does after its last store
 *   LOOP_NAME(op)        the function's name
 *   LOOP_TARGET          attributes
 *
 * and all are undefined at the end. Ranges are whole cache lines, so there is no tail. */

#define LOOP_SCALAR ((LOOP_ELEMENT)MLB_MEMORY_SCALAR)

LOOP_TARGET static void LOOP_NAME(copy)(void *to, const void *from, const void *unused,
                                        size_t bytes)
{
    LOOP_VECTOR *restrict a = to;
    const LOOP_VECTOR *restrict b = from;
    (void)unused;
    for (size_t i = 0; i < bytes / sizeof *a; i++)
        LOOP_STORE(&a[i], b[i]);
    LOOP_END();
}

LOOP_TARGET static void LOOP_NAME(scale)(void *to, const void *from, const void *unused,
                                         size_t bytes)
{
    LOOP_VECTOR *restrict a = to;
    const LOOP_VECTOR *restrict b = from;
    (void)unused;
    for (size_t i = 0; i < bytes / sizeof *a; i++)
        LOOP_STORE(&a[i], LOOP_SCALAR * b[i]);
    LOOP_END();
}

LOOP_TARGET static void LOOP_NAME(add)(void *to, const void *from, const void *other, size_t bytes)
{
    LOOP_VECTOR *restrict a = to;
    const LOOP_VECTOR *restrict b = from, *restrict c = other;
    for (size_t i = 0; i < bytes / sizeof *a; i++)
        LOOP_STORE(&a[i], b[i] + c[i]);
    LOOP_END();
}

LOOP_TARGET static void LOOP_NAME(triad)(void *to, const void *from, const void *other,
                                         size_t bytes)
{
    LOOP_VECTOR *restrict a = to;
    const LOOP_VECTOR *restrict b = from, *restrict c = other;
    for (size_t i = 0; i < bytes / sizeof *a; i++)
        LOOP_STORE(&a[i], b[i] + LOOP_SCALAR * c[i]);
    LOOP_END();
}

LOOP_TARGET static void LOOP_NAME(write)(void *to, const void *unused_b, const void *unused_c,
                                         size_t bytes)
{
    LOOP_VECTOR *a = to;
    (void)unused_b;
    (void)unused_c;
    LOOP_VECTOR value = LOOP_SCALAR - (LOOP_VECTOR){0};
    for (size_t i = 0; i < bytes / sizeof *a; i++)
        LOOP_STORE(&a[i], value);
    LOOP_END();
}

/* In the order of enum mlb_memory_op; a sum stores nothing. */
static mlb_memory_loop *const LOOP_NAME(loops)[MLB_MEMORY_OPS] = {
    LOOP_NAME(copy), LOOP_NAME(scale), LOOP_NAME(add), LOOP_NAME(triad), NULL, LOOP_NAME(write),
};

#undef LOOP_ELEMENT
#undef LOOP_VECTOR
#undef LOOP_STORE
#undef LOOP_END
#undef LOOP_NAME
#undef LOOP_TARGET
#undef LOOP_SCALAR
