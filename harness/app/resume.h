/* SPDX-License-Identifier: Apache-2.0 */
/* run --resume: the options that a journal was made with. */
#ifndef MLB_APP_RESUME_H
#define MLB_APP_RESUME_H

#include "harness/app/options.h"
#include "harness/measure/result.h"

/* What the options' words point to. */
struct mlb_kept_words {
    char text[sizeof((struct mlb_result *)0)->options];
    char *argv[sizeof((struct mlb_result *)0)->options / 2 + 2];
};

/* Takes the journal's options, given as words->text, into `options`, which then point into `words`.
 * One that was said otherwise on this command line is MLB_E_USAGE; a suite, workloads or measuring
 * options said anew stay, and must make the same plan, which is checked later. */
enum mlb_status mlb_resume_options(struct mlb_kept_words *words, struct mlb_options *options,
                                   struct mlb_error *err);

#endif
