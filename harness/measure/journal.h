/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: what was measured is on disk before the next case starts.
 *
 * A text file beside the final record, JSON lines: first the head (the record without rows), then
 * one line a row: {"row": {...}, "crc32": "8 hex digits of the row's text"}. Each line is written
 * with one write(2) and fsync'ed. A line cut short by a kill or a full disk is dropped when read,
 * and cut off before the journal is appended to again. */
#ifndef MLB_MEASURE_JOURNAL_H
#define MLB_MEASURE_JOURNAL_H

#include "harness/base/status.h"
#include "harness/measure/result.h"

struct mlb_journal; /* opaque */

/* Make a new journal (must not exist) and write the head. MLB_E_IO names the path and the cause
 * ("results/x.journal: no space left on device"). */
enum mlb_status mlb_journal_create(const char *path, const struct mlb_result *head,
                                   struct mlb_journal **journal, struct mlb_error *err);

/* Read a journal into `result` (head and rows) and open it for appending: --resume. Errors:
 * not a journal of mlbench (foreign), newer schema, corrupt line that is not the last (line number
 * named), locked by a running job. */
enum mlb_status mlb_journal_resume(const char *path, struct mlb_result *result,
                                   struct mlb_journal **journal, struct mlb_error *err);

/* Only read. */
enum mlb_status mlb_journal_read(const char *path, struct mlb_result *result,
                                 struct mlb_error *err);

enum mlb_status mlb_journal_append(struct mlb_journal *journal, const struct mlb_row *row,
                                   struct mlb_error *err);

/* Close; with `done` the file is removed (the final record has been written). NULL is fine. */
void mlb_journal_close(struct mlb_journal *journal, bool done);

const char *mlb_journal_path(const struct mlb_journal *journal);

#endif
