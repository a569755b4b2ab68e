/* SPDX-License-Identifier: Apache-2.0 */
/* Counts, devices and distances over made-up machines. */
#include "harness/base/json.h"
#include "harness/system/topology_hwloc.h"
#include "tests/system/machine.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

struct machine_row {
    const char *description;
    struct mlb_topology_counts expected;
};

static const struct machine_row machine_rows[] = {
    {TWO_PACKAGES,
     {.packages = 2,
      .numa_nodes = 2,
      .cores = 16,
      .pus = 32,
      .memory_bytes = 128 * GIB,
      .last_cache_bytes = 64 * MIB}},
    {FOUR_NODES,
     {.packages = 2,
      .numa_nodes = 4,
      .cores = 32,
      .pus = 64,
      .memory_bytes = 256 * GIB,
      .last_cache_bytes = 128 * MIB}},
    /* DRAM and HBM over the same CPUs are one place for ranks, but memory both. */
    {"pack:2 [numa(memory=1073741824)][numa(memory=2147483648)] l2:4(size=1048576) core:1 pu:1",
     {.packages = 2,
      .numa_nodes = 2,
      .cores = 8,
      .pus = 8,
      .memory_bytes = 6 * GIB,
      .last_cache_bytes = 8 * MIB}},
    /* No cores, no packages, no caches told: threads stand for cores. */
    {"numa:1(memory=1073741824) pu:4",
     {.numa_nodes = 1, .cores = 4, .pus = 4, .memory_bytes = GIB}},
};

static void counts_the_machine(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof machine_rows / sizeof machine_rows[0]; i++) {
        const struct mlb_topology_counts *expected = &machine_rows[i].expected;
        struct mlb_topology *topology = open_synthetic(machine_rows[i].description);
        struct mlb_topology_counts counts;
        mlb_topology_counts(topology, &counts);
        check_i64(counts.packages, expected->packages);
        check_i64(counts.numa_nodes, expected->numa_nodes);
        check_i64(counts.cores, expected->cores);
        check_i64(counts.pus, expected->pus);
        check_i64(counts.gpus, 0);
        check_i64(counts.nics, 0);
        check_u64(counts.memory_bytes, expected->memory_bytes);
        check_u64(counts.last_cache_bytes, expected->last_cache_bytes);
        check_true(!counts.this_machine);
        mlb_topology_close(topology);
    }
}

static void reads_this_machine(void **state)
{
    (void)state;
    struct mlb_topology *topology = open_machine(NULL, NULL);
    struct mlb_topology_counts counts;
    mlb_topology_counts(topology, &counts);
    check_true(counts.this_machine);
    check_true(counts.cores >= 1 && counts.pus >= counts.cores && counts.numa_nodes >= 1);
    check_true(counts.memory_bytes > 64 * MIB);
    mlb_topology_close(topology);
    mlb_topology_close(NULL);
}

static void says_what_it_cannot_read(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {{"HWLOC_XMLFILE", "/nowhere/machine.xml"},
                                           {"HWLOC_SYNTHETIC", "pack:two core:many"},
                                           {"HWLOC_FSROOT", "/nowhere"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct mlb_topology *topology = NULL;
        struct mlb_error err = {0};
        mlb_topology_close(open_machine(NULL, NULL)); /* clears the variables */
        setenv(wrong[i][0], wrong[i][1], 1);
        check_fails(mlb_topology_open(&topology, &err), MLB_E_CONFIG, &err, wrong[i][1]);
        check_true(topology == NULL);
        unsetenv(wrong[i][0]);
    }
}

struct kind_row {
    const char *what;
    struct mlb_pci_class pci;
    int kind; /* -1: not listed */
};

static const struct kind_row kind_rows[] = {
    {"NVIDIA H200, 3D", {0x0302, 0x10de}, MLB_PCI_GPU},
    {"NVIDIA RTX, VGA", {0x0300, 0x10de}, MLB_PCI_GPU},
    {"AMD MI210, display", {0x0380, 0x1002}, MLB_PCI_GPU},
    {"AMD MI300X, accelerator", {0x1200, 0x1002}, MLB_PCI_GPU},
    {"another maker's 3D", {0x0302, 0x8086}, MLB_PCI_GPU},
    {"ASPEED console", {0x0300, 0x1a03}, -1},
    {"Matrox console", {0x0300, 0x102b}, -1},
    {"QEMU console", {0x0300, 0x1234}, -1},
    {"Amazon console", {0x0300, 0x1d0f}, -1},
    {"virtio display", {0x0380, 0x1af4}, -1},
    {"NVSwitch", {0x0680, 0x10de}, -1},
    {"NVIDIA HDMI audio", {0x0403, 0x10de}, -1},
    {"EFA", {0x0200, 0x1d0f}, MLB_PCI_NIC},
    {"virtio", {0x0200, 0x1af4}, MLB_PCI_NIC},
    {"InfiniBand", {0x0207, 0x15b3}, MLB_PCI_NIC},
    {"InfiniBand as a serial bus", {0x0c06, 0x15b3}, MLB_PCI_NIC},
    {"other network", {0x0280, 0x15b3}, MLB_PCI_NIC},
    {"BlueField control", {0x0801, 0x15b3}, -1},
    {"NVMe", {0x0108, 0x144d}, -1},
    {"Amazon bridge", {0x0604, 0x1d0f}, -1},
    {"another maker's accelerator", {0x1200, 0x1da3}, -1},
};

static void tells_gpus_from_consoles(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kind_rows / sizeof kind_rows[0]; i++) {
        enum mlb_pci_kind kind = MLB_PCI_GPU;
        int got = mlb_pci_kind_of(kind_rows[i].pci, &kind) ? (int)kind : -1;
        if (got != kind_rows[i].kind)
            print_error("%s:\n", kind_rows[i].what);
        check_i64(got, kind_rows[i].kind);
    }
}

