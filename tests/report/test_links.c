/* SPDX-License-Identifier: Apache-2.0 */
/* What links carried, what they can carry at most, what others published: on rows of collectives of
 * machines with 8 H100 each, by figures worked out by hand. */
#include "harness/analysis/bound_link.h"
#include "harness/analysis/nics.h"
#include "harness/analysis/published.h"
#include "harness/analysis/shares.h"
#include "harness/analysis/wire_row.h"
#include "tests/report/link_rows.h"

/* ------------------------------------------------------------------------------------------ NICs
 */

static void fast_ports(void **state)
{
    (void)state;
    static const struct {
        const char *json; /* of the list of NICs */
        size_t ports;
        double line;
        bool certain;
    } table[] = {
        {"[]", 0, 0, false},
        {"[{\"kind\":\"ib\",\"line_bytes_per_s\":5e10},{\"kind\":\"ib\",\"line_bytes_per_s\":5e10},"
         "{\"kind\":\"ib\",\"line_bytes_per_s\":1.25e10}]",
         2, 100e9, true}, /* the slow one is for something else */
        {"[{\"kind\":\"roce\",\"line_bytes_per_s\":5e10},{\"kind\":\"ib\",\"line_bytes_per_s\":"
         "5e10},"
         "{\"kind\":\"ib\",\"line_bytes_per_s\":5e10}]",
         2, 100e9, true}, /* storage has a network of its own */
        {"[{\"kind\":\"ethernet\",\"line_bytes_per_s\":1e11},"
         "{\"kind\":\"roce\",\"line_bytes_per_s\":5e10}]",
         1, 50e9, true},
        {"[{\"kind\":\"ib\",\"state\":\"down\",\"line_bytes_per_s\":5e10},"
         "{\"kind\":\"ib\",\"state\":\"up\",\"line_bytes_per_s\":5e10}]",
         1, 50e9, true},
        {"[{\"kind\":\"tcpxo\",\"line_bytes_per_s\":2.5e10},"
         "{\"kind\":\"ethernet\",\"line_bytes_per_s\":2.5e10}]",
         1, 25e9, false},
        {"[{\"kind\":\"ethernet\",\"line_bytes_per_s\":1.25e9}]", 1, 1.25e9, false},
        {"[{\"kind\":\"efa\",\"line_bytes_per_s\":1.25e10}]", 1, 12.5e9,
         false}, /* so they all say */
        {"[{\"kind\":\"efa\",\"line_bytes_per_s\":2.5e10}]", 1, 25e9, true},
        {"[{\"kind\":\"virtual\",\"line_bytes_per_s\":1.25e9}]", 1, 0, false}, /* of no wire */
        {"[{\"kind\":\"virtual\",\"line_bytes_per_s\":1e12},"
         "{\"kind\":\"ethernet\",\"line_bytes_per_s\":1e9}]",
         1, 1e9, false},
        {"[{\"kind\":\"ethernet\"}]", 1, 0, false}, /* a rate that nobody tells */
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_result result = {.fabric = cJSON_CreateObject()};
        cJSON_AddItemToObject(result.fabric, "nics", cJSON_Parse(table[i].json));
        struct mlb_nics nics = mlb_nics_of(&result, NULL);
        check_u64(nics.ports, table[i].ports);
        check_close(nics.line_bytes_per_s, table[i].line, 1e-15);
        check_true(nics.certain == table[i].certain);
        mlb_result_free(&result);
    }
}

static void nvlinks(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double rate;
    } table[] = {{"NVIDIA A100-SXM4-80GB", 300e9},
                 {"NVIDIA H100 80GB HBM3", 450e9},
                 {"NVIDIA H200", 450e9},
                 {"NVIDIA B200", 900e9},
                 {"NVIDIA H100 PCIe", 0},
                 {"NVIDIA GB200", 0},
                 {"NVIDIA L40S", 0},
                 {"", 0}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_device_info device = {0};
        mlb_format(device.name, sizeof device.name, "%s", table[i].name);
        check_close(mlb_nvlink_bytes_per_s(&device), table[i].rate, 0);
    }
}

/* ------------------------------------------------------------------------------------------ wire
 */

