/* SPDX-License-Identifier: Apache-2.0 */
/* Where a new record goes. */
#ifndef MLB_APP_RECORD_NAME_H
#define MLB_APP_RECORD_NAME_H

#include "harness/app/paths.h"
#include "harness/base/status.h"
#include "harness/measure/result.h"

/* Makes the folder when it is not there, and a name that neither a record nor a journal has:
 * "results/2026-11-20T23-41-07Z-8x-nvidia-h200-quick.json", and the same with ".journal". */
enum mlb_status mlb_record_name(const char *folder, const struct mlb_result *result,
                                char record[static MLB_PATH], char journal[static MLB_PATH],
                                struct mlb_error *err);

#endif
