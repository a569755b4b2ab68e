/* SPDX-License-Identifier: Apache-2.0 */
/* A document as GitHub-flavoured Markdown. */
#include "harness/report/printers.h"
#include "harness/report/sheet_parts.h"

static void add_item(struct mlb_text *to, const char *bold, const char *text)
{
    mlb_text_add(to, "- ");
    if (bold) {
        mlb_text_add(to, "**");
        mlb_markdown_escape(to, bold);
        mlb_text_add(to, "** ");
    }
    mlb_markdown_escape(to, text);
    mlb_text_add(to, "\n");
}

static void add_heading(struct mlb_text *to, const char *mark, const char *text)
{
    mlb_text_add(to, mark);
    mlb_markdown_escape(to, text);
    mlb_text_add(to, "\n\n");
}

static void add_titles(struct mlb_text *to, const struct mlb_sheet *sheet, const bool *shown)
{
    for (size_t i = 0; i < sheet->column_count; i++) {
        if (!shown[i])
            continue;
        mlb_text_add(to, "| ");
        mlb_markdown_escape(to, sheet->titles[i]);
        mlb_text_add(to, " ");
    }
    mlb_text_add(to, "|\n");
    for (size_t i = 0; i < sheet->column_count; i++)
        if (shown[i])
            mlb_text_add(to, sheet->columns[i].right ? "| ---: " : "| --- ");
    mlb_text_add(to, "|\n");
}

static void add_row(struct mlb_text *to, const struct mlb_sheet *sheet, size_t row,
                    const bool *shown)
{
    for (size_t i = 0; i < sheet->column_count; i++) {
        if (!shown[i])
            continue;
        mlb_text_add(to, "| ");
        mlb_markdown_escape(to, mlb_sheet_cell(sheet, row, i)->text);
        mlb_text_add(to, " ");
    }
    mlb_text_add(to, "|\n");
}

static void add_sheet(struct mlb_text *to, const struct mlb_sheet *sheet)
{
    bool shown[MLB_SHEET_COLUMNS];
    mlb_text_add(to, "\n");
    if (sheet->title[0])
        add_heading(to, "### ", sheet->title);
    for (size_t i = 0; i < sheet->column_count; i++)
        shown[i] = mlb_sheet_shows(sheet, i);
    if (sheet->row_count)
        add_titles(to, sheet, shown);
    else
        mlb_text_add(to, "none\n");
    for (size_t row = 0; row < sheet->row_count; row++)
        add_row(to, sheet, row, shown);
    mlb_text_add(to, sheet->note_count ? "\n" : "");
    for (size_t i = 0; i < sheet->note_count; i++)
        add_item(to, NULL, sheet->notes[i]);
}

void mlb_document_to_markdown(const struct mlb_document *document, struct mlb_text *to)
{
    add_heading(to, "## ", document->title);
    for (size_t i = 0; i < document->fact_count; i++) {
        const struct mlb_document_fact *fact = &document->facts[i];
        if (fact->title && fact->value.text[0])
            add_item(to, fact->title, fact->value.text);
    }
    for (size_t i = 0; i < document->sheet_count; i++)
        add_sheet(to, document->sheets[i]);
    mlb_text_add(to, document->note_count ? "\n" : "");
    for (size_t i = 0; i < document->note_count; i++)
        add_item(to, NULL, document->notes[i].text);
}
