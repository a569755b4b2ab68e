/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench help and version; the man page and the shell completion, all from the tables. */
#include <stdio.h>
#include <string.h>

#include "harness/app/commands.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/measure/plan.h"

static const char what[] =
    "mlbench measures what a machine gives a training job: matrix multiplication, memory and\n"
    "collectives, verified, with intervals, in one record; and says from records and prices which\n"
    "machine gives most for the money, and how sure that is.\n";

static const char codes[] =
    "  0  good\n"
    "  1  a result is wrong, or a regression\n"
    "  2  wrong use, configuration, or a file that cannot be read or written\n"
    "  3  no verdict: nothing was measured or could be judged, a case failed, or interrupted\n"
    "  4  the machine is not healthy\n";

/* Commands whose exit code says more than that they could be carried out. */
#define VERDICTS ((unsigned)(MLB_CMD_MEASURING | MLB_CMD_LINKS | MLB_CMD_JUDGING))

static void describe(const struct mlb_option *row, struct mlb_text *text)
{
    char name[64];
    mlb_format(name, sizeof name, "%s%s%s", row->name, row->value ? " " : "",
               row->value ? row->value : "");
    if (row->letter)
        mlb_text_addf(text, "  -%c, --%-24s ", row->letter, name);
    else
        mlb_text_addf(text, "      --%-24s ", name);
    mlb_text_add(text, row->help);
    if (row->initial && row->initial[0] && row->type != MLB_FLAG && strcmp(row->initial, "0") != 0)
        mlb_text_addf(text, " [%s]", row->initial);
    mlb_text_add(text, "\n");
}

static bool takes(const struct mlb_option *row, unsigned bit)
{
    return row->commands == 0 || (row->commands & bit);
}

static void describe_options(unsigned bit, const char *title, struct mlb_text *text)
{
    mlb_text_addf(text, "\n%s\n", title);
    for (const struct mlb_option *row = mlb_options; row->name; row++)
        if (takes(row, bit))
            describe(row, text);
    if (!(bit & MLB_CMD_MEASURING))
        return;
    mlb_text_add(text, "\nmeasuring (keys of a suite's \"measure\" too; here they override it)\n");
    for (const struct mlb_option *row = mlb_measure_options; row->name; row++)
        describe(row, text);
}

static void help_all(struct mlb_text *text)
{
    mlb_text_add(text, what);
    mlb_text_add(text, "\n  mpirun mlbench [COMMAND] [options]\n\ncommands\n");
    for (const struct mlb_command *command = mlb_commands; command->name; command++)
        mlb_text_addf(text, "  %-9s %s\n", command->name, command->summary);
    describe_options(MLB_CMD_RUN, "options of run ('mlbench help COMMAND' has those of the others)",
                     text);
    mlb_text_addf(text, "\nexit codes\n%s", codes);
    mlb_text_add(text, "\nexamples\n");
    for (size_t i = 0; mlb_commands[0].examples[i]; i++)
        mlb_text_addf(text, "  %s\n", mlb_commands[0].examples[i]);
}

static void help_command(const struct mlb_command *command, struct mlb_text *text)
{
    mlb_text_addf(text, "mlbench %s %s\n  %s\n", command->name, command->words, command->summary);
    describe_options(command->bit, "options", text);
    if (command->bit & VERDICTS)
        mlb_text_addf(text, "\nexit codes\n%s", codes);
    mlb_text_add(text, "\nexamples\n");
    for (size_t i = 0; command->examples[i]; i++)
        mlb_text_addf(text, "  %s\n", command->examples[i]);
}

static enum mlb_status help_topic(const char *topic, struct mlb_text *text, struct mlb_error *err)
{
    const char *name = topic + strspn(topic, "-");
    for (const struct mlb_command *command = mlb_commands; command->name; command++)
        if (strcmp(command->name, name) == 0) {
            help_command(command, text);
            return MLB_OK;
        }
    const struct mlb_option *row = mlb_option_find(mlb_options, name);
    if (!row)
        row = mlb_option_find(mlb_measure_options, name);
    if (!row)
        return mlb_fail(err, MLB_E_USAGE, "help: no command and no option '%s'", topic);
    describe(row, text);
    return MLB_OK;
}

