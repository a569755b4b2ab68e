/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/settings.h"

#include "tests/check.h"
#include "tests/system/made_machine.h"

static struct mlb_settings read_only(const char *const *environment)
{
    struct files files = make_files();
    struct mlb_settings settings;
    mlb_settings_read(files.root, (char *const *)environment, &settings);
    remove_files(&files);
    return settings;
}

static void check_json(const struct mlb_settings *settings, const char *expected)
{
    cJSON *json = mlb_settings_to_json(settings);
    char *printed = cJSON_PrintUnformatted(json);
    check_text(printed, expected);
    cJSON_free(printed);
    cJSON_Delete(json);
}

/* ------------------------------------------------------------------------------------- reading */

static void only_what_is_known_is_shown(void **state)
{
    static const char *const environment[] = {"PATH=/bin",
                                              "NCCL_TOPO_FILE=/opt/somebody/secret/ndv5-topo.xml",
                                              "NCCL_ALGO=Ring",
                                              "NCCL_COMM_ID=10.1.2.3:4000",
                                              "NCCL_VERSION=2.28.9",
                                              "NCCL_AUTH_TOKEN=hunter2",
                                              "FI_PROVIDER=efa",
                                              "FI_SECRET=hunter2",
                                              "OMPI_MCA_orte_hnp_uri=hunter2",
                                              "OMPI_MCA_btl=tcp,self",
                                              "NCCL_FASTRAK_IFNAME=eth1,eth2",
                                              "AWS_SECRET_ACCESS_KEY=hunter2",
                                              "NCCL_NOTHING",
                                              NULL};
    (void)state;
    struct mlb_settings settings = read_only(environment);
    check_json(&settings,
               "{\"FI_PROVIDER\":\"efa\",\"NCCL_ALGO\":\"Ring\",\"NCCL_COMM_ID\":\"set\","
               "\"NCCL_FASTRAK_IFNAME\":\"eth1,eth2\",\"NCCL_TOPO_FILE\":\"ndv5-topo.xml\","
               "\"OMPI_MCA_btl\":\"tcp,self\"}");
    check_text(mlb_settings_get(&settings, "NCCL_ALGO"), "Ring");
    check_true(mlb_settings_get(&settings, "NCCL_PROTO") == NULL);
}

static void files_of_nccl_do_not_override(void **state)
{
    static const char *const environment[] = {"HOME=/here", "NCCL_DEBUG=WARN", NULL};
    static const char *const other[] = {"HOME=/here", "NCCL_CONF_FILE=/my.conf", NULL};
    (void)state;
    struct files files = make_files();
    struct mlb_settings settings;
    put_file(&files, "/etc/nccl.conf",
             "# of the image\nNCCL_DEBUG=INFO\nNCCL_IB_PCI_RELAXED_ORDERING=1 # why not\nFOO=1\n");
    put_file(&files, "/here/.nccl.conf", "  NCCL_PROTO=Simple\nNCCL_IB_PCI_RELAXED_ORDERING=2\n");
    put_file(&files, "/my.conf", "NCCL_PROTO=LL\n");
    mlb_settings_read(files.root, (char *const *)environment, &settings);
    check_json(&settings, "{\"NCCL_DEBUG\":\"WARN\",\"NCCL_IB_PCI_RELAXED_ORDERING\":\"2\","
                          "\"NCCL_PROTO\":\"Simple\"}");
    mlb_settings_read(files.root, (char *const *)other, &settings);
    check_text(mlb_settings_get(&settings, "NCCL_PROTO"), "LL");
    check_text(mlb_settings_get(&settings, "NCCL_DEBUG"), "INFO");
    remove_files(&files);
}

/* ------------------------------------------------------------------------------------- comparing
 */

static void ranks_with_other_settings_are_told_apart(void **state)
{
    static const char *const one[] = {"NCCL_ALGO=Ring", "NCCL_HOSTID=a", "NCCL_NET=IB",
                                      "NCCL_NET_PLUGIN=none", NULL};
    static const char *const same[] = {"NCCL_NET_PLUGIN=none", "NCCL_NET=IB", "NCCL_HOSTID=b",
                                       "NCCL_ALGO=Ring", NULL};
    static const char *const other[] = {"NCCL_ALGO=Tree", "NCCL_PROTO=LL", "NCCL_NET_PLUGIN=none",
                                        NULL};
    (void)state;
    struct mlb_settings a = read_only(one), b = read_only(same), c = read_only(other);
    char lines_a[512], lines_c[512], names[128];
    check_true(mlb_settings_hash(&a) == mlb_settings_hash(&b));
    check_true(mlb_settings_hash(&a) != mlb_settings_hash(&c));
    mlb_settings_write(&a, lines_a, sizeof lines_a);
    mlb_settings_write(&c, lines_c, sizeof lines_c);
    check_true(strstr(lines_a, "Ring") == NULL);
    mlb_settings_differ(lines_c, lines_a, names, sizeof names);
    check_text(names, "NCCL_ALGO, NCCL_PROTO, NCCL_NET");
    mlb_settings_differ(lines_a, lines_a, names, sizeof names);
    check_true(!names[0]);
}

/* --------------------------------------------------------------------------------------- advice */

