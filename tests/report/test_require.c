/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/require.h"

#include "harness/analysis/accuse.h"
#include "harness/analysis/verdict.h"
#include "harness/base/text.h"
#include "tests/check.h"

/* ----------------------------------------------------------------------------------------- words
 */

static void words_are_taken_or_refused(void **state)
{
    static const struct {
        const char *text, *net;
        enum mlb_require_gdr gdr;
        const char *refused; /* NULL: taken */
    } table[] = {
        {"", "", MLB_GDR_ANY, NULL},
        {"net=efa", "efa", MLB_GDR_ANY, NULL},
        {"net=any-rdma,gdr=on", "any-rdma", MLB_GDR_ON, NULL},
        {"gdr=off,net=socket", "socket", MLB_GDR_OFF, NULL},
        {"net=efa2", "", MLB_GDR_ANY, "'net=efa2' is not known; allowed: net=efa|ib|roce|tcpx|"},
        {"net=", "", MLB_GDR_ANY, "'net=' is not known"},
        {"gdr=", "", MLB_GDR_ANY, "'gdr=' is not known"},
        {"gdr=yes", "", MLB_GDR_ANY, "'gdr=yes' is not known; allowed: net="},
        {"rdma=on", "", MLB_GDR_ANY, "'rdma=on' is not known"},
        {"net=ib,net=ib", "", MLB_GDR_ANY, "'net=ib' is there twice"},
        {"net=ib,", "", MLB_GDR_ANY, "'' is not known"},
        {",net=ib", "", MLB_GDR_ANY, "'' is not known"},
        {"net=ib gdr=on", "", MLB_GDR_ANY, "'net=ib gdr=on' is not known"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct mlb_error err = {0};
        struct mlb_require require;
        enum mlb_status status = mlb_require_parse(table[i].text, &require, &err);
        if (table[i].refused) {
            check_fails(status, MLB_E_USAGE, &err, table[i].refused);
            continue;
        }
        check_ok(status, &err);
        check_text(require.net, table[i].net);
        check_i64(require.gdr, table[i].gdr);
    }
}

/* -------------------------------------------------------------------------------------- evidence
 */

#define PORTS(kind, up) "{\"kind\":\"" kind "\",\"ports\":8,\"up\":" up "}"
#define GROUP(which, ports, gdr)                                                                   \
    "{\"machines\":\"" which "\",\"ports\":[" ports "],\"gpudirect_rdma\":\"" gdr "\"}"
#define FABRIC(groups) "{\"nics\":[],\"machines\":[" groups "]}"

#define EFA   FABRIC(GROUP("0-3", PORTS("efa", "32") "," PORTS("ethernet", "1"), "module"))
#define IB    FABRIC(GROUP("0-3", PORTS("ib", "8"), "module"))
#define ROCE  FABRIC(GROUP("0-3", PORTS("roce", "8"), "dmabuf"))
#define GIBS  FABRIC(GROUP("0-3", PORTS("gib", "8"), "dmabuf"))
#define BOTH  FABRIC(GROUP("0-3", PORTS("ib", "8") "," PORTS("roce", "1"), "module"))
#define PLAIN FABRIC(GROUP("0-3", PORTS("ethernet", "1"), "none"))
#define IB_DOWN                                                                                    \
    FABRIC(GROUP("0-2", PORTS("ib", "8"), "module") "," GROUP("3", PORTS("ib", "0"), "module"))
#define ONE_WITHOUT                                                                                \
    FABRIC(GROUP("0-2", PORTS("ib", "8"), "module") "," GROUP("3", PORTS("ib", "8"), "none"))

#define TCPXO FABRIC(GROUP("0", PORTS("tcpxo", "8"), "none"))
#define GIB   0x1p30

struct evidence {
    const char *require, *fabric; /* NULL: an older record without */
    const char *network, *send, *receive;
    const char *kind, *kind2; /* of ports that moved 9 and 1 tenths of a GiB */
    enum mlb_status status;
    const char *text;
    int nodes; /* of job and row; 0 = four */
};

static void make_row(const struct evidence *item, int nodes, struct mlb_row *row)
{
    memset(row, 0, sizeof *row);
    mlb_format(row->id, sizeof row->id, "all_reduce[x]");
    mlb_format(row->workload, sizeof row->workload, "all_reduce");
    mlb_format(row->label, sizeof row->label, "1 GiB f32");
    row->status = MLB_ROW_MEASURED;
    row->work.bus_factor = 1.0;
    row->work.nodes = nodes;
    row->work.ranks = 8 * nodes;
    row->work.bytes = GIB;
    row->ports_steps = 1;
    mlb_detail_text(&row->details, "network", "%s", item->network ? item->network : "");
    mlb_detail_text(&row->details, "gdr_send", "%s", item->send ? item->send : "");
    mlb_detail_text(&row->details, "gdr_recv", "%s", item->receive ? item->receive : "");
    if (item->receive && strcmp(item->receive, "off") == 0)
        mlb_detail_number(&row->details, "gdr_recv_off_rank", 5);
    if (!item->kind)
        return;
    row->port_count = item->kind2 ? 2 : 1;
    row->ports = calloc(2, sizeof *row->ports);
    check_true(row->ports != NULL);
    mlb_format(row->ports[0].kind, sizeof row->ports[0].kind, "%s", item->kind);
    row->ports[0].sent_bytes = (uint64_t)(0.9 * GIB);
    if (item->kind2)
        mlb_format(row->ports[1].kind, sizeof row->ports[1].kind, "%s", item->kind2);
    row->ports[1].received_bytes = (uint64_t)(0.1 * GIB);
}

static void make_result(const struct evidence *item, struct mlb_result *result)
{
    struct mlb_row row;
    struct mlb_error err = {0};
    memset(result, 0, sizeof *result);
    result->nodes = item->nodes ? item->nodes : 4;
    result->fabric = item->fabric ? cJSON_Parse(item->fabric) : NULL;
    check_true((result->fabric != NULL) == (item->fabric != NULL));
    make_row(item, result->nodes, &row);
    check_ok(mlb_result_add(result, &row, &err), &err);
}

static const struct evidence table[] = {
    {"net=efa", EFA, "Libfabric", .status = MLB_OK},
    {"net=efa", EFA, "AWS Libfabric", .status = MLB_OK},
    {"net=efa", EFA, "Socket", .status = MLB_E_UNHEALTHY,
     .text = "required net=efa, but all_reduce 1 GiB f32 went by NCCL's Socket"},
    {"net=any-rdma", EFA, "socket", .status = MLB_E_UNHEALTHY, .text = "NCCL's socket"},
    {"net=any-rdma", EFA, "Libfabric", .status = MLB_OK},
    {"net=socket", EFA, "Socket", .status = MLB_OK},
    {"net=socket", EFA, "Libfabric", .status = MLB_E_UNHEALTHY, .text = "NCCL's Libfabric"},
    {"net=efa", PLAIN, "Libfabric", .status = MLB_E_UNHEALTHY,
     .text = "no such port is up on machines 0-3"},
    {"net=ib", IB, "IB", .status = MLB_OK},
    {"net=ib", IB, "IBext_v8", .status = MLB_OK},
    {"net=roce", ROCE, "IB", .status = MLB_OK},
    {"net=roce", IB, "IB", .status = MLB_E_UNHEALTHY, .text = "required net=roce"},
    {"net=ib", ROCE, "IB", .status = MLB_E_UNHEALTHY, .text = "required net=ib"},
    {"net=gib", GIBS, "gIB", .status = MLB_OK},
    {"net=roce", GIBS, "gIB", .status = MLB_OK},
    {"net=gib", GIBS, "IB", .status = MLB_E_UNHEALTHY, .text = "went by NCCL's IB"},
    {"net=tcpxo", TCPXO, "FasTrak", .status = MLB_OK},
    {"net=tcpx", FABRIC(GROUP("0", PORTS("tcpx", "4"), "none")), "GPUDirectTCPX_v7",
     .status = MLB_OK},
    /* A plugin in another folder: its ports are not told from others. */
    {"net=tcpxo", PLAIN, "FasTrak", .status = MLB_OK},
    {"net=tcpx", PLAIN, "GPUDirectTCPX_v7", .status = MLB_OK},
    {"net=tcpx", PLAIN, "Socket", .status = MLB_E_UNHEALTHY, .text = "NCCL's Socket"},
    {"net=gib", ROCE, "gIB", .status = MLB_OK},
    {"net=gib", PLAIN, "gIB", .status = MLB_E_UNHEALTHY, .text = "no such port is up"},
    {"net=ib", IB, "Quantum9", .status = MLB_E_NO_VERDICT, .text = "no evidence that net=ib"},
    {"net=ib", BOTH, "IB", .status = MLB_E_NO_VERDICT, .text = "none tells which network"},
    {"net=ib", BOTH, "IB", .kind = "ib", .kind2 = "roce", .status = MLB_OK},
    {"net=ib", BOTH, "IB", .kind = "roce", .status = MLB_E_UNHEALTHY, .text = "NCCL's IB"},
    {"net=any-rdma", BOTH, "IB", .status = MLB_OK}, /* either is */
    {"net=any-rdma", BOTH, "IB", .kind = "ethernet", .status = MLB_OK},
    {"net=ib", IB_DOWN, "IB", .status = MLB_E_UNHEALTHY,
     .text = "required net=ib, but no such port is up on machine 3"},
    {"net=ib", NULL, "IB", .status = MLB_E_NO_VERDICT, .text = "no evidence"},
    {"net=socket", NULL, "Socket", .status = MLB_OK},

    {"net=ib", IB, "Socket on rank 2, IB on rank 0", .status = MLB_E_UNHEALTHY,
     .text = "went by NCCL's Socket on rank 2, IB on rank 0"},
    {"net=socket", IB, "Socket on rank 2, IB on rank 0", .status = MLB_E_UNHEALTHY,
     .text = "Socket on rank 2"},
    {"net=any-rdma", IB, "IB on rank 0, Quantum9 on rank 2", .status = MLB_E_NO_VERDICT,
     .text = "no evidence"},
    {"net=any-rdma", BOTH, "IBext_v9 on rank 0, IB on rank 2", .kind = "ib", .status = MLB_OK},
    {"net=ib", IB, "none", .kind = "ethernet", .status = MLB_E_NO_VERDICT, .text = "none tells"},

    /* Without NCCL the ports tell. */
    {"net=ib", IB, .kind = "ib", .kind2 = "ethernet", .status = MLB_OK},
    {"net=ib", IB, .kind = "ethernet", .kind2 = "ib", .status = MLB_E_UNHEALTHY,
     .text = "90 % of the bytes that ports counted in all_reduce 1 GiB f32 went through ethernet"},
    {"net=socket", PLAIN, .kind = "virtual", .status = MLB_OK},
    {"net=socket", IB, .kind = "ib", .status = MLB_E_UNHEALTHY, .text = "other RDMA ports"},
    {"net=tcpxo", TCPXO, .kind = "tcpxo", .status = MLB_E_UNHEALTHY, .text = "ethernet or virtual"},
    {"net=ib", IB, .status = MLB_E_NO_VERDICT, .text = "none tells which network it used"},
    {"net=ib", PLAIN, .status = MLB_E_UNHEALTHY, .text = "no such port is up on machines 0-3"},
    {"net=ib,gdr=on", IB, .nodes = 1, .network = "IB", .status = MLB_E_NO_VERDICT,
     .text = "one machine, nothing crossed a network"},

    {"gdr=on", IB, "IB", "on", "on", .status = MLB_OK},
    {"gdr=on", IB, "IB", "ON", "on", .status = MLB_OK},
    {"gdr=on", IB, "IB", "on", "off", .status = MLB_E_UNHEALTHY,
     .text = "had GPUDirect RDMA off when it received (rank 5)"},
    {"gdr=on", IB, "IB", "off", "off", .status = MLB_E_UNHEALTHY,
     .text = "off when it sent and received"},
    {"gdr=off", IB, "IB", "off", "off", .status = MLB_OK},
    {"gdr=off", IB, "IB", "on", "off", .status = MLB_E_UNHEALTHY, .text = "on when it sent"},
    {"gdr=on", IB, "IB", "on", .status = MLB_E_NO_VERDICT, .text = "for both directions"},
    {"gdr=on", IB, "IB", .status = MLB_E_NO_VERDICT, .text = "no evidence that gdr=on"},
    {"gdr=on", ONE_WITHOUT, "IB", "on", "on", .status = MLB_E_UNHEALTHY,
     .text = "machine 3 has no evidence of GPUDirect RDMA"},
    {"gdr=on", PLAIN, "IB", "on", "on", .status = MLB_OK},

    {"net=ib,gdr=on", IB, "IB", "on", "on", .status = MLB_OK},
    {"net=ib,gdr=on", IB, "IB", .status = MLB_E_NO_VERDICT, .text = "gdr=on"},
    {"net=ib,gdr=on", IB, "IB", "off", "on", .status = MLB_E_UNHEALTHY, .text = "gdr=on"},
    {"net=ib,gdr=on", IB, NULL, "off", "on", .status = MLB_E_UNHEALTHY, .text = "gdr=on"},
    {"net=ib,gdr=on", IB, "Socket", "off", "off", .status = MLB_E_UNHEALTHY, .text = "net=ib"},
    {"net=ib,gdr=on", IB, .status = MLB_E_NO_VERDICT, .text = "net=ib"},
};

static void evidence_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct mlb_result result;
        struct mlb_require require;
        struct mlb_error err = {0};
        make_result(&table[i], &result);
        check_ok(mlb_require_parse(table[i].require, &require, &err), &err);
        enum mlb_status status = mlb_require_judge(&result, &require, &err);
        if (status != table[i].status)
            fail_msg("case %zu, %s by %s: %s: %s", i, table[i].require,
                     table[i].network ? table[i].network : "(none)", mlb_status_name(status),
                     err.text);
        if (status != MLB_OK)
            check_contains(err.text, table[i].text);
        mlb_result_free(&result);
    }
}

