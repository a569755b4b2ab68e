/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. Each is one file cmd_<name>.c. */
#ifndef MLB_APP_COMMANDS_H
#define MLB_APP_COMMANDS_H

#include "harness/app/options.h"
#include "harness/base/status.h"

struct mlb_command {
    const char *name;
    unsigned bit;        /* of mlb_command_bit: which options it takes */
    const char *words;   /* what may follow, for help: "[WORKLOAD [KEY=VALUE,...]...]" */
    const char *verbs;   /* "list show": what the first of them may be; NULL = anything */
    const char *summary; /* one line */
    const char *examples[4];
    /* Results go to stdout. An error's text is "" when it has been said. */
    enum mlb_status (*run)(const struct mlb_options *options, struct mlb_error *err);
};

extern const struct mlb_command mlb_commands[]; /* ends with a NULL name */

enum mlb_status mlb_cmd_run(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_cmd_verify(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_cmd_links(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_cmd_list(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_cmd_info(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_cmd_prices(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_cmd_cost(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_cmd_decide(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_cmd_compare(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_cmd_help(const struct mlb_options *options, struct mlb_error *err);
enum mlb_status mlb_cmd_version(const struct mlb_options *options, struct mlb_error *err);

/* argv to a command and its options, then the command. */
enum mlb_status mlb_app_main(int argc, char **argv, struct mlb_error *err);

/* Text to stdout, all of it; MLB_E_IO when it cannot be written (a full disk, a closed pipe). */
enum mlb_status mlb_print(const char *text, struct mlb_error *err);

#endif
