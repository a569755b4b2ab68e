/* SPDX-License-Identifier: Apache-2.0 */
/* The pure decision: where a rank belongs, over made-up machines. */
#include "harness/system/topology_hwloc.h"
#include "tests/system/machine.h"

#define MIB (UINT64_C(1) << 20)
#define BYE "mpirun --bind-to none (srun --cpu-bind=none)"

struct row {
    const char *what, *machine; /* a synthetic description, or the name of a file in machines/ */
    int rank, size;
    const char *gpu, *current, *parent; /* NULL: all that is allowed, unknown */
    int sharing, before;
    double quota;
    const char *allowed; /* by the cgroup; NULL: all of the machine */

    enum mlb_binding_by by;
    const char *cpus;
    int cores, machine_cores, numa;
    double cache_mib;
    const char *warning; /* a part of it; "" = none */
};

/* TWO_PACKAGES: 2 nodes of 8 cores, CPUs 0-15 and 16-31; FOUR_NODES: 4 nodes of 8 cores, 16 CPUs.
 */
/* clang-format off */
static const struct row rows[] = {
    {"one rank has all", TWO_PACKAGES, 0, 1, .by = MLB_BOUND_BY_MLBENCH, .cpus = "0-31",
     .cores = 16, .machine_cores = 16, .numa = -1, .cache_mib = 64, .warning = ""},
    {"two ranks: a node each", TWO_PACKAGES, 1, 2, .by = MLB_BOUND_BY_MLBENCH, .cpus = "16-31",
     .cores = 8, .machine_cores = 16, .numa = 1, .cache_mib = 32, .warning = ""},
    {"two ranks of four nodes: two neighbours", FOUR_NODES, 1, 2, .by = MLB_BOUND_BY_MLBENCH,
     .cpus = "32-63", .cores = 16, .machine_cores = 32, .numa = -1, .cache_mib = 64, .warning = ""},
    {"eight ranks of four nodes: halves", FOUR_NODES, 3, 8, .by = MLB_BOUND_BY_MLBENCH,
     .cpus = "24-31", .cores = 4, .machine_cores = 32, .numa = 1, .cache_mib = 16, .warning = ""},
    {"five ranks stay within nodes for 2 of 10 cores", "pack:2 [numa] core:25 pu:1", 2, 5,
     .by = MLB_BOUND_BY_MLBENCH, .cpus = "16-23", .cores = 8, .machine_cores = 50, .numa = 0,
     .warning = ""},
    {"the fourth begins the next node", "pack:2 [numa] core:25 pu:1", 3, 5,
     .by = MLB_BOUND_BY_MLBENCH, .cpus = "25-32", .cores = 8, .machine_cores = 50, .numa = 1,
     .warning = ""},
    {"three ranks straddle: within nodes a quarter would idle", "pack:2 [numa] core:24 pu:1", 1, 3,
     .by = MLB_BOUND_BY_MLBENCH, .cpus = "16-31", .cores = 16, .machine_cores = 48, .numa = -1,
     .warning = ""},
    {"what does not divide stays idle", "pack:1 [numa] core:5 pu:1", 1, 2,
     .by = MLB_BOUND_BY_MLBENCH, .cpus = "2-3", .cores = 2, .machine_cores = 5, .numa = 0,
     .warning = ""},
    {"more ranks than cores", "pack:1 [numa] l3:1(size=33554432) core:2 pu:2", 3, 4,
     .by = MLB_BOUND_BY_MLBENCH, .cpus = "2-3", .cores = 1, .machine_cores = 2, .numa = 0,
     .cache_mib = 8, .warning = "4 local ranks share 2 cores and slow each other down; start at m"},

    {"mpirun's default: a core", TWO_PACKAGES, 0, 2, .current = "0-1", .parent = "0-31",
     .by = MLB_BOUND_BY_LAUNCHER, .cpus = "0-1", .cores = 1, .machine_cores = 16, .numa = 0,
     .cache_mib = 4, .warning = "started on 1 of 16 cores (CPUs 0-1); start with " BYE},
    {"half a core is a core", TWO_PACKAGES, 0, 1, .current = "5", .parent = "0-31",
     .by = MLB_BOUND_BY_LAUNCHER, .cpus = "5", .cores = 1, .machine_cores = 16, .numa = 0,
     .cache_mib = 4, .warning = "started on 1 of 16 cores"},
    {"a launcher's node is right", TWO_PACKAGES, 0, 2, .current = "0-15", .parent = "0-31",
     .by = MLB_BOUND_BY_LAUNCHER, .cpus = "0-15", .cores = 8, .machine_cores = 16, .numa = 0,
     .cache_mib = 32, .warning = ""},
    {"a core each is right when there are as many ranks", TWO_PACKAGES, 7, 16, .current = "14-15",
     .parent = "0-31", .by = MLB_BOUND_BY_LAUNCHER, .cpus = "14-15", .cores = 1,
     .machine_cores = 16, .numa = 0, .cache_mib = 4, .warning = ""},
    {"mpirun's default for many: a node for eight ranks is shared out", TWO_PACKAGES, 5, 16,
     .current = "0-15", .parent = "0-31", .sharing = 7, .before = 5, .by = MLB_BOUND_BY_MLBENCH,
     .cpus = "10-11", .cores = 1, .machine_cores = 16, .numa = 0, .cache_mib = 4, .warning = ""},
    {"within what the launcher gave", TWO_PACKAGES, 3, 4, .current = "16-31", .parent = "0-31",
     .sharing = 1, .before = 1, .by = MLB_BOUND_BY_MLBENCH, .cpus = "24-31", .cores = 4,
     .machine_cores = 16, .numa = 1, .cache_mib = 16, .warning = ""},
    {"which may be too few", TWO_PACKAGES, 1, 2, .current = "0-3", .parent = "0-31", .sharing = 1,
     .before = 1, .by = MLB_BOUND_BY_MLBENCH, .cpus = "2-3", .cores = 1, .machine_cores = 16,
     .numa = 0, .cache_mib = 4, .warning = "started on 1 of 16 cores (CPUs 2-3)"},
    {"more ranks than the launcher's cores", TWO_PACKAGES, 0, 16, .current = "0-3",
     .parent = "0-31", .sharing = 2, .by = MLB_BOUND_BY_LAUNCHER, .cpus = "0-3", .cores = 2,
     .machine_cores = 16, .numa = 0, .cache_mib = 4,
     .warning = "this rank and 2 others were started on the same cores (CPUs 0-3)"},
    {"another job's ranks share nothing out", TWO_PACKAGES, 0, 1, .current = "0-15",
     .parent = "0-31", .sharing = 1, .by = MLB_BOUND_BY_LAUNCHER, .cpus = "0-15", .cores = 8,
     .machine_cores = 16, .numa = 0, .cache_mib = 32, .warning = "this rank and 1 other were"},
    {"two jobs on the same core", TWO_PACKAGES, 0, 1, .current = "0-1", .parent = "0-31",
     .sharing = 1, .by = MLB_BOUND_BY_LAUNCHER, .cpus = "0-1", .cores = 1, .machine_cores = 16,
     .numa = 0, .cache_mib = 4, .warning = "this rank and 1 other were started"},
    {"taskset was asked for", TWO_PACKAGES, 0, 1, .current = "0-7", .parent = "0-7",
     .by = MLB_BOUND_BY_LAUNCHER, .cpus = "0-7", .cores = 4, .machine_cores = 16, .numa = 0,
     .cache_mib = 16, .warning = ""},
    {"but a single core is worth a word", TWO_PACKAGES, 0, 1, .current = "0-1", .parent = "0-1",
     .by = MLB_BOUND_BY_LAUNCHER, .cpus = "0-1", .cores = 1, .machine_cores = 16, .numa = 0,
     .cache_mib = 4, .warning = "without taskset"},
    {"CPUs that the machine lacks don't count", "pack:1 [numa] core:2 pu:1", 0, 1,
     .current = "0-127", .by = MLB_BOUND_BY_MLBENCH, .cpus = "0-1", .cores = 2, .machine_cores = 2,
     .numa = 0, .warning = ""},

    {"a cgroup's CPUs are shared out", TWO_PACKAGES, 1, 2, .allowed = "4-11",
     .by = MLB_BOUND_BY_MLBENCH, .cpus = "8-11", .cores = 2, .machine_cores = 4, .numa = 0,
     .cache_mib = 8, .warning = ""},
    {"also when each core has one thread allowed", TWO_PACKAGES, 1, 2, .allowed = "0,2,4,6",
     .by = MLB_BOUND_BY_MLBENCH, .cpus = "4,6", .cores = 2, .machine_cores = 4, .numa = 0,
     .cache_mib = 8, .warning = ""},
    {"an uneven cgroup: both on the node that has room", TWO_PACKAGES, 1, 2, .allowed = "14-31",
     .by = MLB_BOUND_BY_MLBENCH, .cpus = "24-31", .cores = 4, .machine_cores = 9, .numa = 1,
     .cache_mib = 16, .warning = ""},
    {"a cgroup far from the GPU", "metal-16gpu-10nic", 0, 1, .gpu = "0000:85:00.0",
     .allowed = "0-7", .by = MLB_NOT_BOUND, .cpus = "0-7", .cores = 4, .machine_cores = 4,
     .numa = 0, .cache_mib = 33, .warning = "may use CPUs 0-7 only, none of those beside GPU"},

    {"a quota grants time, not cores", TWO_PACKAGES, 0, 2, .quota = 4.5, .by = MLB_NOT_BOUND,
     .cpus = "0-31", .cores = 2, .machine_cores = 16, .numa = -1, .cache_mib = 32,
     .warning = "CPU quota is 4.5 of 32 CPUs, so this rank uses 2 cores"},
    {"a quota of all is none", TWO_PACKAGES, 0, 2, .quota = 32, .by = MLB_BOUND_BY_MLBENCH,
     .cpus = "0-15", .cores = 8, .machine_cores = 16, .numa = 0, .cache_mib = 32, .warning = ""},

    {"a GPU rank has all cores of its node", "metal-16gpu-10nic", 0, 16, .gpu = "0000:24:00.0",
     .by = MLB_BOUND_BY_MLBENCH, .cpus = "0-7", .cores = 4, .machine_cores = 8, .numa = 0,
     .cache_mib = 33.0 / 8, .warning = ""},
    {"whatever its rank, in any spelling", "metal-16gpu-10nic", 0, 16, .gpu = "00000000:C4:00.0",
     .by = MLB_BOUND_BY_MLBENCH, .cpus = "8-15", .cores = 4, .machine_cores = 8, .numa = 1,
     .cache_mib = 33.0 / 8, .warning = ""},
    {"bound across the machine", "metal-16gpu-10nic", 9, 16, .gpu = "0000:85:00.0",
     .current = "0-7", .parent = "0-15", .by = MLB_BOUND_BY_LAUNCHER, .cpus = "0-7", .cores = 4,
     .machine_cores = 8, .numa = 0, .cache_mib = 33.0 / 8,
     .warning = "CPUs 0-7, across the machine from its GPU 0000:85:00.0 (CPUs 8-15); start with "
                BYE},
    {"GPU ranks may share cores", "metal-16gpu-10nic", 0, 2, .gpu = "0000:24:00.0",
     .current = "0-7", .parent = "0-15", .sharing = 3, .by = MLB_BOUND_BY_LAUNCHER, .cpus = "0-7",
     .cores = 4, .machine_cores = 8, .numa = 0, .cache_mib = 33, .warning = ""},
    {"but not all of them one", "metal-16gpu-10nic", 0, 8, .gpu = "0000:24:00.0", .current = "0-1",
     .parent = "0-15", .sharing = 7, .by = MLB_BOUND_BY_LAUNCHER, .cpus = "0-1", .cores = 1,
     .machine_cores = 8, .numa = 0, .cache_mib = 33.0 / 4, .warning = "and 7 others were started"},
    {"a GPU whose node is not told", "guest-unknown-node", 0, 1, .gpu = "00:05.0",
     .by = MLB_NOT_BOUND, .cpus = "0-3", .cores = 4, .machine_cores = 4, .numa = -1,
     .cache_mib = 64, .warning = "does not tell which CPUs GPU 00:05.0 is beside"},
    {"a GPU that is not shown, one node", "pack:1 [numa] core:2 pu:1", 0, 1, .gpu = "1b:00.0",
     .by = MLB_BOUND_BY_MLBENCH, .cpus = "0-1", .cores = 2, .machine_cores = 2, .numa = 0,
     .warning = ""},
};
/* clang-format on */

