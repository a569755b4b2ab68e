/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/resume.h"

#include <string.h>

#include "harness/base/text.h"

/* An option that the journal was made with. Said otherwise on this command line it is an error. */
static enum mlb_status keep_option(const char *name, const struct mlb_options *from,
                                   struct mlb_options *options, struct mlb_error *err)
{
    const struct mlb_option *row = mlb_option_find(mlb_options, name);
    struct mlb_options initial = {0};
    struct mlb_text was = {0}, is = {0}, unsaid = {0};
    mlb_option_defaults(mlb_options, &initial, err);
    mlb_option_print(row, from, &was);
    mlb_option_print(row, options, &is);
    mlb_option_print(row, &initial, &unsaid);
    bool same = strcmp(mlb_text_get(&was), mlb_text_get(&is)) == 0;
    if (!same && strcmp(mlb_text_get(&is), mlb_text_get(&unsaid)) != 0)
        mlb_fail(err, MLB_E_USAGE, "%s: cannot go on: it was made with --%s %s, now it is %s",
                 options->resume, name, mlb_text_get(&was), mlb_text_get(&is));
    else if (!same)
        mlb_option_set(row, options, mlb_text_get(&was), err);
    mlb_text_free(&was);
    mlb_text_free(&is);
    mlb_text_free(&unsaid);
    return err->status;
}

enum mlb_status mlb_resume_options(struct mlb_kept_words *words, struct mlb_options *options,
                                   struct mlb_error *err)
{
    static char program[] = "mlbench";
    char *rest = NULL;
    int argc = 1, most = (int)(sizeof words->argv / sizeof *words->argv) - 1;
    struct mlb_options from = {0};
    words->argv[0] = program;
    char *word = strtok_r(words->text, " ", &rest);
    for (; word && argc < most; word = strtok_r(NULL, " ", &rest))
        words->argv[argc++] = word;
    words->argv[argc] = NULL;
    if (mlb_option_defaults(mlb_options, &from, err) != MLB_OK ||
        mlb_options_parse(&from, argc, words->argv, 1, MLB_CMD_RUN, "run", err) != MLB_OK)
        return mlb_fail_at(err, "%s", options->resume);
    for (size_t i = 0; mlb_options_of_plan[i]; i++)
        if (keep_option(mlb_options_of_plan[i], &from, options, err) != MLB_OK)
            return err->status;
    if (options->suite_given || options->word_count || options->setting_count)
        return MLB_OK;
    if (!from.suite_given && !from.word_count)
        return mlb_fail(err, MLB_E_USAGE, "%s: its suite was a file: give it again with --suite",
                        options->resume);
    memcpy(options->suite, from.suite, sizeof from.suite);
    memcpy(options->settings, from.settings, sizeof from.settings);
    options->words = from.words;
    options->side = from.side;
    options->setting_count = from.setting_count;
    options->word_count = from.word_count;
    return MLB_OK;
}
