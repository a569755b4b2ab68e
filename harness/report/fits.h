/* SPDX-License-Identifier: Apache-2.0 */
/* What each sweep over message sizes says in two numbers: a table under those of the rows. */
#ifndef MLB_REPORT_FITS_H
#define MLB_REPORT_FITS_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/text.h"
#include "harness/measure/result.h"

enum mlb_fit_cell {
    MLB_FIT_SWEEP, /* "all_reduce bf16 nccl"; "" in further lines of the same */
    MLB_FIT_SIZES, /* "8 B to 16 KiB (12)"; "... but 4 KiB" when that one is off */
    MLB_FIT_ALPHA, /* "12.3 us [12.1, 12.6]" */
    MLB_FIT_BETA,  /* "370 GB/s [366, 372]" */
    MLB_FIT_WORST, /* "9 %": how far the farthest size is from the line */
    MLB_FIT_CELLS
};
extern const char *const mlb_fit_titles[MLB_FIT_CELLS];
extern const char mlb_fit_legend[];

/* A regime of a sweep, or a sweep without a fit. */
struct mlb_fit_line {
    char text[MLB_FIT_CELLS][128];
};

struct mlb_fit_lines {
    struct mlb_fit_line *lines; /* owned: free() */
    size_t count;               /* 0: the record has no sweep */
    bool failed;                /* out of memory */
};

struct mlb_fit_lines mlb_report_fits(const struct mlb_result *result);
/* The table of the text printer; nothing where there are no lines. */
void mlb_report_fits_text(const struct mlb_result *result, size_t width, struct mlb_text *to);

#endif
