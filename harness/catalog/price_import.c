/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/catalog/price_import.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/date.h"
#include "harness/base/text.h"
#include "harness/catalog/import_inner.h"

enum { HEAD = 64 * 1024 };
#define MOST 1000000 /* a price list of all regions has some 10,000 of the catalog's instances */

static const struct mlb_finding_kind kinds[MLB_FINDINGS] = {
    [MLB_NOT_A_NUMBER] = {MLB_REFUSED, "not_a_number", "a price that is no number"},
    [MLB_ZERO] = {MLB_REFUSED, "zero", "a price of zero"},
    [MLB_NEGATIVE] = {MLB_REFUSED, "negative", "a negative price"},
    [MLB_ABSURD] = {MLB_REFUSED, "absurd",
                    "an amount that an hour of such an instance cannot cost"},
    [MLB_OTHER_CURRENCY] = {MLB_REFUSED, "currency", "not in US dollars"},
    [MLB_OTHER_UNIT] = {MLB_REFUSED, "unit", "not by the hour"},
    [MLB_NO_REGION] = {MLB_REFUSED, "no_region", "without a region"},
    [MLB_NO_DATE] = {MLB_REFUSED, "no_date", "without the instant from which on it holds"},
    [MLB_NOT_TEXT] = {MLB_REFUSED, "not_text",
                      "a place that is no name: control bytes, not UTF-8, too long"},
    [MLB_SHORT_LINE] = {MLB_REFUSED, "short_line", "fields missing or too many: a line cut off"},
    [MLB_NO_PARTNER] = {MLB_REFUSED, "no_partner", "a host whose GPUs have no price there"},
    [MLB_CONFLICT] = {MLB_REFUSED, "conflict", "another price for the same thing came before it"},
    [MLB_OTHER_INSTANCE] = {MLB_LEFT, "other_instance", "of instances that are not in the catalog"},
    [MLB_OTHER_SOFTWARE] = {MLB_LEFT, "other_software", "with Windows or other paid software"},
    [MLB_OTHER_TENANCY] = {MLB_LEFT, "other_tenancy", "dedicated hosts, reserved capacity"},
    [MLB_OTHER_TERMS] = {MLB_LEFT, "other_terms", "on terms that mlbench does not compare"},
    [MLB_NOT_YET] = {MLB_LEFT, "not_yet", "announced, not in force yet"},
    [MLB_DUPLICATE] = {MLB_LEFT, "duplicate", "the same price again"},
    [MLB_SUPERSEDED] = {MLB_LEFT, "superseded", "an older price for the same thing"},
    [MLB_DEARER] = {MLB_LEFT, "dearer", "a dearer way to buy the same"},
    [MLB_SPOT_ABOVE] = {MLB_FLAGGED, "spot_above", "spot at or above on demand"},
    [MLB_FAR_BELOW] = {MLB_FLAGGED, "far_below",
                       "on demand below half of the median of all regions"},
    [MLB_OTHER_COUNT] = {MLB_FLAGGED, "accelerators",
                         "another number of accelerators than the catalog's"},
    [MLB_FREE_HOST] = {MLB_FLAGGED, "free_host",
                       "a host at 0: the price is that of its GPUs alone"},
    [MLB_OLD_P5] = {MLB_FLAGGED, "old_p5",
                    "98.32 for a p5.48xlarge: its price until June 2025; 55.04 since"},
    [MLB_MORE_PAGES] = {MLB_FLAGGED, "more_pages", "a page with a next one: are all here?"},
};

struct mlb_import *mlb_import_new(const struct mlb_import_options *options, struct mlb_error *err)
{
    int64_t day;
    if (options->as_of[0] && (!mlb_date_parse(options->as_of, &day) || day > options->today)) {
        mlb_fail(err, MLB_E_USAGE, "--as-of %s: not a day until today; it is written as 2026-08-11",
                 options->as_of);
        return NULL;
    }
    struct mlb_import *import = calloc(1, sizeof *import);
    if (!import) {
        mlb_fail(err, MLB_E_NOMEM, "prices: out of memory");
        return NULL;
    }
    import->options = *options;
    if (!import->options.most)
        import->options.most = MOST;
    for (size_t i = 0; i < MLB_FINDINGS; i++)
        import->findings[i].kind = &kinds[i];
    return import;
}

void mlb_import_free(struct mlb_import *import)
{
    if (!import)
        return;
    for (size_t i = 0; i < import->count; i++) {
        free(import->taken[i].block);
        free(import->taken[i].note);
    }
    for (size_t i = 0; i < import->file_count; i++)
        free(import->files[i]);
    free(import->files);
    free(import->taken);
    free(import->prices);
    free(import);
}

/* ------------------------------------------------------------------------- the beginning of a file
 */

