/* SPDX-License-Identifier: Apache-2.0 */
/* Golden texts stand in tests/report/golden/sheet.*; MLBENCH_UPDATE_GOLDEN=1 writes them anew. */
#include "tests/check.h"

#include "harness/base/csv.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/report/report.h"
#include "harness/report/sheet.h"
#include "tests/report/golden.h"

static const struct mlb_column columns[] = {{"instance", "instance", MLB_COLUMN_BOTH, false, true},
                                            {"usd_per_hour", "$/h", MLB_COLUMN_BOTH, true, false},
                                            {"cheapest", "cheapest", MLB_COLUMN_BOTH, false, false},
                                            {"median", "interval", MLB_COLUMN_PEOPLE, false, false},
                                            {"low", "", MLB_COLUMN_MACHINE, false, false},
                                            {"count", "n", MLB_COLUMN_BOTH, true, false},
                                            {"source", "source", MLB_COLUMN_BOTH, false, true},
                                            {NULL}};

static void add_row(struct mlb_sheet *sheet, const char *instance, double usd, const char *source)
{
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "%s", instance);
    mlb_sheet_real(sheet, usd, usd > 0.0 ? "%.2f" : "-", usd);
    mlb_sheet_bool(sheet, usd < 60.0, usd < 60.0 ? "yes" : "");
    mlb_sheet_text(sheet, "[%.2f, %.2f]", 0.9 * usd, 1.1 * usd);
    mlb_sheet_real(sheet, 0.9 * usd, "%s", "");
    mlb_sheet_real(sheet, 9007199254740991.0, "%s", "9e15");
    mlb_sheet_text(sheet, "%s", source);
}

/* Everything that a builder can say. */
static struct mlb_document *example(void)
{
    struct mlb_document *document = mlb_document_new("prices", "Prices of %d instances", 2);
    mlb_document_text(document, "region", "region", "%s", "us-east-1");
    mlb_document_real(document, "share", NULL, 0.1, "%s", "");
    mlb_document_real(document, "unknown", "unknown", NAN, "%s", "not told");
    struct mlb_sheet *sheet = mlb_document_sheet(document, "instances", "Instances", columns);
    add_row(sheet, "aws/p5.48xlarge", 55.04, "a list with a comma, a \"quote\" and a | pipe");
    add_row(sheet, "gcp/größe-\x1b[31m\n*8g*\xff\xe2\x80\xae", NAN,
            "a source whose words are far longer than what the line has room for, so that it is "
            "shortened");
    mlb_sheet_note(sheet, "prices of %s", "one day");
    struct mlb_sheet *empty = mlb_document_sheet(document, "refused", "Refused", columns);
    (void)empty;
    mlb_document_note(document, "stale", "%s",
                      "2 prices are older than 90 days; a sentence that goes on until it does not "
                      "fit into a line of a hundred columns is wrapped");
    return document;
}

static struct mlb_text print(const struct mlb_document *document, const char *format)
{
    struct mlb_text text = {0};
    struct mlb_error err = {0};
    check_ok(mlb_document_print(document, format, &text, &err), &err);
    return text;
}

static void golden(void **state)
{
    static const char *const names[] = {"sheet.txt", "sheet.json", "sheet.csv", "sheet.md"};
    struct mlb_document *document = example();
    (void)state;
    for (size_t i = 0; mlb_printer_names[i]; i++) {
        struct mlb_text text = print(document, mlb_printer_names[i]);
        hide_version(text.data);
        compare_with_golden(names[i], mlb_text_get(&text));
        mlb_text_free(&text);
    }
    mlb_document_free(document);
}

/* ---------------------------------------------------------------------------- what machines get */

static void machines_get_full_precision_and_no_unknowns(void **state)
{
    struct mlb_document *document = example();
    struct mlb_text text = print(document, "json");
    cJSON *root = cJSON_Parse(mlb_text_get(&text));
    (void)state;
    check_true(root != NULL);
    check_i64(cJSON_GetObjectItem(root, "schema")->valueint, MLB_DOCUMENT_SCHEMA);
    check_close(cJSON_GetObjectItem(root, "share")->valuedouble, 0.1, 0.0);
    check_true(!cJSON_GetObjectItem(root, "unknown"));
    const cJSON *rows = cJSON_GetObjectItem(root, "instances");
    check_i64(cJSON_GetArraySize(rows), 2);
    const cJSON *first = cJSON_GetArrayItem(rows, 0), *second = cJSON_GetArrayItem(rows, 1);
    check_close(cJSON_GetObjectItem(first, "low")->valuedouble, 0.9 * 55.04, 0.0);
    check_close(cJSON_GetObjectItem(first, "count")->valuedouble, 9007199254740991.0, 0.0);
    check_true(!cJSON_GetObjectItem(first, "median"));
    check_true(!cJSON_GetObjectItem(second, "usd_per_hour"));
    check_true(cJSON_IsTrue(cJSON_GetObjectItem(first, "cheapest")));
    check_i64(cJSON_GetArraySize(cJSON_GetObjectItem(root, "refused")), 0);
    check_text(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "notes")->child, "code")->valuestring,
               "stale");
    cJSON_Delete(root);
    mlb_text_free(&text);
    mlb_document_free(document);
}

