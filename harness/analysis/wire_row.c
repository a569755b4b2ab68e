/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/wire_row.h"

#include <math.h>
#include <string.h>

#include "harness/analysis/nics.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#define AGREES_WITHIN 0.1
/* In a step: of less, acknowledgements and others' bytes are a part. */
#define BYTES_ENOUGH 1048576.0

/* ------------------------------------------------------------------------------------------ group
 */

static double number_of(const struct mlb_row *row, const char *name)
{
    const struct mlb_detail *detail = mlb_detail_find(&row->details, name);
    return detail && detail->is_number ? detail->number : 0.0;
}

static const char *detail_of(const struct mlb_row *row, const char *name)
{
    const struct mlb_detail *detail = mlb_detail_find(&row->details, name);
    return detail && !detail->is_number ? detail->text : "";
}

struct mlb_wire_group mlb_wire_group_of_row(const struct mlb_row *row)
{
    const char *beside = mlb_row_param(row, "collective");
    return (struct mlb_wire_group){.collective = beside[0] ? beside : row->workload,
                                   .algorithm = detail_of(row, "algorithm"),
                                   .ranks = row->work.ranks,
                                   .nodes = row->work.nodes};
}

/* Racks of Grace and a GPU (NVL36, NVL72; NVL32 of GH200). */
static bool has_rack(const struct mlb_device_info *device)
{
    return strncmp(device->name, "NVIDIA GB", 9) == 0 || strncmp(device->name, "NVIDIA GH", 9) == 0;
}

bool mlb_wire_uses_network(const struct mlb_result *result, const struct mlb_row *row)
{
    const char *network = detail_of(row, "network");
    bool doubtful = strcmp(row->device, "cuda") == 0 && has_rack(&result->device);
    if (row->work.nodes < 2 || strcmp(network, "none") == 0)
        return false;
    return network[0] || !doubtful;
}

bool mlb_wire_holds(const struct mlb_result *result, const struct mlb_row *row)
{
    static const char *const counted[] = {"alltoall", "gather", "scatter"};
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    bool equal = result->ranks == result->nodes * result->ranks_per_node;
    bool asks = strcmp(mlb_wire_scope(row), "rails") == 0;
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        asks = asks || (group.nodes < group.ranks && strcmp(group.collective, counted[i]) == 0);
    return equal || group.nodes < 2 || !asks;
}

const char *mlb_wire_scope(const struct mlb_row *row)
{
    return mlb_row_param(row, "scope");
}

int mlb_wire_groups(const struct mlb_result *result, const struct mlb_row *row)
{
    return strcmp(mlb_wire_scope(row), "rails") == 0 ? result->ranks_per_node : 1;
}

double mlb_wire_ranks_of_machine(const struct mlb_result *result, const struct mlb_row *row)
{
    return row->work.nodes > 0
               ? (double)mlb_wire_groups(result, row) * row->work.ranks / row->work.nodes
               : 0.0;
}

/* ------------------------------------------------------------------------------------------- rate
 */

/* Bytes/s of S: unknown for what was not verified. */
static double alg_rate(const struct mlb_result *result, const struct mlb_row *row)
{
    struct mlb_rate rate = mlb_row_rate(row, MLB_RATE_BYTES);
    bool collective = row->work.bus_factor > 0.0 && row->work.ranks > 1;
    return rate.known && collective && mlb_row_verified(row) && !result->oversubscribed ? rate.value
                                                                                        : 0.0;
}

/* Of one rank a machine not all NICs are near to it: its share of them, but one whole port. A rank
 * that got more had more. */
static double line_of(const struct mlb_result *result, const struct mlb_row *row,
                      const struct mlb_nics *nics, double least_rate)
{
    double ranks = result->ranks_per_node, ports = (double)nics->ports;
    double share = nics->line_bytes_per_s / fmax(fmin(ranks, ports), 1.0);
    bool rail = strcmp(mlb_wire_scope(row), "rail") == 0 && least_rate <= share;
    return rail ? share : nics->line_bytes_per_s;
}

static struct mlb_wire network_of_row(const struct mlb_result *result, const struct mlb_row *row,
                                      double rate)
{
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    struct mlb_wire_factor factor = mlb_wire_network(&group);
    struct mlb_nics nics = mlb_nics_of(result, row);
    double scale =
        rate * mlb_wire_groups(result, row) * mlb_wire_protocol(detail_of(row, "protocol"));
    double low = factor.low * scale, high = factor.high * scale;
    double line = line_of(result, row, &nics, low);
    if (!nics.certain && low > line)
        line = 0.0; /* not what this card carries */
    if (nics.certain && low <= line)
        high = fmin(high, line); /* so it was none of the more talkative algorithms */
    return (struct mlb_wire){.known = factor.known && mlb_wire_uses_network(result, row) &&
                                      mlb_wire_holds(result, row),
                             .line = MLB_WIRE_NICS,
                             .low = low,
                             .high = high,
                             .line_bytes_per_s = line};
}

static struct mlb_wire nvlink_of_row(const struct mlb_result *result, const struct mlb_row *row,
                                     double rate)
{
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    struct mlb_wire_factor factor = mlb_wire_inside(&group);
    double line = mlb_nvlink_bytes_per_s(&result->device);
    bool known = factor.known && line > 0.0 && strcmp(row->device, "cuda") == 0;
    return (struct mlb_wire){.known = known,
                             .line = MLB_WIRE_NVLINK,
                             .low = factor.low * rate,
                             .high = factor.high * rate,
                             .line_bytes_per_s = line};
}

