/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/numa.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/device/proc.h"

enum { PAGE = 4096 };

int mlb_numa_of_pci(const char *root, const char *pci_id)
{
    char path[128];
    double node;
    mlb_format(path, sizeof path, "/sys/bus/pci/devices/%s/numa_node", pci_id);
    if (!pci_id[0] || !mlb_proc_number(root, path, &node) || node < 0)
        return MLB_NUMA_ANY;
    return (int)node;
}

/* ------------------------------------------------------------------------------------ where we run
 */

/* The kernel takes a mask of any length. */
#define SETS (MLB_CPUS_MAX / CPU_SETSIZE)

struct affinity {
    cpu_set_t sets[SETS];
};

static enum mlb_status cpus_of(const char *root, int node, struct mlb_cpus *cpus,
                               struct mlb_error *err)
{
    char path[64], list[1024], nodes[256];
    memset(cpus, 0, sizeof *cpus);
    mlb_format(path, sizeof path, "/sys/devices/system/node/node%d/cpulist", node);
    if (mlb_proc_line(root, path, list, sizeof list)) {
        if (mlb_cpus_add_list(cpus, list))
            return MLB_OK;
        return mlb_fail(err, MLB_E_UNSUPPORTED, "NUMA node %d has memory only, no CPUs", node);
    }
    if (!mlb_proc_line(root, "/sys/devices/system/node/online", nodes, sizeof nodes))
        mlb_format(nodes, sizeof nodes, "not told");
    return mlb_fail(err, MLB_E_UNSUPPORTED, "there is no NUMA node %d here; nodes: %s", node,
                    nodes);
}

/* From here on this thread runs on `node` only; `before` takes it back. */
static enum mlb_status move_to(const char *root, int node, struct affinity *before,
                               struct mlb_error *err)
{
    struct mlb_cpus cpus;
    struct affinity there;
    memset(&there, 0, sizeof there);
    memset(before, 0, sizeof *before);
    if (cpus_of(root, node, &cpus, err) != MLB_OK)
        return err->status;
    for (unsigned cpu = 0; cpu < MLB_CPUS_MAX; cpu++)
        if (mlb_cpus_has(&cpus, cpu))
            CPU_SET_S(cpu, sizeof there, there.sets);
    if (sched_getaffinity(0, sizeof *before, before->sets) != 0 ||
        sched_setaffinity(0, sizeof there, there.sets) != 0)
        return mlb_fail(err, MLB_E_UNSUPPORTED,
                        "this process may not run on the CPUs of NUMA node %d: %s", node,
                        strerror(errno));
    return MLB_OK;
}

static void move_back(const struct affinity *before)
{
    sched_setaffinity(0, sizeof *before, before->sets);
}

enum mlb_status mlb_numa_check(const char *root, int node, struct mlb_error *err)
{
    struct affinity before;
    if (node == MLB_NUMA_ANY)
        return MLB_OK;
    enum mlb_status status = move_to(root, node, &before, err);
    if (status == MLB_OK)
        move_back(&before);
    return status;
}

/* ----------------------------------------------------------------------------------------- memory
 */

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

enum mlb_status mlb_numa_alloc(int node, size_t bytes, const char *what, void **memory,
                               struct mlb_error *err)
{
    struct affinity before;
    char size[MLB_UNIT_TEXT];
    *memory = NULL;
    if (node != MLB_NUMA_ANY && move_to("", node, &before, err) != MLB_OK)
        return err->status;
    char *map =
        mmap(NULL, whole_pages(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map != MAP_FAILED) {
        madvise(map, whole_pages(bytes), MADV_HUGEPAGE); /* a wish; fewer entries for the IOMMU */
        for (size_t page = 0; page < bytes; page += PAGE)
            *(volatile char *)(map + page) = 0;
    }
    if (node != MLB_NUMA_ANY)
        move_back(&before);
    if (map == MAP_FAILED)
        return mlb_fail(err, MLB_E_NOMEM, "host memory: %s for %s: %s",
                        mlb_print_bytes(size, bytes), what, strerror(errno));
    *memory = map;
    return MLB_OK;
}

void mlb_numa_free(void *memory, size_t bytes)
{
    if (memory)
        munmap(memory, whole_pages(bytes));
}

/* Pages of a line of numa_maps, "7f2c80000000 default anon=12 N0=4 N1=8 kernelpagesize_kB=4". */
static double pages_on(const char *line, size_t length, int node, double *all)
{
    double found = 0.0;
    *all = 0.0;
    for (const char *at = line; (at = memchr(at, ' ', (size_t)(line + length - at))) != NULL;) {
        int place = 0;
        double pages = 0.0;
        at++;
        if (sscanf(at, "N%d=%lf", &place, &pages) != 2)
            continue;
        *all += pages;
        found += place == node ? pages : 0.0;
    }
    return found;
}

/* Lines are in the order of addresses and tell where a mapping begins, not where it ends. */
bool mlb_numa_share(const char *root, const void *memory, int node, double *share)
{
    char *text = mlb_proc_read(root, "/proc/self/numa_maps");
    const char *line = text, *found = NULL;
    uintptr_t begin;
    double all = 0.0, there = 0.0;
    while (line && *line && sscanf(line, "%" SCNxPTR, &begin) == 1 && begin <= (uintptr_t)memory) {
        found = line;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (found)
        there = pages_on(found, strcspn(found, "\n"), node, &all);
    free(text);
    if (!(all > 0.0))
        return false;
    *share = there / all;
    return true;
}
