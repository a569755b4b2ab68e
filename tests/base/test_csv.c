/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "harness/base/csv.h"
#include "tests/check.h"

/* Fields end with '|', records with ';'. */
static void read_all(struct mlb_csv *csv, char *to, size_t size, struct mlb_error *err)
{
    const char *const *fields;
    size_t count, length = 0;
    to[0] = '\0';
    while (mlb_csv_next(csv, &fields, &count, err)) {
        for (size_t i = 0; i < count; i++)
            length += (size_t)snprintf(to + length, size - length, "%s|", fields[i]);
        length += (size_t)snprintf(to + length, size - length, ";");
    }
}

static const struct {
    const char *text, *records;
} good[] = {
    {"", ""},
    {"\n\r\n\r", ""},
    {"a,b\nc,d\n", "a|b|;c|d|;"},
    {"a,b\nc,d", "a|b|;c|d|;"},
    {"a,b\r\nc,d\r\n", "a|b|;c|d|;"},
    {"a,b\rc,d\r", "a|b|;c|d|;"},
    {"a\r\nb\nc\rd\n\re", "a|;b|;c|;d|;e|;"},
    {"\xef\xbb\xbf\"a\",b\n", "a|b|;"},
    {"\xef\xbb\xbf", ""},
    {"a\n\n\nb\n", "a|;b|;"},
    {",\n", "||;"},
    {"a,\n,b", "a||;|b|;"},
    {"a,", "a||;"},
    {"\"\"\n\"\"", "|;|;"},
    {"\"a,b\",\"c\"\"d\"\"\"\n", "a,b|c\"d\"|;"},
    {"\"a\nb\r\nc\",d\n", "a\nb\r\nc|d|;"},
    {"\"a\"\r\n\"b\"\r\n", "a|;b|;"},
    {"a \"b\" c, d\n", "a \"b\" c| d|;"},
    {"{'Gpus': 8},\"{'Gpus': [{'Name': 'H100', 'Count': 8}]}\"\n",
     "{'Gpus': 8}|{'Gpus': [{'Name': 'H100', 'Count': 8}]}|;"},
};

static void records_are_as_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char records[256];
        struct mlb_error err = {0};
        struct mlb_csv *csv = mlb_csv_memory("t", good[i].text, strlen(good[i].text), &err);
        read_all(csv, records, sizeof records, &err);
        check_ok(err.status, &err);
        check_text(records, good[i].records);
        mlb_csv_close(csv);
    }
    mlb_csv_close(NULL);
}

static void what_is_wrong_has_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
        size_t length;
    } rows[] = {
        {"a\n\"b\nc", "t:2: cut off: a quoted field", 0},
        {"a\r\n\"b\"c\r\n", "t:2: text behind a quoted field", 0},
        {"a\n\"b\r\n\"x", "t:3: text behind a quoted field", 0},
        {"a\nb\0c\n", "t:2: a zero byte", 6},
        {"a\n\"b\0c\n", "t:2: a zero byte", 7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char records[256];
        struct mlb_error err = {0};
        size_t length = rows[i].length ? rows[i].length : strlen(rows[i].text);
        struct mlb_csv *csv = mlb_csv_memory("t", rows[i].text, length, &err);
        read_all(csv, records, sizeof records, &err);
        check_fails(err.status, MLB_E_CONFIG, &err, rows[i].error);
        check_text(records, "a|;");
        err = (struct mlb_error){0};
        read_all(csv, records, sizeof records, &err); /* and stays wrong */
        check_fails(err.status, MLB_E_CONFIG, &err, rows[i].error);
        mlb_csv_close(csv);
    }
}

static void a_record_knows_its_line(void **state)
{
    (void)state;
    const char text[] = "a\r\n\r\n\"b\r\nb\nb\"\nc\rd\n\n\ne";
    const size_t lines[] = {1, 3, 6, 7, 10};
    const char *const *fields;
    size_t count, i = 0;
    struct mlb_error err = {0};
    struct mlb_csv *csv = mlb_csv_memory("t", text, sizeof text - 1, &err);
    for (; mlb_csv_next(csv, &fields, &count, &err); i++)
        check_u64(mlb_csv_line(csv), lines[i]);
    check_u64(i, 5);
    mlb_csv_close(csv);
}

