/* SPDX-License-Identifier: Apache-2.0 */
/* What the makers of constructed records have in common. For records*.c alone. */
#ifndef MLB_TESTS_MEASURE_RECORD_PARTS_H
#define MLB_TESTS_MEASURE_RECORD_PARTS_H

#include <stdlib.h>

#include "harness/base/text.h"
#include "harness/measure/result.h"

static inline void verify(struct mlb_row *row, uint64_t checked, uint64_t wrong)
{
    row->verified = true;
    row->verification.checked = checked;
    row->verification.wrong = wrong;
    row->verification.worst_ratio = wrong ? 230.0 : 0.31;
    row->verification.worst_error = wrong ? 92.0 : 0.124;
    row->verification.worst_tolerance = 0.4;
    mlb_format(row->verification_method, sizeof row->verification_method, "%s",
               "double dot products at one element per 32x32 tile");
    row->verification.method = row->verification_method;
    if (wrong)
        mlb_format(row->verification.first_wrong, sizeof row->verification.first_wrong,
                   "C[17][4031]: is 0.25, should be 93.1, tolerance 0.4");
}

static inline void param(struct mlb_row *row, const char *name, const char *value)
{
    struct mlb_param *added = &row->params[row->param_count++];
    mlb_format(added->name, sizeof added->name, "%s", name);
    mlb_format(added->value, sizeof added->value, "%s", value);
}

static inline struct mlb_row new_row(const char *workload, const char *device, const char *variant,
                                     const char *label, const char *dtype)
{
    struct mlb_row row = {.wall_s = 1.5};
    mlb_format(row.id, sizeof row.id, "%s[%s,%s,%s]", workload, device, variant, label);
    mlb_format(row.workload, sizeof row.workload, "%s", workload);
    mlb_format(row.label, sizeof row.label, "%s", label);
    mlb_format(row.device, sizeof row.device, "%s", device);
    mlb_format(row.variant, sizeof row.variant, "%s", variant);
    mlb_format(row.started_utc, sizeof row.started_utc, "2026-11-20T23:41:09Z");
    param(&row, "dtype", dtype);
    return row;
}

static inline void set_work(struct mlb_row *row, const char *formula, double flop, double bytes,
                            double bus_factor)
{
    mlb_format(row->formula, sizeof row->formula, "%s", formula);
    row->work.formula = row->formula;
    row->work.flop = flop;
    row->work.bytes = bytes;
    row->work.bus_factor = bus_factor;
}

static inline void add(struct mlb_result *result, struct mlb_row *row)
{
    struct mlb_error err = {0};
    if (mlb_result_add(result, row, &err) != MLB_OK)
        abort();
}

static inline void set_head(struct mlb_result *result, const char *host_kind, int ranks)
{
    result->schema = MLB_RESULT_SCHEMA;
    mlb_format(result->program, sizeof result->program, "mlbench");
    mlb_format(result->version, sizeof result->version, "0.1.0");
    mlb_format(result->run_id, sizeof result->run_id, "0123456789abcdef0123456789abcdef");
    mlb_format(result->started_utc, sizeof result->started_utc, "2026-11-20T23:41:07Z");
    mlb_format(result->suite, sizeof result->suite, "quick");
    mlb_format(result->suite_hash, sizeof result->suite_hash, "89abcdef01234567");
    mlb_format(result->host_kind, sizeof result->host_kind, "%s", host_kind);
    mlb_format(result->data, sizeof result->data, "normal");
    result->seed = 1;
    result->ranks = ranks;
    result->nodes = 1;
    result->ranks_per_node = ranks;
    result->device_count = 1;
    mlb_format(result->device.kind, sizeof result->device.kind, "cpu");
}

static inline void set_h200(struct mlb_result *result)
{
    struct mlb_device_info *device = &result->device;
    mlb_format(device->kind, sizeof device->kind, "cuda");
    mlb_format(device->name, sizeof device->name, "NVIDIA H200");
    mlb_format(device->pci_id, sizeof device->pci_id, "0000:1b:00.0");
    mlb_format(device->uuid, sizeof device->uuid, "GPU-00000000-0000-0000-0000-000000000000");
    device->memory_bytes = UINT64_C(150754820096);
    device->last_cache_bytes = UINT64_C(62914560);
    device->units = 132;
    device->capability = 90;
    device->clock_hz = 1.98e9;
    device->memory_bytes_per_s = 4.8e12;
    result->device_count = 8;
}

#endif
