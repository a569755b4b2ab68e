/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include <unistd.h>

#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/measure/journal.h"
#include "tests/measure/records.h"

/* ------------------------------------------------------------------------------ the structures */

static void rows_survive_growth(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_error err = {0};
    for (uint64_t i = 0; i < 100; i++) {
        struct mlb_row row;
        record_random_row(&row, i);
        check_ok(mlb_result_add(&result, &row, &err), &err);
        check_true(row.time_ns == NULL && row.id[0] == '\0'); /* moved */
    }
    check_u64(result.row_count, 100);
    for (size_t i = 0; i < 100; i++) {
        const struct mlb_row *row = &result.rows[i];
        check_true(row->work.formula == row->formula);
        check_true(!row->verified || row->verification.method == row->verification_method);
        check_true(mlb_result_find(&result, row->id) == row);
    }
    check_true(mlb_result_find(&result, "no such row") == NULL);
    mlb_result_free(&result);
    check_true(result.rows == NULL && result.row_count == 0);
    mlb_result_free(NULL);
}

static void put_takes_the_place_of_the_same_case(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    struct mlb_error err = {0};
    record_cpu(&result);
    size_t count = result.row_count;
    struct mlb_row again = {.status = MLB_ROW_FAILED};
    mlb_format(again.id, sizeof again.id, "%s", result.rows[1].id);
    check_ok(mlb_result_put(&result, &again, &err), &err);
    check_u64(result.row_count, count);
    check_i64(result.rows[1].status, MLB_ROW_FAILED);
    struct mlb_row other = {.id = "another"};
    check_ok(mlb_result_put(&result, &other, &err), &err);
    check_u64(result.row_count, count + 1);
    check_text(result.rows[count].id, "another");
    mlb_result_free(&result);
}

/* What makes the exit code 4 is kept when the list is full; the same note is not told twice. */
static void notes(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    for (int i = 0; i < MLB_HEALTH_MAX + 10; i++) {
        mlb_result_note(&result, MLB_HEALTH_NOTE, "many", "number %d", i);
        mlb_result_note(&result, MLB_HEALTH_NOTE, "many", "number %d", i);
    }
    check_u64(result.health_count, MLB_HEALTH_MAX);
    check_text(result.health[MLB_HEALTH_MAX - 1].text, "number 63");
    mlb_result_note(&result, MLB_HEALTH_SICK, "ecc", "errors");
    check_u64(result.health_count, MLB_HEALTH_MAX);
    check_text(result.health[MLB_HEALTH_MAX - 1].code, "ecc");
    mlb_result_note(&result, MLB_HEALTH_WARN, "steal", "time");
    check_text(result.health[MLB_HEALTH_MAX - 1].code, "ecc");
    check_text(result.health[MLB_HEALTH_MAX - 2].code, "steal");
    mlb_result_free(&result);
}

static void facts(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    mlb_result_fact(&result, "os", "%s %d", "Debian", 12);
    mlb_result_fact(&result, "kernel", "6.1");
    mlb_result_fact(&result, "os", "Debian 13");
    check_u64(result.fact_count, 2);
    check_text(result.facts[0].value, "Debian 13");
    for (int i = 0; i < MLB_FACTS_MAX + 10; i++) {
        char name[24];
        snprintf(name, sizeof name, "fact%d", i);
        mlb_result_fact(&result, name, "x");
    }
    check_u64(result.fact_count, MLB_FACTS_MAX);
    mlb_result_free(&result);
}

/* --------------------------------------------------------------------------------------- rates */

