/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalog can add to what a machine says of itself. */
#ifndef MLB_APP_GUESS_H
#define MLB_APP_GUESS_H

#include "harness/analysis/fingerprint.h"
#include "harness/base/log.h"

/* Fills what `provider` lacks from configs/catalog, which is opened only where that could help; one
 * that cannot be read is said and nothing is filled. */
void mlb_guess_instance(const struct mlb_fingerprint *print, const struct mlb_log *log,
                        struct mlb_provider *provider);

#endif
