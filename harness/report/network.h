/* SPDX-License-Identifier: Apache-2.0 */
/* What the printers say of collectives beside their time: links, and what others published. */
#ifndef MLB_REPORT_NETWORK_H
#define MLB_REPORT_NETWORK_H

#include "harness/report/row.h"

/* The cells of algorithm, wire, line, bound and best; all stay "" in a row of anything else. */
void mlb_report_wire_cells(const struct mlb_report *report, const struct mlb_row *row,
                           struct mlb_cells *cells);
/* ", wire 261 GB/s = 65 % of 400 GB/s NICs  62 % of bound, 91 % of best published" behind busbw. */
void mlb_report_wire_line(const struct mlb_result *result, const struct mlb_row *row,
                          const struct mlb_cells *cells, struct mlb_text *to);
/* Where the ports' counters and the formula differ, or the ports among each other. Appends to an
 * empty text; false = nothing. */
bool mlb_report_wire_note(const struct mlb_result *result, const struct mlb_row *row,
                          struct mlb_text *to);

/* Tables under those of the rows, on several machines: each collective by scope, then the loss
 * budget. Nothing where there is none. Lines of at most 110 columns, a blank one before each. */
void mlb_report_hierarchy(const struct mlb_result *result, struct mlb_text *to);
void mlb_report_loss_budget(const struct mlb_result *result, struct mlb_text *to);

#endif
