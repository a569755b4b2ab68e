/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/stop.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/text.h"

/* The mutable objects at file scope: a signal handler has no other way to hear and to say
 * something. */
static volatile sig_atomic_t stop_asked;
static char last_words[1200];
static volatile sig_atomic_t last_words_length;

static void ask(int signal_number)
{
    stop_asked = 1;
    if (signal_number == SIGTERM && last_words_length > 0) {
        ssize_t written = write(STDERR_FILENO, last_words, (size_t)last_words_length);
        (void)written; /* a signal handler has nobody to tell */
    }
}

const volatile sig_atomic_t *mlb_stop_watch(void)
{
    struct sigaction action = {.sa_handler = ask, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return &stop_asked;
}

void mlb_stop_say(const char *line)
{
    last_words_length = 0;
    if (!line)
        return;
    mlb_format(last_words, sizeof last_words, "%s\n", line);
    last_words_length = (sig_atomic_t)strlen(last_words);
}
