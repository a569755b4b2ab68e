/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU as a device: all cores that this rank may use, by OpenMP. Synchronous. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/device/device.h"
#include "harness/device/fill.h"
#include "harness/device/proc.h"

/* Memory comes from mmap and not from malloc, so that no page was touched before by a thread on
 * another NUMA node. Aligned to huge pages: one TLB entry for 2 MiB. So are blocks of less than
 * one, down to the size where a few TLB entries do: in a series over sizes the time must not fall
 * where the kind of page changes. */
enum { HUGE_PAGE = 2 << 20, SMALL_PAGE = 4096, LEAST_HUGE = 64 << 10 };

struct block {
    struct block *next;
    void *ptr; /* what alloc gave */
    void *map; /* what mmap gave */
    size_t map_bytes;
};

struct cpu_device {
    struct mlb_device base;
    int threads;
    struct block *blocks;
    int64_t marks[MLB_MARKS]; /* ns; 0 = not set */
};

static struct cpu_device *cpu_of(struct mlb_device *device)
{
    return (struct cpu_device *)device;
}

static enum mlb_status cpu_count(int *count, char *why, size_t why_size, struct mlb_error *err)
{
    (void)err;
    *count = 1;
    if (why && why_size > 0)
        why[0] = '\0';
    return MLB_OK;
}

/* A thread a core: a second one on the same core adds nothing to dense arithmetic or to streams. */
static int default_threads(const struct mlb_cpu_facts *facts)
{
    int threads = (int)facts->cores;
    if (facts->quota > 0 && facts->quota < threads)
        threads = (int)ceil(facts->quota);
    return threads;
}

static void fill_info(struct mlb_device_info *info, const struct mlb_cpu_facts *facts)
{
    mlb_format(info->kind, sizeof info->kind, "cpu");
    mlb_format(info->name, sizeof info->name, "%s", facts->model[0] ? facts->model : "CPU");
    info->units = facts->cores;
    info->last_cache_bytes = facts->last_cache_bytes;
    info->clock_hz = facts->clock_hz;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    info->memory_bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
}

static enum mlb_status cpu_open(int index, int threads, struct mlb_device **device,
                                struct mlb_error *err)
{
    struct mlb_cpus allowed;
    struct mlb_cpu_facts facts;
    *device = NULL;
    if (index != 0)
        return mlb_fail(err, MLB_E_USAGE, "cpu: open: no device %d; there is device 0 only", index);
    struct cpu_device *cpu = calloc(1, sizeof *cpu);
    if (!cpu)
        return mlb_fail(err, MLB_E_NOMEM, "cpu: open: out of memory");
    mlb_cpus_allowed(&allowed);
    mlb_proc_cpu_facts("", &allowed, &facts);
    cpu->base.backend = &mlb_backend_cpu;
    cpu->threads = threads > 0 ? threads : default_threads(&facts);
    fill_info(&cpu->base.info, &facts);
    /* libgomp counted the cores when the program was loaded, before the rank was bound. */
    omp_set_dynamic(0);
    omp_set_num_threads(cpu->threads);
    *device = &cpu->base;
    return MLB_OK;
}

static void cpu_close(struct mlb_device *device)
{
    if (!device)
        return;
    struct cpu_device *cpu = cpu_of(device);
    while (cpu->blocks) {
        struct block *block = cpu->blocks;
        cpu->blocks = block->next;
        munmap(block->map, block->map_bytes);
        free(block);
    }
    free(cpu);
}

static enum mlb_status cpu_describe(struct mlb_device *device, struct mlb_device_info *info,
                                    struct mlb_error *err)
{
    (void)err;
    *info = device->info;
    return MLB_OK;
}

static enum mlb_status cpu_memory(struct mlb_device *device, uint64_t *free_bytes,
                                  uint64_t *total_bytes, struct mlb_error *err)
{
    *total_bytes = device->info.memory_bytes;
    *free_bytes = mlb_proc_memory_available("");
    if (*free_bytes == 0)
        return mlb_fail(err, MLB_E_IO, "cpu: memory: /proc/meminfo has no MemAvailable");
    return MLB_OK;
}

/* The same share of the array that a static schedule, and fill below, give to a thread. */
static void share_of(uint64_t count, int thread, int threads, uint64_t *begin, uint64_t *end)
{
    uint64_t each = count / (uint64_t)threads, rest = count % (uint64_t)threads;
    uint64_t t = (uint64_t)thread;
    *begin = t * each + (t < rest ? t : rest);
    *end = *begin + each + (t < rest ? 1 : 0);
}

static void touch_first(struct cpu_device *cpu, char *memory, size_t bytes)
{
    uint64_t pages = (bytes + SMALL_PAGE - 1) / SMALL_PAGE;
#pragma omp parallel num_threads(cpu->threads)
    {
        uint64_t begin, end;
        share_of(pages, omp_get_thread_num(), omp_get_num_threads(), &begin, &end);
        for (uint64_t page = begin; page < end; page++)
            *(volatile char *)(memory + page * SMALL_PAGE) = 0;
    }
}

