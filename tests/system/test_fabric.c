/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/fabric.h"

#include "tests/check.h"
#include "tests/system/made_machine.h"

static const struct mlb_nic *find(const struct mlb_fabric *fabric, const char *name)
{
    for (size_t i = 0; i < fabric->nic_count; i++)
        if (strcmp(fabric->nics[i].name, name) == 0)
            return &fabric->nics[i];
    fail_msg("no port '%s'", name);
    return &fabric->nics[0];
}

static size_t count(const struct mlb_fabric *fabric, enum mlb_nic_kind kind)
{
    size_t found = 0;
    for (size_t i = 0; i < fabric->nic_count; i++)
        found += fabric->nics[i].kind == kind;
    return found;
}

static void make(void (*machine)(const struct files *files), struct files *files,
                 struct mlb_fabric *fabric)
{
    *files = make_files();
    machine(files);
    mlb_fabric_read(files->root, fabric);
}

/* ---------------------------------------------------------------------------------- what there is
 */

static void machines_are_known_by_their_ports(void **state)
{
    static const struct {
        void (*make)(const struct files *files);
        enum mlb_nic_kind kind;
        size_t ports, others; /* of that kind; of others */
        double line_bytes_per_s;
        size_t gpus;
        const char *gpudirect;
    } table[] = {
        {make_p5, MLB_NIC_EFA, 32, 1, 12.5e9, 8, "module"},
        {make_hgx, MLB_NIC_IB, 8, 1, 50e9, 8, "module"},
        {make_nd_h100, MLB_NIC_IB, 8, 1, 50e9, 8, "module"},
        {make_a3_mega, MLB_NIC_TCPXO, 8, 1, 25e9, 8, "none"},
        {make_a3_ultra, MLB_NIC_GIB, 8, 0, 50e9, 8, "none"},
        {make_virtio, MLB_NIC_ETHERNET, 1, 0, 0.0, 0, "none"},
        {make_container, MLB_NIC_VIRTUAL, 1, 0, 0.0, 0, "none"},
    };
    (void)state;
    unsetenv("NCCL_FASTRAK_IFNAME");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct files files;
        struct mlb_fabric fabric;
        make(table[i].make, &files, &fabric);
        check_u64(count(&fabric, table[i].kind), table[i].ports);
        check_u64(fabric.nic_count, table[i].ports + table[i].others);
        check_u64(fabric.gpu_count, table[i].gpus);
        check_text(mlb_gpudirect_word(&fabric.gpudirect), table[i].gpudirect);
        for (size_t k = 0; k < fabric.nic_count; k++) {
            check_i64(fabric.nics[k].state, MLB_NIC_UP);
            if (fabric.nics[k].kind == table[i].kind)
                check_close(fabric.nics[k].line_bytes_per_s, table[i].line_bytes_per_s, 0);
        }
        struct mlb_finding found[4];
        struct mlb_findings findings = {found, 0, 4, 0};
        mlb_fabric_judge(&fabric, &findings);
        check_u64(findings.count, 0);
        remove_files(&files);
    }
}

static void a_port_is_told_with_its_place(void **state)
{
    (void)state;
    struct files files;
    struct mlb_fabric fabric;
    make(make_hgx, &files, &fabric);
    const struct mlb_nic *nic = find(&fabric, "mlx5_6");
    check_text(nic->driver, "mlx5_core");
    check_text(nic->pci_id, "0000:16:00.0");
    check_text(nic->part, "15b3:1021");
    check_text(nic->said, "ACTIVE, LinkUp");
    check_i64(nic->numa, 1);
    check_i64(nic->pcie.now_lanes, 16);
    check_close(nic->pcie.most_gt_per_s, 32.0, 0);
    check_i64(fabric.nvswitches, 4);
    check_text(fabric.gpudirect.module, "nvidia_peermem");
    check_text(fabric.gpudirect.version, "580.95.05");
    check_true(!fabric.gpudirect.dmabuf);
    remove_files(&files);
}

static void virtio_is_on_pci_through_its_parent(void **state)
{
    (void)state;
    struct files files;
    struct mlb_fabric fabric;
    make(make_virtio, &files, &fabric);
    check_text(fabric.nics[0].pci_id, "0000:03:00.0");
    check_text(fabric.nics[0].driver, "virtio_net");
    check_i64(fabric.nics[0].numa, -1);
    check_i64(fabric.nics[0].pcie.now_lanes, 0);
    remove_files(&files);
}

/* The bytes of a virtual function are counted by the device before it, those of IP over InfiniBand
 * by the port. */
static void nothing_is_listed_twice(void **state)
{
    (void)state;
    struct files files;
    struct mlb_fabric fabric;
    make(make_nd_h100, &files, &fabric);
    check_text(find(&fabric, "eth0")->driver, "hv_netvsc");
    check_true(!find(&fabric, "eth0")->pci_id[0]);
    for (size_t i = 0; i < fabric.nic_count; i++)
        check_true(strcmp(fabric.nics[i].name, "enP1s1") && strcmp(fabric.nics[i].name, "ib0"));
    remove_files(&files);
}

