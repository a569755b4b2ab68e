/* SPDX-License-Identifier: Apache-2.0 */
/* CONTRACT: a device that runs kernels: one CPU (all cores this rank may use) or one GPU.
 *
 * A backend is one const `struct mlb_backend`. Work is enqueued on the device's one stream; the CPU
 * backend is synchronous. One device is used by one thread. Every backend function returns a status
 * and fills `err` with the call and its sizes
 * ("cuda: alloc 4 GiB for gemm.C: out of memory (device 0: 2.1 of 139.8 GiB free)"). */
#ifndef MLB_DEVICE_DEVICE_H
#define MLB_DEVICE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/dtype.h"
#include "harness/base/status.h"

/* What input data looks like. Kinds differ in power and clock, so records of unlike kinds don't
 * compare. Integer dtypes: NORMAL and UNIFORM both give uniform integers in [-127, 127]. */
enum mlb_data { MLB_DATA_NORMAL, MLB_DATA_UNIFORM, MLB_DATA_INTS, MLB_DATA_ZEROS };
/* "normal", "uniform", "ints" (-3..3), "zeros"; NULL-terminated */
extern const char *const mlb_data_names[];

/* Element `index` of the data kind, before rounding to the dtype: the host's way to make again what
 * fill() put on a device. */
double mlb_data_value(enum mlb_data data, enum mlb_dtype dtype, uint64_t seed, uint64_t index);

enum mlb_copy { MLB_TO_DEVICE, MLB_TO_HOST, MLB_ON_DEVICE };

#define MLB_MARKS 64 /* time marks a device has */

struct mlb_device_info {
    char kind[16];   /* "cpu", "cuda" */
    char name[128];  /* "NVIDIA H200", "Intel(R) Xeon(R) Platinum 8481C" */
    int index;       /* of the device in its kind */
    char pci_id[24]; /* "0000:1b:00.0"; "" for a CPU */
    char uuid[48];   /* "GPU-..."; "" when unknown */
    uint64_t memory_bytes;
    uint64_t last_cache_bytes; /* CPU: L3 of the rank's package(s) as the system tells; GPU: L2 */
    uint32_t units;            /* CPU: cores this rank may use; GPU: SMs */
    uint32_t capability;       /* GPU: 90 for compute capability 9.0; 0 for a CPU */
    double clock_hz;           /* maximum, as the device tells; 0 = unknown */
    double memory_bytes_per_s; /* GPU: 2 x memory clock x bus width; 0 = unknown */
};

struct mlb_device; /* opaque; made by its backend */

struct mlb_backend {
    const char *kind; /* "cpu", "cuda"; unique */

    /* How many devices there are. Required. Not an error when there is none or the driver or
     * library is missing: *count = 0 and `why` (may be NULL) says it in one line, with how to get
     * it. */
    enum mlb_status (*count)(int *count, char *why, size_t why_size, struct mlb_error *err);

    /* What device `index` is, without opening it. Optional. */
    enum mlb_status (*identify)(int index, struct mlb_device_info *info, struct mlb_error *err);

    /* Open device `index`; `threads` is for the CPU backend (0 = as many as the process may use).
     * Required. *device is closed with close(); NULL on failure. */
    enum mlb_status (*open)(int index, int threads, struct mlb_device **device,
                            struct mlb_error *err);
    void (*close)(struct mlb_device *device); /* Required. Accepts NULL. */

    enum mlb_status (*describe)(struct mlb_device *device, struct mlb_device_info *info,
                                struct mlb_error *err); /* Required. */

    /* Free and total bytes now. Required. */
    enum mlb_status (*memory)(struct mlb_device *device, uint64_t *free_bytes,
                              uint64_t *total_bytes, struct mlb_error *err);

    /* At least 256-byte aligned; `what` names the buffer in errors ("gemm.C"). CPU memory is
     * touched first by the threads that will use it. Required. bytes = 0 gives NULL and MLB_OK. */
    enum mlb_status (*alloc)(struct mlb_device *device, size_t bytes, const char *what, void **ptr,
                             struct mlb_error *err);
    void (*free)(struct mlb_device *device, void *ptr); /* Required. Accepts NULL. */

    /* Synchronous: done when it returns. Required. */
    enum mlb_status (*copy)(struct mlb_device *device, void *to, const void *from, size_t bytes,
                            enum mlb_copy direction, struct mlb_error *err);

