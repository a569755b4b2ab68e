/* SPDX-License-Identifier: Apache-2.0 */
#include "collectives/exact.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/device/fill.h"

/* Host memory through which device buffers are written and read. */
#define BLOCK_BYTES ((uint64_t)8 << 20)
#define LARGEST     ((int32_t)1 << 30)
#define CHUNK       1024u /* values that a thread makes at a time */

/* Largest whole number up to which all are exact. Sums of s32 stay below 2^31. */
static int64_t exact_range(enum mlb_dtype dtype)
{
    switch (dtype) {
    case MLB_BF16:
        return (int64_t)1 << 8;
    case MLB_F16:
        return (int64_t)1 << 11;
    case MLB_F32:
        return (int64_t)1 << 24;
    case MLB_S32:
        return (int64_t)1 << 30;
    case MLB_F64:
        return (int64_t)1 << 53;
    default:
        return 0;
    }
}

enum mlb_status mlb_exact_open(struct mlb_exact *exact, uint64_t seed, int ranks,
                               enum mlb_dtype dtype, struct mlb_error *err)
{
    int64_t range = exact_range(dtype);
    if (range == 0 || ranks < 1 || ranks > MLB_EXACT_RANKS)
        return mlb_fail(
            err, MLB_E_UNSUPPORTED,
            "no exact inputs for %s over %d ranks: f64, f32, bf16, f16, s32 and 1 to %d "
            "ranks have them",
            mlb_dtype_name(dtype), ranks, MLB_EXACT_RANKS);
    int64_t most = range / ranks;
    int stride = 1;
    if (most == 0) {
        stride = (int)((ranks + range - 1) / range);
        most = 1;
    }
    if (most > LARGEST)
        most = LARGEST;
    int32_t own = (int32_t)((most - 1) / 4);
    *exact = (struct mlb_exact){.seed = seed,
                                .ranks = ranks,
                                .dtype = dtype,
                                .common = (int32_t)most - 2 * own,
                                .own = own,
                                .stride = stride};
    return MLB_OK;
}

/* Whole number in [1, bound], with either sign. */
static int32_t common_part(const struct mlb_exact *exact, uint64_t bits)
{
    int32_t size = 1 + (int32_t)(((bits >> 32) * (uint64_t)exact->common) >> 32);
    return bits & 1 ? size : -size;
}

static int32_t own_part(const struct mlb_exact *exact, int rank, uint64_t index)
{
    uint64_t seed = exact->seed + 1u + (uint64_t)(rank % exact->ranks);
    return exact->own ? mlb_rng_int(seed, index, exact->own) : 0;
}

/* Whether rank brings c(i), when only one in `stride` does. */
static bool takes_part(const struct mlb_exact *exact, int rank, uint64_t bits)
{
    return ((uint64_t)rank + (bits >> 8)) % (uint64_t)exact->stride == 0;
}

double mlb_exact_value(const struct mlb_exact *exact, int rank, uint64_t index)
{
    uint64_t bits = mlb_rng_bits(exact->seed, index);
    if (exact->stride > 1)
        return takes_part(exact, rank, bits) ? (double)common_part(exact, bits) : 0.0;
    return (double)common_part(exact, bits) + (double)own_part(exact, rank, index) -
           (double)own_part(exact, rank + 1, index);
}

double mlb_exact_sum(const struct mlb_exact *exact, uint64_t index)
{
    uint64_t bits = mlb_rng_bits(exact->seed, index);
    int parts = exact->ranks;
    if (exact->stride > 1) {
        int stride = exact->stride;
        int first = (stride - (int)((bits >> 8) % (uint64_t)stride)) % stride;
        parts = (exact->ranks - first + stride - 1) / stride;
    }
    return (double)common_part(exact, bits) * (double)parts;
}

/* ----------------------------------------------------------------------------- whole arrays */

struct block {
    const struct mlb_exact *exact;
    void *host;
    uint64_t first, count;
    struct mlb_exact_part part; /* what the array holds from its first element on */
    int threads;
};

/* `count` values of a rank, or their sums. */
static void make_values(const struct mlb_exact *exact, int rank, uint64_t first, size_t count,
                        double *to)
{
    const struct mlb_exact own = *exact; /* which no store to `to` can change */
    for (size_t i = 0; i < count; i++)
        to[i] = rank == MLB_EXACT_SUM ? mlb_exact_sum(&own, first + i)
                                      : mlb_exact_value(&own, rank, first + i);
}

/* All are exact in the type, so that the roundings of fill() do. */
static void encode(enum mlb_dtype dtype, void *to, const double *values, size_t count)
{
    for (size_t i = 0; i < count && dtype == MLB_BF16; i++)
        ((uint16_t *)to)[i] = mlb_fill_bf16((float)values[i]);
    for (size_t i = 0; i < count && dtype == MLB_F16; i++)
        ((uint16_t *)to)[i] = mlb_fill_f16((float)values[i]);
    for (size_t i = 0; i < count && dtype == MLB_F32; i++)
        ((float *)to)[i] = (float)values[i];
    for (size_t i = 0; i < count && dtype == MLB_S32; i++)
        ((int32_t *)to)[i] = (int32_t)values[i];
    if (dtype == MLB_F64)
        memcpy(to, values, count * sizeof *values);
}

