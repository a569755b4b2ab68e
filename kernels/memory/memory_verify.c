/* SPDX-License-Identifier: Apache-2.0 */
/* Every element of the output is compared with the formula applied to the inputs as they lie in
 * memory, and the inputs, at one place in each band, with the values they were filled with.
 *
 * All comparisons are exact. copy, scale, add and write round once at most; triad may round twice
 * or, fused, once, and both are right. A sum adds multiples of a power of two in f64, which is
 * exact in any order while the sum of |x| is below 2^53 of them, so a missing element cannot hide
 * in a tolerance. */
#include "kernels/memory/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/device/device.h"

#define BAND              4096u              /* elements; one input of each is made again */
#define WINDOW_BYTES      ((size_t)16 << 20) /* of each array on the host at a time, for GPUs */
#define VERIFY_DEADLINE_S 60.0               /* of the one step that is verified */

enum { A, B, C, ARRAYS };
static const char *const array_names[ARRAYS] = {"a", "b", "c"};

/* A stretch of the arrays in host memory. */
struct window {
    size_t first, count;        /* elements */
    const void *arrays[ARRAYS]; /* a, b, c; NULL when not used */
    void *copies[ARRAYS];       /* owned, WINDOW_BYTES each; NULL on a CPU */
};

/* What is found out about one rank's arrays. Indices are of the first wrong element. */
struct findings {
    size_t wrong, first_wrong;
    double sum, magnitude; /* of b, of |b| */
};

/* ---------------------------------------------------------------------------------------- elements
 */

static double load(enum mlb_dtype dtype, const void *array, size_t i)
{
    return dtype == MLB_F64 ? ((const double *)array)[i] : (double)((const float *)array)[i];
}

/* Rounding to f32 of a sum or product made in f64 is the rounding of the exact one: f64 has more
 * than 2 x 24 + 2 bits (Figueroa, "When is double rounding innocuous?", 1995). */
static double rounded(enum mlb_dtype dtype, double value)
{
    return dtype == MLB_F64 ? value : (double)(float)value;
}

static double input(const struct window *w, enum mlb_dtype dtype, int array, size_t i)
{
    return w->arrays[array] ? load(dtype, w->arrays[array], i) : 0.0;
}

/* With every operation rounded. Statements of their own, so that no compiler fuses them. */
static double expected(const struct mlb_memory *memory, double b, double c)
{
    double scaled = memory->op == MLB_MEMORY_SCALE ? MLB_MEMORY_SCALAR * b : MLB_MEMORY_SCALAR * c;
    scaled = rounded(memory->dtype, scaled);
    switch (memory->op) {
    case MLB_MEMORY_COPY:
        return b;
    case MLB_MEMORY_SCALE:
        return scaled;
    case MLB_MEMORY_ADD:
        return rounded(memory->dtype, b + c);
    case MLB_MEMORY_TRIAD:
        return rounded(memory->dtype, b + scaled);
    case MLB_MEMORY_WRITE:
    case MLB_MEMORY_READ:
    case MLB_MEMORY_OPS:
        break;
    }
    return MLB_MEMORY_SCALAR;
}

static bool right(const struct mlb_memory *memory, double a, double b, double c)
{
    if (a == expected(memory, b, c))
        return true;
    if (memory->op != MLB_MEMORY_TRIAD)
        return false;
    return memory->dtype == MLB_F64
               ? a == fma(MLB_MEMORY_SCALAR, c, b)
               : (float)a == fmaf((float)MLB_MEMORY_SCALAR, (float)c, (float)b);
}

/* ----------------------------------------------------------------------------------------- windows
 */

static void check_output(const struct mlb_memory *memory, const struct window *w, int threads,
                         struct findings *found)
{
    size_t wrong = 0, first = SIZE_MAX;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : wrong)                \
    reduction(min : first)
    for (size_t i = 0; i < w->count; i++) {
        double b = input(w, memory->dtype, B, i), c = input(w, memory->dtype, C, i);
        if (right(memory, load(memory->dtype, w->arrays[A], i), b, c))
            continue;
        wrong++;
        if (i < first)
            first = i;
    }
    if (wrong > 0 && found->wrong == 0)
        found->first_wrong = w->first + first;
    found->wrong += wrong;
}

