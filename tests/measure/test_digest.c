/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/measure/digest.h"
#include "harness/measure/journal.h"
#include "tests/check.h"
#include "tests/measure/digest_same.h"
#include "tests/measure/records.h"
#include "tests/measure/records_many.h"

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))
#define OLD_RECORD      MLB_TEST_SOURCE_DIR "/tests/measure/record_schema1.json"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    mlb_format(folder, sizeof folder, "/tmp/mlb_digest_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

struct path {
    char text[128];
};

static struct path in_folder(const char *name)
{
    struct path path;
    mlb_format(path.text, sizeof path.text, "%s/%s", folder, name);
    return path;
}

/* Without waiting for the disk, as mlb_result_save does. */
static void write_text(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "w");
    check_true(file && fwrite(text, 1, length, file) == length);
    check_true(fclose(file) == 0);
}

static void save(struct mlb_result *result, const char *path)
{
    cJSON *json = mlb_result_to_json(result);
    char *text = json ? cJSON_Print(json) : NULL;
    check_true(text != NULL);
    write_text(path, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(json);
    mlb_result_free(result);
}

static void check_same(const char *path)
{
    struct mlb_result result;
    struct mlb_digests digests = {0};
    struct mlb_error err = {0};
    check_ok(mlb_result_load(path, &result, &err), &err);
    check_ok(mlb_digests_add(&digests, path, &err), &err);
    check_u64(digests.count, 1);
    check_text(digests.items[0].path, path);
    const char *differs = digest_differs(&digests.items[0], &result);
    if (differs)
        print_error("%s: not true: %s\n", path, differs);
    check_true(!differs);
    mlb_digests_free(&digests);
    mlb_result_free(&result);
}

static void check_refused(const char *path, enum mlb_status status, const char *says)
{
    struct mlb_digests digests = {0};
    struct mlb_error err = {0};
    check_fails(mlb_digests_add(&digests, path, &err), status, &err, says);
    check_true(digests.count == 0);
    mlb_digests_free(&digests);
}

static void records_are_digested(void **state)
{
    (void)state;
    struct path path = in_folder("a.json");
    for (const struct record_maker *maker = record_makers; maker->name; maker++) {
        struct mlb_result result = {0};
        maker->make(&result);
        save(&result, path.text);
        check_same(path.text);
    }
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct mlb_result result;
        record_random(&result, seed);
        save(&result, path.text);
        check_same(path.text);
    }
    unlink(path.text);
    check_same(OLD_RECORD);
}

static void journals_are_digested(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_journal *journal;
    struct mlb_error err = {0};
    struct path path = in_folder("a.journal");
    record_cpu(&result);
    result.complete = false;
    check_ok(mlb_journal_create(path.text, &result, &journal, &err), &err);
    for (size_t i = 0; i < 2; i++)
        check_ok(mlb_journal_append(journal, &result.rows[i], &err), &err);
    mlb_journal_close(journal, false);
    mlb_result_free(&result);
    check_same(path.text);
    unlink(path.text);
}

static struct path save_gpu(void)
{
    struct path path = in_folder("gpu.json");
    struct mlb_result result = {0};
    record_gpu(&result);
    save(&result, path.text);
    return path;
}

/* What is exchanged in a good record's text, and what is said then. */
static const struct {
    const char *from, *to, *says;
} changes[] = {
    {"\"schema\":\t1", "\"schema\":\t2",
     "gpu.json:4: written by a newer mlbench (schema 2; this one reads up to 1): install version "
     "0.1.0 or newer"},
    {"\"schema\":\t1,", "\"schema\":\t3, \"rows\": 7,", "written by a newer mlbench (schema 3"},
    {"\"schema\":\t1", "\"schema\":\t0", "gpu.json:2: schema: 0 is not a schema of mlbench"},
    {"\"schema\":\t1,", "", "gpu.json: is JSON, but not a record of mlbench"},
    {"\"run_id\":", "\"run_di\":", "'run_id' is missing"},
    {"\"complete\":\ttrue", "\"complete\":\t1", "gpu.json:9: 'complete' is a number, should be"},
    {"\"ranks\":\t8", "\"ranks\":\t-8", "'ranks' is no whole number from 0 on"},
    {"\"ranks\":\t8", "\"ranks\":\t2147483648", "'ranks' should be a whole number from 0 to 21474"},
    {"\"host_kind\":", "\"data\":\t\"normal\",\"host_kind\":", "'data' stands twice in one object"},
    {"\"suite\":", "\"price\":\t{\"usd_per_hour\":1},\"suite\":", "'price' stands twice"},
    {"\"suite\":", "\"suites\":", "'suite' is missing"},
    {"\"os\":", "\"nvidia_driver\":", "'nvidia_driver' stands twice"},
    {"\"dtype\":\t\"bf16\"", "\"dtype\":\t\"bf16\",\"dtype\":\t\"f16\"", "'dtype' stands twice"},
    {"\"dtype\":\t\"bf16\"", "\"dtype\":\t16", "'dtype' is a number, should be a text"},
    {"\"status\":\t\"measured\"", "\"status\":\t\"good\"",
     "'status': 'good' is not known; known: measured, skipped, untrusted, failed"},
    {"\"status\":\t\"measured\"", "\"status\":\t\"skipped\"", "'reason' is missing; a row that is"},
    {"\"formula\":", "\"formulas\":", "'formula' is missing"},
    {"\"flop\":", "\"op\":\t1, \"flop\":", "'op' stands beside 'flop'"},
    {"\"samples\":", "\"sample\":", "'samples' is missing, but 'time_ns' is there"},
    {"\"median\":", "\"medium\":", "'median' is missing"},
    {"\"ci_high\":", "\"ci_hi\":", "'ci_high' is missing"},
    {"\"wrong\":\t0", "\"wrong\":\t1", "'verification' has not passed, but the row says"},
    {"\"label\":\t\"",
     "\"label\":\t\"0123456789012345678901234567890123456789012345678901234567890"
     "1234567890123456789012345678901234567890123456789",
     "'label' is 12"},
    {"\"rows\":", "\"row\":", "gpu.json: rows: is missing"},
    {"\"rows\":\t[{", "\"rows\":\t[7, {", "a number stands where an object should"},
    {"\"health\":\t[", "\"health\":\t[{\"level\":\"bad\"},", "'level': 'bad' is not known"},
    {"gemm[cuda,cublaslt,bf16 8192x8192x8192]", "gemm[\xff]", "byte 0xff is not UTF-8"},
};

