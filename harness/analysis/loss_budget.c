/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/loss_budget.h"

#include <math.h>
#include <string.h>

#include "harness/analysis/wire_row.h"

static const struct step {
    const char *name, *how;
    const char *workload, *scope, *device; /* device NULL: that of the record */
} steps[MLB_LOSS_STEPS] = {
    {"host wire", "sendrecv of hosts, one rank a machine", "sendrecv", "rail", "cpu"},
    {"GPU wire", "sendrecv of GPUs, one rank a machine", "sendrecv", "rail", "cuda"},
    {"one rail", "all_reduce, one rank a machine", "all_reduce", "rail", NULL},
    {"all rails", "all_reduce of each rail, all at once", "all_reduce", "rails", NULL},
    {"all ranks", "all_reduce of all ranks", "all_reduce", "all", NULL},
    {"overlapped", "the same beside GEMMs", "overlap", "", NULL},
};

static bool is_of_step(const struct mlb_result *result, const struct mlb_row *row,
                       const struct step *step)
{
    const char *device = step->device ? step->device : result->device.kind;
    return strcmp(row->workload, step->workload) == 0 && strcmp(row->device, device) == 0 &&
           strcmp(mlb_wire_scope(row), step->scope) == 0 && row->status == MLB_ROW_MEASURED &&
           row->work.nodes > 1;
}

/* Of what overlaps only the collective of the step before. */
static struct mlb_wire wire_of(const struct mlb_result *result, const struct mlb_row *row)
{
    if (strcmp(row->workload, "overlap") != 0)
        return mlb_wire_of_row(result, row);
    bool same = strcmp(mlb_row_param(row, "collective"), "all_reduce") == 0;
    return same ? mlb_wire_of_overlap(result, row) : (struct mlb_wire){0};
}

/* The fastest row of a step: sizes too small to fill the wire are no loss of it. */
static void find_row(const struct mlb_result *result, const struct step *step,
                     struct mlb_loss_step *found)
{
    bool gpu = step->device && strcmp(step->device, "cuda") == 0;
    *found = (struct mlb_loss_step){.name = step->name, .how = step->how};
    found->applies = !gpu || strcmp(result->device.kind, "cuda") == 0;
    for (size_t i = 0; i < result->row_count && found->applies; i++) {
        const struct mlb_row *row = &result->rows[i];
        if (!is_of_step(result, row, step))
            continue;
        struct mlb_wire wire = wire_of(result, row);
        if (!wire.known || wire.line != MLB_WIRE_NICS || wire.low <= found->network_bytes_per_s)
            continue;
        found->row = row;
        found->network_bytes_per_s = wire.low;
        found->at_least = wire.high > wire.low;
        found->of_line = wire.line_bytes_per_s > 0.0 ? wire.low / wire.line_bytes_per_s : 0.0;
    }
}

/* Ports of a row that moved a tenth of what the busiest did; 0 = none were counted. */
static double busy_ports(const struct mlb_row *row)
{
    uint64_t most = 0;
    double count = 0.0;
    for (size_t i = 0; i < row->port_count; i++)
        most = row->ports[i].sent_bytes > most ? row->ports[i].sent_bytes : most;
    for (size_t i = 0; i < row->port_count; i++)
        count += row->ports[i].sent_bytes >= most / 10;
    return count;
}

/* bytes/s of one rail: a machine's, of as many ranks as send on it, over a port each if they can.
 */
static double rail_rate(const struct mlb_result *result, const struct mlb_loss_step *step)
{
    double ranks = mlb_wire_ranks_of_machine(result, step->row), ports = busy_ports(step->row);
    return step->network_bytes_per_s / (ports > 0.0 ? fmin(ranks, ports) : ranks);
}

static double left_of(const struct mlb_result *result, const struct mlb_loss_step *before,
                      const struct mlb_loss_step *step)
{
    if (step->of_line > 0.0 && before->of_line > 0.0)
        return step->of_line / before->of_line;
    return rail_rate(result, step) / rail_rate(result, before);
}

size_t mlb_loss_budget(const struct mlb_result *result, struct mlb_loss_step found[MLB_LOSS_STEPS])
{
    const struct mlb_loss_step *before = NULL;
    size_t count = 0;
    for (size_t i = 0; i < MLB_LOSS_STEPS; i++) {
        find_row(result, &steps[i], &found[i]);
        if (!found[i].row)
            continue;
        count++;
        if (before)
            found[i].of_before = left_of(result, before, &found[i]);
        before = &found[i];
    }
    return count;
}
