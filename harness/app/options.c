/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/app/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "harness/device/device.h"
#include "harness/measure/plan.h"
#include "harness/report/comparison.h"
#include "harness/report/report.h"

#define AT(field) offsetof(struct mlb_options, field)
#define RUN       MLB_CMD_RUN
#define BOTH      MLB_CMD_MEASURING
#define LINKS     MLB_CMD_LINKS
#define JUDGING   MLB_CMD_JUDGING
#define PRICES    MLB_CMD_PRICES
#define COMPARE   MLB_CMD_COMPARE
#define COST      MLB_CMD_COST
#define DECIDE    MLB_CMD_DECIDE

enum { ROWS = 128 }; /* more than both tables have */

const struct mlb_option mlb_options[] = {
    {"suite", 's', MLB_TEXT, AT(suite), 0, 0, "quick", NULL, "NAME|FILE",
     "cases to measure: a name of `mlbench list`, or a file", BOTH},
    {"only", 'o', MLB_TEXT, AT(only), 0, 0, NULL, NULL, "PATTERN",
     "only cases whose id or label matches, with * and ?", BOTH | JUDGING},
    {"device", 'd', MLB_TEXT, AT(device), 0, 0, NULL, NULL, "KIND",
     "only cases on this kind of device: cuda or cpu", BOTH | LINKS},
    {"budget", 'b', MLB_TEXT, AT(budget), 0, 0, NULL, NULL, "TIME|$",
     "stop in time (90s) or for money ('$2', needs a price); what tells most comes first", RUN},
    {"price-per-hour", 'p', MLB_REAL, AT(price_per_hour), 0, 1e6, NULL, NULL, "USD",
     "what one node costs an hour; the job pays for all of its nodes", RUN},
    {"search", 0, MLB_FLAG, AT(search), 0, 0, NULL, NULL, NULL,
     "look for the sizes at which each case is fastest, and measure it there", RUN},
    {"search-time", 0, MLB_SECONDS, AT(search_time_s), 1, 86400, "60s", NULL, "TIME",
     "longest time to look for them, a case", RUN},
    {"solo", 0, MLB_FLAG, AT(solo), 0, 0, NULL, NULL, NULL,
     "ranks measure compute one after the other, not all together", RUN},
    {"oversubscribe", 0, MLB_FLAG, AT(oversubscribe), 0, 0, NULL, NULL, NULL,
     "allow more ranks on a node than it has devices or cores", BOTH | LINKS},
    {"require", 0, MLB_TEXT, AT(require), 0, 0, NULL, NULL, "WHAT",
     "net=efa|ib|roce|gib|..., gdr=on|off: exit code 4 when collectives went another way", RUN},
    {"resume", 'r', MLB_TEXT, AT(resume), 0, 0, NULL, NULL, "JOURNAL",
     "go on with a run that was cut short; what it has measured stays", RUN},
    {"output", 'O', MLB_TEXT, AT(output), 0, 0, "results", NULL, "FOLDER", "where the record goes",
     RUN | LINKS},
    {"no-record", 0, MLB_FLAG, AT(no_record), 0, 0, NULL, NULL, NULL, "write no record",
     RUN | LINKS},
    {"no-links", 0, MLB_FLAG, AT(no_links), 0, 0, NULL, NULL, NULL,
     "several machines or GPUs: do not look for slow links before the first case", RUN},
    {"format", 'f', MLB_CHOICE, AT(format), 0, 0, "text", mlb_printer_names, "FORMAT",
     "what stdout gets: text, json, csv or markdown",
     RUN | LINKS | MLB_CMD_INFO | JUDGING | PRICES},
    {"provider", 0, MLB_TEXT, AT(provider), 0, 0, NULL, NULL, "NAME",
     "whose machine this is (aws, gcp, azure, oci, lambda, ...), where it cannot tell by itself",
     RUN | LINKS | MLB_CMD_INFO},
    {"instance", 0, MLB_TEXT, AT(instance), 0, 0, NULL, NULL, "TYPE",
     "what it is rented as: p5.48xlarge, a3-highgpu-8g, ...", RUN | LINKS | MLB_CMD_INFO},
    {"records", 0, MLB_TEXT, AT(records), 0, 0, "results", NULL, "FOLDER",
     "where provider= and instance= look for records", JUDGING},
    {"prices", 0, MLB_TEXT, AT(prices), 0, 0, NULL, NULL, "FILE[,FILE]...",
     "price files beside the catalog's, as `mlbench prices import` writes them",
     COST | DECIDE | PRICES},
    {"price", 0, MLB_TEXT, AT(price), 0, 0, NULL, NULL, "WHAT=USD[,...]",
     "a price of your own: aws/p5.48xlarge=55.04, aws/p5.48xlarge:spot=14.20", COST | DECIDE},
    {"into", 0, MLB_TEXT, AT(into), 0, 0, "prices.json", NULL, "FILE",
     "the price file that an import writes, or adds to", PRICES},
    {"as-of", 0, MLB_TEXT, AT(as_of), 0, 0, NULL, NULL, "DATE",
     "the day of imported prices whose file says none: 2026-08-11", PRICES},
    {"purchase", 0, MLB_TEXT, AT(purchase), 0, 0, NULL, NULL, "WAY[,WAY]...",
     "only these ways of buying: on_demand, spot, reserved_1y, reserved_3y, capacity_block", COST},
    {"region", 0, MLB_TEXT, AT(region), 0, 0, NULL, NULL, "REGION",
     "prices of this region alone, instead of the one that was measured in", COST},
    {"gpus", 0, MLB_COUNT, AT(gpus), 1, 1e6, NULL, NULL, "N",
     "GPUs of the job, at the rates that were measured on each", COST},
    {"hours", 0, MLB_REAL, AT(hours), 0.001, 1e6, NULL, NULL, "H", "what renting so long costs",
     COST},
    {"flop-per-token", 0, MLB_REAL, AT(flop_per_token), 1, 1e18, NULL, NULL, "F",
     "what 10^9 tokens cost at least, at so many FLOP a token (about 6 a parameter)", COST},
    {"margin", 0, MLB_FRACTION, AT(margin), 0.0001, 0.5, NULL, NULL, "SHARE",
     "changes below it are small; default 2 %, of messages 3 %, of latencies 5 %", COMPARE},
    {"alpha", 0, MLB_FRACTION, AT(alpha), 0.0001, 0.5, "0.05", NULL, "P",
     "of all comparisons without a change, how many may show one", COMPARE},
    {"gate", 0, MLB_FLAG, AT(gate), 0, 0, NULL, NULL, NULL,
     "exit code 1 when a case is slower, 3 when one is unsure or missing", COMPARE},
    {"all", 0, MLB_FLAG, AT(all), 0, 0, NULL, NULL, NULL,
     "judge short messages and launches too; more cases take more launches", COMPARE},
    {"sort", 0, MLB_CHOICE, AT(sort), 0, 0, "record", mlb_comparison_sort_names, "ORDER",
     "of the cases: as in the record, by change (worst first) or by name", COMPARE},
    {"data", 0, MLB_CHOICE, AT(data), 0, 0, "normal", mlb_data_names, "KIND",
     "input data; kinds other than normal draw other power and don't compare", BOTH},
    {"seed", 0, MLB_COUNT, AT(seed), 0, 9e15, "1", NULL, "N", "of the input data", BOTH | LINKS},
    {"threads", 0, MLB_COUNT, AT(threads), 0, 4096, "0", NULL, "N",
     "CPU threads a rank uses; 0 = the cores it is bound to", BOTH | LINKS},
    {"timeout", 0, MLB_SECONDS, AT(timeout_s), 1, 86400, "25s", NULL, "TIME",
     "longest wait for another rank or for one step before the job is given up", BOTH | LINKS},
    {"no-progress", 0, MLB_FLAG, AT(no_progress), 0, 0, NULL, NULL, NULL,
     "no progress line, not even on a terminal", BOTH},
    {"checkpoint", 0, MLB_TEXT, AT(checkpoint), 0, 0, NULL, NULL, "SIZE",
     "the job's state, with --restart: what interruptions cost (2.3TB; GB = 10^9 bytes)", COST},
    {"checkpoint-rate", 0, MLB_TEXT, AT(checkpoint_rate), 0, 0, NULL, NULL, "RATE",
     "how fast the job writes it (57GB/s), instead of what records of `checkpoint` say", COST},
    {"restart", 0, MLB_SECONDS, AT(restart_s), 0.001, 1e7, NULL, NULL, "TIME",
     "from an interruption until the job goes on where it was: noticed, replaced, read back", COST},
    {"node-life", 0, MLB_SECONDS, AT(node_life_s), 0.001, 1e9, NULL, NULL, "TIME",
     "mean time until one spot machine is taken away", COST},
    {"interrupted", 0, MLB_FRACTION, AT(interrupted), 0.0001, 0.99, NULL, NULL, "PART",
     "or the part of them that is taken in a month, as AWS's spot advisor tells", COST},
    {"notice", 0, MLB_SECONDS, AT(notice_s), 0.001, 1e6, NULL, NULL, "TIME",
     "how long before one is told, instead of what the provider says", COST},
    {"use", 0, MLB_FRACTION, AT(use), 0.001, 1, NULL, NULL, "PART",
     "part of the time that a reserved machine will be in use", COST},
    {"data-set", 0, MLB_TEXT, AT(data_set), 0, 0, NULL, NULL, "SIZE",
     "what it costs to take it to another provider and to keep it (100TB; GB = 10^9 bytes)", COST},
    {"store", 0, MLB_SECONDS, AT(store_s), 1, 1e9, NULL, NULL, "TIME",
     "how long the data set is kept", COST},
    {"checkpoint-folder", 0, MLB_TEXT, AT(checkpoint_folder), 0, 0, NULL, NULL, "FOLDER",
     "a folder on the store where the job keeps its checkpoints, for `checkpoint`", BOTH},
    {"quiet", 'q', MLB_FLAG, AT(quiet), 0, 0, NULL, NULL, NULL, "errors only on stderr", 0},
    {"verbose", 'v', MLB_FLAG, AT(verbose), 0, 0, NULL, NULL, NULL, "say more on stderr", 0},
    {"man", 0, MLB_FLAG, AT(man), 0, 0, NULL, NULL, NULL, "print the man page", MLB_CMD_HELP},
    {"completion", 0, MLB_TEXT, AT(completion), 0, 0, NULL, NULL, "SHELL",
     "print the completion script for a shell: bash", MLB_CMD_HELP},
    {"help", 'h', MLB_FLAG, AT(help), 0, 0, NULL, NULL, NULL, "this help", 0},
    {"version", 'V', MLB_FLAG, AT(version), 0, 0, NULL, NULL, NULL, "the version", 0},
    {0}};