    /* ptr[i] = round(mlb_data_value(data, dtype, seed, first + i)) for i < count, the same bits on
     * every backend. Enqueued. Required. */
    enum mlb_status (*fill)(struct mlb_device *device, void *ptr, uint64_t count,
                            enum mlb_dtype dtype, enum mlb_data data, uint64_t seed, uint64_t first,
                            struct mlb_error *err);

    /* Enqueue time mark `mark` (0..MLB_MARKS-1). Required. */
    enum mlb_status (*mark)(struct mlb_device *device, int mark, struct mlb_error *err);
    /* Nanoseconds between two marks that have been reached (after sync). Required. */
    enum mlb_status (*elapsed)(struct mlb_device *device, int from, int to, double *ns,
                               struct mlb_error *err);

    /* Wait for all that was enqueued, at most `deadline_s` (MLB_E_TIMEOUT after). Required. */
    enum mlb_status (*sync)(struct mlb_device *device, double deadline_s, struct mlb_error *err);

    /* The stream that kernels and libraries enqueue on: cudaStream_t for "cuda", NULL for "cpu". */
    void *(*stream)(struct mlb_device *device); /* Required. */

    /* What is enqueued on `device` from here on begins when all that `other` was given so far is
     * done: a second stream of the same device, opened with the same backend and index. Enqueued.
     * Optional: without it a device is synchronous, and one thread cannot use two of them at once.
     */
    enum mlb_status (*wait_for)(struct mlb_device *device, struct mlb_device *other,
                                struct mlb_error *err);

    /* The cores' clock by their own counters, for a device whose clock nobody else may tell. Both
     * or none; Optional. Enqueue count 0 or 1 ... */
    enum mlb_status (*count_cycles)(struct mlb_device *device, int which, struct mlb_error *err);
    /* ... and after a sync the mean clock between the two, the median over cores. MLB_E_UNSUPPORTED
     * when too little time lies between them to tell. */
    enum mlb_status (*clock_between)(struct mlb_device *device, double *hz, struct mlb_error *err);

    /* What is enqueued from begin_graph on is not done but written down, and end_graph makes it one
     * piece of work that launch_graph enqueues. All four or none; Optional.
     * MLB_E_UNSUPPORTED with the reason when something in between cannot be written down; the
     * device goes on as if none of it had been enqueued. *graph is freed with free_graph, which
     * accepts NULL. */
    enum mlb_status (*begin_graph)(struct mlb_device *device, struct mlb_error *err);
    enum mlb_status (*end_graph)(struct mlb_device *device, void **graph, struct mlb_error *err);
    enum mlb_status (*launch_graph)(struct mlb_device *device, void *graph, struct mlb_error *err);
    void (*free_graph)(struct mlb_device *device, void *graph);
};

/* What every backend's own device struct begins with. */
struct mlb_device {
    const struct mlb_backend *backend;
    struct mlb_device_info info; /* filled by open */
};

/* All backends of this build, best first (cuda before cpu); NULL-terminated. Defined in device.c,
 * in tests by tests/fake. `cuda_absent.c` takes the place of `cuda.c` in a build without CUDA. */
extern const struct mlb_backend *const mlb_backends[];
extern const struct mlb_backend mlb_backend_cpu;
extern const struct mlb_backend mlb_backend_cuda;

const struct mlb_backend *mlb_backend_find(const char *kind); /* NULL when unknown */

/* MLB_E_INTERNAL naming the first missing hook ("cuda: no copy hook"). */
enum mlb_status mlb_backend_check(const struct mlb_backend *backend, struct mlb_error *err);

/* Short forms of the hooks, for code that holds a device. */
enum mlb_status mlb_alloc(struct mlb_device *device, size_t bytes, const char *what, void **ptr,
                          struct mlb_error *err);
void mlb_free(struct mlb_device *device, void *ptr); /* device may be NULL when ptr is NULL */
enum mlb_status mlb_copy(struct mlb_device *device, void *to, const void *from, size_t bytes,
                         enum mlb_copy direction, struct mlb_error *err);
enum mlb_status mlb_fill(struct mlb_device *device, void *ptr, uint64_t count, enum mlb_dtype dtype,
                         enum mlb_data data, uint64_t seed, struct mlb_error *err);
enum mlb_status mlb_sync(struct mlb_device *device, double deadline_s, struct mlb_error *err);

#endif
