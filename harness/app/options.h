/* SPDX-License-Identifier: Apache-2.0 */
/* THE table of the program's options: command line, help, man page and shell completion come from
 * it, together with mlb_measure_options, whose rows are also keys of a suite. */
#ifndef MLB_APP_OPTIONS_H
#define MLB_APP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/option.h"
#include "harness/base/status.h"

enum mlb_command_bit {
    MLB_CMD_RUN = 1,
    MLB_CMD_VERIFY = 2,
    MLB_CMD_LIST = 4,
    MLB_CMD_INFO = 8,
    MLB_CMD_HELP = 16,
    MLB_CMD_VERSION = 32,
    MLB_CMD_LINKS = 64,
    MLB_CMD_COMPARE = 128,
    MLB_CMD_COST = 256,
    MLB_CMD_DECIDE = 512,
    MLB_CMD_PRICES = 1024
};
#define MLB_CMD_MEASURING ((unsigned)(MLB_CMD_RUN | MLB_CMD_VERIFY))
/* From records, with no device and no ranks. */
#define MLB_CMD_JUDGING ((unsigned)(MLB_CMD_COMPARE | MLB_CMD_COST | MLB_CMD_DECIDE))

#define MLB_SETTINGS 16

/* One measuring option given on the command line: overrides what the suite says for every case. */
struct mlb_setting {
    const struct mlb_option *row; /* of mlb_measure_options */
    char text[64];
};

struct mlb_options {
    char suite[MLB_OPTION_TEXT], only[MLB_OPTION_TEXT], device[MLB_OPTION_TEXT];
    char budget[MLB_OPTION_TEXT], resume[MLB_OPTION_TEXT], output[MLB_OPTION_TEXT];
    char completion[MLB_OPTION_TEXT], require[MLB_OPTION_TEXT];
    char provider[MLB_OPTION_TEXT], instance[MLB_OPTION_TEXT];
    char records[MLB_OPTION_TEXT], prices[MLB_OPTION_TEXT], price[MLB_OPTION_TEXT];
    char into[MLB_OPTION_TEXT], as_of[MLB_OPTION_TEXT]; /* prices import */
    char checkpoint_folder[MLB_OPTION_TEXT];
    char checkpoint[MLB_OPTION_TEXT], checkpoint_rate[MLB_OPTION_TEXT], data_set[MLB_OPTION_TEXT];
    double restart_s, node_life_s, interrupted, notice_s, use, store_s; /* cost; 0 = not given */
    int data, format; /* indices of mlb_data_names, mlb_printer_names */
    uint64_t seed, threads;
    double price_per_hour; /* USD for one node; 0 = unknown */
    double timeout_s, search_time_s;
    char purchase[MLB_OPTION_TEXT], region[MLB_OPTION_TEXT]; /* cost: what is offered */
    uint64_t gpus;                                           /* of the job; 0 = as measured */
    double hours, flop_per_token;                            /* 0 = not given */
    bool search, solo, oversubscribe, no_links, no_record, no_progress, quiet, verbose, help,
        version, man;

    /* compare: both relative; 0 = by class; sort is an index of mlb_comparison_sort_names */
    double margin, alpha;
    int sort;
    bool gate, all;

    bool suite_given; /* --suite stood on the command line */
    struct mlb_setting settings[MLB_SETTINGS];
    size_t setting_count;
    const char *const *words; /* what is not an option: the end of argv, which getopt sorts */
    size_t word_count;
    size_t side; /* words before "--": those of the first side; word_count without one */
};

extern const struct mlb_option mlb_options[];

/* Parse argv[first..] for the command `bit` named `command`. Errors are MLB_E_USAGE, with a hint.
 */
enum mlb_status mlb_options_parse(struct mlb_options *options, int argc, char **argv, int first,
                                  unsigned bit, const char *command, struct mlb_error *err);

/* Names of the program's own options that decide what is measured, but for the suite. */
extern const char *const mlb_options_of_plan[]; /* NULL-terminated */

/* These, the suite, the measuring options and the words, as words that parse to the same: kept in a
 * journal for
 * --resume. A suite given by its path is left out, since a path may hold a name. */
void mlb_options_print_plan(const struct mlb_options *options, struct mlb_text *text);

#endif
