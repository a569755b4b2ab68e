/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/device/proc.h"

/* "name value" lines of cgroup's memory.stat, summed over the two kinds of page cache that the
 * kernel drops before it refuses memory. */
static double droppable_bytes(const char *root)
{
    char *text = mlb_proc_read(root, "/sys/fs/cgroup/memory.stat");
    double sum = 0;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        unsigned long long bytes;
        if (sscanf(line, "inactive_file %llu", &bytes) == 1 ||
            sscanf(line, "active_file %llu", &bytes) == 1)
            sum += (double)bytes;
    }
    free(text);
    return sum;
}

/* Version 2 of cgroups, seen from inside a container; false without a limit. */
static bool cgroup_memory_left(const char *root, double *bytes)
{
    double limit, used;
    if (!mlb_proc_number(root, "/sys/fs/cgroup/memory.max", &limit) ||
        !mlb_proc_number(root, "/sys/fs/cgroup/memory.current", &used))
        return false;
    used -= droppable_bytes(root);
    *bytes = limit > used ? limit - (used > 0 ? used : 0) : 0;
    return true;
}

uint64_t mlb_proc_memory_available(const char *root)
{
    char value[64];
    double available = 0, left;
    char *text = mlb_proc_read(root, "/proc/meminfo");
    if (text && mlb_proc_field(text, "MemAvailable", value, sizeof value))
        available = strtod(value, NULL) * 1024.0; /* "24000000 kB" */
    free(text);
    if (cgroup_memory_left(root, &left) && left < available)
        available = left;
    return (uint64_t)available;
}

/* Cores: CPUs that share one count once, whether or not the set holds all of its siblings. */
static unsigned count_cores(const char *root, const struct mlb_cpus *cpus)
{
    struct mlb_cpus seen = {{0}};
    unsigned cores = 0;
    for (unsigned cpu = 0; cpu < MLB_CPUS_MAX; cpu++) {
        if (!mlb_cpus_has(cpus, cpu) || mlb_cpus_has(&seen, cpu))
            continue;
        char path[128], list[1024];
        mlb_format(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
                   cpu);
        if (mlb_proc_line(root, path, list, sizeof list))
            mlb_cpus_add_list(&seen, list);
        cores++;
    }
    return cores > 0 ? cores : 1;
}

static const char *cache_path(char to[128], unsigned cpu, unsigned index, const char *name)
{
    mlb_format(to, 128, "/sys/devices/system/cpu/cpu%u/cache/index%u/%s", cpu, index, name);
    return to;
}

/* Size of the cache of the highest level that `cpu` has; its users are added to `seen`. */
static uint64_t last_cache_of(const char *root, unsigned cpu, struct mlb_cpus *seen)
{
    double highest = 0, level;
    uint64_t bytes = 0;
    char path[128], size[32], users[1024] = "";
    for (unsigned index = 0; mlb_proc_number(root, cache_path(path, cpu, index, "level"), &level);
         index++) {
        if (level <= highest ||
            !mlb_proc_line(root, cache_path(path, cpu, index, "size"), size, sizeof size) ||
            !mlb_parse_bytes(size, &bytes))
            continue;
        highest = level;
        if (!mlb_proc_line(root, cache_path(path, cpu, index, "shared_cpu_list"), users,
                           sizeof users))
            users[0] = '\0';
    }
    mlb_cpus_add_list(seen, users);
    return bytes;
}

static uint64_t sum_last_caches(const char *root, const struct mlb_cpus *cpus)
{
    struct mlb_cpus seen = {{0}};
    uint64_t sum = 0;
    for (unsigned cpu = 0; cpu < MLB_CPUS_MAX; cpu++)
        if (mlb_cpus_has(cpus, cpu) && !mlb_cpus_has(&seen, cpu))
            sum += last_cache_of(root, cpu, &seen);
    return sum;
}

/* Arm cores of rented machines; Linux gives their numbers only (Arm Ltd., Main ID Register). */
static const struct {
    const char *implementer, *part, *name;
} arm_cores[] = {
    {"0x41", "0xd0c", "Arm Neoverse N1"}, {"0x41", "0xd40", "Arm Neoverse V1"},
    {"0x41", "0xd49", "Arm Neoverse N2"}, {"0x41", "0xd4f", "Arm Neoverse V2"},
    {"0x41", "0xd84", "Arm Neoverse V3"},
};

static void find_model(const char *root, char *to, size_t size)
{
    char implementer[32], part[32];
    char *text = mlb_proc_read(root, "/proc/cpuinfo");
    to[0] = '\0';
    if (text && !mlb_proc_field(text, "model name", to, size) &&
        mlb_proc_field(text, "CPU implementer", implementer, sizeof implementer) &&
        mlb_proc_field(text, "CPU part", part, sizeof part)) {
        mlb_format(to, size, "Arm core %s part %s", implementer, part);
        for (size_t i = 0; i < sizeof arm_cores / sizeof *arm_cores; i++)
            if (strcmp(arm_cores[i].implementer, implementer) == 0 &&
                strcmp(arm_cores[i].part, part) == 0)
                mlb_format(to, size, "%s", arm_cores[i].name);
    }
    free(text);
}

static double find_clock_hz(const char *root, const struct mlb_cpus *cpus)
{
    double highest = 0;
    for (unsigned cpu = 0; cpu < MLB_CPUS_MAX; cpu++) {
        char path[128];
        double khz;
        if (!mlb_cpus_has(cpus, cpu))
            continue;
        mlb_format(path, sizeof path, "/sys/devices/system/cpu/cpu%u/cpufreq/cpuinfo_max_freq",
                   cpu);
        if (!mlb_proc_number(root, path, &khz))
            break;
        highest = khz > highest ? khz : highest;
    }
    return highest * 1e3;
}

void mlb_proc_cpu_facts(const char *root, const struct mlb_cpus *cpus, struct mlb_cpu_facts *facts)
{
    char quota[64];
    memset(facts, 0, sizeof *facts);
    find_model(root, facts->model, sizeof facts->model);
    facts->cores = count_cores(root, cpus);
    facts->last_cache_bytes = sum_last_caches(root, cpus);
    facts->clock_hz = find_clock_hz(root, cpus);
    if (!mlb_proc_line(root, "/sys/fs/cgroup/cpu.max", quota, sizeof quota) ||
        !mlb_proc_cpu_quota(quota, &facts->quota))
        facts->quota = 0;
}
