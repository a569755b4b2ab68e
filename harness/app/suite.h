/* SPDX-License-Identifier: Apache-2.0 */
/* From a suite file (JSON with comments) or from words on the command line to a plan.
 *
 *   { "summary": "one line",
 *     "measure": { "target": "1%", "max-time": "3s" },          keys: mlb_measure_options
 *     "cases": [
 *       { "workload": "gemm", "device": "auto", "priority": 1,  1 tells most
 *         "without": "cuda",                                    only on machines without such a
 * device "dtype": ["bf16", "f32"],                             a list: one case for each value
 *         "size": {"from": 1024, "to": 8192, "factor": 2},      a sweep
 *         "measure": { "max-time": "5s" } } ] }
 *
 * Keys that are not named here are parameters of the workload. Errors name file, line and key. */
#ifndef MLB_APP_SUITE_H
#define MLB_APP_SUITE_H

#include "harness/app/options.h"
#include "harness/base/json.h"
#include "harness/measure/plan.h"

#define MLB_SUITE_LIMIT ((size_t)16 << 20) /* bytes of a suite file */
#define MLB_SUITE_CASES 20000              /* cases that a suite may expand to */

/* Append the suite's cases to a zeroed plan; the caller finishes it. `name` is the plan's. */
enum mlb_status mlb_suite_build(const struct mlb_json *json, const char *name,
                                struct mlb_plan *plan, struct mlb_error *err);

/* Words "gemm dtype=bf16,f32 size=4096": makes the JSON of a suite "custom", which then is built
 * like a file. `*text` is the caller's to free. */
enum mlb_status mlb_suite_from_words(const char *const *words, size_t count, char **text,
                                     struct mlb_error *err);

/* --search: every case is to be searched. MLB_E_USAGE for a workload that has no sizes to vary. */
enum mlb_status mlb_suite_search(struct mlb_plan *plan, struct mlb_error *err);

/* What the command line changes: measuring options, --only, --device. MLB_E_USAGE when no case is
 * left. */
enum mlb_status mlb_suite_override(struct mlb_plan *plan, const struct mlb_options *options,
                                   struct mlb_error *err);

#endif
