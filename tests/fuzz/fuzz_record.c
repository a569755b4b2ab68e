/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_record [SEED [COUNT]]: good records and journals with a few random changes. They are refused
 * with one line that names a place, or taken; what is taken can be printed in every form, written,
 * and read back, and their digest is the same. Input number i depends on SEED and i alone. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/measure/journal.h"
#include "harness/report/report.h"
#include "tests/measure/digest_same.h"
#include "tests/measure/records.h"

#define demand(condition) demand_at((condition), #condition, __LINE__)

static void demand_at(bool condition, const char *text, int line)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_record.c:%d: not true: %s\n", line, text);
    abort();
}

struct dice {
    uint64_t seed, drawn;
};

static size_t below(struct dice *dice, size_t bound)
{
    return bound ? (size_t)(mlb_rng_bits(dice->seed, dice->drawn++) % bound) : 0;
}

/* ---------------------------------------------------------------------------------- what is held
 */

static void check_refusal(enum mlb_status status, const struct mlb_error *err)
{
    demand(status == MLB_E_CONFIG && err->status == status);
    demand(err->text[0] != '\0' && strchr(err->text, '\n') == NULL);
}

static void check_taken(const struct mlb_result *result)
{
    struct mlb_report report = {.result = result};
    struct mlb_error err = {0};
    for (const struct mlb_printer *printer = mlb_printers; printer->name; printer++) {
        struct mlb_text text = {0};
        demand(printer->print(&report, &text, &err) == MLB_OK);
        mlb_text_free(&text);
    }
    struct mlb_result again;
    cJSON *json = mlb_result_to_json(result);
    demand(json && mlb_result_from_json(json, &again, &err) == MLB_OK);
    demand(again.row_count == result->row_count);
    cJSON_Delete(json);
    mlb_result_free(&again);
}

/* It looks at less than the reader of the whole: what that takes, it takes. */
static void check_digest(const char *path, const struct mlb_result *result)
{
    struct mlb_digests digests = {0};
    struct mlb_error err = {0};
    enum mlb_status status = mlb_digests_add(&digests, path, &err);
    if (status)
        check_refusal(status, &err);
    if (status && result)
        fprintf(stderr, "%s\n", err.text);
    if (result)
        demand(!status && digests.count == 1 && !digest_differs(&digests.items[0], result));
    mlb_digests_free(&digests);
}

/* ------------------------------------------------------------------------------ changes of a tree
 */

static const char *const values[] = {"0",
                                     "-1",
                                     "1.5",
                                     "1e308",
                                     "1e999",
                                     "\"\"",
                                     "true",
                                     "null",
                                     "[]",
                                     "{}",
                                     "[1]",
                                     "\"measured\"",
                                     "9007199254740993",
                                     "\"18446744073709551615\"",
                                     "{\"a\":{\"b\":[{}]}}",
                                     "[null,{\"x\":[]}]"};

static size_t count_items(const cJSON *item)
{
    size_t count = 1;
    for (const cJSON *child = item->child; child; child = child->next)
        count += count_items(child);
    return count;
}

/* The parent of item number `*number` in the order of the document; `*at` is its place there. */
static cJSON *find_parent(cJSON *item, size_t *number, int *at)
{
    int place = 0;
    for (cJSON *child = item->child; child; child = child->next, place++) {
        if ((*number)-- == 0) {
            *at = place;
            return item;
        }
        cJSON *found = find_parent(child, number, at);
        if (found)
            return found;
    }
    return NULL;
}

static void change_tree(struct dice *dice, cJSON *root)
{
    size_t number = below(dice, count_items(root) - 1);
    int at = 0;
    cJSON *parent = find_parent(root, &number, &at);
    cJSON *old = parent ? cJSON_GetArrayItem(parent, at) : NULL;
    if (!old)
        return;
    if (below(dice, 3) == 0) {
        cJSON_Delete(cJSON_DetachItemViaPointer(parent, old));
        return;
    }
    cJSON *value = cJSON_Parse(values[below(dice, sizeof values / sizeof *values)]);
    if (value && old->string) {
        value->string = cJSON_malloc(strlen(old->string) + 1);
        if (value->string)
            strcpy(value->string, old->string);
    }
    if (value && !cJSON_ReplaceItemViaPointer(parent, old, value))
        cJSON_Delete(value);
}