/* What a file is that is no text: its first bytes, and what to do. */
static const struct {
    const char *bytes;
    size_t length;
    const char *is;
} not_text[] = {
    {"\x1f\x8b", 2, "compressed with gzip: unpack it first (gunzip)"},
    {"PK\x03\x04", 4, "a zip archive: unpack it first (unzip)"},
    {"\x28\xb5\x2f\xfd", 4, "compressed with zstd: unpack it first (unzstd)"},
    {"BZh", 3, "compressed with bzip2: unpack it first (bunzip2)"},
    {"\xfd"
     "7zXZ",
     5, "compressed with xz: unpack it first (unxz)"},
    {"\xff\xfe", 2, "UTF-16, as PowerShell's > writes it: save it as UTF-8"},
    {"\xfe\xff", 2, "UTF-16: save it as UTF-8"},
    {"%PDF", 4, "a PDF"},
    {"<", 1, "a web page or XML, maybe the answer of a proxy or of a login"},
};

static enum mlb_status check_text(const char *path, const char *head, size_t length,
                                  struct mlb_error *err)
{
    if (length == 0 || strspn(head, " \t\r\n") == length)
        return mlb_fail(err, MLB_E_CONFIG, "%s: empty: was the download cut off?", path);
    for (size_t i = 0; i < sizeof not_text / sizeof *not_text; i++)
        if (length >= not_text[i].length &&
            memcmp(head, not_text[i].bytes, not_text[i].length) == 0)
            return mlb_fail(err, MLB_E_CONFIG, "%s: %s", path, not_text[i].is);
    if (memchr(head, '\0', length))
        return mlb_fail(err, MLB_E_CONFIG, "%s: not a text file", path);
    return MLB_OK;
}

static enum mlb_status cannot_read(const char *path, struct mlb_error *err)
{
    return mlb_fail(err, MLB_E_IO, "%s: cannot read: %s", path, strerror(errno));
}

/* Asked before it is opened: to open a pipe that nobody writes to would wait for ever. */
static enum mlb_status check_plain(const char *path, struct stat *facts, struct mlb_error *err)
{
    if (stat(path, facts) != 0)
        return cannot_read(path, err);
    return S_ISREG(facts->st_mode)
               ? MLB_OK
               : mlb_fail(err, MLB_E_IO,
                          "%s: not a plain file: its beginning tells the format and is read twice",
                          path);
}

static enum mlb_status read_head(const char *path, char *head, size_t *length, struct stat *facts,
                                 struct mlb_error *err)
{
    if (check_plain(path, facts, err) != MLB_OK)
        return err->status;
    FILE *file = fopen(path, "re");
    if (!file)
        return cannot_read(path, err);
    *length = fread(head, 1, HEAD, file);
    if (ferror(file))
        cannot_read(path, err);
    fclose(file);
    head[*length] = '\0';
    return err->status ? err->status : check_text(path, head, *length, err);
}

static enum mlb_status unknown_format(const char *path, struct mlb_error *err)
{
    struct mlb_text names = {0};
    for (const struct mlb_import_format *format = mlb_import_formats; format->name; format++)
        mlb_text_addf(&names, "%s%s", names.length ? ", " : "", format->name);
    mlb_fail(err, MLB_E_CONFIG, "%s: not a price file of a known format; known are %s", path,
             mlb_text_get(&names));
    mlb_text_free(&names);
    return err->status;
}

static enum mlb_status find_format(const char *path, const char *text, size_t length,
                                   const struct mlb_import_format **format, struct mlb_error *err)
{
    struct mlb_import_head head = {.text = text};
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        head.text += 3;
    head.text += strspn(head.text, " \t\r\n");
    head.json = *head.text == '{' || *head.text == '[';
    struct mlb_csv *csv = mlb_csv_memory(path, text, length, err);
    if (!csv)
        return err->status;
    /* A first record that is wrong or longer than the head is no format's. */
    if (!head.json && !mlb_csv_next(csv, &head.columns, &head.column_count, NULL))
        head.column_count = 0;
    *format = mlb_import_formats;
    while ((*format)->name && !(*format)->detect(&head))
        ++*format;
    mlb_csv_close(csv);
    return (*format)->name ? MLB_OK : unknown_format(path, err);
}

/* ----------------------------------------------------------------------------------- one file */

static struct mlb_import_file *add_file(struct mlb_import *import, const char *path)
{
    struct mlb_import_file **files =
        realloc(import->files, (import->file_count + 1) * sizeof *files);
    if (files)
        import->files = files;
    struct mlb_import_file *file = files ? calloc(1, sizeof *file) : NULL;
    if (!file)
        return NULL;
    const char *slash = strrchr(path, '/');
    mlb_format(file->name, sizeof file->name, "%s", slash ? slash + 1 : path);
    mlb_format(file->path, sizeof file->path, "%s", path);
    mlb_import_clean(file->name);
    mlb_import_clean(file->path);
    import->file = import->files[import->file_count++] = file;
    return file;
}

