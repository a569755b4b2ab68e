/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the document; which printer it goes to. */
#include "harness/report/sheet_parts.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json_strict.h"
#include "harness/report/printers.h"

/* ---------------------------------------------------------------------------------------- texts */

static char *print_text(struct mlb_document *document, const char *format, va_list arguments)
{
    char *text;
    if (vasprintf(&text, format, arguments) < 0) {
        document->failed = true;
        return NULL;
    }
    mlb_text_harmless(text);
    return text;
}

__attribute__((format(printf, 2, 3))) static char *new_text(struct mlb_document *document,
                                                            const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = print_text(document, format, arguments);
    va_end(arguments);
    return text;
}

/* ---------------------------------------------------------------------------------------- lists */

/* The array with room for one item more than `count`; NULL when out of memory, and then it stays as
 * it was. */
static void *extend(struct mlb_document *document, void *items, size_t size, size_t count,
                    size_t *room)
{
    if (count < *room)
        return items;
    size_t more = *room ? 2 * *room : 8;
    void *moved = realloc(items, more * size);
    if (moved)
        *room = more;
    document->failed = document->failed || !moved;
    return moved;
}

/* The first wrong use by a caller; a document with one is not printed. */
__attribute__((format(printf, 2, 3))) static void bug(struct mlb_document *document,
                                                      const char *format, ...)
{
    if (document->bug[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(document->bug, sizeof document->bug, format, arguments);
    va_end(arguments);
}

static bool is_notes_of(const char *key, const struct mlb_sheet *sheet)
{
    size_t length = strlen(sheet->key);
    return strncmp(key, sheet->key, length) == 0 && strcmp(key + length, "_notes") == 0;
}

/* A key of the JSON's outermost object; one that stands twice is a bug. */
static void claim_key(struct mlb_document *document, const char *key)
{
    static const char *const own[] = {"program", "version", "schema", "kind",
                                      "title",   "notes",   NULL};
    bool taken = mlb_is_one_of(key, own);
    for (size_t i = 0; i < document->fact_count && !document->failed; i++)
        taken = taken || strcmp(key, document->facts[i].key) == 0;
    for (size_t i = 0; i < document->sheet_count && !document->failed; i++)
        taken = taken || strcmp(key, document->sheets[i]->key) == 0 ||
                is_notes_of(key, document->sheets[i]);
    if (taken)
        bug(document, "key '%s' stands twice", key);
}

/* ------------------------------------------------------------------------------------- document */

struct mlb_document *mlb_document_new(const char *kind, const char *title, ...)
{
    struct mlb_document *document = calloc(1, sizeof *document);
    if (!document)
        return NULL;
    va_list arguments;
    va_start(arguments, title);
    document->kind = new_text(document, "%s", kind);
    document->title = print_text(document, title, arguments);
    va_end(arguments);
    return document;
}

static void free_sheet(struct mlb_sheet *sheet)
{
    if (!sheet)
        return;
    for (size_t i = 0; i < sheet->cell_count; i++)
        free(sheet->cells[i].text);
    for (size_t i = 0; i < sheet->note_count; i++)
        free(sheet->notes[i]);
    for (size_t i = 0; i < MLB_SHEET_COLUMNS; i++)
        free(sheet->titles[i]);
    free(sheet->cells);
    free(sheet->notes);
    free(sheet->key);
    free(sheet->title);
    free(sheet);
}

void mlb_document_free(struct mlb_document *document)
{
    if (!document)
        return;
    for (size_t i = 0; i < document->fact_count; i++) {
        free(document->facts[i].key);
        free(document->facts[i].title);
        free(document->facts[i].value.text);
    }
    for (size_t i = 0; i < document->note_count; i++) {
        free(document->notes[i].code);
        free(document->notes[i].text);
    }
    for (size_t i = 0; i < document->sheet_count; i++)
        free_sheet(document->sheets[i]);
    free(document->facts);
    free(document->notes);
    free(document->sheets);
    free(document->kind);
    free(document->title);
    free(document);
}

/* Takes the value's text. */
static void add_fact(struct mlb_document *document, const char *key, const char *title,
                     struct mlb_value value)
{
    claim_key(document, key);
    struct mlb_document_fact *facts = extend(document, document->facts, sizeof *facts,
                                             document->fact_count, &document->fact_room);
    if (!facts) {
        free(value.text);
        return;
    }
    document->facts = facts;
    facts[document->fact_count++] = (struct mlb_document_fact){
        new_text(document, "%s", key), title ? new_text(document, "%s", title) : NULL, value};
}

void mlb_document_text(struct mlb_document *document, const char *key, const char *title,
                       const char *format, ...)
{
    if (!document)
        return;
    va_list arguments;
    va_start(arguments, format);
    struct mlb_value value = {MLB_VALUE_TEXT, .text = print_text(document, format, arguments)};
    va_end(arguments);
    add_fact(document, key, title, value);
}

static enum mlb_value_kind kind_of_real(double value)
{
    return isfinite(value) ? MLB_VALUE_REAL : MLB_VALUE_NONE;
}

void mlb_document_real(struct mlb_document *document, const char *key, const char *title,
                       double value, const char *format, ...)
{
    if (!document)
        return;
    va_list arguments;
    va_start(arguments, format);
    struct mlb_value fact = {kind_of_real(value), print_text(document, format, arguments), value,
                             false};
    va_end(arguments);
    add_fact(document, key, title, fact);
}

void mlb_document_note(struct mlb_document *document, const char *code, const char *format, ...)
{
    if (!document)
        return;
    struct mlb_document_note *notes = extend(document, document->notes, sizeof *notes,
                                             document->note_count, &document->note_room);
    if (!notes)
        return;
    document->notes = notes;
    va_list arguments;
    va_start(arguments, format);
    notes[document->note_count++] = (struct mlb_document_note){
        new_text(document, "%s", code), print_text(document, format, arguments)};
    va_end(arguments);
}

/* --------------------------------------------------------------------------------------- sheets */

/* Their keys and titles. */
static void take_columns(struct mlb_sheet *sheet)
{
    const struct mlb_column *columns = sheet->columns;
    size_t count = 0;
    for (; columns[count].key; count++)
        for (size_t i = 0; i < count; i++)
            if (strcmp(columns[i].key, columns[count].key) == 0)
                bug(sheet->document, "sheet '%s': column '%s' stands twice", sheet->key,
                    columns[i].key);
    sheet->column_count = count;
    for (size_t i = 0; i < count && i < MLB_SHEET_COLUMNS; i++)
        sheet->titles[i] = new_text(sheet->document, "%s", columns[i].title);
    if (count == 0 || count > MLB_SHEET_COLUMNS)
        bug(sheet->document, "sheet '%s' has %zu columns: 1 to %d", sheet->key, count,
            MLB_SHEET_COLUMNS);
}

struct mlb_sheet *mlb_document_sheet(struct mlb_document *document, const char *key,
                                     const char *title, const struct mlb_column *columns)
{
    if (!document)
        return NULL;
    claim_key(document, key);
    struct mlb_sheet **sheets = extend(document, document->sheets, sizeof *sheets,
                                       document->sheet_count, &document->sheet_room);
    if (sheets)
        document->sheets = sheets;
    struct mlb_sheet *sheet = calloc(1, sizeof *sheet);
    char *own = new_text(document, "%s", key), *heading = new_text(document, "%s", title);
    if (!sheets || !sheet || !own || !heading) {
        document->failed = true;
        free(sheet);
        free(own);
        free(heading);
        return NULL;
    }
    *sheet =
        (struct mlb_sheet){.document = document, .key = own, .title = heading, .columns = columns};
    sheets[document->sheet_count++] = sheet;
    take_columns(sheet);
    return sheet;
}

static bool is_full(const struct mlb_sheet *sheet)
{
    return sheet->cell_count == sheet->row_count * sheet->column_count;
}

void mlb_sheet_row(struct mlb_sheet *sheet)
{
    if (!sheet)
        return;
    if (!is_full(sheet))
        bug(sheet->document, "sheet '%s': too few cells in row %zu", sheet->key, sheet->row_count);
    sheet->row_count++;
}

/* Takes the text. */
static void add_cell(struct mlb_sheet *sheet, struct mlb_value value)
{
    struct mlb_document *document = sheet->document;
    if (sheet->cell_count >= sheet->row_count * sheet->column_count)
        bug(document, "sheet '%s': too many cells in row %zu", sheet->key, sheet->row_count);
    struct mlb_value *cells =
        extend(document, sheet->cells, sizeof *cells, sheet->cell_count, &sheet->cell_room);
    if (!cells) {
        free(value.text);
        return;
    }
    sheet->cells = cells;
    cells[sheet->cell_count++] = value;
}

void mlb_sheet_text(struct mlb_sheet *sheet, const char *format, ...)
{
    if (!sheet)
        return;
    va_list arguments;
    va_start(arguments, format);
    struct mlb_value value = {MLB_VALUE_TEXT,
                              .text = print_text(sheet->document, format, arguments)};
    va_end(arguments);
    add_cell(sheet, value);
}

void mlb_sheet_real(struct mlb_sheet *sheet, double value, const char *format, ...)
{
    if (!sheet)
        return;
    va_list arguments;
    va_start(arguments, format);
    struct mlb_value cell = {kind_of_real(value), print_text(sheet->document, format, arguments),
                             value, false};
    va_end(arguments);
    add_cell(sheet, cell);
}

void mlb_sheet_bool(struct mlb_sheet *sheet, bool value, const char *text)
{
    if (sheet)
        add_cell(sheet, (struct mlb_value){MLB_VALUE_BOOL, new_text(sheet->document, "%s", text),
                                           0.0, value});
}

void mlb_sheet_blank(struct mlb_sheet *sheet)
{
    if (sheet)
        add_cell(sheet, (struct mlb_value){.text = new_text(sheet->document, "%s", "")});
}

void mlb_sheet_note(struct mlb_sheet *sheet, const char *format, ...)
{
    if (!sheet)
        return;
    char **notes =
        extend(sheet->document, sheet->notes, sizeof *notes, sheet->note_count, &sheet->note_room);
    if (!notes)
        return;
    sheet->notes = notes;
    va_list arguments;
    va_start(arguments, format);
    notes[sheet->note_count++] = print_text(sheet->document, format, arguments);
    va_end(arguments);
}

bool mlb_sheet_shows(const struct mlb_sheet *sheet, size_t column)
{
    if (sheet->columns[column].use == MLB_COLUMN_MACHINE)
        return false;
    for (size_t row = 0; row < sheet->row_count; row++)
        if (mlb_sheet_cell(sheet, row, column)->text[0])
            return true;
    return false;
}

/* ------------------------------------------------------------------------------------- printing */

static const struct {
    const char *name;
    void (*print)(const struct mlb_document *document, struct mlb_text *to);
} printers[] = {{"text", mlb_document_to_text},
                {"markdown", mlb_document_to_markdown},
                {"csv", mlb_document_to_csv},
                {"json", mlb_document_to_json},
                {NULL, NULL}};

static enum mlb_status check(const struct mlb_document *document, struct mlb_error *err)
{
    if (!document || document->failed)
        return mlb_fail(err, MLB_E_NOMEM, "out of memory for the report");
    if (document->bug[0])
        return mlb_fail(err, MLB_E_INTERNAL, "report '%s': %s", document->kind, document->bug);
    for (size_t i = 0; i < document->sheet_count; i++)
        if (!is_full(document->sheets[i]))
            return mlb_fail(err, MLB_E_INTERNAL, "report '%s': sheet '%s': the last row is short",
                            document->kind, document->sheets[i]->key);
    return MLB_OK;
}

enum mlb_status mlb_document_print(const struct mlb_document *document, const char *format,
                                   struct mlb_text *to, struct mlb_error *err)
{
    size_t i = 0;
    while (printers[i].name && strcmp(printers[i].name, format) != 0)
        i++;
    if (!printers[i].name)
        return mlb_fail(err, MLB_E_INTERNAL, "no printer of the name '%s'", format);
    if (check(document, err) != MLB_OK)
        return err->status;
    printers[i].print(document, to);
    return mlb_print_end(to, err);
}