/* `text` with the first `from` replaced; free it. */
static char *exchange(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    check_true(at != NULL);
    struct mlb_text changed = {0};
    mlb_text_addf(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    check_true(!changed.failed);
    return changed.data;
}

static void damaged_records_are_refused(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct path path = save_gpu();
    char *text;
    size_t length;
    check_ok(mlb_file_read(path.text, 1 << 20, &text, &length, &err), &err);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct mlb_result result;
        char *changed = exchange(text, changes[i].from, changes[i].to);
        write_text(path.text, changed, strlen(changed));
        check_refused(path.text, MLB_E_CONFIG, changes[i].says);
        check_true(mlb_result_load(path.text, &result, &err) == MLB_E_CONFIG);
        free(changed);
    }
    for (size_t cut = 1; cut < length - 2; cut += cut < 500 ? 1 : 97) {
        write_text(path.text, text, cut);
        check_refused(path.text, MLB_E_CONFIG, "gpu.json:");
    }
    unlink(path.text);
    free(text);
}

static void files_that_are_no_records(void **state)
{
    (void)state;
    struct path path = in_folder("x.json");
    check_refused(path.text, MLB_E_IO, "x.json: cannot read: No such file");
    check_refused(folder, MLB_E_IO, "cannot read: Is a directory");
    write_text(path.text, "{\"price\": 1}", 12);
    check_refused(path.text, MLB_E_CONFIG, "x.json: is JSON, but not a record of mlbench");
    write_text(path.text, "[]", 2);
    check_refused(path.text, MLB_E_CONFIG, "x.json: is JSON, but not a record of mlbench");
    check_true(truncate(path.text, (256 << 20) + 1) == 0);
    check_refused(path.text, MLB_E_IO, "x.json: cannot read: larger than 256 MiB");
    unlink(path.text);
}

static struct path numbered(size_t i)
{
    char name[32];
    mlb_format(name, sizeof name, "%03zu.json", i);
    return in_folder(name);
}

enum { MANY = 60 };

static void write_many(void)
{
    for (size_t i = 0; i < MANY; i++) {
        struct mlb_result result = {0};
        record_makers[i % 4].make(&result);
        mlb_format(result.run_id, sizeof result.run_id, "%032zu", i);
        save(&result, numbered(i).text);
    }
}

/* In the order given whichever thread reads them, every text once, foreign files passed over. */
static void many_are_read_at_once(void **state)
{
    (void)state;
    struct mlb_digests digests = {0};
    struct mlb_error err = {0};
    struct path paths[MANY];
    struct mlb_digest_file files[MANY];
    struct mlb_digest_counts counts;
    size_t at = 0;
    write_many();
    for (size_t i = 0; i < MANY; i++) {
        paths[i] = numbered(MANY - 1 - i);
        files[i] = (struct mlb_digest_file){paths[i].text, i % 10 == 3};
    }
    write_text(paths[3].text, "{\"schema\": 1}", 13);
    write_text(paths[13].text, "[1, 2]", 6);
    check_ok(mlb_digests_add_files(&digests, files, MANY, NULL, &counts, &err), &err);
    check_u64(counts.passed_over, 2);
    check_u64(counts.unwanted, 0);
    check_u64(digests.count, MANY - 2);
    for (size_t i = 0; i < MANY; i++) {
        if (i == 3 || i == 13)
            continue;
        check_text(digests.items[at].path, paths[i].text);
        check_i64(atoi(digests.items[at].run_id), MANY - 1 - (int)i);
        at++;
    }
    const struct mlb_digest *a = &digests.items[0], *b = &digests.items[3];
    check_text(a->suite, b->suite);
    check_true(a->version == b->version && a->row_count == b->row_count);
    for (size_t i = 0; i < a->row_count; i++)
        check_true(a->rows[i].name == b->rows[i].name);
    mlb_digests_free(&digests);
}

