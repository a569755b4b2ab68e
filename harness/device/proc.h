/* SPDX-License-Identifier: Apache-2.0 */
/* What Linux tells as text under /proc and /sys about the CPUs that this rank may use. Parsers take
 * text, and readers a root in front of /proc and /sys ("" outside tests), so that recorded machines
 * can stand in. */
#ifndef MLB_DEVICE_PROC_H
#define MLB_DEVICE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLB_CPUS_MAX 8192 /* the most that Linux can be configured for on x86-64 */

/* A set of CPU numbers. */
struct mlb_cpus {
    uint64_t bits[MLB_CPUS_MAX / 64];
};

bool mlb_cpus_has(const struct mlb_cpus *cpus, unsigned cpu); /* false for any cpu out of range */
void mlb_cpus_add(struct mlb_cpus *cpus, unsigned cpu);
unsigned mlb_cpus_count(const struct mlb_cpus *cpus);
/* Add a list as the kernel writes it ("0-3,8"); false when it is not one. */
bool mlb_cpus_add_list(struct mlb_cpus *cpus, const char *list);
/* Those that this process may run on now; CPU 0 alone if the kernel does not say. */
void mlb_cpus_allowed(struct mlb_cpus *cpus);

/* Whole file ROOT/PATH, terminated; NULL when it cannot be read. The caller frees. */
char *mlb_proc_read(const char *root, const char *path);
/* First line of a small file as text or as a number; false when it is not there or not such. */
bool mlb_proc_line(const char *root, const char *path, char *to, size_t size);
bool mlb_proc_number(const char *root, const char *path, double *number);

/* Value of the first line "key : value" of a text like /proc/cpuinfo or /proc/meminfo. */
bool mlb_proc_field(const char *text, const char *key, char *to, size_t size);

/* Clock ticks of the CPUs in the set since the machine started, from the text of /proc/stat. */
struct mlb_proc_ticks {
    uint64_t total; /* user to steal; guest time is within user */
    uint64_t idle;  /* nothing to run, or waiting for a disk */
    uint64_t steal; /* runnable, but the hypervisor ran something else */
};
bool mlb_proc_ticks(const char *stat, const struct mlb_cpus *cpus, struct mlb_proc_ticks *ticks);

/* Mean of "cpu MHz" of the CPUs in the set, from the text of /proc/cpuinfo, in Hz. */
bool mlb_proc_cpuinfo_hz(const char *cpuinfo, const struct mlb_cpus *cpus, double *hz);

/* CPUs' worth of time that a container's limit leaves, from the text of cgroup v2's cpu.max
 * ("200000 100000" is 2); false when there is no limit. */
bool mlb_proc_cpu_quota(const char *cpu_max, double *cpus);

/* Bytes that can still be taken: MemAvailable, or less when a cgroup limits it. 0 = unknown. */
uint64_t mlb_proc_memory_available(const char *root);

/* Facts about the CPUs in the set. */
struct mlb_cpu_facts {
    char model[128];           /* "" unknown */
    unsigned cores;            /* distinct cores, at least 1 */
    uint64_t last_cache_bytes; /* sum of the distinct last-level caches; 0 = unknown */
    double clock_hz;           /* highest that cpufreq allows; 0 = unknown */
    double quota;              /* CPUs' worth of time by cgroup; 0 = no limit */
};
void mlb_proc_cpu_facts(const char *root, const struct mlb_cpus *cpus, struct mlb_cpu_facts *facts);

#endif
