/* SPDX-License-Identifier: Apache-2.0 */
/* Where a rank belongs: a pure decision over a topology. */
#include "harness/system/topology_hwloc.h"

#include <hwloc.h>
#include <stdarg.h>
#include <stdio.h>

/* What to do about a launcher's binding. */
#define UNBIND "start with mpirun --bind-to none (srun --cpu-bind=none)"

/* ----------------------------------------------------------------------------------- cores */

static hwloc_obj_t next_core(hwloc_topology_t hwloc, hwloc_const_cpuset_t scope, hwloc_obj_t core)
{
    do {
        core = hwloc_get_next_obj_by_type(hwloc, mlb_core_type(hwloc), core);
    } while (core && !hwloc_bitmap_intersects(core->cpuset, scope));
    return core;
}

static int count_cores(hwloc_topology_t hwloc, hwloc_const_cpuset_t scope)
{
    int cores = 0;
    for (hwloc_obj_t core = NULL; (core = next_core(hwloc, scope, core)) != NULL;)
        cores++;
    return cores;
}

/* Add `count` whole cores, from the `first` one in `scope`, to `cpus`. */
static void take_cores(hwloc_topology_t hwloc, hwloc_const_cpuset_t scope, int first, int count,
                       hwloc_cpuset_t cpus)
{
    hwloc_obj_t core = NULL;
    for (int i = 0; i < first + count && (core = next_core(hwloc, scope, core)) != NULL; i++)
        if (i >= first)
            hwloc_bitmap_or(cpus, cpus, core->cpuset);
}

/* ---------------------------------------------------------------------- share of the cores */

/* The cores that are shared out: all within `whole`. `scope` receives those of one node. */
struct pool {
    hwloc_topology_t hwloc;
    hwloc_const_cpuset_t whole;
    hwloc_cpuset_t scope;
};

struct node_cores {
    hwloc_obj_t node;
    int cores;
};

static struct node_cores next_node(const struct pool *pool, hwloc_obj_t node)
{
    struct node_cores next = {mlb_next_cpu_node(pool->hwloc, node), 0};
    if (next.node) {
        hwloc_bitmap_and(pool->scope, next.node->cpuset, pool->whole);
        next.cores = count_cores(pool->hwloc, pool->scope);
    }
    return next;
}

/* How many blocks of `size` whole cores there are that stay within one NUMA node. */
static int count_blocks(const struct pool *pool, int size)
{
    int blocks = 0;
    struct node_cores at = {0};
    while ((at = next_node(pool, at.node)).node)
        blocks += at.cores / size;
    return blocks;
}

static void take_block(const struct pool *pool, int rank, int size, hwloc_cpuset_t cpus)
{
    struct node_cores at = {0};
    while ((at = next_node(pool, at.node)).node) {
        int blocks = at.cores / size;
        if (rank < blocks) {
            take_cores(pool->hwloc, pool->scope, rank * size, size, cpus);
            return;
        }
        rank -= blocks;
    }
}

/* Every rank gets the same number of whole, neighbouring cores, since a synchronous job waits for
 * the slowest; what does not divide stays idle. A rank stays within a NUMA node while that costs it
 * less than a quarter of its cores. More ranks than cores: ranks share cores, evenly. */
static void take_share(const struct pool *pool, int rank, int ranks, hwloc_cpuset_t cpus)
{
    int cores = count_cores(pool->hwloc, pool->whole);
    int even = cores / ranks, block = even;
    while (block > 0 && count_blocks(pool, block) < ranks)
        block--;
    hwloc_bitmap_zero(cpus);
    if (even == 0)
        take_cores(pool->hwloc, pool->whole, (int)((long)rank * cores / ranks), 1, cpus);
    else if (4 * block > 3 * even)
        take_block(pool, rank, block, cpus);
    else
        take_cores(pool->hwloc, pool->whole, rank * even, even, cpus);
    hwloc_bitmap_and(cpus, cpus, pool->whole);
}

/* ----------------------------------------------------------------------------- description */

/* Each last-level cache counts by the part of its cores that this rank has, and is divided again
 * where the local ranks together have more cores than there are. */
static uint64_t share_caches(hwloc_topology_t hwloc, hwloc_const_cpuset_t cpus, int ranks)
{
    double bytes = 0, used = 0;
    for (hwloc_obj_t core = NULL; (core = next_core(hwloc, cpus, core)) != NULL; used++) {
        hwloc_obj_t cache = mlb_last_cache(core);
        if (cache)
            bytes += (double)cache->attr->cache.size / count_cores(hwloc, cache->cpuset);
    }
    double there = count_cores(hwloc, mlb_allowed_cpus(hwloc));
    return (uint64_t)(used * ranks > there ? bytes * there / (used * ranks) : bytes);
}