/* What the ports moved of an algorithm that is not known. */
static void count_ports(const struct mlb_result *result, const struct mlb_row *row,
                        struct mlb_wire *wire)
{
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    struct mlb_nic_bytes counted = mlb_nics_counted(result, row);
    double rate = counted.fast / (row->summary.median * 1e-9);
    bool told = mlb_wire_network(&group).sure || row->work.bytes < BYTES_ENOUGH;
    if (!wire->known || told || !counted.known || rate < (1.0 - AGREES_WITHIN) * wire->low)
        return;
    wire->counted = true;
    wire->low = wire->high = rate;
}

struct mlb_wire mlb_wire_of_row(const struct mlb_result *result, const struct mlb_row *row)
{
    double rate = alg_rate(result, row);
    if (!(rate > 0.0))
        return (struct mlb_wire){0};
    if (row->work.nodes == 1)
        return nvlink_of_row(result, row, rate);
    struct mlb_wire wire = network_of_row(result, row, rate);
    count_ports(result, row, &wire);
    return wire;
}

struct mlb_wire mlb_wire_of_overlap(const struct mlb_result *result, const struct mlb_row *row)
{
    double ns = number_of(row, "collective_beside_ns");
    uint64_t bytes = 0;
    bool known = mlb_parse_bytes(mlb_row_param(row, "bytes"), &bytes) && ns > 0.0 &&
                 mlb_row_verified(row) && !result->oversubscribed && row->work.nodes > 1;
    return known ? network_of_row(result, row, (double)bytes / (ns * 1e-9)) : (struct mlb_wire){0};
}

/* --------------------------------------------------------------------------------------- counters
 */

static enum mlb_wire_verdict compare(struct mlb_wire_check *check, struct mlb_nic_bytes counted)
{
    double least = check->expected_low * (1.0 - AGREES_WITHIN);
    double most = check->expected_high * (1.0 + AGREES_WITHIN);
    bool fast = counted.fast >= least;
    check->counted = fast ? counted.fast : counted.all;
    if (fast)
        return counted.fast > most ? MLB_WIRE_MORE : MLB_WIRE_AGREES;
    return counted.all >= least ? MLB_WIRE_SLOW_PORTS : MLB_WIRE_ELSEWHERE;
}

/* Of one machine: the library's figure is of all. */
static struct mlb_nic_bytes counted_by(const struct mlb_result *result, const struct mlb_row *row,
                                       enum mlb_wire_witness witness)
{
    if (witness == MLB_WIRE_PORTS)
        return mlb_nics_counted(result, row);
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    double machines = mlb_wire_network_all(&group);
    double mean = machines > 0.0 ? number_of(row, "network_sent_bytes") / machines : 0.0;
    return (struct mlb_nic_bytes){.known = mean > 0.0, .fast = mean, .all = mean};
}

struct mlb_wire_check mlb_wire_check_row(const struct mlb_result *result, const struct mlb_row *row,
                                         enum mlb_wire_witness witness)
{
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    struct mlb_wire_factor factor =
        witness == MLB_WIRE_PORTS ? mlb_wire_network_of_one(&group) : mlb_wire_network(&group);
    struct mlb_nic_bytes counted = counted_by(result, row, witness);
    struct mlb_wire_check check = {0};
    double scale = row->work.bytes * mlb_wire_groups(result, row) *
                   mlb_wire_protocol(detail_of(row, "protocol"));
    if (!factor.known || !mlb_wire_uses_network(result, row) || !counted.known ||
        !mlb_wire_holds(result, row) || factor.low * scale < BYTES_ENOUGH)
        return check;
    check.expected_low = factor.low * scale;
    check.expected_high = factor.high * scale;
    check.verdict = compare(&check, counted);
    if (!factor.sure && (check.verdict == MLB_WIRE_AGREES || check.verdict == MLB_WIRE_MORE))
        return (struct mlb_wire_check){0}; /* there is nothing that it could agree with */
    return check;
}

/* "all_reduce 1 GiB f32: 2.0 MiB counted of 1.0 GiB" */
static void print_check(const struct mlb_row *row, const struct mlb_wire_check *check, char *to,
                        size_t size)
{
    char counted[MLB_UNIT_TEXT], expected[MLB_UNIT_TEXT];
    mlb_print_bytes(counted, (uint64_t)check->counted);
    mlb_print_bytes(expected, (uint64_t)(check->verdict == MLB_WIRE_MORE ? check->expected_high
                                                                         : check->expected_low));
    mlb_format(to, size, "%s %s: %s counted, %s of the formula", row->workload, row->label, counted,
               expected);
}

static void note_verdict(struct mlb_result *result, enum mlb_wire_verdict verdict,
                         enum mlb_health_level level, const char *means)
{
    size_t rows = 0;
    char example[200] = "";
    for (size_t i = 0; i < result->row_count; i++) {
        struct mlb_wire_check check = mlb_wire_check_row(result, &result->rows[i], MLB_WIRE_PORTS);
        if (check.verdict != verdict)
            continue;
        if (rows++ == 0)
            print_check(&result->rows[i], &check, example, sizeof example);
    }
    if (rows)
        mlb_result_note(result, level, "wire_bytes", "%s (%zu row%s; %s in a step)", means, rows,
                        rows == 1 ? "" : "s", example);
}

void mlb_wire_judge(struct mlb_result *result)
{
    note_verdict(result, MLB_WIRE_SLOW_PORTS, MLB_HEALTH_WARN,
                 "the bytes went over slower ports than the fast ones");
    note_verdict(result, MLB_WIRE_ELSEWHERE, MLB_HEALTH_NOTE,
                 "the bytes went another way than the ports' counters see");
    note_verdict(result, MLB_WIRE_MORE, MLB_HEALTH_NOTE,
                 "the ports moved more than the collective needs");
}