/* A row within a machine, a row of a GEMM: neither is evidence. */
static void rows_that_cross_nothing_do_not_count(void **state)
{
    static const struct evidence item = {"net=ib", IB, .network = "Socket"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct mlb_result result;
        struct mlb_require require;
        struct mlb_error err = {0};
        make_result(&item, &result);
        check_ok(mlb_require_parse("net=ib", &require, &err), &err);
        if (i == 0)
            result.rows[0].work.nodes = 1;
        else
            result.rows[0].work.bus_factor = 0.0;
        check_fails(mlb_require_judge(&result, &require, &err), MLB_E_NO_VERDICT, &err,
                    "no collective crossed machines");
        mlb_result_free(&result);
    }
}

/* What a port counted says something only where it can be the collective's: of messages this long,
 * and as much as any algorithm sends. */
static void few_bytes_are_no_evidence(void **state)
{
    static const struct {
        double bytes, moved;
        uint64_t steps;
        enum mlb_status socket, ib;
    } cases[] = {
        {GIB, 0.9 * GIB, 1, MLB_OK, MLB_E_UNHEALTHY},
        {GIB, 9.0 * GIB, 10, MLB_OK, MLB_E_UNHEALTHY},
        {GIB, 0.9 * GIB, 10, MLB_E_NO_VERDICT, MLB_E_NO_VERDICT},
        {GIB, 1e6, 1, MLB_E_NO_VERDICT, MLB_E_NO_VERDICT}, /* RDMA that no counter sees */
        {8.0, 1e6, 1000, MLB_E_NO_VERDICT, MLB_E_NO_VERDICT},
    };
    static const struct evidence item = {"", IB, .kind = "ethernet"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mlb_result result;
        struct mlb_require socket = {.net = "socket"}, ib = {.net = "ib"};
        struct mlb_error err = {0};
        make_result(&item, &result);
        result.rows[0].work.bytes = cases[i].bytes;
        result.rows[0].ports_steps = cases[i].steps;
        result.rows[0].ports[0].sent_bytes = (uint64_t)cases[i].moved;
        check_i64(mlb_require_judge(&result, &socket, &err), cases[i].socket);
        check_i64(mlb_require_judge(&result, &ib, &err), cases[i].ib);
        mlb_result_free(&result);
    }
}

