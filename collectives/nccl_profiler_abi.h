/* SPDX-License-Identifier: Apache-2.0 */
/* The part of NCCL's profiler interface that is used (src/include/plugin/profiler/profiler_v2.h to
 * profiler_v5.h of NCCL 2.28.9; no header of it is shipped). Members after those that are read are
 * left out: NCCL makes the descriptors, a plugin only reads them. */
#ifndef MLB_COLLECTIVES_NCCL_PROFILER_ABI_H
#define MLB_COLLECTIVES_NCCL_PROFILER_ABI_H

#include <stddef.h>
#include <stdint.h>

/* Kinds of events, and the bits of the mask that asks for them. */
enum mlb_nccl_event {
    MLB_NCCL_EVENT_GROUP = 1 << 0,
    MLB_NCCL_EVENT_COLL = 1 << 1,
    MLB_NCCL_EVENT_P2P = 1 << 2,
    MLB_NCCL_EVENT_PROXY_OP = 1 << 3,
    MLB_NCCL_EVENT_PROXY_STEP = 1 << 4,
};

/* States of a proxy step that tell its bytes. */
enum mlb_nccl_event_state { MLB_NCCL_SEND_WAIT = 9, MLB_NCCL_RECV_FLUSH_WAIT = 11 };

struct mlb_nccl_coll_v4 { /* of v5 too */
    uint64_t sequence;
    const char *function;
    const void *send;
    void *recv;
    size_t count;
    int root;
    const char *type;
    uint8_t channels, warps;
    const char *algorithm, *protocol;
};

struct mlb_nccl_coll_v3 {
    const char *name;
    uint64_t comm_hash;
    struct mlb_nccl_coll_v4 rest;
};

struct mlb_nccl_coll_v2 {
    const char *name;
    uint64_t comm_hash, sequence;
    const char *function;
    const void *send;
    void *recv;
    size_t count;
    int root;
    const char *type;
    size_t traffic_bytes;
    uint8_t channels, warps;
    const char *algorithm, *protocol;
};

struct mlb_nccl_p2p_v4 { /* of v5 too */
    const char *function;
    void *buffer;
    const char *type;
    size_t count;
    int peer;
    uint8_t channels;
};

struct mlb_nccl_p2p_v2 { /* of v3 too */
    const char *name;
    uint64_t comm_hash;
    const char *function;
};

/* What NCCL hands over for an event: 64 bits of type in v5, 8 bits before. */
struct mlb_nccl_descriptor {
    union {
        uint64_t wide; /* v5 */
        uint8_t narrow;
    } type;
    void *parent;
    int rank;
    union {
        struct mlb_nccl_coll_v4 coll_v4;
        struct mlb_nccl_coll_v3 coll_v3;
        struct mlb_nccl_coll_v2 coll_v2;
        struct mlb_nccl_p2p_v4 p2p_v4;
        struct mlb_nccl_p2p_v2 p2p_v2;
    } of;
};

/* Of a proxy step, v4 and v5. */
union mlb_nccl_state_arguments {
    size_t step_bytes;
};

/* All return an ncclResult_t. */
typedef int mlb_nccl_start_event(void *context, void **handle,
                                 const struct mlb_nccl_descriptor *descriptor);
typedef int mlb_nccl_stop_event(void *handle);
typedef int mlb_nccl_record_event(void *handle, int state,
                                  const union mlb_nccl_state_arguments *arguments);
typedef int mlb_nccl_end_profiler(void *context);

struct mlb_nccl_profiler_v5 {
    const char *name;
    int (*init)(void **context, uint64_t comm_id, int *mask, const char *comm_name, int nodes,
                int ranks, int rank, void *log);
    mlb_nccl_start_event *start_event;
    mlb_nccl_stop_event *stop_event;
    mlb_nccl_record_event *record_event;
    mlb_nccl_end_profiler *finalize;
};

struct mlb_nccl_profiler_v4 {
    const char *name;
    int (*init)(void **context, int *mask, const char *comm_name, uint64_t comm_hash, int nodes,
                int ranks, int rank, void *log);
    mlb_nccl_start_event *start_event;
    mlb_nccl_stop_event *stop_event;
    mlb_nccl_record_event *record_event;
    mlb_nccl_end_profiler *finalize;
};

struct mlb_nccl_profiler_v3 { /* of v2 too */
    const char *name;
    int (*init)(void **context, int *mask);
    mlb_nccl_start_event *start_event;
    mlb_nccl_stop_event *stop_event;
    mlb_nccl_record_event *record_event;
    mlb_nccl_end_profiler *finalize;
};

/* NCCL looks these up by name. */
extern const struct mlb_nccl_profiler_v5 ncclProfiler_v5;
extern const struct mlb_nccl_profiler_v4 ncclProfiler_v4;
extern const struct mlb_nccl_profiler_v3 ncclProfiler_v3, ncclProfiler_v2;

#endif
