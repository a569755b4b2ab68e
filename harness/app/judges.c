/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/judges.h"

#include "harness/analysis/bound.h"
#include "harness/analysis/bound_link.h"
#include "harness/analysis/health.h"
#include "harness/analysis/nic_spread.h"
#include "harness/analysis/published.h"
#include "harness/analysis/shares.h"
#include "harness/analysis/wire_row.h"
#include "harness/app/paths.h"
#include "harness/base/text.h"

static void warn(const struct mlb_log *log, const char *what, const struct mlb_error *trouble)
{
    if (trouble->status != MLB_OK)
        mlb_log(log, MLB_LOG_WARN, "no percentages of %s: %s", what, trouble->text);
}

void mlb_judges_open(struct mlb_judges *judges, const struct mlb_log *log)
{
    char configs[MLB_PATH], path[MLB_PATH + 32];
    struct mlb_error peaks = {0}, published = {0};
    *judges = (struct mlb_judges){0};
    if (mlb_configs_folder(configs, &peaks) == MLB_OK) {
        mlb_format(path, sizeof path, "%s/devices.json", configs);
        mlb_peaks_open(&judges->peaks, path, &peaks);
        mlb_format(path, sizeof path, "%s/expectations.json", configs);
        mlb_expectations_open(&judges->expectations, path, &published);
    }
    warn(log, "peak", &peaks);
    warn(log, "published figures", &published);
}

void mlb_judges_close(struct mlb_judges *judges)
{
    mlb_peaks_close(&judges->peaks);
    mlb_expectations_close(&judges->expectations);
}

void mlb_judge_row(const struct mlb_judges *judges, const struct mlb_result *result,
                   struct mlb_row *row)
{
    mlb_bound_judge(&result->device, row);
    mlb_bound_link_judge(result, row);
    mlb_shares_note(result, &judges->peaks, &judges->expectations, row);
}

void mlb_judge_record(const struct mlb_judges *judges, struct mlb_result *result)
{
    mlb_health_judge(result);
    mlb_wire_judge(result);
    mlb_nic_spread_judge(result);
    mlb_published_judge(result, &judges->expectations);
}
