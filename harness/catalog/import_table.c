/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/base/text.h"
#include "harness/catalog/import_offer.h"

static enum mlb_status no_column(const struct mlb_table *table, const char *path, const char *name,
                                 struct mlb_error *err)
{
    struct mlb_text there = {0};
    for (size_t i = 0; i < table->count && i < 12; i++)
        mlb_text_addf(&there, "%s%.40s", i ? ", " : "", table->fields[i]);
    mlb_fail(err, MLB_E_CONFIG, "%s:%zu: no column '%s'; there are: %s%s", path,
             mlb_csv_line(table->csv), name, mlb_text_get(&there),
             table->count > 12 ? ", ..." : "");
    mlb_text_free(&there);
    return err->status;
}

enum mlb_status mlb_table_columns(struct mlb_table *table, const char *path,
                                  const char *const *names, size_t required, struct mlb_error *err)
{
    table->width = table->count;
    for (size_t i = 0; names[i]; i++) {
        table->at[i] = mlb_csv_find(table->fields, table->count, names[i]);
        if (table->at[i] == table->width && i < required)
            return no_column(table, path, names[i], err);
    }
    return MLB_OK;
}

enum mlb_status mlb_table_open(struct mlb_table *table, const char *path, const char *const *names,
                               size_t required, struct mlb_error *err)
{
    *table = (struct mlb_table){.csv = mlb_csv_open(path, err)};
    if (!table->csv)
        return err->status;
    if (!mlb_csv_next(table->csv, &table->fields, &table->count, err) && err->status == MLB_OK)
        mlb_fail(err, MLB_E_CONFIG, "%s: no header", path);
    if (err->status == MLB_OK)
        mlb_table_columns(table, path, names, required, err);
    return err->status ? mlb_table_end(table, err) : MLB_OK;
}

bool mlb_table_next(struct mlb_table *table, struct mlb_import *import, struct mlb_error *err)
{
    while (mlb_csv_next(table->csv, &table->fields, &table->count, err)) {
        table->line = mlb_csv_line(table->csv);
        if (table->count != table->width)
            mlb_import_find(import, MLB_SHORT_LINE, table->line, "%zu fields of %zu", table->count,
                            table->width);
        else if (!mlb_csv_ended(table->csv)) /* 14.2461 cut off after 14 is a number, too */
            mlb_import_find(import, MLB_SHORT_LINE, table->line,
                            "the file ends in it, without a line end");
        else
            return true;
    }
    return false;
}

const char *mlb_table_get(const struct mlb_table *table, size_t column)
{
    size_t at = table->at[column];
    return at < table->count ? table->fields[at] : "";
}

enum mlb_status mlb_table_end(struct mlb_table *table, const struct mlb_error *err)
{
    mlb_csv_close(table->csv);
    table->csv = NULL;
    return err->status;
}