static enum mlb_status fail_alloc(struct mlb_device *device, size_t bytes, const char *what,
                                  struct mlb_error *err)
{
    char size[MLB_UNIT_TEXT], left[MLB_UNIT_TEXT], total[MLB_UNIT_TEXT];
    return mlb_fail(err, MLB_E_NOMEM, "cpu: alloc %s for %s: out of memory (%s of %s available)",
                    mlb_print_bytes(size, bytes), what,
                    mlb_print_bytes(left, mlb_proc_memory_available("")),
                    mlb_print_bytes(total, device->info.memory_bytes));
}

static enum mlb_status cpu_alloc(struct mlb_device *device, size_t bytes, const char *what,
                                 void **ptr, struct mlb_error *err)
{
    struct cpu_device *cpu = cpu_of(device);
    size_t align = bytes >= LEAST_HUGE ? HUGE_PAGE : SMALL_PAGE;
    *ptr = NULL;
    if (bytes == 0)
        return MLB_OK;
    /* The kernel promises more than it has: too much would end in a kill while pages are touched.
     */
    if (bytes >= HUGE_PAGE && bytes > mlb_proc_memory_available(""))
        return fail_alloc(device, bytes, what, err);
    struct block *block = malloc(sizeof *block);
    if (!block)
        return fail_alloc(device, bytes, what, err);
    /* Whole huge pages, so that the last part of the array has them too. */
    size_t rounded = (bytes + align - 1) / align * align;
    block->map_bytes = rounded + (align > SMALL_PAGE ? align : 0);
    block->map = mmap(NULL, block->map_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block->map == MAP_FAILED) {
        free(block);
        return fail_alloc(device, bytes, what, err);
    }
    block->ptr = (void *)(((uintptr_t)block->map + align - 1) / align * align);
    if (align == HUGE_PAGE)
        madvise(block->ptr, rounded, MADV_HUGEPAGE); /* a wish; refused where switched off */
    touch_first(cpu, block->ptr, bytes);
    block->next = cpu->blocks;
    cpu->blocks = block;
    *ptr = block->ptr;
    return MLB_OK;
}

static void cpu_free(struct mlb_device *device, void *ptr)
{
    struct block **link = &cpu_of(device)->blocks;
    while (*link && (*link)->ptr != ptr)
        link = &(*link)->next;
    struct block *block = *link;
    if (!ptr || !block)
        return;
    *link = block->next;
    munmap(block->map, block->map_bytes);
    free(block);
}

static enum mlb_status cpu_copy(struct mlb_device *device, void *to, const void *from, size_t bytes,
                                enum mlb_copy direction, struct mlb_error *err)
{
    (void)device, (void)direction, (void)err;
    if (bytes > 0)
        memmove(to, from, bytes);
    return MLB_OK;
}

static enum mlb_status cpu_fill(struct mlb_device *device, void *ptr, uint64_t count,
                                enum mlb_dtype dtype, enum mlb_data data, uint64_t seed,
                                uint64_t first, struct mlb_error *err)
{
    struct cpu_device *cpu = cpu_of(device);
    size_t bytes = mlb_dtype_bytes(dtype);
    (void)err;
#pragma omp parallel num_threads(cpu->threads)
    {
        uint64_t begin, end;
        share_of(count, omp_get_thread_num(), omp_get_num_threads(), &begin, &end);
        mlb_fill_host((char *)ptr + begin * bytes, end - begin, dtype, data, seed, first + begin);
    }
    return MLB_OK;
}

static enum mlb_status check_mark(const char *call, int mark, struct mlb_error *err)
{
    if (mark < 0 || mark >= MLB_MARKS)
        return mlb_fail(err, MLB_E_INTERNAL, "cpu: %s: no mark %d; there are %d", call, mark,
                        MLB_MARKS);
    return MLB_OK;
}

static enum mlb_status cpu_mark(struct mlb_device *device, int mark, struct mlb_error *err)
{
    enum mlb_status status = check_mark("mark", mark, err);
    if (status == MLB_OK)
        cpu_of(device)->marks[mark] = mlb_clock_ns();
    return status;
}

static enum mlb_status cpu_elapsed(struct mlb_device *device, int from, int to, double *ns,
                                   struct mlb_error *err)
{
    const int64_t *marks = cpu_of(device)->marks;
    enum mlb_status status;
    if ((status = check_mark("elapsed", from, err)) != MLB_OK ||
        (status = check_mark("elapsed", to, err)) != MLB_OK)
        return status;
    if (marks[from] == 0 || marks[to] == 0)
        return mlb_fail(err, MLB_E_INTERNAL, "cpu: elapsed: mark %d was not set",
                        marks[from] == 0 ? from : to);
    *ns = (double)(marks[to] - marks[from]);
    return MLB_OK;
}

static enum mlb_status cpu_sync(struct mlb_device *device, double deadline_s, struct mlb_error *err)
{
    (void)device, (void)deadline_s, (void)err;
    return MLB_OK;
}

static void *cpu_stream(struct mlb_device *device)
{
    (void)device;
    return NULL;
}

const struct mlb_backend mlb_backend_cpu = {
    .kind = "cpu",
    .count = cpu_count,
    .open = cpu_open,
    .close = cpu_close,
    .describe = cpu_describe,
    .memory = cpu_memory,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .copy = cpu_copy,
    .fill = cpu_fill,
    .mark = cpu_mark,
    .elapsed = cpu_elapsed,
    .sync = cpu_sync,
    .stream = cpu_stream,
};
