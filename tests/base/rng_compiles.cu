/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled, never run: rng.h stays usable from device code. */
#include "harness/base/rng.h"

extern "C" __global__ void fill_from_rng(float *to, uint64_t count, uint64_t seed);

extern "C" __global__ void fill_from_rng(float *to, uint64_t count, uint64_t seed)
{
    uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count)
        to[i] =
            mlb_rng_normal(seed, i) + mlb_rng_uniform(seed, i) + (float)mlb_rng_int(seed, i, 100);
}
