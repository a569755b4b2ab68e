/* SPDX-License-Identifier: Apache-2.0 */
/* What a test may ask of the fake cuBLASLt, through dlsym of `fake_cublaslt`. */
#ifndef MLB_TESTS_KERNELS_FAKE_CUBLASLT_H
#define MLB_TESTS_KERNELS_FAKE_CUBLASLT_H

#include <stddef.h>
#include <stdint.h>

/* The algorithms that the heuristic proposes, by their number. */
enum fake_algorithm {
    FAKE_SLOW,
    FAKE_REFUSED,
    FAKE_TOO_HUNGRY,
    FAKE_FAILS,
    FAKE_FAST,
    FAKE_ALGORITHMS
};

struct fake_cublaslt {
    size_t version;  /* what the library says it is; the test may set it */
    double clock_ns; /* a product takes SLOW 3 ms, FAST 1 ms, another 0.1 ms */

    /* Of the last product. */
    int algorithm; /* -1: there was none */
    int asked;     /* proposals, of the last call of the heuristic */
    int8_t fast_accumulation;
    int32_t first_scale_mode, second_scale_mode;
    int32_t batch;
    int64_t first_apart, second_apart, result_apart; /* elements */
    int added;                                       /* beta was 1 */

    size_t calls;           /* of cublasLtMatmul that computed */
    uint32_t least_aligned; /* of what the heuristic was told of an operand; bytes */
};

#endif