/* ---------------------------------------------------------------------------- what is not right */

static void check_bug(struct mlb_document *document, const char *part)
{
    struct mlb_text text = {0};
    struct mlb_error err = {0};
    check_fails(mlb_document_print(document, "text", &text, &err), MLB_E_INTERNAL, &err, part);
    check_true(text.length == 0);
    mlb_document_free(document);
}

static void wrong_use_is_said(void **state)
{
    static const struct mlb_column twice[] = {
        {.key = "a", .title = ""}, {.key = "a", .title = ""}, {NULL}};
    (void)state;
    struct mlb_document *document = example();
    mlb_document_text(document, "region", NULL, "x");
    check_bug(document, "key 'region' stands twice");
    document = example();
    mlb_document_text(document, "instances_notes", NULL, "x");
    check_bug(document, "key 'instances_notes' stands twice");
    document = example();
    mlb_document_sheet(document, "schema", "", columns);
    check_bug(document, "key 'schema' stands twice");
    document = example();
    mlb_document_sheet(document, "x", "", twice);
    check_bug(document, "column 'a' stands twice");
    document = example();
    struct mlb_sheet *sheet = mlb_document_sheet(document, "x", "", columns);
    mlb_sheet_row(sheet);
    mlb_sheet_blank(sheet);
    check_bug(document, "the last row is short");
    document = example();
    sheet = mlb_document_sheet(document, "x", "", columns);
    add_row(sheet, "a", 1.0, "");
    mlb_sheet_blank(sheet);
    check_bug(document, "too many cells in row 1");
}

static void nothing_is_out_of_memory(void **state)
{
    struct mlb_text text = {0};
    struct mlb_error err = {0};
    (void)state;
    mlb_document_text(NULL, "a", NULL, "x");
    mlb_document_note(NULL, "a", "x");
    mlb_sheet_row(mlb_document_sheet(NULL, "a", "", columns));
    mlb_sheet_blank(NULL);
    check_fails(mlb_document_print(NULL, "text", &text, &err), MLB_E_NOMEM, &err, "memory");
}

/* ------------------------------------------------------------------------------- random content */

enum { MOST = 24, ROWS = 5 };

static uint32_t draw(uint64_t seed, uint64_t index)
{
    return (uint32_t)(mlb_rng_bits(seed, index) >> 32);
}

/* Bytes of all kinds, letters and marks of the formats more often than others. */
static void random_text(uint64_t seed, uint64_t index, char *to, size_t size)
{
    static const char often[] = "abcdefghij klm,\"|\n\r\t\\\xc3\xa9\xe2\x80\x8b";
    size_t length = draw(seed, index) % (draw(seed, index + 1) % 4 ? 12 : size);
    for (size_t i = 0; i < length; i++) {
        uint32_t number = draw(seed, index + 2 + i);
        to[i] = number % 16 ? often[(number >> 8) % (sizeof often - 1)] : (char)(number >> 8);
        to[i] = to[i] ? to[i] : 'z';
    }
    to[length] = '\0';
}

struct random_document {
    struct mlb_document *document;
    struct mlb_column columns[MOST + 1];
    char keys[MOST][24], titles[MOST][64];
    size_t count;
};

static void random_document(struct random_document *random, uint64_t seed)
{
    char text[160];
    *random = (struct random_document){.count = 1 + draw(seed, 1) % MOST};
    for (size_t i = 0; i < random->count; i++) {
        uint32_t number = draw(seed, 10 + i);
        snprintf(random->keys[i], sizeof random->keys[i], "k%zu", i);
        random_text(seed, 1000 * (i + 1), random->titles[i], number % 8 ? 12 : 64);
        random->columns[i] = (struct mlb_column){
            random->keys[i], random->titles[i],
            number % 5 == 0 ? (enum mlb_column_use)(number / 8 % 3) : MLB_COLUMN_BOTH,
            number / 64 % 2 == 0, number / 128 % 3 == 0};
    }
    random_text(seed, 500, text, sizeof text);
    random->document = mlb_document_new("random", "%s", text);
    struct mlb_sheet *sheet = mlb_document_sheet(random->document, "rows", text, random->columns);
    for (size_t i = 0; i < ROWS * random->count; i++) {
        random_text(seed, 1000 * (100 + i), text, sizeof text);
        if (i % random->count == 0)
            mlb_sheet_row(sheet);
        mlb_sheet_text(sheet, "%s", text);
    }
    mlb_sheet_note(sheet, "%s", text);
    mlb_document_note(random->document, "code", "%s", text);
}

