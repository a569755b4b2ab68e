/* SPDX-License-Identifier: Apache-2.0 */
/* The sentences of a comparison: above, under and below its tables. */
#ifndef MLB_REPORT_COMPARISON_NOTES_H
#define MLB_REPORT_COMPARISON_NOTES_H

#include "harness/report/comparison.h"

/* Facts of the head: verdicts counted, how it was tested, the mean of all cases. */
void mlb_comparison_head(struct mlb_document *document, const struct mlb_comparison_view *view);
/* Under the lines: what was not compared and why; where the spread differs. */
void mlb_comparison_line_notes(struct mlb_sheet *sheet, const struct mlb_comparison_view *view);
/* What the words mean, and what would make the comparison better. */
void mlb_comparison_notes(struct mlb_document *document, const struct mlb_comparison_view *view);

#endif
