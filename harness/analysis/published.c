/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/published.h"

#include <string.h>

#include "harness/analysis/nics.h"
#include "harness/base/units.h"

static bool is_comparable(const struct mlb_result *result, const struct mlb_row *row)
{
    return row->work.bus_factor > 0.0 && row->work.ranks > 1 && mlb_row_verified(row) &&
           mlb_row_rate(row, MLB_RATE_BUS).known && strcmp(row->device, "cuda") == 0 &&
           strcmp(result->device.kind, "cuda") == 0 && !result->oversubscribed;
}

static struct mlb_expectation_case case_of(const struct mlb_result *result,
                                           const struct mlb_row *row)
{
    return (struct mlb_expectation_case){.collective = row->workload,
                                         .device = result->device.name,
                                         .ranks = row->work.ranks,
                                         .nodes = row->work.nodes,
                                         .bytes = row->work.bytes,
                                         .nic_bytes_per_s =
                                             mlb_nics_of(result, row).line_bytes_per_s};
}

struct mlb_expectation mlb_published_of_row(const struct mlb_result *result,
                                            const struct mlb_expectations *expectations,
                                            const struct mlb_row *row)
{
    if (!is_comparable(result, row))
        return (struct mlb_expectation){0};
    struct mlb_expectation_case of = case_of(result, row);
    return mlb_expectation_best(expectations, &of);
}

static void judge_row(struct mlb_result *result, const struct mlb_expectations *expectations,
                      const struct mlb_row *row)
{
    struct mlb_expectation_case of = case_of(result, row);
    struct mlb_expectation floor = mlb_expectation_floor(expectations, &of);
    double busbw = mlb_row_rate(row, MLB_RATE_BUS).value;
    char is[MLB_UNIT_TEXT], least[MLB_UNIT_TEXT];
    if (!floor.known || busbw >= floor.bus_bytes_per_s)
        return;
    mlb_print_rate(is, busbw, "B/s");
    mlb_print_rate(least, floor.bus_bytes_per_s, "B/s");
    mlb_result_note(result, MLB_HEALTH_WARN, "below_floor",
                    "%s %s: busbw %s is below the %s that %s lets a healthy %s not go below",
                    row->workload, row->label, is, least, floor.source, floor.system);
}

void mlb_published_judge(struct mlb_result *result, const struct mlb_expectations *expectations)
{
    for (size_t i = 0; i < result->row_count; i++)
        if (result->rows[i].status == MLB_ROW_MEASURED && is_comparable(result, &result->rows[i]))
            judge_row(result, expectations, &result->rows[i]);
}
