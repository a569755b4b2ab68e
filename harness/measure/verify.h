/* SPDX-License-Identifier: Apache-2.0 */
/* Verification: comparing what a variant computed with the plain reference. */
#ifndef MLB_MEASURE_VERIFY_H
#define MLB_MEASURE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Outcome on one rank. Zero-initialise; `checked` = 0 is not a pass. */
struct mlb_verification {
    const char *method; /* constant text: "double dot products at one element per 32x32 tile" */
    bool idle;          /* this rank takes no part in the work: it has nothing to compare */
    uint64_t checked;   /* elements compared */
    uint64_t wrong;     /* of these, outside the tolerance, or not finite where the truth is */
    double worst_ratio; /* largest |is - should| / tolerance seen; <= 1 passes */
    double worst_error, worst_tolerance; /* of that element, absolute */
    char first_wrong[160]; /* "C[17][4031]: is 0.25, should be 93.1, tolerance 0.4"; "" when none */
};

/* Compare one element; counts it. `where` is called as printf only for the first wrong one. */
void mlb_verify_element(struct mlb_verification *verification, double is, double should,
                        double tolerance, const char *where, ...)
    __attribute__((format(printf, 5, 6)));

bool mlb_verification_passed(const struct mlb_verification *verification);

/* Stratified sample of 0..extent-1: one index at a random place in each band of `band` (the last
 * band may be short), so that no aligned or unaligned block of 2*band-1 goes unseen. Writes
 * ceil(extent/band) indices, ascending; returns how many. */
size_t mlb_verify_bands(uint64_t extent, uint64_t band, uint64_t seed, uint64_t *indices);

#endif