static void rates(void **state)
{
    (void)state;
    struct mlb_row row = {.status = MLB_ROW_MEASURED};
    row.work = (struct mlb_work){.flop = 3e9, .bytes = 1e6, .bus_factor = 1.5};
    row.summary = (struct mlb_summary){.n = 10, .median = 2e6};

    struct mlb_rate rate = mlb_row_rate(&row, MLB_RATE_FLOP);
    check_true(rate.known);
    check_close(rate.value, 1.5e12, 1e-15);
    check_close(rate.low, 1.5e12, 1e-15); /* no interval */
    check_text(rate.unit, "FLOP/s");

    row.summary.interval = (struct mlb_interval){true, 1e6, 4e6, 0.95};
    rate = mlb_row_rate(&row, MLB_RATE_BUS);
    check_close(rate.value, 7.5e8, 1e-15);
    check_close(rate.low, 3.75e8, 1e-15); /* the longest time is the lowest rate */
    check_close(rate.high, 1.5e9, 1e-15);
    check_text(rate.unit, "B/s");
    check_close(mlb_row_rate(&row, MLB_RATE_BYTES).value, 5e8, 1e-15);

    row.work.operations = true;
    check_text(mlb_row_rate(&row, MLB_RATE_FLOP).unit, "OP/s");
    row.status = MLB_ROW_UNTRUSTED;
    check_true(mlb_row_rate(&row, MLB_RATE_FLOP).known);
    row.work.bus_factor = 0.0;
    check_true(!mlb_row_rate(&row, MLB_RATE_BUS).known);
    row.status = MLB_ROW_FAILED; /* a wrong result has no rate */
    check_true(!mlb_row_rate(&row, MLB_RATE_FLOP).known);
    row.status = MLB_ROW_MEASURED;
    row.summary.n = 0;
    check_true(!mlb_row_rate(&row, MLB_RATE_FLOP).known);
}

/* ------------------------------------------------------------------------------ there and back */

static char *print(const struct mlb_result *result)
{
    cJSON *json = mlb_result_to_json(result);
    check_true(json != NULL);
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    return text;
}

/* Same bits but for what is owned: that is compared by its text. */
static void check_same_row(struct mlb_row *a, struct mlb_row *b)
{
    check_u64(a->sample_count, b->sample_count);
    check_u64(a->rank_count, b->rank_count);
    check_u64(a->port_count, b->port_count);
    check_true(a->port_count == 0 ||
               memcmp(a->ports, b->ports, a->port_count * sizeof *a->ports) == 0);
    check_true(a->sample_count == 0 ||
               memcmp(a->time_ns, b->time_ns, a->sample_count * sizeof *a->time_ns) == 0);
    check_true(a->rank_count == 0 || memcmp(a->rank_median_ns, b->rank_median_ns,
                                            a->rank_count * sizeof *a->rank_median_ns) == 0);
    struct mlb_row *rows[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        mlb_row_free(rows[i]);
        rows[i]->work.formula = NULL;
        rows[i]->verification.method = NULL;
    }
    const unsigned char *left = (const unsigned char *)a, *right = (const unsigned char *)b;
    for (size_t i = 0; i < sizeof *a; i++)
        if (left[i] != right[i])
            fail_msg("struct mlb_row differs at byte %zu: a member is not written or not read", i);
}

static void check_same(struct mlb_result *a, struct mlb_result *b)
{
    check_u64(a->row_count, b->row_count);
    for (size_t i = 0; i < a->row_count; i++)
        check_same_row(&a->rows[i], &b->rows[i]);
    check_true((a->topology != NULL) == (b->topology != NULL));
    check_true((a->fabric != NULL) == (b->fabric != NULL) && record_take_links(a, b));
    struct mlb_result *results[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        cJSON_Delete(results[i]->topology);
        cJSON_Delete(results[i]->fabric);
        free(results[i]->rows);
        results[i]->topology = results[i]->fabric = NULL;
        results[i]->rows = NULL;
        results[i]->row_count = results[i]->row_capacity = 0;
    }
    const unsigned char *left = (const unsigned char *)a, *right = (const unsigned char *)b;
    for (size_t i = 0; i < sizeof *a; i++)
        if (left[i] != right[i])
            fail_msg("struct mlb_result differs at byte %zu: a member is not written or not read",
                     i);
}

static void read_back(struct mlb_result *result)
{
    struct mlb_error err = {0};
    struct mlb_json json = {0};
    struct mlb_result again;
    char *text = print(result);
    check_ok(mlb_json_parse(&json, "record", text, strlen(text), &err), &err);
    check_ok(mlb_result_from_json(json.root, &again, &err), &err);
    char *text_again = print(&again);
    check_text(text_again, text);
    free(text);
    free(text_again);
    mlb_json_close(&json);
    check_same(result, &again);
    mlb_result_free(&again);
}

static void random_results_survive(void **state)
{
    (void)state;
    struct mlb_result *result = calloc(1, sizeof *result);
    for (uint64_t seed = 0; seed < 60; seed++) {
        record_random(result, seed);
        read_back(result);
        mlb_result_free(result);
    }
    free(result);
}

