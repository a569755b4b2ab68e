/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes on the wire against figures worked out by hand. */
#include "tests/check.h"

#include "harness/analysis/wire.h"

static struct mlb_wire_group group(const char *collective, const char *algorithm, int ranks,
                                   int nodes)
{
    return (struct mlb_wire_group){collective, algorithm, ranks, nodes};
}

static double algbw_of(double busbw, double ranks)
{
    return busbw / (2.0 * (ranks - 1.0) / ranks);
}

/* Published busbw of all_reduce, and what the NICs of a machine carry by the algorithm: of p5 and
 * p4de 2 machines, of p5en and p6-b200 4. */
static void published_figures(void **state)
{
    (void)state;
    static const struct {
        const char *algorithm;
        int ranks, nodes;
        double busbw, nics, wire, share;
    } table[] = {
        {"NVLS_TREE", 16, 2, 487.1e9, 400e9, 259.8e9, 0.65},
        {"TREE", 16, 2, 487.1e9, 400e9, 259.8e9, 0.65},
        {"TREE", 16, 2, 78.3e9, 50e9, 41.8e9, 0.84},
        {"TREE", 16, 2, 317.8e9, 200e9, 169.5e9, 0.85},
        {"RING", 32, 4, 364.9e9, 400e9, 364.9e9, 0.91},
        {"TREE", 32, 4, 381.8e9, 400e9, 295.6e9, 0.74},
        {"RING", 32, 4, 381.8e9, 400e9, 381.8e9, 0.95},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_wire_group of =
            group("all_reduce", table[i].algorithm, table[i].ranks, table[i].nodes);
        struct mlb_wire_factor factor = mlb_wire_network(&of);
        double wire = algbw_of(table[i].busbw, table[i].ranks) * factor.low;
        check_true(factor.known && factor.low == factor.high);
        check_close(wire, table[i].wire, 1e-3);
        check_close(wire / table[i].nics, table[i].share, 0.01);
    }
}

/* One machine of 8 GPUs: H200 and B200 with NVLS, H200 in a ring; of 450 and 900 GB/s. */
static void published_figures_of_nvlink(void **state)
{
    (void)state;
    static const struct {
        const char *algorithm;
        double busbw, wire, link, share;
    } table[] = {{"NVLS", 482.3e9, 310e9, 450e9, 0.69},
                 {"NVLS", 845.7e9, 544e9, 900e9, 0.60},
                 {"RING", 367.6e9, 367.6e9, 450e9, 0.82}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_wire_group of = group("all_reduce", table[i].algorithm, 8, 1);
        struct mlb_wire_factor factor = mlb_wire_inside(&of);
        double wire = algbw_of(table[i].busbw, 8) * factor.low;
        check_true(factor.known && factor.low == factor.high);
        check_close(wire, table[i].wire, 2e-3);
        check_close(wire / table[i].link, table[i].share, 0.01);
        check_close(mlb_wire_network(&of).high, 0.0, 0);
    }
}

