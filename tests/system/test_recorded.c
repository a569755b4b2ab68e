/* SPDX-License-Identifier: Apache-2.0 */
/* Real machines, recorded by others. Their files are not part of the project: each test is skipped
 * where they are missing. */
#include <unistd.h>

#include "harness/system/topology_hwloc.h"
#include "tests/system/machine.h"

static void a_dgx2_has_sixteen_gpus_in_four_groups(void **state)
{
    (void)state;
    char path[1024];
    if (!shared_topology("hwloc-nvidia-dgx2.xml", path, sizeof path)[0]) {
        print_message("no ../shared/data/topology/hwloc-nvidia-dgx2.xml\n");
        skip();
    }
    struct mlb_topology *topology = open_machine("HWLOC_XMLFILE", path);
    struct mlb_topology_counts counts;
    mlb_topology_counts(topology, &counts);
    check_i64(counts.packages, 2);
    check_i64(counts.numa_nodes, 2);
    check_i64(counts.gpus, 16); /* and none of its NVSwitches */
    check_i64(counts.nics, 0);
    check_text(counts.cpu_model, "Intel(R) Xeon(R) Platinum 8174 CPU @ 3.10GHz");
    for (size_t a = 0; a < 16; a++) {
        check_i64(mlb_topology_pci(topology, a)->numa, a / 8);
        for (size_t b = 0; b < 16; b++) {
            enum mlb_distance expected = a / 4 == b / 4   ? MLB_SAME_SWITCH
                                         : a / 8 == b / 8 ? MLB_SAME_NUMA
                                                          : MLB_ACROSS;
            check_i64(mlb_topology_distance(topology, a, b), expected);
        }
    }
    check_text(mlb_topology_pci(topology, 0)->model, "Tesla V100-SXM3-32GB-H");
    mlb_topology_close(topology);
}

/* Into a new folder below /tmp; false when there is no recording or nothing to unpack it with. */
static bool unpack(const char *name, char *folder, size_t size)
{
    char path[1024], command[2400];
    if (!shared_topology(name, path, sizeof path)[0])
        return false;
    snprintf(folder, size, "/tmp/mlbench-test-XXXXXX");
    check_true(mkdtemp(folder) != NULL);
    snprintf(command, sizeof command, "tar xjf '%s' -C '%s' --strip-components=1", path, folder);
    return system(command) == 0;
}

static void remove_folder(const char *folder)
{
    char command[1100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    check_i64(system(command), 0);
}

/* Four packages of ten cores, CPUs numbered across them, two host bridges that hang on two nodes
 * each with Ethernet on one and InfiniBand on the other, a console adapter. */
static void a_recorded_sysfs_is_read_as_its_machine(void **state)
{
    (void)state;
    char folder[64];
    if (!unpack("fsroot-40intel64-pcilocality.tar.bz2", folder, sizeof folder)) {
        print_message(
            "no ../shared/data/topology/fsroot-40intel64-pcilocality.tar.bz2, or no tar\n");
        skip();
    }
    struct mlb_topology *topology = open_machine("HWLOC_FSROOT", folder);
    struct mlb_topology_counts counts;
    mlb_topology_counts(topology, &counts);
    check_i64(counts.packages, 4);
    check_i64(counts.numa_nodes, 4);
    check_i64(counts.cores, 40);
    check_i64(counts.gpus, 0); /* the console is none */
    check_i64(counts.nics, 5);
    check_true(!counts.this_machine);
    check_text(mlb_topology_pci(topology, 4)->names, "qib0,ib0");
    check_i64(mlb_topology_distance(topology, 0, 1), MLB_SAME_SWITCH); /* two ports of a card */
    check_i64(mlb_topology_distance(topology, 0, 2), MLB_SAME_ROOT);
    check_i64(mlb_topology_distance(topology, 0, 4), MLB_ACROSS);
    check_i64(mlb_topology_pci(topology, 0)->numa, -1); /* beside two */
    mlb_topology_close(topology);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dgx2_has_sixteen_gpus_in_four_groups),
        cmocka_unit_test(a_recorded_sysfs_is_read_as_its_machine),
    };
    char path[1024];
    if (!shared_topology("hwloc-nvidia-dgx2.xml", path, sizeof path)[0] &&
        !shared_topology("fsroot-40intel64-pcilocality.tar.bz2", path, sizeof path)[0]) {
        print_message("skipped: no recorded machine in ../shared/data/topology\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