static void a_tree_is_read_without_printing(void **state)
{
    (void)state;
    struct mlb_result result, again;
    struct mlb_error err = {0};
    record_random(&result, 1234);
    cJSON *json = mlb_result_to_json(&result);
    check_ok(mlb_result_from_json(json, &again, &err), &err);
    cJSON_Delete(json);
    check_same(&result, &again);
    mlb_result_free(&result);
    mlb_result_free(&again);
}

static void what_is_not_finite_is_absent(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    record_cpu(&result);
    result.rows[0].summary.lag1 = NAN;
    result.rows[0].telemetry.steal_fraction.value = INFINITY;
    char *text = print(&result);
    check_true(strstr(text, "null") == NULL && strstr(text, "inf") == NULL);
    check_true(strstr(text, "nan") == NULL);
    free(text);

    result.rows[0].summary.median = NAN; /* without it the row says nothing: refused, not null */
    check_true(mlb_row_to_json(&result.rows[0]) == NULL);
    check_true(mlb_result_to_json(&result) == NULL);
    mlb_result_free(&result);
}

static void text_that_is_not_utf8_is_mended(void **state)
{
    (void)state;
    struct mlb_row row = {.id = "x", .workload = "gemm", .label = "cut \xe2\x82"};
    row.status = MLB_ROW_SKIPPED;
    mlb_format(row.reason, sizeof row.reason, "caf\xc3\xa9 \xff \xed\xa0\x80 \xc0\xaf end");
    cJSON *json = mlb_row_to_json(&row);
    check_text(cJSON_GetObjectItem(json, "label")->valuestring, "cut ??");
    check_text(cJSON_GetObjectItem(json, "reason")->valuestring, "caf\xc3\xa9 ? ??? ?? end");
    cJSON_Delete(json);
}

/* A rate that nothing vouches for is not written, whatever the status claims. */
static void rates_need_a_verification(void **state)
{
    (void)state;
    struct mlb_result result = {0};
    record_cpu(&result);
    cJSON *json = mlb_row_to_json(&result.rows[0]);
    check_true(cJSON_HasObjectItem(json, "rates"));
    cJSON_Delete(json);
    result.rows[0].verified = false;
    json = mlb_row_to_json(&result.rows[0]);
    check_true(!cJSON_HasObjectItem(json, "rates"));
    cJSON_Delete(json);
    mlb_result_free(&result);
}

/* ------------------------------------------------------------------------------------ refusals */

/* A change of the GPU record and what the reader says about it. `at` is a path of keys and indices;
 * `to` is JSON for the new value, NULL removes it. */
struct refusal {
    const char *at;
    const char *to;
    const char *says;
};