static void make_hgx_with_a_port_down(const struct files *files)
{
    struct made_nic nic = made_hca;
    nic.name = "mlx5_1";
    nic.bus++;
    nic.down = true;
    make_hgx(files);
    put_nic(files, &nic);
}

/* Made once each: they are hundreds of files. */
enum { HGX, SICK_HGX, P5, VIRTIO, MACHINES };

struct machine {
    struct files files;
    struct mlb_fabric fabric;
};

static void make_machines(struct machine *machines)
{
    static void (*const makers[MACHINES])(const struct files *files) = {
        make_hgx, make_hgx_with_a_port_down, make_p5, make_virtio};
    for (size_t i = 0; i < MACHINES; i++) {
        struct machine *machine = &machines[i];
        machine->files = make_files();
        makers[i](&machine->files);
        put_file(&machine->files, "/proc/net/if_inet6",
                 "00000000000000000000000000000001 01 80 10 80 lo\n");
        put_file(&machine->files, "/proc/net/route",
                 "Iface\tDestination\tGateway\neth0\t00000000\t0100000A\n");
        mlb_fabric_read(machine->files.root, &machine->fabric);
    }
}

static void judge(const struct machine *machine, const char *setting, const char *text)
{
    const char *const environment[] = {setting, NULL};
    struct mlb_finding items[3];
    struct mlb_findings findings = {items, 0, 3, 0};
    struct mlb_settings settings;
    mlb_settings_read(machine->files.root, (char *const *)environment, &settings);
    mlb_settings_judge(machine->files.root, &settings, &machine->fabric, &findings);
    if (findings.count != (text ? 1U : 0U))
        fail_msg("%s: %zu findings", setting, findings.count);
    if (text)
        check_contains(items[0].text, text);
}

static void settings_that_do_nothing_or_harm_are_named(void **state)
{
    static const struct {
        const char *setting;
        int machine;
        const char *text; /* of the only finding; NULL = there is none */
    } table[] = {
        {"NCCL_ALGO=Ring", HGX, NULL},
        {"NCCL_DYNAMIC_CHUNK_SIZE=524288", HGX, NULL}, /* of Google's recipe for A3 High */
        {"NCCL_SOKET_IFNAME=eth0", HGX,
         "knows no NCCL_SOKET_IFNAME and passes over it; did you mean NCCL_SOCKET_IFNAME?"},
        {"NCCL_FROBNICATE=1", HGX, "knows no NCCL_FROBNICATE and passes over it"},
        {"NCCL_TREE_THRESHOLD=0", HGX, "no longer reads NCCL_TREE_THRESHOLD: use NCCL_ALGO"},
        {"FI_PROVIDER=efa", P5, "of an old recipe: FI_PROVIDER"},
        {"FI_PROVIDER=efa", HGX, NULL},
        {"NCCL_PROTO=simple", P5, "of an old recipe: NCCL_PROTO=simple"},
        {"NCCL_PROTO=LL128", P5, NULL},
        {"NCCL_SOCKET_IFNAME=eth", HGX, NULL},
        {"NCCL_SOCKET_IFNAME=eth7", HGX, "names eth7: there is no such device"},
        {"NCCL_SOCKET_IFNAME==eth", HGX, "names eth: there is no such device"},
        {"NCCL_SOCKET_IFNAME=^eth7", HGX, NULL},
        {"NCCL_SOCKET_IFNAME=eth0,docker0", HGX, "names docker0, which is down"},
        {"NCCL_IB_HCA=mlx5_0:1,mlx5_9", HGX, "NCCL_IB_HCA names mlx5_9: there is no such"},
        {"NCCL_IB_HCA==mlx5_1", SICK_HGX, "names mlx5_1, which is down"},
        {"NCCL_IB_HCA=mlx5", SICK_HGX, NULL},
        {"NCCL_IB_DISABLE=1", HGX, "though 8 InfiniBand or RoCE ports are up"},
        {"NCCL_IB_DISABLE=0", HGX, NULL},
        {"NCCL_IB_DISABLE=1", VIRTIO, NULL},
        {"NCCL_NET=Socket", P5, "NCCL_NET=Socket, though 32 RDMA ports are up"},
        {"NCCL_P2P_DISABLE=1", HGX, "8 GPUs do without NVLink"},
        {"NCCL_NET_GDR_LEVEL=LOC", HGX, "GPUDirect RDMA is turned off"},
        {"NCCL_NET_GDR_LEVEL=PIX", HGX, NULL},
        {"NCCL_SOCKET_FAMILY=AF_INET6", VIRTIO, "no network device has an IPv6 address"},
        {"NCCL_SOCKET_FAMILY=AF_INET", VIRTIO, NULL},
        {"NCCL_SOCKET_FAMILY=IPv4", VIRTIO, "knows AF_INET and AF_INET6"},
    };
    struct machine *machines = calloc(MACHINES, sizeof *machines);
    (void)state;
    check_true(machines != NULL);
    make_machines(machines);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        judge(&machines[table[i].machine], table[i].setting, table[i].text);
    for (size_t i = 0; i < MACHINES; i++)
        remove_files(&machines[i].files);
    free(machines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_known_is_shown),
        cmocka_unit_test(files_of_nccl_do_not_override),
        cmocka_unit_test(ranks_with_other_settings_are_told_apart),
        cmocka_unit_test(settings_that_do_nothing_or_harm_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