static struct mlb_topology *open_row(const struct row *row)
{
    return strchr(row->machine, ':') ? open_synthetic(row->machine) : open_written(row->machine);
}

static hwloc_cpuset_t parse_cpus(const char *list)
{
    hwloc_cpuset_t cpus = hwloc_bitmap_alloc();
    check_i64(hwloc_bitmap_list_sscanf(cpus, list), 0);
    return cpus;
}

static void allow(struct mlb_topology *topology, const char *list)
{
    if (!list)
        return;
    hwloc_cpuset_t cpus = parse_cpus(list);
    check_i64(hwloc_topology_allow(topology->hwloc, cpus, NULL, HWLOC_ALLOW_FLAG_CUSTOM), 0);
    hwloc_bitmap_free(cpus);
}

static void check_row(const struct row *row)
{
    struct mlb_error err = {0};
    struct mlb_binding binding;
    struct mlb_topology *topology = open_row(row);
    hwloc_cpuset_t cpus = hwloc_bitmap_alloc();
    allow(topology, row->allowed);
    hwloc_cpuset_t current = row->current ? parse_cpus(row->current)
                                          : hwloc_bitmap_dup(mlb_allowed_cpus(topology->hwloc));
    hwloc_cpuset_t parent = row->parent ? parse_cpus(row->parent) : NULL;
    struct mlb_binding_question question = {.local_rank = row->rank,
                                            .local_size = row->size,
                                            .pci_id = row->gpu,
                                            .current = current,
                                            .parent = parent,
                                            .sharing = row->sharing,
                                            .before = row->before,
                                            .cpu_quota = row->quota};
    print_message("  %s\n", row->what);
    check_ok(mlb_binding_decide(topology, &question, cpus, &binding, &err), &err);
    check_text(binding.cpus, row->cpus);
    check_i64(binding.by, row->by);
    check_i64(binding.cores, row->cores);
    check_i64(binding.machine_cores, row->machine_cores);
    check_i64(binding.numa, row->numa);
    if (row->cache_mib > 0)
        check_close((double)binding.cache_bytes / (double)MIB, row->cache_mib, 1e-6);
    if (row->warning[0])
        check_contains(binding.warning, row->warning);
    else
        check_text(binding.warning, "");
    check_true(strlen(binding.warning) < sizeof binding.warning - 1); /* not cut */
    hwloc_bitmap_free(cpus);
    hwloc_bitmap_free(current);
    hwloc_bitmap_free(parent);
    mlb_topology_close(topology);
}