static void plugins_and_dmabuf_are_evidence(void **state)
{
    (void)state;
    struct files files;
    struct mlb_fabric fabric;
    make(make_p5, &files, &fabric);
    check_text(fabric.gpudirect.module, "efa_nv_peermem");
    check_true(fabric.gpudirect.dmabuf);
    check_u64(fabric.plugin_count, 1);
    check_text(fabric.plugins[0], "libnccl-net-ofi.so");
    put_file(&files, "/proc/sys/kernel/osrelease", "5.10.0-18-cloud\n");
    put_file(&files, "/opt/somebody/lib/libnccl-net-own.so", "");
    setenv("LD_LIBRARY_PATH", "/nowhere::/opt/somebody/lib", 1);
    mlb_fabric_read(files.root, &fabric);
    unsetenv("LD_LIBRARY_PATH");
    check_true(!fabric.gpudirect.dmabuf);
    check_u64(fabric.plugin_count, 2);
    check_text(fabric.plugins[0], "libnccl-net-own.so"); /* the name alone, no folder of a user */
    remove_files(&files);
}

static void the_variable_tells_which_nics_are_the_gpus(void **state)
{
    (void)state;
    struct files files;
    struct mlb_fabric fabric;
    setenv("NCCL_FASTRAK_IFNAME", "eth1,eth3", 1);
    make(make_a3_mega, &files, &fabric);
    unsetenv("NCCL_FASTRAK_IFNAME");
    check_u64(count(&fabric, MLB_NIC_TCPXO), 2);
    check_i64(find(&fabric, "eth3")->kind, MLB_NIC_TCPXO);
    check_i64(find(&fabric, "eth2")->kind, MLB_NIC_ETHERNET);
    remove_files(&files);
}

static void an_empty_root_has_nothing(void **state)
{
    (void)state;
    struct files files = make_files();
    struct mlb_fabric fabric;
    struct mlb_text text = {0};
    mlb_fabric_read(files.root, &fabric);
    check_u64(fabric.nic_count, 0);
    mlb_fabric_print(&fabric, &text);
    check_contains(mlb_text_get(&text), "no port");
    mlb_text_free(&text);
    remove_files(&files);
}

static void more_ports_than_there_is_room_are_counted(void **state)
{
    (void)state;
    struct files files = make_files();
    struct mlb_fabric fabric;
    put_nics(&files, &made_hca, MLB_FABRIC_NICS + 3);
    mlb_fabric_read(files.root, &fabric);
    check_u64(fabric.nic_count, MLB_FABRIC_NICS);
    check_u64(fabric.nics_left_out, 3);
    remove_files(&files);
}

/* -------------------------------------------------------------------------------------- printing
 */

static void the_picture(void **state)
{
    (void)state;
    struct files files;
    struct mlb_fabric fabric;
    struct mlb_text text = {0};
    make(make_hgx, &files, &fabric);
    mlb_fabric_print(&fabric, &text);
    check_contains(mlb_text_get(&text),
                   "  mlx5_1       ib        50.0 GB/s  up  0000:11:00.0  node 0  PCIe 5 x16\n");
    check_contains(mlb_text_get(&text), "  NVSwitches: 4\n");
    check_contains(mlb_text_get(&text), "  GPUDirect RDMA: module nvidia_peermem 580.95.05\n");
    check_contains(mlb_text_get(&text), "  NCCL network plugins: none found\n");
    mlb_text_free(&text);
    remove_files(&files);
}

static void the_json_has_what_is_known(void **state)
{
    (void)state;
    struct files files;
    struct mlb_fabric fabric;
    make(make_virtio, &files, &fabric);
    cJSON *json = mlb_fabric_to_json(&fabric);
    char *printed = cJSON_PrintUnformatted(json);
    check_text(printed, "{\"nics\":[{\"name\":\"eth0\",\"kind\":\"ethernet\",\"driver\":"
                        "\"virtio_net\",\"pci_id\":\"0000:03:00.0\",\"part\":\"1af4:1041\","
                        "\"state\":\"up\",\"said\":\"up\"}],"
                        "\"gpudirect_rdma\":{\"evidence\":\"none\"}}");
    cJSON_free(printed);
    cJSON_Delete(json);
    remove_files(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_are_known_by_their_ports),
        cmocka_unit_test(a_port_is_told_with_its_place),
        cmocka_unit_test(virtio_is_on_pci_through_its_parent),
        cmocka_unit_test(nothing_is_listed_twice),
        cmocka_unit_test(plugins_and_dmabuf_are_evidence),
        cmocka_unit_test(the_variable_tells_which_nics_are_the_gpus),
        cmocka_unit_test(an_empty_root_has_nothing),
        cmocka_unit_test(more_ports_than_there_is_room_are_counted),
        cmocka_unit_test(the_picture),
        cmocka_unit_test(the_json_has_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