static bool feed_tree(struct dice *dice, const char *record)
{
    struct mlb_result result;
    struct mlb_error err = {0};
    cJSON *json = cJSON_Parse(record);
    demand(json != NULL);
    for (size_t changes = 1 + below(dice, 3); changes > 0; changes--)
        change_tree(dice, json);
    enum mlb_status status = mlb_result_from_json(json, &result, &err);
    if (status == MLB_OK)
        check_taken(&result);
    else
        check_refusal(status, &err);
    cJSON_Delete(json);
    mlb_result_free(&result);
    return status == MLB_OK;
}

/* ------------------------------------------------------------------------------ changes of a file
 */

static size_t change_bytes(struct dice *dice, char *text, size_t length)
{
    for (size_t changes = below(dice, 3); changes > 0 && length > 0; changes--) {
        size_t at = below(dice, length), size = 1 + below(dice, 40);
        size = size < length - at ? size : length - at;
        switch (below(dice, 4)) {
        case 0:
            text[at] = (char)below(dice, 256);
            break;
        case 1:
            memmove(text + at, text + at + size, length - at - size);
            length -= size;
            break;
        case 2:
            length = at;
            break;
        default:
            memmove(text + at, text + below(dice, length - size + 1), size);
            break;
        }
    }
    return length;
}

static void write_file(const char *path, const char *text, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    demand(fd >= 0 && write(fd, text, length) == (ssize_t)length);
    close(fd);
}

static bool feed_file(struct dice *dice, const char *path, const char *good, size_t length)
{
    struct mlb_result result;
    struct mlb_error err = {0};
    char *text = malloc(length + 1);
    demand(text != NULL);
    memcpy(text, good, length);
    write_file(path, text, change_bytes(dice, text, length));
    enum mlb_status status = mlb_result_load(path, &result, &err);
    check_digest(path, status == MLB_OK ? &result : NULL);
    if (status == MLB_OK)
        check_taken(&result);
    else
        check_refusal(status, &err);
    free(text);
    mlb_result_free(&result);
    return status == MLB_OK;
}

/* -------------------------------------------------------------------------------------- documents
 */

struct documents {
    char path[64];
    char *record, *journal;
    size_t record_length, journal_length;
};

static void make_documents(struct documents *documents)
{
    struct mlb_result result = {0};
    struct mlb_journal *journal;
    struct mlb_error err = {0};
    snprintf(documents->path, sizeof documents->path, "/tmp/mlb_fuzz_XXXXXX");
    int fd = mkstemp(documents->path);
    demand(fd >= 0);
    close(fd);
    record_cpu(&result);
    cJSON *json = mlb_result_to_json(&result);
    documents->record = cJSON_Print(json);
    documents->record_length = strlen(documents->record);
    cJSON_Delete(json);

    unlink(documents->path);
    demand(mlb_journal_create(documents->path, &result, &journal, &err) == MLB_OK);
    for (size_t i = 0; i < result.row_count; i++)
        demand(mlb_journal_append(journal, &result.rows[i], &err) == MLB_OK);
    mlb_journal_close(journal, false);
    demand(mlb_file_read(documents->path, 1 << 20, &documents->journal, &documents->journal_length,
                         &err) == MLB_OK);
    mlb_result_free(&result);
}

static uint64_t argument(int argc, char **argv, int index, uint64_t otherwise)
{
    return index < argc ? strtoull(argv[index], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    uint64_t seed = argument(argc, argv, 1, 1), count = argument(argc, argv, 2, 3000);
    uint64_t taken[3] = {0};
    struct documents documents;
    make_documents(&documents);
    for (uint64_t i = 0; i < count; i++) {
        struct dice dice = {.seed = (seed << 32) + i};
        taken[0] += feed_tree(&dice, documents.record);
        taken[1] += feed_file(&dice, documents.path, documents.record, documents.record_length);
        taken[2] += feed_file(&dice, documents.path, documents.journal, documents.journal_length);
    }
    unlink(documents.path);
    free(documents.record);
    free(documents.journal);
    printf("%llu each, taken: %llu trees, %llu records, %llu journals\n", (unsigned long long)count,
           (unsigned long long)taken[0], (unsigned long long)taken[1],
           (unsigned long long)taken[2]);
    /* A loop in which everything is refused, or nothing, tests nothing. */
    for (size_t i = 0; i < 3; i++)
        if (count >= 1000 && (taken[i] < count / 100 || taken[i] > count - count / 100))
            return 1;
    return 0;
}
