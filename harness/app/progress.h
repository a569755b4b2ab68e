/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line: case, k of n, time left. On a terminal only: nothing of it when stdout or
 * stderr is a file. */
#ifndef MLB_APP_PROGRESS_H
#define MLB_APP_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct mlb_progress {
    bool shown;
    size_t total, done; /* cases */
    double began_s, drawn_s;
    double done_s;                 /* when the last case ended */
    double stop_at_s;              /* end of the budget, mlb_clock_s(); 0 = none */
    double limit_s, spent_limit_s; /* sums of time limits: of all cases, of those done */
    char label[96];
};

/* Shown when `wanted` and both stdout and stderr are terminals. */
void mlb_progress_begin(struct mlb_progress *progress, size_t total, double limit_s, bool wanted);
void mlb_progress_case(struct mlb_progress *progress, const char *label);
/* `user` is a struct mlb_progress: fits mlb_run.tick. Draws at most ten times a second. */
void mlb_progress_tick(void *user, double fraction);
void mlb_progress_case_done(struct mlb_progress *progress, double limit_s);
void mlb_progress_clear(struct mlb_progress *progress); /* wipe the line */

#endif
