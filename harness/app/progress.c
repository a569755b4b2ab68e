/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

void mlb_progress_begin(struct mlb_progress *progress, size_t total, double limit_s, bool wanted)
{
    memset(progress, 0, sizeof *progress);
    progress->shown = wanted && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
    progress->total = total;
    progress->limit_s = limit_s;
    progress->began_s = progress->done_s = mlb_clock_s();
}

/* What was left of the cases' limits when the last case ended, scaled by how much of their limits
 * the cases so far needed. */
static double seconds_left(const struct mlb_progress *progress, double now_s)
{
    double share = progress->spent_limit_s > 0.0
                       ? (progress->done_s - progress->began_s) / progress->spent_limit_s
                       : 0.5;
    double left =
        (progress->limit_s - progress->spent_limit_s) * share - (now_s - progress->done_s);
    if (progress->stop_at_s > 0.0 && left > progress->stop_at_s - now_s)
        left = progress->stop_at_s - now_s;
    return left > 0.0 ? left : 0.0;
}

static void draw(struct mlb_progress *progress)
{
    char left[MLB_UNIT_TEXT];
    double now_s = mlb_clock_s();
    if (!progress->shown || now_s - progress->drawn_s < 0.1)
        return;
    progress->drawn_s = now_s;
    fprintf(stderr, "\r\033[K%zu of %zu  %s  about %s left", progress->done + 1, progress->total,
            progress->label, mlb_print_seconds(left, seconds_left(progress, now_s)));
}

void mlb_progress_case(struct mlb_progress *progress, const char *label)
{
    mlb_format(progress->label, sizeof progress->label, "%s", label);
    progress->drawn_s = 0.0;
    draw(progress);
}

void mlb_progress_tick(void *user, double fraction)
{
    (void)fraction;
    draw(user);
}

void mlb_progress_case_done(struct mlb_progress *progress, double limit_s)
{
    progress->done++;
    progress->done_s = mlb_clock_s();
    progress->spent_limit_s += limit_s;
}

void mlb_progress_clear(struct mlb_progress *progress)
{
    if (progress->shown)
        fprintf(stderr, "\r\033[K");
}
