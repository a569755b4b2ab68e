/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of 16-bit floats for MPI, which has no such type. Each addition is made in f32 and rounded
 * to nearest, ties to even: what a GPU's add of two such values gives. */
#ifndef MLB_COLLECTIVES_HALF_SUM_H
#define MLB_COLLECTIVES_HALF_SUM_H

#include <stddef.h>
#include <stdint.h>

/* into[i] += from[i]. Written without branches, so that compilers make vectors of them. */
void mlb_sum_bf16(uint16_t *into, const uint16_t *from, size_t count);
void mlb_sum_f16(uint16_t *into, const uint16_t *from, size_t count);

#endif