/* ------------------------------------------------------------------------------------- man page */

/* roff: a leading dot or quote and every backslash and dash are escaped. */
static void roff(struct mlb_text *text, const char *string)
{
    for (; *string; string++) {
        if (*string == '-' || *string == '\\')
            mlb_text_add(text, "\\");
        mlb_text_addf(text, "%c", *string);
    }
}

/* "(cost, decide)": who takes it, unless all do. */
static void roff_commands(unsigned bits, struct mlb_text *text)
{
    const char *before = " (";
    for (const struct mlb_command *command = mlb_commands; bits && command->name; command++)
        if (bits & command->bit) {
            mlb_text_addf(text, "%s%s", before, command->name);
            before = ", ";
        }
    mlb_text_add(text, bits ? ")\n" : "\n");
}

static void roff_options(const struct mlb_option *table, struct mlb_text *text)
{
    for (const struct mlb_option *row = table; row->name; row++) {
        mlb_text_add(text, ".TP\n.B ");
        if (row->letter)
            mlb_text_addf(text, "\\-%c, ", row->letter);
        mlb_text_add(text, "\\-\\-");
        roff(text, row->name);
        mlb_text_addf(text, " %s\n", row->value ? row->value : "");
        roff(text, row->help);
        roff_commands(row->commands, text);
    }
}

static void man_page(struct mlb_text *text)
{
    mlb_text_addf(text, ".TH MLBENCH 1 \"\" \"mlbench %s\"\n.SH NAME\nmlbench \\- ",
                  mlb_build.version);
    mlb_text_add(text, "what a machine gives a training job\n.SH SYNOPSIS\n"
                       ".B mpirun mlbench\n[COMMAND] [options]\n.SH DESCRIPTION\n");
    roff(text, what);
    mlb_text_add(text, ".SH COMMANDS\n");
    for (const struct mlb_command *command = mlb_commands; command->name; command++) {
        mlb_text_addf(text, ".TP\n.B %s ", command->name);
        roff(text, command->words);
        mlb_text_add(text, "\n");
        roff(text, command->summary);
        mlb_text_add(text, "\n");
    }
    mlb_text_add(text, ".SH OPTIONS\n");
    roff_options(mlb_options, text);
    mlb_text_add(text, ".SH MEASURING OPTIONS\nKeys of a suite's \"measure\" too.\n");
    roff_options(mlb_measure_options, text);
    mlb_text_add(text, ".SH EXIT STATUS\n.nf\n");
    roff(text, codes);
    mlb_text_add(text, ".fi\n.SH EXAMPLES\n.nf\n");
    for (const struct mlb_command *command = mlb_commands; command->name; command++)
        for (size_t i = 0; command->examples[i]; i++) {
            roff(text, command->examples[i]);
            mlb_text_add(text, "\n");
        }
    mlb_text_add(text, ".fi\n");
}

/* ------------------------------------------------------------------------------------ completion
 */

static void complete_choices(const struct mlb_option *table, struct mlb_text *text)
{
    for (const struct mlb_option *row = table; row->name; row++) {
        if (!row->choices)
            continue;
        mlb_text_addf(text, "    --%s) COMPREPLY=($(compgen -W \"", row->name);
        for (size_t i = 0; row->choices[i]; i++)
            mlb_text_addf(text, "%s%s", i ? " " : "", row->choices[i]);
        mlb_text_add(text, "\" -- \"$cur\")); return ;;\n");
    }
}

