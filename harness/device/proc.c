/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/device/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/text.h"

bool mlb_cpus_has(const struct mlb_cpus *cpus, unsigned cpu)
{
    return cpu < MLB_CPUS_MAX && (cpus->bits[cpu / 64] >> (cpu % 64)) & 1u;
}

void mlb_cpus_add(struct mlb_cpus *cpus, unsigned cpu)
{
    if (cpu < MLB_CPUS_MAX)
        cpus->bits[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

unsigned mlb_cpus_count(const struct mlb_cpus *cpus)
{
    unsigned count = 0;
    for (size_t i = 0; i < MLB_CPUS_MAX / 64; i++)
        count += (unsigned)__builtin_popcountll(cpus->bits[i]);
    return count;
}

bool mlb_cpus_add_list(struct mlb_cpus *cpus, const char *list)
{
    const char *at = list;
    do {
        char *end;
        unsigned long first = strtoul(at, &end, 10), last = first;
        if (end == at)
            return false;
        if (*end == '-') {
            at = end + 1;
            last = strtoul(at, &end, 10);
            if (end == at)
                return false;
        }
        if (last < first || last >= MLB_CPUS_MAX)
            return false;
        for (unsigned long cpu = first; cpu <= last; cpu++)
            mlb_cpus_add(cpus, (unsigned)cpu);
        at = end;
    } while (*at++ == ',');
    return true;
}

void mlb_cpus_allowed(struct mlb_cpus *cpus)
{
    enum { WORDS = MLB_CPUS_MAX / (8 * sizeof(cpu_set_t)) };
    cpu_set_t set[WORDS];
    memset(set, 0, sizeof set);
    memset(cpus, 0, sizeof *cpus);
    if (sched_getaffinity(0, sizeof set, set) != 0) {
        mlb_cpus_add(cpus, 0);
        return;
    }
    for (unsigned cpu = 0; cpu < MLB_CPUS_MAX; cpu++)
        if (CPU_ISSET_S(cpu, sizeof set, set))
            mlb_cpus_add(cpus, cpu);
}

/* read(2) until the end: files of /proc have no size to ask for. */
static char *read_all(int fd)
{
    const size_t limit = (size_t)16 << 20;
    size_t length = 0, capacity = 0;
    char *text = NULL;
    for (;;) {
        if (capacity - length < 4096) {
            capacity = capacity ? 2 * capacity : 16384;
            char *larger = capacity <= limit ? realloc(text, capacity) : NULL;
            if (!larger)
                break;
            text = larger;
        }
        ssize_t got = read(fd, text + length, capacity - length - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        if (got == 0) {
            text[length] = '\0';
            return text;
        }
        length += (size_t)got;
    }
    free(text);
    return NULL;
}

static int open_at(const char *root, const char *path)
{
    char full[512];
    if (!mlb_format(full, sizeof full, "%s%s", root, path))
        return -1;
    return open(full, O_RDONLY | O_CLOEXEC);
}

char *mlb_proc_read(const char *root, const char *path)
{
    int fd = open_at(root, path);
    if (fd < 0)
        return NULL;
    char *text = read_all(fd);
    close(fd);
    return text;
}

bool mlb_proc_line(const char *root, const char *path, char *to, size_t size)
{
    int fd = open_at(root, path);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, to, size - 1);
    close(fd);
    if (got <= 0)
        return false;
    to[got] = '\0';
    to[strcspn(to, "\n")] = '\0';
    return true;
}

bool mlb_proc_number(const char *root, const char *path, double *number)
{
    char line[64], *end;
    if (!mlb_proc_line(root, path, line, sizeof line))
        return false;
    double value = strtod(line, &end);
    if (end == line || *end != '\0' || !isfinite(value))
        return false;
    *number = value;
    return true;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : NULL;
}

/* Start of the value when `line` is "key : value", else NULL. */
static const char *value_of(const char *line, const char *key)
{
    size_t length = strlen(key);
    if (strncmp(line, key, length) != 0)
        return NULL;
    const char *at = line + length + strspn(line + length, " \t");
    if (*at != ':')
        return NULL;
    return at + 1 + strspn(at + 1, " \t");
}

bool mlb_proc_field(const char *text, const char *key, char *to, size_t size)
{
    for (const char *line = text; line; line = next_line(line)) {
        const char *value = value_of(line, key);
        if (value)
            return mlb_format(to, size, "%.*s", (int)strcspn(value, "\n"), value);
    }
    return false;
}

bool mlb_proc_ticks(const char *stat, const struct mlb_cpus *cpus, struct mlb_proc_ticks *ticks)
{
    enum {
        FIELDS = 8,
        IDLE = 3,
        IOWAIT = 4,
        STEAL = 7
    }; /* user nice system idle iowait irq softirq steal */
    bool found = false;
    memset(ticks, 0, sizeof *ticks);
    for (const char *line = stat; line; line = next_line(line)) {
        unsigned cpu;
        uint64_t v[FIELDS];
        if (sscanf(line,
                   "cpu%u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %" SCNu64 " %" SCNu64,
                   &cpu, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) != FIELDS + 1 ||
            !mlb_cpus_has(cpus, cpu))
            continue;
        for (int i = 0; i < FIELDS; i++)
            ticks->total += v[i];
        ticks->idle += v[IDLE] + v[IOWAIT];
        ticks->steal += v[STEAL];
        found = true;
    }
    return found;
}

bool mlb_proc_cpuinfo_hz(const char *cpuinfo, const struct mlb_cpus *cpus, double *hz)
{
    double sum = 0;
    unsigned count = 0;
    bool wanted = false;
    for (const char *line = cpuinfo; line; line = next_line(line)) {
        const char *value = value_of(line, "processor");
        if (value)
            wanted = mlb_cpus_has(cpus, (unsigned)strtoul(value, NULL, 10));
        value = wanted ? value_of(line, "cpu MHz") : NULL;
        if (value) {
            sum += strtod(value, NULL) * 1e6;
            count++;
        }
    }
    if (count == 0 || !(sum > 0))
        return false;
    *hz = sum / count;
    return true;
}

bool mlb_proc_cpu_quota(const char *cpu_max, double *cpus)
{
    double quota, period;
    if (sscanf(cpu_max, "%lf %lf", &quota, &period) != 2 || !(quota > 0) || !(period > 0))
        return false;
    *cpus = quota / period;
    return true;
}