static const struct refusal refusals[] = {
    {"schema", NULL, "schema: is missing; not a record of mlbench"},
    {"schema", "2", "newer mlbench (schema 2; this one reads up to 1): install version 0.1.0 or"},
    {"schema", "0", "schema: 0 is not a schema"},
    {"schema", "\"one\"", "schema: should be a whole number"},
    {"program", NULL, "program: is missing"},
    {"program", "7", "program: is a number, should be a text"},
    {"complete", "1", "complete: is a number, should be true or false"},
    {"ranks", "-1", "ranks: should be a whole number from 0 to 2147483647"},
    {"ranks", "2147483648", "ranks: should be a whole number from 0 to 2147483647"},
    {"ranks", "1.5", "ranks: should be a whole number"},
    {"seed", "\"18446744073709551616\"", "seed: should be a whole number"},
    {"seed", "\"12x\"", "seed: should be a whole number"},
    {"wall_s", "\"58\"", "wall_s: is a text, should be a number"},
    {"wall_s", "1e999", "wall_s: is not a finite number"},
    {"suite", "[]", "suite: is an array, should be an object"},
    {"suite.hash", NULL, "suite.hash: is missing"},
    {"device.name", "null", "device.name: is null, should be a text"},
    {"price.usd_per_hour", NULL, "price.usd_per_hour: is missing"},
    {"environment", "[]", "environment: is an array"},
    {"environment.os", "12", "environment.os: is a number, should be a text"},
    {"health", "{}", "health: is an object, should be an array"},
    {"health", "[7]", "health[0]: is a number, should be an object"},
    {"health", "[{\"level\":\"bad\",\"code\":\"a\",\"text\":\"b\"}]",
     "health[0].level: 'bad' is not known; known: note, warn, sick"},
    {"topology", "3", "topology: is a number, should be an object"},
    {"rows", "{}", "rows: is an object, should be an array"},
    {"rows.2", "[]", "rows[2]: is an array, should be an object"},
    {"rows.2.id", NULL, "rows[2].id: is missing"},
    {"rows.2.id", "\"gemm[cuda,cublaslt,bf16 8192x8192x8192]\"", "rows[2].id: 'gemm["},
    {"rows.2.label",
     "\"01234567890123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345\"",
     "rows[2].label: is 96 bytes long, at most 95 are allowed"},
    {"rows.2.params", NULL, "rows[2].params: is missing"},
    {"rows.2.params.dtype", "8", "rows[2].params.dtype: is a number, should be a text"},
    {"rows.2.status", "\"fine\"",
     "rows[2].status: 'fine' is not known; known: measured, skipped, untrusted, failed"},
    {"rows.2.status", "\"untrusted\"", "rows[2].reason: is missing; a row that is untrusted says"},
    {"rows.2.work.formula", NULL, "rows[2].work.formula: is missing"},
    {"rows.2.work.flop", "1", "rows[2].work.op: stands beside 'flop'"},
    {"rows.2.samples", NULL, "rows[2].samples: is missing, but 'time_ns' is there"},
    {"rows.2.samples.time_ns", "[]", "rows[2].samples.time_ns: is empty"},
    {"rows.2.samples.time_ns.1", "\"fast\"", "rows[2].samples.time_ns[1]: is a text, should be"},
    {"rows.2.samples.time_ns.1", "-1", "rows[2].samples.time_ns[1]: is negative"},
    {"rows.2.samples.time_ns.40", NULL, "rows[2].time_ns.n: is not the number of samples, 40"},
    {"rows.2.samples.stop_reason", "\"bored\"", "rows[2].samples.stop_reason: 'bored'"},
    {"rows.2.time_ns", NULL, "rows[2].time_ns: is missing"},
    {"rows.2.time_ns.median", NULL, "rows[2].time_ns.median: is missing"},
    {"rows.2.time_ns.ci_high", NULL, "rows[2].time_ns.ci_high: is missing"},
    {"rows.2.per_rank.median_ns", "1",
     "rows[2].per_rank.median_ns: is a number, should be an array"},
    {"rows.2.verification", NULL, "rows[2].verification: has not passed"},
    {"rows.2.verification.wrong", "1", "rows[2].verification: has not passed"},
    {"rows.2.verification.checked", "0", "rows[2].verification: has not passed"},
    {"rows.2.verification.method", NULL, "rows[2].verification.method: is missing"},
    {"rows.2.telemetry.source", NULL, "rows[2].telemetry.source: is missing"},
    {"rows.2.telemetry.power_mean_w", "\"hot\"",
     "rows[2].telemetry.power_mean_w: is a text, should be a number"},
};

static void change(cJSON *root, const char *at, const char *to)
{
    char path[128];
    mlb_format(path, sizeof path, "%s", at);
    char *save, *step = strtok_r(path, ".", &save), *next;
    for (; (next = strtok_r(NULL, ".", &save)) != NULL; step = next)
        root = cJSON_IsArray(root) ? cJSON_GetArrayItem(root, atoi(step))
                                   : cJSON_GetObjectItemCaseSensitive(root, step);
    cJSON *value = to ? cJSON_Parse(to) : NULL;
    check_true(root != NULL && (value != NULL || to == NULL));
    if (cJSON_IsArray(root) && value)
        cJSON_ReplaceItemInArray(root, atoi(step), value);
    else if (cJSON_IsArray(root))
        cJSON_DeleteItemFromArray(root, atoi(step));
    else {
        cJSON_DeleteItemFromObjectCaseSensitive(root, step);
        if (value)
            cJSON_AddItemToObject(root, step, value);
    }
}

