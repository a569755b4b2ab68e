/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/text.h"

const struct mlb_command mlb_commands[] = {
    {"run",
     MLB_CMD_RUN,
     "[WORKLOAD [KEY=VALUE[,VALUE]...]]...",
     NULL,
     "measure this machine, write a record, print a summary (the default)",
     {"mpirun mlbench", "mlbench run --suite full --budget 10min --price-per-hour 98.32",
      "mpirun -n 8 mlbench run gemm dtype=bf16 size=8192,16384 --target 0.5%", NULL},
     mlb_cmd_run},
    {"list",
     MLB_CMD_LIST,
     "",
     NULL,
     "suites, workloads, their parameters and variants",
     {"mlbench list", NULL},
     mlb_cmd_list},
    {"info",
     MLB_CMD_INFO,
     "",
     NULL,
     "the machine: packages, memory, PCI tree, GPUs, NICs, libraries",
     {"mlbench info", "mlbench info --format json", NULL},
     mlb_cmd_info},
    {"verify",
     MLB_CMD_VERIFY,
     "[WORKLOAD [KEY=VALUE[,VALUE]...]]...",
     NULL,
     "check results against the plain reference, without timing",
     {"mlbench verify", "mpirun -n 2 mlbench verify all_reduce bytes=1MiB", NULL},
     mlb_cmd_verify},
    {"links",
     MLB_CMD_LINKS,
     "",
     NULL,
     "measure all pairs of machines and GPUs, and name the slow one",
     {"mpirun mlbench links", "mpirun --hostfile hosts mlbench links --format json", NULL},
     mlb_cmd_links},
    {"prices",
     MLB_CMD_PRICES,
     "list [FILTER=PATTERN]...|show PROVIDER/INSTANCE|import FILE...",
     "list show import",
     "what instances are published to cost, with source and day",
     {"mlbench prices list gpu=H100 purchase=spot", "mlbench prices show aws/p5.48xlarge",
      "mlbench prices import spot-history.json", NULL},
     mlb_cmd_prices},
    {"cost",
     MLB_CMD_COST,
     "[RECORD|FOLDER|provider=NAME|instance=NAME]...",
     NULL,
     "what a unit of training costs on each machine that was measured, and which one wins",
     {"mlbench cost results", "mlbench cost results --price aws/p5.48xlarge=31.50 --gpus 64",
      "mlbench cost results region=us-* --purchase spot --format csv", NULL},
     mlb_cmd_cost},
    {"decide",
     MLB_CMD_DECIDE,
     "FILE|NAME [RECORD|FOLDER|KEY=PATTERN]...",
     NULL,
     "a weighted matrix of options, measured scores from records, and what turns it",
     {"mlbench decide example",
      "mlbench decide choice.jsonc results provider=aws --format markdown", NULL},
     mlb_cmd_decide},
    {"compare",
     MLB_CMD_COMPARE,
     "BASE... -- NEW...",
     NULL,
     "is one set of records faster than another, case by case?",
     {"mlbench compare before/ -- after/", "mlbench compare provider=aws -- provider=gcp nodes=2",
      "mlbench compare --gate last-night/ -- tonight/", NULL},
     mlb_cmd_compare},
    {"help",
     MLB_CMD_HELP,
     "[COMMAND|OPTION]",
     NULL,
     "help for the program, a command or an option",
     {"mlbench help run", "mlbench help budget", NULL},
     mlb_cmd_help},
    {"version",
     MLB_CMD_VERSION,
     "",
     NULL,
     "version, and what is built in",
     {"mlbench version", NULL},
     mlb_cmd_version},
    {0}};

enum mlb_status mlb_print(const char *text, struct mlb_error *err)
{
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
        return mlb_fail(err, MLB_E_IO, "stdout: %s", strerror(errno));
    return MLB_OK;
}

static const struct mlb_command *find_command(const char *name)
{
    for (const struct mlb_command *command = mlb_commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static enum mlb_status unknown_command(const char *word, struct mlb_error *err)
{
    const char *names[32] = {0};
    for (size_t i = 0; mlb_commands[i].name && i < 31; i++)
        names[i] = mlb_commands[i].name;
    const char *near = mlb_nearest(word, names);
    return mlb_fail(err, MLB_E_USAGE, "unknown command '%s'%s%s%s", word,
                    near ? "; did you mean '" : " ('mlbench help' lists all)", near ? near : "",
                    near ? "'?" : "");
}

/* The command is the first word; without one it is `run`. */
static enum mlb_status choose(int argc, char **argv, const struct mlb_command **command, int *first,
                              struct mlb_error *err)
{
    *command = &mlb_commands[0];
    *first = 1;
    if (argc < 2 || argv[1][0] == '-')
        return MLB_OK;
    *command = find_command(argv[1]);
    *first = 2;
    return *command ? MLB_OK : unknown_command(argv[1], err);
}

static enum mlb_status no_words(const struct mlb_command *command,
                                const struct mlb_options *options, struct mlb_error *err)
{
    if (command->words[0] || options->word_count == 0)
        return MLB_OK;
    return mlb_fail(err, MLB_E_USAGE, "%s: unexpected '%s'", command->name, options->words[0]);
}

enum mlb_status mlb_app_main(int argc, char **argv, struct mlb_error *err)
{
    struct mlb_options options = {0};
    const struct mlb_command *command;
    int first;
    if (mlb_option_defaults(mlb_options, &options, err) != MLB_OK ||
        choose(argc, argv, &command, &first, err) != MLB_OK ||
        mlb_options_parse(&options, argc, argv, first, command->bit, command->name, err) !=
            MLB_OK ||
        no_words(command, &options, err) != MLB_OK)
        return err->status;
    if (options.help) {
        options.word_count = first == 2 ? 1 : 0;
        options.words = &command->name;
        return mlb_cmd_help(&options, err);
    }
    return options.version ? mlb_cmd_version(&options, err) : command->run(&options, err);
}