static void decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_row(&rows[i]);
}

/* Whatever their number, ranks get equally many cores, and none that another has. */
static void shares_are_equal_and_disjoint(void **state)
{
    (void)state;
    struct mlb_topology *topology = open_synthetic("pack:2 die:2 [numa] core:6 pu:2");
    hwloc_cpuset_t taken = hwloc_bitmap_alloc(), cpus = hwloc_bitmap_alloc();
    for (int size = 1; size <= 24; size++) {
        int cores = 0;
        hwloc_bitmap_zero(taken);
        for (int rank = 0; rank < size; rank++) {
            struct mlb_error err = {0};
            struct mlb_binding binding;
            struct mlb_binding_question question = {.local_rank = rank,
                                                    .local_size = size,
                                                    .current = mlb_allowed_cpus(topology->hwloc)};
            check_ok(mlb_binding_decide(topology, &question, cpus, &binding, &err), &err);
            check_true(!hwloc_bitmap_intersects(taken, cpus));
            check_i64(hwloc_bitmap_weight(cpus), 2 * binding.cores); /* whole cores */
            check_true(binding.cores >= 1 && (rank == 0 || binding.cores == cores));
            hwloc_bitmap_or(taken, taken, cpus);
            cores = binding.cores;
        }
        check_true(4 * cores * size > 3 * (24 - 24 % size)); /* less than a quarter idles */
    }
    hwloc_bitmap_free(taken);
    hwloc_bitmap_free(cpus);
    mlb_topology_close(topology);
}

