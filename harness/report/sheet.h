/* SPDX-License-Identifier: Apache-2.0 */
/* A document of tables, built once and printed as text of at most 100 columns, Markdown, CSV or
 * JSON.
 *
 * A cell has a text for people and, where it is a number, the number in SI units for machines; so
 * the four formats cannot disagree. Builders run out of memory silently; mlb_document_print says
 * it. */
#ifndef MLB_REPORT_SHEET_H
#define MLB_REPORT_SHEET_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/status.h"
#include "harness/base/text.h"

#define MLB_DOCUMENT_SCHEMA 1 /* "schema" of its JSON */

enum mlb_column_use {
    MLB_COLUMN_BOTH,
    MLB_COLUMN_PEOPLE, /* text and Markdown only: what other columns say in full */
    MLB_COLUMN_MACHINE /* CSV and JSON only */
};

struct mlb_column {
    const char *key;   /* for machines, with the unit: "usd_per_hour", "change_fraction" */
    const char *title; /* for people: "$/h" */
    enum mlb_column_use use;
    bool right; /* numbers stand to the right */
    bool
        flexible; /* gives way where a line would be too long: shortened with "..." in text alone */
};

struct mlb_document; /* head facts, notes, sheets in the order they were added */
struct mlb_sheet;

/* `kind` is JSON's "kind": "compare", "cost", "decide", "prices", "prices_import". */
struct mlb_document *mlb_document_new(const char *kind, const char *title, ...)
    __attribute__((format(printf, 2,
                          3))); /* NULL when out of memory; every call below takes NULL */
void mlb_document_free(struct mlb_document *document);

/* A fact of the head: for machines under `key`; for people as "title: text", or not at all when
 * `title` is NULL. Numbers are for machines; `text` is what people read. */
void mlb_document_text(struct mlb_document *document, const char *key, const char *title,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
void mlb_document_real(struct mlb_document *document, const char *key, const char *title,
                       double value, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* A sentence under all tables, wrapped in text: JSON: notes: [ { code, text } ]. */
void mlb_document_note(struct mlb_document *document, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `columns` end with a NULL key and have to stay; JSON: KEY: [ { column: value, ... } ]. CSV prints
 * the first sheet alone. Owned by the document. */
struct mlb_sheet *mlb_document_sheet(struct mlb_document *document, const char *key,
                                     const char *title, const struct mlb_column *columns);
void mlb_sheet_row(struct mlb_sheet *sheet); /* begins a row; its cells follow in order */
void mlb_sheet_text(struct mlb_sheet *sheet, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A number; not finite = unknown: absent for machines; people see the text all the same. */
void mlb_sheet_real(struct mlb_sheet *sheet, double value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mlb_sheet_bool(struct mlb_sheet *sheet, bool value, const char *text);
void mlb_sheet_blank(struct mlb_sheet *sheet);
/* A sentence under this table, for people; machines find it in the sheet's own KEY_notes. */
void mlb_sheet_note(struct mlb_sheet *sheet, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* `format` is one of mlb_printer_names. */
enum mlb_status mlb_document_print(const struct mlb_document *document, const char *format,
                                   struct mlb_text *to, struct mlb_error *err);

#endif