static void lists_devices_in_order(void **state)
{
    (void)state;
    struct mlb_topology *topology = open_written("metal-16gpu-10nic");
    struct mlb_topology_counts counts;
    mlb_topology_counts(topology, &counts);
    check_i64(counts.gpus, 16);
    check_i64(counts.nics, 10);
    check_u64(mlb_topology_pci_count(topology), 26);
    for (size_t i = 0; i < 26; i++) {
        const struct mlb_pci *pci = mlb_topology_pci(topology, i);
        check_i64(pci->kind, i < 16 ? MLB_PCI_GPU : MLB_PCI_NIC);
        if (i % 16 > 0 && i != 16)
            check_true(strcmp(mlb_topology_pci(topology, i - 1)->pci_id, pci->pci_id) < 0);
    }
    const struct mlb_pci *gpu = mlb_topology_pci(topology, 8);
    check_text(gpu->pci_id, "0000:84:00.0");
    check_text(gpu->vendor, "10de");
    check_text(gpu->product, "1db8");
    check_text(gpu->model, "GV100GL [Tesla V100-SXM3-32GB]");
    check_i64(gpu->numa, 1);
    check_close(gpu->link_bytes_per_s, 15.753846e9, 1e-6);
    check_text(mlb_topology_pci(topology, 18)->names, "mlx5_0,ib0"); /* RDMA name first */
    check_true(mlb_topology_pci(topology, 26) == NULL);
    mlb_topology_close(topology);
}

struct find_row {
    const char *id;
    int index; /* -1: not there */
};

static const struct find_row find_rows[] = {
    {"0000:c4:00.0", 14},
    {"0000:C4:00.0", 14},
    {"00000000:C4:00.0", 14},
    {"c4:00.0", 14},
    {"0001:c4:00.0", -1},
    {"0000:c4:00.1", -1},
    {"0000:27:00.0", -1} /* a NIC */,
    {"c4:00.0 ", -1},
    {"c4:00", -1},
    {"", -1},
};

static void finds_a_gpu_by_its_address(void **state)
{
    (void)state;
    struct mlb_topology *topology = open_written("metal-16gpu-10nic");
    for (size_t i = 0; i < sizeof find_rows / sizeof find_rows[0]; i++) {
        size_t index = 99;
        bool found = mlb_topology_find_pci(topology, find_rows[i].id, &index);
        check_i64(found ? (int)index : -1, find_rows[i].index);
    }
    size_t index;
    check_true(!mlb_topology_find_pci(topology, NULL, &index));
    mlb_topology_close(topology);
}

struct distance_row {
    const char *machine;
    size_t gpu, nic; /* numbers among their kind */
    enum mlb_distance distance;
};