static bool takes(const struct mlb_option *row, unsigned bit)
{
    return row && (row->commands == 0 || (row->commands & bit));
}

/* The measuring options belong to run and verify. */
static const struct mlb_option *find_row(const char *name, unsigned bit)
{
    const struct mlb_option *row = mlb_option_find(mlb_options, name);
    if (takes(row, bit))
        return row;
    return bit & MLB_CMD_MEASURING ? mlb_option_find(mlb_measure_options, name) : NULL;
}

static const struct mlb_option *find_letter(char letter, unsigned bit)
{
    const struct mlb_option *row = mlb_option_find_letter(mlb_options, letter);
    if (takes(row, bit))
        return row;
    return bit & MLB_CMD_MEASURING ? mlb_option_find_letter(mlb_measure_options, letter) : NULL;
}

/* Names of all rows that the command takes; `names` has room for all rows and a NULL. */
static size_t collect(unsigned bit, const struct mlb_option **rows, size_t room)
{
    size_t count = 0;
    for (const struct mlb_option *row = mlb_options; row->name && count < room; row++)
        if (takes(row, bit))
            rows[count++] = row;
    if (bit & MLB_CMD_MEASURING)
        for (const struct mlb_option *row = mlb_measure_options; row->name && count < room; row++)
            rows[count++] = row;
    return count;
}

