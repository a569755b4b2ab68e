/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog: one thread a rank that ends the job when a watched stretch of work passes its
 * deadline, and says who stands behind.
 *
 * The ranks of a machine tell each other by the board. When watches have expired, the lowest of
 * these ranks whose watchdog still runs waits half a second (a stretch that just ends is let go),
 * writes one line to stderr and calls `end_job`. Time during which this process itself was stopped
 * does not count: a job that was put to sleep as a whole goes on.
 *
 * Each rank whose watch has expired for good also ends what it waits for, when somebody has told
 * how (at_deadline): all ranks of the job, not only the one that speaks. Its main thread does not
 * leave the watched stretch any more then: what it was waiting for is not done but given up. */
#ifndef MLB_COLLECTIVES_WATCHDOG_H
#define MLB_COLLECTIVES_WATCHDOG_H

#include "collectives/board.h"
#include "harness/base/log.h"
#include "harness/base/status.h"
#include "harness/base/text.h"

struct mlb_watchdog; /* opaque */

struct mlb_watchdog_how {
    struct mlb_board *board; /* joined; must outlive the watchdog */
    struct mlb_log log;      /* where the line goes */
    int nodes;               /* machines of the job */
    const char *host;        /* this machine's name; must outlive the watchdog */
    /* Ends the whole job with this exit code; called on a thread of its own. If it has not within
     * 5 s, the process ends by _exit(exit_code). NULL: _exit at once. */
    void (*end_job)(void *user, int exit_code);
    void *user;
    /* Adds what this machine knows of a reason outside the ranks, or nothing. Optional. */
    void (*add_cause)(const void *causes, struct mlb_text *line);
    const void *causes;
};

enum mlb_status mlb_watchdog_open(const struct mlb_watchdog_how *how,
                                  struct mlb_watchdog **watchdog, struct mlb_error *err);
void mlb_watchdog_close(struct mlb_watchdog *watchdog); /* NULL is fine */

/* As in struct mlb_comm_ops. Watches nest (to a depth of 8): the innermost one counts, and unwatch
 * goes back to the one around it. Called by the rank's main thread only. */
void mlb_watchdog_watch(struct mlb_watchdog *watchdog, const char *what, double deadline_s);
void mlb_watchdog_unwatch(struct mlb_watchdog *watchdog);
void mlb_watchdog_progress(struct mlb_watchdog *watchdog);

/* What ends the waits of this rank, see at_deadline of struct mlb_comm_ops. Called by the main
 * thread only. */
void mlb_watchdog_at_deadline(struct mlb_watchdog *watchdog, void (*stop)(void *user), void *user);

/* The line that names who stands behind, as the watchdog would write it now. For tests too. */
#define MLB_WATCHDOG_LINE 1024
void mlb_watchdog_describe(const struct mlb_watchdog_how *how, char to[static MLB_WATCHDOG_LINE]);

#endif
