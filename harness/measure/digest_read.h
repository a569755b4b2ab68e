/* SPDX-License-Identifier: Apache-2.0 */
/* One record to its digest, without a tree. For digest.c. */
#ifndef MLB_MEASURE_DIGEST_READ_H
#define MLB_MEASURE_DIGEST_READ_H

#include "harness/measure/digest_store.h"

struct mlb_digest_reader; /* of one thread: reads one record after the other */

/* `choice` may be NULL: all records are wanted. */
struct mlb_digest_reader *mlb_digest_reader_new(struct mlb_digest_store *store,
                                                const struct mlb_digest_choice *choice);
void mlb_digest_reader_free(struct mlb_digest_reader *reader); /* NULL is fine */

/* mlb_digest_free what was read; its texts are the store's. `wanted` false: it is not, and there is
 * no digest. */
enum mlb_status mlb_digest_read(struct mlb_digest_reader *reader, const char *path,
                                struct mlb_digest *digest, bool *wanted, struct mlb_error *err);
/* Is the file JSON to its end, and not meant as a record (no "schema" or no "program")? */
bool mlb_digest_is_foreign(struct mlb_digest_reader *reader, const char *path);

#endif
