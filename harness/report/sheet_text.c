/* SPDX-License-Identifier: Apache-2.0 */
/* A document for a terminal: no line has more than 100 columns. Texts give way where a row would be
 * wider; where that is not enough the table is printed in pieces, each with its first column, since
 * a number that is cut is another number. */
#include "harness/report/sheet_parts.h"
#include "harness/report/wrap.h"

enum {
    WIDTH = 100,
    INDENT = 2,
    GAP = 2,
    NARROW = 16, /* texts are shortened to this, not further */
    NAME = 40,   /* longest first column of a table in pieces */
    SINGLE = 56, /* longest other column of it: NAME, GAP, SINGLE and INDENT make a line */
    MARK = 3     /* columns of "..." */
};

struct table {
    const struct mlb_sheet *sheet;
    size_t width[MLB_SHEET_COLUMNS]; /* 0 = the column is not shown */
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What a column would take, a whole line at most. */
static size_t natural_width(const struct mlb_sheet *sheet, size_t column)
{
    size_t width = mlb_text_columns(sheet->titles[column]);
    for (size_t row = 0; row < sheet->row_count; row++)
        width = larger(width, mlb_text_columns(mlb_sheet_cell(sheet, row, column)->text));
    return mlb_sheet_shows(sheet, column) ? smaller(width, WIDTH) : 0;
}

static size_t table_width(const struct table *table)
{
    size_t width = INDENT - GAP;
    for (size_t i = 0; i < table->sheet->column_count; i++)
        width += table->width[i] ? table->width[i] + GAP : 0;
    return width;
}

/* The widest of the columns that may give way, column_count = none. */
static size_t widest(const struct table *table, bool flexible)
{
    const struct mlb_column *columns = table->sheet->columns;
    size_t found = table->sheet->column_count, width = NARROW;
    for (size_t i = 0; i < table->sheet->column_count; i++) {
        bool gives = flexible ? columns[i].flexible : !columns[i].right;
        if (gives && table->width[i] > width) {
            found = i;
            width = table->width[i];
        }
    }
    return found;
}

static void shrink(struct table *table, bool flexible)
{
    size_t at;
    while (table_width(table) > WIDTH &&
           (at = widest(table, flexible)) < table->sheet->column_count)
        table->width[at]--;
}

static void measure(struct table *table)
{
    for (size_t i = 0; i < table->sheet->column_count; i++)
        table->width[i] = natural_width(table->sheet, i);
}

/* Columns that are in one piece: as many from `from` on as fit beside the first one. */
static size_t end_of_piece(const struct table *table, size_t first, size_t from)
{
    size_t used = INDENT + (from > first ? table->width[first] + GAP : 0), at = from;
    for (; at < table->sheet->column_count; at++) {
        if (at > from && used + table->width[at] > WIDTH)
            break;
        used += table->width[at] ? table->width[at] + GAP : 0;
    }
    return at;
}

static void add_fitted(struct mlb_text *to, const char *text, size_t width, bool right)
{
    bool whole = mlb_text_columns(text) <= width || width < MARK;
    size_t bytes = mlb_wrap_bytes(text, whole ? width : width - MARK);
    struct mlb_text shown = {0};
    mlb_text_addf(&shown, "%.*s%s", (int)bytes, text, whole ? "" : "...");
    size_t columns = mlb_text_columns(mlb_text_get(&shown));
    int pad = columns < width ? (int)(width - columns) : 0;
    mlb_text_addf(to, "%*s%s%*s", right ? pad : 0, "", mlb_text_get(&shown), right ? 0 : pad, "");
    to->failed = to->failed || shown.failed;
    mlb_text_free(&shown);
}

struct piece {
    size_t first, from, end; /* the first column of the table, and those of the piece */
};

static bool in_piece(const struct table *table, const struct piece *piece, size_t column)
{
    return table->width[column] &&
           (column == piece->first || (column >= piece->from && column < piece->end));
}

/* Row `row`, or the titles when it is the number of rows. */
static void add_line(struct mlb_text *to, const struct table *table, const struct piece *piece,
                     size_t row)
{
    const struct mlb_sheet *sheet = table->sheet;
    const char *before = "  ";
    for (size_t i = 0; i < sheet->column_count; i++) {
        if (!in_piece(table, piece, i))
            continue;
        const char *text =
            row < sheet->row_count ? mlb_sheet_cell(sheet, row, i)->text : sheet->titles[i];
        mlb_text_add(to, before);
        add_fitted(to, text, table->width[i], sheet->columns[i].right);
        before = "  ";
    }
    mlb_text_trim(to);
    mlb_text_add(to, "\n");
}

static void add_piece(struct mlb_text *to, const struct table *table, const struct piece *piece)
{
    add_line(to, table, piece, table->sheet->row_count);
    for (size_t row = 0; row < table->sheet->row_count; row++)
        add_line(to, table, piece, row);
}

static size_t first_shown(const struct table *table)
{
    size_t first = 0;
    while (first < table->sheet->column_count && !table->width[first])
        first++;
    return first;
}

static void add_in_pieces(struct mlb_text *to, struct table *table)
{
    size_t count = table->sheet->column_count;
    measure(table);
    size_t first = first_shown(table);
    for (size_t i = 0; i < count; i++)
        table->width[i] = smaller(table->width[i], i == first ? NAME : SINGLE);
    for (size_t from = first; from < count;) {
        struct piece piece = {first, from, end_of_piece(table, first, from)};
        mlb_text_add(to, from > first ? "\n" : "");
        add_piece(to, table, &piece);
        from = piece.end;
    }
}

static void add_table(struct mlb_text *to, const struct mlb_sheet *sheet)
{
    struct table table = {.sheet = sheet};
    measure(&table);
    shrink(&table, true);
    shrink(&table, false);
    if (table_width(&table) > WIDTH)
        add_in_pieces(to, &table);
    else
        add_piece(to, &table, &(struct piece){0, 0, sheet->column_count});
}

static void add_paragraph(struct mlb_text *to, size_t column, size_t indent, const char *text)
{
    mlb_wrap_add(to, column, text,
                 (struct mlb_wrap){.width = WIDTH, .indent = indent, .cut = true});
}

static void add_sheet(struct mlb_text *to, const struct mlb_sheet *sheet)
{
    mlb_text_add(to, "\n");
    if (sheet->title[0])
        add_paragraph(to, 0, INDENT, sheet->title);
    if (sheet->row_count)
        add_table(to, sheet);
    else
        mlb_text_add(to, "  none\n");
    for (size_t i = 0; i < sheet->note_count; i++) {
        mlb_text_add(to, "  ^ ");
        add_paragraph(to, 4, 4, sheet->notes[i]);
    }
}

static void add_fact(struct mlb_text *to, const struct mlb_document_fact *fact)
{
    struct mlb_text line = {0};
    if (!fact->title || !fact->value.text[0])
        return;
    mlb_text_addf(&line, "%s: %s", fact->title, fact->value.text);
    add_paragraph(to, 0, INDENT, mlb_text_get(&line));
    to->failed = to->failed || line.failed;
    mlb_text_free(&line);
}

void mlb_document_to_text(const struct mlb_document *document, struct mlb_text *to)
{
    add_paragraph(to, 0, INDENT, document->title);
    for (size_t i = 0; i < document->fact_count; i++)
        add_fact(to, &document->facts[i]);
    for (size_t i = 0; i < document->sheet_count; i++)
        add_sheet(to, document->sheets[i]);
    mlb_text_add(to, document->note_count ? "\n" : "");
    for (size_t i = 0; i < document->note_count; i++)
        add_paragraph(to, 0, INDENT, document->notes[i].text);
}
