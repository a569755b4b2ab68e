/* SPDX-License-Identifier: Apache-2.0 */
/* The device of a rank that is a thread: host memory, and marks on the job's clock. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "harness/device/fill.h"
#include "tests/fake/threads_inner.h"

enum { ALIGN = 256 };

static struct threads_rank_state *rank_with(struct mlb_device *device)
{
    return (struct threads_rank_state *)(void *)((char *)device -
                                                 offsetof(struct threads_rank_state, device));
}

static enum mlb_status count_devices(int *count, char *why, size_t why_size, struct mlb_error *err)
{
    (void)why, (void)why_size, (void)err;
    *count = 1;
    return MLB_OK;
}

static enum mlb_status open_device(int index, int threads, struct mlb_device **device,
                                   struct mlb_error *err)
{
    (void)index, (void)threads;
    *device = NULL;
    return mlb_fail(err, MLB_E_UNSUPPORTED, "threads: a rank has the one device it was given");
}

static void close_device(struct mlb_device *device)
{
    (void)device;
}

static enum mlb_status describe(struct mlb_device *device, struct mlb_device_info *info,
                                struct mlb_error *err)
{
    (void)err;
    *info = device->info;
    return MLB_OK;
}

static enum mlb_status memory(struct mlb_device *device, uint64_t *free_bytes,
                              uint64_t *total_bytes, struct mlb_error *err)
{
    (void)err;
    *free_bytes = *total_bytes = device->info.memory_bytes;
    return MLB_OK;
}

static enum mlb_status alloc(struct mlb_device *device, size_t bytes, const char *what, void **ptr,
                             struct mlb_error *err)
{
    (void)device;
    *ptr = NULL;
    if (bytes == 0)
        return MLB_OK;
    *ptr = aligned_alloc(ALIGN, (bytes + ALIGN - 1) / ALIGN * ALIGN);
    return *ptr ? MLB_OK : mlb_fail(err, MLB_E_NOMEM, "threads: %zu bytes for %s", bytes, what);
}

static void release(struct mlb_device *device, void *ptr)
{
    (void)device;
    free(ptr);
}

static enum mlb_status copy(struct mlb_device *device, void *to, const void *from, size_t bytes,
                            enum mlb_copy direction, struct mlb_error *err)
{
    (void)device, (void)direction, (void)err;
    if (bytes > 0)
        memmove(to, from, bytes);
    return MLB_OK;
}

static enum mlb_status fill(struct mlb_device *device, void *ptr, uint64_t count,
                            enum mlb_dtype dtype, enum mlb_data data, uint64_t seed, uint64_t first,
                            struct mlb_error *err)
{
    (void)device, (void)err;
    mlb_fill_host(ptr, count, dtype, data, seed, first);
    return MLB_OK;
}

static enum mlb_status mark(struct mlb_device *device, int index, struct mlb_error *err)
{
    if (index < 0 || index >= MLB_MARKS)
        return mlb_fail(err, MLB_E_INTERNAL, "threads: no mark %d", index);
    rank_with(device)->marks_ns[index] = threads_now_ns(rank_with(device));
    return MLB_OK;
}

static enum mlb_status elapsed(struct mlb_device *device, int from, int to, double *ns,
                               struct mlb_error *err)
{
    (void)err;
    *ns = (double)(rank_with(device)->marks_ns[to] - rank_with(device)->marks_ns[from]);
    return MLB_OK;
}

static enum mlb_status sync_device(struct mlb_device *device, double deadline_s,
                                   struct mlb_error *err)
{
    (void)device, (void)deadline_s, (void)err;
    return MLB_OK;
}

static void *stream(struct mlb_device *device)
{
    (void)device;
    return NULL;
}

const struct mlb_backend threads_backend = {
    .kind = "cpu",
    .count = count_devices,
    .open = open_device,
    .close = close_device,
    .describe = describe,
    .memory = memory,
    .alloc = alloc,
    .free = release,
    .copy = copy,
    .fill = fill,
    .mark = mark,
    .elapsed = elapsed,
    .sync = sync_device,
    .stream = stream,
};