static enum mlb_status unknown(const char *word, unsigned bit, const char *command,
                               struct mlb_error *err)
{
    const struct mlb_option *rows[ROWS];
    const char *names[ROWS + 1] = {0};
    size_t count = collect(bit, rows, ROWS);
    for (size_t i = 0; i < count; i++)
        names[i] = rows[i]->name;
    const char *near = mlb_nearest(word + strspn(word, "-"), names);
    bool elsewhere = mlb_option_find(mlb_options, word + strspn(word, "-")) != NULL;
    return mlb_fail(err, MLB_E_USAGE, "%s '%s'%s%s%s ('mlbench help %s' lists all)",
                    elsewhere ? "this command takes no option" : "unknown option", word,
                    near ? "; did you mean '--" : "", near ? near : "", near ? "'?" : "", command);
}

/* getopt_long takes abbreviations, and its messages have no hints; so long names are looked up
 * first, exactly. */
static enum mlb_status check_long_names(int argc, char **argv, int first, unsigned bit,
                                        const char *command, int *end, struct mlb_error *err)
{
    int i;
    for (i = first; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--", 2) != 0)
            continue;
        char name[64];
        size_t length = strcspn(argv[i] + 2, "=");
        mlb_format(name, sizeof name, "%.*s", (int)length, argv[i] + 2);
        const struct mlb_option *row = find_row(name, bit);
        if (!row) {
            char word[80];
            mlb_format(word, sizeof word, "--%s", name);
            return unknown(word, bit, command, err);
        }
        if (row->type == MLB_FLAG && argv[i][2 + length] == '=')
            return mlb_fail(err, MLB_E_USAGE, "option '--%s' takes no value", name);
        if (row->type != MLB_FLAG && argv[i][2 + length] != '=')
            i++; /* its value */
    }
    *end = i;
    return MLB_OK;
}

