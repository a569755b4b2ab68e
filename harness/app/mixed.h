/* SPDX-License-Identifier: Apache-2.0 */
/* Machines of one job that were rented unlike: of other kinds, in other zones, paid for in other
 * ways. */
#ifndef MLB_APP_MIXED_H
#define MLB_APP_MIXED_H

#include <stddef.h>

#include "harness/measure/result.h"

/* Pure. A health note (warn) for each way in which machines are known to differ; a machine of which
 * a thing is not known differs in nothing. */
void mlb_mixed_judge(const struct mlb_provider *machines, size_t count, struct mlb_result *result);

/* Pure. What can be said of all: the first machine's, less each name in which another is known to
 * differ. */
void mlb_mixed_common(const struct mlb_provider *machines, size_t count,
                      struct mlb_provider *common);

/* MLB_E_CONFIG when the journal at `path` was begun on another kind of machine, both being known:
 * whoever rents by the spot is not always given the same again. */
enum mlb_status mlb_mixed_check(const char *path, const struct mlb_provider *before,
                                const struct mlb_provider *now, struct mlb_error *err);

/* A health note (warn) where one that may go on does so in another region, or paid for otherwise:
 * what was on the spot comes back on demand. */
void mlb_mixed_went_on(const struct mlb_provider *before, const struct mlb_provider *now,
                       struct mlb_result *result);

#endif
