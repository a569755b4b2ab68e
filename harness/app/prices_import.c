/* SPDX-License-Identifier: Apache-2.0 */
/* mlbench prices import: what providers publish, as a price file of one's own. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/app/prices.h"
#include "harness/base/date.h"
#include "harness/base/text.h"
#include "harness/catalog/price_file.h"
#include "harness/catalog/price_import.h"

static const struct mlb_column file_columns[] = {
    {"file", "file", MLB_COLUMN_BOTH, false, true},
    {"format", "format", MLB_COLUMN_BOTH, false, false},
    {"prices", "prices", MLB_COLUMN_BOTH, true, false},
    {"as_of", "as of", MLB_COLUMN_BOTH, false, false},
    {"as_of_is", "which is", MLB_COLUMN_BOTH, false, false},
    {0}};

static const struct mlb_column finding_columns[] = {
    {"code", "", MLB_COLUMN_MACHINE, false, false},
    {"count", "", MLB_COLUMN_BOTH, true, false},
    {"what", "what", MLB_COLUMN_BOTH, false, false},
    {"first", "the first", MLB_COLUMN_BOTH, false, true},
    {0}};

static void add_files(struct mlb_document *document, const struct mlb_import *import)
{
    struct mlb_sheet *sheet = mlb_document_sheet(document, "files", "files", file_columns);
    for (size_t i = 0; i < mlb_import_file_count(import); i++) {
        const struct mlb_import_file *file = mlb_import_file(import, i);
        mlb_sheet_row(sheet);
        mlb_sheet_text(sheet, "%s", file->path);
        mlb_sheet_text(sheet, "%s", file->format->name);
        mlb_sheet_real(sheet, (double)file->taken, "%zu", file->taken);
        mlb_sheet_text(sheet, "%s", file->as_of);
        mlb_sheet_text(sheet, "%s", file->as_of_is);
    }
}

static void add_findings(struct mlb_document *document, const struct mlb_import *import,
                         enum mlb_finding_class class, const char *key, const char *title)
{
    const struct mlb_finding *findings;
    size_t count = mlb_import_findings(import, &findings);
    struct mlb_sheet *sheet = NULL;
    for (size_t i = 0; i < count; i++) {
        if (findings[i].kind->class != class || findings[i].count == 0)
            continue;
        if (!sheet)
            sheet = mlb_document_sheet(document, key, title, finding_columns);
        mlb_sheet_row(sheet);
        mlb_sheet_text(sheet, "%s", findings[i].kind->code);
        mlb_sheet_real(sheet, (double)findings[i].count, "%zu", findings[i].count);
        mlb_sheet_text(sheet, "%s", findings[i].kind->text);
        mlb_sheet_text(sheet, "%s", findings[i].first);
    }
}

static void add_count(struct mlb_document *document, const char *key, size_t count)
{
    mlb_document_real(document, key, NULL, (double)count, "%zu", count);
}

static struct mlb_document *document_of(const struct mlb_import *import, const char *path)
{
    struct mlb_import_outcome outcome = mlb_import_outcome(import);
    size_t taken = outcome.added + outcome.changed + outcome.confirmed;
    struct mlb_document *document = mlb_document_new("prices_import", "prices import");
    mlb_document_text(document, "taken", "taken", "%zu price%s of %zu instance%s", taken,
                      taken == 1 ? "" : "s", outcome.instances, outcome.instances == 1 ? "" : "s");
    if (taken)
        mlb_document_text(document, "file", "written",
                          "%s: %zu new, %zu changed, %zu confirmed, "
                          "%zu kept as they were",
                          path, outcome.added, outcome.changed, outcome.confirmed, outcome.kept);
    else
        mlb_document_note(document, "nothing_newer", "Nothing is newer than what %s holds.", path);
    add_count(document, "added", outcome.added);
    add_count(document, "changed", outcome.changed);
    add_count(document, "confirmed", outcome.confirmed);
    add_count(document, "kept", outcome.kept);
    add_count(document, "instances", outcome.instances);
    add_files(document, import);
    add_findings(document, import, MLB_REFUSED, "refused", "refused");
    add_findings(document, import, MLB_FLAGGED, "flagged",
                 "taken, but look at them: the reason stands in their note");
    add_findings(document, import, MLB_LEFT, "left", "left aside");
    return document;
}

/* "provider=aws" among the files. */
static const char *provider_of(const char *word)
{
    static const char key[] = "provider=";
    return strncmp(word, key, sizeof key - 1) == 0 ? word + sizeof key - 1 : NULL;
}

