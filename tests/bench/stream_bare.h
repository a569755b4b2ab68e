/* SPDX-License-Identifier: Apache-2.0 */
/* The triad as STREAM has it: static arrays, one loop, OpenMP, the compiler's best for this
 * machine. */
#ifndef MLB_TESTS_BENCH_STREAM_BARE_H
#define MLB_TESTS_BENCH_STREAM_BARE_H

#include <stddef.h>

#define STREAM_BARE_COUNT ((size_t)32 << 20) /* elements of each of the three arrays: 256 MiB */

void stream_bare_fill(void); /* first touch by the threads that use it */
void stream_bare_triad(void);
double stream_bare_sample(size_t index); /* a[index], so that the loop is not dropped */

#endif
