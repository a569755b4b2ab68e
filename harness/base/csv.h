/* SPDX-License-Identifier: Apache-2.0 */
/* CSV as RFC 4180 has it, record by record: quoted fields with commas, quotes and line ends in
 * them, LF or CR LF, a byte-order mark before the first field. Memory does not grow with the file.
 */
#ifndef MLB_BASE_CSV_H
#define MLB_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/status.h"
#include "harness/base/text.h"

#define MLB_CSV_FIELDS 256             /* most of a record */
#define MLB_CSV_RECORD (4u * 1048576u) /* bytes of the longest */

struct mlb_csv; /* one reader of one file */

struct mlb_csv *mlb_csv_open(const char *path, struct mlb_error *err); /* NULL: see err */
/* From memory, which has to stay; `name` stands for the file in messages. */
struct mlb_csv *mlb_csv_memory(const char *name, const char *text, size_t length,
                               struct mlb_error *err);
void mlb_csv_close(struct mlb_csv *csv); /* NULL is fine */

/* The next record that is not blank. False at the end or after an error: *err tells which. Fields
 * are valid until the next call. */
bool mlb_csv_next(struct mlb_csv *csv, const char *const **fields, size_t *count,
                  struct mlb_error *err);
/* False: the file ended inside of the last record's last field, which may be cut off there. */
bool mlb_csv_ended(const struct mlb_csv *csv);
size_t mlb_csv_line(const struct mlb_csv *csv); /* where the last record began, from 1 */
size_t mlb_csv_find(const char *const *header, size_t count, const char *name); /* count = none */

/* One field for writing: quoted where it has to be. The comma before it is the caller's. */
void mlb_csv_add(struct mlb_text *to, const char *value);

#endif
