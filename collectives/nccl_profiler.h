/* SPDX-License-Identifier: Apache-2.0 */
/* How NCCL does a collective, as it tells its profiler plugins: this program is one.
 *
 * With NCCL_PROFILER_PLUGIN=STATIC_PLUGIN NCCL looks for the symbols ncclProfiler_v5 ... v2 in the
 * program itself and calls them, on the thread that enqueues and on its proxy's threads. Between
 * mlb_nccl_profiler_begin and _end the events of un-timed calls are noted; outside of it NCCL's own
 * mask of events is zero, so that a timed call costs one test within NCCL.
 *
 * Versions: v5 (NCCL 2.28 and later), v4 (2.27), v3 and v2 (2.26 and 2.25; without the bytes sent).
 * Another NCCL finds none of these symbols and nothing is known. */
#ifndef MLB_COLLECTIVES_NCCL_PROFILER_H
#define MLB_COLLECTIVES_NCCL_PROFILER_H

#include <stdbool.h>
#include <stdint.h>

/* Of the calls between begin and end. */
struct mlb_nccl_profile {
    bool loaded;        /* NCCL has taken the plugin; else nothing else is known */
    char function[24];  /* "AllReduce"; "" = no collective kernel ran */
    char algorithm[24]; /* as NCCL writes it, in small letters: "ring", "nvls_tree"; "p2p" for sends
                         * and receives */
    char protocol[16];  /* "ll", "ll128", "simple"; "" for sends and receives */
    unsigned channels, warps; /* 0 = unknown; for sends and receives the most channels of one */
    unsigned network_ops;     /* transfers that this rank's proxy drove over a network */
    bool bytes_known;         /* this version tells the bytes of each transfer */
    uint64_t sent_bytes, received_bytes; /* over the network, with the protocol's own */
};

/* Before NCCL's first call: asks it to load the plugin, unless the user has named another. */
void mlb_nccl_profiler_offer(void);

void mlb_nccl_profiler_begin(void);
/* The last event of a call may come after the device is done with it: a sender's kernel ends when
 * its data is in the hands of the proxy. Call it when all ranks' devices are done. */
void mlb_nccl_profiler_end(struct mlb_nccl_profile *profile);

#endif
