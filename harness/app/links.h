/* SPDX-License-Identifier: Apache-2.0 */
/* The links of a job, surveyed: what `mlbench links` does, and `run` before its first case. */
#ifndef MLB_APP_LINKS_H
#define MLB_APP_LINKS_H

#include "harness/app/session.h"

/* Does a run begin with it? Several machines, or several GPUs; not with --no-links. */
bool mlb_links_wanted(const struct mlb_session *session);

/* Collective. Measures pairs of machines and of ranks on the job's best kind of device (--device
 * chooses), tries again what looks slow, and fills result->links on rank 0, which has the places.
 * Hosts of machines that are accused are said on stderr. Where the ranks have no channel, a note
 * says so. */
enum mlb_status mlb_links_survey(struct mlb_session *session, struct mlb_result *result,
                                 struct mlb_error *err);

/* Collective. Where each rank is and what it has: result->places on rank 0. Nothing for one rank.
 */
enum mlb_status mlb_links_places(struct mlb_session *session, struct mlb_result *result,
                                 struct mlb_error *err);

#endif
