/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/fake_device.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "harness/device/fill.h"

enum { ALIGN = 256 };

struct fake_block {
    struct fake_block *next;
    void *ptr;
    uint64_t bytes;
};

struct fake {
    struct mlb_device base;
    double marks_ns[MLB_MARKS];
    bool marked[MLB_MARKS];
};

struct fake_device_control fake_device;

const struct mlb_backend *const mlb_backends[] = {&mlb_backend_fake, NULL};

/* Takes the first block that `link` points to out of the list. */
static void drop(struct fake_block **link)
{
    struct fake_block *block = *link;
    *link = block->next;
    fake_device.live_blocks--;
    fake_device.live_bytes -= block->bytes;
    free(block->ptr);
    free(block);
}

void fake_device_reset(void)
{
    while (fake_device.blocks)
        drop(&fake_device.blocks);
    memset(&fake_device, 0, sizeof fake_device);
    fake_device.devices = 1;
    fake_device.memory_bytes = UINT64_C(1) << 30;
    fake_device.fail_status = MLB_E_DEVICE;
}

void fake_device_advance(struct mlb_device *device, double ns)
{
    (void)device;
    if (fake_device.capturing)
        fake_device.captured_ns += ns;
    else
        fake_device.now_ns += ns;
}

static enum mlb_status enter(enum fake_call call, const char *name, struct mlb_error *err)
{
    uint64_t nth = ++fake_device.calls[call];
    uint64_t nth_of_all = ++fake_device.calls[FAKE_CALL_ANY];
    bool any = fake_device.fail_call == FAKE_CALL_ANY;
    if (fake_device.fail_at == 0 || (!any && fake_device.fail_call != call) ||
        (any ? nth_of_all : nth) != fake_device.fail_at)
        return MLB_OK;
    return mlb_fail(err, fake_device.fail_status, "fake: %s: fails as the test says", name);
}

static enum mlb_status fake_count(int *count, char *why, size_t why_size, struct mlb_error *err)
{
    (void)err;
    *count = fake_device.devices;
    if (why && why_size > 0)
        mlb_format(why, why_size, "%s",
                   fake_device.devices == 0 && fake_device.absent ? fake_device.absent : "");
    return MLB_OK;
}

static enum mlb_status fake_open(int index, int threads, struct mlb_device **device,
                                 struct mlb_error *err)
{
    (void)threads;
    *device = NULL;
    enum mlb_status status = enter(FAKE_CALL_OPEN, "open", err);
    if (status != MLB_OK)
        return status;
    if (index < 0 || index >= fake_device.devices)
        return mlb_fail(err, MLB_E_USAGE, "fake: open: no device %d; there are %d", index,
                        fake_device.devices);
    struct fake *fake = calloc(1, sizeof *fake);
    if (!fake)
        return mlb_fail(err, MLB_E_NOMEM, "fake: open: out of memory");
    fake->base.backend = &mlb_backend_fake;
    struct mlb_device_info *info = &fake->base.info;
    mlb_format(info->kind, sizeof info->kind, "fake");
    mlb_format(info->name, sizeof info->name, "Fake Device 9000");
    mlb_format(info->pci_id, sizeof info->pci_id, "0000:%02x:00.0", (unsigned)index + 1);
    info->index = index;
    info->memory_bytes = fake_device.memory_bytes;
    info->last_cache_bytes = 1 << 20;
    info->units = 4;
    info->clock_hz = 1e9;
    fake_device.open_devices++;
    *device = &fake->base;
    return MLB_OK;
}

static void fake_close(struct mlb_device *device)
{
    fake_device.open_devices -= device != NULL;
    free(device);
}

static enum mlb_status fake_describe(struct mlb_device *device, struct mlb_device_info *info,
                                     struct mlb_error *err)
{
    *info = device->info;
    return enter(FAKE_CALL_DESCRIBE, "describe", err);
}

static enum mlb_status fake_memory(struct mlb_device *device, uint64_t *free_bytes,
                                   uint64_t *total_bytes, struct mlb_error *err)
{
    (void)device;
    *total_bytes = fake_device.memory_bytes;
    *free_bytes = fake_device.memory_bytes - fake_device.live_bytes;
    return enter(FAKE_CALL_MEMORY, "memory", err);
}

static enum mlb_status fake_alloc(struct mlb_device *device, size_t bytes, const char *what,
                                  void **ptr, struct mlb_error *err)
{
    (void)device;
    *ptr = NULL;
    enum mlb_status status = enter(FAKE_CALL_ALLOC, "alloc", err);
    if (status != MLB_OK || bytes == 0)
        return status;
    uint64_t left = fake_device.memory_bytes - fake_device.live_bytes;
    struct fake_block *block = bytes <= left ? calloc(1, sizeof *block) : NULL;
    if (block)
        block->ptr = aligned_alloc(ALIGN, (bytes + ALIGN - 1) / ALIGN * ALIGN);
    if (!block || !block->ptr) {
        free(block);
        return mlb_fail(err, MLB_E_NOMEM, "fake: alloc %zu bytes for %s: out of memory (%llu free)",
                        bytes, what, (unsigned long long)left);
    }
    block->bytes = bytes;
    block->next = fake_device.blocks;
    fake_device.blocks = block;
    fake_device.live_blocks++;
    fake_device.live_bytes += bytes;
    if (fake_device.live_bytes > fake_device.peak_bytes)
        fake_device.peak_bytes = fake_device.live_bytes;
    *ptr = block->ptr;
    memset(*ptr, 0xa5, bytes); /* whoever counts on zeros finds out */
    return MLB_OK;
}

