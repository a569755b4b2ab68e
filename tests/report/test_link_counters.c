/* SPDX-License-Identifier: Apache-2.0 */
/* What ports and the library counted against the formulas, and where no formula holds. */
#include "harness/analysis/bound_link.h"
#include "harness/analysis/wire_row.h"
#include "tests/report/link_rows.h"

static void check_counters(const char *algorithm, double fast, double slow,
                           enum mlb_wire_verdict verdict, double bytes)
{
    struct mlb_result result;
    set_machines(&result, "NVIDIA H100 80GB HBM3", 4);
    struct mlb_row row = make_row("all_reduce", algorithm, "all", 32, 4, bytes, 62.0 / 32, 300e9);
    struct mlb_row_port ports[] = {
        {"p0", "ib", 50e9, (uint64_t)(fast * 10.0), 10},
        {"eth0", "ethernet", 12.5e9, 10, (uint64_t)(slow * 10.0)},
        {"veth0", "virtual", 1.25e9, UINT64_C(1) << 50, UINT64_C(1) << 50}};
    row.ports = ports;
    row.port_count = 3;
    row.ports_steps = 10;
    check_i64(mlb_wire_check_row(&result, &row, MLB_WIRE_PORTS).verdict, verdict);
    row.port_count = 0;
    check_i64(mlb_wire_check_row(&result, &row, MLB_WIRE_PORTS).verdict, MLB_WIRE_NO_EVIDENCE);
    mlb_result_free(&result);
}

static void counters(void **state)
{
    (void)state;
    double ring = 62.0 / 32 * GIB;
    check_counters("RING", ring, 0, MLB_WIRE_AGREES, GIB);
    check_counters("RING", ring * 1.04, 0, MLB_WIRE_AGREES, GIB);
    check_counters("RING", ring * 0.92, 0, MLB_WIRE_AGREES, GIB);
    check_counters("RING", ring * 0.85, 0, MLB_WIRE_ELSEWHERE, GIB);
    check_counters("RING", 0, 0, MLB_WIRE_ELSEWHERE, GIB);
    check_counters("RING", 0, ring, MLB_WIRE_SLOW_PORTS, GIB);
    check_counters("RING", ring * 1.2, 0, MLB_WIRE_MORE, GIB);
    check_counters("TREE", GIB, 0, MLB_WIRE_AGREES, GIB); /* an outer machine of 4 */
    check_counters("TREE", 2 * GIB, 0, MLB_WIRE_AGREES, GIB);
    check_counters("TREE", 2.3 * GIB, 0, MLB_WIRE_MORE, GIB);
    check_counters("RING", 0, 0, MLB_WIRE_NO_EVIDENCE, 1024);  /* too little to tell */
    check_counters("", 5 * GIB, 0, MLB_WIRE_NO_EVIDENCE, GIB); /* nothing to agree with */
    check_counters("", 0.5 * GIB, 0, MLB_WIRE_ELSEWHERE, GIB); /* less than any algorithm */
}

/* NCCL's proxies: over all machines, so that a tree's mean is exact. */
static void counters_of_the_library(void **state)
{
    (void)state;
    static const struct {
        double sent;
        enum mlb_wire_verdict verdict;
    } table[] = {{0, MLB_WIRE_NO_EVIDENCE},
                 {6.0 * GIB, MLB_WIRE_AGREES},
                 {5.0 * GIB, MLB_WIRE_ELSEWHERE},
                 {8.0 * GIB, MLB_WIRE_MORE}};
    struct mlb_result result;
    set_machines(&result, "NVIDIA H200", 4);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_row row = make_row("all_reduce", "TREE", "all", 32, 4, GIB, 62.0 / 32, 300e9);
        if (table[i].sent > 0.0)
            mlb_detail_number(&row.details, "network_sent_bytes", table[i].sent);
        check_i64(mlb_wire_check_row(&result, &row, MLB_WIRE_LIBRARY).verdict, table[i].verdict);
    }
    mlb_result_free(&result);
}