static void add_up(const struct mlb_memory *memory, const struct window *w, int threads,
                   struct findings *found)
{
    double sum = 0.0, magnitude = 0.0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : sum, magnitude)
    for (size_t i = 0; i < w->count; i++) {
        double value = load(memory->dtype, w->arrays[B], i);
        sum += value;
        magnitude += fabs(value);
    }
    found->sum += sum;
    found->magnitude += magnitude;
}

static void check_inputs(const struct mlb_memory *memory, const struct window *w,
                         const struct mlb_ctx *ctx, struct mlb_verification *verification)
{
    for (int array = B; array <= C; array++) {
        uint64_t seed = ctx->seed + (uint64_t)(array - B);
        for (size_t band = 0; w->arrays[array] && band < w->count; band += BAND) {
            size_t length = w->count - band < BAND ? w->count - band : BAND;
            uint64_t place = 0;
            mlb_verify_bands(length, length, seed + w->first + band, &place);
            size_t i = band + (size_t)place;
            double made = mlb_data_value(ctx->data, memory->dtype, seed, w->first + i);
            mlb_verify_element(verification, load(memory->dtype, w->arrays[array], i),
                               rounded(memory->dtype, made), 0.0, "%s[%zu] as filled",
                               array_names[array], w->first + i);
        }
    }
}

static void check_window(const struct mlb_memory *memory, const struct window *w,
                         const struct mlb_ctx *ctx, struct findings *found,
                         struct mlb_verification *verification)
{
    if (w->arrays[A])
        check_output(memory, w, ctx->threads, found);
    else
        add_up(memory, w, ctx->threads, found);
    check_inputs(memory, w, ctx, verification);
}

/* Copies stay owned by the window on failure too. */
static enum mlb_status bring(const struct mlb_memory *memory, struct mlb_device *device,
                             struct window *w, struct mlb_error *err)
{
    const void *from[ARRAYS] = {memory->a, memory->b, memory->c};
    size_t element = mlb_dtype_bytes(memory->dtype);
    for (int i = 0; i < ARRAYS; i++) {
        if (!from[i])
            continue;
        if (!w->copies[i] && !(w->copies[i] = malloc(WINDOW_BYTES)))
            return mlb_fail(err, MLB_E_NOMEM, "memory: verification: out of host memory");
        const char *source = (const char *)from[i] + w->first * element;
        if (mlb_copy(device, w->copies[i], source, w->count * element, MLB_TO_HOST, err) != MLB_OK)
            return err->status;
        w->arrays[i] = w->copies[i];
    }
    return MLB_OK;
}

static enum mlb_status check_in_windows(const struct mlb_memory *memory, const struct mlb_ctx *ctx,
                                        struct findings *found,
                                        struct mlb_verification *verification,
                                        struct mlb_error *err)
{
    struct window w = {0};
    enum mlb_status status = MLB_OK;
    size_t most = WINDOW_BYTES / mlb_dtype_bytes(memory->dtype);
    for (; w.first < memory->count && status == MLB_OK; w.first += w.count) {
        w.count = memory->count - w.first < most ? memory->count - w.first : most;
        status = bring(memory, ctx->device, &w, err);
        if (status == MLB_OK)
            check_window(memory, &w, ctx, found, verification);
    }
    for (int i = 0; i < ARRAYS; i++)
        free(w.copies[i]);
    return status;
}

/* ------------------------------------------------------------------------------------------- hook
 */