/* Lists, whose second one would be taken for an addition as well. */
static bool is_list_taken(const struct mlb_options *options, const struct mlb_option *row)
{
    return strcmp(row->name, "price") == 0      ? options->price[0] != '\0'
           : strcmp(row->name, "prices") == 0   ? options->prices[0] != '\0'
           : strcmp(row->name, "purchase") == 0 ? options->purchase[0] != '\0'
                                                : false;
}

/* Words of which a second one would be taken for an addition, and only the last one counts. */
static bool is_taken(const struct mlb_options *options, const struct mlb_option *row)
{
    return strcmp(row->name, "suite") == 0     ? options->suite_given
           : strcmp(row->name, "only") == 0    ? options->only[0] != '\0'
           : strcmp(row->name, "require") == 0 ? options->require[0] != '\0'
           : strcmp(row->name, "region") == 0  ? options->region[0] != '\0'
                                               : false;
}

/* A value of the program's own, or one that overrides the suite's. */
static enum mlb_status take(struct mlb_options *options, const struct mlb_option *row,
                            const char *text, struct mlb_error *err)
{
    if (mlb_option_find(mlb_measure_options, row->name) != row) {
        if (is_taken(options, row))
            return mlb_fail(err, MLB_E_USAGE, "command line: --%s twice; it counts once",
                            row->name);
        if (is_list_taken(options, row))
            return mlb_fail(err, MLB_E_USAGE,
                            "command line: --%s twice; give it once, with commas between",
                            row->name);
        if (strcmp(row->name, "suite") == 0)
            options->suite_given = true;
        if (mlb_option_set(row, options, text, err) != MLB_OK) {
            err->status = MLB_E_USAGE;
            return mlb_fail_at(err, "command line");
        }
        return MLB_OK;
    }
    struct mlb_measure trial = {0};
    struct mlb_setting *setting = &options->settings[options->setting_count];
    if (mlb_option_set(row, &trial, text, err) != MLB_OK) {
        err->status = MLB_E_USAGE;
        return mlb_fail_at(err, "command line");
    }
    if (options->setting_count == MLB_SETTINGS ||
        !mlb_format(setting->text, sizeof setting->text, "%s", text))
        return mlb_fail(err, MLB_E_USAGE, "command line: too many measuring options");
    setting->row = row;
    options->setting_count++;
    return MLB_OK;
}