static void factors(void **state)
{
    (void)state;
    static const struct {
        const char *collective, *algorithm;
        int ranks, nodes;
        double low, high;       /* over the network */
        double in_low, in_high; /* inside */
    } table[] = {
        {"all_reduce", "", 32, 4, 1.5, 62.0 / 32, 9.0 / 8, 62.0 / 32},
        {"all_reduce", "COLLNET_CHAIN", 32, 4, 1, 1, 14.0 / 8, 14.0 / 8},
        {"all_reduce", "NVLS", 32, 4, 1, 1, 9.0 / 8, 9.0 / 8},
        {"all_reduce", "RING", 32, 4, 62.0 / 32, 62.0 / 32, 62.0 / 32 * 7 / 8, 62.0 / 32 * 7 / 8},
        {"all_reduce", "RING", 4, 4, 1.5, 1.5, 0, 0},
        {"all_gather", "RING", 16, 2, 15.0 / 16, 15.0 / 16, 15.0 / 16 * 7 / 8, 15.0 / 16 * 7 / 8},
        {"all_gather", "PAT", 4, 4, 0.75, 0.75, 0, 0},
        {"all_gather", "", 16, 2, 0.5, 15.0 / 16, 15.0 / 16 * 7 / 8, 1},
        {"reduce_scatter", "", 16, 2, 0.5, 15.0 / 16, 15.0 / 16 * 7 / 8, 1},
        {"alltoall", "", 16, 2, 4, 4, 7.0 / 16, 7.0 / 16 + 0.5},
        {"alltoall", "", 8, 1, 0, 0, 7.0 / 8, 7.0 / 8},
        {"broadcast", "RING", 16, 2, 1, 1, 1, 1},
        {"reduce", "", 16, 2, 1, 1, 1, 1},
        {"sendrecv", "", 16, 2, 1, 1, 1, 1},
        {"gather", "", 16, 2, 0.5, 0.5, 7.0 / 16, 7.0 / 16 + 0.5},
        {"scatter", "", 8, 1, 0, 0, 7.0 / 8, 7.0 / 8},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_wire_group of =
            group(table[i].collective, table[i].algorithm, table[i].ranks, table[i].nodes);
        struct mlb_wire_factor network = mlb_wire_network(&of), inside = mlb_wire_inside(&of);
        check_true(network.known && inside.known);
        check_close(network.low, table[i].low, 1e-15);
        check_close(network.high, table[i].high, 1e-15);
        check_close(inside.low, table[i].in_low, 1e-15);
        check_close(inside.high, table[i].in_high, 1e-15);
        check_true(mlb_wire_network_of_one(&of).low <= network.low);
        check_true(mlb_wire_network_of_one(&of).high >= network.high);
    }
}