static void wire_of_rows(void **state)
{
    (void)state;
    static const struct {
        const char *workload, *algorithm, *scope;
        int ranks, nodes;
        double factor, busbw;
        enum mlb_wire_line line;
        double low, high, of; /* 0: not known */
    } table[] = {
        {"all_reduce", "NVLS_TREE", "all", 16, 2, 1.875, 487.1e9, MLB_WIRE_NICS, 259.8e9, 259.8e9,
         400e9},
        {"all_reduce", "", "all", 16, 2, 1.875, 300e9, MLB_WIRE_NICS, 160e9, 300e9, 400e9},
        {"all_reduce", "", "all", 16, 2, 1.875, 487.1e9, MLB_WIRE_NICS, 259.8e9, 400e9, 400e9},
        {"all_reduce", "RING", "rail", 2, 2, 1, 45e9, MLB_WIRE_NICS, 45e9, 45e9, 50e9},
        {"sendrecv", "", "rails", 2, 2, 1, 44e9, MLB_WIRE_NICS, 352e9, 352e9, 400e9},
        {"alltoall", "", "all", 16, 2, 0.9375, 75e9, MLB_WIRE_NICS, 320e9, 320e9, 400e9},
        {"all_reduce", "NVLS", "node", 8, 1, 1.75, 466e9, MLB_WIRE_NVLINK, 299.6e9, 299.6e9, 450e9},
        {"overlap", "", "all", 16, 2, 1.875, 300e9, MLB_WIRE_NICS, 0, 0, 0},
    };
    struct mlb_result result;
    set_machines(&result, "NVIDIA H100 80GB HBM3", 2);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_row row =
            make_row(table[i].workload, table[i].algorithm, table[i].scope, table[i].ranks,
                     table[i].nodes, GIB, table[i].factor, table[i].busbw);
        struct mlb_wire wire = mlb_wire_of_row(&result, &row);
        check_true(wire.known == (table[i].low > 0.0));
        if (!wire.known)
            continue;
        check_i64(wire.line, table[i].line);
        check_close(wire.low, table[i].low, 1e-3);
        check_close(wire.high, table[i].high, 1e-3);
        check_close(wire.line_bytes_per_s, table[i].of, 1e-12);
    }
    mlb_result_free(&result);
}

static void no_wire_without_proof(void **state)
{
    (void)state;
    struct mlb_result result;
    set_machines(&result, "NVIDIA H100 80GB HBM3", 2);
    struct mlb_row row = make_row("all_reduce", "RING", "all", 16, 2, GIB, 1.875, 300e9);
    check_true(mlb_wire_of_row(&result, &row).known);
    row.verified = false;
    check_true(!mlb_wire_of_row(&result, &row).known);
    row.verified = true;
    result.oversubscribed = true;
    check_true(!mlb_wire_of_row(&result, &row).known);
    result.oversubscribed = false;
    mlb_detail_text(&row.details, "network", "none"); /* NVLink beyond the machine */
    check_true(!mlb_wire_of_row(&result, &row).known);
    check_true(!mlb_bound_of_collective(&result, &row).known);
    mlb_result_free(&result);
}

/* A rack of GB200 is one NVLink domain: without the library's word no network is assumed. */
static void wire_of_a_rack(void **state)
{
    (void)state;
    struct mlb_result result;
    set_machines(&result, "NVIDIA GB200", 2);
    struct mlb_row row = make_row("all_reduce", "NVLS", "all", 16, 2, GIB, 1.875, 1500e9);
    check_true(!mlb_wire_of_row(&result, &row).known);
    mlb_bound_link_judge(&result, &row);
    check_i64(row.status, MLB_ROW_MEASURED);
    mlb_detail_text(&row.details, "network", "IB");
    check_true(mlb_wire_of_row(&result, &row).known);
    mlb_bound_link_judge(&result, &row);
    check_i64(row.status, MLB_ROW_UNTRUSTED);
    mlb_result_free(&result);
}

/* Twice the bytes where each word of data travels with a word of flags; a virtual card's rate that
 * is passed is none. */
static void wire_of_odd_rows(void **state)
{
    (void)state;
    struct mlb_result result;
    set_machines(&result, "NVIDIA H100 80GB HBM3", 2);
    struct mlb_row row = make_row("all_reduce", "TREE", "all", 16, 2, 8192, 1.875, 1.875e9);
    mlb_detail_text(&row.details, "protocol", "LL");
    check_close(mlb_wire_of_row(&result, &row).low, 2e9, 1e-12);
    set_ports(&result, "ethernet", 1, 1.25e9);
    check_close(mlb_wire_of_row(&result, &row).line_bytes_per_s, 0, 0);
    set_ports(&result, "ethernet", 1, 12.5e9);
    check_close(mlb_wire_of_row(&result, &row).line_bytes_per_s, 12.5e9, 0);
    mlb_result_free(&result);
}

/* Two ranks and one port on a machine: a rail may have it all. With two ports a rank that got more
 * than one had both. */
