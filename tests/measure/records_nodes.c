/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/measure/records.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/units.h"
#include "tests/measure/record_parts.h"

/* Rows of 2 machines with 8 H100 and 8 ports of 400 Gb/s each. */
static const struct exchange {
    const char *workload, *scope, *device, *algorithm, *protocol;
    double bytes, factor, busbw; /* bytes/s */
    int ranks, nodes;
    double port_bytes; /* of a step and port; 0 = not counted */
} exchanges[] = {
    {"all_reduce", "all", "cuda", "NVLS_TREE", "SIMPLE", 0x1p34, 1.875, 460e9, 16, 2,
     0x1p31 * 1.002},
    {"all_reduce", "all", "cuda", "", "", 0x1p30, 1.875, 430e9, 16, 2, 0},
    {"all_reduce", "all", "cuda", "TREE", "LL", 0x1p13, 1.875, 0.2e9, 16, 2, 1100},
    {"all_reduce", "node", "cuda", "NVLS", "SIMPLE", 0x1p30, 1.75, 458e9, 8, 1, 0},
    {"all_reduce", "rail", "cuda", "RING", "SIMPLE", 0x1p30, 1, 45e9, 2, 2, 0},
    {"all_reduce", "rails", "cuda", "RING", "SIMPLE", 0x1p30, 1, 41e9, 2, 2, 0x1p30 * 1.004},
    {"sendrecv", "rail", "cpu", "", "", 0x1p30, 1, 47e9, 2, 2, 0},
    {"sendrecv", "rail", "cuda", "", "", 0x1p30, 1, 46.5e9, 2, 2, 0},
    {"sendrecv", "rails", "cuda", "", "", 0x1p30, 1, 44e9, 2, 2, 0x1p30},
    {"all_gather", "all", "cuda", "RING", "SIMPLE", 0x1p30, 0.9375, 350e9, 16, 2, 0x1p19},
};

static void count_nodes_ports(struct mlb_row *row, double port_bytes)
{
    row->ports = calloc(8, sizeof *row->ports);
    if (!row->ports)
        abort();
    row->port_count = 8;
    row->ports_steps = 40;
    for (size_t i = 0; i < 8; i++) {
        struct mlb_row_port *port = &row->ports[i];
        mlb_format(port->name, sizeof port->name, "mlx5_%zu", i);
        mlb_format(port->kind, sizeof port->kind, "ib");
        port->line_bytes_per_s = 50e9;
        port->sent_bytes = port->received_bytes = (uint64_t)(port_bytes * 40.0);
    }
}

static void add_exchange(struct mlb_result *result, const struct exchange *of)
{
    char size[MLB_UNIT_TEXT], label[96];
    bool cuda = strcmp(of->device, "cuda") == 0, all = strcmp(of->scope, "all") == 0;
    mlb_print_bytes(size, (uint64_t)of->bytes);
    mlb_format(label, sizeof label, "%s f32%s%s", size, all ? "" : " ", all ? "" : of->scope);
    struct mlb_row row = new_row(of->workload, of->device, cuda ? "nccl" : "mpi", label, "f32");
    mlb_format(row.library, sizeof row.library, cuda ? "NCCL 2.28.9" : "Open MPI 4.1.4");
    param(&row, "bytes", mlb_print_bytes_exact(size, (uint64_t)of->bytes));
    param(&row, "scope", of->scope);
    set_work(&row, "busbw", 0.0, of->bytes, of->factor);
    row.work.ranks = of->ranks;
    row.work.nodes = of->nodes;
    row.across = MLB_ACROSS_MAX;
    record_time(&row, 33, of->bytes * of->factor / of->busbw * 1e9, 0.002);
    mlb_detail_text(&row.details, "algorithm", "%s", of->algorithm);
    mlb_detail_text(&row.details, "protocol", "%s", of->protocol);
    if (of->algorithm[0] && strcmp(of->workload, "all_reduce") == 0)
        mlb_detail_number(&row.details, "nccl_predicted_ns",
                          of->bytes * of->factor / of->busbw * (of->nodes == 1 ? 0.97e9 : 0.8e9));
    if (cuda && strcmp(of->scope, "rail") == 0) {
        mlb_detail_text(&row.details, "gdr_send", "on");
        mlb_detail_text(&row.details, "gdr_recv", "%s", of->algorithm[0] ? "on" : "off on rank 1");
    }
    if (of->port_bytes > 0.0)
        count_nodes_ports(&row, of->port_bytes);
    verify(&row, UINT64_C(268435456), 0);
    add(result, &row);
}

/* 4 GiB of an all_reduce beside GEMMs: at 200 GB/s out of a machine. */
static void add_overlap(struct mlb_result *result)
{
    struct mlb_row row = new_row("overlap", "cuda", "nccl",
                                 "all_reduce 4 GiB f32 beside gemm bf16 8192x8192x8192", "f32");
    param(&row, "bytes", "4GiB");
    param(&row, "collective", "all_reduce");
    set_work(&row, "overlap.both", 0.0, 0.0, 0.0);
    row.work.ranks = 16;
    row.work.nodes = 2;
    row.across = MLB_ACROSS_MAX;
    record_time(&row, 21, 2.4e7, 0.002);
    mlb_detail_text(&row.details, "algorithm", "NVLS_TREE");
    mlb_detail_number(&row.details, "collective_alone_ns", 0x1p32 / 245.0);
    mlb_detail_number(&row.details, "collective_beside_ns", 0x1p32 / 200.0);
    verify(&row, 65536, 0);
    add(result, &row);
}

static cJSON *fabric_of_nodes(void)
{
    cJSON *fabric = cJSON_Parse("{\"nics\":[{\"name\":\"eth0\",\"kind\":\"ethernet\","
                                "\"state\":\"up\",\"line_bytes_per_s\":12500000000}],"
                                "\"gpudirect_rdma\":{\"evidence\":\"none\"}}");
    cJSON *nics = cJSON_GetObjectItemCaseSensitive(fabric, "nics");
    for (int i = 0; i < 8; i++) {
        cJSON *nic = cJSON_CreateObject();
        char name[16];
        mlb_format(name, sizeof name, "mlx5_%d", i);
        cJSON_AddStringToObject(nic, "name", name);
        cJSON_AddStringToObject(nic, "kind", "ib");
        cJSON_AddStringToObject(nic, "state", "up");
        cJSON_AddNumberToObject(nic, "line_bytes_per_s", 50e9);
        cJSON_AddItemToArray(nics, nic);
    }
    return fabric;
}

void record_nodes(struct mlb_result *result)
{
    set_head(result, "16x-nvidia-h100", 16);
    set_h200(result);
    mlb_format(result->device.name, sizeof result->device.name, "NVIDIA H100 80GB HBM3");
    result->device.memory_bytes = UINT64_C(85520809984);
    result->device.memory_bytes_per_s = 3.352e12;
    result->device_count = 16;
    result->nodes = 2;
    result->ranks_per_node = 8;
    result->complete = true;
    result->wall_s = 41.0;
    result->fabric = fabric_of_nodes();
    for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++)
        add_exchange(result, &exchanges[i]);
    add_overlap(result);
}
