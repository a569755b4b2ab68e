/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for cuda.c in a build without CUDA: there are no such devices, and count says why. */
#include "harness/base/text.h"
#include "harness/device/device.h"

#define REASON                                                                                     \
    "this mlbench was built without CUDA: install the CUDA Toolkit (nvcc) and build it again"

static enum mlb_status absent_count(int *count, char *why, size_t why_size, struct mlb_error *err)
{
    (void)err;
    *count = 0;
    if (why)
        mlb_format(why, why_size, "%s", REASON);
    return MLB_OK;
}

static enum mlb_status fail(struct mlb_error *err)
{
    return mlb_fail(err, MLB_E_UNSUPPORTED, "cuda: %s", REASON);
}

static enum mlb_status absent_open(int index, int threads, struct mlb_device **device,
                                   struct mlb_error *err)
{
    (void)index, (void)threads;
    *device = NULL;
    return fail(err);
}

static void absent_close(struct mlb_device *device)
{
    (void)device;
}

static enum mlb_status absent_describe(struct mlb_device *device, struct mlb_device_info *info,
                                       struct mlb_error *err)
{
    (void)device, (void)info;
    return fail(err);
}

static enum mlb_status absent_memory(struct mlb_device *device, uint64_t *free_bytes,
                                     uint64_t *total_bytes, struct mlb_error *err)
{
    (void)device, (void)free_bytes, (void)total_bytes;
    return fail(err);
}

static enum mlb_status absent_alloc(struct mlb_device *device, size_t bytes, const char *what,
                                    void **ptr, struct mlb_error *err)
{
    (void)device, (void)bytes, (void)what;
    *ptr = NULL;
    return fail(err);
}

static void absent_free(struct mlb_device *device, void *ptr)
{
    (void)device, (void)ptr;
}

static enum mlb_status absent_copy(struct mlb_device *device, void *to, const void *from,
                                   size_t bytes, enum mlb_copy direction, struct mlb_error *err)
{
    (void)device, (void)to, (void)from, (void)bytes, (void)direction;
    return fail(err);
}

static enum mlb_status absent_fill(struct mlb_device *device, void *ptr, uint64_t count,
                                   enum mlb_dtype dtype, enum mlb_data data, uint64_t seed,
                                   uint64_t first, struct mlb_error *err)
{
    (void)device, (void)ptr, (void)count, (void)dtype, (void)data, (void)seed, (void)first;
    return fail(err);
}

static enum mlb_status absent_mark(struct mlb_device *device, int mark, struct mlb_error *err)
{
    (void)device, (void)mark;
    return fail(err);
}

static enum mlb_status absent_elapsed(struct mlb_device *device, int from, int to, double *ns,
                                      struct mlb_error *err)
{
    (void)device, (void)from, (void)to, (void)ns;
    return fail(err);
}

static enum mlb_status absent_sync(struct mlb_device *device, double deadline_s,
                                   struct mlb_error *err)
{
    (void)device, (void)deadline_s;
    return fail(err);
}

static void *absent_stream(struct mlb_device *device)
{
    (void)device;
    return NULL;
}

const struct mlb_backend mlb_backend_cuda = {
    .kind = "cuda",
    .count = absent_count,
    .open = absent_open,
    .close = absent_close,
    .describe = absent_describe,
    .memory = absent_memory,
    .alloc = absent_alloc,
    .free = absent_free,
    .copy = absent_copy,
    .fill = absent_fill,
    .mark = absent_mark,
    .elapsed = absent_elapsed,
    .sync = absent_sync,
    .stream = absent_stream,
};
