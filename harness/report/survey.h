/* SPDX-License-Identifier: Apache-2.0 */
/* The matrices of a survey of links, at most 100 columns wide. */
#ifndef MLB_REPORT_SURVEY_H
#define MLB_REPORT_SURVEY_H

#include "harness/base/text.h"
#include "harness/measure/result.h"

/* Nothing without result->links. Of more machines or ranks than a line holds: the slowest pairs,
 * and the machines whose best pair is slowest. */
void mlb_report_survey(const struct mlb_result *result, struct mlb_text *to);

#endif
