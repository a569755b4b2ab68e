/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts: SIGINT and SIGTERM ask the run to end at the next sample; a second one ends at once.
 */
#ifndef MLB_APP_STOP_H
#define MLB_APP_STOP_H

#include <signal.h>

/* Installs the handlers; returns the flag they set. */
const volatile sig_atomic_t *mlb_stop_watch(void);

/* One line that SIGTERM writes to stderr; NULL for none. */
void mlb_stop_say(const char *line);

#endif
