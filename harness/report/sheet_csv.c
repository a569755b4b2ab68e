/* SPDX-License-Identifier: Apache-2.0 */
/* The first sheet of a document as CSV: the keys of its columns, then a line a row; what is not
 * known is empty. */
#include "harness/base/csv.h"
#include "harness/base/json.h"
#include "harness/report/sheet_parts.h"

static void add_value(struct mlb_text *to, const struct mlb_value *value)
{
    char real[MLB_REAL_TEXT];
    switch (value->kind) {
    case MLB_VALUE_NONE:
        break;
    case MLB_VALUE_TEXT:
        mlb_csv_add(to, value->text);
        break;
    case MLB_VALUE_REAL:
        mlb_text_add(to, mlb_real_print(real, value->real));
        break;
    case MLB_VALUE_BOOL:
        mlb_text_add(to, value->truth ? "true" : "false");
        break;
    }
}

/* Row `row`, or the keys when it is the number of rows. */
static void add_line(struct mlb_text *to, const struct mlb_sheet *sheet, size_t row)
{
    size_t began = to->length;
    const char *comma = "";
    for (size_t i = 0; i < sheet->column_count; i++) {
        if (sheet->columns[i].use == MLB_COLUMN_PEOPLE)
            continue;
        mlb_text_add(to, comma);
        if (row < sheet->row_count)
            add_value(to, mlb_sheet_cell(sheet, row, i));
        else
            mlb_csv_add(to, sheet->columns[i].key);
        comma = ",";
    }
    /* An empty line would be no record. */
    mlb_text_add(to, to->length == began ? "\"\"\n" : "\n");
}

void mlb_document_to_csv(const struct mlb_document *document, struct mlb_text *to)
{
    const struct mlb_sheet *sheet = document->sheet_count ? document->sheets[0] : NULL;
    if (!sheet)
        return;
    add_line(to, sheet, sheet->row_count);
    for (size_t row = 0; row < sheet->row_count; row++)
        add_line(to, sheet, row);
}