/* getopt's arrays from the rows. */
static void build_getopt(const struct mlb_option **rows, size_t count, struct option *longs,
                         char *letters)
{
    size_t at = 0;
    letters[at++] = ':';
    for (size_t i = 0; i < count; i++) {
        bool value = rows[i]->type != MLB_FLAG;
        longs[i] = (struct option){rows[i]->name, value ? required_argument : no_argument, NULL,
                                   1000 + (int)i};
        if (rows[i]->letter) {
            letters[at++] = rows[i]->letter;
            if (value)
                letters[at++] = ':';
        }
    }
    longs[count] = (struct option){0};
    letters[at] = '\0';
}

enum mlb_status mlb_options_parse(struct mlb_options *options, int argc, char **argv, int first,
                                  unsigned bit, const char *command, struct mlb_error *err)
{
    const struct mlb_option *rows[ROWS];
    struct option longs[ROWS + 1];
    char letters[3 * ROWS + 2];
    size_t count = collect(bit, rows, ROWS);
    int end = argc;
    if (check_long_names(argc, argv, first, bit, command, &end, err) != MLB_OK)
        return err->status;
    size_t behind = end < argc ? (size_t)(argc - end - 1) : 0;
    build_getopt(rows, count, longs, letters);
    opterr = 0;
    optind = 0; /* glibc: forget what an earlier call left half read */
    argc -= first - 1;
    argv += first - 1; /* the command's word stands where getopt expects the program's name */
    int got;
    while ((got = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (got == ':')
            return mlb_fail(err, MLB_E_USAGE, "option '%s' needs a value", argv[optind - 1]);
        const struct mlb_option *row = got >= 1000  ? rows[got - 1000]
                                       : got == '?' ? NULL
                                                    : find_letter((char)got, bit);
        if (!row) {
            char word[3] = {'-', (char)optopt, '\0'};
            return unknown(word, bit, command, err);
        }
        if (take(options, row, row->type == MLB_FLAG ? NULL : optarg, err) != MLB_OK)
            return err->status;
    }
    options->words = (const char *const *)argv + optind;
    options->word_count = (size_t)(argc - optind);
    options->side = options->word_count - behind;
    return MLB_OK;
}

/* Words are kept apart by blanks, so a blank inside one becomes '?', which --only reads as any
 * character. */
static void add_word(struct mlb_text *text, const char *word)
{
    mlb_text_add(text, text->length ? " " : "");
    for (; *word; word++)
        mlb_text_addf(text, "%c", *word == ' ' ? '?' : *word);
}

static void print_one(const struct mlb_options *options, const char *name, struct mlb_text *text)
{
    const struct mlb_option *row = mlb_option_find(mlb_options, name);
    struct mlb_text value = {0};
    mlb_option_print(row, options, &value);
    bool flag = row->type == MLB_FLAG;
    if (flag ? strcmp(mlb_text_get(&value), "true") == 0 : mlb_text_get(&value)[0] != '\0') {
        struct mlb_text word = {0};
        mlb_text_addf(&word, "--%s%s%s", name, flag ? "" : "=", flag ? "" : mlb_text_get(&value));
        add_word(text, mlb_text_get(&word));
        mlb_text_free(&word);
    }
    mlb_text_free(&value);
}

const char *const mlb_options_of_plan[] = {"only", "device", "search",  "solo",
                                           "data", "seed",   "threads", NULL};

void mlb_options_print_plan(const struct mlb_options *options, struct mlb_text *text)
{
    if (!options->word_count && !strchr(options->suite, '/'))
        print_one(options, "suite", text);
    for (size_t i = 0; mlb_options_of_plan[i]; i++)
        print_one(options, mlb_options_of_plan[i], text);
    for (size_t i = 0; i < options->setting_count; i++) {
        add_word(text, "--");
        mlb_text_addf(text, "%s=%s", options->settings[i].row->name, options->settings[i].text);
    }
    for (size_t i = 0; i < options->word_count; i++)
        add_word(text, options->words[i]);
}
