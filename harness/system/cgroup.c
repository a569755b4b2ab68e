/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/cgroup.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/system/procfs.h"

/* One level of a hierarchy; go_up() climbs towards the mount point. A container that is shown its
 * path on the host does not have the lower levels: they cannot be read and set no limit. */
struct group {
    const char *root;
    bool unified; /* version 2 */
    char folder[PATH_MAX];
    size_t mount; /* length of the part of `folder` that is the mount point */
};

/* "4:cpu,cpuacct:/path" is of controller "cpu"; "0::/path" is version 2's. */
static bool line_names(const char *line, const char *controller)
{
    const char *list = strchr(line, ':');
    size_t length = strlen(controller);
    if (length == 0 || !list)
        return list && strncmp(line, "0::/", 4) == 0;
    for (const char *at = list + 1; *at && *at != ':' && *at != '\n';) {
        size_t word = strcspn(at, ",:\n");
        if (word == length && strncmp(at, controller, length) == 0)
            return true;
        at += word + (at[word] == ',');
    }
    return false;
}

/* Path of this process in the hierarchy of `controller` ("" = version 2's). */
static bool find_path(const char *text, const char *controller, char *path, size_t size)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!line_names(line, controller))
            continue;
        const char *at = strchr(strchr(line, ':') + 1, ':');
        if (!at)
            return false;
        snprintf(path, size, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
        return true;
    }
    return false;
}

static bool find_group(const char *root, const char *controller, struct group *group)
{
    char text[4096], path[PATH_MAX / 2], mount[64];
    if (!mlb_procfs_read(root, "/proc/self/cgroup", text, sizeof text))
        return false;
    group->root = root;
    group->unified = !find_path(text, controller, path, sizeof path);
    if (group->unified && !find_path(text, "", path, sizeof path))
        return false;
    snprintf(mount, sizeof mount, "/sys/fs/cgroup%s%s", group->unified ? "" : "/",
             group->unified ? "" : controller);
    group->mount = strlen(mount);
    snprintf(group->folder, sizeof group->folder, "%s%s", mount,
             strcmp(path, "/") == 0 ? "" : path);
    return true;
}

static bool go_up(struct group *group)
{
    char *slash = strrchr(group->folder + group->mount, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return true;
}

static bool read_number(const struct group *group, const char *file, uint64_t *value)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", group->folder, file);
    return mlb_procfs_read_u64(group->root, path, value);
}

/* ---------------------------------------------------------------------------------- memory */

/* Version 1 says "no limit" with a number near 2^63. */
static bool read_memory_limit(const struct group *group, uint64_t *bytes)
{
    return read_number(group, group->unified ? "memory.max" : "memory.limit_in_bytes", bytes) &&
           *bytes < UINT64_C(1) << 62;
}

static uint64_t droppable_cache(const struct group *group)
{
    char path[PATH_MAX + 64], text[4096], number[32];
    snprintf(path, sizeof path, "%s/memory.stat", group->folder);
    if (!mlb_procfs_read(group->root, path, text, sizeof text) ||
        !mlb_procfs_value(text, group->unified ? "inactive_file" : "total_inactive_file", ' ',
                          number, sizeof number))
        return 0;
    return strtoull(number, NULL, 10);
}

static uint64_t left_of(const struct group *group, uint64_t limit)
{
    uint64_t used = 0;
    read_number(group, group->unified ? "memory.current" : "memory.usage_in_bytes", &used);
    uint64_t cache = droppable_cache(group);
    used -= cache < used ? cache : used;
    return used < limit ? limit - used : 0;
}

uint64_t mlb_cgroup_memory_limit(const char *root)
{
    struct group group;
    uint64_t least = UINT64_MAX, limit;
    if (!find_group(root, "memory", &group))
        return UINT64_MAX;
    do {
        if (read_memory_limit(&group, &limit) && limit < least)
            least = limit;
    } while (go_up(&group));
    return least;
}

uint64_t mlb_cgroup_memory_available(const char *root)
{
    struct group group;
    uint64_t least = UINT64_MAX, limit;
    if (!find_group(root, "memory", &group))
        return UINT64_MAX;
    do {
        uint64_t left = read_memory_limit(&group, &limit) ? left_of(&group, limit) : UINT64_MAX;
        least = left < least ? left : least;
    } while (go_up(&group));
    return least;
}

/* ------------------------------------------------------------------------------------ CPUs */

/* Version 2: "400000 100000" or "max 100000" in one file; version 1: two files, -1 is no limit. */
static bool read_quota(const struct group *group, double *cpus)
{
    char path[PATH_MAX + 64], text[64];
    uint64_t quota = 0, period = 0;
    if (group->unified) {
        snprintf(path, sizeof path, "%s/cpu.max", group->folder);
        if (!mlb_procfs_read(group->root, path, text, sizeof text) ||
            sscanf(text, "%" SCNu64 " %" SCNu64, &quota, &period) != 2)
            return false;
    } else if (!read_number(group, "cpu.cfs_quota_us", &quota) ||
               !read_number(group, "cpu.cfs_period_us", &period)) {
        return false;
    }
    *cpus = period > 0 ? (double)quota / (double)period : 0;
    return quota > 0 && period > 0;
}

double mlb_cgroup_cpu_quota(const char *root)
{
    struct group group;
    double least = 0, cpus;
    if (!find_group(root, "cpu", &group))
        return 0;
    do {
        if (read_quota(&group, &cpus) && (least == 0 || cpus < least))
            least = cpus;
    } while (go_up(&group));
    return least;
}