static void refuses_ranks_that_cannot_be(void **state)
{
    (void)state;
    static const int pairs[][2] = {{-1, 2}, {2, 2}, {0, 0}};
    struct mlb_topology *topology = open_synthetic(TWO_PACKAGES);
    hwloc_cpuset_t cpus = hwloc_bitmap_alloc();
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct mlb_error err = {0};
        struct mlb_binding binding;
        struct mlb_binding_question question = {.local_rank = pairs[i][0],
                                                .local_size = pairs[i][1],
                                                .current = mlb_allowed_cpus(topology->hwloc)};
        check_fails(mlb_binding_decide(topology, &question, cpus, &binding, &err), MLB_E_INTERNAL,
                    &err, "local rank");
    }
    hwloc_bitmap_free(cpus);
    mlb_topology_close(topology);
}

static void cuts_long_lists_at_a_comma(void **state)
{
    (void)state;
    hwloc_cpuset_t cpus = hwloc_bitmap_alloc();
    char list[16];
    for (unsigned cpu = 0; cpu < 200; cpu += 2)
        hwloc_bitmap_set(cpus, cpu);
    mlb_print_cpus(cpus, list, sizeof list);
    check_text(list, "0,2,4,6,8,...");
    hwloc_bitmap_free(cpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides),
        cmocka_unit_test(shares_are_equal_and_disjoint),
        cmocka_unit_test(refuses_ranks_that_cannot_be),
        cmocka_unit_test(cuts_long_lists_at_a_comma),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
