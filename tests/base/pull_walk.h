/* SPDX-License-Identifier: Apache-2.0 */
/* The pull reader beside the tree that cJSON makes of the same document. */
#ifndef MLB_TESTS_BASE_PULL_WALK_H
#define MLB_TESTS_BASE_PULL_WALK_H

#include <stdbool.h>

#include "harness/base/json.h"
#include "harness/base/json_pull.h"

/* Reads the value that comes next with all that is in it. False when it is not the same as `tree`:
 * kinds, keys, order, texts, every bit of the numbers. NULL: just reads. */
bool pull_walk(struct mlb_pull *pull, const cJSON *tree);

#endif
