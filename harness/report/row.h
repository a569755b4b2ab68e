/* SPDX-License-Identifier: Apache-2.0 */
/* A row as cells of text: what the table of the text printer, the Markdown printer and the line
 * shown while a job runs have in common. */
#ifndef MLB_REPORT_ROW_H
#define MLB_REPORT_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/report/report.h"

enum mlb_cell {
    MLB_CELL_LABEL,
    MLB_CELL_DEVICE,
    MLB_CELL_VARIANT,
    MLB_CELL_ALGORITHM, /* collectives: "tree", when the library tells */
    MLB_CELL_SAMPLES,   /* "41" */
    MLB_CELL_TIME,      /* "1.391 ms [1.388, 1.394]" */
    MLB_CELL_P99,       /* "15.1 us": of short messages, where latency is what counts */
    MLB_CELL_RATE,      /* "790 TFLOP/s"; of a collective algbw */
    MLB_CELL_BUS,       /* collectives only: busbw */
    MLB_CELL_WIRE,      /* collectives: "261 GB/s" out of a machine, or over a GPU's NVLink; a range
                         * where the algorithm is not known */
    MLB_CELL_LINE,      /* "65 % NICs", "69 % NVLink": of what those carry */
    MLB_CELL_SHARE,     /* "80 %" of the datasheet's peak */
    MLB_CELL_BOUND,     /* "93 %" of what the device can do at the clock it had, or of its bus; of a
                         * collective of what its links allow */
    MLB_CELL_BEST,      /* collectives: "91 %" of the best that was published */
    MLB_CELL_COPY,      /* "91 %" of the record's copy of memory, of what only moves bytes */
    MLB_CELL_CLOCK,     /* "1410 MHz" of a GPU */
    MLB_CELL_ENERGY,    /* "0.87" joules per TFLOP or GB; "~0.87" when estimated */
    MLB_CELL_VERDICT,   /* "verified", "UNTRUSTED", "FAILED", "skipped" */
    MLB_CELLS
};

struct mlb_cells {
    char text[MLB_CELLS][128]; /* "" = does not apply or not known */
};

void mlb_report_cells(const struct mlb_report *report, const struct mlb_row *row,
                      struct mlb_cells *cells);

/* The heading of a column of a table that begins with this row. */
const char *mlb_report_cell_title(enum mlb_cell cell, const struct mlb_row *first);
bool mlb_report_cell_is_number(enum mlb_cell cell); /* set flush right */

/* As mlb_row_rate, but unknown too unless the row's result was verified: what was not verified is
 * never shown as a rate. */
struct mlb_rate mlb_report_rate(const struct mlb_row *row, enum mlb_rate_kind kind);
/* A message of a collective so short that it waits: its latency counts, and parts of a link or of a
 * bound by bandwidth would look like a fault. */
bool mlb_report_is_short(const struct mlb_row *row);
/* The clock of a window of a GPU, and joules per TFLOP, TOP or GB; "" when not known. */
void mlb_report_clock(const struct mlb_row *row, const struct mlb_telemetry_window *window,
                      char *to, size_t size);
void mlb_report_energy(const struct mlb_report *report, const struct mlb_row *row,
                       const struct mlb_summary *time, const struct mlb_telemetry_window *window,
                       char *to, size_t size);

/* What there is to say about a row beside its cells, one line each. */
enum mlb_note {
    MLB_NOTE_LAUNCH,  /* as a graph */
    MLB_NOTE_DRIFT,   /* the time did not keep still */
    MLB_NOTE_SUSTAIN, /* from rest and under lasting load */
    MLB_NOTE_WIRE,    /* the ports' counters tell other bytes than the formula */
    MLB_NOTE_OVERLAP, /* what a collective beside GEMMs adds to them */
    MLB_NOTE_DETAILS, /* how the work was done */
    MLB_NOTES
};
/* Appends to an empty text; false when there is nothing of the kind to say. */
bool mlb_report_note(const struct mlb_report *report, const struct mlb_row *row, enum mlb_note note,
                     struct mlb_text *to);

/* Is row `index` the first of its workload? Printers make one table a workload, in this order. */
bool mlb_report_is_first(const struct mlb_result *result, size_t index);
/* Of the skipped rows that give the same reason, is `index` the first? */
bool mlb_report_is_first_skip(const struct mlb_result *result, size_t index);
/* How many rows ended as `status`; `workload` and `reason` may be NULL: any. */
size_t mlb_report_count(const struct mlb_result *result, enum mlb_row_status status,
                        const char *workload, const char *reason);

/* Lines that text and Markdown share, each without a newline; false when there is nothing to say.
 */
bool mlb_report_device_text(const struct mlb_result *result, char *to, size_t size);
bool mlb_report_job_text(const struct mlb_result *result, char *to, size_t size);
bool mlb_report_network_text(const struct mlb_result *result, char *to, size_t size);
bool mlb_report_precision_text(const struct mlb_result *result, char *to, size_t size);
/* "NVIDIA H200: datasheet ...": what the percentages are of. */
bool mlb_report_peak_text(const struct mlb_report *report, char *to, size_t size);
/* "NICs 400 GB/s out of a machine (8 ports); NVLink 450 GB/s out of a GPU": of collectives. */
bool mlb_report_links_text(const struct mlb_result *result, char *to, size_t size);
/* "measured 0.97 to 1.31 times what NCCL's own model says": of rows that have that. */
bool mlb_report_model_text(const struct mlb_result *result, char *to, size_t size);
/* "8x H200, stas00/ml-engineering": whose figures are the best published. */
bool mlb_report_published_text(const struct mlb_report *report, char *to, size_t size);
/* "3 rows (gemm, memory): bf16 needs AVX-512 or newer", for the first of such rows. */
void mlb_report_skip_text(const struct mlb_result *result, size_t index, char *to, size_t size);
/* "$1.52 per 10^18 FLOP (gemm bf16 8192x8192x8192)" when `index` is the cheapest of its workload
 * and type of element. */
bool mlb_report_cost_text(const struct mlb_result *result, size_t index, char *to, size_t size);
/* For a record without health notes: what that means. */
const char *mlb_report_no_notes_text(const struct mlb_result *result);
bool mlb_report_spent_text(const struct mlb_result *result, char *to, size_t size);
const char *mlb_report_health_level(enum mlb_health_level level); /* "SICK", "warn", "note" */

#endif
