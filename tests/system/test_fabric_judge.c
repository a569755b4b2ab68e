/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include "harness/system/fabric.h"
#include "tests/system/made_machine.h"

enum { ROOM = 6 };

struct judged {
    struct mlb_finding items[ROOM];
    struct mlb_findings findings;
};

static void judge_files(const struct files *files, struct judged *judged)
{
    struct mlb_fabric fabric;
    mlb_fabric_read(files->root, &fabric);
    judged->findings = (struct mlb_findings){judged->items, 0, ROOM, 0};
    mlb_fabric_judge(&fabric, &judged->findings);
}

/* ---------------------------------------------------------------------------------- one machine */

/* One of an HGX's ports in another state. */
static void a_sick_port_is_named(void **state)
{
    static const struct made_link half = {
        "32.0 GT/s PCIe", "32.0 GT/s PCIe", "32.0 GT/s PCIe", 8, 16, 16};
    static const struct made_link slow = {
        "8.0 GT/s PCIe", "32.0 GT/s PCIe", "32.0 GT/s PCIe", 16, 16, 16};
    static const struct made_link older_slot = {
        "16.0 GT/s PCIe", "32.0 GT/s PCIe", "16.0 GT/s PCIe", 16, 16, 16};
    const struct {
        struct made_nic nic;
        const char *code, *text; /* NULL: nothing is wrong */
    } table[] = {
        {.nic = {.down = true}, "port", "ib port mlx5_3 is down (DOWN, Polling), 7 like it are up"},
        {.nic = {.rate = "200 Gb/sec (2X NDR)\n"},
         "link",
         "ib port mlx5_3 runs at 25.0 GB/s, others like it at 50.0 GB/s"},
        {.nic = {.link = half}, "pcie", "mlx5_3 (0000:13:00.0) has 8 of 16 PCIe lanes"},
        {.nic = {.link = slow}, "pcie", "a PCIe link of 8 GT/s that could have 32"},
        {.nic = {.link = older_slot}, NULL, NULL},
        {.nic = {.layer = "Ethernet\n", .down = true, .product = "1017"}, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct files files = make_files();
        struct judged judged;
        struct made_nic nic = made_hca;
        make_hgx(&files);
        nic.name = "mlx5_3";
        nic.bus = 0x13;
        nic.down = table[i].nic.down;
        nic.rate = table[i].nic.rate ? table[i].nic.rate : nic.rate;
        nic.layer = table[i].nic.layer ? table[i].nic.layer : nic.layer;
        nic.product = table[i].nic.product ? table[i].nic.product : nic.product;
        nic.link = table[i].nic.link.now_speed ? table[i].nic.link : nic.link;
        put_nic(&files, &nic);
        judge_files(&files, &judged);
        check_u64(judged.findings.count, table[i].code ? 1 : 0);
        if (table[i].code) {
            check_text(judged.items[0].code, table[i].code);
            check_contains(judged.items[0].text, table[i].text);
            check_true(judged.items[0].warn);
        }
        remove_files(&files);
    }
}

static void a_gpu_is_judged_by_its_lanes_alone(void **state)
{
    static const struct made_link at_rest = {
        "2.5 GT/s PCIe", "32.0 GT/s PCIe", "32.0 GT/s PCIe", 16, 16, 16};
    static const struct made_link half = {
        "32.0 GT/s PCIe", "32.0 GT/s PCIe", "32.0 GT/s PCIe", 4, 16, 16};
    (void)state;
    struct files files = make_files();
    struct judged judged;
    char folder[256];
    make_hgx(&files);
    put_pci(&files, 0x82, 0, "10de", "2330", "030200", &at_rest, folder, sizeof folder);
    judge_files(&files, &judged);
    check_u64(judged.findings.count, 0);
    put_pci(&files, 0x82, 0, "10de", "2330", "030200", &half, folder, sizeof folder);
    judge_files(&files, &judged);
    check_u64(judged.findings.count, 1);
    check_contains(judged.items[0].text, "a GPU (0000:82:00.0) has 4 of 16 PCIe lanes");
    remove_files(&files);
}

static void a_gpu_with_fewer_nvlinks_is_named(void **state)
{
    (void)state;
    struct judged judged = {.findings = {judged.items, 0, ROOM, 0}};
    struct mlb_fabric fabric = {.gpu_count = 3};
    for (size_t i = 0; i < fabric.gpu_count; i++)
        fabric.gpus[i] = (struct mlb_fabric_gpu){.numa = -1, .nvlinks = 18, .nvlinks_up = 12};
    mlb_fabric_judge(&fabric, &judged.findings);
    check_u64(judged.findings.count, 0);
    fabric.gpus[1].nvlinks_up = 11;
    mlb_format(fabric.gpus[1].pci_id, sizeof fabric.gpus[1].pci_id, "0000:81:00.0");
    mlb_fabric_judge(&fabric, &judged.findings);
    check_u64(judged.findings.count, 1);
    check_text(judged.items[0].text, "a GPU (0000:81:00.0) has 11 NVLinks up, others have 12");
}

static void a_node_without_a_port_is_told(void **state)
{
    (void)state;
    struct files files = make_files();
    struct judged judged;
    struct made_nic nic = made_hca;
    nic.name = "mlx5_0";
    put_nic(&files, &nic); /* on node 0 */
    put_gpus(&files, 8, 0x80);
    judge_files(&files, &judged);
    check_u64(judged.findings.count, 1);
    check_true(!judged.items[0].warn);
    check_contains(judged.items[0].text, "4 of 8 GPUs (first 0000:84:00.0, NUMA node 1)");
    remove_files(&files);
}

static void a_full_list_counts_what_it_leaves_out(void **state)
{
    (void)state;
    struct mlb_finding items[1];
    struct mlb_findings findings = {items, 0, 1, 0};
    mlb_find(&findings, true, "a", "first of %d", 2);
    mlb_find(&findings, true, "b", "second");
    check_u64(findings.count, 1);
    check_u64(findings.left_out, 1);
    check_text(items[0].text, "first of 2");
}

/* ------------------------------------------------------------------------------ several machines
 */

static void read_brief(const struct files *files, struct mlb_fabric_brief *brief)
{
    struct mlb_fabric fabric;
    mlb_fabric_read(files->root, &fabric);
    mlb_fabric_brief(&fabric, brief);
}

static void machines_are_compared(void **state)
{
    (void)state;
    struct files files = make_files();
    struct mlb_fabric_brief usual, mine;
    struct judged j;
    struct made_nic nic = made_hca;
    make_hgx(&files);
    read_brief(&files, &usual);
    read_brief(&files, &mine);
    check_true(mlb_fabric_alike(&usual, &mine));

    nic.name = "mlx5_3";
    nic.bus = 0x13;
    nic.down = true;
    put_nic(&files, &nic);
    char path[128];
    snprintf(path, sizeof path, "%s/sys/module/nvidia_peermem/version", files.root);
    check_i64(unlink(path), 0);
    nic.name = "mlx5_8";
    nic.bus = 0x18;
    put_nic(&files, &nic);
    read_brief(&files, &mine);
    check_true(!mlb_fabric_alike(&usual, &mine));
    j.findings = (struct mlb_findings){j.items, 0, ROOM, 0};
    mlb_fabric_differ(&mine, &usual, &j.findings);
    check_u64(j.findings.count, 3);
    check_text(j.items[0].text, "9 ib ports, where others have 8");
    check_text(j.items[1].text, "ib port mlx5_3 is down, on others it is up");
    check_text(j.items[2].text, "for GPUDirect RDMA there is no evidence, where on others a "
                                "peer-memory module is loaded");
    remove_files(&files);
}

/* Names are the hypervisor's to choose, so only those that both have are compared. */
static void other_names_are_no_difference(void **state)
{
    (void)state;
    struct files files = make_files();
    struct mlb_fabric_brief usual, mine;
    make_p5(&files);
    read_brief(&files, &usual);
    mine = usual;
    mlb_format(mine.ports[7].name, sizeof mine.ports[7].name, "rdmap201s27");
    check_true(mlb_fabric_alike(&mine, &usual));
    mine.ports[8].line_bytes_per_s = 6.25e9;
    check_true(!mlb_fabric_alike(&mine, &usual));
    struct judged j = {.findings = {j.items, 0, ROOM, 0}};
    mlb_fabric_differ(&mine, &usual, &j.findings);
    check_u64(j.findings.count, 1);
    check_contains(j.items[0].text, "efa port rdmap8 runs at 6.25 GB/s, on others at 12.5 GB/s");
    remove_files(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sick_port_is_named),
        cmocka_unit_test(a_gpu_is_judged_by_its_lanes_alone),
        cmocka_unit_test(a_gpu_with_fewer_nvlinks_is_named),
        cmocka_unit_test(a_node_without_a_port_is_told),
        cmocka_unit_test(a_full_list_counts_what_it_leaves_out),
        cmocka_unit_test(machines_are_compared),
        cmocka_unit_test(other_names_are_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
