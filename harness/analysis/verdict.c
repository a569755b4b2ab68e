/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/verdict.h"

#include <string.h>

#include "harness/analysis/accuse.h"

enum mlb_status mlb_verdict_health(const struct mlb_result *result, struct mlb_error *err)
{
    const struct mlb_health *sick = NULL;
    for (size_t i = 0; i < result->health_count; i++) {
        const struct mlb_health *note = &result->health[i];
        if (note->level == MLB_HEALTH_SICK && strcmp(note->code, MLB_HEALTH_LINK_DATA) == 0)
            return mlb_fail(err, MLB_E_WRONG, "%s", note->text);
        if (note->level == MLB_HEALTH_SICK && !sick)
            sick = note;
    }
    return sick ? mlb_fail(err, MLB_E_UNHEALTHY, "%s", sick->text) : MLB_OK;
}

enum mlb_status mlb_verdict(const struct mlb_result *result, const struct mlb_require *require,
                            struct mlb_error *err)
{
    size_t measured = 0, failed = 0, doubtful = 0;
    for (size_t i = 0; i < result->row_count; i++) {
        const struct mlb_row *row = &result->rows[i];
        if (row->verified && !mlb_verification_passed(&row->verification))
            return mlb_fail(err, MLB_E_WRONG, "%s %s: %s", row->workload, row->label, row->reason);
        measured += row->status == MLB_ROW_MEASURED;
        failed += row->status == MLB_ROW_FAILED;
        doubtful += row->status == MLB_ROW_UNTRUSTED;
    }
    if (mlb_verdict_health(result, err) != MLB_OK)
        return err->status;
    if (mlb_require_judge(result, require, err) == MLB_E_UNHEALTHY)
        return err->status;
    if (failed)
        return mlb_fail(err, MLB_E_NO_VERDICT, "%zu of %zu cases failed", failed,
                        result->row_count);
    if (measured == 0)
        return mlb_fail(err, MLB_E_NO_VERDICT, "no case was measured (%zu skipped, %zu untrusted)",
                        result->row_count - doubtful, doubtful);
    return mlb_require_judge(result, require, err);
}
