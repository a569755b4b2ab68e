/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/base/text.h"
#include "harness/device/meter.h"

/* Reading a core's clock costs tens of microseconds: a few cores stand for all. */
enum { CORES_READ = 16 };

struct cpu_meter {
    struct mlb_meter base;
    const char *root;
    struct mlb_cpus cpus;
    unsigned read_cpus[CORES_READ];
    unsigned read_count;
};

/* Evenly over the set, the first one included. */
static void pick_cpus(struct cpu_meter *cpu)
{
    unsigned all = mlb_cpus_count(&cpu->cpus), rank = 0;
    for (unsigned i = 0; i < MLB_CPUS_MAX && cpu->read_count < CORES_READ; i++) {
        if (!mlb_cpus_has(&cpu->cpus, i))
            continue;
        if (all <= CORES_READ || rank * CORES_READ >= cpu->read_count * all)
            cpu->read_cpus[cpu->read_count++] = i;
        rank++;
    }
}

static bool clock_by_cpufreq(const struct cpu_meter *cpu, double *hz)
{
    double sum = 0;
    for (unsigned i = 0; i < cpu->read_count; i++) {
        char path[128];
        double khz;
        mlb_format(path, sizeof path, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq",
                   cpu->read_cpus[i]);
        if (!mlb_proc_number(cpu->root, path, &khz))
            return false;
        sum += khz * 1e3;
    }
    *hz = sum / cpu->read_count;
    return cpu->read_count > 0;
}

/* Virtual machines mostly have no cpufreq; what they show here is often the nominal clock. */
static bool clock_by_cpuinfo(const struct cpu_meter *cpu, double *hz)
{
    char *text = mlb_proc_read(cpu->root, "/proc/cpuinfo");
    bool known = text && mlb_proc_cpuinfo_hz(text, &cpu->cpus, hz);
    free(text);
    return known;
}

static void cpu_read(struct mlb_meter *meter, struct mlb_reading *reading)
{
    const struct cpu_meter *cpu = (struct cpu_meter *)meter;
    double *hz = &reading->clock_hz.value;
    reading->clock_hz.known = clock_by_cpufreq(cpu, hz) || clock_by_cpuinfo(cpu, hz);
}

static void cpu_count(struct mlb_meter *meter, struct mlb_counters *counters)
{
    const struct cpu_meter *cpu = (struct cpu_meter *)meter;
    struct mlb_proc_ticks ticks;
    struct rusage usage;
    char *stat = mlb_proc_read(cpu->root, "/proc/stat");
    if (stat && mlb_proc_ticks(stat, &cpu->cpus, &ticks)) {
        counters->cpu_ticks = (struct mlb_maybe){true, (double)ticks.total};
        counters->steal_ticks = (struct mlb_maybe){true, (double)ticks.steal};
        counters->busy_ticks =
            (struct mlb_maybe){true, (double)(ticks.total - ticks.idle - ticks.steal)};
    }
    free(stat);
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    counters->involuntary_switches = (struct mlb_maybe){true, (double)usage.ru_nivcsw};
    double own_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    counters->own_ticks = (struct mlb_maybe){true, own_s * (double)sysconf(_SC_CLK_TCK)};
}

static void cpu_close(struct mlb_meter *meter)
{
    free(meter);
}

enum mlb_status mlb_meter_open_cpu(const char *root, const struct mlb_cpus *cpus,
                                   struct mlb_meter **meter, struct mlb_error *err)
{
    *meter = NULL;
    struct cpu_meter *cpu = calloc(1, sizeof *cpu);
    if (!cpu)
        return mlb_fail(err, MLB_E_NOMEM, "telemetry of the CPU: out of memory");
    cpu->base.source = "proc";
    cpu->base.read = cpu_read;
    cpu->base.count = cpu_count;
    cpu->base.close = cpu_close;
    cpu->root = root;
    cpu->cpus = *cpus;
    pick_cpus(cpu);
    *meter = &cpu->base;
    return MLB_OK;
}
