/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/environment.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/system/cgroup.h"
#include "harness/system/procfs.h"

enum { VALUE = 256, FIRST_CPU = 8192 /* room for the first processor of /proc/cpuinfo */ };

/* -------------------------------------------------------------- readers, one for each fact */

/* A reader leaves "" in `to` for what is not known. */

/* Of uname only what names the software: its node name is the host's. /proc/version is not read at
 * all, since it names who built the kernel. */
static void read_kernel(const char *root, char *to)
{
    struct utsname name;
    (void)root;
    if (uname(&name) == 0)
        mlb_format(to, VALUE, "%s %s %s", name.sysname, name.release, name.machine);
}

static void read_os(const char *root, char *to)
{
    char text[4096];
    if (mlb_procfs_read(root, "/etc/os-release", text, sizeof text) ||
        mlb_procfs_read(root, "/usr/lib/os-release", text, sizeof text))
        mlb_procfs_value(text, "PRETTY_NAME", '=', to, VALUE);
}

/* Arm's /proc/cpuinfo has numbers in place of a name. */
static void read_cpu_model(const char *root, char *to)
{
    char text[FIRST_CPU], implementer[32], part[32];
    mlb_procfs_read(root, "/proc/cpuinfo", text, sizeof text);
    if (!mlb_procfs_value(text, "model name", ':', to, VALUE) &&
        mlb_procfs_value(text, "CPU implementer", ':', implementer, sizeof implementer) &&
        mlb_procfs_value(text, "CPU part", ':', part, sizeof part))
        mlb_format(to, VALUE, "implementer %s part %s", implementer, part);
}

static void read_cpu_flags(const char *root, char *to)
{
    static const char *const decisive[] = {"avx2",     "avx512f",  "avx512_bf16", "avx512_vnni",
                                           "amx_tile", "amx_bf16", "amx_int8"};
    char text[FIRST_CPU], flags[FIRST_CPU];
    mlb_procfs_read(root, "/proc/cpuinfo", text, sizeof text);
    if (!mlb_procfs_value(text, "flags", ':', flags, sizeof flags))
        return;
    size_t length = 0;
    for (size_t i = 0; i < sizeof decisive / sizeof decisive[0]; i++) {
        if (!mlb_procfs_has_word(flags, decisive[i]))
            continue;
        mlb_format(to + length, VALUE - length, "%s%s", length > 0 ? " " : "", decisive[i]);
        length = strlen(to);
    }
}

/* Guests of a hypervisor are told by a CPU flag; which one it is, by the clocks that it offers. */
static void read_hypervisor(const char *root, char *to)
{
    char text[FIRST_CPU], flags[FIRST_CPU], clocks[VALUE];
    if (mlb_procfs_read(root, "/sys/hypervisor/type", to, VALUE) && to[0] != '\0')
        return;
    mlb_procfs_read(root, "/proc/cpuinfo", text, sizeof text);
    if (!mlb_procfs_value(text, "flags", ':', flags, sizeof flags) ||
        !mlb_procfs_has_word(flags, "hypervisor"))
        return;
    mlb_procfs_read(root, "/sys/devices/system/clocksource/clocksource0/available_clocksource",
                    clocks, sizeof clocks);
    mlb_format(to, VALUE, "%s",
               strstr(clocks, "kvm-clock") ? "kvm"
               : strstr(clocks, "hyperv")  ? "hyperv"
                                           : "unnamed");
}

static uint64_t read_meminfo(const char *root, const char *key)
{
    char text[4096], number[32];
    uint64_t kib = 0;
    if (!mlb_procfs_read(root, "/proc/meminfo", text, sizeof text) ||
        !mlb_procfs_value(text, key, ':', number, sizeof number))
        return 0;
    kib = strtoull(number, NULL, 10); /* "24684084 kB", which are KiB */
    return kib * 1024;
}

static void read_memory(const char *root, char *to)
{
    uint64_t total = read_meminfo(root, "MemTotal"), limit = mlb_cgroup_memory_limit(root);
    uint64_t bytes = limit < total ? limit : total;
    if (total > 0)
        mlb_format(to, VALUE, "%llu", (unsigned long long)bytes);
}

