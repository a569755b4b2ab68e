/* SPDX-License-Identifier: Apache-2.0 */
/* How long a collective takes over the links of a job of threads. */
#include <math.h>

#include "tests/fake/threads_inner.h"

static double transfer_s(const struct threads_call *call, int from, int to, size_t bytes)
{
    const struct threads_job *job = &call->channel->owner->team->job;
    const struct threads_member *members = call->group->members;
    return job->transfer_s(job->links, members[from].rank, members[to].rank, bytes,
                           call->group->meetings);
}

/* Every rank sends `bytes` to the next one around the ring, at once: as fast as the slowest link.
 */
static double ring_s(const struct threads_call *call, double bytes)
{
    double slowest = 0.0;
    for (int i = 0; i < call->size && call->size > 1; i++)
        slowest = fmax(slowest, transfer_s(call, i, (i + 1) % call->size, (size_t)bytes));
    return slowest;
}

/* One block between `rank` and each of the others, one after the other. */
static double fan_s(const struct threads_call *call, int rank, bool out)
{
    double sum = 0.0;
    for (int i = 0; i < call->size; i++)
        if (i != rank)
            sum += transfer_s(call, out ? rank : i, out ? i : rank, call->bytes);
    return sum;
}

double threads_pattern_s(const struct threads_call *call, enum threads_pattern pattern,
                         double ring_blocks)
{
    double slowest = 0.0;
    switch (pattern) {
    case THREADS_RING:
        return ring_s(call, ring_blocks * (double)call->bytes);
    case THREADS_FAN_IN:
        return fan_s(call, call->root, false);
    case THREADS_FAN_OUT:
        return fan_s(call, call->root, true);
    case THREADS_ALL_FANS:
        for (int i = 0; i < call->size; i++)
            slowest = fmax(slowest, fan_s(call, i, true));
    }
    return slowest;
}
