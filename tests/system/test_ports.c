/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/ports.h"

#include "tests/check.h"
#include "tests/system/made_machine.h"

#define EFA_COUNTERS "/sys/class/infiniband/rdmap0/ports/1/hw_counters"
#define IB_COUNTERS  "/sys/class/infiniband/mlx5_0/ports/1/counters"
#define NET_COUNTERS "/sys/class/net/veth1/statistics"

/* From `before` to `now` on one port; the bytes sent, or -1 when the port was left out. */
static int64_t moved(const struct files *files, const char *folder, const char *file,
                     uint64_t before, uint64_t now)
{
    struct mlb_fabric fabric;
    struct mlb_moved moved;
    mlb_fabric_read(files->root, &fabric);
    put_number(files, folder, file, before);
    struct mlb_ports *ports = mlb_ports_open(files->root, &fabric);
    check_true(ports != NULL);
    mlb_ports_begin(ports);
    put_number(files, folder, file, now);
    mlb_ports_end(ports, &moved);
    mlb_ports_close(ports);
    return moved.count ? (int64_t)moved.ports[0].sent : -1;
}

static struct files one_hca(void)
{
    struct files files = make_files();
    put_nics(&files, &made_hca, 1);
    put_number(&files, IB_COUNTERS, "port_rcv_data", 5);
    return files;
}

static void counters_grow_wrap_and_are_set_back(void **state)
{
    static const struct {
        uint64_t before, now;
        int64_t bytes; /* of a counter in words; -1 = the port cannot tell */
    } table[] = {
        {100, 350, 1000},
        {UINT64_C(1) << 40, (UINT64_C(1) << 40) + 5, 20},
        {0xfffffff0, 0x10, 128}, /* 32 bits, once round */
        {1000, 10, -1},          /* set back */
        {UINT64_C(1) << 40, 10, -1},
        {0xfffffff0, 0xffffffff, -1}, /* stuck at its end */
        {77, 77, -1},                 /* nothing moved */
    };
    (void)state;
    struct files files = one_hca();
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        check_i64(moved(&files, IB_COUNTERS, "port_xmit_data", table[i].before, table[i].now),
                  table[i].bytes);
    remove_files(&files);
}

/* A fixture of sends and RDMA beside the sum: the greater of the two is what left. */
static void efa_tells_more_than_one_way(void **state)
{
    (void)state;
    struct files files = make_files();
    struct made_nic nic = made_hca;
    nic.name = "rdmap";
    nic.driver = "efa";
    nic.layer = "Unspecified\n";
    put_nics(&files, &nic, 1);
    static const char *const names[] = {"tx_bytes",   "rx_bytes",         "send_bytes",
                                        "recv_bytes", "rdma_write_bytes", "rdma_read_resp_bytes"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put_number(&files, EFA_COUNTERS, names[i], 1000);
    check_i64(moved(&files, EFA_COUNTERS, "tx_bytes", 1000, 51000), 50000);
    struct mlb_fabric fabric;
    struct mlb_moved all;
    mlb_fabric_read(files.root, &fabric);
    struct mlb_ports *ports = mlb_ports_open(files.root, &fabric);
    mlb_ports_begin(ports);
    put_number(&files, EFA_COUNTERS, "tx_bytes", 51100);
    put_number(&files, EFA_COUNTERS, "send_bytes", 1300);
    put_number(&files, EFA_COUNTERS, "rdma_write_bytes", 5000);
    put_number(&files, EFA_COUNTERS, "rx_bytes", 1064);
    mlb_ports_end(ports, &all);
    check_u64(all.count, 1);
    check_u64(all.ports[0].sent, 4300);
    check_u64(all.ports[0].received, 64);
    mlb_ports_close(ports);
    remove_files(&files);
}

/* As tests emulate NICs: nothing but a name and its statistics. */
static void a_veth_counts(void **state)
{
    (void)state;
    struct files files = make_files();
    make_container(&files);
    check_i64(moved(&files, NET_COUNTERS, "tx_bytes", 10, 1010), 1000);
    struct mlb_fabric fabric;
    mlb_fabric_read(files.root, &fabric);
    check_i64(fabric.nics[0].kind, MLB_NIC_VIRTUAL);
    remove_files(&files);
}

static void a_port_that_goes_away_is_left_out(void **state)
{
    (void)state;
    struct files files = one_hca();
    struct mlb_fabric fabric;
    struct mlb_moved all;
    put_number(&files, IB_COUNTERS, "port_xmit_data", 1);
    mlb_fabric_read(files.root, &fabric);
    struct mlb_ports *ports = mlb_ports_open(files.root, &fabric);
    mlb_ports_begin(ports);
    remove_files(&files);
    mlb_ports_end(ports, &all);
    check_u64(all.count, 0);
    mlb_ports_close(ports);
}

static void without_ports_nothing_moves(void **state)
{
    (void)state;
    struct mlb_moved all = {.count = 3};
    mlb_ports_begin(NULL);
    mlb_ports_end(NULL, &all);
    check_u64(all.count, 0);
    mlb_ports_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_grow_wrap_and_are_set_back),
        cmocka_unit_test(efa_tells_more_than_one_way),
        cmocka_unit_test(a_veth_counts),
        cmocka_unit_test(a_port_that_goes_away_is_left_out),
        cmocka_unit_test(without_ports_nothing_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
