/* SPDX-License-Identifier: Apache-2.0 */
/* Printers: from a finished result to text. One printer a file; they never measure or judge. */
#ifndef MLB_REPORT_REPORT_H
#define MLB_REPORT_REPORT_H

#include "harness/analysis/expectation.h"
#include "harness/analysis/peak.h"
#include "harness/base/status.h"
#include "harness/base/text.h"
#include "harness/measure/result.h"

struct mlb_report {
    const struct mlb_result *result;
    const struct mlb_peaks *peaks;               /* may be NULL */
    const struct mlb_expectations *expectations; /* of collectives; may be NULL */
    const char *record_path;                     /* where the record went; NULL or "" = nowhere */
    bool verbose;                                /* text: also how the work of each row was done */
};

struct mlb_printer {
    const char *name; /* "text", "json", "csv", "markdown" */
    enum mlb_status (*print)(const struct mlb_report *report, struct mlb_text *to,
                             struct mlb_error *err);
};

extern const struct mlb_printer mlb_printers[]; /* ends with a NULL name */
extern const char *const mlb_printer_names[];   /* the same names, NULL-terminated: choices */
const struct mlb_printer *mlb_printer_find(const char *name);

/* One row in one line, as it is shown while the job runs and in the text table's cells:
 * "gemm bf16 4096x4096x4096  cpu  onednn  n=41  88.1 ms [87.9, 88.4]  1.56 TFLOP/s  verified";
 * of a collective "busbw 489 GB/s, wire 261 GB/s = 65 % of 400 GB/s NICs  62 % of bound, 91 % of
 * best published" between the time and the verdict. */
void mlb_report_row_line(const struct mlb_report *report, const struct mlb_row *row,
                         struct mlb_text *to);

#endif
