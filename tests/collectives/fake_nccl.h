/* SPDX-License-Identifier: Apache-2.0 */
/* A library in NCCL's place: host memory, each rank for itself, as if the others had sent zeros.
 *
 * The variable FAKE_NCCL has words that say how it behaves, e.g. "stuck" or "no_sum socket"; what
 * was called is written to the variable FAKE_NCCL_CALLS, which outlives the library. A call ends
 * with '+' on a communicator that blocks. NCCL_COMM_BLOCKING=0 makes communicators non-blocking, as
 * in NCCL, whatever was asked for. Built with FAKE_OLD it is a version without the symbols that
 * NCCL 2.22 and 2.28 added. */
#ifndef MLB_TESTS_FAKE_NCCL_H
#define MLB_TESTS_FAKE_NCCL_H

#include <stdbool.h>
#include <stddef.h>

#include "collectives/nccl_abi.h"

struct mlb_nccl_comm {
    int busy;             /* polls until the state is success */
    bool blocking, whole; /* not a part of another */
    int rank, ranks;
    struct mlb_nccl_comm *part, **part_to; /* of a split under way */
};

bool fake_behaves(const char *how);
void fake_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* fake_nccl_evidence.c: the log and the profiler plugin, as NCCL uses them. */
void fake_start_evidence(const struct mlb_nccl_comm *comm);
void fake_end_evidence(void); /* of the communicator that was started */
/* Of one kernel; `algorithm` NULL: sends and receives. */
void fake_show_kernel(const char *function, const char *algorithm, size_t count);

#endif
