/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/row_ports.h"

#include <stdlib.h>

#include "harness/base/text.h"

_Static_assert(MLB_FABRIC_NICS <= MLB_ROW_PORTS, "a row has room for every port");

enum mlb_status mlb_row_take_ports(struct mlb_row *row, const struct mlb_moved *moved,
                                   uint64_t steps, struct mlb_error *err)
{
    if (moved->count == 0 || steps == 0)
        return MLB_OK;
    row->ports = calloc(moved->count, sizeof *row->ports);
    if (!row->ports)
        return mlb_fail(err, MLB_E_NOMEM, "%zu ports: out of memory", moved->count);
    row->port_count = moved->count;
    row->ports_steps = steps;
    for (size_t i = 0; i < moved->count; i++) {
        const struct mlb_port_bytes *from = &moved->ports[i];
        struct mlb_row_port *to = &row->ports[i];
        mlb_format(to->name, sizeof to->name, "%s", from->nic->name);
        mlb_format(to->kind, sizeof to->kind, "%s", mlb_nic_kind_names[from->nic->kind]);
        to->line_bytes_per_s = from->nic->line_bytes_per_s;
        to->sent_bytes = from->sent;
        to->received_bytes = from->received;
    }
    return MLB_OK;
}
