/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>

#include "harness/device/numa.h"
#include "harness/device/proc.h"
#include "tests/check.h"
#include "tests/system/files.h"

#define NODES "/sys/devices/system/node"

static void test_the_node_of_a_pci_device(void **state)
{
    struct files files = make_files();
    (void)state;
    put_file(&files, "/sys/bus/pci/devices/0000:1b:00.0/numa_node", "1\n");
    put_file(&files, "/sys/bus/pci/devices/0000:43:00.0/numa_node", "-1\n");
    check_i64(mlb_numa_of_pci(files.root, "0000:1b:00.0"), 1);
    check_i64(mlb_numa_of_pci(files.root, "0000:43:00.0"), MLB_NUMA_ANY);
    check_i64(mlb_numa_of_pci(files.root, "0000:ff:00.0"), MLB_NUMA_ANY);
    check_i64(mlb_numa_of_pci(files.root, ""), MLB_NUMA_ANY);
    remove_files(&files);
}

static void test_nodes_that_cannot_be_used_say_why(void **state)
{
    struct mlb_error err = {0};
    struct files files = make_files();
    struct mlb_cpus before, after;
    (void)state;
    put_file(&files, NODES "/online", "0-2\n");
    put_file(&files, NODES "/node0/cpulist", "0-8191\n");
    put_file(&files, NODES "/node1/cpulist", "\n");
    put_file(&files, NODES "/node2/cpulist", "8000-8191\n");
    mlb_cpus_allowed(&before);
    check_ok(mlb_numa_check(files.root, 0, &err), &err);
    check_ok(mlb_numa_check(files.root, MLB_NUMA_ANY, &err), &err);
    check_fails(mlb_numa_check(files.root, 1, &err), MLB_E_UNSUPPORTED, &err,
                "NUMA node 1 has memory only");
    check_fails(mlb_numa_check(files.root, 2, &err), MLB_E_UNSUPPORTED, &err,
                "may not run on the CPUs of NUMA node 2");
    check_fails(mlb_numa_check(files.root, 3, &err), MLB_E_UNSUPPORTED, &err,
                "no NUMA node 3 here; nodes: 0-2");
    mlb_cpus_allowed(&after);
    check_i64(memcmp(&before, &after, sizeof before), 0); /* and this thread runs where it did */
    remove_files(&files);
}

static void test_the_share_of_a_node(void **state)
{
    static const char MAPS[] = "00400000 default file=/usr/bin/x mapped=5 N0=5\n"
                               "7f0000000000 default anon=512 dirty=512 N0=128 N1=384 "
                               "kernelpagesize_kB=4\n"
                               "7f0000200000 default\n"
                               "7f0000400000 default anon=4 N12=4 kernelpagesize_kB=4\n";
    static const struct {
        uintptr_t at;
        int node;
        double share; /* -1: not told */
    } rows[] = {
        {0x7f0000000000, 1, 0.75}, {0x7f0000001000, 0, 0.25}, {0x7f0000001000, 2, 0.0},
        {0x7f0000200000, 0, -1},   {0x7f0000400000, 12, 1.0}, {0x7f0000400000, 1, 0.0},
        {0x1000, 0, -1},
    };
    struct files files = make_files();
    (void)state;
    put_file(&files, "/proc/self/numa_maps", MAPS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double share = -1;
        check_true(mlb_numa_share(files.root, (const void *)rows[i].at, rows[i].node, &share) ==
                   (rows[i].share >= 0));
        check_close(share, rows[i].share, 0);
    }
    remove_files(&files);
}

/* A thread that was bound to one CPU is so again. */
static void test_a_thread_stays_where_it_was(void **state)
{
    struct mlb_error err = {0};
    struct mlb_cpus before, after;
    cpu_set_t all, one;
    void *memory = NULL;
    (void)state;
    check_i64(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    check_i64(sched_setaffinity(0, sizeof one, &one), 0);
    mlb_cpus_allowed(&before);
    if (mlb_numa_alloc(0, 4096, "x", &memory, &err) == MLB_OK)
        mlb_numa_free(memory, 4096);
    mlb_cpus_allowed(&after);
    check_i64(sched_setaffinity(0, sizeof all, &all), 0);
    check_i64(memcmp(&before, &after, sizeof before), 0);
}

/* On this machine, whose node 0 has a CPU for this process or is not told. */
static void test_memory_lies_where_it_was_asked_for(void **state)
{
    struct mlb_error err = {0};
    const size_t bytes = (4 << 20) + 1;
    int node = mlb_numa_check("", 0, &err) == MLB_OK ? 0 : MLB_NUMA_ANY;
    double share;
    char *memory;
    (void)state;
    check_ok(mlb_numa_alloc(node, bytes, "x", (void **)&memory, &err), &err);
    check_u64((uintptr_t)memory % 4096, 0);
    check_i64(memory[0] + memory[bytes - 1], 0);
    if (node == 0 && mlb_numa_share("", memory, 0, &share))
        check_true(share > 0.9);
    mlb_numa_free(memory, bytes);
    mlb_numa_free(NULL, bytes);
    check_fails(mlb_numa_alloc(4000, bytes, "x", (void **)&memory, &err), MLB_E_UNSUPPORTED, &err,
                "no NUMA node 4000");
    check_fails(mlb_numa_alloc(node, SIZE_MAX / 2, "host.h2d", (void **)&memory, &err), MLB_E_NOMEM,
                &err, "for host.h2d: ");
    check_true(memory == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_node_of_a_pci_device),
        cmocka_unit_test(test_nodes_that_cannot_be_used_say_why),
        cmocka_unit_test(test_the_share_of_a_node),
        cmocka_unit_test(test_a_thread_stays_where_it_was),
        cmocka_unit_test(test_memory_lies_where_it_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