static void limits_are_said(void **state)
{
    (void)state;
    char records[8 * MLB_CSV_FIELDS], commas[MLB_CSV_FIELDS + 1];
    struct mlb_error err = {0};
    memset(commas, ',', sizeof commas);
    struct mlb_csv *csv = mlb_csv_memory("t", commas, MLB_CSV_FIELDS - 1, &err);
    read_all(csv, records, sizeof records, &err);
    check_ok(err.status, &err);
    mlb_csv_close(csv);
    csv = mlb_csv_memory("t", commas, MLB_CSV_FIELDS, &err);
    read_all(csv, records, sizeof records, &err);
    check_fails(err.status, MLB_E_CONFIG, &err, "t:1: a record of more than 256 fields");
    mlb_csv_close(csv);

    struct mlb_text text = {0};
    for (int i = 0; i < 100000; i++)
        mlb_text_add(&text, i ? "0123456789012345678901234567890123456789012345678" : "\"");
    csv = mlb_csv_memory("t", text.data, text.length, &err);
    read_all(csv, records, sizeof records, &err);
    check_fails(err.status, MLB_E_CONFIG, &err, "t:1: a record of more than 4 MiB");
    mlb_csv_close(csv);
    mlb_text_free(&text);
}

/* Records that lie across the pieces a file is read in, wherever the cut falls. */
static void a_file_reads_as_memory_does(void **state)
{
    (void)state;
    char path[] = "/tmp/mlbench-csv-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    for (int i = 0; i < 60000; i++)
        fprintf(file, "%d,\"x,\"\"%d\r\n\",%d\r\n", i, i, i * 7);
    fclose(file);
    const char *const *fields;
    size_t count;
    int i = 0;
    struct mlb_error err = {0};
    struct mlb_csv *csv = mlb_csv_open(path, &err);
    for (; mlb_csv_next(csv, &fields, &count, &err); i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "x,\"%d\r\n", i);
        check_u64(count, 3);
        check_text(fields[1], expected);
        check_i64(atoi(fields[2]), i * 7);
        check_u64(mlb_csv_line(csv), 2 * (size_t)i + 1);
    }
    check_ok(err.status, &err);
    check_i64(i, 60000);
    mlb_csv_close(csv);
    unlink(path);
    check_true(!mlb_csv_open(path, &err));
    check_fails(err.status, MLB_E_IO, &err, "cannot read: No such file");
    csv = mlb_csv_open("/", &err);
    check_true(csv && !mlb_csv_next(csv, &fields, &count, &err));
    check_fails(err.status, MLB_E_IO, &err, "/: cannot read: Is a directory");
    mlb_csv_close(csv);
}

static void a_column_is_found_by_its_name(void **state)
{
    (void)state;
    const char *const header[] = {"InstanceType", "Price"};
    check_u64(mlb_csv_find(header, 2, "Price"), 1);
    check_u64(mlb_csv_find(header, 2, "price"), 2);
    check_u64(mlb_csv_find(header, 0, "Price"), 0);
}

static void what_is_added_is_read_back(void **state)
{
    (void)state;
    const char *const values[] = {"plain", "", "a,b", "say \"so\"", "two\r\nlines", "\"", " "};
    struct mlb_text text = {0};
    for (size_t i = 0; i < 7; i++) {
        mlb_text_add(&text, i ? "," : "");
        mlb_csv_add(&text, values[i]);
    }
    check_contains(text.data, "plain,,\"a,b\",\"say \"\"so\"\"\",");
    const char *const *fields;
    size_t count;
    struct mlb_error err = {0};
    struct mlb_csv *csv = mlb_csv_memory("t", text.data, text.length, &err);
    check_true(mlb_csv_next(csv, &fields, &count, &err));
    check_u64(count, 7);
    for (size_t i = 0; i < 7; i++)
        check_text(fields[i], values[i]);
    mlb_csv_close(csv);
    mlb_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_as_written),
        cmocka_unit_test(what_is_wrong_has_its_line),
        cmocka_unit_test(a_record_knows_its_line),
        cmocka_unit_test(limits_are_said),
        cmocka_unit_test(a_file_reads_as_memory_does),
        cmocka_unit_test(a_column_is_found_by_its_name),
        cmocka_unit_test(what_is_added_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
