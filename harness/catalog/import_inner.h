/* SPDX-License-Identifier: Apache-2.0 */
/* The import from inside: price_import.c, import_take.c and import_resolve.c alone. */
#ifndef MLB_CATALOG_IMPORT_INNER_H
#define MLB_CATALOG_IMPORT_INNER_H

#include "harness/catalog/import_offer.h"

#define MLB_SECONDS_PER_DAY 86400

struct mlb_taken {
    struct mlb_price price;
    char *block; /* owned: its texts; NULL of a price that was there before */
    char *note;  /* owned, where there is one */
    struct mlb_import_file *file;
    size_t order, line;
    int64_t since;
    bool history, dropped;
};

struct mlb_import {
    struct mlb_import_options options;
    struct mlb_taken *taken;
    size_t count, room;
    struct mlb_price *prices; /* what is left of them in the end */
    size_t price_count;
    struct mlb_import_file **files;
    size_t file_count;
    struct mlb_import_file *file; /* that is being read */
    struct mlb_finding findings[MLB_FINDINGS];
    struct mlb_import_outcome outcome;
    bool failed; /* out of memory */
    bool full;   /* over options.most */
};

/* Room for one more, zeroed; NULL after which `failed` or `full` is set. */
struct mlb_taken *mlb_import_append(struct mlb_import *import);

#endif
