/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of collectives of machines with 8 GPUs each, for tests of what links carry. */
#ifndef MLB_TESTS_LINK_ROWS_H
#define MLB_TESTS_LINK_ROWS_H

#include "harness/base/text.h"
#include "harness/measure/result.h"
#include "tests/check.h"

#define GIB 0x1p30

static inline void set_param(struct mlb_row *row, const char *name, const char *value)
{
    struct mlb_param *param = &row->params[row->param_count++];
    mlb_format(param->name, sizeof param->name, "%s", name);
    mlb_format(param->value, sizeof param->value, "%s", value);
}

/* A verified row of `bytes` at `busbw`. */
static inline struct mlb_row make_row(const char *workload, const char *algorithm,
                                      const char *scope, int ranks, int nodes, double bytes,
                                      double factor, double busbw)
{
    struct mlb_row row = {.device = "cuda", .verified = true, .label = "x"};
    mlb_format(row.workload, sizeof row.workload, "%s", workload);
    mlb_detail_text(&row.details, "algorithm", "%s", algorithm);
    set_param(&row, "scope", scope);
    row.work =
        (struct mlb_work){.bytes = bytes, .bus_factor = factor, .ranks = ranks, .nodes = nodes};
    row.summary.n = 9;
    row.summary.median = bytes * factor / busbw * 1e9;
    row.verification.checked = 1;
    return row;
}

static inline void set_ports(struct mlb_result *result, const char *kind, int ports, double rate)
{
    char json[4096];
    size_t length = (size_t)snprintf(json, sizeof json,
                                     "{\"nics\":[{\"name\":\"veth\",\"kind\":\"virtual\","
                                     "\"line_bytes_per_s\":1e12}");
    for (int i = 0; i < ports; i++)
        length += (size_t)snprintf(json + length, sizeof json - length,
                                   ",{\"name\":\"p%d\",\"kind\":\"%s\",\"state\":\"up\","
                                   "\"line_bytes_per_s\":%g}",
                                   i, kind, rate);
    snprintf(json + length, sizeof json - length, "]}");
    cJSON_Delete(result->fabric);
    result->fabric = cJSON_Parse(json);
    check_true(result->fabric != NULL);
}

/* 8 GPUs on each of `nodes` machines, with 400 GB/s of NICs. */
static inline void set_machines(struct mlb_result *result, const char *gpu, int nodes)
{
    *result = (struct mlb_result){.nodes = nodes, .ranks = 8 * nodes, .ranks_per_node = 8};
    mlb_format(result->device.kind, sizeof result->device.kind, "cuda");
    mlb_format(result->device.name, sizeof result->device.name, "%s", gpu);
    result->device.capability = strstr(gpu, "A100") ? 80 : 90;
    set_ports(result, "ib", 8, 50e9);
}

#endif