static void describe(hwloc_topology_t hwloc, hwloc_const_cpuset_t cpus, int ranks,
                     struct mlb_binding *binding)
{
    hwloc_obj_t node = mlb_node_of_cpus(hwloc, cpus);
    binding->cores = count_cores(hwloc, cpus);
    binding->pus = hwloc_bitmap_weight(cpus);
    binding->machine_cores = count_cores(hwloc, mlb_allowed_cpus(hwloc));
    binding->numa = node ? (int)node->os_index : -1;
    binding->cache_bytes = share_caches(hwloc, cpus, ranks);
    mlb_print_cpus(cpus, binding->cpus, sizeof binding->cpus);
}

static void warn(struct mlb_binding *binding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void warn(struct mlb_binding *binding, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(binding->warning, sizeof binding->warning, format, args);
    va_end(args);
}

/* -------------------------------------------------------------------- a launcher's binding */

static bool has_gpu(const struct mlb_binding_question *question)
{
    return question->pci_id && question->pci_id[0] != '\0';
}

/* Less than half of what an even share would be. A set that the parent has too was likely asked for
 * (taskset, numactl), so there only a single core is worth a word. */
static bool is_narrow(const struct mlb_binding_question *question,
                      const struct mlb_binding *binding)
{
    int share = binding->machine_cores / question->local_size;
    bool inherited =
        question->parent && hwloc_bitmap_isincluded(question->parent, question->current);
    return inherited ? binding->cores == 1 && share > 1 : 2 * binding->cores <= share;
}

/* Ranks with GPUs may share the cores of their node, as long as each finds a core to run on; ranks
 * that compute on the CPU may not share any. */
static bool is_crowded(const struct mlb_binding_question *question,
                       const struct mlb_binding *binding)
{
    return question->sharing >= (has_gpu(question) ? binding->cores : 1);
}

static void judge_launcher(const struct mlb_binding_question *question,
                           hwloc_const_cpuset_t gpu_cpus, hwloc_const_cpuset_t cpus,
                           struct mlb_binding *binding)
{
    char list[32], beside[32];
    mlb_print_cpus(cpus, list, sizeof list);
    if (gpu_cpus && !hwloc_bitmap_intersects(gpu_cpus, cpus)) {
        mlb_print_cpus(gpu_cpus, beside, sizeof beside);
        warn(binding,
             "the launcher bound this rank to CPUs %s, across the machine from its GPU %.20s (CPUs "
             "%s); " UNBIND " and mlbench binds it beside its GPU",
             list, question->pci_id, beside);
    } else if (is_crowded(question, binding)) {
        warn(binding,
             "this rank and %d other%s were started on the same cores (CPUs %s) and slow each "
             "other down; " UNBIND " and without taskset, and mlbench gives each its own",
             question->sharing, question->sharing > 1 ? "s" : "", list);
    } else if (is_narrow(question, binding)) {
        warn(binding,
             "this rank was started on %d of %d cores (CPUs %s); " UNBIND
             " and without taskset, and mlbench gives it its share of all",
             binding->cores, binding->machine_cores, list);
    }
}

/* mpirun binds more than two ranks to a NUMA node, all those of a node to the same cores. Ranks
 * that compute on the CPU then share them out among themselves. */
static bool share_out(const struct mlb_binding_question *question, const struct pool *pool,
                      hwloc_cpuset_t cpus)
{
    int ranks = question->sharing + 1;
    if (has_gpu(question) || ranks == 1 || ranks > question->local_size ||
        ranks > count_cores(pool->hwloc, pool->whole))
        return false;
    take_share(pool, question->before, ranks, cpus);
    return true;
}

static void keep_launcher(const struct mlb_binding_question *question,
                          hwloc_const_cpuset_t gpu_cpus, const struct pool *pool,
                          hwloc_cpuset_t cpus, struct mlb_binding *binding)
{
    struct mlb_binding_question alone = *question;
    binding->by = MLB_BOUND_BY_LAUNCHER;
    if (share_out(question, pool, cpus)) {
        binding->by = MLB_BOUND_BY_MLBENCH;
        alone.sharing = 0;
    }
    describe(pool->hwloc, cpus, question->local_size, binding);
    judge_launcher(&alone, gpu_cpus, cpus, binding);
}

/* ----------------------------------------------------------------------- mlbench's binding */

/* CPUs beside the GPU: of its NUMA node, or of the few nodes that its host bridge hangs on; all of
 * a machine with one node. NULL when the system does not tell. */
static hwloc_const_cpuset_t cpus_of_gpu(const struct mlb_topology *topology, const char *pci_id)
{
    size_t index;
    hwloc_obj_t root = hwloc_get_root_obj(topology->hwloc), near = root;
    if (mlb_topology_find_pci(topology, pci_id, &index))
        near = hwloc_get_non_io_ancestor_obj(topology->hwloc, topology->places[index].object);
    bool told = !hwloc_bitmap_isequal(near->cpuset, root->cpuset) ||
                mlb_node_of_cpus(topology->hwloc, root->cpuset);
    return told ? near->cpuset : NULL;
}

/* `cpus` comes with all that is allowed. */
static void bind_to_gpu(const struct mlb_topology *topology,
                        const struct mlb_binding_question *question, hwloc_const_cpuset_t gpu_cpus,
                        hwloc_cpuset_t cpus, struct mlb_binding *binding)
{
    char list[32], beside[32];
    binding->by = MLB_NOT_BOUND;
    if (!gpu_cpus) {
        warn(binding,
             "the system does not tell which CPUs GPU %.20s is beside, so this rank is not bound; "
             "if you know, bind it with numactl",
             question->pci_id);
    } else if (!hwloc_bitmap_intersects(gpu_cpus, cpus)) {
        mlb_print_cpus(cpus, list, sizeof list);
        mlb_print_cpus(gpu_cpus, beside, sizeof beside);
        warn(binding,
             "the job may use CPUs %s only, none of those beside GPU %.20s (CPUs %s); ask the "
             "scheduler or container for CPUs of that NUMA node",
             list, question->pci_id, beside);
    } else {
        binding->by = MLB_BOUND_BY_MLBENCH;
        hwloc_bitmap_and(cpus, cpus, gpu_cpus);
    }
    describe(topology->hwloc, cpus, question->local_size, binding);
}

static void bind_to_share(const struct mlb_binding_question *question, const struct pool *pool,
                          hwloc_cpuset_t cpus, struct mlb_binding *binding)
{
    int ranks = question->local_size;
    binding->by = MLB_BOUND_BY_MLBENCH;
    take_share(pool, question->local_rank, ranks, cpus);
    describe(pool->hwloc, cpus, ranks, binding);
    if (ranks > binding->machine_cores)
        warn(binding,
             "%d local ranks share %d core%s and slow each other down; start at most %d on this "
             "machine",
             ranks, binding->machine_cores, binding->machine_cores > 1 ? "s" : "",
             binding->machine_cores);
}

/* A quota grants time, not cores: other jobs run on the same ones, and every job that bound itself
 * to the first few would meet the others there. So nothing is bound, and the rank is told to use no
 * more cores than it has time for. */
static void respect_quota(const struct mlb_topology *topology,
                          const struct mlb_binding_question *question, hwloc_const_cpuset_t cpus,
                          struct mlb_binding *binding)
{
    int share = (int)(question->cpu_quota / question->local_size);
    binding->by = MLB_NOT_BOUND;
    describe(topology->hwloc, cpus, question->local_size, binding);
    warn(binding,
         "the container's CPU quota is %.3g of %d CPUs, so this rank uses %d core%s and is not "
         "bound; "
         "ask for whole CPUs (Kubernetes: static CPU manager, equal requests and limits)",
         question->cpu_quota, binding->pus, share > 1 ? share : 1, share > 1 ? "s" : "");
    binding->cores = share > 1 ? share : 1;
    binding->pus = binding->cores;
}

/* -------------------------------------------------------------------------------- decision */

static void decide(const struct mlb_topology *topology, const struct mlb_binding_question *question,
                   const struct pool *pool, hwloc_cpuset_t cpus, struct mlb_binding *binding)
{
    hwloc_const_cpuset_t allowed = mlb_allowed_cpus(topology->hwloc);
    hwloc_const_cpuset_t gpu_cpus =
        has_gpu(question) ? cpus_of_gpu(topology, question->pci_id) : NULL;
    if (!hwloc_bitmap_isequal(cpus, allowed))
        keep_launcher(question, gpu_cpus, pool, cpus, binding);
    else if (question->cpu_quota > 0 && question->cpu_quota < hwloc_bitmap_weight(allowed))
        respect_quota(topology, question, cpus, binding);
    else if (has_gpu(question))
        bind_to_gpu(topology, question, gpu_cpus, cpus, binding);
    else
        bind_to_share(question, pool, cpus, binding);
}

enum mlb_status mlb_binding_decide(const struct mlb_topology *topology,
                                   const struct mlb_binding_question *question, hwloc_cpuset_t cpus,
                                   struct mlb_binding *binding, struct mlb_error *err)
{
    hwloc_const_cpuset_t allowed = mlb_allowed_cpus(topology->hwloc);
    *binding = (struct mlb_binding){0};
    if (question->local_rank < 0 || question->local_rank >= question->local_size)
        return mlb_fail(err, MLB_E_INTERNAL, "binding: local rank %d of %d", question->local_rank,
                        question->local_size);
    hwloc_bitmap_and(cpus, question->current, allowed);
    if (hwloc_bitmap_iszero(cpus))
        hwloc_bitmap_copy(cpus, allowed);
    hwloc_cpuset_t whole = hwloc_bitmap_dup(cpus), scope = hwloc_bitmap_alloc();
    struct pool pool = {topology->hwloc, whole, scope};
    enum mlb_status status = MLB_OK;
    if (whole && scope)
        decide(topology, question, &pool, cpus, binding);
    else
        status = mlb_fail(err, MLB_E_NOMEM, "binding: out of memory");
    hwloc_bitmap_free(whole);
    hwloc_bitmap_free(scope);
    return status;
}