static void fake_free(struct mlb_device *device, void *ptr)
{
    struct fake_block **link = &fake_device.blocks;
    (void)device;
    while (*link && (*link)->ptr != ptr)
        link = &(*link)->next;
    if (*link)
        drop(link);
    else if (ptr)
        fake_device.wrong_frees++;
}

static enum mlb_status fake_copy(struct mlb_device *device, void *to, const void *from,
                                 size_t bytes, enum mlb_copy direction, struct mlb_error *err)
{
    (void)device, (void)direction;
    enum mlb_status status = enter(FAKE_CALL_COPY, "copy", err);
    if (status == MLB_OK && bytes > 0)
        memmove(to, from, bytes);
    return status;
}

static enum mlb_status fake_fill(struct mlb_device *device, void *ptr, uint64_t count,
                                 enum mlb_dtype dtype, enum mlb_data data, uint64_t seed,
                                 uint64_t first, struct mlb_error *err)
{
    (void)device;
    enum mlb_status status = enter(FAKE_CALL_FILL, "fill", err);
    if (status == MLB_OK)
        mlb_fill_host(ptr, count, dtype, data, seed, first);
    return status;
}

static bool is_mark(int mark)
{
    return mark >= 0 && mark < MLB_MARKS;
}

static enum mlb_status fake_mark(struct mlb_device *device, int mark, struct mlb_error *err)
{
    struct fake *fake = (struct fake *)device;
    enum mlb_status status = enter(FAKE_CALL_MARK, "mark", err);
    if (status != MLB_OK)
        return status;
    if (!is_mark(mark))
        return mlb_fail(err, MLB_E_INTERNAL, "fake: mark: no mark %d", mark);
    if (mark > 0 && fake_device.span_count > 0) {
        fake_device.now_ns += *fake_device.span_ns;
        fake_device.span_ns += fake_device.span_count > 1;
        fake_device.span_count -= fake_device.span_count > 1;
    }
    fake->marks_ns[mark] = fake_device.now_ns;
    fake->marked[mark] = true;
    return MLB_OK;
}

static enum mlb_status fake_elapsed(struct mlb_device *device, int from, int to, double *ns,
                                    struct mlb_error *err)
{
    const struct fake *fake = (struct fake *)device;
    enum mlb_status status = enter(FAKE_CALL_ELAPSED, "elapsed", err);
    if (status != MLB_OK)
        return status;
    if (!is_mark(from) || !is_mark(to) || !fake->marked[from] || !fake->marked[to])
        return mlb_fail(err, MLB_E_INTERNAL, "fake: elapsed: mark %d or %d was not set", from, to);
    *ns = fake->marks_ns[to] - fake->marks_ns[from];
    return MLB_OK;
}

static enum mlb_status fake_sync(struct mlb_device *device, double deadline_s,
                                 struct mlb_error *err)
{
    (void)device;
    enum mlb_status status = enter(FAKE_CALL_SYNC, "sync", err);
    if (status == MLB_OK && fake_device.hangs)
        status = mlb_fail(err, MLB_E_TIMEOUT, "fake: sync: device 0 still works after %.3g s",
                          deadline_s);
    return status;
}

static void *fake_stream(struct mlb_device *device)
{
    (void)device;
    return NULL;
}

/* ---------------------------------------------------------------------------------------- graphs
 */

static enum mlb_status fake_begin_graph(struct mlb_device *device, struct mlb_error *err)
{
    (void)device;
    if (fake_device.graph_speedup == 0.0)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "fake: no graphs today");
    fake_device.capturing = true;
    fake_device.captured_ns = 0.0;
    return MLB_OK;
}

static enum mlb_status fake_end_graph(struct mlb_device *device, void **graph,
                                      struct mlb_error *err)
{
    (void)device;
    *graph = NULL;
    fake_device.capturing = false;
    if (fake_device.graph_spoiled)
        return mlb_fail(err, MLB_E_UNSUPPORTED, "fake: a step waited for the device");
    double *ns = malloc(sizeof *ns);
    if (!ns)
        return mlb_fail(err, MLB_E_NOMEM, "fake: out of memory");
    *ns = fake_device.captured_ns / fake_device.graph_speedup;
    fake_device.live_graphs++;
    *graph = ns;
    return MLB_OK;
}

static enum mlb_status fake_launch_graph(struct mlb_device *device, void *graph,
                                         struct mlb_error *err)
{
    (void)err;
    fake_device.graph_launches++;
    fake_device_advance(device, *(double *)graph);
    return MLB_OK;
}

static void fake_free_graph(struct mlb_device *device, void *graph)
{
    (void)device;
    fake_device.live_graphs -= graph != NULL;
    free(graph);
}

const struct mlb_backend mlb_backend_fake = {
    .kind = "fake",
    .count = fake_count,
    .open = fake_open,
    .close = fake_close,
    .describe = fake_describe,
    .memory = fake_memory,
    .alloc = fake_alloc,
    .free = fake_free,
    .copy = fake_copy,
    .fill = fake_fill,
    .mark = fake_mark,
    .elapsed = fake_elapsed,
    .sync = fake_sync,
    .stream = fake_stream,
    .begin_graph = fake_begin_graph,
    .end_graph = fake_end_graph,
    .launch_graph = fake_launch_graph,
    .free_graph = fake_free_graph,
};
