/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/analysis/verdict.h"

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
    for (size_t i = 0; i < result->health_count; i++)
        if (result->health[i].level == MLB_HEALTH_SICK)
            return mlb_fail(err, MLB_E_UNHEALTHY, "%s", result->health[i].text);
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