/* The day that the file says, by its own words or by its last entry, else the user's, else that of
 * the file itself. */
static enum mlb_status date_file(struct mlb_import *import, const char *path,
                                 const struct stat *facts, struct mlb_error *err)
{
    struct mlb_import_file *file = import->file;
    int64_t day = facts->st_mtime / MLB_SECONDS_PER_DAY;
    if (!file->as_of[0] && file->last_instant) {
        mlb_date_print(file->as_of, file->last_instant / MLB_SECONDS_PER_DAY);
        file->as_of_is = "last change";
    }
    if (!file->as_of[0] && import->options.as_of[0])
        mlb_import_dated(import, import->options.as_of, "given");
    if (!file->as_of[0]) {
        mlb_date_print(file->as_of, day);
        file->as_of_is = "file dated";
    }
    char today[16];
    if (mlb_date_parse(file->as_of, &day) && day > import->options.today)
        return mlb_fail(err, MLB_E_CONFIG,
                        "%s: %s %s, in the future: this machine has %s; is its clock right? "
                        "(--as-of DATE dates a file that holds no day)",
                        path, file->as_of_is, file->as_of,
                        mlb_date_print(today, import->options.today));
    mlb_format(file->source, sizeof file->source, "%s, %s, %s %s", file->format->what, file->name,
               file->as_of_is, file->as_of);
    return MLB_OK;
}

/* What the end of the file decides: the day and the source of its prices. */
static void date_prices(struct mlb_import *import, size_t first)
{
    for (size_t i = first; i < import->count; i++) {
        struct mlb_price *price = &import->taken[i].price;
        if (!mlb_date_parse(price->as_of, &price->day)) {
            price->as_of = import->file->as_of;
            mlb_date_parse(price->as_of, &price->day);
        }
        price->source = import->file->source;
    }
}

enum mlb_status mlb_import_read(struct mlb_import *import, const char *path, struct mlb_error *err)
{
    struct stat facts = {0};
    const struct mlb_import_format *format = NULL;
    size_t length = 0, first = import->count;
    char *head = malloc(HEAD + 1);
    enum mlb_status status =
        head && add_file(import, path)
            ? read_head(path, head, &length, &facts, err)
            : mlb_fail(err, MLB_E_NOMEM, "%s: cannot read: out of memory", path);
    if (status == MLB_OK)
        status = find_format(path, head, length, &format, err);
    free(head);
    if (status)
        return status;
    import->file->format = format;
    status = format->read(import, path, err);
    if (status == MLB_OK && import->failed)
        status = mlb_fail(err, MLB_E_NOMEM, "%s: out of memory", path);
    if (status == MLB_OK && import->full)
        status = mlb_fail(err, MLB_E_CONFIG,
                          "%s: over %zu prices of the catalog's instances; is a part repeated? "
                          "Split it and import the parts one after the other",
                          path, import->options.most);
    if (status == MLB_OK)
        status = date_file(import, path, &facts, err);
    if (status == MLB_OK)
        date_prices(import, first);
    return status;
}

enum mlb_status mlb_import_known(struct mlb_import *import, const struct mlb_price *prices,
                                 size_t count, struct mlb_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct mlb_taken *taken = mlb_import_append(import);
        if (!taken)
            return import->full ? mlb_fail(err, MLB_E_CONFIG, "prices: over %zu of them",
                                           import->options.most)
                                : mlb_fail(err, MLB_E_NOMEM, "prices: out of memory");
        taken->price = prices[i];
        const struct mlb_instance *instance =
            mlb_catalog_instance(import->options.catalog, prices[i].provider, prices[i].instance);
        if (instance) { /* spelt as those that are read */
            taken->price.provider = instance->provider;
            taken->price.instance = instance->name;
        }
    }
    return MLB_OK;
}

/* ---------------------------------------------------------------------------- what came of it */

size_t mlb_import_prices(const struct mlb_import *import, const struct mlb_price **first)
{
    *first = import->prices;
    return import->price_count;
}

struct mlb_import_outcome mlb_import_outcome(const struct mlb_import *import)
{
    return import->outcome;
}

size_t mlb_import_file_count(const struct mlb_import *import)
{
    return import->file_count;
}

const struct mlb_import_file *mlb_import_file(const struct mlb_import *import, size_t index)
{
    return import->files[index];
}

size_t mlb_import_findings(const struct mlb_import *import, const struct mlb_finding **first)
{
    *first = import->findings;
    return MLB_FINDINGS;
}
