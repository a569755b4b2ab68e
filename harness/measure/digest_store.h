/* SPDX-License-Identifier: Apache-2.0 */
/* What many records share, kept once: texts, facts of the environment, names of cases. For
 * digest.c and digest_read.c. */
#ifndef MLB_MEASURE_DIGEST_STORE_H
#define MLB_MEASURE_DIGEST_STORE_H

#include "harness/measure/digest.h"

/* Owns everything; several threads may add to it. */
struct mlb_digest_store *mlb_digest_store_new(void); /* NULL: out of memory */
void mlb_digest_store_free(struct mlb_digest_store *store);

/* One thread's way to a store. What it has met before it finds without the store's lock. */
struct mlb_digest_names;
struct mlb_digest_names *mlb_digest_names_new(struct mlb_digest_store *store);
void mlb_digest_names_free(struct mlb_digest_names *names); /* NULL is fine; the store stays */

/* What equals it, made when there is none: the same pointer for all threads as long as the store
 * lives. NULL: out of memory. */
const char *mlb_digest_text(struct mlb_digest_names *names, const char *text);
const struct mlb_fact *mlb_digest_known_fact(struct mlb_digest_names *names,
                                             const struct mlb_fact *fact);
const struct mlb_case_name *mlb_digest_case(struct mlb_digest_names *names,
                                            const struct mlb_row *row);

#endif