static void damaged_records_are_refused(void **state)
{
    (void)state;
    struct mlb_result result = {0}, again;
    record_gpu(&result);
    char *text = print(&result);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct mlb_error err = {0};
        cJSON *json = cJSON_Parse(text);
        change(json, refusals[i].at, refusals[i].to);
        check_fails(mlb_result_from_json(json, &again, &err), MLB_E_CONFIG, &err, refusals[i].says);
        check_true(again.rows == NULL && again.row_count == 0);
        cJSON_Delete(json);
    }
    free(text);
    mlb_result_free(&result);
}

static void unknown_keys_are_passed_over(void **state)
{
    (void)state;
    struct mlb_result result = {0}, again;
    struct mlb_error err = {0};
    record_cpu(&result);
    cJSON *json = mlb_result_to_json(&result);
    change(json, "of_later", "[1, {}]");
    change(json, "rows.0.of_later", "true");
    check_ok(mlb_result_from_json(json, &again, &err), &err);
    cJSON_Delete(json);
    char *before = print(&result), *after = print(&again);
    check_text(after, before);
    free(before);
    free(after);
    mlb_result_free(&result);
    mlb_result_free(&again);
}

/* --------------------------------------------------------------------------------------- files */

static const char *in_folder(char *to, size_t size, const char *name)
{
    const char *folder = getenv("TMPDIR");
    mlb_format(to, size, "%s/mlb_result_%d_%s", folder ? folder : "/tmp", (int)getpid(), name);
    return to;
}

static void write_file(const char *path, const char *text)
{
    struct mlb_error err = {0};
    check_ok(mlb_file_write_atomic(path, text, strlen(text), &err), &err);
}

static void records_and_journals_are_loaded(void **state)
{
    (void)state;
    struct mlb_error err = {0};
    struct mlb_result result = {0}, again;
    char path[256];
    in_folder(path, sizeof path, "record.json");
    record_gpu(&result);
    check_ok(mlb_result_save(&result, path, &err), &err);
    check_ok(mlb_result_load(path, &again, &err), &err);
    check_u64(again.row_count, result.row_count);
    check_text(again.device.name, "NVIDIA H200");
    mlb_result_free(&again);
    unlink(path);

    struct mlb_journal *journal;
    check_ok(mlb_journal_create(path, &result, &journal, &err), &err);
    check_ok(mlb_journal_append(journal, &result.rows[0], &err), &err);
    mlb_journal_close(journal, false);
    check_ok(mlb_result_load(path, &again, &err), &err);
    check_u64(again.row_count, 1);
    mlb_result_free(&again);
    mlb_result_free(&result);
    unlink(path);
}

static void files_that_are_no_records(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } table[] = {
        {"", ":1: "},
        {"{\"schema\": 1", ":1: "},
        {"not JSON\n", ":1: "},
        {"{\"name\": \"left-pad\", \"version\": \"1.3.0\"}\n",
         "schema: is missing; not a record of mlbench"},
        {"[1, 2, 3]\n", "schema: is missing; not a record of mlbench"},
        {"{\n\"schema\": 3,\n\"rows\": []\n}\n",
         "written by a newer mlbench (schema 3; this one reads up to 1): update mlbench"},
        {"{\"schema\":3}\n", "written by a newer mlbench (schema 3"},
        {"{\"schema\":1}\n", "program: is missing"},
    };
    char path[256];
    struct mlb_result result;
    struct mlb_error err = {0};
    in_folder(path, sizeof path, "other");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        write_file(path, table[i].text);
        check_fails(mlb_result_load(path, &result, &err), MLB_E_CONFIG, &err, table[i].says);
        check_contains(err.text, path);
    }
    unlink(path);
    check_fails(mlb_result_load(path, &result, &err), MLB_E_IO, &err, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_survive_growth),
        cmocka_unit_test(put_takes_the_place_of_the_same_case),
        cmocka_unit_test(notes),
        cmocka_unit_test(facts),
        cmocka_unit_test(rates),
        cmocka_unit_test(random_results_survive),
        cmocka_unit_test(a_tree_is_read_without_printing),
        cmocka_unit_test(what_is_not_finite_is_absent),
        cmocka_unit_test(text_that_is_not_utf8_is_mended),
        cmocka_unit_test(rates_need_a_verification),
        cmocka_unit_test(damaged_records_are_refused),
        cmocka_unit_test(unknown_keys_are_passed_over),
        cmocka_unit_test(records_and_journals_are_loaded),
        cmocka_unit_test(files_that_are_no_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
