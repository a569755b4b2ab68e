/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/hierarchy.h"

#include <string.h>

const char *const mlb_scope_names[] = {"node", "rail", "rails", "all", NULL};

static enum mlb_scope scope_of(const struct mlb_row *row)
{
    const char *name = mlb_row_param(row, "scope");
    int scope = 0;
    while (scope < MLB_SCOPES && strcmp(mlb_scope_names[scope], name) != 0)
        scope++;
    return (enum mlb_scope)scope;
}

static bool is_shown(const struct mlb_row *row)
{
    return row->work.bus_factor > 0.0 && scope_of(row) != MLB_SCOPES && mlb_row_verified(row) &&
           mlb_row_rate(row, MLB_RATE_BUS).known;
}

bool mlb_hierarchy_at(const struct mlb_result *result, size_t index,
                      struct mlb_hierarchy *hierarchy)
{
    const struct mlb_row *first = &result->rows[index];
    size_t scopes = 0;
    *hierarchy = (struct mlb_hierarchy){0};
    if (result->nodes < 2 || !is_shown(first))
        return false;
    for (size_t i = 0; i < result->row_count; i++) {
        const struct mlb_row *row = &result->rows[i];
        if (!is_shown(row) || !mlb_row_same_but(first, row, "scope"))
            continue;
        if (i < index)
            return false;
        const struct mlb_row **place = &hierarchy->rows[scope_of(row)];
        scopes += *place == NULL;
        *place = row;
    }
    return scopes > 1;
}
