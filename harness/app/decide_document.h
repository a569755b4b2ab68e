/* SPDX-License-Identifier: Apache-2.0 */
/* What `mlbench decide` says, as a document. */
#ifndef MLB_APP_DECIDE_DOCUMENT_H
#define MLB_APP_DECIDE_DOCUMENT_H

#include "harness/app/decide_evidence.h"
#include "harness/app/decision.h"
#include "harness/report/sheet.h"

#define MLB_DECIDE_DRAWS 100000 /* standard error of a probability: at most 0.16 % */
#define MLB_DECIDE_SEED  1

/* Keys and titles of columns whose number the file decides. */
struct mlb_decide_columns {
    char keys[MLB_DECIDE_OPTIONS][80];
    struct mlb_column scores[MLB_DECIDE_OPTIONS + 7], turns[MLB_DECIDE_OPTIONS + 2];
};

/* `decision->matrix` is complete. `columns` is filled, and has to stay as long as the document;
 * NULL when out of memory. */
struct mlb_document *mlb_decide_document(const struct mlb_decision *decision,
                                         const struct mlb_evidence *evidence, const char *path,
                                         struct mlb_decide_columns *columns);

/* What of it is measured: a table when something is, and notes. */
void mlb_decide_measured_sheet(struct mlb_document *document, const struct mlb_decision *decision,
                               const struct mlb_evidence *evidence);
void mlb_decide_measured_notes(struct mlb_document *document, const struct mlb_decision *decision,
                               const struct mlb_evidence *evidence);

#endif
