/* SPDX-License-Identifier: Apache-2.0 */
/* A document as JSON: results/document.schema.json describes it. */
#include "harness/base/json.h"
#include "harness/base/version.h"
#include "harness/report/sheet_parts.h"

static bool add_text(cJSON *object, const char *key, const char *text)
{
    return cJSON_AddStringToObject(object, key, text) != NULL;
}

/* Unknown is absent. */
static bool add_value(cJSON *object, const char *key, const struct mlb_value *value)
{
    switch (value->kind) {
    case MLB_VALUE_NONE:
        return true;
    case MLB_VALUE_TEXT:
        return !value->text[0] || add_text(object, key, value->text);
    case MLB_VALUE_REAL:
        return mlb_json_add(object, key, mlb_json_real(value->real));
    case MLB_VALUE_BOOL:
        return cJSON_AddBoolToObject(object, key, value->truth) != NULL;
    }
    return false;
}

static bool add_rows(cJSON *root, const struct mlb_sheet *sheet)
{
    cJSON *rows = cJSON_AddArrayToObject(root, sheet->key);
    for (size_t row = 0; row < sheet->row_count; row++) {
        cJSON *object = rows ? mlb_json_append(rows, cJSON_CreateObject()) : NULL;
        if (!object)
            return false;
        for (size_t i = 0; i < sheet->column_count; i++)
            if (sheet->columns[i].use != MLB_COLUMN_PEOPLE &&
                !add_value(object, sheet->columns[i].key, mlb_sheet_cell(sheet, row, i)))
                return false;
    }
    return rows != NULL;
}

static bool add_sheet_notes(cJSON *root, const struct mlb_sheet *sheet)
{
    char key[128];
    mlb_format(key, sizeof key, "%s_notes", sheet->key);
    if (!sheet->note_count)
        return true;
    return mlb_json_add(
        root, key,
        cJSON_CreateStringArray((const char *const *)sheet->notes, (int)sheet->note_count));
}

static bool add_notes(cJSON *root, const struct mlb_document *document)
{
    cJSON *notes = cJSON_AddArrayToObject(root, "notes");
    for (size_t i = 0; notes && i < document->note_count; i++) {
        cJSON *note = mlb_json_append(notes, cJSON_CreateObject());
        if (!note || !add_text(note, "code", document->notes[i].code) ||
            !add_text(note, "text", document->notes[i].text))
            return false;
    }
    return notes != NULL;
}

static bool build(cJSON *root, const struct mlb_document *document)
{
    if (!root || !add_text(root, "program", "mlbench") ||
        !add_text(root, "version", mlb_build.version) ||
        !cJSON_AddNumberToObject(root, "schema", MLB_DOCUMENT_SCHEMA) ||
        !add_text(root, "kind", document->kind) || !add_text(root, "title", document->title))
        return false;
    for (size_t i = 0; i < document->fact_count; i++)
        if (!add_value(root, document->facts[i].key, &document->facts[i].value))
            return false;
    for (size_t i = 0; i < document->sheet_count; i++)
        if (!add_rows(root, document->sheets[i]) || !add_sheet_notes(root, document->sheets[i]))
            return false;
    return add_notes(root, document);
}

void mlb_document_to_json(const struct mlb_document *document, struct mlb_text *to)
{
    cJSON *root = cJSON_CreateObject();
    char *printed = build(root, document) ? cJSON_Print(root) : NULL;
    if (printed) {
        mlb_text_add(to, printed);
        mlb_text_add(to, "\n");
    }
    to->failed = to->failed || !printed;
    cJSON_free(printed);
    cJSON_Delete(root);
}
