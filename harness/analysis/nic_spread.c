/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/nic_spread.h"

#include <math.h>
#include <string.h>

#include "harness/analysis/nics.h"
#include "harness/analysis/wire_row.h"

#define IDLE_BELOW   0.5 /* of an even share */
#define UNUSED_BELOW 0.01
#define BYTES_ENOUGH 0x1p26 /* of a machine in a step: of less, a library uses fewer NICs */
#define SEEN_ENOUGH  0.5    /* of the bytes by formula: else they went past the counters */

/* The end of a ring, and the root of what NCCL makes of sends and receives, are one rank, with the
 * NICs that are near to it. */
static bool on_all_rails(const struct mlb_row *row)
{
    const char *scope = mlb_wire_scope(row);
    bool one_rank = strcmp(row->workload, "sendrecv") == 0 ||
                    strcmp(row->workload, "gather") == 0 || strcmp(row->workload, "scatter") == 0;
    if (strcmp(scope, "rails") == 0)
        return true;
    return !one_rank && strcmp(scope, "rail") != 0 && strcmp(scope, "node") != 0;
}

static bool can_tell(const struct mlb_result *result, const struct mlb_row *row)
{
    struct mlb_wire_group group = mlb_wire_group_of_row(row);
    struct mlb_wire_factor factor = mlb_wire_network(&group);
    double least = factor.low * row->work.bytes * mlb_wire_groups(result, row);
    struct mlb_nic_bytes counted = mlb_nics_counted(result, row);
    bool cuda = strcmp(row->device, "cuda") == 0;
    return factor.known && cuda && mlb_nics_of(result, row).rdma && on_all_rails(row) &&
           mlb_wire_uses_network(result, row) && counted.known && least >= BYTES_ENOUGH &&
           counted.fast >= SEEN_ENOUGH * least && !result->oversubscribed;
}

/* Bytes of an even share; 0 = nothing to compare. */
static double even_share(const struct mlb_nic_share *shares, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += shares[i].bytes;
    return count < 2 ? 0.0 : sum / (double)count;
}

struct mlb_nic_spread mlb_nic_spread_of_row(const struct mlb_result *result,
                                            const struct mlb_row *row)
{
    struct mlb_nic_share shares[MLB_ROW_PORTS];
    struct mlb_nic_spread spread = {0};
    size_t count = can_tell(result, row) ? mlb_nics_shares(result, row, shares) : 0;
    double even = even_share(shares, count);
    if (!(even > 0.0))
        return spread;
    spread = (struct mlb_nic_spread){.known = true,
                                     .ports = count,
                                     .least = shares[0].name,
                                     .least_share = shares[0].bytes / even};
    for (size_t i = 0; i < count; i++) {
        spread.idle += shares[i].bytes < IDLE_BELOW * even;
        if (shares[i].bytes / even < spread.least_share) {
            spread.least = shares[i].name;
            spread.least_share = shares[i].bytes / even;
        }
    }
    return spread;
}

/* In how many rows each port was idle; the ports of all rows are the fabric's, in its order. */
struct idleness {
    size_t rows, ports;
    size_t idle[MLB_ROW_PORTS];
    const char *names[MLB_ROW_PORTS];
    double most[MLB_ROW_PORTS]; /* of an even share, in the row where it was the most */
};

static void count_idle(const struct mlb_result *result, const struct mlb_row *row,
                       struct idleness *idleness)
{
    struct mlb_nic_share shares[MLB_ROW_PORTS];
    if (!mlb_nic_spread_of_row(result, row).known)
        return;
    idleness->rows++;
    idleness->ports = mlb_nics_shares(result, row, shares);
    double even = even_share(shares, idleness->ports);
    for (size_t i = 0; i < idleness->ports; i++) {
        idleness->names[i] = shares[i].name;
        idleness->most[i] = fmax(idleness->most[i], shares[i].bytes / even);
        idleness->idle[i] += shares[i].bytes < IDLE_BELOW * even;
    }
}

static void note_idle(struct mlb_result *result, const struct idleness *idleness, size_t port)
{
    bool used = idleness->most[port] >= UNUSED_BELOW;
    mlb_result_note(result, used ? MLB_HEALTH_WARN : MLB_HEALTH_NOTE, "idle_nic",
                    used ? "%s moved less than half of an even share of the bytes in each of %zu "
                           "rows: it is slow, or its link is sick"
                         : "%s moved nothing in each of %zu rows: it is there for something else, "
                           "or the library leaves it out",
                    idleness->names[port], idleness->rows);
}

void mlb_nic_spread_judge(struct mlb_result *result)
{
    struct idleness idleness = {0};
    for (size_t i = 0; i < result->row_count; i++)
        count_idle(result, &result->rows[i], &idleness);
    for (size_t i = 0; i < idleness.ports; i++)
        if (idleness.idle[i] == idleness.rows)
            note_idle(result, &idleness, i);
}