static enum mlb_status read_files(struct mlb_import *import, const struct mlb_options *options,
                                  struct mlb_error *err)
{
    size_t files = 0;
    for (size_t i = 0; i < options->word_count; i++) {
        if (provider_of(options->words[i]))
            continue;
        if (mlb_import_read(import, options->words[i], err) != MLB_OK)
            return err->status;
        files++;
    }
    if (files == 0)
        return mlb_fail(err, MLB_E_USAGE,
                        "prices import: no file; docs/prices-import.md tells how to fetch one");
    return MLB_OK;
}

/* What stands at `path` already; a file of another kind is never written over. */
static enum mlb_status read_known(struct mlb_import *import, struct mlb_catalog **known,
                                  const struct mlb_catalog *catalog, const char *path,
                                  struct mlb_error *err)
{
    const struct mlb_price *prices;
    struct stat facts;
    if (!path[0])
        return mlb_fail(err, MLB_E_USAGE, "--into: the path is empty");
    bool there = stat(path, &facts) == 0;
    if (!there && errno == ENOENT)
        return MLB_OK;
    if (there && !S_ISREG(facts.st_mode)) /* a pipe would not end */
        return mlb_fail(err, MLB_E_USAGE,
                        "%s: not a plain file; it is left as it is: --into names another file",
                        path);
    if (mlb_price_file_open(known, catalog, path, err) != MLB_OK)
        return mlb_fail(err, err->status, "%s; it is left as it is: --into names another file",
                        err->text);
    size_t count = mlb_catalog_prices(*known, &prices);
    return mlb_import_known(import, prices, count, err);
}

static enum mlb_status write_prices(const struct mlb_import *import, const char *path,
                                    struct mlb_error *err)
{
    struct mlb_import_outcome outcome = mlb_import_outcome(import);
    const struct mlb_price *prices;
    size_t count = mlb_import_prices(import, &prices);
    return outcome.added + outcome.changed + outcome.confirmed > 0
               ? mlb_price_file_write(path, prices, count, err)
               : MLB_OK;
}

static size_t taken_from_files(const struct mlb_import *import)
{
    size_t taken = 0;
    for (size_t i = 0; i < mlb_import_file_count(import); i++)
        taken += mlb_import_file(import, i)->taken;
    return taken;
}

/* Written first: what is printed has happened. */
static enum mlb_status import_into(struct mlb_import *import, const struct mlb_options *options,
                                   const struct mlb_catalog *catalog, struct mlb_error *err)
{
    struct mlb_catalog *known = NULL;
    enum mlb_status status = read_files(import, options, err);
    if (status == MLB_OK)
        status = read_known(import, &known, catalog, options->into, err);
    if (status == MLB_OK)
        status = mlb_import_finish(import, err);
    if (status == MLB_OK)
        status = write_prices(import, options->into, err);
    if (status == MLB_OK)
        status = mlb_prices_print(document_of(import, options->into), options, err);
    if (status == MLB_OK && taken_from_files(import) == 0)
        status = mlb_fail(err, MLB_E_CONFIG,
                          "prices import: no price was taken, and nothing is written");
    mlb_catalog_close(known);
    return status;
}

enum mlb_status mlb_prices_import(const struct mlb_options *options, struct mlb_error *err)
{
    struct mlb_catalog *catalog = NULL;
    struct mlb_import_options import_options = {
        .provider = "", .as_of = options->as_of, .today = mlb_date_today()};
    for (size_t i = 0; i < options->word_count; i++)
        if (provider_of(options->words[i]))
            import_options.provider = provider_of(options->words[i]);
    if (mlb_prices_open(&catalog, options, err) != MLB_OK)
        return err->status;
    import_options.catalog = catalog;
    struct mlb_import *import = mlb_import_new(&import_options, err);
    if (import)
        import_into(import, options, catalog, err);
    mlb_import_free(import);
    mlb_catalog_close(catalog);
    return err->status;
}