/* The hosts' row that suite collectives has beside the GPUs' goes by MPI's network. */
static void rows_of_hosts_are_not_asked_beside_the_gpus(void **state)
{
    static const struct evidence gpu = {"net=ib", IB, .network = "IB"},
                                 host = {"net=ib", IB, .kind = "ethernet"};
    (void)state;
    for (int gpus = 0; gpus < 2; gpus++) {
        struct mlb_result result;
        struct mlb_row row;
        struct mlb_require require = {.net = "ib"};
        struct mlb_error err = {0};
        make_result(&host, &result);
        mlb_format(result.device.kind, sizeof result.device.kind, "cuda");
        mlb_format(result.rows[0].device, sizeof result.rows[0].device, "cpu");
        make_row(&gpu, 4, &row);
        mlb_format(row.device, sizeof row.device, "cuda");
        if (gpus)
            check_ok(mlb_result_add(&result, &row, &err), &err);
        check_i64(mlb_require_judge(&result, &require, &err), gpus ? MLB_OK : MLB_E_UNHEALTHY);
        mlb_result_free(&result);
    }
}

/* --------------------------------------------------------------------------------------- verdict
 */

/* What the report shows is what the exit code says. */
static void the_record_says_what_it_came_to(void **state)
{
    static const struct {
        struct evidence evidence;
        enum mlb_health_level level;
        const char *text;
    } cases[] = {
        {{"net=ib,gdr=off", IB, "IB", .send = "off", .receive = "off"},
         MLB_HEALTH_NOTE,
         "as required: net=ib gdr=off"},
        {{"net=ib", IB, .network = "Socket"}, MLB_HEALTH_SICK, "required net=ib, but all_reduce"},
        {{"net=ib", IB, .network = "Quantum9"}, MLB_HEALTH_WARN, "no evidence that net=ib"},
        {{"", IB, .network = "Socket"}, MLB_HEALTH_NOTE, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mlb_result result;
        struct mlb_require require;
        struct mlb_error err = {0};
        make_result(&cases[i].evidence, &result);
        check_ok(mlb_require_parse(cases[i].evidence.require, &require, &err), &err);
        mlb_require_note(&result, &require);
        check_u64(result.health_count, cases[i].text != NULL);
        if (cases[i].text) {
            check_i64(result.health[0].level, cases[i].level);
            check_text(result.health[0].code, "require");
            check_contains(result.health[0].text, cases[i].text);
        }
        mlb_result_free(&result);
    }
}

static void the_worst_comes_first(void **state)
{
    static const struct evidence by_socket = {"net=ib", IB, .network = "Socket"},
                                 silent = {"net=ib", .fabric = IB};
    static const struct {
        const struct evidence *evidence;
        bool wrong, data, sick, failed;
        enum mlb_status status;
        const char *text;
    } cases[] = {
        {&by_socket, true, false, true, false, MLB_E_WRONG, "all_reduce"},
        {&by_socket, false, true, true, false, MLB_E_WRONG, "arrived wrong"},
        {&by_socket, false, false, true, false, MLB_E_UNHEALTHY, "too hot"},
        {&by_socket, false, false, false, true, MLB_E_UNHEALTHY, "required net=ib"},
        {&silent, false, false, false, true, MLB_E_NO_VERDICT, "1 of 1 cases failed"},
        {&silent, false, false, false, false, MLB_E_NO_VERDICT, "no evidence that net=ib"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mlb_result result;
        struct mlb_require require;
        struct mlb_error err = {0};
        make_result(cases[i].evidence, &result);
        check_ok(mlb_require_parse("net=ib", &require, &err), &err);
        result.rows[0].verified = true;
        result.rows[0].verification.checked = 5;
        result.rows[0].verification.wrong = cases[i].wrong;
        if (cases[i].failed)
            result.rows[0].status = MLB_ROW_FAILED;
        if (cases[i].sick)
            mlb_result_note(&result, MLB_HEALTH_SICK, "x", "too hot");
        if (cases[i].data)
            mlb_result_note(&result, MLB_HEALTH_SICK, MLB_HEALTH_LINK_DATA, "it arrived wrong");
        check_fails(mlb_verdict(&result, &require, &err), cases[i].status, &err, cases[i].text);
        mlb_result_free(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_taken_or_refused),
        cmocka_unit_test(evidence_decides),
        cmocka_unit_test(rows_that_cross_nothing_do_not_count),
        cmocka_unit_test(the_record_says_what_it_came_to),
        cmocka_unit_test(few_bytes_are_no_evidence),
        cmocka_unit_test(rows_of_hosts_are_not_asked_beside_the_gpus),
        cmocka_unit_test(the_worst_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