/* A root's machine has more than the others, or all: the mean of the machines is another thing. */
static void counters_of_the_library_with_a_root(void **state)
{
    (void)state;
    static const struct {
        const char *workload;
        double sent;
        enum mlb_wire_verdict verdict;
    } table[] = {
        {"broadcast", 3.0 * GIB, MLB_WIRE_AGREES}, {"reduce", 3.0 * GIB, MLB_WIRE_AGREES},
        {"broadcast", 4.0 * GIB, MLB_WIRE_MORE},   {"gather", 0.75 * GIB, MLB_WIRE_AGREES},
        {"scatter", 0.75 * GIB, MLB_WIRE_AGREES},  {"scatter", 0.5 * GIB, MLB_WIRE_ELSEWHERE}};
    struct mlb_result result;
    set_machines(&result, "NVIDIA H200", 4);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_row row = make_row(table[i].workload, "RING", "all", 32, 4, GIB, 1.0, 30e9);
        mlb_detail_number(&row.details, "network_sent_bytes", table[i].sent);
        check_i64(mlb_wire_check_row(&result, &row, MLB_WIRE_LIBRARY).verdict, table[i].verdict);
    }
    mlb_result_free(&result);
}

/* 6 ranks on the first machine and 2 on the other: it gathers 1/4 of S, not 1/2, sends 12/8 to the
 * other in an alltoall, not 16/8, and has 2 rails, not 6. A ring and a tree don't mind. */
static void unequal_machines(void **state)
{
    (void)state;
    static const struct {
        const char *workload, *scope;
        int ranks;
        bool holds;
    } table[] = {{"all_reduce", "all", 8, true},  {"all_gather", "all", 8, true},
                 {"broadcast", "all", 8, true},   {"alltoall", "all", 8, false},
                 {"gather", "all", 8, false},     {"scatter", "all", 8, false},
                 {"sendrecv", "rails", 2, false}, {"alltoall", "rail", 2, true}};
    struct mlb_result result;
    set_machines(&result, "NVIDIA L40S", 2);
    set_ports(&result, "ib", 1, 50e9);
    for (int equal = 0; equal < 2; equal++) {
        result.ranks = 8;
        result.ranks_per_node = equal ? 4 : 6;
        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
            struct mlb_row row = make_row(table[i].workload, "RING", table[i].scope, table[i].ranks,
                                          2, GIB, 1.0, 1e9);
            bool known = equal || table[i].holds;
            check_true(mlb_wire_of_row(&result, &row).known == known);
            check_true(mlb_bound_of_collective(&result, &row).known == known);
        }
    }
    mlb_result_free(&result);
}

/* Where the algorithm is not known the ports tell what went out, unless they can't have seen it. */
static void wire_by_the_ports(void **state)
{
    (void)state;
    struct mlb_result result;
    set_machines(&result, "", 3);
    struct mlb_row row = make_row("all_reduce", "", "all", 6, 3, GIB, 10.0 / 6, 10e9);
    struct mlb_row_port port = {"p0", "ib", 50e9, (uint64_t)(2.5 * GIB), 0};
    row.ports = &port;
    row.port_count = row.ports_steps = 1;
    struct mlb_wire wire = mlb_wire_of_row(&result, &row);
    check_true(wire.counted && wire.low == wire.high);
    check_close(wire.low, 6e9 * 2.5, 1e-9); /* algbw is 6 GB/s */
    port.sent_bytes /= 3;
    wire = mlb_wire_of_row(&result, &row);
    check_true(!wire.counted && wire.low < wire.high);
    port.sent_bytes *= 3;
    mlb_detail_text(&row.details, "algorithm", "RING");
    wire = mlb_wire_of_row(&result, &row);
    check_true(!wire.counted);
    check_close(wire.low, 10e9, 1e-9);
    mlb_result_free(&result);
}

/* Machines as network namespaces: their veth is all there is. */
static void counters_of_virtual_ports(void **state)
{
    (void)state;
    struct mlb_result result;
    set_machines(&result, "", 2);
    set_ports(&result, "virtual", 0, 0);
    struct mlb_row row = make_row("sendrecv", "", "rail", 2, 2, GIB, 1, 1e9);
    struct mlb_row_port port = {"veth", "virtual", 1e12, (uint64_t)(1.05 * GIB), 0};
    row.ports = &port;
    row.port_count = row.ports_steps = 1;
    check_i64(mlb_wire_check_row(&result, &row, MLB_WIRE_PORTS).verdict, MLB_WIRE_AGREES);
    port.sent_bytes /= 2;
    check_i64(mlb_wire_check_row(&result, &row, MLB_WIRE_PORTS).verdict, MLB_WIRE_ELSEWHERE);
    mlb_result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters),
        cmocka_unit_test(counters_of_the_library),
        cmocka_unit_test(counters_of_the_library_with_a_root),
        cmocka_unit_test(unequal_machines),
        cmocka_unit_test(wire_by_the_ports),
        cmocka_unit_test(counters_of_virtual_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
