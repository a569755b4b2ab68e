/* SPDX-License-Identifier: Apache-2.0 */
/* From what ports counted to a row. Only run.c includes this. */
#ifndef MLB_MEASURE_ROW_PORTS_H
#define MLB_MEASURE_ROW_PORTS_H

#include "harness/measure/result.h"
#include "harness/system/ports.h"

/* `steps` are those between the two readings. Nothing moved: the row stays without. */
enum mlb_status mlb_row_take_ports(struct mlb_row *row, const struct mlb_moved *moved,
                                   uint64_t steps, struct mlb_error *err);

#endif
