/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs whose sum over ranks is exact, so that a collective is checked to the bit.
 *
 * All values are whole numbers. A type holds every whole number up to 2^p exactly (p = bits of its
 * significand), so a sum is exact in ANY order of additions when no partial sum can pass 2^p, that
 * is when ranks x largest value <= 2^p:
 *
 *     type   2^p      largest value with 2 / 64 / 4096 ranks
 *     bf16   2^8      128 / 4 / 1 in every 16th rank, else 0
 *     f16    2^11     1024 / 32 / 1 in every 2nd rank, else 0
 *     f32    2^24     2^23 / 2^18 / 2^12
 *     s32    2^30     2^29 / 2^24 / 2^18
 *     f64    2^53     2^30 (as far as the generator goes)
 *
 * With m the largest value, c and u random from (seed, index) and (seed, rank, index), rank r
 * brings
 *
 *     x(r, i) = c(i) + u(r, i) - u(r + 1 mod n, i),   |c| + 2 |u| <= m
 *
 * so that u cancels around the ring of ranks and the sum is n c(i): known for every element without
 * making the input of every rank again. Where m = 1, x(r, i) is c(i) = -1 or 1 on one rank in
 * `stride`, at a place that changes with i, and 0 on the others. c is never 0. */
#ifndef MLB_COLLECTIVES_EXACT_H
#define MLB_COLLECTIVES_EXACT_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/dtype.h"
#include "harness/base/status.h"
#include "harness/device/device.h"
#include "harness/measure/verify.h"

#define MLB_EXACT_RANKS 4096 /* most ranks */

struct mlb_exact {
    uint64_t seed;
    int ranks;
    enum mlb_dtype dtype;
    int32_t common, own; /* bounds of |c| (at least 1) and |u| */
    int stride;          /* 1: every rank brings c */
};

/* MLB_E_UNSUPPORTED for a type or a number of ranks that has no such inputs. */
enum mlb_status mlb_exact_open(struct mlb_exact *exact, uint64_t seed, int ranks,
                               enum mlb_dtype dtype, struct mlb_error *err);

double mlb_exact_value(const struct mlb_exact *exact, int rank, uint64_t index);
double mlb_exact_sum(const struct mlb_exact *exact, uint64_t index); /* over all ranks */

/* Write rank's values to `count` elements on the device. */
enum mlb_status mlb_exact_fill(const struct mlb_exact *exact, struct mlb_device *device, void *ptr,
                               uint64_t count, int rank, int threads, struct mlb_error *err);
/* What an array should hold: values of one rank, or sums over all, from an index on. */
#define MLB_EXACT_SUM (-1)
struct mlb_exact_part {
    int rank; /* or MLB_EXACT_SUM */
    uint64_t first;
};
/* Compare EVERY element on the device with what it should be. `what` names the array: "recv". */
enum mlb_status mlb_exact_check(const struct mlb_exact *exact, struct mlb_exact_part part,
                                struct mlb_device *device, const void *ptr, uint64_t count,
                                const char *what, int threads,
                                struct mlb_verification *verification, struct mlb_error *err);

#endif