static void line_of_a_rail(void **state)
{
    (void)state;
    struct mlb_result result;
    set_machines(&result, "", 2);
    struct mlb_row row = make_row("sendrecv", "", "rail", 2, 2, GIB, 1, 11e9);
    result.ranks_per_node = 2;
    set_ports(&result, "roce", 1, 12.5e9);
    check_close(mlb_wire_of_row(&result, &row).line_bytes_per_s, 12.5e9, 1e-12);
    check_true(mlb_bound_of_collective(&result, &row).known);
    set_ports(&result, "roce", 2, 12.5e9);
    check_close(mlb_wire_of_row(&result, &row).line_bytes_per_s, 12.5e9, 1e-12);
    check_true(!mlb_bound_of_collective(&result, &row).known);
    set_ports(&result, "roce", 2, 10e9);
    check_close(mlb_wire_of_row(&result, &row).line_bytes_per_s, 20e9, 1e-12);
    mlb_result_free(&result);
}

/* ----------------------------------------------------------------------------------------- bound
 */

/* algbw that the links allow, of 400 GB/s of NICs. */
static void bounds(void **state)
{
    (void)state;
    static const struct {
        const char *gpu, *workload, *algorithm, *scope;
        int ranks, nodes;
        double bound; /* 0: not known */
        const char *of;
    } table[] = {
        {"NVIDIA H100 80GB HBM3", "all_reduce", "TREE", "all", 16, 2, 400e9, "NICs"},
        {"NVIDIA B200", "all_reduce", "RING", "all", 32, 4, 400e9 / 1.5, "NICs"},
        {"NVIDIA B200", "all_reduce", "NVLS", "all", 32, 4, 400e9, "NICs"}, /* switches add up */
        {"NVIDIA H200", "all_reduce", "RING", "node", 8, 1, 400e9, "NVLink"},
        {"NVIDIA A100-SXM4-80GB", "all_reduce", "RING", "node", 8, 1, 300e9 / 1.75, "NVLink"},
        {"NVIDIA A100-SXM4-80GB", "all_reduce", "TREE", "all", 16, 2, 350e9 / 1.875, "NVLink"},
        {"NVIDIA H200", "all_gather", "RING", "node", 8, 1, 450e9 / 0.875, "NVLink"},
        {"NVIDIA H100 80GB HBM3", "all_gather", "RING", "all", 16, 2, 500e9 / 0.9375, "NVLink"},
        {"NVIDIA H100 80GB HBM3", "alltoall", "", "all", 16, 2, 100e9, "NICs"},
        {"NVIDIA H100 80GB HBM3", "sendrecv", "", "rails", 2, 2, 50e9, "NICs"},
        {"NVIDIA H100 80GB HBM3", "sendrecv", "", "rail", 2, 2, 0, NULL},
        {"NVIDIA L40S", "all_reduce", "RING", "node", 8, 1, 0, NULL},
        {"NVIDIA L40S", "all_reduce", "RING", "all", 16, 2, 400e9, "NICs"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_result result;
        set_machines(&result, table[i].gpu, table[i].nodes);
        struct mlb_row row = make_row(table[i].workload, table[i].algorithm, table[i].scope,
                                      table[i].ranks, table[i].nodes, GIB, 1.0, 10e9);
        struct mlb_link_bound bound = mlb_bound_of_collective(&result, &row);
        check_true(bound.known == (table[i].bound > 0.0));
        check_close(bound.bytes_per_s, table[i].bound, 1e-12);
        check_true(!bound.known || strcmp(bound.of, table[i].of) == 0);
        check_close(mlb_share_of_bound(&result, &row, &row.summary, &row.telemetry),
                    bound.known ? 10e9 / table[i].bound : 0.0, 1e-12);
        mlb_result_free(&result);
    }
}

/* 2 x p5 487 of 750, 4 x p6-b200 382 of 517 GB/s of busbw; one H200 machine with NVLS 69 %. */
static void shares_of_published_figures(void **state)
{
    (void)state;
    static const struct {
        const char *gpu, *scope;
        int ranks, nodes;
        double busbw, share;
    } table[] = {{"NVIDIA H100 80GB HBM3", "all", 16, 2, 487.1e9, 0.65},
                 {"NVIDIA B200", "all", 32, 4, 381.8e9, 0.74},
                 {"NVIDIA H200", "node", 8, 1, 482.3e9, 0.69}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mlb_result result;
        set_machines(&result, table[i].gpu, table[i].nodes);
        double factor = 2.0 * (table[i].ranks - 1) / table[i].ranks;
        struct mlb_row row = make_row("all_reduce", "", table[i].scope, table[i].ranks,
                                      table[i].nodes, GIB, factor, table[i].busbw);
        check_close(mlb_share_of_bound(&result, &row, &row.summary, &row.telemetry), table[i].share,
                    0.01);
        mlb_result_free(&result);
    }
}

static enum mlb_row_status judged(const struct mlb_result *result, const char *algorithm,
                                  double algbw, char *reason, size_t size)
{
    struct mlb_row row =
        make_row("all_reduce", algorithm, "all", 32, 4, GIB, 62.0 / 32, algbw * 62.0 / 32);
    mlb_bound_link_judge(result, &row);
    mlb_format(reason, size, "%s", row.reason);
    return row.status;
}

/* A network that adds up may have been at work unseen: only what it could not do is an error. */
static void above_the_bound(void **state)
{
    (void)state;
    struct mlb_result result;
    char reason[MLB_ROW_REASON];
    set_machines(&result, "NVIDIA B200", 4);
    check_i64(judged(&result, "RING", 260e9, reason, sizeof reason), MLB_ROW_MEASURED);
    check_i64(judged(&result, "", 390e9, reason, sizeof reason), MLB_ROW_MEASURED);
    check_i64(judged(&result, "", 403e9, reason, sizeof reason), MLB_ROW_MEASURED);
    check_i64(judged(&result, "", 405e9, reason, sizeof reason), MLB_ROW_UNTRUSTED);
    check_contains(reason, "above the physical bound: algbw 405 GB/s of 400 GB/s");
    check_contains(reason, "machine's NICs");
    set_ports(&result, "ethernet", 1, 1.25e9); /* a virtual card may tell any rate */
    check_i64(judged(&result, "", 405e9, reason, sizeof reason), MLB_ROW_MEASURED);
    struct mlb_row row = make_row("all_reduce", "", "all", 32, 4, GIB, 62.0 / 32, 405e9);
    check_true(!mlb_bound_of_collective(&result, &row).known);
    mlb_result_free(&result);
}

/* p5en, whose 16 NICs have 200 Gb/s each, with a driver that says 100: its measured 365 GB/s are no
 * measuring error. */
static void a_rate_that_every_card_says(void **state)
{
    (void)state;
    struct mlb_result result;
    set_machines(&result, "NVIDIA H200", 4);
    set_ports(&result, "efa", 16, 12.5e9);
    struct mlb_row row = make_row("all_reduce", "RING", "all", 32, 4, GIB, 62.0 / 32, 364.9e9);
    mlb_bound_link_judge(&result, &row);
    check_i64(row.status, MLB_ROW_MEASURED);
    check_true(!mlb_bound_of_collective(&result, &row).known);
    check_close(mlb_wire_of_row(&result, &row).line_bytes_per_s, 0, 0);
    set_ports(&result, "efa", 16, 25e9);
    check_true(mlb_bound_of_collective(&result, &row).known);
    check_close(mlb_wire_of_row(&result, &row).line_bytes_per_s, 400e9, 1e-12);
    mlb_result_free(&result);
}

/* ------------------------------------------------------------------------------------- published
 */

static void published(void **state)
{
    (void)state;
    struct mlb_expectations expectations = {0};
    struct mlb_error err = {0};
    struct mlb_result result;
    check_ok(mlb_expectations_open(&expectations, MLB_TEST_SOURCE_DIR "/configs/expectations.json",
                                   &err),
             &err);
    set_machines(&result, "NVIDIA H200", 1);
    struct mlb_row row = make_row("all_reduce", "RING", "all", 8, 1, 0x1p34, 1.75, 367.6e9);
    check_close(mlb_share_of_published(&result, &expectations, &row), 367.6 / 482.3, 1e-12);
    mlb_shares_note(&result, NULL, &expectations, &row);
    check_true(row.of_published.known && row.of_bound.known);
    check_close(row.of_published.value, 367.6 / 482.3, 1e-12);
    check_close(mlb_share_of_published(&result, NULL, &row), 0, 0);
    check_ok(mlb_result_add(&result, &row, &err), &err);
    mlb_published_judge(&result, &expectations);
    check_u64(result.health_count, 1);
    check_text(result.health[0].code, "below_floor");
    check_i64(result.health[0].level, MLB_HEALTH_WARN);
    check_contains(result.health[0].text, "busbw 368 GB/s is below the 431 GB/s that Azure/");
    result.rows[0].verification.wrong = 1;
    check_close(mlb_share_of_published(&result, &expectations, &result.rows[0]), 0, 0);
    mlb_result_free(&result);
    mlb_expectations_close(&expectations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_ports),
        cmocka_unit_test(nvlinks),
        cmocka_unit_test(wire_of_rows),
        cmocka_unit_test(no_wire_without_proof),
        cmocka_unit_test(wire_of_a_rack),
        cmocka_unit_test(wire_of_odd_rows),
        cmocka_unit_test(line_of_a_rail),
        cmocka_unit_test(bounds),
        cmocka_unit_test(shares_of_published_figures),
        cmocka_unit_test(above_the_bound),
        cmocka_unit_test(a_rate_that_every_card_says),
        cmocka_unit_test(published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
