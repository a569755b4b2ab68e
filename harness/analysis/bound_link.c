/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/bound_link.h"

#include <math.h>
#include <string.h>

#include "harness/analysis/nics.h"
#include "harness/analysis/wire_row.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

/* Rates are rounded: 400 Gb/s ports signal at a little more. */
static const double ALLOWANCE = 1.01;

/* NVLink SHARP came with the switches of Hopper. */
enum { SWITCH_ADDS_FROM = 90 };

/* Seconds for a byte of S; 0 = not known. */
static double network_time(const struct mlb_result *result, const struct mlb_row *row, bool summing)
{
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    double line = mlb_nics_of(result, row).line_bytes_per_s;
    double bytes = mlb_wire_least_network(&group, summing) * mlb_wire_groups(result, row);
    return line > 0.0 ? bytes / line : 0.0;
}

/* What a GPU has to send or get leaves over its NVLinks and its share of the NICs; a root alone may
 * have all of the NICs. */
static double device_time(const struct mlb_result *result, const struct mlb_row *row)
{
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    double link = mlb_nvlink_bytes_per_s(&result->device);
    double nics = mlb_nics_of(result, row).line_bytes_per_s;
    bool cuda = strcmp(row->device, "cuda") == 0;
    bool rooted = strcmp(row->workload, "gather") == 0 || strcmp(row->workload, "scatter") == 0 ||
                  strcmp(row->workload, "broadcast") == 0 || strcmp(row->workload, "reduce") == 0;
    if (!cuda || link == 0.0 || (group.nodes > 1 && nics == 0.0))
        return 0.0;
    double share = group.nodes == 1 ? 0.0
                   : rooted         ? nics
                                    : nics / mlb_wire_ranks_of_machine(result, row);
    bool summing = result->device.capability >= SWITCH_ADDS_FROM;
    return mlb_wire_least_device(&group, summing) / (link + share);
}

/* A bound that is passed says of a virtual card's rate only that it is another. */
static bool holds(const struct mlb_result *result, const struct mlb_row *row,
                  struct mlb_link_bound bound)
{
    struct mlb_rate rate = mlb_row_rate(row, MLB_RATE_BYTES);
    bool passed = rate.known && rate.value > ALLOWANCE * bound.bytes_per_s;
    return !passed || mlb_nics_of(result, row).certain || row->work.nodes == 1;
}

static struct mlb_link_bound bound_of(const struct mlb_result *result, const struct mlb_row *row,
                                      bool summing)
{
    bool one_rail = strcmp(mlb_wire_scope(row), "rail") == 0 && result->ranks_per_node > 1 &&
                    mlb_nics_of(result, row).ports > 1;
    bool told =
        row->work.nodes == 1 || (mlb_wire_uses_network(result, row) && mlb_wire_holds(result, row));
    bool usable = row->work.bus_factor > 0.0 && row->work.ranks > 1 && told && !one_rail &&
                  !result->oversubscribed;
    if (!usable)
        return (struct mlb_link_bound){0};
    double network = network_time(result, row, summing), device = device_time(result, row);
    double longest = fmax(network, device);
    if (!(longest > 0.0))
        return (struct mlb_link_bound){0};
    struct mlb_link_bound bound = {true, 1.0 / longest, network >= device ? "NICs" : "NVLink"};
    return holds(result, row, bound) ? bound : (struct mlb_link_bound){0};
}

struct mlb_link_bound mlb_bound_of_collective(const struct mlb_result *result,
                                              const struct mlb_row *row)
{
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    return bound_of(result, row, mlb_wire_sums_in_network(&group));
}

void mlb_bound_link_judge(const struct mlb_result *result, struct mlb_row *row)
{
    struct mlb_link_bound bound = bound_of(result, row, true);
    struct mlb_rate rate = mlb_row_rate(row, MLB_RATE_BYTES);
    char is[MLB_UNIT_TEXT], most[MLB_UNIT_TEXT];
    if (row->status != MLB_ROW_MEASURED || !bound.known || !rate.known ||
        rate.value <= ALLOWANCE * bound.bytes_per_s)
        return;
    mlb_print_rate(is, rate.value, "B/s");
    mlb_print_rate(most, bound.bytes_per_s, "B/s");
    mlb_format(row->reason, sizeof row->reason,
               "above the physical bound: algbw %s of %s, which is all that the %s can carry: a "
               "measuring error, or bytes that went another way",
               is, most, strcmp(bound.of, "NICs") == 0 ? "machine's NICs" : "GPU's NVLink");
    row->status = MLB_ROW_UNTRUSTED;
}
