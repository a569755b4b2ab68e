/* SPDX-License-Identifier: Apache-2.0 */
/* One collective within a machine, over one rail, over all rails and among all ranks: rows of a
 * record that differ in nothing but their scope. NVLink and the network are separate figures then.
 * Pure. */
#ifndef MLB_ANALYSIS_HIERARCHY_H
#define MLB_ANALYSIS_HIERARCHY_H

#include "harness/measure/result.h"

enum mlb_scope { MLB_SCOPE_NODE, MLB_SCOPE_RAIL, MLB_SCOPE_RAILS, MLB_SCOPE_ALL, MLB_SCOPES };
extern const char *const mlb_scope_names[]; /* as the parameter "scope" has them */

struct mlb_hierarchy {
    const struct mlb_row *rows[MLB_SCOPES]; /* NULL = not measured, or not verified */
};

/* Is row `index` the first of a hierarchy of two scopes at least? Only on several machines. */
bool mlb_hierarchy_at(const struct mlb_result *result, size_t index,
                      struct mlb_hierarchy *hierarchy);

#endif
