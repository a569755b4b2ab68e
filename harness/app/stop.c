/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/stop.h"

#include <stddef.h>

/* The one mutable object at file scope: a signal handler has no other way to say something. */
static volatile sig_atomic_t stop_asked;

static void ask(int signal_number)
{
    (void)signal_number;
    stop_asked = 1;
}

const volatile sig_atomic_t *mlb_stop_watch(void)
{
    struct sigaction action = {.sa_handler = ask, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return &stop_asked;
}
