/* SPDX-License-Identifier: Apache-2.0 */
/* What a document is made of: for its builders and its printers alone. */
#ifndef MLB_REPORT_SHEET_PARTS_H
#define MLB_REPORT_SHEET_PARTS_H

#include "harness/report/sheet.h"

#define MLB_SHEET_COLUMNS 64 /* most of one sheet */

enum mlb_value_kind {
    MLB_VALUE_NONE, /* unknown to machines; people see the text all the same */
    MLB_VALUE_TEXT,
    MLB_VALUE_REAL,
    MLB_VALUE_BOOL
};

/* A cell, or a fact of the head. Its text is one line of UTF-8 without control characters, and
 * never NULL once the document is printed. */
struct mlb_value {
    enum mlb_value_kind kind;
    char *text;
    double real;
    bool truth;
};

struct mlb_document_fact {
    char *key, *title; /* title NULL = for machines alone */
    struct mlb_value value;
};

struct mlb_document_note {
    char *code, *text;
};

struct mlb_sheet {
    struct mlb_document *document;
    char *key, *title;
    const struct mlb_column *columns;
    char *titles[MLB_SHEET_COLUMNS]; /* of the columns, harmless as all texts are */
    size_t column_count;
    struct mlb_value *cells; /* row by row */
    size_t cell_count, cell_room, row_count;
    char **notes;
    size_t note_count, note_room;
};

struct mlb_document {
    char *kind, *title;
    struct mlb_document_fact *facts;
    size_t fact_count, fact_room;
    struct mlb_document_note *notes;
    size_t note_count, note_room;
    struct mlb_sheet **sheets;
    size_t sheet_count, sheet_room;
    bool failed;   /* out of memory */
    char bug[200]; /* the first wrong use; "" = none */
};

static inline const struct mlb_value *mlb_sheet_cell(const struct mlb_sheet *sheet, size_t row,
                                                     size_t column)
{
    return &sheet->cells[row * sheet->column_count + column];
}

/* Shown in text and Markdown: for people, and with something in it in some row. */
bool mlb_sheet_shows(const struct mlb_sheet *sheet, size_t column);

void mlb_document_to_text(const struct mlb_document *document, struct mlb_text *to);
void mlb_document_to_markdown(const struct mlb_document *document, struct mlb_text *to);
void mlb_document_to_csv(const struct mlb_document *document, struct mlb_text *to);
void mlb_document_to_json(const struct mlb_document *document, struct mlb_text *to);

#endif