/* A line of CSV against the row's object in JSON; unknown is absent there and empty here. */
static void check_same_row(const struct random_document *random, const char *const *fields,
                           size_t count, const cJSON *row)
{
    size_t at = 0;
    for (size_t i = 0; i < random->count; i++) {
        if (random->columns[i].use == MLB_COLUMN_PEOPLE)
            continue;
        const char *text = "";
        mlb_json_get_text(row, random->keys[i], &text);
        check_true(at < count);
        check_text(fields[at++], text);
    }
    check_true(at == count || at == 0);
}

static void check_machines_agree(const struct random_document *random)
{
    struct mlb_text csv_text = print(random->document, "csv");
    struct mlb_text json_text = print(random->document, "json");
    struct mlb_json json = {0};
    struct mlb_error err = {0};
    const char *const *fields;
    size_t count;
    check_ok(mlb_json_parse(&json, "json", json_text.data, json_text.length, &err), &err);
    struct mlb_csv *csv = mlb_csv_memory("csv", csv_text.data, csv_text.length, &err);
    check_true(csv && mlb_csv_next(csv, &fields, &count, &err));
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(json.root, "rows"))
    {
        check_true(mlb_csv_next(csv, &fields, &count, &err));
        check_same_row(random, fields, count, row);
    }
    check_true(!mlb_csv_next(csv, &fields, &count, &err));
    check_ok(err.status, &err);
    mlb_csv_close(csv);
    mlb_json_close(&json);
    mlb_text_free(&json_text);
    mlb_text_free(&csv_text);
}

static size_t count_of(const char *text, char byte)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == byte;
    return count;
}

static void any_content_prints(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        struct random_document random;
        random_document(&random, seed);
        struct mlb_text text = print(random.document, "text");
        struct mlb_text markdown = print(random.document, "markdown");
        check_true(widest_line(mlb_text_get(&text)) <= 100);
        check_true(strstr(mlb_text_get(&text), " \n") == NULL);
        check_true(count_of(mlb_text_get(&markdown), '\r') == 0);
        check_machines_agree(&random);
        mlb_text_free(&markdown);
        mlb_text_free(&text);
        mlb_document_free(random.document);
    }
}

/* ---------------------------------------------------------------------------------------- width */

enum { NUMBERS = 20 };

/* Numbers are never cut: a table of many has pieces, and each piece its rows' names. */
/* Counts what the printers must not: each of these signs takes two columns and three bytes. */
static void wide_signs_keep_lines_short(void **state)
{
    struct mlb_text name = {0}, text = {0};
    struct mlb_error err = {0};
    (void)state;
    for (int i = 0; i < 70; i++)
        mlb_text_add(&name, "\xe6\xa7\xbd");
    struct mlb_document *document = mlb_document_new("wide", "a%s b", mlb_text_get(&name));
    struct mlb_sheet *sheet = mlb_document_sheet(document, "rows", "", columns);
    add_row(sheet, mlb_text_get(&name), 1.0, "");
    add_row(sheet, "short", 1.0, "");
    check_ok(mlb_document_print(document, "text", &text, &err), &err);
    size_t lines = 0;
    for (const char *line = mlb_text_get(&text); *line; line = strchr(line, '\n') + 1, lines++) {
        size_t bytes = strcspn(line, "\n"), signs = 0;
        for (size_t i = 0; i < bytes; i++)
            signs += line[i] == '\xe6';
        check_true(bytes - signs <= 100);
    }
    check_true(lines >= 5);
    mlb_text_free(&name);
    mlb_text_free(&text);
    mlb_document_free(document);
}

static void wide_tables_have_pieces(void **state)
{
    struct mlb_column many[NUMBERS + 2] = {{.key = "name", .title = "name"}};
    char keys[NUMBERS][24];
    (void)state;
    for (size_t i = 0; i < NUMBERS; i++) {
        snprintf(keys[i], sizeof keys[i], "n%zu", i);
        many[i + 1] = (struct mlb_column){keys[i], keys[i], MLB_COLUMN_BOTH, true, false};
    }
    struct mlb_document *document = mlb_document_new("wide", "wide");
    struct mlb_sheet *sheet = mlb_document_sheet(document, "rows", "", many);
    mlb_sheet_row(sheet);
    mlb_sheet_text(sheet, "a row's own name");
    for (int i = 0; i < NUMBERS; i++)
        mlb_sheet_real(sheet, 1e9 + i, "%.0f", 1e9 + i);
    struct mlb_text text = print(document, "text");
    for (int i = 0; i < NUMBERS; i++) {
        char number[32];
        snprintf(number, sizeof number, "%.0f", 1e9 + i);
        check_contains(mlb_text_get(&text), number);
    }
    check_true(widest_line(mlb_text_get(&text)) <= 100);
    const char *second = strstr(mlb_text_get(&text), "a row's own name") + 1;
    check_contains(second, "a row's own name");
    mlb_text_free(&text);
    mlb_document_free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(machines_get_full_precision_and_no_unknowns),
        cmocka_unit_test(wrong_use_is_said),
        cmocka_unit_test(nothing_is_out_of_memory),
        cmocka_unit_test(any_content_prints),
        cmocka_unit_test(wide_signs_keep_lines_short),
        cmocka_unit_test(wide_tables_have_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