static size_t chunk_length(const struct block *block, uint64_t at)
{
    return block->count - at < CHUNK ? (size_t)(block->count - at) : CHUNK;
}

static uint64_t index_at(const struct block *block, uint64_t at)
{
    return block->part.first + block->first + at;
}

static void make_block(const struct block *block)
{
    const struct mlb_exact *exact = block->exact;
    size_t element = mlb_dtype_bytes(exact->dtype);
#pragma omp parallel for num_threads(block->threads) schedule(static) if (block->threads > 1)
    for (uint64_t at = 0; at < block->count; at += CHUNK) {
        double values[CHUNK];
        size_t length = chunk_length(block, at);
        make_values(exact, block->part.rank, index_at(block, at), length, values);
        encode(exact->dtype, (char *)block->host + at * element, values, length);
    }
}

/* Zeros are positive, and no sum is zero, which alone has two encodings: equal is equal in every
 * bit. */
static uint64_t count_wrong(const struct block *block)
{
    const struct mlb_exact *exact = block->exact;
    size_t element = mlb_dtype_bytes(exact->dtype);
    uint64_t wrong = 0;
#pragma omp parallel for num_threads(block->threads) schedule(static) reduction(+ : wrong)         \
    if (block->threads > 1)
    for (uint64_t at = 0; at < block->count; at += CHUNK) {
        double values[CHUNK], encoded[CHUNK];
        size_t length = chunk_length(block, at);
        const char *is = (const char *)block->host + at * element, *should = (const char *)encoded;
        make_values(exact, block->part.rank, index_at(block, at), length, values);
        encode(exact->dtype, encoded, values, length);
        if (memcmp(is, should, length * element) == 0)
            continue;
        for (size_t i = 0; i < length; i++)
            wrong += memcmp(is + i * element, should + i * element, element) != 0;
    }
    return wrong;
}

/* The right ones are counted in one go; each wrong one is looked at by itself. */
static void check_block(const struct block *block, const char *what,
                        struct mlb_verification *verification)
{
    uint64_t wrong = count_wrong(block);
    verification->checked += block->count - wrong;
    for (uint64_t i = 0; i < block->count && wrong > 0; i++) {
        double is = mlb_dtype_load(block->exact->dtype, block->host, i);
        double should;
        make_values(block->exact, block->part.rank, index_at(block, i), 1, &should);
        if (is == should)
            continue;
        mlb_verify_element(verification, is, should, 0.0, "%s[%" PRIu64 "]", what,
                           block->first + i);
        wrong--;
    }
}

static enum mlb_status block_open(struct block *block, const struct mlb_exact *exact,
                                  struct mlb_exact_part part, uint64_t count, int threads,
                                  struct mlb_error *err)
{
    uint64_t most = BLOCK_BYTES / mlb_dtype_bytes(exact->dtype);
    size_t bytes = (size_t)(count < most ? count : most) * mlb_dtype_bytes(exact->dtype);
    *block = (struct block){
        .exact = exact, .host = malloc(bytes ? bytes : 1), .part = part, .threads = threads};
    if (!block->host)
        return mlb_fail(err, MLB_E_NOMEM, "exact inputs: %zu bytes of host memory", bytes);
    return MLB_OK;
}

/* Sets first and count to the next block; false after the last. */
static bool next_block(struct block *block, uint64_t count)
{
    uint64_t most = BLOCK_BYTES / mlb_dtype_bytes(block->exact->dtype);
    block->first += block->count;
    uint64_t left = count - block->first;
    block->count = left < most ? left : most;
    return block->count > 0;
}

enum mlb_status mlb_exact_fill(const struct mlb_exact *exact, struct mlb_device *device, void *ptr,
                               uint64_t count, int rank, int threads, struct mlb_error *err)
{
    struct block block;
    size_t element = mlb_dtype_bytes(exact->dtype);
    const struct mlb_exact_part part = {.rank = rank};
    enum mlb_status status = block_open(&block, exact, part, count, threads, err);
    while (status == MLB_OK && next_block(&block, count)) {
        make_block(&block);
        status = mlb_copy(device, (char *)ptr + block.first * element, block.host,
                          block.count * element, MLB_TO_DEVICE, err);
    }
    free(block.host);
    return status;
}

enum mlb_status mlb_exact_check(const struct mlb_exact *exact, struct mlb_exact_part part,
                                struct mlb_device *device, const void *ptr, uint64_t count,
                                const char *what, int threads,
                                struct mlb_verification *verification, struct mlb_error *err)
{
    struct block block;
    size_t element = mlb_dtype_bytes(exact->dtype);
    enum mlb_status status = block_open(&block, exact, part, count, threads, err);
    while (status == MLB_OK && next_block(&block, count)) {
        status = mlb_copy(device, block.host, (const char *)ptr + block.first * element,
                          block.count * element, MLB_TO_HOST, err);
        if (status == MLB_OK)
            check_block(&block, what, verification);
    }
    free(block.host);
    return status;
}
