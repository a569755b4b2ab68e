/* SPDX-License-Identifier: Apache-2.0 */
/* --search: a case with the sizes at which it is fastest here. */
#ifndef MLB_APP_SEARCH_CASE_H
#define MLB_APP_SEARCH_CASE_H

#include "harness/app/progress.h"
#include "harness/app/search.h"
#include "harness/app/session.h"

struct mlb_search_case {
    struct mlb_session *session;
    const struct mlb_case *like; /* the sizes it has are where the search begins */
    double stop_at_s;            /* mlb_clock_s() at which the case must have ended; 0 = none */
    struct mlb_progress *progress;

    /* What was found; the caller measures it and frees best.params. */
    struct mlb_case best; /* `like` when nothing can be measured; the id stays that of `like` */
    struct mlb_search_found found;
    bool done;
    double spent_s;
    char runner_up[64]; /* its label */
};

/* Collective: every rank looks at the same shapes, and rank 0's figures decide. */
enum mlb_status mlb_search_case(struct mlb_search_case *search, struct mlb_error *err);

/* How the row came to its sizes; nothing when nothing was searched. */
void mlb_search_details(const struct mlb_search_case *search, struct mlb_details *details);

#endif