/* NaN in every element of the output (0 in the sums), so that what a step leaves out shows. */
static enum mlb_status poison(const struct mlb_memory *memory, struct mlb_device *device,
                              struct mlb_error *err)
{
    void *to = memory->a ? memory->a : (void *)memory->sums;
    size_t bytes = memory->a ? memory->bytes : memory->sum_count * sizeof(double);
    size_t piece = bytes < WINDOW_BYTES ? bytes : WINDOW_BYTES;
    void *pattern = malloc(piece);
    if (!pattern)
        return mlb_fail(err, MLB_E_NOMEM, "memory: verification: out of host memory");
    memset(pattern, memory->a ? 0xff : 0, piece);
    enum mlb_status status = MLB_OK;
    for (size_t done = 0; done < bytes && status == MLB_OK; done += piece) {
        size_t next = bytes - done < piece ? bytes - done : piece;
        status = mlb_copy(device, (char *)to + done, pattern, next, MLB_TO_DEVICE, err);
    }
    free(pattern);
    return status;
}

/* The spacing of the values that each kind of data has (harness/base/rng.h). */
static double spacing(enum mlb_data data)
{
    switch (data) {
    case MLB_DATA_NORMAL:
        return 0x1p-16;
    case MLB_DATA_UNIFORM:
        return 0x1p-24;
    case MLB_DATA_INTS:
    case MLB_DATA_ZEROS:
        break;
    }
    return 1.0;
}

static enum mlb_status judge_sum(const struct mlb_memory *memory, const struct mlb_ctx *ctx,
                                 const struct findings *found,
                                 struct mlb_verification *verification, struct mlb_error *err)
{
    double *sums = calloc(memory->sum_count, sizeof *sums), sum = 0.0;
    if (!sums)
        return mlb_fail(err, MLB_E_NOMEM, "memory: verification: out of host memory");
    enum mlb_status status = mlb_copy(ctx->device, sums, memory->sums,
                                      memory->sum_count * sizeof *sums, MLB_TO_HOST, err);
    for (size_t i = 0; i < memory->sum_count; i++)
        sum += sums[i];
    free(sums);
    if (status != MLB_OK)
        return status;
    /* Beyond that, two sums of n terms, each off by (n-1) u sum|x| at most (Higham, "Accuracy and
     * Stability of Numerical Algorithms", 4.2), u = 2^-53. */
    bool exact = found->magnitude <= 0x1p53 * spacing(ctx->data);
    double bound = exact ? 0.0 : 2.0 * (double)memory->count * 0x1p-53 * found->magnitude;
    mlb_verify_element(verification, sum, found->sum, bound, "sum of b[0..%zu]", memory->count);
    verification->checked += memory->count - 1;
    return MLB_OK;
}

/* The wrong elements of a full pass; the first one gives the text. */
static void judge_output(const struct mlb_memory *memory, const struct findings *found,
                         struct mlb_verification *verification)
{
    verification->checked += memory->count;
    if (found->wrong == 0)
        return;
    if (verification->wrong == 0)
        snprintf(verification->first_wrong, sizeof verification->first_wrong,
                 "a[%zu]: is not %s of the inputs there", found->first_wrong,
                 mlb_memory_traits[memory->op].name);
    verification->wrong += found->wrong;
    verification->worst_ratio = INFINITY;
}

enum mlb_status mlb_memory_verify(const struct mlb_variant *variant, void *state,
                                  const void *params, const struct mlb_ctx *ctx,
                                  struct mlb_verification *verification, struct mlb_error *err)
{
    const struct mlb_memory *memory = state;
    bool on_host = strcmp(ctx->device->backend->kind, "cpu") == 0;
    struct findings found = {0};
    (void)params;
    verification->method = memory->a ? "every element against the formula, exactly"
                                     : "sum of every element in f64, exactly";
    enum mlb_status status = poison(memory, ctx->device, err);
    if (status == MLB_OK)
        status = variant->step(state, ctx, err);
    if (status == MLB_OK)
        status = mlb_sync(ctx->device, VERIFY_DEADLINE_S, err);
    if (status == MLB_OK && on_host)
        check_window(
            memory,
            &(struct window){.count = memory->count, .arrays = {memory->a, memory->b, memory->c}},
            ctx, &found, verification);
    else if (status == MLB_OK)
        status = check_in_windows(memory, ctx, &found, verification, err);
    if (status != MLB_OK)
        return status;
    if (!memory->a)
        return judge_sum(memory, ctx, &found, verification, err);
    judge_output(memory, &found, verification);
    return MLB_OK;
}