static void read_hugepages(const char *root, char *to)
{
    char text[VALUE];
    if (mlb_procfs_read(root, "/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text))
        mlb_procfs_bracketed(text, to, VALUE);
}

static void read_governor(const char *root, char *to)
{
    mlb_procfs_read(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", to, VALUE);
}

static bool exists(const char *root, const char *path)
{
    char full[512];
    return mlb_format(full, sizeof full, "%s%s", root, path) && access(full, F_OK) == 0;
}

static void read_container(const char *root, char *to)
{
    const char *kind = getenv("KUBERNETES_SERVICE_HOST")                        ? "kubernetes"
                       : exists(root, "/.dockerenv")                            ? "docker"
                       : exists(root, "/run/.containerenv")                     ? "podman"
                       : getenv("APPTAINER_NAME") || getenv("SINGULARITY_NAME") ? "apptainer"
                                                                                : "";
    mlb_format(to, VALUE, "%s", kind);
}

static void read_dmi_vendor(const char *root, char *to)
{
    mlb_procfs_read(root, "/sys/class/dmi/id/sys_vendor", to, VALUE);
}

static void read_dmi_product(const char *root, char *to)
{
    mlb_procfs_read(root, "/sys/class/dmi/id/product_name", to, VALUE);
}

static void read_compiler(const char *root, char *to)
{
    (void)root;
    mlb_format(to, VALUE, "%s", mlb_build.compiler);
}

static void read_build_type(const char *root, char *to)
{
    (void)root;
    mlb_format(to, VALUE, "%s%s%s", mlb_build.build_type, mlb_build.sanitizers[0] ? ", " : "",
               mlb_build.sanitizers);
}

static void read_cuda_build(const char *root, char *to)
{
    (void)root;
    mlb_format(to, VALUE, "%s", mlb_build.cuda);
}

static void read_cuda_architectures(const char *root, char *to)
{
    (void)root;
    mlb_format(to, VALUE, "%s", mlb_build.cuda_architectures);
}

static void read_hwloc(const char *root, char *to)
{
    (void)root;
    mlb_format(to, VALUE, "%s", mlb_build.hwloc);
}

/* The first word of the line that looks like 580.95.05; the same line may name who built it. */
static void find_version(const char *line, char *to)
{
    for (const char *at = line; *at && *at != '\n'; at += strcspn(at, " \n")) {
        at += strspn(at, " ");
        size_t word = strcspn(at, " \n"), digits = strspn(at, "0123456789.");
        if (word > 0 && digits == word && isdigit((unsigned char)at[0]) && memchr(at, '.', word)) {
            mlb_format(to, VALUE, "%.*s", (int)word, at);
            return;
        }
    }
}

static void read_nvidia_driver(const char *root, char *to)
{
    char line[512];
    if (mlb_procfs_read(root, "/sys/module/nvidia/version", to, VALUE) && to[0] != '\0')
        return;
    if (mlb_procfs_read(root, "/proc/driver/nvidia/version", line, sizeof line))
        find_version(line, to);
}

/* -------------------------------------------------------------------------- the allow-list */

struct fact {
    const char *name;
    void (*read)(const char *root, char *to);
};

static const struct fact facts[] = {
    {"kernel", read_kernel},
    {"os", read_os},
    {"cpu_model", read_cpu_model},
    {"cpu_flags", read_cpu_flags},
    {"hypervisor", read_hypervisor},
    {"memory_bytes", read_memory},
    {"transparent_hugepages", read_hugepages},
    {"cpu_governor", read_governor},
    {"container", read_container},
    {"dmi_vendor", read_dmi_vendor},
    {"dmi_product", read_dmi_product},
    {"compiler", read_compiler},
    {"build_type", read_build_type},
    {"cuda_build", read_cuda_build},
    {"cuda_architectures", read_cuda_architectures},
    {"hwloc", read_hwloc},
    {"nvidia_driver", read_nvidia_driver},
};

static const char *const variables[] = {
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "OMP_WAIT_POLICY",
    "DNNL_MAX_CPU_ISA",
    "ONEDNN_MAX_CPU_ISA",
    "NVIDIA_TF32_OVERRIDE",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_DEVICE_MAX_CONNECTIONS",
    "NCCL_ALGO",
    "NCCL_PROTO",
    "NCCL_NET",
    "NCCL_IB_HCA",
    "NCCL_IB_DISABLE",
    "NCCL_P2P_DISABLE",
    "NCCL_SHM_DISABLE",
    "NCCL_NVLS_ENABLE",
    "NCCL_SOCKET_IFNAME",
    "OMPI_MCA_btl",
    "OMPI_MCA_pml",
};

/* What comes from files and variables is one line of printable text. */
static void make_printable(char *value)
{
    for (; *value; value++)
        if (iscntrl((unsigned char)*value))
            *value = ' ';
}

void mlb_environment_facts_of(const char *root,
                              void (*add)(void *user, const char *name, const char *value),
                              void *user)
{
    char name[64], value[VALUE];
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        value[0] = '\0';
        facts[i].read(root, value);
        make_printable(value);
        if (value[0] != '\0')
            add(user, facts[i].name, value);
    }
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *set = getenv(variables[i]);
        if (!set)
            continue;
        mlb_format(name, sizeof name, "env.%s", variables[i]);
        mlb_format(value, sizeof value, "%s", set);
        make_printable(value);
        add(user, name, value);
    }
}

void mlb_environment_facts(void (*add)(void *user, const char *name, const char *value), void *user)
{
    mlb_environment_facts_of("", add, user);
}

uint64_t mlb_environment_memory_available_of(const char *root)
{
    uint64_t free_bytes = read_meminfo(root, "MemAvailable");
    uint64_t granted = mlb_cgroup_memory_available(root);
    return granted < free_bytes ? granted : free_bytes;
}

uint64_t mlb_environment_memory_available(void)
{
    return mlb_environment_memory_available_of("");
}