/* What all machines send, in what mlb_wire_network says of one. */
static void of_all_machines(void **state)
{
    (void)state;
    static const struct {
        const char *collective;
        int ranks, nodes;
        double all; /* of S */
    } table[] = {
        {"all_reduce", 32, 4, 6.0}, {"all_gather", 32, 4, 4 * 31.0 / 32},
        {"alltoall", 16, 2, 8.0},   {"sendrecv", 16, 2, 2.0},
        {"broadcast", 16, 2, 1.0},  {"broadcast", 32, 4, 3.0},
        {"reduce", 32, 4, 3.0},     {"gather", 16, 2, 0.5},
        {"gather", 32, 4, 0.75},    {"scatter", 8, 8, 7.0 / 8},
        {"all_reduce", 8, 1, 0.0},  {"overlap", 16, 2, 0.0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        bool sum = strcmp(table[i].collective, "all_reduce") == 0;
        struct mlb_wire_group of =
            group(table[i].collective, sum ? "TREE" : "RING", table[i].ranks, table[i].nodes);
        check_close(mlb_wire_network(&of).low * mlb_wire_network_all(&of), table[i].all, 1e-15);
    }
}

/* Of 4 machines in two trees an inner one sends 2 S and an outer one S; of 2 both send S. */
static void trees_are_uneven(void **state)
{
    (void)state;
    struct mlb_wire_group four = group("all_reduce", "TREE", 32, 4);
    struct mlb_wire_group two = group("all_reduce", "TREE", 16, 2);
    check_close(mlb_wire_network_of_one(&four).low, 1.0, 0);
    check_close(mlb_wire_network_of_one(&four).high, 2.0, 0);
    check_close(mlb_wire_network_of_one(&two).low, 1.0, 0);
    check_close(mlb_wire_network_of_one(&two).high, 1.0, 0);
}

static void unknown_is_unknown(void **state)
{
    (void)state;
    struct mlb_wire_group of = group("overlap", "RING", 8, 2),
                          alone = group("all_reduce", "", 1, 1);
    struct mlb_wire_group odd = group("all_reduce", NULL, 2, 3);
    check_true(!mlb_wire_network(&of).known && !mlb_wire_inside(&of).known);
    struct mlb_wire_group whole = group("broadcast", "", 8, 2),
                          ring = group("broadcast", "RING", 8, 2);
    struct mlb_wire_group pat = group("all_gather", "PAT", 4, 4), all = group("alltoall", "", 8, 2);
    check_true(!mlb_wire_network(&whole).sure && mlb_wire_network(&ring).sure);
    check_true(!mlb_wire_network(&pat).sure && mlb_wire_network(&all).sure);
    check_true(!mlb_wire_network(&alone).known && !mlb_wire_inside(&alone).known);
    check_true(!mlb_wire_network(&odd).known && !mlb_wire_network_of_one(&odd).known);
    check_close(mlb_wire_least_network(&of, false), 0, 0);
    check_close(mlb_wire_least_device(&of, false), 0, 0);
}

/* busbw of all_reduce on 8 x 400 Gb/s a machine is at most 400 N (n-1) / ((N-1) n) without a
 * network that adds up: 750, 517, 450, 423 and 406 GB/s on 2, 4, 8, 16 and 64 machines. */
static void least(void **state)
{
    (void)state;
    static const struct {
        int nodes;
        double busbw;
    } table[] = {{2, 750e9}, {4, 517e9}, {8, 450e9}, {16, 423e9}, {64, 406e9}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int n = 8 * table[i].nodes;
        struct mlb_wire_group of = group("all_reduce", "", n, table[i].nodes);
        double factor = 2.0 * (n - 1) / n;
        check_close(400e9 / mlb_wire_least_network(&of, false) * factor, table[i].busbw, 2e-3);
        check_close(mlb_wire_least_network(&of, true), 1.0, 0);
    }
    struct mlb_wire_group pair = group("all_reduce", "", 2, 1),
                          eight = group("all_reduce", "", 8, 1);
    check_close(mlb_wire_least_device(&pair, true), 1.0, 0); /* a switch would take 1.5 */
    check_close(mlb_wire_least_device(&eight, true), 9.0 / 8, 0);
    check_close(mlb_wire_least_device(&eight, false), 14.0 / 8, 0);
    eight.collective = "all_gather";
    check_close(mlb_wire_least_device(&eight, true), 7.0 / 8, 0);
    eight.collective = "broadcast";
    check_close(mlb_wire_least_device(&eight, true), 1.0, 0);
}

static void names(void **state)
{
    (void)state;
    struct mlb_wire_group of = group("all_reduce", "NVLSTree", 16, 2);
    char name[16], cut[4];
    mlb_wire_algorithm_name("NVLS_TREE", name, sizeof name);
    check_text(name, "nvlstree");
    mlb_wire_algorithm_name("COLLNET_DIRECT", cut, sizeof cut);
    check_text(cut, "col");
    mlb_wire_algorithm_name(NULL, name, sizeof name);
    check_text(name, "");
    check_true(mlb_wire_network(&of).low == mlb_wire_network(&of).high);
    check_true(!mlb_wire_sums_in_network(&of));
    of.algorithm = "NVLS";
    check_true(mlb_wire_sums_in_network(&of));
    of.nodes = 1;
    check_true(!mlb_wire_sums_in_network(&of));
    check_close(mlb_wire_protocol("LL"), 2.0, 0);
    check_close(mlb_wire_protocol("LL128"), 128.0 / 120.0, 0);
    check_close(mlb_wire_protocol("SIMPLE"), 1.0, 0);
    check_close(mlb_wire_protocol(NULL), 1.0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_figures),
        cmocka_unit_test(published_figures_of_nvlink),
        cmocka_unit_test(factors),
        cmocka_unit_test(of_all_machines),
        cmocka_unit_test(trees_are_uneven),
        cmocka_unit_test(unknown_is_unknown),
        cmocka_unit_test(least),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
