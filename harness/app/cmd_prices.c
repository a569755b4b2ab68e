/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench prices: what instances are published to cost. */
#include <string.h>

#include "harness/app/commands.h"
#include "harness/app/paths.h"
#include "harness/app/prices.h"
#include "harness/base/text.h"
#include "harness/report/report.h"

static const struct verb {
    const char *name;
    enum mlb_status (*run)(const struct mlb_options *options, struct mlb_error *err);
} verbs[] = {{"list", mlb_prices_list},
             {"show", mlb_prices_show},
             {"import", mlb_prices_import},
             {NULL, NULL}};

static enum mlb_status no_verb(const char *word, struct mlb_error *err)
{
    struct mlb_text names = {0};
    for (const struct verb *verb = verbs; verb->name; verb++)
        mlb_text_addf(&names, "%s%s", verb == verbs ? "" : ", ", verb->name);
    mlb_fail(err, MLB_E_USAGE, "prices%s%s%s: write one of %s ('mlbench help prices')",
             word ? " '" : "", word ? word : "", word ? "'" : "", mlb_text_get(&names));
    mlb_text_free(&names);
    return err->status;
}

enum mlb_status mlb_cmd_prices(const struct mlb_options *options, struct mlb_error *err)
{
    if (options->word_count == 0)
        return no_verb(NULL, err);
    struct mlb_options rest = *options;
    rest.words++;
    rest.word_count--;
    for (const struct verb *verb = verbs; verb->name; verb++)
        if (strcmp(verb->name, options->words[0]) == 0)
            return verb->run(&rest, err);
    return no_verb(options->words[0], err);
}

enum mlb_status mlb_prices_open(struct mlb_catalog **catalog, const struct mlb_options *options,
                                struct mlb_error *err)
{
    char configs[MLB_PATH], folder[MLB_PATH + 16];
    *catalog = NULL;
    if (mlb_configs_folder(configs, err) != MLB_OK)
        return err->status;
    mlb_format(folder, sizeof folder, "%s/catalog", configs);
    if (mlb_catalog_open(catalog, folder, options->prices, err) != MLB_OK)
        return err->status;
    if (!options->price[0] || mlb_catalog_override(*catalog, options->price, err) == MLB_OK)
        return MLB_OK;
    mlb_catalog_close(*catalog);
    *catalog = NULL;
    return err->status;
}

enum mlb_status mlb_prices_print(struct mlb_document *document, const struct mlb_options *options,
                                 struct mlb_error *err)
{
    struct mlb_text text = {0};
    enum mlb_status status =
        mlb_document_print(document, mlb_printer_names[options->format], &text, err);
    if (status == MLB_OK)
        status = mlb_print(mlb_text_get(&text), err);
    mlb_text_free(&text);
    mlb_document_free(document);
    return status;
}
