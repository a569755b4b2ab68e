/* SPDX-License-Identifier: Apache-2.0 */
/* From the structs of result.h to a digest. For the files of digest.h. */
#ifndef MLB_MEASURE_DIGEST_MAKE_H
#define MLB_MEASURE_DIGEST_MAKE_H

#include "harness/measure/digest_store.h"

/* The rows of one record as they come. Zero-initialise, set `names`; used again after each
 * mlb_digest_make. */
struct mlb_digest_maker {
    struct mlb_digest_names *names;
    struct mlb_digest_row *rows; /* owned; row_count of row_room */
    size_t row_count, row_room;
    bool no_memory;
};

void mlb_digest_add_row(struct mlb_digest_maker *maker, const struct mlb_row *row);
/* Of `head` alone. */
enum mlb_status mlb_digest_make_head(struct mlb_digest_maker *maker, const char *path,
                                     const struct mlb_result *head, struct mlb_digest *digest,
                                     struct mlb_error *err);
/* The digest of `head` with the rows that were added; it takes over its arrays. MLB_E_CONFIG when a
 * row is there twice. */
enum mlb_status mlb_digest_make(struct mlb_digest_maker *maker, const char *path,
                                const struct mlb_result *head, struct mlb_digest *digest,
                                struct mlb_error *err);
void mlb_digest_free(struct mlb_digest *digest); /* its arrays; leaves it zeroed */

#endif