/* The first in the order given is told, and what was there before stays. */
static void the_first_bad_one_is_told(void **state)
{
    (void)state;
    struct mlb_digests digests = {0};
    struct mlb_error err = {0};
    struct path paths[MANY];
    struct mlb_digest_file files[MANY];
    struct mlb_digest_counts counts;
    check_ok(mlb_digests_add(&digests, OLD_RECORD, &err), &err);
    for (size_t i = 0; i < MANY; i++) {
        paths[i] = numbered(i);
        files[i] = (struct mlb_digest_file){paths[i].text, true};
    }
    write_text(paths[20].text, "{\"schema\": 1,", 13);
    write_text(paths[21].text, "{\"schema\": 1,", 13);
    write_text(paths[50].text, "{\"schema\": 1,", 13);
    for (int i = 0; i < 20; i++) {
        check_fails(mlb_digests_add_files(&digests, files, MANY, NULL, &counts, &err), MLB_E_CONFIG,
                    &err, "/020.json:1: cut off");
        check_u64(digests.count, 1);
    }
    check_text(digests.items[0].path, OLD_RECORD);
    check_u64(digests.items[0].row_count, 6);
    mlb_digests_free(&digests);
    for (size_t i = 0; i < MANY; i++)
        unlink(paths[i].text);
}

/* Bytes that are allocated; 0 where nobody counts them. */
static size_t held(void)
{
#if __GLIBC_PREREQ(2, 33) && !defined(__SANITIZE_ADDRESS__)
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

/* Of 18 MB of records, short rows are left, and names once. */
static void memory_is_that_of_short_rows(void **state)
{
    (void)state;
    enum { RECORDS = 60, ROWS = 80, BYTES_A_ROW = 300, NAMES = 200 << 10 };
    const struct fleet fleet = {ROWS, 60, 0.005, 0.0, "aws"};
    struct mlb_digests digests = {0};
    struct mlb_digest_counts counts;
    struct mlb_error err = {0};
    struct path paths[RECORDS];
    struct mlb_digest_file files[RECORDS];
    for (size_t i = 0; i < RECORDS; i++) {
        struct mlb_result result = {0};
        paths[i] = numbered(i);
        files[i] = (struct mlb_digest_file){paths[i].text, false};
        record_of_fleet(&result, &fleet, i);
        save(&result, paths[i].text);
    }
    check_same(paths[3].text);
    size_t before = held();
    check_ok(mlb_digests_add_files(&digests, files, RECORDS, NULL, &counts, &err), &err);
    check_true(held() - before < NAMES + (size_t)RECORDS * ROWS * BYTES_A_ROW);
    for (size_t i = 0; i < RECORDS; i++) {
        check_u64(digests.items[i].row_count, ROWS);
        check_true(digests.items[i].rows[9].name == digests.items[0].rows[9].name);
        unlink(paths[i].text);
    }
    mlb_digests_free(&digests);
}

static void rates_of_a_digest(void **state)
{
    (void)state;
    struct mlb_result result;
    struct mlb_digests digests = {0};
    struct mlb_error err = {0};
    check_ok(mlb_result_load(OLD_RECORD, &result, &err), &err);
    check_ok(mlb_digests_add(&digests, OLD_RECORD, &err), &err);
    for (size_t i = 0; i < result.row_count; i++) {
        const struct mlb_digest_row *row = &digests.items[0].rows[i];
        enum mlb_rate_kind kind = mlb_row_rate_kind(&result.rows[i]);
        struct mlb_rate a = mlb_row_rate(&result.rows[i], kind);
        struct mlb_rate b = mlb_work_rate(&row->work, &row->time, mlb_work_rate_kind(&row->work));
        check_true(a.known && b.known);
        check_close(b.value, a.value, 0);
        check_close(b.low, a.low, 0);
        check_close(b.high, a.high, 0);
        check_text(b.unit, a.unit);
    }
    mlb_digests_free(&digests);
    mlb_result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_that_of_short_rows),
        cmocka_unit_test(records_are_digested),
        cmocka_unit_test(journals_are_digested),
        cmocka_unit_test(damaged_records_are_refused),
        cmocka_unit_test(files_that_are_no_records),
        cmocka_unit_test(many_are_read_at_once),
        cmocka_unit_test(the_first_bad_one_is_told),
        cmocka_unit_test(rates_of_a_digest),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
