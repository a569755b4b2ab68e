/* SPDX-License-Identifier: Apache-2.0 */
/* Where the program's own files lie: beside it (configs/), or installed (../share/mlbench/configs).
 */
#ifndef MLB_APP_PATHS_H
#define MLB_APP_PATHS_H

#include <stddef.h>

#include "harness/base/status.h"

#define MLB_PATH 1024

/* The configs folder, found from the program's own place. */
enum mlb_status mlb_configs_folder(char *to, struct mlb_error *err);

/* MLB_E_USAGE unless `folder` is "" or one that this process can write to. */
enum mlb_status mlb_check_store(const char *folder, struct mlb_error *err);

/* File of a suite: `name` itself when it has a '/' or ends in .json or .jsonc, else
 * configs/suites/NAME.jsonc; when that is missing the error lists the suites there are. */
enum mlb_status mlb_suite_path(const char *name, char *to, struct mlb_error *err);

/* File of a decision: `name` itself when it looks like a path or is a file here, else
 * configs/decisions/NAME.jsonc, as of suites. */
enum mlb_status mlb_decision_path(const char *name, char *to, struct mlb_error *err);

/* Names of the suites, sorted; `each` is called with the name and the path. */
enum mlb_status mlb_suites_each(void (*each)(void *user, const char *name, const char *path),
                                void *user, struct mlb_error *err);

/* Lower-case letters, digits and single dashes only: "NVIDIA H200" -> "nvidia-h200",
 * "Intel(R) Xeon(R)" -> "intel-xeon". */
void mlb_slug(const char *name, char *to, size_t size);

#endif
