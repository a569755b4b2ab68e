/* SPDX-License-Identifier: Apache-2.0 */
/* What the launcher left, and the call that binds. The decision is in binding_decide.c. */
#include "harness/system/topology.h"

#include <dirent.h>
#include <errno.h>
#include <hwloc.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/system/cgroup.h"
#include "harness/system/topology_hwloc.h"

static bool runs_same_program(const char *pid, const char *program)
{
    char path[64], target[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%.20s/exe", pid);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0)
        return false;
    target[length] = '\0';
    return strcmp(target, program) == 0;
}

/* Fill question->sharing and ->before with the other ranks of this job: processes of this program
 * in this session, which mpirun and srun do not change. Their order is that of their ids. `theirs`
 * is room for a set. */
static void count_sharing(hwloc_topology_t hwloc, hwloc_cpuset_t theirs,
                          struct mlb_binding_question *question)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    DIR *folder = length > 0 ? opendir("/proc") : NULL;
    if (!folder)
        return;
    program[length] = '\0';
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10); /* 0 for what is no process */
        if (pid <= 0 || pid == getpid() || getsid(pid) != getsid(0) ||
            !runs_same_program(entry->d_name, program) ||
            hwloc_get_proc_cpubind(hwloc, pid, theirs, HWLOC_CPUBIND_THREAD) != 0 ||
            !hwloc_bitmap_intersects(theirs, question->current))
            continue;
        question->sharing++;
        question->before += pid < getpid();
    }
    closedir(folder);
}

/* The topology is another machine's: say what this process really may use, and bind nothing. */
static void describe_replay(struct mlb_binding *binding)
{
    cpu_set_t set;
    int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    *binding = (struct mlb_binding){
        .by = MLB_NOT_BOUND, .cores = cpus, .pus = cpus, .machine_cores = cpus, .numa = -1};
    snprintf(
        binding->warning, sizeof binding->warning,
        "the topology is replayed from another machine, so nothing is bound; unset HWLOC_XMLFILE, "
        "HWLOC_FSROOT and HWLOC_SYNTHETIC to measure");
}

static void read_question(hwloc_topology_t hwloc, hwloc_cpuset_t current, hwloc_cpuset_t parent,
                          struct mlb_binding_question *question)
{
    if (hwloc_get_cpubind(hwloc, current, HWLOC_CPUBIND_THREAD) != 0)
        hwloc_bitmap_copy(current, mlb_allowed_cpus(hwloc));
    question->current = current;
    count_sharing(hwloc, parent, question);
    if (hwloc_get_proc_cpubind(hwloc, getppid(), parent, HWLOC_CPUBIND_THREAD) == 0)
        question->parent = parent;
    question->cpu_quota = mlb_cgroup_cpu_quota("");
}

static enum mlb_status bind_here(const struct mlb_topology *topology,
                                 const struct mlb_binding_question *question, hwloc_cpuset_t cpus,
                                 struct mlb_binding *binding, struct mlb_error *err)
{
    enum mlb_status status = mlb_binding_decide(topology, question, cpus, binding, err);
    if (status != MLB_OK || binding->by != MLB_BOUND_BY_MLBENCH ||
        hwloc_set_cpubind(topology->hwloc, cpus, HWLOC_CPUBIND_PROCESS) == 0)
        return status;
    int reason = errno;
    binding->by = MLB_NOT_BOUND;
    snprintf(binding->warning, sizeof binding->warning,
             "the system refused to bind this rank to CPUs %.60s (%s); let the launcher bind "
             "(mpirun --bind-to numa)",
             binding->cpus, strerror(reason));
    return MLB_OK;
}

enum mlb_status mlb_topology_bind(struct mlb_topology *topology, int local_rank, int local_size,
                                  const char *pci_id, struct mlb_binding *binding,
                                  struct mlb_error *err)
{
    struct mlb_binding_question question = {
        .local_rank = local_rank, .local_size = local_size, .pci_id = pci_id};
    if (!hwloc_topology_is_thissystem(topology->hwloc)) {
        describe_replay(binding);
        return MLB_OK;
    }
    enum mlb_status status;
    hwloc_cpuset_t current = hwloc_bitmap_alloc(), parent = hwloc_bitmap_alloc();
    hwloc_cpuset_t cpus = hwloc_bitmap_alloc();
    if (current && parent && cpus) {
        read_question(topology->hwloc, current, parent, &question);
        status = bind_here(topology, &question, cpus, binding, err);
    } else {
        status = mlb_fail(err, MLB_E_NOMEM, "binding: out of memory");
    }
    hwloc_bitmap_free(current); /* NULL is fine */
    hwloc_bitmap_free(parent);
    hwloc_bitmap_free(cpus);
    return status;
}
