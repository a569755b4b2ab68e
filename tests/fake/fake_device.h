/* SPDX-License-Identifier: Apache-2.0 */
/* A device for tests of the harness: kind "fake", host memory, a clock that the test moves.
 *
 * Link fake_device.c into the test: it defines `mlb_backends` with this one backend, so that the
 * table of harness/device/backends.c stays in its archive. */
#ifndef MLB_TESTS_FAKE_DEVICE_H
#define MLB_TESTS_FAKE_DEVICE_H

#include "harness/device/device.h"

enum fake_call {
    FAKE_CALL_OPEN,
    FAKE_CALL_DESCRIBE,
    FAKE_CALL_MEMORY,
    FAKE_CALL_ALLOC,
    FAKE_CALL_COPY,
    FAKE_CALL_FILL,
    FAKE_CALL_MARK,
    FAKE_CALL_ELAPSED,
    FAKE_CALL_SYNC,
    FAKE_CALLS,
    FAKE_CALL_ANY = FAKE_CALLS /* for `fail_call` only */
};

/* The backend has no argument for a test to pass through, hence one global, for tests alone. */
struct fake_device_control {
    /* The script, set by the test after fake_device_reset(). */
    int devices;           /* that count() tells; 1 */
    const char *absent;    /* count()'s reason when there are none */
    uint64_t memory_bytes; /* 1 GiB; alloc beyond it is MLB_E_NOMEM */
    const double *span_ns; /* each mark but mark 0 lets the next of these pass; the last repeats */
    size_t span_count;     /* 0: only fake_device_advance moves the clock */
    enum fake_call fail_call; /* which hook fails, ... */
    uint64_t fail_at;         /* ... at which of its calls, from 1; 0 = never */
    enum mlb_status fail_status;
    bool hangs; /* sync runs into its deadline, without waiting for it */
    /* Work in a graph is so many times faster; 0: the device refuses to begin one. */
    double graph_speedup;
    bool graph_spoiled; /* end_graph refuses */

    /* What the backend saw. */
    uint64_t calls[FAKE_CALLS + 1]; /* [FAKE_CALL_ANY]: all of them */
    int open_devices;
    uint64_t live_blocks, live_bytes, peak_bytes; /* live_*: 0 at the end, or something leaked */
    uint64_t wrong_frees;                         /* of what was not allocated, or twice */
    uint64_t live_graphs, graph_launches;
    bool capturing;
    double now_ns, captured_ns;
    struct fake_block *blocks; /* its own */
};
extern struct fake_device_control fake_device;

/* Back to one good device, with nothing counted. Frees what a test left. */
void fake_device_reset(void);

/* Let time pass on the device: what a scripted step does. `device` may be NULL. */
void fake_device_advance(struct mlb_device *device, double ns);

extern const struct mlb_backend mlb_backend_fake;

#endif
