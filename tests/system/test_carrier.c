/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/system/carrier.h"
#include "tests/system/files.h"

static void put_interface(const struct files *files, const char *name, const char *flags,
                          const char *carrier)
{
    char path[128];
    mlb_format(path, sizeof path, "/sys/class/net/%s/flags", name);
    put_file(files, path, flags);
    mlb_format(path, sizeof path, "/sys/class/net/%s/carrier", name);
    put_file(files, path, carrier);
}

/* A cluster's machine: two interfaces in use, one that is not, two ports of InfiniBand, and what a
 * container engine leaves. */
static struct files make_machine(void)
{
    struct files files = make_files();
    put_interface(&files, "lo", "0x9\n", "1\n");
    put_interface(&files, "eth0", "0x1003\n", "1\n");
    put_interface(&files, "eth1", "0x1003\n", "1\n");
    put_interface(&files, "eth2", "0x1002\n", "");
    put_interface(&files, "docker0", "0x1003\n", "0\n");
    put_file(&files, "/sys/class/net/docker0/bridge/stp_state", "0\n");
    put_interface(&files, "veth17", "0x1003\n", "1\n");
    put_file(&files, "/sys/class/net/veth17/brport/state", "3\n");
    put_file(&files, "/sys/class/infiniband/mlx5_0/ports/1/state", "4: ACTIVE\n");
    put_file(&files, "/sys/class/infiniband/mlx5_1/ports/1/state", "1: DOWN\n");
    return files;
}

static void check_lost(const struct files *files, const struct mlb_carriers *before,
                       const char *names)
{
    struct mlb_text text = {0};
    mlb_carriers_lost(files->root, before, &text);
    check_text(mlb_text_get(&text), names);
    mlb_text_free(&text);
}

static void test_lost(void **state)
{
    (void)state;
    struct files files = make_machine();
    struct mlb_carriers before;
    mlb_carriers_read(files.root, &before);
    check_u64(before.count, 3);
    check_lost(&files, &before, "");
    put_interface(&files, "eth0", "0x1003\n", "0\n");
    check_lost(&files, &before, "eth0");
    put_interface(&files, "eth0", "0x1002\n", "");
    check_lost(&files, &before, "eth0");
    put_interface(&files, "eth0", "0x1003\n", "1\n");
    put_file(&files, "/sys/class/infiniband/mlx5_0/ports/1/state", "2: INIT\n");
    check_lost(&files, &before, "mlx5_0/1");
    remove_files(&files);
    mlb_carriers_read(files.root, &before);
    check_u64(before.count, 0);
}

static void test_dead(void **state)
{
    (void)state;
    struct files files = make_machine();
    struct mlb_text text = {0};
    put_interface(&files, "eth1", "0x1003\n", "0\n");
    mlb_text_add(&text, "dead: ");
    mlb_carriers_dead(files.root, &text);
    check_text(mlb_text_get(&text), "dead: eth1, mlx5_1/1");
    mlb_text_free(&text);
    remove_files(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lost), cmocka_unit_test(test_dead)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