static const struct distance_row distance_rows[] = {
    {"metal-16gpu-10nic", 0, 2, MLB_SAME_SWITCH}, /* both below the second switch */
    {"metal-16gpu-10nic", 0, 3, MLB_SAME_SWITCH}, /* below the first switch */
    {"metal-16gpu-10nic", 0, 4, MLB_SAME_NUMA},   /* the other root of the node */
    {"metal-16gpu-10nic", 0, 0, MLB_SAME_NUMA},   /* the Ethernet card */
    {"metal-16gpu-10nic", 0, 6, MLB_ACROSS},      /* the other package */
    {"metal-16gpu-10nic", 15, 9, MLB_SAME_SWITCH},
    {"guest-8gpu-33nic", 0, 1, MLB_SAME_SWITCH}, /* four EFA devices beside each GPU */
    {"guest-8gpu-33nic", 0, 4, MLB_SAME_SWITCH},
    {"guest-8gpu-33nic", 0, 5, MLB_SAME_ROOT}, /* those of the next GPU */
    {"guest-8gpu-33nic", 0, 0, MLB_SAME_ROOT}, /* on the host bridge itself */
    {"guest-8gpu-33nic", 0, 17, MLB_ACROSS},
    {"guest-8gpu-33nic", 7, 32, MLB_SAME_SWITCH},
    {"guest-unknown-node", 0, 0, MLB_SAME_ROOT}, /* one root, whatever its node */
    {"guest-unknown-node", 0, 1, MLB_ACROSS},    /* two roots, tied to no node */
};

static void measures_distance_by_the_common_ancestor(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof distance_rows / sizeof distance_rows[0]; i++) {
        const struct distance_row *row = &distance_rows[i];
        struct mlb_topology *topology = open_written(row->machine);
        size_t nic = mlb_gpu_count(topology) + row->nic;
        if (mlb_topology_distance(topology, row->gpu, nic) != row->distance)
            print_error("%s GPU%zu NIC%zu:\n", row->machine, row->gpu, row->nic);
        check_text(mlb_distance_names[mlb_topology_distance(topology, row->gpu, nic)],
                   mlb_distance_names[row->distance]);
        check_i64(mlb_topology_distance(topology, nic, row->gpu), row->distance);
        mlb_topology_close(topology);
    }
}

static void leaves_an_unknown_node_unknown(void **state)
{
    (void)state;
    struct mlb_topology *topology = open_written("guest-unknown-node");
    check_i64(mlb_topology_pci(topology, 0)->numa, -1);
    cJSON *json = mlb_topology_to_json(topology);
    check_true(
        !cJSON_HasObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "gpus"), 0), "numa"));
    cJSON_Delete(json);
    mlb_topology_close(topology);
}

static void writes_the_same_facts_as_json(void **state)
{
    (void)state;
    struct mlb_topology *topology = open_written("guest-8gpu-33nic");
    cJSON *json = mlb_topology_to_json(topology);
    uint64_t memory = 0;
    const char *name = "";
    check_true(json != NULL);
    check_true(mlb_json_get_u64(json, "memory_bytes", &memory));
    check_u64(memory, 2048 * GIB);
    check_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "this_machine")));
    check_i64(cJSON_GetArraySize(cJSON_GetObjectItem(json, "numa_nodes")), 2);
    check_i64(cJSON_GetArraySize(cJSON_GetObjectItem(json, "gpus")), 8);
    const cJSON *nics = cJSON_GetObjectItem(json, "nics");
    check_i64(cJSON_GetArraySize(nics), 33);
    check_true(mlb_json_get_text(cJSON_GetArrayItem(nics, 1), "names", &name));
    check_text(name, "rdmap17s0");
    const cJSON *rows = cJSON_GetObjectItem(json, "gpu_nic_distance");
    check_i64(cJSON_GetArraySize(rows), 8);
    check_i64(cJSON_GetArraySize(cJSON_GetArrayItem(rows, 0)), 33);
    check_text(cJSON_GetArrayItem(cJSON_GetArrayItem(rows, 0), 1)->valuestring, "same switch");
    check_true(!cJSON_HasObjectItem(json, "allowed_cpus"));
    cJSON_Delete(json);
    mlb_topology_close(topology);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_the_machine),
        cmocka_unit_test(reads_this_machine),
        cmocka_unit_test(says_what_it_cannot_read),
        cmocka_unit_test(tells_gpus_from_consoles),
        cmocka_unit_test(lists_devices_in_order),
        cmocka_unit_test(finds_a_gpu_by_its_address),
        cmocka_unit_test(measures_distance_by_the_common_ancestor),
        cmocka_unit_test(leaves_an_unknown_node_unknown),
        cmocka_unit_test(writes_the_same_facts_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
