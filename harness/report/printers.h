/* SPDX-License-Identifier: Apache-2.0 */
/* The printers behind the table in report.c. */
#ifndef MLB_REPORT_PRINTERS_H
#define MLB_REPORT_PRINTERS_H

#include "harness/report/report.h"

enum mlb_status mlb_print_text(const struct mlb_report *report, struct mlb_text *to,
                               struct mlb_error *err);
enum mlb_status mlb_print_json(const struct mlb_report *report, struct mlb_text *to,
                               struct mlb_error *err);
enum mlb_status mlb_print_csv(const struct mlb_report *report, struct mlb_text *to,
                              struct mlb_error *err);
enum mlb_status mlb_print_markdown(const struct mlb_report *report, struct mlb_text *to,
                                   struct mlb_error *err);

/* Adds `text` with what GitHub would read as markup escaped, for a table's cell or a line. */
void mlb_markdown_escape(struct mlb_text *to, const char *text);

/* Every printer's last line: MLB_E_NOMEM when the text could not grow. */
enum mlb_status mlb_print_end(const struct mlb_text *to, struct mlb_error *err);

#endif
