/* SPDX-License-Identifier: Apache-2.0 */
/* Which records the words of a command line mean:
 *
 *     run.json            a file
 *     results/2026-11     every *.json of a folder, in the order of their names; what is JSON but
 *                         no record of mlbench is passed over, sub-folders too
 *     provider=aws        of the files and folders beside it, or of --records when there are none,
 *                         only what fits; ? and * match, case does not count; several of one key
 *                         are alternatives, different keys all have to fit:
 *                         provider, instance, region, purchase, suite, nodes=4,
 *                         gpu=H200 (a part is enough), since=2026-11-01 */
#ifndef MLB_APP_SELECTION_H
#define MLB_APP_SELECTION_H

#include <stddef.h>

#include "harness/base/log.h"
#include "harness/base/status.h"
#include "harness/measure/digest.h"

struct mlb_selection {
    struct mlb_digests digests; /* in the order of the words, of a folder by name */
    size_t passed_over;         /* JSON files in folders that are no records */
    size_t unselected;          /* records that a selector left out */
    size_t incomplete;          /* of `digests`: the run was ended before its last case */
    size_t sick;                /* of `digests`: with a health note of that level */
};

/* The records of one side. Each count above that is not 0 is told in a line of the log (NULL: not
 * told). Without any word, all of `records` (a folder or a file) is meant. Errors: MLB_E_USAGE for
 * a selector that does not exist ("did you mean"); MLB_E_CONFIG when nothing is left (with what
 * there is to select from), when one run is there twice (both files named), when a file is no
 * record or is damaged; MLB_E_IO. */
enum mlb_status mlb_selection_read(struct mlb_selection *selection, const char *const *words,
                                   size_t count, const char *records, const struct mlb_log *log,
                                   struct mlb_error *err);
/* MLB_E_CONFIG when a run stands on both sides, with both files' names. */
enum mlb_status mlb_selection_disjoint(const struct mlb_selection *a, const struct mlb_selection *b,
                                       struct mlb_error *err);
void mlb_selection_free(struct mlb_selection *selection); /* zeroed is fine; leaves it zeroed */

#endif
