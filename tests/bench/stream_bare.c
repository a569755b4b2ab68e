/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/stream_bare.h"

static double a[STREAM_BARE_COUNT], b[STREAM_BARE_COUNT], c[STREAM_BARE_COUNT];

void stream_bare_fill(void)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < STREAM_BARE_COUNT; i++) {
        a[i] = 1.0;
        b[i] = 2.0;
        c[i] = 0.5;
    }
}

void stream_bare_triad(void)
{
    const double scalar = 3.0;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < STREAM_BARE_COUNT; i++)
        a[i] = b[i] + scalar * c[i];
}

double stream_bare_sample(size_t index)
{
    return a[index % STREAM_BARE_COUNT];
}