/* A line of `case $command in`: its options, and its verbs where it has some. */
static void complete_command(const struct mlb_command *command, struct mlb_text *text)
{
    mlb_text_addf(text, "    %s) verbs='%s'; options='", command->name,
                  command->verbs ? command->verbs : "");
    for (const struct mlb_option *row = mlb_options; row->name; row++)
        if (takes(row, command->bit))
            mlb_text_addf(text, " --%s", row->name);
    for (const struct mlb_option *row = mlb_measure_options;
         row->name && command->bit & MLB_CMD_MEASURING; row++)
        mlb_text_addf(text, " --%s", row->name);
    mlb_text_add(text, "' ;;\n");
}

static void bash_completion(struct mlb_text *text)
{
    mlb_text_add(text, "# bash completion of mlbench\n_mlbench()\n{\n"
                       "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                       "    local command=${COMP_WORDS[1]} verbs= options=\n"
                       "    [[ $command != -* ]] || command=run\n"
                       "    case $prev in\n");
    complete_choices(mlb_options, text);
    mlb_text_add(text, "    --suite|-s) COMPREPLY=($(compgen -W \"$(\"$1\" list 2>/dev/null |"
                       " awk '/^$/ {exit} /^  / {print $1}')\" -f -- \"$cur\")); return ;;\n"
                       "    --resume|-r) COMPREPLY=($(compgen -f -X '!*.journal' -- \"$cur\"));"
                       " return ;;\n"
                       "    --output|-O|--records|--checkpoint-folder)"
                       " COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
                       "    esac\n    case $command in\n");
    for (const struct mlb_command *command = mlb_commands; command->name; command++)
        complete_command(command, text);
    mlb_text_add(text, "    esac\n    if [[ $cur == -* ]]; then\n"
                       "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
                       "    elif [[ $COMP_CWORD == 1 ]]; then\n"
                       "        COMPREPLY=($(compgen -W \"");
    for (const struct mlb_command *command = mlb_commands; command->name; command++)
        mlb_text_addf(text, "%s ", command->name);
    mlb_text_add(text, "\" -- \"$cur\"))\n    elif [[ $COMP_CWORD == 2 ]]; then\n"
                       "        COMPREPLY=($(compgen -W \"$verbs\" -- \"$cur\"))\n    fi\n}\n"
                       "complete -o default -F _mlbench mlbench\n"); /* else names of files */
}

enum mlb_status mlb_cmd_help(const struct mlb_options *options, struct mlb_error *err)
{
    struct mlb_text text = {0};
    enum mlb_status status = MLB_OK;
    if (options->man)
        man_page(&text);
    else if (options->completion[0] && strcmp(options->completion, "bash") == 0)
        bash_completion(&text);
    else if (options->completion[0])
        status = mlb_fail(err, MLB_E_USAGE, "--completion %s: bash is known", options->completion);
    else if (options->word_count)
        status = help_topic(options->words[0], &text, err);
    else
        help_all(&text);
    if (status == MLB_OK)
        status = mlb_print(mlb_text_get(&text), err);
    mlb_text_free(&text);
    return status;
}

enum mlb_status mlb_cmd_version(const struct mlb_options *options, struct mlb_error *err)
{
    (void)options;
    struct mlb_text text = {0};
    mlb_text_addf(&text, "mlbench %s%s%s\n", mlb_build.version, mlb_build.git[0] ? " " : "",
                  mlb_build.git);
    mlb_text_addf(&text, "built with %s, %s%s%s\n", mlb_build.compiler, mlb_build.build_type,
                  mlb_build.sanitizers[0] ? ", sanitizers " : "", mlb_build.sanitizers);
    if (mlb_build.cuda[0])
        mlb_text_addf(&text, "CUDA %s for %s\n", mlb_build.cuda, mlb_build.cuda_architectures);
    else
        mlb_text_add(&text, "without CUDA\n");
    mlb_text_addf(&text, "MPI %s, oneDNN %s, hwloc %s, cJSON %s\n", mlb_build.mpi, mlb_build.onednn,
                  mlb_build.hwloc, mlb_build.cjson);
    enum mlb_status status = mlb_print(mlb_text_get(&text), err);
    mlb_text_free(&text);
    return status;
}
