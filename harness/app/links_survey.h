/* SPDX-License-Identifier: Apache-2.0 */
/* The whole of a survey of links: measured, suspected, tried again, judged. */
#ifndef MLB_APP_LINKS_SURVEY_H
#define MLB_APP_LINKS_SURVEY_H

#include "harness/measure/links.h"
#include "harness/measure/survey.h"

/* Collective. *links is rank 0's, with all but device and library; NULL elsewhere and on failure.
 * `devices`: ranks of one machine are compared with each other too, and not only shown. */
enum mlb_status mlb_links_measure(const struct mlb_survey_how *how, bool devices,
                                  struct mlb_links **links, struct mlb_error *err);

#endif
